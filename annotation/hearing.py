"""What of a clip was really heard, and whether that is enough for an answer to count. Knows no Django."""

from __future__ import annotations

from collections.abc import Iterable

from annotation.regions import Region, Regions, clamp, merge, subtract, total

# Share of the clip. Pages count what has sounded, and nobody is asked again for a moment that they jumped over.
ENOUGH = 0.9
SHORTEST_GAP = 0.15  # seconds; nobody is asked to hear less than this again


class Unheard(ValueError):
    """Too little of the extracted vocals was heard for an answer to count."""

    def __init__(self, message: str | None = None, *, share: float = 0.0) -> None:
        """`share` of the clip was heard. `field` names the part of the answer that is complained about."""
        super().__init__(message or self.__doc__)
        self.field = "heard"
        self.share = share


def check(heard: Iterable[Region], clip: Region) -> None:
    """Raise `Unheard`, saying what is missing, unless at least 90 % of `clip` lies in `heard`; both in seconds of the track."""
    played = clamp(merge(heard), clip)
    share = total(played) / clip.duration
    if share >= ENOUGH - 1e-9:
        return
    rest = ", ".join(f"{start - clip.start:.1f}-{end - clip.start:.1f} s" for start, end in missing(played, clip))
    raise Unheard(
        f"heard covers {share:.0%} of the extracted vocals; an answer counts from {ENOUGH:.0%} on. Still to hear: {rest}.", share=share
    )


def missing(heard: Regions, clip: Region) -> list[Region]:
    """Return the stretches of `clip` that are still to hear, in order, in seconds of the track, without gaps too short to notice."""
    gaps = subtract([clip], heard)
    return [gap for gap in gaps if gap.duration >= SHORTEST_GAP] or gaps
