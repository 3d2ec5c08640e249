"""The page of one task: what managers see of it, and whom it names. Real rows and sound."""

import re

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from annotation import services
from annotation.models import Assignment, Campaign, GoldTruth, Task
from tests import worlds
from tests.hub import reading, rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def address(task: Task) -> str:
    return f"/c/bleed/tasks/{task.pk}/"


def test_a_closed_task_with_answers_consensus_history_and_what_learned_from_it(
    campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    round_ = rounds.listening(campaign, 1)
    (task,) = Task.objects.all()
    rounds.judged(round_, worlds.member(campaign, "ann"), "promoted", "child", sdr_median=3.0)
    with django_assert_max_num_queries(15):
        html = owner.get(address(task)).content.decode()
    page = reading.main(html)
    assert f"Task {task.pk} closed" in page and "0 to 15" in page and "all answers:" in page
    assert "2.00 to 4.00 s" in page and 'data-from="2.0" data-to="4.0"' in html
    assert re.search(r"Round 1 froze it with 1 region *: it fed child000 , promoted", page), page
    assert f"closed task {task.pk}" in page
    for link in (f"/c/bleed/tracks/{task.track_id}/", "/c/bleed/rounds/1/", f"/c/bleed/checkpoints/{'child'.ljust(64, '0')}/"):
        assert f'href="{link}"' in html, link


def test_of_an_open_task_no_marks_are_told_before_one_asks(campaign: Campaign, owner: Client) -> None:
    rounds.listening(campaign, 1)
    task = Task.objects.get()
    Task.objects.update(overlap=2, max_overlap=2)
    worlds.answer(task, worlds.member(campaign, "ann"), (2.0, 4.0))
    html = owner.get(address(task)).content.decode()
    assert '<details class="lanes-of-open">' in html and "data-from" not in html
    assert "1 of 2" in reading.main(html)


def test_nobody_is_named_while_a_reviewer_decides(campaign: Campaign, owner: Client) -> None:
    rounds.listening(campaign, 1)
    task = Task.objects.get()
    worlds.answer(task, worlds.member(campaign, "ann"), (2.0, 4.0))
    Task.objects.update(state=Task.State.IN_REVIEW, contested=True)
    html = owner.get(address(task)).content.decode()
    assert "listener 1" in html and ">ann<" not in html
    assert f'href="{reverse("review", args=["bleed", task.pk])}"' in html


def test_skips_are_told_with_their_reason(campaign: Campaign, owner: Client) -> None:
    rounds.listening(campaign, 1)
    ann = worlds.member(campaign, "ann")
    task = worlds.given(ann)
    assert "In hand now: ann" in reading.text(owner, address(task))
    services.skip(task=task, by=ann, reason=Assignment.SkipReason.CANNOT_DECIDE)
    assert "skipped it: cannot decide" in reading.text(owner, address(task))


def test_a_gold_task_tells_its_truth(campaign: Campaign, owner: Client) -> None:
    rounds.listening(campaign, 1)
    task = Task.objects.get()
    Task.objects.update(kind=Task.Kind.GOLD)
    GoldTruth.objects.create(task=task, file="aa/gold.flac", regions=[[3.0, 5.0]], level="loud", level_db=-6)
    page = reading.text(owner, address(task))
    assert "Its truth is known: a leak of the level “loud” (-6 dB" in page and "Nothing learns from a gold task." in page
    assert "known truth" in page


def test_it_can_be_heard_where_there_is_a_sound(campaign: Campaign, owner: Client) -> None:
    tone = worlds.flac(0.3 * np.sin(np.arange(20 * worlds.RATE) * 0.17))
    track = worlds.song(campaign, {"mixture": tone}, tone, name="evening")
    (task,) = worlds.opened([worlds.clip(track)])
    html = owner.get(address(task)).content.decode()
    assert html.count("<audio") == 3 and f'src="/media/tasks/{task.pk}/vocals.png"' in html
    campaign.tracks.get().estimates.all().delete()
    assert "what the checkpoint extracted is gone" in reading.text(owner, address(task))


class TestTheHistory:
    def test_its_words_lead_to_what_they_name(self, campaign: Campaign, owner: Client) -> None:
        round_ = rounds.listening(campaign, 1)
        rounds.judged(round_, worlds.member(campaign, "ann"), "promoted", "child", sdr_median=3.0)
        task = Task.objects.get()
        html = owner.get("/c/bleed/parts/history/").content.decode()
        person = campaign.memberships.get(pseudonym="ann")
        assert f'<a href="/c/bleed/people/{person.pk}/about/">ann</a>' in html
        assert f'answered <a href="{address(task)}">task {task.pk}</a>: 1 mark' in html
        assert '<a href="/c/bleed/rounds/1/">round 1</a>' in html
        assert f'<a href="/c/bleed/checkpoints/{"child".ljust(64, "0")}/">child000</a>' in html

    def test_an_annotator_gets_only_what_they_may_open(self, campaign: Campaign) -> None:
        rounds.listening(campaign, 1)
        html = worlds.client(campaign, "ann").get("/c/bleed/parts/history/").content.decode()
        assert "/rounds/1/" in html and "/tasks/" not in html and "/people/" not in html

    def test_many_skips_are_one_line_and_verdicts_do_not_drown(self, campaign: Campaign, owner: Client) -> None:
        round_ = rounds.listening(campaign, 6)
        for name in ("ann", "ben"):
            person = worlds.member(campaign, name)
            for _ in range(3):
                services.skip(task=worlds.given(person), by=person, reason=Assignment.SkipReason.CANNOT_DECIDE)
        html = owner.get("/c/bleed/parts/history/").content.decode()
        assert "6 skips of 2 people</summary>" in html and html.count("cannot decide") == 6
        assert f"opened round {round_.number}" in reading.words(html)
        found = reading.main(owner.get("/c/bleed/audit/?thing=skips").content.decode())
        assert found.count("cannot decide") >= 6 and "joined as" not in found
        found = reading.main(owner.get("/c/bleed/audit/?thing=people").content.decode())
        assert "joined as annotator" in found and "cannot decide" not in found

    def test_names_stay_text(self, campaign: Campaign, owner: Client) -> None:
        track = worlds.track(campaign, "<b>x & round 1")
        services.set_aside(track=track, reason="it is <i>", who=campaign.memberships.get(pseudonym="owner"))
        html = owner.get("/c/bleed/parts/history/").content.decode()
        assert (
            f'the song <a href="/c/bleed/tracks/{track.pk}/">&lt;b&gt;x &amp; round 1</a>' in html
            and "<b>x" not in html
            and "<i>" not in html
        )
