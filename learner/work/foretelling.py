"""What is expected of the open clips of a pool before people hear them: learned from what they agreed on in the clips before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.files import storage
from annotation.models import Campaign, Consensus, Submission, Task, Track
from learner.core.choosing import expected, proposing, quality, signals
from learner.core.choosing.clips import Clips, Floats, Span, frames_of, means, seconds
from learner.core.choosing.expected import Answer, Model
from learner.core.choosing.quality import Quality
from learner.models import Checkpoint, Round, Score
from learner.work.signals import latest_signals

EXPECTED, GUESSED, UNSURE = "seconds", "guessed seconds", "unsure"  # names among a task's parts
ELSEWHERE = 0.02  # probability of a frame of which people did not agree that it is a false positive
PACE = 1.0  # minutes that a person needs for a minute of clips, where nobody has answered yet
PRACTISED = 10  # answers from which on the campaign's own pace is known


@dataclass(frozen=True)
class Foretold:
    """Open clips, and what is expected of them."""

    clips: Clips  # in the order of the scores; `leak` as learned
    guess: Floats  # (n,) expected false-positive seconds by a plain guess
    model: Model
    quality: Quality
    proposed: dict[tuple[int, float], list[tuple[float, float, float]]]  # by (track, start); only where the campaign wants it

    def parts(self, index: int) -> dict[str, float]:
        """What is expected of a clip, to be held against what people find in it."""
        told = {EXPECTED: self.clips.leak[index], GUESSED: self.guess[index], UNSURE: self.clips.unsure[index]}
        return {name: round(float(value), 4) for name, value in told.items() if np.isfinite(value)}

    def leak_of_tracks(self) -> dict[int, float]:
        """Expected false-positive seconds a minute of listening, over the open clips of each track."""
        tracks = np.unique(self.clips.tracks)
        of = {int(track): self.clips.tracks == track for track in tracks}
        return {track: float(self.clips.leak[own].sum() / max(self.clips.minutes[own].sum(), 1e-9)) for track, own in of.items()}

    def to_dict(self) -> dict[str, Any]:
        """What a round keeps of it."""
        return {"model": self.model.to_dict(), "quality": self.quality.to_dict(), "words": self.quality.in_words()}


def foretell(campaign: Campaign, row: Checkpoint, scores: Sequence[Score]) -> Foretold:
    """What is expected of the clips of `scores`, by this checkpoint or an ancestor of it.

    A track without signals is judged by its scores alone.
    """
    answered = _answered(campaign)
    knots = expected.knots_of(columns for _, columns in _pool(campaign, row))
    model = expected.fit(knots, list(_answers(campaign, row, knots, answered)))
    spans: dict[int, list[Span]] = {}
    for score in scores:
        spans.setdefault(score.track_id, []).append((score.start, score.end))
    heard: dict[int, list[Span]] = {}
    for task in Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL).exclude(state=Task.State.WITHDRAWN):
        heard.setdefault(task.track_id, []).append((task.start, task.end))

    leaks: dict[tuple[int, float], float] = {}
    proposed: dict[tuple[int, float], list[tuple[float, float, float]]] = {}
    vectors: dict[tuple[int, float], NDArray[np.float64]] = {}
    of_heard: list[NDArray[np.float64]] = []
    for track, kept in _signals(campaign, row):
        own = spans.get(track, [])
        if own:
            predicted = model.predict(kept.columns)
            leaks |= {(track, span[0]): seconds(predicted, span) for span in own}
            if campaign.proposes:
                proposed |= {(track, span[0]): proposing.regions(predicted, span) for span in own}
            vectors |= {(track, span[0]): vector for span, vector in zip(own, means(kept.embedding, own), strict=True)}
        of_heard += list(means(kept.embedding, heard.get(track, [])))
    dims = next((len(vector) for vector in (*vectors.values(), *of_heard)), 1)
    guess = np.array([float(score.parts.get("share", score.predicted_leak)) * (score.end - score.start) for score in scores])
    clips = Clips(
        np.array([score.track_id for score in scores], dtype=np.int64),
        _groups([score.track for score in scores]),
        np.array([vectors.get((score.track_id, score.start), np.zeros(dims)) for score in scores]).reshape(len(scores), dims),
        np.array([score.end - score.start for score in scores]) / 60 * pace_of(campaign),
        np.array([leaks.get((score.track_id, score.start), at) for score, at in zip(scores, guess, strict=True)]),
        np.array([np.nan if score.uncertainty is None else score.uncertainty for score in scores], dtype=np.float64),
        np.array(of_heard).reshape(len(of_heard), dims),
    )
    return Foretold(clips, guess, model, _quality(answered), proposed)


def _answered(campaign: Campaign) -> list[Consensus]:
    """What people agreed on last of each clip that is not kept apart for the gate."""
    closed = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED, kept_apart=False, stem=campaign.stem)
    latest = Consensus.objects.filter(task__in=closed).order_by("task", "-version").distinct("task")
    return list(latest.select_related("task").prefetch_related("regions"))


def _signals(campaign: Campaign, row: Checkpoint) -> Iterator[tuple[int, signals.Signals]]:
    """What is kept of the pool's tracks by a checkpoint, or else by the last of its ancestors, one after the other."""
    for track, file in latest_signals(campaign, row).items():
        yield track, signals.load(storage.local(file))


