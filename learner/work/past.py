"""What stands for the past of a campaign that has no songs for it: those of its pool in which nobody marked anything.

Only for recipes that replay mixes (`pseudo_replay`), where a separator's own outputs stand for stems.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Avg

from annotation.models import Track
from learner.core.songs import Song
from learner.models import FeedbackItem, Score
from learner.work.plan import Plan
from learner.work.tracks import in_use, sounds_of

PART = 2  # songs of a pool that validate, and as many that only the gate sees: of one alone nothing can be remixed
MOST = 8  # that are replayed; a minute of each is enough for a recipe's steps
SHORTEST = 10.0  # seconds of a song that was marked elsewhere

MINUTE = 60.0  # seconds that stand for a song, from its middle: see `pseudo`

Span = tuple[float, float]  # seconds


@dataclass(frozen=True)
class Mix:
    """A song of the pool, or what of it lies farthest from any mark, that stands for songs of another use."""

    track: Track
    span: Span

    @classmethod
    def of(cls, track: Track, start: float, end: float) -> Mix:
        """The middle of a stretch."""
        beside = max(0.0, end - start - MINUTE) / 2
        return cls(track, (start + beside, end - beside))


def from_pool(plan: Plan) -> dict[str, list[Mix]]:
    """Mixes of the pool for each use of which the campaign has no songs: replay first, then validation, then the gate.

    Those that seem to leak least are taken. A song kept apart for the gate's marks is never one of them. Where nearly every song was
    marked, stretches of those that nobody marked are replayed, and where there are none either, the songs as they are.
    """
    uses = (Track.Use.REPLAY, Track.Use.VALIDATION, Track.Use.GATE)
    lacking = [use for use in uses if not _known(plan, use)] if plan.recipe.pseudo_replay else []
    spare, found = _unmarked(plan), dict[str, list[Mix]]()
    for before, use in reversed(list(enumerate(lacking))):
        if use != Track.Use.REPLAY and len(spare) >= PART * (before + 1):
            found[use], spare = spare[:PART], spare[PART:]
    if Track.Use.REPLAY in lacking:
        found[Track.Use.REPLAY] = (spare if len(spare) >= PART else spare + _beside_marks(plan) or _pool(plan))[:MOST]
    return found


def mixes(plan: Plan, use: str, found: list[Mix]) -> list[Song]:
    """Their sound, at the separator's rate."""
    spans, rate = {mix.track: mix.span for mix in found}, plan.parent.sample_rate

    def song(track: Track) -> Song:
        (sound,) = sounds_of(track, "mixture", rate, [spans[track]])
        return Song(track.name, rate, sound.samples)

    return plan.usable.through(f"read to stand for {use}", list(spans), song)


def _known(plan: Plan, use: str) -> list[Track]:
    """Songs that the campaign has for a use; of the gate's, those that tell what a child forgot."""
    tracks = in_use(plan.campaign, use, "mixture")
    return [track for track in tracks if use != Track.Use.GATE or track.domain == Track.Domain.SOURCE]


def _pool(plan: Plan) -> list[Mix]:
    """Songs that nothing keeps apart, those that seem to leak least first."""
    seems = dict(
        Score.objects.filter(checkpoint=plan.parent, track__campaign=plan.campaign).values_list("track").annotate(leak=Avg("value"))
    )
    tracks = [track for track in in_use(plan.campaign, Track.Use.POOL, "mixture") if not track.kept_apart]
    return [Mix.of(track, 0.0, track.duration) for track in sorted(tracks, key=lambda track: (seems.get(track.pk, 0.0), track.pk))]


def _marks(plan: Plan) -> dict[int, list[tuple[float, float]]]:
    """The clips of each song in which people agreed on a mark, in order."""
    items = FeedbackItem.objects.filter(feedback_set=plan.adaptation.feedback_set_id).order_by("clip__start")
    found: dict[int, list[tuple[float, float]]] = {}
    for track, start, end in items.values_list("clip__track", "clip__start", "clip__end").distinct():
        found.setdefault(track, []).append((start, end))
    return found


def _unmarked(plan: Plan) -> list[Mix]:
    marks = _marks(plan)
    return [mix for mix in _pool(plan) if mix.track.pk not in marks]


def _beside_marks(plan: Plan) -> list[Mix]:
    """Of each marked song the longest stretch between clips with marks."""
    marks, found = _marks(plan), list[Mix]()
    for mix in _pool(plan):
        clips = marks.get(mix.track.pk, [])
        edges = [0.0, *(time for clip in clips for time in clip), mix.track.duration]
        start, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda span: span[1] - span[0])
        if clips and end - start >= SHORTEST:
            found.append(Mix.of(mix.track, start, end))
    return found
