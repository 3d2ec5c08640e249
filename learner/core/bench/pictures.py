"""Pictures of the benchmarks, by matplotlib (extra `bench`); without it they are left out, and said so."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from learner.core.bench.claims import Experiment
from learner.core.bench.comparison import Table
from learner.core.bench.intervals import over_seeds
from learner.core.bench.paper import ALGORITHMS, MARKED, SHARES
from learner.core.bench.runs import Result
from learner.core.bench.tables import FALSE_POSITIVES
from learner.core.judging import gate

MARKERS = {0.0: "x", 0.1: "v", 0.5: "s", 1.0: "o"}  # by share of exemplars


def figure_of(rows: int, columns: int, **settings: Any) -> Any:
    """A figure that draws into files only, and its axes; None without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        print("no pictures: matplotlib is not installed (pip install 'unbleed[bench]')", file=sys.stderr)
        return None
    figure = Figure(figsize=(5 * columns, 4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def save(figure: Any, path: Path) -> None:
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, format=path.suffix[1:], dpi=110)
    temporary.replace(path)


def legend(axis: Any) -> None:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=7)


def front(table: Table, path: Path) -> None:
    """False positives at equal voice level against voice kept, SI-SDR and source lost: a dot a run, a large one for their mean."""
    if (made := figure_of(1, 3)) is None:
        return
    figure, axes = made
    panels = (
        ("true voice kept on target, dB re base", "target", "voice_kept_db"),
        ("SI-SDR on target, dB re base", "target", "si_sdr"),
        ("song SDR on source, dB re base", "source", "song_sdr"),
    )
    rows = [row for row in table.rows if row not in ("silence", "mixture")]
    for axis, (label, domain, name) in zip(axes[0], panels, strict=True):
        for number, row in enumerate(rows):
            among = [run for run, known in table.runs.items() if all(domain in known.get(r, {}) for r in (row, "base"))]
            if not among:
                continue
            leak, base_leak, own, base = (
                np.array([np.nanmean(songs) for songs in table.column(r, d, figure_name, among)])
                for r, d, figure_name in (
                    (row, "target", gate.AT_PARENT_VOICE),
                    ("base", "target", FALSE_POSITIVES),
                    (row, domain, name),
                    ("base", domain, name),
                )
            )
            x, y = leak - base_leak, own - base
            colour = f"C{number % 10}"
            axis.scatter(x, y, s=12, color=colour, alpha=0.5)
            axis.scatter(x.mean(), y.mean(), s=70, color=colour, label=row)
        axis.axhline(0, color="grey", linewidth=0.5)
        axis.axvline(0, color="grey", linewidth=0.5)
        axis.set_xlabel("false positives at equal voice level, s/min re base")
        axis.set_ylabel(label)
    legend(axes[0][0])
    save(figure, path)


def leak_against_forgetting(experiment: Experiment, path: Path) -> None:
    """False positives at equal voice level on songs of the marked domain against song SDR lost on source songs, re base."""
    if (made := figure_of(1, 2)) is None:
        return
    figure, axes = made
    for axis, (marked, where) in zip(axes[0], MARKED.items(), strict=True):
        for number, algorithm in enumerate(ALGORITHMS):
            points = []
            for share in SHARES:
                x = over_seeds(experiment.change(marked, algorithm, share, marked, gate.AT_PARENT_VOICE))[0]
                y = over_seeds(experiment.change(marked, algorithm, share, "source", "song_sdr"))[0]
                axis.scatter(x, y, marker=MARKERS[share], color=f"C{number}", s=50)
                points.append((x, y))
            axis.plot(*zip(*points, strict=True), color=f"C{number}", linewidth=0.8, label=algorithm)
        axis.scatter(0, 0, marker="*", color="black", s=80, label="base")
        for share, marker in MARKERS.items():
            axis.scatter([], [], marker=marker, color="grey", label=f"{round(100 * share)} % replayed")
        axis.set_title(where)
        axis.set_xlabel("false positives at equal voice level, s/min re base")
        axis.set_ylabel("song SDR on source songs, dB re base")
    legend(axes[0][0])
    save(figure, path)


