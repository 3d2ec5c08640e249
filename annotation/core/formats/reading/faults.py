"""What is wrong with a file from outside: as a whole (`BadFile`), or with one thing in it (`Fault`)."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from annotation.core.errors import DomainError


class BadFile(DomainError, ValueError):
    """This file cannot be read."""

    status = HTTPStatus.BAD_REQUEST


class Fault(NamedTuple):
    """One thing in a file that is left out, and why."""

    where: str  # "line 3", "tasks[2].annotations[0]"
    field: str  # "start", "result[0].value.end"; empty: all of it
    what: str  # a sentence without its subject: "is 'x'; it must be …"

    def __str__(self) -> str:
        return f"{self.where}: {self.field} {self.what}" if self.field else f"{self.where} {self.what}"
