"""What a round's figures together say of why it ended as it did, and what to do: a cause is named only where they tell it from others.

The figures of a round are held against each other: the child against its parent, against the same steps on replay alone, and the parent
against the mixture and silence, which need no learning. What one of them shows, another may explain: a child that takes hardly anything
off what people marked looks the same whether the marks are wrong or the base cannot tell voice from the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from learner.core.judging import fit
from learner.core.judging.names import AT_PARENT_LEVEL, FALSE_POSITIVES, SONG_SDR, SUNG_SDR, VOICE
from learner.core.judging.rules import Rules

LOST = 0.5  # dB of true voice that marks cost, beside replay alone, from which on they are at fault
SOME = 2  # songs: one alone may be an odd one
WRONG, RIGHT = 1 / 2, 1 / 3  # share of what people marked on gold clips that is no bleed: edges alone make some of it
GOLD_ANSWERS, DRAWS = 20, 1000  # fewer answers to gold clips say nothing


class Cause(StrEnum):
    """What a round ended for."""

    WELL = "all well"
    BASE = "a base that does not fit"
    MARKS = "wrong marks"
    FEW = "too few marks"
    ONE_SONG = "one gate song only"
    BLIND = "nothing to judge by"
    REPLAY = "replay alone is as good"
    UNTOLD = "the figures do not tell"


@dataclass(frozen=True)
class Song:
    """A song whose truth is known: figures by subject ("parent", "child", "replay only", "mixture") and metric; silence has 0 dB SDR."""

    figures: Mapping[str, Mapping[str, float]]  # of the parent and the mixture with "sung_sdr": see `fit.measure`
    gate: bool  # else it is a test song
    target: bool = True

    def change(self, metric: str, subject: str, against: str) -> float | None:
        new, old = (self.figures.get(one, {}).get(metric) for one in (subject, against))
        return None if new is None or old is None else new - old


@dataclass(frozen=True)
class OnGold:
    """How people marked clips whose truth is known: shares, each with its 95 % interval."""

    n: int  # answers
    no_bleed: tuple[float, float, float]  # of the seconds that they marked
    missed: tuple[float, float, float]  # of the seconds that leak

    @property
    def wrong(self) -> bool | None:
        """Whether the marks of these people are no bleed for the most part; None: that cannot be told."""
        if self.n < GOLD_ANSWERS:
            return None
        if self.no_bleed[1] > WRONG:
            return True
        return False if self.no_bleed[2] < RIGHT and self.missed[2] < WRONG else None

    def __str__(self) -> str:
        shares = [f"{100 * share:.0f} % [{100 * low:.0f}, {100 * high:.0f}]" for share, low, high in (self.no_bleed, self.missed)]
        return f"on gold clips {shares[0]} of what these people marked was no bleed, and they missed {shares[1]} of it ({self.n} answers)"


def on_gold(people: Sequence[tuple[int, float, float, float, float]], *, generator: np.random.Generator) -> OnGold | None:
    """From each person's gold answers: how many, then seconds marked, marked and no bleed, that leak, and missed; None: nothing was.

    The intervals are bootstraps over people (Efron 1979, doi:10.1214/aos/1176344552): answers of one person are alike.
    """
    table = np.array(people, dtype=float).reshape(-1, 5)
    if table[:, 1].sum() <= 0 or table[:, 3].sum() <= 0:
        return None
    drawn = table[generator.integers(len(table), size=(DRAWS, len(table)))].sum(axis=1)

    def share(of: int, whole: int) -> tuple[float, float, float]:
        some = drawn[drawn[:, whole] > 0]
        low, high = np.quantile(some[:, of] / some[:, whole], (0.025, 0.975))
        return float(table[:, of].sum() / table[:, whole].sum()), float(low), float(high)

    return OnGold(int(table[:, 0].sum()), share(2, 1), share(4, 3))


@dataclass(frozen=True)
class RoundTold:
    """All that is known of a round when it has ended."""

    songs: Sequence[Song]
    promoted: bool
    marked_seconds: float  # that the child learned from
    half_way: float  # marked seconds with which a child goes half of the way that its marks show; 0: it goes all of it
    doubted: bool = False  # the adaptation took hardly more off what people marked than off what they let pass
    random_marks: int = 0  # kept-apart marks of clips drawn at random, which can show a gain
    gold: OnGold | None = None  # of those whose marks the child learned from


@dataclass(frozen=True)
class Advice:
    """The cause, or `UNTOLD` and those that it may be, with sentences for people: what is so, and what to do."""

    cause: Cause
    may_be: tuple[Cause, ...]
    sentences: list[str]


def advise(told: RoundTold) -> Advice:
    """Say what a round ended for, and what to do.

    What is less, or as good, goes by the gate's usual rules: a campaign that asks for more before it promotes changes no cause.
    """
    round_ = _Round(told)
    cause, may_be = round_.cause()
    return Advice(cause, may_be, round_.sentences(cause, may_be))


class _Round:
    def __init__(self, told: RoundTold) -> None:
        self.told, self.rules = told, Rules()
        self.target = [song for song in told.songs if song.target]
        self.gate = [song for song in self.target if song.gate]
        self.test = [song for song in self.target if not song.gate]
        found = [(song.figures.get("parent", {}).get(SUNG_SDR), song.figures.get("mixture", {}).get(SUNG_SDR)) for song in self.target]
        self.suited = [fit.OnSong("", {SUNG_SDR: own, "sung_sdr_of_mix": mix}) for own, mix in found if own is not None and mix is not None]

    # ---- what each figure tells: True, False, or None where it cannot be told

    def base_unfit(self) -> bool | None:
        """Whether the parent does no more for the songs than the mixture turned down would."""
        suits = fit.of_songs(self.suited)
        if suits == "fits":
            return False
        return True if suits == "unfit" and len(self.suited) >= SOME else None

    def few(self) -> bool:
        return self.told.marked_seconds < self.told.half_way

    def marks_wrong(self) -> bool | None:
        """Whether learning from the marks costs true voice that the same steps without them do not cost; else what gold clips say."""
        by_gold = self.told.gold.wrong if self.told.gold else None
        beside_parent = self._changes(self.target, VOICE, "child", "parent")
        beside_replay = self._changes(self.target, VOICE, "child", "replay only")
        if self.gains("replay only"):
            return False
        if beside_parent and np.mean(beside_parent) <= -LOST:
            if len(beside_replay) < SOME:
                return by_gold
            return bool(np.mean(beside_replay) <= -LOST)
        return by_gold if self.told.doubted else False

    def gains(self, against: str, songs: Sequence[Song] | None = None) -> bool | None:
        """Whether the child has clearly less false positives than the parent, or than replay alone; None: not measured."""
        songs = self.target if songs is None else songs
        changes = self._changes(songs, FALSE_POSITIVES, "child", against)
        # At the parent's voice level too: what is only quieter is no gain.
        level = self._changes(songs, AT_PARENT_LEVEL, "child", against)
        before = [song.figures["parent"][FALSE_POSITIVES] for song in songs if FALSE_POSITIVES in song.figures.get("parent", {})]
        if not changes or not before:
            return None
        least = max(self.rules.false_positive_gain, self.rules.false_positive_share * float(np.mean(before)))
        return bool(max(np.mean(changes), np.mean(level or changes)) <= -least)

    def replay_as_good(self) -> bool | None:
        found = self.gains("replay only")
        return None if found is None else not found

    def one_song(self) -> bool | None:
        """Whether the one gate song says other than the test songs do; None: nothing else can tell."""
        if len(self.gate) != 1:
            return False
        if len(self.test) < SOME:
            return None
        return bool(self.gains("parent", self.test)) != self.told.promoted

    @staticmethod
    def _changes(songs: Sequence[Song], metric: str, subject: str, against: str) -> list[float]:
        found = [song.change(metric, subject, against) for song in songs]
        return [change for change in found if change is not None]

    # ---- together

    def cause(self) -> tuple[Cause, tuple[Cause, ...]]:
        """The cause, and those that are not excluded where it is `UNTOLD`."""
        base, marks = self.base_unfit(), self.marks_wrong()
        if base:  # measured before anybody marked anything; with such a base nothing else can be told
            return Cause.BASE, ()
        if self.told.promoted:
            return self._of_promoted()
        possible = [Cause.BASE] if base is None else []
        if marks and not possible:
            return Cause.MARKS, ()
        if marks is not False:
            possible.append(Cause.MARKS)
        if not self.gate and not self.told.random_marks:
            possible.append(Cause.BLIND)
        costs = np.mean(self._changes(self.target, VOICE, "child", "parent") or [0.0]) <= -LOST
        if self.few() and not costs:  # few marks do little, for good or ill
            possible.append(Cause.FEW)
        if self.one_song() is not False:
            possible.append(Cause.ONE_SONG)
        if self.replay_as_good() and not costs:
            possible.append(Cause.REPLAY)
        # Where there are few marks, or wrong ones, that replay does as much is what they bring about, and no cause of its own.
        if Cause.REPLAY in possible and len(possible) > 1 and not self.gains("parent"):
            possible.remove(Cause.REPLAY)
        return _only(possible)

    def _of_promoted(self) -> tuple[Cause, tuple[Cause, ...]]:
        if self.replay_as_good():
            return _only([*([Cause.FEW] if self.few() else []), Cause.REPLAY])
        return (Cause.WELL if self.one_song() is False else Cause.ONE_SONG), ()

    # ---- in words

    def sentences(self, cause: Cause, may_be: Sequence[Cause]) -> list[str]:
        if cause is not Cause.UNTOLD:
            return [self._of(cause), *self._besides(cause)]
        if not may_be and self.gains("parent"):
            return [
                "Nothing here speaks against the marks, the base or how much there is: on target songs the child leaks clearly less than "
                f"its parent{self._and_replay()}. What refused it is a limit that the gate names below; the campaign's settings hold it."
            ]
        if not may_be:
            return [
                "The figures do not tell why: none of the usual causes shows in them. The gate's reasons below say which limit "
                "decided; hear the songs that got worse, worst first."
            ]
        return [f"The figures do not tell which of these it is: {', '.join(may_be)}.", *map(self._of, may_be)]

    def _of(self, cause: Cause) -> str:
        n, unfit = len(self.suited), [one.fit for one in self.suited].count("unfit")
        some = f"{unfit} of " if unfit < n else ""
        songs = f"{some}{n} song{'' if n == 1 else 's'} with stems"
        parent, mixture = self._mean("parent", SUNG_SDR), self._mean("mixture", SUNG_SDR)
        told = {
            Cause.WELL: f"All well: the child is better than its parent{self._and_replay()}. Go on with rounds.",
            Cause.BASE: ("Whether the base fits is not measured: there are no songs of the target with stems. Hear what it makes of some.")
            if not n
            else (
                f"The base {'does not fit' if self.base_unfit() else 'fits some of the songs only, if any'}: on {songs} what it "
                "extracts is hardly better than the mix turned down, also where there is something to extract (SDR of all "
                f"{parent} there, of the mix {mixture}{self._beside_silence()}). Marks do not mend that: try another base under "
                "“Base” on the campaign's page; the marks stay and count for it too."
            ),
            Cause.MARKS: self._of_marks(),
            Cause.FEW: (
                f"{self.told.marked_seconds:.0f} s of marks is little: about {self.told.half_way:.0f} s are needed before half of what "
                "they show is taken over. Go on with rounds; earlier marks count again. More clips a round bring it sooner."
            ),
            Cause.ONE_SONG: (
                "There is one target gate song only, so one song decided. Add more songs with stems for the gate: from "
                f"{self.rules.songs_for_interval} on there is an interval."
            ),
            Cause.BLIND: (
                "There are neither gate songs with stems nor kept-apart marks of clips drawn at random, so nothing could show a gain. "
                "Add gate songs, or let a larger share of the clips be drawn at random."
            ),
            Cause.REPLAY: (
                f"Replay alone is as good: false positives {self._mean('child', FALSE_POSITIVES, 's/min')} with the marks, "
                f"{self._mean('replay only', FALSE_POSITIVES, 's/min')} without them, "
                f"{self._mean('parent', FALSE_POSITIVES, 's/min')} before. What changed does not "
                "come from the marks. Before people mark more, hear whether what they marked leaks less on the round's clips."
            ),
        }
        return told[cause]

    def _of_marks(self) -> str:
        voice = self._changes(self.target, VOICE, "child", "parent")
        alone = self._changes(self.target, VOICE, "replay only", "parent")
        gold = self.told.gold
        look = "Look at who marked what on the round's page, and let gold clips find people who mark voices."
        if self.marks_wrong() and voice and np.mean(voice) <= -LOST:
            without = f", the same steps without marks {max(0.0, -float(np.mean(alone))):.1f} dB" if alone else ""
            return (
                f"Too many of the marks seem to be no bleed: on songs with stems the child lost {-np.mean(voice):.1f} dB of true voice"
                f"{without}{f'; {gold}' if gold and gold.wrong else ''}. {look}"
            )
        if self.marks_wrong():
            return f"Too many of the marks seem to be no bleed: {gold}. {look}"
        return (
            "Some of the marks may be no bleed, or much bleed was left unmarked: to the model they look like what people let pass. "
            "Hear some of them on the round's page; gold clips tell who marks right."
        )

    def _besides(self, cause: Cause) -> list[str]:
        """What is so beside the cause, and is not one that could be told with it."""
        found = []
        gold = self.told.gold
        if cause is Cause.BASE and (self.told.doubted or self.marks_wrong() is not False):
            if gold and gold.wrong is not None:
                found.append(f"The marks are {'wrong for the most part too' if gold.wrong else 'right for the most part'}: {gold}.")
            else:
                found.append("Whether the marks are right, the figures of such a base do not tell.")
        if cause is Cause.BASE and self.few():
            found.append(f"{self.told.marked_seconds:.0f} s of marks would be little with any base.")
        if cause in (Cause.WELL, Cause.FEW) and self.replay_as_good() is None and self.target:
            found.append("How much of it replay alone would bring is not measured.")
        return found

    def _and_replay(self) -> str:
        return " and than replay alone" if self.gains("replay only") else ""

    def _beside_silence(self) -> str:
        below = [song for song in self.target if song.figures.get("parent", {}).get(SONG_SDR, 0.0) < 0]
        return f"; on {len(below)} of them it is worse than silence" if below else ""

    def _mean(self, subject: str, metric: str, unit: str = "dB") -> str:
        values = [song.figures[subject][metric] for song in self.target if metric in song.figures.get(subject, {})]
        return f"{np.mean(values):.1f} {unit}" if values else "not measured"


def _only(possible: Sequence[Cause]) -> tuple[Cause, tuple[Cause, ...]]:
    return (possible[0], ()) if len(possible) == 1 else (Cause.UNTOLD, tuple(possible))
