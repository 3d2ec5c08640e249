"""Learning curves as tables and a picture: minutes to 90 % of the full gain, area under the curve, and intervals over paired runs.

The gain is what adapting takes off the held-out songs' false positives; the full gain is that of all clips marked, mean over a pool's
runs. A curve's time is a share of the pool's minutes, so that pools can be put together, each as much as the others.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from learner.core.bench.choosing.curves import ALL, GREEDY, LIMITS, Curve
from learner.core.bench.choosing.report import DRAWS, Interval
from learner.core.bench.runs import Result, write_whole
from learner.core.bench.tables import comma_separated, markdown
from learner.core.choosing.clips import Floats
from learner.core.files.plain import plain

WANTED = 0.9  # of the full gain
LEAST = 0.05  # of the base's false positives: a pool whose full gain is less has no curve to speak of
AGAINST = {"random": "random", "leak-aware": "leak-aware random", GREEDY: GREEDY}
EVERY = ""  # all pools together
Runs = Mapping[str, Sequence[Result]]  # row -> results, by seed


def write(runs: Sequence[Curve], results: Mapping[str, Result], bases: Mapping[int, str], out: Path) -> str:
    """Write curves.md, .csv, .json and .png into `out`; return the Markdown."""
    pools: dict[str, dict[str, list[Result]]] = {}
    for run in runs:
        label = f"{bases[run.pool.base.number]}: {run.pool.shift}" if run.pool.folder else run.pool.shift
        pools.setdefault(label, {}).setdefault(run.row, []).append(results[run.key])
    shown = {pool: Shares.of(rows) for pool, rows in pools.items() if full_gain(rows) >= LEAST * _base(rows)}
    told = figures(shown)
    text = "\n## Learning curves\n\n" + _described(pools, shown)
    lines = []
    for figure, of_rows in told.items():
        text += "\n" + markdown([figure, *shown, "all"], [[row, *(_cell(of_rows[row][p]) for p in [*shown, EVERY])] for row in of_rows])
        lines += [[figure, row, pool or "all", *of_rows[row][pool]] for row in of_rows for pool in of_rows[row]]
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "curves.md", text)
    write_whole(out / "curves.csv", comma_separated(["figure", "row", "pool", "value", "low", "high"], lines))
    write_whole(out / "curves.json", json.dumps(plain(told), indent=1) + "\n")
    draw(shown, out / "curves.png")
    return text


def full_gain(rows: Runs) -> float:
    """False-positive seconds per minute that all clips marked take off, mean over runs."""
    return float(np.mean([run["base"] - run["leak"][-1] for run in rows[ALL]]))


def _base(rows: Runs) -> float:
    return float(np.mean([run["base"] for run in rows[ALL]]))


class Shares:
    """The curves of one pool: `at`, (points,) shares of its minutes, and `gain`, row -> (runs, points) shares of its full gain."""

    def __init__(self, at: Floats, gain: Mapping[str, Floats]):
        self.at, self.gain = at, gain

    @classmethod
    def of(cls, rows: Runs) -> "Shares":
        whole, full = [run["leak"][-1] for run in rows[ALL]], full_gain(rows)
        first = next(runs for row, runs in rows.items() if row != ALL)[0]
        at = np.array([0.0, *(minutes / first["pool"] for minutes in first["minutes"]), 1.0])
        curves = {
            row: np.array([[run["base"] - leak for leak in (run["base"], *run["leak"], end)] for run, end in zip(runs, whole, strict=True)])
            for row, runs in rows.items()
            if row != ALL
        }
        return cls(at, {row: curve / full for row, curve in curves.items()})

    def minutes(self, row: str, which: Floats) -> Floats:
        """Share of the pool's minutes after which the mean curve of so many draws of runs (draws, runs) has `WANTED` of the full gain."""
        curves = self.gain[row][which].mean(axis=1)  # (draws, points)
        curves = curves / np.maximum(self.gain[row][which][..., -1].mean(axis=1), 1e-9)[:, None]
        return np.array([reached(self.at, curve) for curve in curves])

    def areas(self, row: str) -> Floats:
        """Area under each run's curve, (runs,), as a share of the full gain from the first minute on."""
        gain = self.gain[row]
        return np.asarray(((gain[:, 1:] + gain[:, :-1]) / 2 * np.diff(self.at)).sum(axis=1))


