"""Write what a benchmark found: Markdown to read and to paste into docs, CSV, JSON, and pictures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from learner.core.bench import comparison, pictures
from learner.core.bench import in_a_row as rounds_in_a_row
from learner.core.bench.claims import Experiment, claims
from learner.core.bench.comparison import Table
from learner.core.bench.paper import MARKED
from learner.core.bench.runs import Result, write_whole
from learner.core.bench.tables import COLUMNS, FALSE_POSITIVES, comma_separated, markdown
from learner.core.files.plain import plain
from learner.core.judging import gate


def figures(table: Table, results: Mapping[str, Result], out: Path) -> str:
    """Write figures.md, .csv, .json and front.png into `out`; return the Markdown."""
    lines = comparison.lines_of(table)
    text = f"Songs never marked; means over {len(table.runs)} runs (base and seed), 95 % intervals by paired bootstrap over 10 s "
    text += "segments within runs (the median's over songs).\n\n" + line_table(lines)
    others = {row: comparison.lines_of(table, row, sparing="") for row in table.rows if row not in comparison.ROWS}
    for row, found in others.items():
        share, low, high = comparison.share_of_fall(table, row)
        text += f"\nThe same for the row '{row}', which has {share:.0f} % [{low:.0f}, {high:.0f}] of our fall in false positives at equal "
        text += "voice level:\n\n" + line_table(found)
    beside = comparison.rows_beside(table)
    headings = ["row (change against base)", *(heading for heading, _, _ in comparison.COLUMNS)]
    text += "\nTarget songs where no domain is named; dB unless said.\n\n" + markdown(headings, beside)
    text += _what_was_done(results)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "figures.md", text)
    write_whole(out / "figures.csv", comma_separated(headings, beside))
    content = {
        "figures": [vars(line) | {"passes": line.passes} for line in lines],
        "others": {row: [vars(line) | {"passes": line.passes} for line in found] for row, found in others.items()},
        "rows": [dict(zip(headings, cells, strict=True)) for cells in beside],
    }
    write_whole(out / "figures.json", json.dumps(plain(content), indent=1) + "\n")
    pictures.front(table, out / "front.png")
    return text


def in_a_row(results: Mapping[str, Result], out: Path) -> str:
    """Write rounds.md, rounds.json and rounds.png into `out`; return the Markdown."""
    lines = rounds_in_a_row.lines_of(results)
    text = "Rounds in a row; means over bases and seeds, with the least and the most of them.\n\n" + line_table(lines, "least ... most")
    headings = ["round", "promoted", "marked s", "FP s/min", "FP at level", "voice kept", "SI-SDR", "source song SDR", "factor"]
    for key, result in results.items():
        cells = []
        for number, found in enumerate([result["before"], *result["rounds"]]):
            passed = {True: "yes", False: "no", None: ""}[found.get("promoted")]
            seconds = f"{found['marked_seconds']:.0f}" if "marked_seconds" in found else ""
            if "failed" in found:
                cells.append([str(number), found["failed"], seconds, *[""] * 6])
                continue
            target, source = found["figures"]["target"], found["figures"]["source"]
            names = (FALSE_POSITIVES, gate.AT_PARENT_VOICE, "voice_kept_db", "si_sdr")
            chosen = f"{found['chosen']['factor']:g}" if "chosen" in found else ""
            cells.append([str(number), passed, seconds, *(f"{target[n]:.2f}" for n in names), f"{source['song_sdr']:.2f}", chosen])
        text += f"\n{key} (round 0: the base)\n\n" + markdown(headings, cells)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "rounds.md", text)
    content = {"figures": [vars(line) | {"passes": line.passes} for line in lines], "runs": results}
    write_whole(out / "rounds.json", json.dumps(plain(content), indent=1) + "\n")
    pictures.rounds(results, out / "rounds.png")
    return text


def line_table(lines: Sequence[comparison.Figure], interval: str = "95 % interval") -> str:
    cells = [
        [
            line.name,
            f"{line.value:+.2f} {line.unit}",
            f"{line.low:+.2f} ... {line.high:+.2f}",
            f"{'>=' if line.least else '<='} {line.threshold:g}",
            f"{line.good:g}",
            line.void or ("good" if line.is_good else "passes" if line.passes else "**FAILS**"),
        ]
        for line in lines
    ]
    return markdown(["figure", "value", interval, "threshold", "good", "result"], cells)


def paper(experiment: Experiment, out: Path) -> str:
    """Write paper.md, .csv, .json, claims.md and three pictures into `out`; return the Markdown of paper.md and claims.md."""
    lines = experiment.lines()
    n_seeds = len(experiment.seeds)
    text = f"Mean over {n_seeds} seeds ± half of its 95 % interval (Student's t)" if n_seeds > 1 else "One seed, so no intervals"
    text += ". dB unless said; SDR median: median over songs of the median over their sung seconds.\n"
    for marked, where in MARKED.items():
        for tested in ("target", "source"):
            some = [line for line in lines if (line.marked, line.tested) == (marked, tested)]
            text += f"\n### {where.capitalize()} (marked: {marked} songs), tested on {tested} songs\n\n"
            rows = [[line.name, *(_with_half(line.figures[figure]) for figure in COLUMNS)] for line in some]
            text += markdown(["", *COLUMNS.values()], rows)
    text += _what_was_done(experiment.results)
    for marked, where in MARKED.items():
        seconds = [
            result["marked_seconds"] for key, result in experiment.results.items() if f"-{marked}-" in key and "marked_seconds" in result
        ]
        text += f"\nMarked in the {where}: {np.mean(seconds):.1f} s.\n" if seconds else ""
    found = claims(experiment)
    agreed = [[c.text, c.measure, _with_interval(c.found), c.verdict] for c in found]
    fragment = markdown(["claim", "measured", "mean over seeds [95 %]", "verdict"], agreed)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "paper.md", text)
    write_whole(out / "claims.md", fragment)
    flat = [
        [line.marked, line.row, "" if line.share is None else f"{line.share:g}", line.tested, figure, *map(_number, mean)]
        for line in lines
        for figure, mean in line.figures.items()
    ]
    headings = ["marked", "row", "share", "tested", "figure", "mean", "low", "high"]
    write_whole(out / "paper.csv", comma_separated(headings, flat))
    content = {
        "lines": [vars(line) for line in lines],
        "claims": [{**vars(claim), "verdict": claim.verdict} for claim in found],
        "seeds": experiment.seeds,
    }
    write_whole(out / "paper.json", json.dumps(plain(content), indent=1) + "\n")
    pictures.leak_against_forgetting(experiment, out / "leak-against-forgetting.png")
    pictures.sdr_by_share(experiment, out / "sdr-by-share.png")
    pictures.one_song(experiment, out / "one-song.png")
    return f"{text}\n{fragment}"


def _what_was_done(results: Mapping[str, Result]) -> str:
    done = [result for result in results.values() if "cpu_seconds" in result]
    text = ""
    if done:
        marked, spent = (float(np.mean([result[name] for result in done])) for name in ("marked_seconds", "cpu_seconds"))
        text = f"\n{len(done)} adaptations, {marked:.0f} s marked on average, {spent:.0f} CPU seconds each"
        peak = max((result["peak_mb"] for result in done if "peak_mb" in result), default=0.0)
        text += f"; {peak:.0f} MB at most, with all songs of the benchmark.\n" if peak else ".\n"
    refused = [key for key, result in results.items() if result.get("refused_because")]
    if refused:
        text += f"\nThe adaptation itself refuses the child of {len(refused)} of them, measured all the same: {', '.join(refused)}.\n"
    for key, result in results.items():
        if "failed" in result:
            text += f"\n{key} failed: {result['failed']}\n"
    return text


def _with_half(mean: tuple[float, float, float]) -> str:
    value, low, high = mean
    if np.isnan(value):
        return ""
    return f"{value:.2f}" if np.isnan(low) else f"{value:.2f} ± {(high - low) / 2:.2f}"


def _with_interval(mean: tuple[float, float, float]) -> str:
    value, low, high = mean
    if np.isnan(value):
        return ""
    return f"{value:+.2f}" if np.isnan(low) else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"
