"""What a mark may carry beside its times: a tag of what leaks. A campaign has its own list, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from annotation.core.regions import Region, clamp

USUAL = ("strings", "winds", "guitar", "synth", "choir or backing voice", "drums", "reverb tail", "other")
MOST = 9  # each has a number key
LONGEST = 40  # characters

LEAST_WEIGHT = 0.05  # of a person's word on a tag, who marks no better than by chance


class Tagged(NamedTuple):
    """A mark in seconds with its tag; none: empty."""

    start: float
    end: float
    tag: str = ""


class Vote(NamedTuple):
    """The tag that a region has by weighted vote, and its share of all that was said of tags there; none: empty and 0."""

    tag: str
    share: float


def vote(region: Sequence[float], marks: Iterable[tuple[Tagged, float]], order: Sequence[str] = ()) -> Vote:
    """What leaks in a region: people's tags, each by the seconds that its mark has of the region times the person's weight.

    `marks` are those of all people with the weight of each, their reliability for example; marks without a tag say nothing. Of tags
    that are equal the one that comes first in `order` is taken.
    """
    counted: dict[str, float] = {}
    for mark, weight in marks:
        inside = clamp([Region(mark.start, mark.end)], (region[0], region[1]))
        if mark.tag and inside:
            counted[mark.tag] = counted.get(mark.tag, 0.0) + inside[0].duration * max(LEAST_WEIGHT, weight)
    if not counted:
        return Vote("", 0.0)
    ranks = {tag: n for n, tag in enumerate(order)}
    best = min(counted, key=lambda tag: (-round(counted[tag], 9), ranks.get(tag, len(ranks)), tag))
    return Vote(best, min(1.0, counted[best] / sum(counted.values())))


def fault(tags: object) -> str:
    """What is wrong with a campaign's list of tags, in words; empty where nothing is."""
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return 'The tags are a list of texts, such as ["strings", "drums"]; none are [].'
    if len(tags) > MOST or len(set(tags)) < len(tags):
        return f"There are at most {MOST} tags, each once."
    if any(not tag.strip() or tag != tag.strip() or len(tag) > LONGEST or not tag.isprintable() for tag in tags):
        return f"A tag has 1 to {LONGEST} characters, on one line."
    return ""