def reached(at: Floats, curve: Floats) -> float:
    """Where a curve first has `WANTED`; between two points it is a straight line. At its end at the latest."""
    above = np.flatnonzero(curve >= WANTED)
    if not len(above):
        return float(at[-1])
    first = int(above[0])
    if first == 0:
        return float(at[0])
    low, high = curve[first - 1], curve[first]
    return float(at[first - 1] + (at[first] - at[first - 1]) * (WANTED - low) / (high - low))


def figures(pools: Mapping[str, Shares]) -> dict[str, dict[str, dict[str, Interval]]]:
    """Figure -> row -> pool -> value and interval; the pool "" is all of them, each as much as the others.

    Intervals are bootstraps over runs, paired: a draw has the same runs for all rows.
    """
    generator = np.random.default_rng(5)
    drawn = {
        pool: np.vstack([np.arange(n), generator.integers(0, n, (DRAWS, n))])
        for pool, shares in pools.items()
        for n in [len(next(iter(shares.gain.values())))]
    }
    rows = list(next(iter(pools.values())).gain) if pools else []
    minutes = {row: {pool: shares.minutes(row, drawn[pool]) for pool, shares in pools.items()} for row in rows}
    areas = {row: {pool: shares.areas(row)[drawn[pool]].mean(axis=1) for pool, shares in pools.items()} for row in rows}

    def means(of: Mapping[str, Floats]) -> dict[str, Interval]:
        return {pool: _interval(values) for pool, values in {**of, EVERY: np.mean(list(of.values()), axis=0)}.items()}

    def ratios(of: Mapping[str, Mapping[str, Floats]], row: str, other: str) -> dict[str, Interval]:
        logs = {pool: np.log(np.maximum(of[row][pool], 1e-3) / np.maximum(of[other][pool], 1e-3)) for pool in pools}
        logs |= {EVERY: np.mean(list(logs.values()), axis=0)}
        return {pool: _interval(np.exp(values)) for pool, values in logs.items()}

    if not rows:
        return {}
    share = f"Share of the minutes until {WANTED:.0%} of the full gain"
    told = {share: {row: means(minutes[row]) for row in rows}}
    for other, name in AGAINST.items():
        if other in rows and other not in LIMITS:
            told[f"The same, times {name}'s"] = {row: ratios(minutes, row, other) for row in rows if row != other}
    told["Area under the curve, share of the full gain"] = {row: means(areas[row]) for row in rows}
    for other, name in AGAINST.items():
        if other in rows:
            told[f"Area, times {name}'s"] = {row: ratios(areas, row, other) for row in rows if row != other}
    return told


def _interval(draws: Floats) -> Interval:
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return float(draws[0]), float(low), float(high)


def _described(pools: Mapping[str, Runs], shown: Mapping[str, Shares]) -> str:
    cells = []
    for pool, rows in pools.items():
        first, n = rows[ALL][0], len(rows[ALL])
        kept = f"{full_gain(rows):.1f}" + ("" if pool in shown else " (too little for a curve)")
        cells.append([pool, str(n), str(first["clips"]), f"{first['pool']:.1f}", f"{_base(rows):.1f}", kept])
    return markdown(["pool", "runs", "clips", "minutes", "false positives held out, base, s/min", "full gain, s/min"], cells)


def _cell(interval: Interval) -> str:
    value, low, high = interval
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def draw(pools: Mapping[str, Shares], path: Path) -> None:
    """Gain against minutes, mean over runs: a panel a pool; nothing where Matplotlib is not installed."""
    from learner.core.bench.pictures import figure_of, legend, save

    if not pools or (made := figure_of(1, len(pools), sharey=True)) is None:
        return
    figure, axes = made
    for axis, (pool, shares) in zip(axes[0], pools.items(), strict=True):
        for row, gain in shares.gain.items():
            style = {"linestyle": "--"} if row in LIMITS else {"linewidth": 2.5 if row == "expected" else 1.2}
            axis.plot(100 * shares.at, 100 * gain.mean(axis=0), label=row, **style)
        axis.axhline(100 * WANTED, color="grey", linewidth=0.5)
        axis.set_title(pool)
        axis.set_xlabel("% of the pool's minutes annotated")
    axes[0][0].set_ylabel("% of the full gain on held-out songs")
    legend(axes[0][0])
    save(figure, path)
