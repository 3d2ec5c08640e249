"""Label Studio's tasks as its export and its import have them: which song a task is of, and who said what of it.

What a result means is for `marks_of` to say: the names of our own config are read by `annotation.core.label_studio`; of other
configs every region with a start, an end and a label is read, and what each label means has to be said (`Meaning`).
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from annotation.core import label_studio
from annotation.core.formats.reading.faults import Fault
from annotation.core.formats.rows import BEFORE_TAG
from annotation.core.regions import BadRegion, Region
from annotation.core.stems import STEMS
from annotation.core.tags import LONGEST as LONGEST_TAG
from annotation.core.tags import Tagged

TRACK = ("track", "song", "fingerprint")
"""Fields of a task's data that name its song; else the file that a field of sound points at does."""
SOUND = (label_studio.MIX_NAME, "mixture", "audio", *STEMS, "url", "file", "sound")
START, END = ("start", "clip_start"), ("end", "clip_end")
"""Fields of a task's data that say which stretch of the song it is of, in seconds of the song; neither: all of it."""
NOBODY = ""
MOST_LABELS, OTHERS = 200, "(other labels)"
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of a file that was uploaded
SAID = ("id", "unique_id", "created_at", "updated_at", "lead_time", "completed_by", "annotator", "ground_truth", "model_version", "score")
MOST_REGIONS = 200_000  # of one annotation of a whole song, or of a file of labels
LONGEST_CLIP = 30.0 + label_studio.END_SLACK  # seconds; what is longer is cut into clips
LONGEST = 200  # characters of what is kept of such a field, and of names


class Meaning(StrEnum):
    """What a label of another config says of its region."""

    MARK = "mark"  # something is extracted there that should be silent
    MISSING = "missing"  # the opposite
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Given:
    """One annotation or prediction, as the file has it."""

    where: str
    person: str  # who gave it: a number or an address; `NOBODY`: the file does not say
    shown: str  # how people read that
    result: list[Any]
    said: dict[str, Any]  # what else the file says of it


@dataclass(frozen=True)
class TaskRead:
    """One task as the file has it. `clip` is in seconds of the song; None: all of it."""

    where: str
    names: tuple[str, ...] = ()  # of its song, the surest first
    clip: Region | None = None
    checkpoint: str = ""
    is_gold: bool = False  # a clip of ours whose truth was known: what was heard was made for it
    annotations: tuple[Given, ...] = ()
    predictions: tuple[Given, ...] = ()
    n_cancelled: int = 0
    faults: tuple[Fault, ...] = ()  # where there are any of the task itself, nothing else is read
    line_faults: tuple[Fault, ...] = ()  # of lines of a file of labels, whose others are read


def task(item: object, where: str) -> TaskRead:
    """A task of a list. Bare data is a task too, as for Label Studio's own import."""
    if isinstance(item, Fault):
        return TaskRead(where, faults=(item,))
    if not isinstance(item, dict):
        return TaskRead(where, faults=(Fault(where, "", f"is {_shown(item)}; it must be an object."),))
    data = item.get("data", None if {"annotations", "predictions", "id"} & set(item) else item)
    if not isinstance(data, dict):
        return TaskRead(where, faults=(Fault(where, "data", f"is {_shown(data)}; it must be an object."),))
    faults: list[Fault] = []
    start, end = (_seconds(data, names, where, faults) for names in (START, END))
    clip = None
    if start is not None and end is not None and not 0 <= start < end:
        faults.append(Fault(where, f"data.{END[0]}", f"is {end:g}; it must be more than data.start ({start:g}), which must be 0 or more."))
    elif (start is None) != (end is None):
        faults.append(Fault(where, "data", "has one of start and end only: give both, in seconds of the song, or neither."))
    elif start is not None and end is not None:
        clip = Region(start, end)
    given: dict[str, list[Given]] = {}
    n_cancelled = 0
    for kind in ("annotations", "predictions"):
        values = item.get(kind) or []
        if not isinstance(values, list):
            faults.append(Fault(where, kind, f"is {_shown(values)}; it must be a list."))
            continue
        for number, one in enumerate(values):
            at = f"{where}.{kind}[{number}]"
            if isinstance(one, int) and not isinstance(one, bool):
                continue  # an export has the ids of predictions alone, unless it was asked for more
            if isinstance(one, dict) and (one.get("was_cancelled") or one.get("skipped")):
                n_cancelled += 1
                continue
            if not isinstance(one, dict) or not isinstance(one.get("result"), list):
                faults.append(Fault(at, "result", "is no list of regions."))
                continue
            person, shown = _person(one.get("completed_by", one.get("annotator")))
            shown = one["pseudonym"][:LONGEST] if isinstance(one.get("pseudonym"), str) else shown
            said = {name: _short(one[name]) for name in SAID if one.get(name) is not None}
            given.setdefault(kind, []).append(Given(at, person, shown, one["result"], said))
    checkpoint = data.get("checkpoint")
    if faults:
        return TaskRead(where, faults=tuple(faults))
    return TaskRead(
        where,
        names=tuple(dict.fromkeys(_names(data))),
        clip=clip,
        checkpoint=checkpoint if isinstance(checkpoint, str) else "",
        is_gold=data.get("kind") == "gold",
        annotations=tuple(given.get("annotations", ())),
        predictions=tuple(given.get("predictions", ())),
        n_cancelled=n_cancelled,
    )


