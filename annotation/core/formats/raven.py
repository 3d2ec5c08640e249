"""Raven's selection table: columns between tabs, which Raven and its readers know by their names.

K. Lisa Yang Center for Conservation Bioacoustics, Raven Pro user's manual, chapter "Selection tables"; a table that is opened with a
sound needs its view, channel, times and frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable

from annotation.core.formats.rows import Span, one_line

HEAD = ("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)")
OURS = ("Annotation", "Tag", "Annotator", "Probability")


def raven_table(said: Iterable[tuple[str, Span]], sample_rate: int) -> str:
    """Who said what of one file, in order of time; selections reach from 0 Hz to half the sample rate."""
    rows = [HEAD + OURS]
    for number, (by, span) in enumerate(sorted(said, key=lambda one: (one[1].start, one[1].end, one[0])), start=1):
        place = (str(number), "Spectrogram 1", "1", f"{span.start:.6f}", f"{span.end:.6f}", "0.0", f"{sample_rate / 2:.1f}")
        probability = "" if span.probability is None else f"{span.probability:.4f}"
        rows.append((*place, one_line(span.label), one_line(span.tag), one_line(by), probability))
    return "".join("\t".join(row) + "\n" for row in rows)
