"""What the sound says of a pool's tracks: measured once, kept, and used for the scores of clips. Real models and sound."""

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils.timezone import now

from annotation.files import storage
from annotation.models import Campaign, Estimate, Track
from learner import services
from learner.core import checkpoint
from learner.core.choosing import pool
from learner.core.separators import Separator
from learner.core.songs import synth
from learner.ingest import ingest
from learner.models import Checkpoint, Job, ReleasedFile, Round, Score, SharedModel, Signals
from learner.services import leftovers
from learner.work import scoring, signals
from tests import worlds
from tests.learner.core.separators.tiny import tiny
from tests.present import present

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def any_song_may_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    for least in ("LEAKS", "UNSURE"):
        monkeypatch.setattr(pool, least, 0.0)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    synth.write_songs(folder, "target", range(950_000, 950_002), 22.0)
    return folder


def campaign_with(separator: Separator, songs: Path, folder: Path) -> Campaign:
    rules = {"min_overlap": 1, "max_overlap": 1, "clips_per_round": 1, "random_share": 0.0, "clip_seconds": 10.0}
    campaign = worlds.campaign("c", recipe={"steps": 1}, **rules)
    for use in ("pool", "replay"):
        assert not ingest(campaign=campaign, folder=songs, use=use, domain="target").bad or use == "replay"
    services.share_file(campaign=campaign, file=checkpoint.save(separator, folder, recipe={}, parent=None).path)
    return campaign


def scored(campaign: Campaign) -> Checkpoint:
    """The checkpoint with which the next round scored its pool."""
    round_ = present(services.start_round(campaign=campaign))
    job = present(Job.claim(round_.scoring_id))
    scoring.score_pool(job)
    return round_.parent


def again(campaign: Campaign) -> Checkpoint:
    Round.objects.update(state=Round.State.REFUSED, finished=now())
    return scored(campaign)


@pytest.fixture
def campaign(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr(services.rounds, "why_held_up", lambda *_: "")
    monkeypatch.setattr(scoring, "check_ready", lambda *_: None)  # nothing is adapted here
    return campaign_with(tiny("unet"), songs, tmp_path)


def test_the_signals_of_each_track_are_kept_and_give_the_scores_of_its_clips(campaign: Campaign) -> None:
    row = scored(campaign)
    assert Signals.objects.count() == 2 and Score.objects.count() == 4
    for score in Score.objects.all():
        found = signals.signals_of(score.track, row)
        assert found.n_frames == 220
        clip = found.between(score.start, score.end)
        assert score.uncertainty == pytest.approx(clip["spread"].mean(), rel=1e-2)
        assert score.predicted_leak == pytest.approx(np.percentile(clip["share"], 10), rel=2e-2)
        assert score.value == pytest.approx(present(score.uncertainty) + score.predicted_leak)
        assert score.parts["entropy"] == pytest.approx(clip["entropy"].mean(), rel=1e-2)
        assert set(score.parts) == {"level", "share", "rests", "spread", "entropy", "periodic", "mix"}


def test_what_was_measured_is_not_measured_again(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(campaign)
    monkeypatch.setattr(signals, "measure", None)
    again(campaign)
    assert Round.objects.count() == 2


def test_a_child_is_compared_with_its_parents_estimate(campaign: Campaign, tmp_path: Path) -> None:
    scored(campaign)
    other = tiny("unet")
    next(other.parameters()).data.mul_(2)
    file = checkpoint.save(other, tmp_path / "child", recipe={}, parent=None).path
    child = services.keep_checkpoint(file=file, parent=SharedModel.objects.get().current)
    SharedModel.objects.update(current=child)
    assert again(campaign) == child
    for track in campaign.tracks.filter(use="pool"):
        assert (signals.signals_of(track, child).columns["parent"] > 0).any()
        assert np.isnan(signals.signals_of(track, present(child.parent)).columns["parent"]).all()


def test_of_a_large_pool_only_what_looks_most_like_leaks_is_measured_dearly(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.rounds, "why_held_up", lambda *_: "")
    monkeypatch.setattr(scoring, "check_ready", lambda *_: None)
    monkeypatch.setattr(scoring, "FEW", 1)
    campaign = campaign_with(tiny("spleeter", sample_rate=16_000), songs, tmp_path)
    row = scored(campaign)
    by_suspicion = sorted(Score.objects.all(), key=signals.suspicion)
    assert [score.uncertainty is not None for score in by_suspicion] == [False, False, False, True]
    most = by_suspicion[-1]
    spread = signals.signals_of(most.track, row).columns["spread"]
    inside = np.zeros(220, bool)
    inside[round(10 * most.start) : round(10 * most.end)] = True
    assert (np.isnan(spread) == ~inside).all() and (spread[inside] > 0).any()
    monkeypatch.setattr(signals, "measure_dearly", None)
    again(campaign)


def test_signals_go_with_the_estimate_that_they_were_measured_with(campaign: Campaign) -> None:
    row = scored(campaign)
    track = Track.objects.filter(use="pool").exclude(tasks__kind="pool").get()
    child = worlds.old_checkpoint("child", row)
    grandchild = worlds.old_checkpoint("grandchild", child)
    for one in (child, grandchild):
        Estimate.objects.create(track=track, stem="vocals", checkpoint=one.hash, file=one.file)
    SharedModel.objects.update(current=grandchild)
    Round.objects.update(state=Round.State.REFUSED)
    Estimate.objects.update(made=now() - timedelta(days=100))
    key = Signals.objects.get(track=track).file
    os.utime(storage.local(key), (time.time() - 100 * 24 * 3600,) * 2)
    assert sum(leftovers.release_estimates(30)) == 1
    assert not Signals.objects.filter(track=track).exists() and ReleasedFile.objects.filter(file=key).exists()
    assert Signals.objects.count() == 1, "people were given a clip of the other track"
    list(leftovers.remove_released())
    assert not storage.local(key).exists()
