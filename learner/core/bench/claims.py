"""The results of the paper's experiment as means over seeds, and the paper's qualitative claims beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from learner.core import metrics
from learner.core.bench.intervals import Array, over_seeds
from learner.core.bench.paper import ALGORITHMS, MARKED, SHARES, Algorithm, Domain
from learner.core.bench.runs import Result
from learner.core.bench.tables import COLUMNS
from learner.core.judging import gate

TRIVIAL = ("silence", "mixture", "base", "base, best gain", "silence in true rests")
THE_PAPERS: tuple[Algorithm, ...] = ("zero-vocal-targets", "synthetic-tracks")
Mean = tuple[float, float, float]  # mean over seeds, and its 95 % interval


@dataclass(frozen=True)
class Line:
    """One row of the experiment: which marks, which algorithm at which share (or a trivial row), measured on which songs."""

    marked: Domain
    row: str
    share: float | None
    tested: str
    figures: dict[str, Mean]

    @property
    def name(self) -> str:
        return self.row if self.share is None else f"{self.row}, {round(100 * self.share)} %"


class Experiment:
    """Looks up the experiment's figures, seed by seed."""

    def __init__(self, results: Mapping[str, Result]):
        self.results = results
        self.seeds = sorted({int(key.split("-")[0].removeprefix("seed")) for key in results})

    def of_seeds(self, marked: Domain, row: str, share: float | None, tested: str, figure: str) -> list[float]:
        """A figure over a domain's tested songs, for each seed that has it; the median is that of the songs' medians."""
        return [summary[figure] for seed in self.seeds if (summary := self._summary(seed, marked, row, share, tested)) is not None]

    def change(self, marked: Domain, algorithm: Algorithm, share: float, tested: str, figure: str) -> list[float]:
        """What adaptation changed in a figure, for each seed; NaN where a run failed."""
        changes = []
        for seed in self.seeds:
            pair = [self._summary(seed, marked, row, s, tested) for row, s in ((algorithm, share), ("base", None))]
            changes.append(pair[0][figure] - pair[1][figure] if pair[0] and pair[1] else float("nan"))
        return changes

    def lines(self) -> list[Line]:
        rows: list[tuple[str, float | None]] = [(row, None) for row in TRIVIAL]
        rows += [(algorithm, share) for algorithm in ALGORITHMS for share in SHARES]
        return [
            Line(marked, row, share, tested, {f: over_seeds(self.of_seeds(marked, row, share, tested, f)) for f in COLUMNS})
            for marked in MARKED
            for tested in ("target", "source")
            for row, share in rows
        ]

    def frames(self, marked: Domain, row: str, share: float | None) -> dict[str, list[float]] | None:
        """Second by second, of one song of the first seed."""
        found = self.results.get(_key(self.seeds[0], marked, row, share), {}).get("frames")
        return found if isinstance(found, dict) else None

    def _summary(self, seed: int, marked: Domain, row: str, share: float | None, tested: str) -> dict[str, float] | None:
        rows = self.results.get(_key(seed, marked, row, share), {}).get("rows")
        if rows is None:
            return None
        figures = [song["figures"] for song in rows[row if share is None else "child"][tested].values()]
        at_level = float(np.mean([song[gate.AT_PARENT_VOICE] for song in figures]))
        return metrics.summary(figures) | {gate.AT_PARENT_VOICE: at_level}


def _key(seed: int, marked: Domain, row: str, share: float | None) -> str:
    what = "base" if share is None else f"{row}-{round(100 * share):03d}".replace(" ", "-")
    return f"seed{seed}-{marked}-{what}"


@dataclass(frozen=True)
class Claim:
    """What the paper says, what we measured that bears on it, and whether the two agree."""

    text: str
    measure: str
    found: Mean
    expected: int  # +1: the paper's claim says more than 0; -1: less

    @property
    def verdict(self) -> str:
        mean, low, high = (self.expected * value for value in self.found)
        low, high = min(low, high), max(low, high)
        if np.isnan(mean):
            return "not measured"
        if np.isnan(low):  # one seed
            return "points that way" if mean > 0 else "points the other way"
        return "agrees" if low > 0 else "disagrees" if high < 0 else "open (the interval holds 0)"


