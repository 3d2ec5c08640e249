"""The base that a campaign begins with: chosen once, brought by a worker, and said where it could not be."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from annotation.models import Campaign, Event, Stem
from learner import actors, bases, selectors, services
from learner.core import checkpoint
from learner.core.bases import SHIPPED_FILE, NotFetched
from learner.models import Checkpoint, ChosenBase, Job, SharedModel
from learner.work.bases import bring_base
from tests import worlds
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Of real songs: their rate is higher than the shipped base knows."""
    campaign = worlds.campaign("c")
    for use in ("pool", "replay"):
        track = worlds.track(campaign, use, use=use, sample_rate=44_100, channels=2)
        Stem.objects.create(track=track, name="mixture", file="x")
        Stem.objects.create(track=track, name="vocals", file="x")
    return campaign


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of bases that were fetched; each comes as a small network."""
    asked: list[str] = []

    def fetch(name: str, out: Path, *, progress: Any) -> Path:
        assert out == settings.HOME / "bases"
        asked.append(name)
        progress(12, 73, "downloading")
        return checkpoint.save(tiny("spleeter"), tmp_path, recipe={"name": "Small"}, parent=None).path

    monkeypatch.setattr("learner.core.bases.fetch", fetch)
    return asked


def done(job: Job) -> Job:
    actors.run(job.pk, bring_base)
    job.refresh_from_db()
    return job


def test_a_chosen_base_becomes_the_first_checkpoint(campaign: Campaign, fetched: list[str]) -> None:
    boss = worlds.member(campaign, "boss", "owner")
    job = services.choose_base(campaign=campaign, name="spleeter-22k", who=boss)
    assert (job.kind, job.state) == ("base", "queued")
    job = done(job)
    assert (job.state, job.step, job.total) == ("done", 73, 73)
    assert fetched == ["spleeter-22k"]
    assert SharedModel.objects.get().current.sample_rate == 44_100
    assert set(Event.objects.filter(who=boss).values_list("what", flat=True)) >= {"base.chosen", "model.shared"}


def test_how_far_it_is_stands_in_the_job(campaign: Campaign, fetched: list[str]) -> None:
    told: list[tuple[int, int, str, str]] = []
    job = services.choose_base(campaign=campaign, name="spleeter")

    def look(done: int, total: int, what: str) -> None:
        row = Job.objects.get(pk=job.pk)
        told.append((row.step, row.total, row.doing, what))

    actors.run(job.pk, lambda job: bring_base(job, tell=look))
    assert told == [(12, 73, "downloading spleeter, in MB", "downloading")]


def test_a_second_click_fetches_nothing_twice(campaign: Campaign, fetched: list[str]) -> None:
    first, second = (services.choose_base(campaign=campaign, name="spleeter-22k") for _ in range(2))
    assert first == second and Job.objects.count() == 1
    with pytest.raises(services.AnotherBaseComes, match="spleeter-22k is on its way"):
        services.choose_base(campaign=campaign, name="shipped")
    done(first)
    actors.run(second.pk, bring_base)  # its message came twice
    assert fetched == ["spleeter-22k"]
    with pytest.raises(services.AlreadyShared):
        services.choose_base(campaign=campaign, name="spleeter-22k")


def test_a_base_that_cannot_be_brought_says_what_to_do_and_may_be_chosen_again(
    campaign: Campaign, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, out: Path, *, progress: Any) -> Path:
        raise NotFetched(f"No network. Bring it, and put it into {out}.")

    with monkeypatch.context() as offline:
        offline.setattr("learner.core.bases.fetch", away)
        job = services.choose_base(campaign=campaign, name="spleeter-22k")
        with pytest.raises(services.NotBegun):
            done(job)
    job.refresh_from_db()
    assert (job.state, job.reason) == ("failed", f"No network. Bring it, and put it into {bases.folder()}.")
    assert not SharedModel.objects.exists() and not Checkpoint.objects.exists()
    (trouble,) = selectors.troubles()
    assert str(trouble).startswith("Campaign c: The base spleeter-22k could not be brought: No network.")
    again = services.choose_base(campaign=campaign, name="spleeter-22k")
    assert again != job and ChosenBase.objects.get().job == again
    assert done(again).state == "done" and selectors.troubles() == []


def test_a_campaign_that_could_end_no_round_begins_with_nothing(campaign: Campaign, fetched: list[str]) -> None:
    campaign.tracks.update(use="gate")
    job = services.choose_base(campaign=campaign, name="spleeter-22k")
    with pytest.raises(services.NotBegun, match="ingest c FOLDER --use replay"):
        done(job)
    assert not SharedModel.objects.exists()
    assert Job.objects.get().state == "failed"


def test_only_bases_that_there_are_may_be_chosen(campaign: Campaign) -> None:
    with pytest.raises(services.UnknownBase, match="'better' is no base; allowed are shipped, spleeter-22k"):
        services.choose_base(campaign=campaign, name="better")
    assert not Job.objects.exists()


def test_the_songs_tell_which_base_suits(campaign: Campaign) -> None:
    assert bases.base_for(campaign) == "spleeter-22k"
    campaign.tracks.update(sample_rate=16_000)
    assert bases.base_for(campaign) == "shipped"


def test_the_shipped_base_is_known_by_its_file() -> None:
    assert bases.name_of(services.keep_checkpoint(file=SHIPPED_FILE)) == "shipped"
    assert bases.name_of(worlds.checkpoint("b", recipe={"name": "Spleeter, 2 stems"})) == "Spleeter, 2 stems"
    assert bases.name_of(worlds.checkpoint("c", recipe={})) == "c0000000"
