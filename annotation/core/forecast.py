"""When a round will be answered, from how many answers came in each of the last hours. Plain functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

HOURS = 24  # that a pace is taken from
LEAST = 10  # answers, before anything is foretold
Z = 1.96  # of a 95 % interval


@dataclass(frozen=True)
class Forecast:
    """Hours until the answers that are missing have come, with a 95 % interval, if people go on as in `hours`."""

    value: float
    low: float
    high: float
    answers: int  # that it rests on
    hours: float  # in which they came
    nobody_now: bool  # no answer in the last hour
    of_round: int | None = None  # that the pace is of; None: of the hours just past


def forecast(missing: int, by_hour: Sequence[int], hours: float) -> Forecast | None:
    """How long `missing` answers take. `by_hour` counts those of each hour, the latest first; `hours` is how far back that reaches.

    None: nothing is missing, or too few have come to say.

    The ratio of two Poisson counts is about log-normal, with variance 1/m + 1/n (the delta method; Armitage, Berry & Matthews, 2002,
    doi:10.1002/9780470773666); people come in groups and by day, so that both are multiplied by how much more
    than Poisson counts the hours vary (quasi-likelihood: Wedderburn, 1974, doi:10.1093/biomet/61.3.439).
    """
    came = sum(by_hour)
    if missing <= 0 or came < LEAST or hours <= 0:
        return None
    value = missing * hours / came
    spread = math.exp(Z * math.sqrt(_dispersion(by_hour) * (1 / missing + 1 / came)))
    return Forecast(value, value / spread, value * spread, came, hours, by_hour[0] == 0)


def _dispersion(counts: Sequence[int]) -> float:
    """How many times as much as Poisson counts these vary; never less than once."""
    n, mean = len(counts), sum(counts) / len(counts)
    return max(1.0, sum((count - mean) ** 2 for count in counts) / (n - 1) / mean) if n > 1 else 1.0