def claims(experiment: Experiment) -> list[Claim]:
    """The qualitative claims of the paper, each beside one figure of ours. Means over the shares above 0 where no share is named."""
    shares = [share for share in SHARES if share > 0]

    def gain(marked: Domain, algorithm: Algorithm, tested: str, figure: str, over: Sequence[float] = shares) -> Array:
        return np.asarray(np.mean([experiment.change(marked, algorithm, share, tested, figure) for share in over], axis=0))

    found: list[Claim] = []

    def claim(text: str, measure: str, values: Array, expected: int = 1) -> None:
        found.append(Claim(text, measure, over_seeds(list(values)), expected))

    for marked, where in MARKED.items():
        text = f"Marks improve separation in the {where}."
        for algorithm in THE_PAPERS:
            claim(text, f"{algorithm}: mean SDR on unmarked {marked} songs, dB", gain(marked, algorithm, marked, "sdr_mean"))
            claim(
                text,
                f"{algorithm}: false positives there at equal voice level, s/min",
                gain(marked, algorithm, marked, gate.AT_PARENT_VOICE),
                -1,
            )
    for marked, where in MARKED.items():
        for figure in ("sdr_mean", "sdr_median"):
            claim(
                "Synthetic-tracks does better than zero-vocal-targets.",
                f"{where}: {COLUMNS[figure]} of the one less the other's on unmarked {marked} songs, dB",
                gain(marked, "synthetic-tracks", marked, figure) - gain(marked, "zero-vocal-targets", marked, figure),
            )
    for marked, where in MARKED.items():
        claim(
            "Zero-vocal-targets costs a little quality, seen in the median SDR.",
            f"{where}: median SDR on unmarked {marked} songs, dB",
            gain(marked, "zero-vocal-targets", marked, "sdr_median"),
            -1,
        )
    for algorithm in THE_PAPERS:
        claim(
            "The mean SDR shows what marks teach better than the median.",
            f"shifted domain, {algorithm}: gain in mean less gain in median SDR on unmarked target songs, dB",
            gain("target", algorithm, "target", "sdr_mean") - gain("target", algorithm, "target", "sdr_median"),
        )
    for algorithm in THE_PAPERS:
        claim(
            "Replaying exemplars keeps what was learnt before; more of them keep more.",
            f"shifted domain, {algorithm}: song SDR on source songs, 100 % less 0 % replayed, dB",
            gain("target", algorithm, "source", "song_sdr", [1.0]) - gain("target", algorithm, "source", "song_sdr", [0.0]),
        )
        claim(
            "Replaying exemplars keeps what was learnt before; more of them keep more.",
            f"shifted domain, {algorithm}: song SDR on source songs, 100 % less 10 % replayed, dB",
            gain("target", algorithm, "source", "song_sdr", [1.0]) - gain("target", algorithm, "source", "song_sdr", [0.1]),
        )
    for figure, expected in ((gate.AT_PARENT_VOICE, -1), ("si_sdr", 1), ("voice_kept_db", 1)):
        claim(
            "(ours) The default recipe goes beyond both algorithms.",
            f"shifted domain, 100 %: {COLUMNS[figure]} of the default recipe less that of synthetic-tracks on unmarked target songs",
            gain("target", "our default", "target", figure, [1.0]) - gain("target", "synthetic-tracks", "target", figure, [1.0]),
            expected,
        )
    claim(
        "(ours) The default recipe goes beyond both algorithms.",
        "shifted domain, 100 %: song SDR on source songs, of the default recipe less that of synthetic-tracks, dB",
        gain("target", "our default", "source", "song_sdr", [1.0]) - gain("target", "synthetic-tracks", "source", "song_sdr", [1.0]),
    )
    return found
