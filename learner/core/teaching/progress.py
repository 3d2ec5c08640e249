"""How far a long computation is."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    step: int
    total: int
    loss: float
    eta: float  # seconds until the last step, as the pace so far has it
    doing: str = ""  # what, other than steps; the loss is then the last one's, NaN before the first

    @classmethod
    def at(cls, step: int, total: int, loss: float, began: float, first: int = 0, doing: str = "") -> "Progress":
        """`began` is when step `first` was reached, by `time.monotonic()`."""
        done = max(1, step - first)
        return cls(step, total, loss, (time.monotonic() - began) / done * (total - step), doing)


class Reporter:
    """Says how far a run of `total` steps is. It knows nothing else of the run, so that whoever holds it does not hold the run."""

    def __init__(self, total: int, told: Callable[[Progress], None]):
        self.total, self.told = total, told
        self.losses: list[float] = []
        self.start(0)

    def start(self, step: int) -> None:
        """Go on after `step`; the pace is told from here on."""
        self.step, self.first, self.began = step, step, time.monotonic()

    def tell(self, doing: str = "") -> None:
        """Say how far the run is; what the listener raises passes through and stops it."""
        loss = self.losses[-1] if self.losses else math.nan
        self.told(Progress.at(self.step, self.total, loss, self.began, self.first, doing))
