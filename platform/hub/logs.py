"""What keeps logs small and free of secrets: filters for what is written, and the turning over of files that grew large."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

QUIET = 60.0  # seconds for which an error that was just written is only counted
MOST_KINDS = 1000  # of errors that are remembered
TOKEN = re.compile(r"(/join/(?:as/)?|/ml/[\w-]+/|/media/for-a-while/|unb_[0-9a-f]{8}_)[^/\s?'\"]+")  # lets anybody in who has it
MOST_BYTES = 10_000_000  # of one log; with the one before it, twice that


class WithoutTokens(logging.Filter):
    """Writes `/join/…/` where an address that holds a secret would stand, and of a program's token what is no secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if (hidden := TOKEN.sub(r"\1…", text)) != text:
            record.msg, record.args = hidden, None
        return True


class Repeats(logging.Filter):
    """Lets a warning or error through once in `QUIET` seconds, and says with the next one how many like it came meanwhile.

    Alike are records of one logger with the same template, raised at the same line: a full disk gives one traceback and not 200.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.now = now
        self._seen: dict[tuple[object, ...], tuple[float, int]] = {}  # when it was written last, and how many came since

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        kind, now = _kind(record), self.now()
        written, since = self._seen.get(kind, (None, 0))
        if written is not None and now - written < QUIET:
            self._seen[kind] = written, since + 1
            return False
        if written is not None and since:
            record.msg, record.args = f"{record.getMessage()} ({since} more like it in the last {now - written:.0f} s)", None
        if len(self._seen) >= MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = now, 0
        return True


def _kind(record: logging.LogRecord) -> tuple[object, ...]:
    if not record.exc_info or record.exc_info[2] is None:
        return record.name, record.levelno, record.getMessage()
    at = record.exc_info[2]
    while at.tb_next:
        at = at.tb_next
    return record.name, record.msg, record.exc_info[0], at.tb_frame.f_code.co_filename, at.tb_lineno


def rotate(folder: Path, most: int = MOST_BYTES) -> None:
    """Move what large logs hold to `<log>.1`, while programs write to them. Raises OSError where that cannot be written.

    They are opened to append, so each writer goes on at the new end; what is written in between the two steps is lost.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > most:
            unfinished = log.with_suffix(".log.part")
            try:
                shutil.copyfile(log, unfinished)
                os.truncate(log, 0)
                unfinished.replace(log.with_suffix(".log.1"))
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
