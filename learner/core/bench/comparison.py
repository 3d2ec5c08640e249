"""The table of figures, from the results of `figures`: each with its paired interval, its threshold, and whether it passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from learner.core.bench import intervals
from learner.core.bench.runs import Result
from learner.core.bench.tables import FALSE_POSITIVES
from learner.core.judging import gate

if TYPE_CHECKING:
    from learner.core.bench.material import Sets

Draws = NDArray[np.float64]

OURS, SPARING, WITHOUT, CEILING = "ours", "ours, 10 % replay", "replay without feedback", "supervised ceiling"
ADAPTERS = "adapters"
ROWS = ("silence", "mixture", "base", "base, best gain", "silence in true rests", WITHOUT, OURS, SPARING, CEILING)


@dataclass(frozen=True)
class Figure:
    """One line: what, by how much (with its interval), from where on it passes, and from where on it is good."""

    name: str
    value: float
    low: float
    high: float
    threshold: float
    good: float
    unit: str
    least: bool  # threshold and good are least values; else most values
    interval_within: float | None = None  # a threshold for the near end of the interval, too
    void: str = ""  # why the figure counts for nothing, whatever it is

    @property
    def passes(self) -> bool:
        return (
            not self.void
            and self._reaches(self.value, self.threshold)
            and (self.interval_within is None or self._reaches(self.low if self.least else self.high, self.interval_within))
        )

    @property
    def is_good(self) -> bool:
        return self.passes and self._reaches(self.value, self.good)

    def _reaches(self, value: float, threshold: float) -> bool:
        return value >= threshold if self.least else value <= threshold


class Table:
    """Looks up the figures of rows over all runs (a base and a seed each) that have every row."""

    def __init__(self, results: Mapping[str, Result], seed: int = 0):
        self.runs: dict[str, dict[str, Sets]] = {}  # run -> row -> domain
        for key, result in sorted(results.items()):
            run = "-".join(key.split("-")[:2])
            self.runs.setdefault(run, {}).update(result.get("rows", {}))
        self.seed = seed

    @property
    def rows(self) -> list[str]:
        present = {row for rows in self.runs.values() for row in rows}
        return [row for row in ROWS if row in present] + sorted(present - set(ROWS))

    def column(self, row: str, domain: str, figure: str, among: Sequence[str]) -> list[NDArray[np.float64]]:
        """One array (songs,) for each run of `among`."""
        return [np.array([song["figures"][figure] for song in self.runs[run][row][domain].values()]) for run in among]

    def compare(self, domain: str, figure: str, rows: Sequence[str], statistic: Callable[..., Draws]) -> tuple[float, float, float]:
        """A statistic of the rows' means with its interval; NaN where no run has all rows and the domain."""
        among = [run for run, known in self.runs.items() if all(domain in known.get(row, {}) for row in rows)]
        if not among:
            return float("nan"), float("nan"), float("nan")
        generator = np.random.default_rng(self.seed)
        if figure not in intervals.FROM_SEGMENTS:
            return intervals.over_songs([self.column(row, domain, figure, among) for row in rows], statistic, generator)
        sums = [[[song["segments"] for song in self.runs[run][row][domain].values()] for run in among] for row in rows]
        return intervals.over_segments(sums, figure, statistic, generator)


