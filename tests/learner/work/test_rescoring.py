"""A large pool's next round does not wait for all of it to be scored anew. Real models and sound."""

from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from annotation.models import Campaign, Estimate, Task, Track
from learner import services
from learner.core import checkpoint
from learner.core.choosing import pool
from learner.core.songs import synth
from learner.ingest import ingest
from learner.models import Checkpoint, Job, Round, Score, SharedModel
from learner.work import rescoring, scoring, signals
from tests import worlds
from tests.learner.core.separators.tiny import tiny
from tests.present import present

pytestmark = pytest.mark.django_db
N_SONGS = 4


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    synth.write_songs(folder, "target", range(960_000, 960_000 + N_SONGS), 20.0)
    return folder


@pytest.fixture
def campaign(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """Its first round was turned and its second begins with a child; more than a clip is a large pool."""
    monkeypatch.setattr(services.rounds, "why_held_up", lambda *_: "")
    monkeypatch.setattr(scoring, "check_ready", lambda *_: None)  # nothing is adapted here
    monkeypatch.setattr(scoring, "FEW", 1)
    for least in ("LEAKS", "UNSURE"):
        monkeypatch.setattr(pool, least, 0.0)
    rules = {"min_overlap": 1, "max_overlap": 1, "clips_per_round": 2, "clips_per_track": 1, "random_share": 0.5, "clip_seconds": 10.0}
    campaign = worlds.campaign("c", **rules)
    assert not ingest(campaign=campaign, folder=songs, use="pool", domain="target").bad
    services.share_file(campaign=campaign, file=checkpoint.save(tiny("unet"), tmp_path, recipe={}, parent=None).path)
    scored(campaign)
    other = tiny("unet")
    next(other.parameters()).data.mul_(2)
    child = services.keep_checkpoint(
        file=checkpoint.save(other, tmp_path / "child", recipe={}, parent=None).path, parent=SharedModel.objects.get().current
    )
    SharedModel.objects.update(current=child)
    Task.objects.update(state=Task.State.CLOSED)
    Round.objects.update(state=Round.State.PROMOTED, finished=now())
    return campaign


def claimed(kind: str) -> Job:
    return present(Job.claim(Job.objects.get(kind=kind, state="queued").pk))


def scored(campaign: Campaign) -> Checkpoint:
    round_ = present(services.start_round(campaign=campaign))
    scoring.score_pool(present(Job.claim(round_.scoring_id)))
    return round_.parent


def tracks_by(row: Checkpoint) -> set[Track]:
    return {estimate.track for estimate in Estimate.objects.filter(checkpoint=row.hash)}


def test_the_first_round_looks_through_all_and_the_next_only_at_the_songs_that_it_chose(campaign: Campaign) -> None:
    first = SharedModel.objects.get().current.parent
    assert len(tracks_by(present(first))) == N_SONGS and not Job.objects.filter(kind="rescore").exists()
    child = scored(campaign)
    opened = Task.objects.filter(checkpoint=child.hash)
    assert len(opened) == 2 and {task.track for task in opened} == tracks_by(child)
    control = opened.get(arm="random")
    n_open = 2 * 3 - Task.objects.filter(checkpoint=present(first).hash).count()  # the fourth song is kept apart
    assert control.chance == pytest.approx(1 / n_open), "it is drawn from all, whichever checkpoint scored them"
    assert Job.objects.get(kind="rescore").gives_way
    assert set(signals.latest_signals(campaign, child)) == set(campaign.tracks.values_list("pk", flat=True))


def test_the_others_are_scored_later_the_most_promising_first(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    child = scored(campaign)
    done: list[Track] = []
    measure = rescoring.measure_track

    def noted(track: Track, *given: Any, **how: Any) -> None:
        done.append(track)
        measure(track, *given, **how)

    monkeypatch.setattr(rescoring, "measure_track", noted)
    waiting = [score for score in signals.latest_scores(campaign, child) if score.checkpoint != child]
    rescoring.rescore_pool(claimed("rescore"))
    assert tracks_by(child) == set(campaign.tracks.all()) and Job.objects.get(kind="rescore").state == "done"
    most = {track: max(signals.suspicion(score) for score in waiting if score.track == track) for track in done}
    assert len(done) == 2 and most[done[0]] >= most[done[1]]
    assert {score.checkpoint for score in signals.latest_scores(campaign, child)} == {child}


def test_it_gives_way_to_work_that_somebody_waits_for_and_goes_on_afterwards(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    child = scored(campaign)
    job = claimed("rescore")
    services.queue_job(campaign=campaign, kind=Job.Kind.ADAPT)
    rescoring.rescore_pool(job)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.sent) == ("queued", 0, None) and len(tracks_by(child)) == 2
    assert Job.claim(job.pk) is None, "nor is it taken up meanwhile"
    Job.objects.filter(kind="adapt").update(state="done")
    rescoring.rescore_pool(claimed("rescore"))
    assert len(tracks_by(child)) == N_SONGS


def test_a_song_that_fails_costs_the_others_nothing(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    from annotation.files import storage

    child = scored(campaign)
    bad = campaign.tracks.exclude(pk__in=[track.pk for track in tracks_by(child)]).order_by("pk")[0]
    storage.local(bad.stems.get(name="mixture").file).unlink()
    rescoring.rescore_pool(claimed("rescore"))
    assert Job.objects.get(kind="rescore").state == "done" and len(tracks_by(child)) == N_SONGS - 1
    assert Score.objects.filter(track=bad).exists() and not campaign.tracks.exclude(set_aside=None).exists()


def test_scores_are_asked_for_once_a_step(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Campaign] = []
    latest = scoring.latest_scores

    def noted(campaign: Campaign, row: Checkpoint) -> list[Score]:
        asked.append(campaign)
        return latest(campaign, row)

    monkeypatch.setattr(scoring, "latest_scores", noted)
    scored(campaign)
    assert len(asked) == 2, "which songs wait, and what clips are chosen by"


def test_a_second_is_not_queued_while_one_waits(campaign: Campaign) -> None:
    scored(campaign)
    assert services.rescore_later(campaign=campaign) is None
