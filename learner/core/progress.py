"""How far a long computation is."""

import time
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
