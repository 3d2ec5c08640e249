"""What is believed of people: before anybody has answered, and of one annotator after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from annotation.core.consensus.answers import Key


@dataclass(frozen=True)
class Prior:
    """What is believed before anybody has answered. The defaults suit marks of about 0.3-5 s on clips of 10-30 s."""

    # Beta counts of votes. Two of three strangers outvote the third, and one task alone cannot teach who of them is right.
    sensitivity: tuple[float, float] = (18.0, 6.0)  # votes on bleeding time: marked, missed
    specificity: tuple[float, float] = (18.0, 2.0)  # votes on clean time: left alone, marked
    onset_lag: float = 0.175  # seconds that all react late, on average
    offset_lag: float = 0.175  # seconds
    lag_pairs: float = 6.0  # pairs of marks that weigh as much as the lag above
    # Correlation of people's lags at both edges. Few marks tell one lag; some hundred tell them apart where they differ.
    lags_alike: float = 0.97
    edge_jitter: float = 0.2  # seconds, standard deviation of an edge whose lag was taken off
    jitter_pairs: float = 6.0  # pairs of marks that weigh as much as the jitter above
    # Seconds, on average. Shorter than most, so that the chain fills cracks but does not swallow short regions (measured on
    # simulated crowds: against 2.5 s and 10 s, +0.01 to +0.04 frame F1 where regions are short, and no less where they are long).
    region_length: float = 1.0
    pause_length: float = 5.0
    # Neighbouring frames of a mark are one decision, not many: so many seconds count as one vote (measured: with every frame
    # of 0.05 s a vote, frame F1 is 0.01 to 0.02 lower).
    seconds_per_vote: float = 1 / 3
    # Log odds against bleed of such a vote where the extracted sound is silent: as much as two strangers' marks speak for it, so that
    # people decide and one mark, or a spammer's, does not.
    silence: float = 4.0
    # What an answer to a segment weighs, beside a mark's 1: often only a part of the segment bleeds, and the answer is for the whole.
    of_segments: float = 0.5


TIE_BREAKERS_FROM = 0.95  # times the median reliability
LISTENS = 0.15  # reliability under which somebody marks as if they did not listen


@dataclass(frozen=True)
class Person:
    """How reliable one annotator has shown themselves: shares of frames (0-1), lags and jitter in seconds."""

    sensitivity: float  # of the time that bleeds, the share they mark
    specificity: float  # of the clean time, the share they leave alone
    onset_lag: float
    offset_lag: float
    n_answers: int = 0
    edge_jitter: float = Prior.edge_jitter  # standard deviation of their edges, lag taken off
    # 95 %, from how much their tasks differ; nothing known: the whole range
    sensitivity_interval: tuple[float, float] = (0.0, 1.0)
    specificity_interval: tuple[float, float] = (0.0, 1.0)

    @property
    def reliability(self) -> float:
        """Youden's index (1950, "Index for rating diagnostic tests"), from 1 (always right) to 0 and below.

        0 is marking without listening: everything, nothing, anything.
        """
        return self.sensitivity + self.specificity - 1

    @classmethod
    def unknown(cls, prior: Prior) -> "Person":
        """Return what is believed of somebody never seen before."""
        (hit, missed), (left, marked) = prior.sensitivity, prior.specificity
        return cls(hit / (hit + missed), left / (left + marked), prior.onset_lag, prior.offset_lag, edge_jitter=prior.edge_jitter)


def not_tie_breakers(people: Mapping[Key, Person]) -> set[Key]:
    """Return the people who are too unreliable to be asked for an extra answer when the first ones disagree.

    That is less than `TIE_BREAKERS_FROM` times the median of the crowd. The limit moves with the crowd: where bleed is hard to hear,
    everybody is less reliable, and the better ones are still asked.
    """
    if not people:
        return set()
    least = TIE_BREAKERS_FROM * median(person.reliability for person in people.values())
    return {who for who, person in people.items() if person.reliability < least}