@dataclass
class Lenient:
    """What is left out of a result instead of refusing all of it: labels whose meaning nobody has said yet, and regions that are wrong.

    `lines` says that the regions are lines of a file of labels, each of which stands for itself.
    """

    unknown: dict[str, int]
    faults: list[Fault]
    lines: bool = False


def marks_of(
    given: Given, clip: Region, stem: str, meanings: Mapping[str, str], lenient: Lenient | None = None, *, others: Meaning | None = None
) -> label_studio.Marks:
    """What an annotation says, in seconds of the song; `clip` is what it is about. Raises `BadRegion`, naming the region and the field.

    `meanings` says what labels of other configs mean, `others` what all do that are not among them; without it they are refused.
    """
    result = given.result
    if is_ours(result, stem) and clip.duration <= LONGEST_CLIP:
        return label_studio.marks(result, clip, stem)
    if len(result) > MOST_REGIONS:
        raise BadRegion(f"result has {len(result):,} regions; at most {MOST_REGIONS:,} are allowed.", field="result")
    ours = {label_studio.label_of(stem): Meaning.MARK, label_studio.missing_label_of(stem): Meaning.MISSING}
    wrong: list[Tagged] = []
    missing: list[Region] = []
    for number, item in enumerate(result):
        if (label := _label(item)) is None:
            continue
        word, _, tag = label.partition(BEFORE_TAG)
        meaning = meanings.get(label) or ours.get(label) or ours.get(word) or others
        where = f"result[{number}]"
        if meaning is None and lenient:
            named = label if label in lenient.unknown or len(lenient.unknown) < MOST_LABELS else OTHERS
            lenient.unknown[named] = lenient.unknown.get(named, 0) + 1
        elif meaning is None:
            raise BadRegion(f"{where}: value.labels is {_shown(label)}; say what this label means.", region=where, field="value.labels")
        if meaning in (None, Meaning.LEFT_OUT):
            continue
        try:
            region = _region(item, where, clip, stem)
        except BadRegion as bad:
            if not (lenient and lenient.lines):
                raise
            said = str(bad).partition(f"{bad.field} ")[2]
            lenient.faults.append(Fault(f"{given.where} line {item.get('line', number + 1)}", str(bad.field).rpartition(".")[2], said))
            continue
        if meaning == Meaning.MARK:
            wrong.append(Tagged(*region, tag[:LONGEST_TAG] if word in ours else ""))
        else:
            missing.append(region)
    return label_studio.Marks(sorted(wrong), sorted(missing))


