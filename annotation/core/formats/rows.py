"""What is said about a track: stretches of it with labels, and who said so of which clip."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.core.regions import Region

CONSENSUS = "consensus"
"""Who says what people agreed on; pseudonyms of people are never this word."""

BEFORE_TAG = ": "

BOM = "\ufeff"
"""What Excel knows a CSV in UTF-8 by; the first character of each that people download."""


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a track with its label; half-open, in seconds of the track.

    `probability` is that of what people agreed on, from 0 to 1; None where one person drew it. `tag` says what leaks there.
    """

    start: float
    end: float
    label: str
    probability: float | None = None
    tag: str = ""

    @property
    def duration(self) -> float:
        return self.end - self.start

    @property
    def text(self) -> str:
        """Label and tag in one, for formats that have one field: "False positive vocals: strings"."""
        return f"{self.label}{BEFORE_TAG}{self.tag}" if self.tag else self.label


@dataclass(frozen=True)
class Answer:
    """What one person, or the consensus, says of one clip of a track; without spans: nothing is wrong in it."""

    track: str
    clip: Region
    by: str
    spans: tuple[Span, ...] = ()
    task: int | None = None


def one_line(text: str) -> str:
    """Text without what ends a field or a line in formats of lines."""
    return " ".join(text.split())