def sdr_by_share(experiment: Experiment, path: Path) -> None:
    """Mean and median SDR on songs of the marked domain by share of exemplars, as the paper's Figure 4, with 95 % intervals."""
    if (made := figure_of(2, 2, sharex=True)) is None:
        return
    figure, axes = made
    for column, (marked, where) in enumerate(MARKED.items()):
        for row, (name, label) in enumerate((("sdr_mean", "mean SDR, dB"), ("sdr_median", "median SDR, dB"))):
            axis = axes[row][column]
            for number, algorithm in enumerate(ALGORITHMS):
                means = [over_seeds(experiment.of_seeds(marked, algorithm, share, marked, name)) for share in SHARES]
                at = np.arange(len(SHARES)) + 0.06 * (number - 1)
                values = np.array([mean for mean, _, _ in means])
                reach = np.nan_to_num(np.array([[mean - low, high - mean] for mean, low, high in means]).T)
                axis.errorbar(at, values, yerr=reach, marker="o", capsize=3, color=f"C{number}", label=algorithm)
            axis.axhline(over_seeds(experiment.of_seeds(marked, "base", None, marked, name))[0], color="black", linestyle=":", label="base")
            axis.set_ylabel(label)
            axis.set_xticks(range(len(SHARES)), [f"{round(100 * share)} %" for share in SHARES])
        axes[0][column].set_title(f"{where}: unmarked {marked} songs")
        axes[1][column].set_xlabel("exemplars replayed")
    legend(axes[0][0])
    save(figure, path)


def one_song(experiment: Experiment, path: Path) -> None:
    """One unmarked target song second by second, before and after, as the paper's Figure 5: SDR, and what is left in the rests."""
    if (made := figure_of(2, 1, sharex=True)) is None:
        return
    figure, axes = made
    figure.set_size_inches(10, 6)
    rows: list[tuple[str, float | None]] = [("base", None), *((algorithm, 1.0) for algorithm in ALGORITHMS)]
    for number, (row, share) in enumerate(rows):
        if (found := experiment.frames("target", row, share)) is None:
            continue
        style = {"color": "black", "linestyle": ":"} if share is None else {"color": f"C{number - 1}"}
        label = row if share is None else f"{row}, 100 % replayed"
        for axis, name in zip((axes[0][0], axes[1][0]), ("sdr", "rest_dbfs"), strict=True):
            axis.plot(np.arange(len(found[name])) + 0.5, found[name], marker=".", label=label, **style)
    axes[0][0].set_ylabel("SDR where somebody sings, dB")
    axes[1][0].set_ylabel("estimate where nobody does, dBFS")
    axes[1][0].set_xlabel("seconds")
    legend(axes[0][0])
    save(figure, path)


def rounds(results: Mapping[str, Result], path: Path) -> None:
    """False positives on target songs and song SDR on source songs, round by round; a cross where the child was refused."""
    if (made := figure_of(1, 2)) is None:
        return
    figure, axes = made
    panels = (
        ("target", gate.AT_PARENT_VOICE, "false positives at equal voice level, s/min"),
        ("source", "song_sdr", "song SDR on source, dB"),
    )
    for axis, (domain, name, label) in zip(axes[0], panels, strict=True):
        for number, (key, result) in enumerate(results.items()):
            found = [result["before"], *result["rounds"]]
            measured = [(at, one["figures"][domain][name], one.get("promoted", True)) for at, one in enumerate(found) if "figures" in one]
            axis.plot([at for at, _, _ in measured], [y for _, y, _ in measured], color=f"C{number}", label=key)
            for at, y, promoted in measured:
                axis.plot(at, y, "o" if promoted else "x", color=f"C{number}")
        axis.set_xlabel("round")
        axis.set_ylabel(label)
    legend(axes[0][0])
    save(figure, path)
