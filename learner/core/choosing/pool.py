"""Whether a pool has anything to mark: known where stems are, guessed from how unsure a model is of its clips where they are not."""

from collections.abc import Sequence
from dataclasses import dataclass

LEAKS = 1.0  # false-positive seconds a minute, from which on a song leaks
UNSURE = 0.065  # spread over dropout passes of a clip from which on it seems to leak: 60 % of those that did, by Spleeter, 5 % of others
GUESSED = ("spleeter",)  # architectures for whose spread that was measured; of others' nothing is guessed
NAMED = 5  # songs
WANTED = "Put songs in whose leads sound like a voice: violin, flute, English horn or choir, and solos and instrumental parts above all."
WANTED_OF_OTHERS = "Put songs in with other instruments that sound like it, above all where it rests."


@dataclass(frozen=True)
class Heard:
    """What is known of a song before people hear it."""

    name: str
    leaking: float | None  # false-positive seconds a minute, by its stems; None: it has none
    unsure: float | None  # spread of the clip that the model is least sure of; None: that says nothing of its kind of model

    @property
    def may_leak(self) -> bool:
        """Whether it leaks, or seems to; where nothing tells, it may."""
        if self.leaking is not None:
            return self.leaking >= LEAKS
        return self.unsure is None or self.unsure >= UNSURE


def may_leak(songs: Sequence[Heard]) -> list[Heard]:
    """Those that leak or may, the worst first: what stems tell goes before what a model is unsure of."""
    return sorted((song for song in songs if song.may_leak), key=lambda song: (-(song.leaking or 0.0), -(song.unsure or 0.0)))


def in_words(songs: Sequence[Heard], stem: str = "vocals", n_others: int = 0) -> str:
    """What to expect of a pool; empty where nothing tells. `n_others` songs of it look so little like leaks that nobody looked closer."""
    wanted = WANTED if stem == "vocals" else WANTED_OF_OTHERS
    known = [song for song in songs if song.leaking is not None]
    guessed = [song for song in songs if song.leaking is None and song.unsure is not None]
    leaking = may_leak([*known, *guessed])
    how = "by their stems" if not guessed else "by how sure the model is of them" if not known else "by their stems, or how sure it is"
    if not (known or guessed):
        return ""
    in_pool = f"songs in the pool that look most like leaks, of {len(songs) + n_others}," if n_others else "songs in the pool"
    if not leaking:
        return f"Hardly any of {len(songs)} {in_pool} leaks, {how}, so people would mark nothing. {wanted}"
    names = ", ".join(_named(song) for song in leaking[:NAMED]) + (f" and {len(leaking) - NAMED} more" if len(leaking) > NAMED else "")
    verb = "leak" if not guessed else "seem to leak"
    few = f" {wanted}" if 4 * len(leaking) <= len(songs) else ""
    return f"{len(leaking)} of {len(songs)} {in_pool} {verb}, {how}: {names}.{few}"


def _named(song: Heard) -> str:
    return song.name if song.leaking is None else f"{song.name} ({song.leaking:.1f} s/min)"
