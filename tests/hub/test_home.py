"""The front page, and the home of who steers campaigns: what stands there, for whom, and in how many questions."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from annotation.models import Campaign, Pause, Task
from annotation.selectors import rounds as annotation_rounds
from annotation.services.notes import write_note
from hub.pages import home
from learner.models import Adaptation, Job, Round
from learner.selectors.standing import managed, standings
from tests import worlds
from tests.hub import rounds

pytestmark = pytest.mark.django_db


def boss(campaign: Campaign, role: str = "owner") -> Client:
    if not campaign.memberships.filter(user__username="boss").exists():
        worlds.member(campaign, "boss", role)
    return worlds.signed_in(worlds.user("boss"))


def text(client: Client, url: str = "/campaigns/") -> str:
    answered = client.get(url)
    assert answered.status_code == 200
    return str(answered.content.decode())


class TestTheFrontPage:
    def test_who_steers_one_campaign_comes_to_it_and_who_steers_several_to_the_home(self) -> None:
        client = boss(worlds.campaign())
        worlds.member(worlds.campaign("heard"), "boss")
        assert client.get("/").headers["Location"] == "/c/test/"
        boss(worlds.campaign("second"), "manager")
        assert client.get("/").headers["Location"] == "/campaigns/"

    @pytest.mark.parametrize("role", ["annotator", "reviewer"])
    def test_everybody_else_keeps_the_queue(self, role: str) -> None:
        client = worlds.client(worlds.campaign(), "ann", role)
        assert "<h1>My queue</h1>" in text(client, "/") and "<h1>My queue</h1>" in text(client, "/queue/")
        assert 'href="/campaigns/"' not in text(client, "/")
        assert "You steer no campaign yet" in text(client)

    def test_the_header_leads_home_from_every_page(self) -> None:
        client = boss(worlds.campaign())
        assert '<a href="/campaigns/">Campaigns</a>' in text(client, "/queue/")
        assert "<h1>My queue</h1>" in text(client, "/queue/")


class TestWhatItSays:
    def test_a_new_campaign_says_what_is_missing(self) -> None:
        page = text(boss(worlds.campaign()))
        assert "no songs in its pool" in page and "Still missing:" in page
        for url in ("/c/test/tracks/add/", "/c/test/#base", "/c/test/links/"):
            assert f'href="{url}"' in page

    def test_all_that_waits_is_counted_and_leads_there(self) -> None:
        campaign = worlds.campaign()
        client, ann = boss(campaign), worlds.member(campaign)
        worlds.tasks(campaign, 3)
        task = worlds.given(ann)
        Task.objects.exclude(pk=task.pk).update(state=Task.State.IN_REVIEW, contested=True)
        write_note(task=task, by=ann, text="What is this?", client_key=uuid.uuid4())
        Pause.objects.create(membership=ann, score=0.2, wanted=0.5, n_answers=8, appealed=now(), appeal="No.")
        worlds.track(campaign, "broken", set_aside=now() - timedelta(hours=1), set_aside_reason="cut short")
        page = text(client)
        for words, url in (
            ("2 clips wait for a reviewer", "review/"),
            ("1 note waits for a reply", "notes/"),
            ("1 appeal waits against a pause to be decided", "people/"),
            ("1 song waits to be looked at: set aside", "tracks/"),
        ):
            assert f'<a href="/c/test/{url}">{words}</a>' in page
        assert "In 1 of 1 campaign something waits" in page

    def test_a_failed_round_is_named_with_its_reason(self) -> None:
        campaign = rounds.campaign()
        rounds.listening(campaign)
        client = boss(campaign)
        Round.objects.update(state=Round.State.FAILED, finished=now())
        Job.objects.update(state=Job.State.FAILED, reason="no room")
        page = text(client)
        assert '<a href="/c/bleed/rounds/1/">Round 1 failed: no room</a>' in page

    def test_a_refused_round_is_named_with_the_gates_reason(self) -> None:
        campaign = worlds.with_model(worlds.campaign(), worlds.checkpoint("base"))
        worlds.ended_round(campaign, worlds.checkpoint("child"), "refused")
        Adaptation.objects.update(reasons=["It forgot too much."])
        assert '<a href="/c/test/rounds/1/">The gate refused round 1: It forgot too much.</a>' in text(boss(campaign))

    def test_where_most_waits_comes_first(self) -> None:
        first, second = worlds.campaign("a"), worlds.campaign("b")
        client = boss(first)
        boss(second)
        worlds.tasks(second, 1)
        Task.objects.update(state=Task.State.IN_REVIEW, contested=True)
        page = text(client)
        assert page.index('id="home-b"') < page.index('id="home-a"')

    def test_campaigns_of_others_are_not_there(self) -> None:
        client = boss(worlds.campaign())
        worlds.member(worlds.campaign("heard"), "boss", "reviewer")
        worlds.campaign("strange")
        assert 'id="home-heard"' not in text(client) and 'id="home-strange"' not in text(client)


def test_progress_is_that_of_the_campaigns_page() -> None:
    campaign = rounds.campaign()
    rounds.listening(campaign)
    user = worlds.account(worlds.member(campaign, "boss", "owner"))
    (one,) = standings(managed(user))
    assert one.turn and one.turn.round.number == 1
    assert one.progress == annotation_rounds.progress(campaign, 1)


def test_twenty_campaigns_ask_as_few_questions_as_one(
    django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "SHOWN", 3)
    for number in range(4):
        campaign = worlds.with_model(worlds.campaign(f"c{number}"), worlds.checkpoint(f"{number}"))
        boss(campaign)
        rounds.listening(campaign)
    client = worlds.signed_in(worlds.user("boss"))
    with django_assert_max_num_queries(12):
        page = text(client)
    assert page.count('class="card" id="home-') == 3 and "page 1 of 2" in page
    assert text(client, "/campaigns/?page=2").count('class="card" id="home-') == 1
