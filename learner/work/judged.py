"""Of each song and clip that parent and child are judged on: its figures, where the two differ most, and what they sound like there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import soundfile
from numpy.typing import NDArray

from annotation.files import storage
from annotation.models import Track
from learner.core.judging import fit, gate
from learner.core.judging.differing import EXCERPT, differs_most, excerpt
from learner.core.judging.measured import ACCEPTED, LEAK
from learner.core.judging.names import AT_PARENT_LEVEL, FALSE_POSITIVES
from learner.core.judging.rules import Rules
from learner.models import Adaptation, JudgedSong
from learner.services.leftovers import release

Audio = NDArray[np.floating]
Figures = dict[str, float]
Kind = JudgedSong.Kind


@dataclass(frozen=True)
class Heard:
    """A song or clip as parent and child make it, at the place where they differ most; seconds of the track."""

    track: Track
    kind: str
    start: float
    end: float
    file: str
    parent: Figures = field(default_factory=dict)  # beside those that the gate and the test measure
    mixture: Figures = field(default_factory=dict)
    marks: list[tuple[float, float]] = field(default_factory=list)


class Listening:
    """Collects what is heard while songs and clips are measured, by kind and the name that the evidence has."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, str], Heard] = {}

    def song(self, track: Track, kind: str, before: Audio, after: Audio, truth: Audio, mixture: Audio, rate: int) -> None:
        """Of a whole song `EXCERPT` seconds are kept, and how well the parent does beside the mixture."""
        start = excerpt(differs_most(before, after, truth, rate), truth.shape[-1] / rate)
        cut = slice(round(start * rate), round((start + EXCERPT) * rate))
        file = _keep(before[:, cut], after[:, cut], rate)
        end = min(start + EXCERPT, truth.shape[-1] / rate)
        found = {name: value for name, value in fit.measure(before, mixture, rate, truth).items() if value is not None}
        own = {"sung_sdr": found["sung_sdr"]} if "sung_sdr" in found else {}
        beside = {"song_sdr": "sdr_of_mix", "si_sdr": "si_sdr_of_mix", "sung_sdr": "sung_sdr_of_mix"}
        mix = {metric: found[name] for metric, name in beside.items() if name in found}
        self.heard[kind, str(track.pk)] = Heard(track, kind, start, end, file, own, mix)

    def clip(
        self, track: Track, kind: str, name: str, span: tuple[float, float], before: Audio, after: Audio, rate: int,
        marks: list[tuple[float, float]],
    ) -> None:  # fmt: skip
        """A clip is kept whole; `span` and `marks` are seconds of the track."""
        self.heard[kind, name] = Heard(track, kind, *span, _keep(before, after, rate), marks=marks)

    def keep(self, adaptation: Adaptation, figures: Mapping[tuple[str, str], Mapping[str, Figures]]) -> None:
        """Write a row for each that has `figures`; again replaces them."""
        before = JudgedSong.objects.filter(adaptation=adaptation)
        release(before.values_list("file", flat=True))
        before.delete()
        JudgedSong.objects.bulk_create(
            JudgedSong(
                adaptation=adaptation,
                track=one.track,
                kind=one.kind,
                figures=_with(figures[key], one),
                marks=one.marks,
                start=one.start,
                end=one.end,
                file=one.file,
            )
            for key, one in self.heard.items()
            if key in figures
        )


def _with(figures: Mapping[str, Figures], one: Heard) -> dict[str, Figures]:
    """The figures of a song, and those that were taken while it was heard."""
    found = {subject: dict(of_subject) for subject, of_subject in figures.items()}
    found[JudgedSong.PARENT] = found.get(JudgedSong.PARENT, {}) | one.parent
    return found | ({JudgedSong.MIXTURE: one.mixture} if one.mixture else {})


def figures_of_gate(measured: Mapping[str, gate.Measured]) -> dict[tuple[str, str], dict[str, Figures]]:
    """What the gate measured of each song and clip: (kind, name) -> subject -> metric -> number."""
    found: dict[tuple[str, str], dict[str, Figures]] = {}
    for subject, of_one in measured.items():
        for domain in ("target", "source"):
            for name, figures in of_one.songs.get(domain, {}).items():
                renamed = {AT_PARENT_LEVEL if metric == gate.AT_PARENT_VOICE else metric: value for metric, value in figures.items()}
                found.setdefault((Kind.GATE, name), {})[subject] = finite(renamed)
        for kind, at_random in ((Kind.RANDOM, True), (Kind.SCORED, False)):
            for name, leak in _leaks(of_one, at_random).items():
                level = of_one.accepted_dbfs.get(name, float("nan"))
                found.setdefault((kind, name), {})[subject] = finite({LEAK: leak, ACCEPTED: level})
    return found


def figures_of_test(measured: Mapping[str, Mapping[int, Figures]]) -> dict[tuple[str, str], dict[str, Figures]]:
    """The same of the test songs, from subject -> primary key of the track -> figures; trivial baselines are left out."""
    found: dict[tuple[str, str], dict[str, Figures]] = {}
    for subject in (JudgedSong.PARENT, JudgedSong.CHILD, JudgedSong.REPLAY):
        for track, figures in measured.get(subject, {}).items():
            level = {AT_PARENT_LEVEL: figures[FALSE_POSITIVES]} if subject == JudgedSong.PARENT else {}
            found.setdefault((Kind.TEST, str(track)), {})[subject] = finite(figures | level)
    return found


def _leaks(measured: gate.Measured, at_random: bool) -> dict[str, float]:
    """The mean level on the marks of each clip, by their seconds; what nobody hears counts as just inaudible, as in the gate."""
    of_clip: dict[str, list[gate.MarkLeak]] = {}
    for mark in measured.marks.values():
        if mark.random_clip is at_random:
            of_clip.setdefault(mark.track, []).append(mark)
    inaudible = Rules().inaudible_dbfs
    return {
        name: float(np.average([max(mark.leak_dbfs, inaudible) for mark in marks], weights=[mark.seconds for mark in marks]))
        for name, marks in of_clip.items()
    }


def add_replay(adaptation: Adaptation, figures: Mapping[tuple[str, str], Mapping[str, Figures]]) -> None:
    """Give the rows of a round the figures of replay without feedback: (kind, name) -> metric -> number, under any subject."""
    rows = list(JudgedSong.objects.filter(adaptation=adaptation))
    for row in rows:
        name = f"{row.track_id}:{row.start}" if row.is_clip else str(row.track_id)
        if found := figures.get((row.kind, name), {}).get(JudgedSong.REPLAY):
            row.figures[JudgedSong.REPLAY] = dict(found)
    JudgedSong.objects.bulk_update(rows, ["figures"])


def finite(figures: Mapping[str, float]) -> Figures:
    """Those that are a number."""
    return {metric: float(value) for metric, value in figures.items() if np.isfinite(value)}


def _keep(before: Audio, after: Audio, rate: int) -> str:
    """One file of both, which no player can get out of step; what is over full scale turns both down."""
    n = min(before.shape[1], after.shape[1])
    both = np.concatenate([before[:, :n], after[:, :n]])
    file = io.BytesIO()
    soundfile.write(file, (both / max(1.0, float(np.abs(np.nan_to_num(both)).max(initial=0.0)))).T, rate, format="FLAC")
    return storage.keep(file.getvalue(), ".flac")
