"""What the rounds changed, as charts: one for each metric and each kind of songs, with intervals and the trivial baselines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from annotation.core.stems import Wording
from annotation.models import Campaign
from hub.pages.charts.chart import Chart, Series
from learner.models import Checkpoint, Evaluation, Round
from learner.selectors import DOMAINS, Figure, Figures, Turn

Subject = Evaluation.Subject
NOTHING_CHANGED = {
    Round.State.FAILED: "failed",
    Round.State.EMPTY: "nothing was marked",
    Round.State.EXHAUSTED: "no clips left",
}
"""Rounds that measured nothing, and why."""


@dataclass(frozen=True)
class Axis:
    """What rounds are drawn over: how it is called, and where each round's end lies on it."""

    label: str
    at: Callable[[int], float]


ROUNDS = Axis("round", float)
Look = Callable[[str, Checkpoint | None], Figure | None]


def of_rounds(campaign: Campaign, turns: list[Turn], figures: Figures, current: Checkpoint | None, axis: Axis = ROUNDS) -> list[Chart]:
    """Those charts for which anything was measured; round 0 is the base."""
    base = turns[0].round.parent if turns else current
    over = [turn for turn in turns if turn.after is not None]
    charts = [
        _chart(campaign, f"chart-{name}-{domain}", f"{title}, {domain} songs", unit, _look(figures, metric, domain), base, over, axis)
        for name, (title, metric, unit) in _shown(campaign.wording).items()
        for domain in DOMAINS
    ]
    return [chart for chart in charts if chart.measured]


def _shown(wording: Wording) -> dict[str, tuple[str, str, str]]:
    return {
        "leak": ("Leak in silence", "false_positive_seconds_per_minute", "s per minute"),
        "voice": (wording.kept, "voice_kept_db", "dB"),
        "sdr": ("SDR, median of active frames", "sdr_median", "dB"),
    }


def _look(figures: Figures, metric: str, domain: str) -> Look:
    return lambda subject, checkpoint: figures.of(subject, checkpoint, domain).get(metric)


def _chart(
    campaign: Campaign, name: str, title: str, unit: str, look: Look, base: Checkpoint | None, over: list[Turn], axis: Axis
) -> Chart:
    decibels = unit == "dB"
    used = [look(Subject.CHECKPOINT, base) if base else None]
    used += [None if _why_nothing(turn) else look(Subject.CHECKPOINT, turn.after) for turn in over]
    refused = [None, *(look(Subject.CHECKPOINT, turn.child) if _is_refused(turn) else None for turn in over)]
    baselines: dict[str, list[Figure | None]] = {
        "silence": [look(Subject.SILENCE, None)] * len(used),
        "the mixture as it is": [look(Subject.MIXTURE, None)] * len(used),
        "parent with its best constant gain": [None, *(look(Subject.GAIN, turn.parent) for turn in over)],
        "replay without feedback": [None, *(_replayed(turn, look) for turn in over)],
    }
    series = [_series("in use after the round", used, "line", 0)]
    if any(refused):
        series.append(_series("child that the gate refused", refused, "points", 1))
    series += [
        _series(label, values, "points" if label.startswith("replay") else "baseline", n)
        for n, (label, values) in enumerate(baselines.items())
        if any(one is not None and one.value is not None for one in values)
    ]
    return Chart(
        name,
        title,
        [0, *(turn.round.number if axis is ROUNDS else axis.at(turn.round.number) for turn in over)],
        axis.label,
        unit,
        series,
        names=["Base", *(f"Round {turn.round.number}{', refused' if _is_refused(turn) else ''}" for turn in over)],
        links=["", *(reverse("round", args=[campaign.slug, turn.round.number]) for turn in over)],
        missing=["", *(_why_nothing(turn) for turn in over)],
        least=2.0 if decibels else 1.0,
        from_zero=not decibels,
        about="More is better." if decibels else "Less is better.",
    )


def _why_nothing(turn: Turn) -> str:
    return NOTHING_CHANGED.get(Round.State(turn.round.state), "")


def _is_refused(turn: Turn) -> bool:
    return turn.child is not None and not turn.promoted and turn.child != turn.parent and not _why_nothing(turn)


def _replayed(turn: Turn, look: Look) -> Figure | None:
    replayed = turn.adaptation.replay_only if turn.adaptation else None
    return look(Subject.REPLAY_ONLY, replayed) if replayed else None


def _series(label: str, figures: list[Figure | None], kind: str, colour: int) -> Series:
    if kind == "baseline":
        return Series(label, [one.value if one else None for one in figures], kind="baseline", colour=colour)
    return Series.of(label, figures, kind=kind, colour=colour)
