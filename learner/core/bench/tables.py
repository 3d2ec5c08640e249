"""Tables as Markdown and CSV, and how the figures are called in them."""

import csv
import io
from collections.abc import Sequence

from learner.core.judging import gate

FALSE_POSITIVES = "false_positive_seconds_per_minute"
COLUMNS = {  # figure: heading
    "sdr_mean": "SDR mean",
    "sdr_median": "SDR median",
    "song_sdr": "song SDR",
    "si_sdr": "SI-SDR",
    "voice_kept_db": "voice kept",
    "pes_dbfs": "PES dBFS",
    FALSE_POSITIVES: "FP s/min",
    gate.AT_PARENT_VOICE: "FP at level",  # the first checkpoint stands for the parent
}


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def comma_separated(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return out.getvalue()