def _pool(campaign: Campaign, row: Checkpoint) -> Iterator[tuple[int, expected.Columns]]:
    return ((track, kept.columns) for track, kept in _signals(campaign, row))


def _answers(campaign: Campaign, row: Checkpoint, knots: dict[str, list[float]], answered: Sequence[Consensus]) -> Iterator[Answer]:
    """Answers beside what the sound said, by the checkpoint that people listened to, on the scale of that one's pool."""
    heard: dict[str, list[Consensus]] = {}
    for consensus in answered:
        heard.setdefault(consensus.task.checkpoint, []).append(consensus)
    for checkpoint in Checkpoint.objects.filter(hash__in=heard).order_by("pk"):
        own = knots if checkpoint == row else _knots_of(campaign, checkpoint)
        of_track: dict[int, list[Consensus]] = {}
        for consensus in heard[checkpoint.hash]:
            of_track.setdefault(consensus.task.track_id, []).append(consensus)
        for track, kept in _signals(campaign, checkpoint):
            if track in of_track:
                inputs = expected.inputs(kept.columns, own)
                yield from (_answer(inputs, consensus) for consensus in of_track[track])


def _knots_of(campaign: Campaign, checkpoint: Checkpoint) -> dict[str, list[float]]:
    """The scale of an earlier checkpoint's signals: as a round with it kept it, since of most of its tracks nothing may be left.

    Of what an earlier version of the product did not look at, the tracks that are left give it.
    """
    for kept in Round.objects.filter(campaign=campaign, parent=checkpoint).order_by("-number").values_list("choosing", flat=True):
        if "model" in kept:
            known = Model.from_dict(kept["model"]).knots
            return known if expected.HEARD in known else _knots_of_what_is_left(campaign, checkpoint) | known
    return _knots_of_what_is_left(campaign, checkpoint)


def _knots_of_what_is_left(campaign: Campaign, checkpoint: Checkpoint) -> dict[str, list[float]]:
    return expected.knots_of(columns for _, columns in _pool(campaign, checkpoint))


def _answer(inputs: Floats, consensus: Consensus) -> Answer:
    frames = frames_of((consensus.task.start, consensus.task.end), len(inputs))
    marked = np.full(len(inputs), ELSEWHERE)
    for region in consensus.regions.all():
        marked[frames_of((region.start, region.end), len(inputs))] = region.probability
    return Answer(inputs[frames], marked[frames])


def _quality(answered: Sequence[Consensus]) -> Quality:
    """What clips drawn at random say of what was expected of them when they were."""
    drawn = [one for one in answered if one.task.arm == Task.Arm.RANDOM and {EXPECTED, GUESSED} <= one.task.parts.keys()]
    found = [sum(region.end - region.start for region in one.regions.all()) for one in drawn]
    told, guessed = ([float(one.task.parts[name]) for one in drawn] for name in (EXPECTED, GUESSED))
    return quality.of(told, guessed, found, [one.task.chance for one in drawn])


def _groups(tracks: Sequence[Track]) -> NDArray[np.int64]:
    """A number for each artist and album; a track of which neither is known is a group of its own."""
    names = [(track.artist, track.album) if track.artist or track.album else track.pk for track in tracks]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def pace_of(campaign: Campaign) -> float:
    """Minutes that people need for a minute of clips: the middle of their answers so far."""
    answers = Submission.objects.filter(task__campaign=campaign, status=Submission.Status.ACCEPTED, task__kind=Task.Kind.POOL)
    times = [spent / (end - start) for spent, start, end in answers.values_list("lead_time", "task__start", "task__end") if spent]
    return float(np.median(times)) if len(times) >= PRACTISED else PACE
