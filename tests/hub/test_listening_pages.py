"""Managers' pages of listening tests: begun by a form, nothing told before the end, and then the result with its CSV."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation.models import Campaign, ListeningClip, ListeningTest, Preference, Track
from learner.models import Checkpoint, Job
from tests import worlds
from tests.hub import rounds


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    """With a promoted child, and two songs that have a mixture."""
    settings.HOME = tmp_path
    campaign = rounds.campaign()
    worlds.ended_round(campaign, worlds.checkpoint("child", Checkpoint.objects.get()), "promoted")
    for name in ("one", "two"):
        worlds.track(campaign, name).stems.create(name="mixture", file="aa/x.flac")
    Checkpoint.objects.update(file="bb/y.safetensors")
    return campaign


@pytest.fixture
def boss(campaign: Campaign) -> Client:
    return worlds.client(campaign, "boss", "owner")


def begun(campaign: Campaign) -> ListeningTest:
    """Two clips that three people have compared: each prefers the child in the first song."""
    base, child = Checkpoint.objects.order_by("pk")
    test = ListeningTest.objects.create(campaign=campaign, checkpoint=child.hash, other=base.hash, drawn=True, seed=1, asks_leak=True)
    clips = [ListeningClip.objects.create(test=test, track=one, start=5.0, end=15.0) for one in Track.objects.order_by("pk")]
    for name in ("=ann", "ben", "cleo"):
        by = worlds.member(campaign, name)
        for clip, better in zip(clips, ("checkpoint", "none"), strict=True):
            said = {"better": better, "leaks_less": "other", "was_first": name == "ben", "heard": {"a": 3.0, "b": 2.5, "mix": 0.0}}
            Preference.objects.create(clip=clip, by=by, **said)
    return test


def test_the_form_begins_with_the_current_checkpoint_and_its_parent(campaign: Campaign, boss: Client) -> None:
    base, child = Checkpoint.objects.order_by("pk")
    page = boss.get("/c/bleed/listening-tests/").content.decode()
    assert f'value="{child.hash}" selected' in page and f'value="{base.hash}" selected' in page and "there are 2" in page
    said = {"checkpoint": child.hash, "other": base.hash, "which": "drawn", "n_songs": 1, "n_each": 2, "seconds": 8, "place": "random"}
    answer = boss.post("/c/bleed/listening-tests/", said | {"by_links": "on"})
    test = ListeningTest.objects.get()
    assert answer["Location"] == f"/c/bleed/listening-tests/{test.pk}/"
    assert (test.place, test.seconds, test.by_links, test.asks_leak, test.clips.count()) == ("random", 8.0, True, False, 2)
    assert Job.objects.filter(kind="separate").count() == 2


def test_the_form_says_what_is_wrong(campaign: Campaign, boss: Client) -> None:
    child = Checkpoint.objects.latest("pk").hash
    said = {"checkpoint": child, "other": child, "which": "by hand", "n_songs": 1, "n_each": 1, "seconds": 2, "place": "most"}
    page = boss.post("/c/bleed/listening-tests/", said)
    assert page.status_code == 400 and "Choose at least one song" in page.content.decode()
    page = boss.post("/c/bleed/listening-tests/", said | {"seconds": 8, "tracks": [Track.objects.all()[0].pk]})
    assert "two different checkpoints" in page.content.decode() and not ListeningTest.objects.exists()


def test_nothing_is_told_before_the_end_and_all_of_it_after(campaign: Campaign, boss: Client) -> None:
    test = begun(campaign)
    address = f"/c/bleed/listening-tests/{test.pk}/"
    before = boss.get(address).content.decode()
    assert "preferred" not in before and "6<span" in before and boss.get(f"{address}answers.csv").status_code == 404
    assert "Not yet: no listening test" in boss.get(f"/c/bleed/checkpoints/{test.checkpoint}/").content.decode()
    boss.post(f"{address}end/")
    after = " ".join(boss.get(address).content.decode().split())
    child, base = test.short, test.other_short
    assert f"3 people preferred <code>{child}</code> to <code>{base}</code> on 75 % [" in after
    assert "3 of 6 answers were “no difference”" in after and "Where less leaks" in after
    table = list(csv.DictReader(io.StringIO(boss.get(f"{address}answers.csv").getvalue().decode("utf-8-sig"))))
    assert len(table) == 6 and {row["heard_as_a"] for row in table} == {"checkpoint", "other"}
    assert {row["listener"] for row in table} == {"'=ann", "ben", "cleo"}, "no formula of a spreadsheet"


def test_listeners_come_by_pages(campaign: Campaign, boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.pages.listening.one.SHOWN", 2)
    test = begun(campaign)
    ListeningTest.objects.update(ended=now())
    first, second = (boss.get(f"/c/bleed/listening-tests/{test.pk}/?page={n}").content.decode() for n in (1, 2))
    assert "cleo" not in first and "page 1 of 2" in first and "3 people preferred" in first
    assert "cleo" in second and ">ben<" not in second and "3 people preferred" in second


def test_the_page_of_a_checkpoint_has_the_result_in_a_line(campaign: Campaign, boss: Client) -> None:
    test = begun(campaign)
    ListeningTest.objects.update(ended=now())
    child = " ".join(boss.get(f"/c/bleed/checkpoints/{test.checkpoint}/").content.decode().split())
    assert "3 people preferred this to its parent on 75 % [" in child and "of 2 clips" in child
    assert "on 25 % [" in boss.get(f"/c/bleed/checkpoints/{test.other}/").content.decode()


def test_a_song_that_failed_is_shown_with_its_job_and_tried_again(campaign: Campaign, boss: Client) -> None:
    child = Checkpoint.objects.latest("pk")
    said = {"checkpoint": child.hash, "other": child.parent.hash, "which": "drawn", "n_songs": 1, "n_each": 1, "seconds": 8}  # type: ignore[union-attr]
    boss.post("/c/bleed/listening-tests/", said | {"place": "most"})
    address = f"/c/bleed/listening-tests/{ListeningTest.objects.get().pk}/"
    assert "Try the missing songs again" not in boss.get(address).content.decode()
    Job.objects.filter(kind="separate").update(state="failed", reason="it broke")
    page = boss.get(address).content.decode()
    assert "Try the missing songs again" in page and "failed: it broke" in page
    boss.post(f"{address}again/")
    assert Job.objects.filter(kind="separate", state="queued").count() == 2


def test_a_page_asks_the_database_few_questions(campaign: Campaign, boss: Client, django_assert_max_num_queries: Any) -> None:
    test = begun(campaign)
    ListeningTest.objects.update(ended=now())
    for address in ("", f"{test.pk}/"):
        with django_assert_max_num_queries(15):
            boss.get(f"/c/bleed/listening-tests/{address}")
