"""RTTM, a line a stretch, as NIST's evaluations of who spoke when define it (Rich Transcription 2009, appendix A).

Type, file, channel, start, length, orthography, subtype, name, confidence, look-ahead: ten fields between spaces. What RTTM calls a
speaker's name is our label.
"""

from collections.abc import Iterable

from annotation.core.formats.rows import Span


def rttm(file: str, spans: Iterable[Span]) -> str:
    """Spans of one file, in order of time, in seconds with six decimals; blanks in names become underscores."""
    lines = []
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        confidence = "<NA>" if span.probability is None else f"{span.probability:.4f}"
        times = f"{span.start:.6f} {span.duration:.6f}"
        lines.append(f"SPEAKER {_word(file)} 1 {times} <NA> <NA> {_word(span.text)} {confidence} <NA>\n")
    return "".join(lines)


def _word(text: str) -> str:
    return "_".join(text.split()) or "<NA>"
