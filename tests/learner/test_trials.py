"""A base is tried on the campaign's own songs before people's time is spent on it. Real rows, real sound, small networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from annotation.files import storage
from annotation.models import Campaign, Stem
from learner import actors, selectors, services
from learner.core import checkpoint
from learner.core.bases import SHIPPED_FILE
from learner.core.songs import synth
from learner.models import Job, ReleasedFile, Trial, TriedSong
from learner.selectors import songs_to_try
from learner.services.leftovers import named_of
from learner.work.trials import run_trial
from tests import worlds
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("c", paused=True)


def take_in(campaign: Campaign, name: str, *, seed: int = 1, with_stem: bool = True, **about: Any) -> int:
    made = synth.make_song(seed, "source", 15.0)
    assert made.vocals is not None
    stems = {"mixture": worlds.flac(made.mixture.T, made.sample_rate)}
    if with_stem:
        stems["vocals"] = worlds.flac(made.vocals.T, made.sample_rate)
    return worlds.song(campaign, stems, name=name, **about).pk


def done(job: Job) -> Job:
    actors.run(job.pk, run_trial)
    job.refresh_from_db()
    return job


def test_the_shipped_base_is_tried_at_once_on_the_songs_and_suits_generated_ones(campaign: Campaign) -> None:
    gate, pool = take_in(campaign, "gate", use="gate"), take_in(campaign, "pool", seed=2, with_stem=False)
    (job,) = services.try_what_is_due(campaign=campaign)
    assert done(job).state == "done", job.reason
    tried = selectors.trials(campaign)["shipped"]
    assert tried.fit == "fits" and tried.trial.tracks == [gate, pool]
    by_stems, guessed = tried.songs
    assert by_stems.figures["sung_sdr"] > 5 and "sung_sdr" not in guessed.figures
    excerpt = storage.local(by_stems.file)
    assert excerpt.read_bytes()[:4] == b"fLaC" and named_of([by_stems.file]) == {by_stems.file}


def test_it_is_tried_once_and_again_when_there_are_other_songs(campaign: Campaign) -> None:
    take_in(campaign, "one")
    (job,) = services.try_what_is_due(campaign=campaign)
    assert services.try_what_is_due(campaign=campaign) == []
    done(job)
    before = list(TriedSong.objects.values_list("file", flat=True))
    assert services.try_what_is_due(campaign=campaign) == []
    take_in(campaign, "two", seed=2)
    (again,) = services.try_what_is_due(campaign=campaign)
    done(again)
    assert Trial.objects.get().job == again and TriedSong.objects.count() == 2
    assert list(ReleasedFile.objects.values_list("file", flat=True)) == before


def test_nothing_is_tried_where_rounds_may_begin_or_songs_still_come_in(campaign: Campaign) -> None:
    assert services.try_what_is_due(campaign=campaign) == []
    take_in(campaign, "one")
    services.queue_job(campaign=campaign, kind=Job.Kind.INGEST)
    assert services.try_what_is_due(campaign=campaign) == []
    Job.objects.all().update(state="done")
    Campaign.objects.update(paused=False)
    campaign.refresh_from_db()
    assert services.try_what_is_due(campaign=campaign) == []


def test_the_clock_has_it_tried(campaign: Campaign) -> None:
    take_in(campaign, "one")
    services.tick()
    assert Job.objects.get().kind == Job.Kind.TRIAL
    services.tick()
    assert Job.objects.count() == 1


def test_once_a_campaign_has_its_base_that_one_is_tried(campaign: Campaign) -> None:
    take_in(campaign, "one")
    worlds.with_model(campaign, services.keep_checkpoint(file=SHIPPED_FILE))
    (job,) = services.try_what_is_due(campaign=campaign)
    assert done(job).state == "done" and list(selectors.trials(campaign)) == [Trial.OWN]


@pytest.mark.parametrize("before", [True, False])
def test_a_base_that_is_tried_under_its_name_is_not_tried_again_as_the_campaigns(campaign: Campaign, before: bool) -> None:
    take_in(campaign, "one")
    named = services.try_base(campaign=campaign, name="shipped")
    if before:
        assert done(named).state == "done"
    worlds.with_model(campaign, services.keep_checkpoint(file=SHIPPED_FILE))
    assert services.try_what_is_due(campaign=campaign) == []
    if not before:
        assert done(named).state == "done"
    (own,) = selectors.trials(campaign).values()
    assert (own.trial.base, len(own.songs)) == (Trial.OWN, 1)
    take_in(campaign, "two")
    (job,) = services.try_what_is_due(campaign=campaign)  # other songs tell something new
    assert done(job).state == "done" and [len(one.songs) for one in selectors.trials(campaign).values()] == [2]


def test_a_base_that_is_not_here_is_fetched_and_tried_at_a_click(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(name: str, out: Path, *, progress: Any) -> Path:
        assert (name, out) == ("spleeter-22k", settings.HOME / "bases")
        progress(12, 73, "downloading")
        return checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path

    monkeypatch.setattr("learner.core.bases.fetch", fetch)
    take_in(campaign, "one")
    job = services.try_base(campaign=campaign, name="spleeter-22k", who=worlds.member(campaign, "boss", "owner"))
    assert services.try_base(campaign=campaign, name="spleeter-22k") == job
    assert done(job).state == "done" and len(selectors.trials(campaign)["spleeter-22k"].songs) == 1


def test_what_cannot_be_tried_is_said(campaign: Campaign) -> None:
    with pytest.raises(services.NothingToTry):
        services.try_base(campaign=campaign, name="shipped")
    with pytest.raises(services.UnknownBase):
        services.try_base(campaign=campaign, name=Trial.OWN)
    track = worlds.track(campaign)
    Stem.objects.create(track=track, name="mixture", file="aa/gone.flac")
    job = services.try_base(campaign=campaign, name="shipped")
    with pytest.raises(services.NotBegun, match="gone"):
        actors.run(job.pk, run_trial)
    job.refresh_from_db()
    assert job.state == "failed" and "gone from the storage" in job.reason


def test_songs_with_stems_and_of_the_music_to_learn_come_first(campaign: Campaign) -> None:
    def row(use: str, domain: str = "target", stems: str = "mixture vocals") -> int:
        track = worlds.track(campaign, f"{use} {domain} {stems} {campaign.tracks.count()}", use=use, domain=domain)
        for name in stems.split():
            Stem.objects.create(track=track, name=name, file="x")
        return track.pk

    without = [row("pool", stems="mixture") for _ in range(4)]
    source, test, gate = row("gate", "source"), row("test"), row("gate")
    assert songs_to_try(campaign) == [gate, test, source, without[0], without[2]]
    pool = [row("pool") for _ in range(9)]
    gates = [gate, *(row("gate") for _ in range(3))]
    assert songs_to_try(campaign) == [gates[0], pool[0], test, gates[2], pool[-1]], "spread over uses, and over the songs of each"


def test_a_sound_that_is_louder_than_full_scale_is_kept_turned_down(campaign: Campaign) -> None:
    from learner.work.trials import _flac

    assert _flac(np.full((1, 100), 3.0), 8000)[:4] == b"fLaC"