def lines_of(table: Table, row: str = OURS, sparing: str = SPARING) -> list[Figure]:
    """The lines of the table for one row, held against the base of each run."""

    def change(domain: str, figure: str, of: str = row) -> tuple[float, float, float]:
        return table.compare(domain, figure, (of, "base"), lambda child, base: child - base)

    def lost(domain: str, figure: str, of: str = row) -> tuple[float, float, float]:
        return table.compare(domain, figure, (of, "base"), lambda child, base: base - child)

    def percent(figure: str) -> tuple[float, float, float]:
        return table.compare("target", figure, (row, "base"), lambda child, base: 100 * (child / base - 1))

    def of_ceiling(child: Draws, base: Draws, ceiling: Draws) -> Draws:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(ceiling > base, 100 * (child - base) / (ceiling - base), np.nan)

    si_sdr = change("target", "si_sdr")
    void = "" if si_sdr[0] >= 0 else "void: SI-SDR falls"
    share = table.compare("target", "song_sdr", (row, "base", CEILING), of_ceiling)
    lines = [
        Figure("false-positive seconds per minute, target", *percent(FALSE_POSITIVES), -30, -50, "%", False, -15),
        Figure("the same at equal voice level", *percent(gate.AT_PARENT_VOICE), -25, -45, "%", False),
        Figure("true voice kept, target", *change("target", "voice_kept_db"), -1.2, -0.6, "dB", True),
        Figure("true voice kept, source", *change("source", "voice_kept_db"), -0.2, -0.1, "dB", True),
        Figure("true voice kept, bystander", *change("bystander", "voice_kept_db"), -0.4, -0.1, "dB", True),
        Figure("song SDR, target: share of the ceiling's gain", *share, 60, 90, "%", True, void=void),
        Figure("SI-SDR, target", *si_sdr, 0, 0.5, "dB", True),
    ]
    for figure, label in (("sdr_mean", "mean SDR"), ("sdr_median", "median SDR"), ("song_sdr", "song SDR")):
        lines.append(Figure(f"source {label} lost, 100 % replay", *lost("source", figure), 0.15, 0.05, "dB", False))
    if sparing in table.rows:
        for figure, label in (("sdr_mean", "mean SDR"), ("sdr_median", "median SDR"), ("song_sdr", "song SDR")):
            lines.append(Figure(f"source {label} lost, 10 % replay", *lost("source", figure, sparing), 0.3, 0.1, "dB", False))
    lines.append(Figure("bystander song SDR lost", *lost("bystander", "song_sdr"), 0.2, 0, "dB", False))
    return [line for line in lines if not np.isnan(line.value)]


def share_of_fall(table: Table, row: str) -> tuple[float, float, float]:
    """How much of our fall in false positives at equal voice level another row has, in %: for recipes that change few weights."""

    def share(own: Draws, ours: Draws, base: Draws) -> Draws:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(ours < base, 100 * (base - own) / (base - ours), np.nan)

    return table.compare("target", gate.AT_PARENT_VOICE, (row, OURS, "base"), share)


COLUMNS = (  # heading, domain, figure
    ("FP s/min", "target", FALSE_POSITIVES),
    ("FP at level", "target", gate.AT_PARENT_VOICE),
    ("PES dBFS", "target", "pes_dbfs"),
    ("voice kept", "target", "voice_kept_db"),
    ("SI-SDR", "target", "si_sdr"),
    ("song SDR", "target", "song_sdr"),
    ("SDR mean", "target", "sdr_mean"),
    ("SDR median", "target", "sdr_median"),
    ("source voice", "source", "voice_kept_db"),
    ("source song SDR", "source", "song_sdr"),
    ("source SDR mean", "source", "sdr_mean"),
    ("source SDR median", "source", "sdr_median"),
    ("bystander voice", "bystander", "voice_kept_db"),
    ("bystander song SDR", "bystander", "song_sdr"),
)


def rows_beside(table: Table, columns: Sequence[tuple[str, str, str]] = COLUMNS) -> list[list[str]]:
    """All rows as text: the mean of every figure over the songs of all runs that have it, and its change against the base in brackets.

    `columns` are (heading, domain, figure).
    """
    out = []
    for row in table.rows:
        cells = [row]
        for _, domain, figure in columns:
            among = [run for run, known in table.runs.items() if known.get(row, {}).get(domain) and known.get("base", {}).get(domain)]
            if not among:
                cells.append("")
                continue
            own, base = (float(np.mean([np.nanmean(c) for c in table.column(r, domain, figure, among)])) for r in (row, "base"))
            cells.append(f"{own:.2f}" if row == "base" else f"{own:.2f} ({own - base:+.2f})")
        out.append(cells)
    return out
