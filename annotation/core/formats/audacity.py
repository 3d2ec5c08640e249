"""Audacity's label track: one line a label, start, end and text between tabs, in seconds with six decimals.

https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

from collections.abc import Iterable

from annotation.core.formats.rows import Span, one_line


def audacity_labels(spans: Iterable[Span]) -> str:
    """Spans in order of time as the text of a label track."""
    return "".join(f"{span.start:.6f}\t{span.end:.6f}\t{one_line(span.text)}\n" for span in sorted(spans, key=_time))


def _time(span: Span) -> tuple[float, float]:
    return span.start, span.end