def _region(item: Mapping[str, Any], where: str, clip: Region, stem: str) -> Region:
    """The stretch of a region of any config, held to the same as ours."""
    as_ours = {"id": "one", "from_name": label_studio.FROM_NAME, "to_name": stem, "type": "labels"}
    value = {**item["value"], "labels": [label_studio.label_of(stem)]}
    try:
        (region,) = label_studio.regions([{**as_ours, "value": value}], clip, stem)
    except BadRegion as bad:
        said = str(bad).partition(": ")[2]
        raise BadRegion(f"{where}: {said}", region=where, field=bad.field) from None
    return region


def is_ours(result: Iterable[Any], stem: str) -> bool:
    """Whether every item of a result has the names and labels of our own config for this stem; what says nothing has no others."""
    labels = [label_studio.label_of(stem)], [label_studio.missing_label_of(stem)]
    return all(
        isinstance(item, dict)
        and item.get("to_name") == stem
        and (
            item.get("from_name") == label_studio.TAG_NAME
            or (
                item.get("from_name") == label_studio.FROM_NAME
                and isinstance(value := item.get("value"), dict)
                and value.get("labels") in labels
            )
        )
        for item in result
    )


def past_the_end(read: TaskRead, duration: float) -> Fault | None:
    """What is wrong with a task of a stretch that its song, of so many seconds, does not have."""
    if read.clip is None or read.clip.end <= duration:
        return None
    return Fault(read.where, f"data.{END[0]}", f"is {read.clip.end:g}; it must be at most {duration:g} s, the length of the song.")


def original_length(result: Iterable[Any]) -> float | None:
    """How long the file was that the regions were drawn on, where they say it."""
    lengths = [item.get("original_length") for item in result if isinstance(item, dict)]
    numbers = [one for one in lengths if isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)]
    return max(numbers, default=None)


def _label(item: object) -> str | None:
    """Of a region of time; None: what else a result may hold says nothing of when."""
    value = item.get("value") if isinstance(item, dict) else None
    if not isinstance(value, dict) or not {"start", "end"} & set(value):
        return None
    labels = value.get("labels") or value.get("timeserieslabels")
    first = labels[0] if isinstance(labels, list) and labels else ""
    return first[:LONGEST] if isinstance(first, str) else ""


def _person(said: object) -> tuple[str, str]:
    if isinstance(said, dict):
        identity = said.get("id", said.get("email"))
        name = " ".join(str(said[part]) for part in ("first_name", "last_name") if said.get(part))
        shown = said.get("email") or said.get("username") or name or identity
        return (NOBODY, "") if identity is None else (str(identity)[:LONGEST], str(shown)[:LONGEST])
    if said is None or isinstance(said, bool | list):
        return NOBODY, ""
    return str(said)[:LONGEST], str(said)[:LONGEST]


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    return value if isinstance(value, int | float | bool) else _person(value)[1] or None


def _seconds(data: Mapping[str, Any], names: tuple[str, ...], where: str, faults: list[Fault]) -> float | None:
    for name in names:
        if (value := data.get(name)) is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            faults.append(Fault(where, f"data.{name}", f"is {_shown(value)}; it must be a number of seconds."))
            return None
        return float(value)
    return None


def _names(data: Mapping[str, Any]) -> Iterable[str]:
    for field in TRACK:
        if isinstance(value := data.get(field), str) and value:
            yield value[:4000]
    fields = [*SOUND, *(field for field in data if field not in (*SOUND, *TRACK))]
    for field in fields:
        if isinstance(value := data.get(field), str) and value:
            yield from names_of_file(value[:4000])


def names_of_file(address: str) -> Iterable[str]:
    """What the song of a file may be called, from the whole path to its last name: songs are called as they lie in folders."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    path = (parse_qs(parts.query).get("d") or [unquote(parts.path)])[0].replace("\\", "/")
    names = [name for name in path.split("/") if name not in ("", ".", "..")]
    if not names:
        return
    names[-1] = _UPLOADED.sub("", names[-1], count=1) if _UPLOADED.match(names[-1]) else names[-1]
    stem = names[-1].rpartition(".")[0] or names[-1]
    folders = [names[:-1]] if stem.casefold() in (*STEMS, "mix", "mixture") else []
    for those in (names, *folders):
        for first in range(len(those)):
            yield "/".join(those[first:])


def _shown(value: object) -> str:
    return reprlib.repr(value)
