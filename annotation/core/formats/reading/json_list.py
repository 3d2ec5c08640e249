"""The elements of a JSON list one by one, so that a file of any size is never held whole."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any

from annotation.core import strict_json
from annotation.core.formats.reading.faults import BadFile, Fault

LARGEST = 10_000_000  # characters of one element; a task with a hundred answers has about 3,000,000
MOST = 200_000  # elements
PIECE = 1 << 16  # bytes read at once

_OUTSIDE, _INSIDE = re.compile(r'["\[\]{},]'), re.compile(r'["\\]')
_SPACE = " \t\r\n"
_GOES_ON = "The file goes on after its list."


def elements(file: IO[bytes], what: str = "tasks") -> Iterator[tuple[str, Any]]:
    """Each element with where it stands, such as tasks[3]; one that `strict_json` refuses, or that has a name twice, is a `Fault`.

    Raises `BadFile` where the file is no list of JSON in UTF-8.
    """
    for number, text in enumerate(_texts(file)):
        where = f"{what}[{number}]"
        if number >= MOST:
            raise BadFile(f"The file has more than {MOST:,} {what}: cut it into several.")
        try:
            yield where, strict_json.read(text, names_once=True)
        except strict_json.BadJson as bad:
            yield where, Fault(where, "", f"cannot be read. {bad}")


def _texts(file: IO[bytes]) -> Iterator[str]:
    """The text of each element. Only brackets, commas and quotes are looked at: whether it is JSON is seen when it is read."""
    depth, quoted, ahead, size, after_comma, ended = 0, False, 0, 0, False, False
    parts: list[str] = []  # of the element that is being read
    for piece in _decoded(file):
        begin, at, ahead = 0, ahead, max(0, ahead - len(piece))
        if depth == 0:
            begun = piece.lstrip(_SPACE)
            if not begun:
                continue
            if ended or begun[0] != "[":
                raise BadFile(_GOES_ON if ended else f"The file is no list: it begins with {begun[:20]!r}, and not with [.")
            depth = 1
            begin = at = len(piece) - len(begun) + 1
        while depth and (found := (_INSIDE if quoted else _OUTSIDE).search(piece, at)):
            at, sign = found.end(), found.group()
            if sign == "\\":
                at += 1  # whatever it is, it is no end of the text
                ahead = max(0, at - len(piece))
            elif sign == '"':
                quoted = not quoted
            elif sign in "[{":
                depth += 1
            elif sign in "]}":
                depth -= 1
            if (sign == "," and depth == 1) or depth == 0:
                if depth == 0 and sign != "]":
                    raise BadFile("The file's list ends with }, and not with ].")
                text = "".join([*parts, piece[begin : found.start()]])
                if after_comma or sign == "," or text.strip(_SPACE):
                    yield text
                parts, size, begin, after_comma = [], 0, at, True
        if depth == 0:
            ended = True
            if piece[begin:].strip(_SPACE):
                raise BadFile(_GOES_ON)
            continue
        parts.append(piece[begin:])
        size += len(piece) - begin
        if size > LARGEST:
            raise BadFile(f"One element of the list has more than {LARGEST:,} characters.")
    if not ended:
        raise BadFile("The file ends before its list does: it was cut short." if depth else "The file is empty.")


def _decoded(file: IO[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        while piece := file.read(PIECE):
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise BadFile(f"The file is not text in UTF-8 ({error.reason}): save it as UTF-8.") from error
