"""What each way of choosing found: tables, and a picture, of all runs on all pools."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learner.core.bench.choosing.finding import ANSWERED, ORACLE, ROWS, Finding
from learner.core.bench.runs import Result, write_whole
from learner.core.bench.tables import comma_separated, markdown
from learner.core.choosing.clips import Floats
from learner.core.files.plain import plain

DRAWS = 2000
FOUND, AFTER, AGAINST, WORST = "found", "after one round", "against leak-aware", "against random"
Interval = tuple[float, float, float]  # value, 2.5 and 97.5 percentiles over draws of runs


def figures(pools: Mapping[str, Sequence[Result]], row: str) -> dict[str, dict[str, Interval]]:
    """Of one row: figure -> pool -> value; the pool "" is all of them, each as much as the others.

    `FOUND`: share of what the one-shot oracle finds in all rounds. `AFTER`: from the second round on, share of the most that could be
    found in what was left. `AGAINST`, `WORST`: seconds found in all rounds, times those of leak-aware random, and of random.
    """
    generator = np.random.default_rng(5)
    drawn = {pool: np.vstack([np.arange(len(runs)), generator.integers(0, len(runs), (DRAWS, len(runs)))]) for pool, runs in pools.items()}

    def ratios(above: Callable[[Result], float], below: Callable[[Result], float]) -> dict[str, Interval]:
        of_pools: dict[str, Floats] = {}
        for pool, runs in pools.items():
            over, under = (np.array([part(run) for run in runs])[drawn[pool]].sum(axis=1) for part in (above, below))
            of_pools[pool] = over / np.maximum(under, 1e-9)
        together = np.exp(np.mean([np.log(np.maximum(values, 1e-6)) for values in of_pools.values()], axis=0))
        if above is not after:
            return {pool: _interval(values) for pool, values in (of_pools | {"": together}).items()}
        return {pool: _interval(values) for pool, values in (of_pools | {"": np.mean(list(of_pools.values()), axis=0)}).items()}

    def found(run: Result, of: str = row) -> float:
        return float(sum(run["rows"][of]["found"]))

    def after(run: Result) -> float:
        return float(sum(run["rows"][row]["found"][1:]))

    return {
        FOUND: ratios(found, lambda run: sum(run["oracle"])),
        AFTER: ratios(after, lambda run: sum(run["rows"][row]["best"][1:])),
        AGAINST: ratios(found, lambda run: found(run, "leak-aware")),
        WORST: ratios(found, lambda run: found(run, "random")),
    }


def _interval(draws: Floats) -> Interval:
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return float(draws[0]), float(low), float(high)


def write(runs: Sequence[Finding], results: Mapping[str, Result], bases: Mapping[int, str], out: Path) -> str:
    """Write choosing.md, .csv, .json and .png into `out`; return the Markdown."""
    pools: dict[str, list[Result]] = {}
    for run in runs:
        label = f"{bases[run.pool.base.number]}: {run.pool.shift}" if run.pool.folder else run.pool.shift
        pools.setdefault(label, []).append(results[run.key])
    kinds = {
        "Real songs": {p: r for p, r in pools.items() if ":" in p},
        "Generated songs": {p: r for p, r in pools.items() if ":" not in p},
    }
    text, content, lines = "", {}, []
    for kind, some in kinds.items():
        if not some:
            continue
        told = {row.name: figures(some, row.name) for row in ROWS}
        content[kind] = told
        text += f"\n## {kind}\n\n{_described(some)}\n"
        text += "\n" + _ranked(some)
        for figure, heading in (
            (AFTER, "From the second round on: share of the most that could be found"),
            (FOUND, "All rounds: share of what a one-shot oracle finds"),
            (AGAINST, "All rounds: seconds found, times those of leak-aware random"),
        ):
            headings = [heading, *some, "all"]
            cells = [[row, *(_cell(told[row][figure][pool]) for pool in [*some, ""])] for row in told]
            text += "\n" + markdown(headings, cells)
            lines += [[kind, figure, row, pool or "all", *told[row][figure][pool]] for row in told for pool in told[row][figure]]
        worse = {row: [pool for pool in some if told[row][WORST][pool][2] < 0.995] for row in told}
        text += (
            "\nSignificantly worse than random: "
            + ("; ".join(f"{row} ({', '.join(at)})" for row, at in worse.items() if at) or "none")
            + ".\n"
        )
        text += _foretold(some)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "choosing.md", text)
    write_whole(out / "choosing.csv", comma_separated(["songs", "figure", "row", "pool", "value", "low", "high"], lines))
    write_whole(out / "choosing.json", json.dumps(plain(content), indent=1) + "\n")
    draw(kinds, out / "choosing.png")
    return text


def _described(pools: Mapping[str, Sequence[Result]]) -> str:
    cells = []
    for pool, runs in pools.items():
        clips, leak = np.mean([run["n_clips"] for run in runs]), np.mean([run["leak"] for run in runs])
        rounds = max(len(row["found"]) for row in runs[0]["rows"].values())
        cells.append([pool, str(len(runs)), f"{clips:.0f}", f"{leak / clips:.1f}", f"{rounds} x {runs[0]['clips']}"])
    return markdown(["pool", "runs", "clips", "leak, s a clip", "clips heard"], cells)


def _ranked(pools: Mapping[str, Sequence[Result]]) -> str:
    """Orders of clips after a few were answered, without what strategies add."""
    headings = [f"The first quarter, once {ANSWERED} clips drawn at random were answered: share of the most a quarter holds", *pools, "all"]
    cells = []
    for order in next(iter(pools.values()))[0]["ranked"]:
        values = [_mean([run["ranked"][order] for run in runs]) for runs in pools.values()]
        cells.append([order, *(f"{value:.2f}" for value in [*values, _mean(values)])])
    return markdown(headings, cells)


def _foretold(pools: Mapping[str, Sequence[Result]]) -> str:
    """How well the learned model foretells what was not heard yet, by rounds of answers that it has learned from."""
    cells = []
    for pool, runs in pools.items():
        told = [run["rows"]["expected"]["told"] for run in runs]
        shown = [pool]
        for at in (0, 1, min(map(len, told)) - 1):
            shown.append(" / ".join(f"{_mean([run[at][name] for run in told]):.2f}" for name in ("spearman", "auroc")))
        cells.append([*shown, " / ".join(f"{np.mean([run[-1][name] for run in told]):.1f}" for name in ("expected", "found"))])
    headings = [
        "rank correlation / AUROC over clips",
        "before any answer",
        "after one round",
        "before the last",
        "then: expected / true s a clip",
    ]
    return "\n" + markdown(headings, cells)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _cell(interval: Interval) -> str:
    value, low, high = interval
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def draw(kinds: Mapping[str, Mapping[str, Sequence[Result]]], path: Path) -> None:
    """Leak found against rounds, as a share of the one-shot oracle's, mean over pools; nothing where Matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = {kind: pools for kind, pools in kinds.items() if pools}
    figure, axes = pyplot.subplots(1, len(shown), figsize=(6 * len(shown), 4.5), sharey=True, squeeze=False)
    for axis, (kind, pools) in zip(axes[0], shown.items(), strict=True):
        for row in ROWS:
            axis.plot(*_curve(pools, row.name), label=row.name, linewidth=2.5 if row.name == "expected" else 1.2)
        axis.plot(*_curve(pools, ORACLE), "k--", label=ORACLE)
        axis.set(title=kind, xlabel="rounds of answers", ylabel="leak found, share of the one-shot oracle's")
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _curve(pools: Mapping[str, Sequence[Result]], row: str) -> tuple[list[int], list[float]]:
    shares: list[Any] = []
    for runs in pools.values():
        for run in runs:
            found = run["oracle"] if row == ORACLE else run["rows"][row]["found"]
            shares.append(np.cumsum(found) / max(sum(run["oracle"]), 1e-9))
    n = min(map(len, shares))
    return list(range(n + 1)), [0.0, *np.mean([share[:n] for share in shares], axis=0).tolist()]
