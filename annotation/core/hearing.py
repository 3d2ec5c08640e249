"""What of a clip was really heard, and whether that is enough for an answer to count. Knows no Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import NamedTuple

from annotation.core.errors import DomainError
from annotation.core.regions import Region, Regions, intersect, merge, subtract, total

# Share of the clip. Pages count what has sounded, and nobody is asked again for a moment that they jumped over.
ENOUGH = 0.9
SPEEDS = (0.5, 0.75, 1, 1.25, 1.5, 1.75, 2)  # times real time, that the player offers
FASTEST = max(SPEEDS)
LATE = 2.0  # seconds that a page's and a server's clock, and what they round, may differ by over any stretch of time
TOO_LITTLE = "heard covers %(share)s of the %(extracted)s; an answer counts from %(enough)s on. Still to hear: %(rest)s."
SHORTEST_GAP = 0.15  # seconds; nobody is asked to hear less than this again


class Unheard(DomainError, ValueError):
    """Too little of the clip was heard for an answer to count."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, share: float, extracted: str, rest: str) -> None:
        """`share` of the clip was heard; `rest` is still to hear. `field` names the part of the answer that is complained about."""
        self.field = "heard"
        self.share = share
        self._about = (extracted, f"{share:.0%}", f"{ENOUGH:.0%}", rest)
        super().__init__(self.said(str))

    def said(self, translate: Callable[[str], str]) -> str:
        extracted, share, enough, rest = self._about
        return translate(TOO_LITTLE) % {"share": share, "extracted": translate(extracted), "enough": enough, "rest": rest}


def check(heard: Iterable[Region], clip: Region, extracted: str = "extracted vocals", asked: Regions | None = None) -> None:
    """Raise `Unheard`, saying what is missing, unless at least 90 % of `clip` lies in `heard`; both in seconds of the track.

    `extracted` says what the clip is of; `asked`, which of its segments count, where quick questions are about some only.
    """
    wanted = [clip] if asked is None else merge(asked)
    played = intersect(heard, wanted)
    share = total(played) / total(wanted)
    if share >= ENOUGH - 1e-9:
        return
    rest = ", ".join(f"{start - clip.start:.1f}-{end - clip.start:.1f} s" for start, end in missing(played, *wanted))
    raise Unheard(share, extracted, rest)


class Listened(NamedTuple):
    """One answer as the server knows it; `given` and `answered` in seconds of the same clock."""

    given: float  # when its person was given the clip first, in hand or ahead
    answered: float  # when it reached the server
    heard: float  # seconds of the clip that it says were played


def in_time(answer: Listened, before: Iterable[Listened]) -> bool:
    """Whether what an answer says was heard can have been heard; `before` are the same person's answers that were, latest first.

    Nobody hears two clips at once, nor one that they were not given yet. So for every moment, what was heard of the clips given from
    then on is at most the time since, at the fastest speed. This is all that can be known by a server: it holds whatever was fetched
    ahead, in whatever order clips are heard, and however late answers are sent. Where the clock was put back, it begins anew.
    """
    if answer.given > answer.answered:
        return True
    known = [answer]
    for one in before:
        if one.answered > known[-1].answered:
            break
        if one.given <= one.answered:
            known.append(one)
    heard = 0.0
    for one in sorted(known, key=lambda one: one.given, reverse=True):
        heard += one.heard
        if one.given <= answer.given and heard > FASTEST * (answer.answered - one.given + LATE):
            return False
    return True


def missing(heard: Regions, *wanted: Region) -> list[Region]:
    """Return the stretches of `wanted` that are still to hear, in order, in seconds of the track, without gaps too short to notice."""
    gaps = subtract(wanted, heard)
    return [gap for gap in gaps if gap.duration >= SHORTEST_GAP] or gaps
