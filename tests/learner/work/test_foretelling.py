"""What is expected of clips, learned from what people agreed on, decides what they hear next."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from annotation.files import storage
from annotation.models import Campaign, Consensus, ConsensusRegion, Task, Track
from learner import services
from learner.core.choosing import expected, quality
from learner.core.choosing.signals import COLUMNS
from learner.core.choosing.signals import Signals as Measured
from learner.models import Checkpoint, Round, Score, Signals
from learner.work import foretelling, scoring
from learner.work.foretelling import EXPECTED, GUESSED, foretell
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db

CLIP, EACH = 10.0, 3  # seconds; clips of a track


@pytest.fixture
def base() -> Checkpoint:
    return worlds.checkpoint("a")


def leaks(number: int) -> bool:
    return number % 3 == 0


def pool(campaign: Campaign, base: Checkpoint, folder: Path, n: int = 12) -> list[Track]:
    """Tracks of three clips; the middle one of every third leaks, where the estimate never rests, which the prior does not know."""
    return [_track(campaign, base, folder, number) for number in range(n)]


def _track(campaign: Campaign, base: Checkpoint, folder: Path, number: int) -> Track:
    track, generator = worlds.track(campaign, f"song {number}", duration=CLIP * EACH), np.random.default_rng(number)
    frames = round(10 * CLIP) * EACH
    columns: dict[str, NDArray[np.float32]] = {name: np.full(frames, np.nan, np.float32) for name in COLUMNS}
    for name in ("level", "share", "spread", "entropy", "mix", "rests"):
        columns[name] = (0.5 + 0.1 * generator.normal(size=frames)).astype(np.float32)
    if leaks(number):
        columns["rests"][100:200] += 1.0
    Measured(columns, generator.normal(size=(frames // 10, 4)).astype(np.float32)).save(file := folder / f"{number}.npz")
    Signals.objects.create(checkpoint=base, track=track, stem=campaign.stem, file=storage.keep(file, ".npz"))
    for at in range(EACH):
        Score.objects.create(
            checkpoint=base, track=track, start=at * CLIP, end=at * CLIP + CLIP, uncertainty=0.1, predicted_leak=0.2, value=0
        )
    return track


def heard(track: Track, base: Checkpoint, start: float, *wrong: tuple[float, float], **about: object) -> Task:
    """A clip of an earlier round that people have agreed on."""
    worlds.estimate(track, base.hash)
    task = worlds.opened([worlds.clip(track, start, start + CLIP, **about)], checkpoint=base.hash)[0]
    Task.objects.filter(pk=task.pk).update(state=Task.State.CLOSED)
    consensus = Consensus.objects.create(task=task, version=1, method="test", certainty=1.0)
    for begin, end in wrong:
        ConsensusRegion.objects.create(consensus=consensus, start=begin, end=end, probability=0.9)
    return task


def answered(tracks: list[Track], base: Checkpoint) -> None:
    """People have heard two clips of each of these, and marked what leaks."""
    for number, track in enumerate(tracks):
        heard(track, base, 0.0)
        heard(track, base, 10.0, *([(10.0, 20.0)] if leaks(number) else []))


@pytest.fixture(autouse=True)
def no_song_is_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "keep_tracks_apart", lambda **_: set())


def round_of(campaign: Campaign) -> Round:
    return present(services.start_round(campaign=campaign))


def test_what_people_marked_decides_what_they_hear_next(base: Checkpoint, tmp_path: Path) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP, clips_per_round=2, random_share=0.0), base)
    tracks = pool(campaign, base, tmp_path)
    answered(tracks[:6], base)
    clips = scoring.choose_clips(campaign, round_of(campaign), base)
    assert {(clip.track, clip.start) for clip in clips} == {(tracks[6], 10.0), (tracks[9], 10.0)}
    assert {clip.strategy for clip in clips} == {"expected"}
    assert all(clip.parts[EXPECTED] > 2 and clip.parts[GUESSED] == pytest.approx(2.0) for clip in clips)
    assert all("s of leak are expected" in clip.reason for clip in clips)


def test_a_round_keeps_what_foretold_its_leak(base: Checkpoint, tmp_path: Path) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP, clips_per_round=2), base)
    tracks = pool(campaign, base, tmp_path)
    answered(tracks[:3], base)
    round_ = round_of(campaign)
    scoring.choose_clips(campaign, round_, base)
    round_.refresh_from_db()
    assert round_.choosing["strategy"] == "expected"
    assert round_.choosing["model"]["n_answers"] == 6
    assert round_.choosing["quality"]["n"] == 0 and "0 clips drawn at random" in round_.choosing["words"]


@pytest.mark.parametrize("upgraded", [False, True])
def test_answers_to_an_earlier_model_count_on_the_scale_of_that_one(base: Checkpoint, tmp_path: Path, upgraded: bool) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP, clips_per_round=2), base)
    tracks = pool(campaign, base, tmp_path)
    answered(tracks[:6], base)
    round_ = round_of(campaign)
    scoring.choose_clips(campaign, round_, base)
    if upgraded:  # a version before kept it, which knew fewer signals
        round_.refresh_from_db()
        kept = round_.choosing["model"]
        kept["knots"] = {name: own for name, own in kept["knots"].items() if expected.n_weights(name) == 2}
        kept["weights"] = kept["weights"][: 2 * len(kept["knots"])]
        round_.save()
    child = worlds.checkpoint("b", base)
    for number, row in enumerate(Signals.objects.filter(checkpoint=base).order_by("pk")):
        Signals.objects.create(checkpoint=child, track=row.track, stem=row.stem, file=row.file)
        if number >= 6:
            row.delete()  # what nobody has heard is released
    scores = list(Score.objects.filter(track__in=tracks[6:]).select_related("track"))
    foretold = foretell(campaign, child, scores)
    assert foretold.model.n_answers == 12
    assert {scores[at].start for at in np.argsort(-foretold.clips.leak)[:2]} == {10.0}


def test_where_random_clips_show_that_it_foretells_nothing_it_steps_back(base: Checkpoint, tmp_path: Path) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP, clips_per_round=2, random_share=0.0), base)
    tracks = pool(campaign, base, tmp_path, quality.ENOUGH + 3)
    for number, track in enumerate(tracks[: quality.ENOUGH]):
        wrong = [(0.0, float(number))] if number else []
        parts = {EXPECTED: 12.0 - number, GUESSED: number + 1.0}
        heard(track, base, 0.0, *wrong, arm=Task.Arm.RANDOM, chance=0.5, parts=parts)
    round_ = round_of(campaign)
    clips = scoring.choose_clips(campaign, round_, base)
    round_.refresh_from_db()
    assert round_.choosing["strategy"] == "leak-aware" == clips[0].strategy
    assert "no better than a plain guess" in round_.choosing["words"]
    assert all(clip.chance < 1 for clip in clips)


@pytest.mark.parametrize("choosing", Campaign.Choosing.values)
def test_every_setting_fills_a_round_without_any_signals(base: Checkpoint, choosing: str) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP, clips_per_round=4, choosing=choosing), base)
    for number in range(4):
        track = worlds.track(campaign, f"song {number}", duration=2 * CLIP)
        for start in (0.0, CLIP):
            Score.objects.create(checkpoint=base, track=track, start=start, end=start + CLIP, predicted_leak=0.1, value=0.1)
    clips = scoring.choose_clips(campaign, round_of(campaign), base)
    assert len(clips) == 4
    assert {clip.strategy for clip in clips} == {choosing}


def test_an_album_fills_no_round_alone_where_there_are_others(base: Checkpoint, tmp_path: Path) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP, clips_per_round=8, random_share=0.0), base)
    tracks = pool(campaign, base, tmp_path)
    Track.objects.filter(pk__in=[track.pk for track in tracks[:8]]).update(artist="one", album="album")
    clips = scoring.choose_clips(campaign, round_of(campaign), base)
    assert sum(Track.objects.get(pk=clip.track.pk).artist == "one" for clip in clips) <= 4
    assert len(clips) >= 6


def test_minutes_are_those_that_people_need(base: Checkpoint, tmp_path: Path) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=CLIP), base)
    tracks = pool(campaign, base, tmp_path, 4)
    scores = list(Score.objects.filter(track=tracks[0]).select_related("track"))
    assert foretell(campaign, base, scores).clips.minutes == pytest.approx(CLIP / 60)
    Campaign.objects.filter(pk=campaign.pk).update(min_overlap=foretelling.PRACTISED, max_overlap=foretelling.PRACTISED)
    campaign.refresh_from_db()
    people = worlds.people(campaign, foretelling.PRACTISED)
    again = Track.objects.get(pk=tracks[1].pk)
    task = worlds.opened([worlds.clip(again, 0.0, CLIP)], checkpoint=base.hash)[0]
    for person in people:
        worlds.answer(task, person, lead_time=3 * CLIP)
    assert foretell(campaign, base, scores).clips.minutes == pytest.approx(3 * CLIP / 60)
