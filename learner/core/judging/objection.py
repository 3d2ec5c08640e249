"""What an adaptation itself objects to its child, weighed beside the gate's word."""

from dataclasses import dataclass, replace

from learner.core.judging import gate
from learner.core.judging.gate import Measured, Rules, Verdict

STRONG = 1 / 3  # of the parent's false positives on target gate songs, at its voice level, that must go: spammed marks take a sixth or so


@dataclass(frozen=True)
class Objection:
    because: str = ""  # empty: there is none
    doubt: bool = False  # it is but a doubt of what people marked, which the truth of songs can answer


NONE = Objection()


def weighed(judged: Verdict, objection: Objection, before: Measured, after: Measured, rules: Rules | None = None) -> Verdict:
    """The gate's verdict, refused where the adaptation objects.

    A doubt of the marks refuses no child of which enough target gate songs, whose truth is known, show by themselves that it is much
    better and loses nothing: where people let bleed pass that is like what they marked, the two look alike to the network, and the
    songs know better. A little better does not do: marks that lie anywhere hit some bleed too.
    """
    rules = rules or Rules()
    if not objection.because:
        return judged
    if objection.doubt and judged.promote and _is_strong(before, after, rules):
        doubted = f"The adaptation itself doubts the marks, which the gate songs answer: {objection.because}."
        return replace(judged, reasons=[*judged.reasons, doubted])
    return replace(judged, promote=False, reasons=[f"The adaptation itself refuses: {objection.because}.", *judged.reasons])


def _is_strong(before: Measured, after: Measured, rules: Rules) -> bool:
    """Whether target gate songs alone show a strong gain, and none of the songs a loss."""
    old, new = before.songs.get("target", {}), after.songs.get("target", {})
    if len(new) < rules.songs_for_interval or not gate.decide(Measured(before.songs), Measured(after.songs), rules).promote:
        return False
    was = sum(song["false_positive_seconds_per_minute"] for song in old.values())
    return sum(song[gate.AT_PARENT_VOICE] for song in new.values()) <= (1 - STRONG) * was
