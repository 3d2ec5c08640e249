"""A worker's memory between jobs: what a job took is given back to the system, and a worker that keeps too much begins anew."""

import gc
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dramatiq.broker import Broker
from dramatiq.middleware import Middleware

from learner.core.teaching.allocator import trim

log = logging.getLogger(__name__)

WORTH = 32  # megabytes that a worker has grown by since it last gave back; to look through all objects takes a tenth of a second


class GivesBack(Middleware):
    """After a job, frees what nobody holds any more, and calls `too_much` where more than `limit` megabytes stay even so."""

    def __init__(self, limit: int, too_much: Callable[[], None]) -> None:
        self.limit, self.too_much = limit, too_much
        self.at_rest = resident()

    def after_process_message(self, broker: Broker, message: Any, *, result: Any = None, exception: BaseException | None = None) -> None:
        if exception is not None:  # whoever still holds the error holds no songs with it
            traceback.clear_frames(exception.__traceback__)

    def after_ack(self, broker: Broker, message: Any) -> None:
        if resident() < self.at_rest + WORTH:
            return
        give_back()
        self.at_rest = resident()
        if self.at_rest > self.limit:
            log.info("%.0f MB stay after a job, more than WORKER_MEGABYTES=%d", self.at_rest, self.limit)
            self.too_much()

    after_nack = after_ack


def give_back() -> None:
    """Free objects that only hold each other, and return to the system what the allocator keeps for later."""
    gc.collect()
    trim()


def resident(process: int | str = "self") -> float:
    """Megabytes of memory that a process has; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except FileNotFoundError:
        return 0.0
