"""JSON from outside, read strictly: text, numbers and depth that the database and whatever reads it later can hold. Knows no Django."""

from __future__ import annotations

import json
import math
import re
import reprlib
from http import HTTPStatus
from typing import Any

from annotation.core.errors import DomainError

DEEPEST = 32  # lists and objects inside each other; an answer has five
MOST = 200_000  # values, names among them; the largest answer that is allowed has about 85,000
_TOO_DEEP = f"holds lists or objects more than {DEEPEST} deep inside each other."
LARGEST = 2**63  # of whole numbers: what a row can hold
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL and halves of a surrogate pair: JSON may carry them, PostgreSQL's text and UTF-8 may not."""


class BadJson(DomainError, ValueError):
    """The body is not JSON as it is read here."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """`field` says where, such as result[0].value.start."""
        super().__init__(message)
        self.field = field


def read(body: bytes | str, *, names_once: bool = False) -> Any:
    """The value that the body holds; raises `BadJson`, naming the place. With `names_once`, an object has no name twice."""
    try:
        value = json.loads(body.decode() if isinstance(body, bytes) else body, object_pairs_hook=_once if names_once else None)
    except BadJson:
        raise
    except UnicodeDecodeError as error:
        raise BadJson(f"The body is not text in UTF-8 ({error.reason}).") from error
    except RecursionError as error:
        raise BadJson(f"The body {_TOO_DEEP}") from error
    except json.JSONDecodeError as error:
        raise BadJson(f"The body is not JSON: {error}.") from error
    except ValueError as error:  # from int(), which reads no more than some thousand digits
        raise BadJson("The body holds a number with too many digits.") from error
    if found := fault(value):
        where, wrong = found
        raise BadJson(f"{where or 'The body'} {wrong}", field=where or None)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values of one name is meant, nobody can say: readers differ."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadJson(f"An object holds the name {reprlib.repr(name)} twice.", field=UNKEEPABLE.sub("?", name)[:100])
        found[name] = value
    return found


def fault(value: object) -> tuple[str, str] | None:
    """Where in a JSON value is something that cannot be kept, and what it is; None where everything can."""
    level, seen, depth = [value], 0, 0
    while level:  # level by level, since that is quick; the place is looked for only where there is a fault
        if (seen := seen + len(level)) > MOST:
            return "", f"holds more than {MOST:,} values."
        if any(_wrong(part) for part in level):
            return _first_fault(value)
        outer = [part for part in level if isinstance(part, dict | list)]
        if outer and depth == DEEPEST:
            return "", _TOO_DEEP
        level, depth = [inside for part in outer for inside in _inside(part)], depth + 1
    return None


def _wrong(part: object) -> str | None:
    if isinstance(part, str) and UNKEEPABLE.search(part):
        return f"holds the text {reprlib.repr(part)}; NUL characters and halves of a surrogate pair are not allowed."
    if isinstance(part, float) and not math.isfinite(part):
        return f"holds the number {part}; numbers must be finite."
    if isinstance(part, int) and not -LARGEST <= part < LARGEST:
        return "holds a whole number beyond 64 bits; numbers must be smaller."
    return None


def _inside(part: dict[str, object] | list[object]) -> list[object]:
    return [*part, *part.values()] if isinstance(part, dict) else part


def _first_fault(value: object) -> tuple[str, str] | None:
    left: list[tuple[str, object]] = [("", value)]
    while left:
        where, part = left.pop()
        if wrong := _wrong(part):
            return where, wrong
        if isinstance(part, dict):
            left += [(where, name) for name in part]
            left += [(f"{where}.{UNKEEPABLE.sub('?', name)[:100]}".removeprefix("."), inside) for name, inside in part.items()]
        elif isinstance(part, list):
            left += [(f"{where}[{n}]", inside) for n, inside in enumerate(part)]
    return None


class Decoder(json.JSONDecoder):
    """The same for whoever takes a decoder, such as Django's form fields; raises `JSONDecodeError`."""

    def decode(self, s: str, *args: Any) -> Any:
        try:
            return read(s)
        except BadJson as bad:
            raise json.JSONDecodeError(str(bad), "", 0) from bad
