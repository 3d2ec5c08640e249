"""The table of the figures on real songs, and what was done for it, as Markdown, CSV, JSON and a picture."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from learner.core.bench import comparison, pictures, report
from learner.core.bench.comparison import CEILING, OURS, Draws, Figure, Table
from learner.core.bench.real import OUTSIDE, WHOLE
from learner.core.bench.real_material import Experiment
from learner.core.bench.runs import Result, write_whole
from learner.core.bench.tables import FALSE_POSITIVES, comma_separated, markdown
from learner.core.files.plain import plain
from learner.core.judging import gate

COLUMNS = (
    *((heading, domain, figure) for heading, domain, figure in comparison.COLUMNS if domain in ("target", "source")),
    ("other kinds at level", "other kinds", gate.AT_PARENT_VOICE),
    ("other kinds voice", "other kinds", "voice_kept_db"),
    ("outside marks at level", OUTSIDE, gate.AT_PARENT_VOICE),
    ("held voices song SDR", "held voices", "song_sdr"),
)
SI_SDR_MAY_FALL = 0.3  # dB; more, and a gain in song SDR counts for nothing


def lines_of(table: Table, row: str, *, leads: bool) -> list[Figure]:
    """What is to be reached, of one row; `leads` were laid over songs, or else the songs are as they are."""

    def change(domain: str, figure: str) -> tuple[float, float, float]:
        return table.compare(domain, figure, (row, "base"), lambda child, base: child - base)

    def percent(domain: str, figure: str = gate.AT_PARENT_VOICE) -> tuple[float, float, float]:
        return table.compare(domain, figure, (row, "base"), lambda child, base: 100 * (child / base - 1))

    def of_ceiling(child: Draws, base: Draws, ceiling: Draws) -> Draws:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(ceiling > base, 100 * (child - base) / (ceiling - base), np.nan)

    si_sdr = change("target", "si_sdr")
    void = "" if si_sdr[0] >= -SI_SDR_MAY_FALL else "void: SI-SDR falls"
    share = table.compare("target", "song_sdr", (row, "base", CEILING), of_ceiling)
    worst = worst_song(table, row, "source")
    if leads:
        held = table.compare("held voices", "song_sdr", (row,), lambda own: own)
        found = [
            Figure("false-positive seconds per minute, target", *percent("target", FALSE_POSITIVES), -40, -60, "%", False),
            Figure("the same at equal voice level", *percent("target"), -40, -60, "%", False, -20),
            Figure("other kinds of leads, at equal voice level", *percent("other kinds"), -15, -40, "%", False),
            Figure("the marked excerpts outside their marks, at equal voice level", *percent(OUTSIDE), -40, -70, "%", False),
            Figure("true voice kept, target", *change("target", "voice_kept_db"), -0.2, 0, "dB", True),
            Figure("SI-SDR, target", *si_sdr, 0.5, 1.2, "dB", True),
            Figure("song SDR, target: share of the ceiling's gain", *share, 60, 90, "%", True, void=void),
            Figure("plain songs' song SDR", *change("source", "song_sdr"), -0.1, 0.2, "dB", True),
            Figure("the same, worst song", worst, worst, worst, -0.4, -0.1, "dB", True),
            Figure("held voices' song SDR", *held, 30, 35, "dB", True),
        ]
    else:
        found = [
            Figure("false-positive seconds per minute, target", *percent("target", FALSE_POSITIVES), -30, -50, "%", False, -15),
            Figure("the same at equal voice level", *percent("target"), -22, -40, "%", False),
            Figure("the marked excerpts outside their marks, at equal voice level", *percent(OUTSIDE), -40, -70, "%", False),
            Figure("true voice kept, target", *change("target", "voice_kept_db"), -0.9, -0.3, "dB", True),
            Figure("true voice kept, source", *change("source", "voice_kept_db"), -0.2, 0, "dB", True),
            Figure("song SDR, target: share of the ceiling's gain", *share, 60, 90, "%", True, void=void),
            Figure("SI-SDR, target", *si_sdr, 0.5, 1.2, "dB", True),
            *(
                Figure(f"source {label} change", *change("source", name), -0.15, -0.05, "dB", True)
                for label, name in (("mean SDR", "sdr_mean"), ("median SDR", "sdr_median"), ("song SDR", "song_sdr"))
            ),
        ]
    return [line for line in found if not np.isnan(line.value)]


def worst_song(table: Table, row: str, domain: str) -> float:
    """The change in song SDR of the song that lost most; NaN without such songs."""
    changes = [
        child["figures"]["song_sdr"] - rows["base"][domain][name]["figures"]["song_sdr"]
        for rows in table.runs.values()
        if domain in rows.get(row, {}) and domain in rows.get("base", {})
        for name, child in rows[row][domain].items()
    ]
    return min(changes, default=float("nan"))


def write(experiment: Experiment, names: Mapping[int, str], results: Mapping[str, Result], out: Path) -> str:
    """Write real.md, .csv, .json and real.png into `out`; return the Markdown. `names` are the bases', by number."""
    table, leads = Table(results), experiment.shift != "songs"
    text = f"{shift_in_words(experiment)} Means over bases and seeds, 95 % intervals by paired bootstrap over 10 s segments within runs.\n"
    lines: dict[str, list[Figure]] = {}
    for number, name in names.items():
        own = Table({key: result for key, result in results.items() if key.startswith(f"base{number}-")})
        for row in (OURS, WHOLE):
            if found := lines_of(own, row, leads=leads):
                lines[f"{name}: {row}"] = found
                text += f"\n**{name}**, {row}:\n\n" + report.line_table(found)
    headings = ["row (change against base)", *(heading for heading, _, _ in COLUMNS)]
    beside = comparison.rows_beside(table, COLUMNS)
    text += "\nTarget where no domain is named; dB unless said.\n\n" + markdown(headings, beside)
    text += how_far(results)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "real.md", text)
    write_whole(out / "real.csv", comma_separated(headings, beside))
    content = {
        "figures": {name: [vars(line) | {"passes": line.passes} for line in found] for name, found in lines.items()},
        "rows": [dict(zip(headings, cells, strict=True)) for cells in beside],
    }
    write_whole(out / "real.json", json.dumps(plain(content), indent=1) + "\n")
    pictures.front(table, out / "real.png")
    return text


def how_far(results: Mapping[str, Result]) -> str:
    """What each child was adapted on, how far it went, and what the guard said."""
    cells = []
    for key, result in results.items():
        if "failed" in result:
            cells.append([key, "", "", "", f"failed: {result['failed']}"])
        elif key.endswith(f"-{OURS}"):
            chosen = result["report"]["chosen"]
            said = result["refused_because"] or result["report"].get("held_back", "")
            cells.append([key, f"{result['marked_seconds']:.1f}", f"{chosen['factor']:.2f}", f"{result['cpu_seconds']:.0f}", said])
    return "\n" + markdown(["run", "marked s", "of the way", "CPU s", "the guard"], cells)


def shift_in_words(experiment: Experiment) -> str:
    what: Mapping[str, str] = {
        "songs": "Songs as they are.",
        "bowed": "Bowed instruments over real songs, whose voice is muted where they play.",
        "blown": "Wind instruments over real songs, whose voice is muted where they play.",
        "recorded": "Recordings of instruments over real songs, whose voice is muted where they play.",
    }
    return what[experiment.shift]
