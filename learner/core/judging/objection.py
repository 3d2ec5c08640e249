"""What an adaptation itself objects to its child, weighed beside the gate's word."""

from dataclasses import dataclass

from learner.core.judging import gate
from learner.core.judging.gate import Measured, Rules, Verdict


@dataclass(frozen=True)
class Objection:
    because: str = ""  # empty: there is none
    doubt: bool = False  # it is but a doubt of what people marked, which the truth of songs can answer


NONE = Objection()


def weighed(judged: Verdict, objection: Objection, before: Measured, after: Measured, rules: Rules | None = None) -> Verdict:
    """The gate's verdict, refused where the adaptation objects.

    A doubt of the marks refuses no child of which enough target gate songs, whose truth is known, show by themselves that it is better
    and loses nothing: people who mark and let pass bleed look alike to a network that cannot tell the two, and the songs know better.
    """
    rules = rules or Rules()
    if not objection.because:
        return judged
    enough = len(after.songs.get("target", {})) >= rules.songs_for_interval
    if objection.doubt and judged.promote and enough and gate.decide(Measured(before.songs), Measured(after.songs), rules).promote:
        doubted = f"The adaptation itself doubts the marks, which the gate songs answer: {objection.because}."
        return Verdict(True, [*judged.reasons, doubted])
    return Verdict(False, [f"The adaptation itself refuses: {objection.because}.", *judged.reasons], judged.costly)
