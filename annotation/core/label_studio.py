"""Label Studio's formats: the labelling config, tasks out, results in.

Clip seconds exist only in Label Studio's JSON. `regions` and `result` are the one place where they become seconds of the
track and back. Label Studio's SDK takes 1.5-2.9 s to import, so only `check_config` and `check_result` bring it in.
"""

import math
import reprlib
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from annotation.core.errors import DomainError
from annotation.core.regions import BadRegion, Region, clamp, merge
from annotation.core.stems import STEMS, USUAL, stem_of
from annotation.core.strict_json import fault
from annotation.core.tags import LONGEST, Tagged

FROM_NAME = "fp"
TAG_NAME = "tag"
PROPOSAL = "proposal"
MIX_NAME = "mix"

MAX_REGIONS = 1000
SHORTEST = 0.001  # seconds; shorter would vanish when clip seconds become track seconds
SHORTEST_BY_HAND = 0.02  # seconds; pages make no shorter mark: it is a slip of the hand
# Ogg encoders pad the end, and the editor takes the padded length for the clip's (measured: 2.9 ms in 240 s).
END_SLACK = 0.05
MAX_ID_LENGTH = 100

# The mix is not drawn on, but below 96 px the editor's ruler covers its waveform.
_CONFIG = f"""<View>
  <Labels name="{FROM_NAME}" toName="{{stem}}" choice="single">
    <Label value="{{label}}"{{shown}} background="#c4314b" hotkey="1"/>{{missing}}
  </Labels>{{tags}}
  <Header size="5" value={{mark_here}}/>
  <Audio name="{{stem}}" value="${{stem}}" sync="clip" zoom="true" speed="true" volume="true" hotkey="space" height="120"/>
  <Header size="5" value={{the_mix}}/>
  <Audio name="{MIX_NAME}" value="${MIX_NAME}" sync="clip" zoom="true" speed="true" volume="true" height="96"/>
</View>
"""

MARK_HERE, THE_MIX = "%(extracted)s: mark here what should be silent", "The mix, as it was recorded"
"""Headings of the editor, in the words that translations are found by."""


class BadConfig(DomainError, ValueError):
    """The labelling config does not let anybody mark false positives."""

    status = HTTPStatus.BAD_REQUEST


def label_of(stem: str = USUAL) -> str:
    """The one label of a stem's marks."""
    return STEMS[stem].label


def missing_label_of(stem: str = USUAL) -> str:
    """The label of the opposite: where something of the stem is missing."""
    return STEMS[stem].missing_label


def labelling_config(stem: str = USUAL, tags: Sequence[str] = (), *, missing: bool = False, say: Callable[[str], str] = str) -> str:
    """Return the config of a task: one label (key 1) on the extracted stem (space plays), the mix beside it in step.

    With `missing` there is a second label, with `tags` a choice for each region of what leaks there. `say` translates what people read;
    the values of labels, which programs read, stay as they are.
    """

    def shown(label: str) -> str:
        return f" html={quoteattr(escape(said))}" if (said := say(label)) != label else ""

    other = missing_label_of(stem)
    more = f'\n    <Label value={quoteattr(other)}{shown(other)} background="#d9a400"/>' if missing else ""
    choices = "".join(f"\n    <Choice value={quoteattr(tag)}/>" for tag in tags)
    choice = f'\n  <Choices name="{TAG_NAME}" toName="{stem}" perRegion="true" choice="single" showInline="true">{choices}\n  </Choices>'
    extracted = say(STEMS[stem].extracted)
    return _CONFIG.format(
        stem=stem,
        label=label_of(stem),
        shown=shown(label_of(stem)),
        mark_here=quoteattr(say(MARK_HERE) % {"extracted": extracted[:1].upper() + extracted[1:]}),
        the_mix=quoteattr(say(THE_MIX)),
        missing=more,
        tags=choice if tags else "",
    )


def check_config(config: str, stem: str = USUAL) -> None:
    """Raise `BadConfig` unless Label Studio's SDK accepts `config` and it carries the names that `regions` reads.

    Imports the SDK (seconds): for workers, commands and tests, not for web requests.
    """
    interface = _interface(config)
    control = next((control for control in interface.controls if control.name == FROM_NAME), None)
    if control is None or control.tag != "Labels" or stem not in control.to_name:
        raise BadConfig(f'The labelling config needs <Labels name="{FROM_NAME}" toName="{stem}">.')
    if (label := label_of(stem)) not in control.labels:
        raise BadConfig(f'<Labels name="{FROM_NAME}"> needs <Label value="{label}"/>; it has {", ".join(control.labels) or "none"}.')
    audios = {audio.name: audio for audio in interface.objects if audio.tag == "Audio"}
    for name in (stem, MIX_NAME):
        if name not in audios or audios[name].value != f"${name}":
            raise BadConfig(f'The labelling config needs <Audio name="{name}" value="${name}"/>.')
    syncs = {audios[name].attr.get("sync") for name in (stem, MIX_NAME)}
    if len(syncs) > 1 or None in syncs:
        raise BadConfig(f"The audios {stem} and {MIX_NAME} need the same sync attribute, or they do not play in step.")


def task_payload(task_id: int, extracted_url: str, mix_url: str, stem: str = USUAL) -> dict[str, Any]:
    """Return the task as the editor (and Label Studio's import) reads it."""
    return {"id": task_id, "data": {stem: extracted_url, MIX_NAME: mix_url}, "annotations": [], "predictions": []}


class Marks(NamedTuple):
    """What a result says, in track seconds, in order of time and not merged."""

    wrong: list[Tagged]
    missing: list[Region]


def regions(result: object, clip: Region, stem: str = USUAL) -> list[Region]:
    """Return the marks of what is wrong in a Label Studio result; see `marks`."""
    return [Region(start, end) for start, end, _ in marks(result, clip, stem).wrong]


def marks(result: object, clip: Region, stem: str = USUAL) -> Marks:
    """Return the marks of a Label Studio result in track seconds.

    `result` is JSON from outside and may be anything; `clip` is in track seconds. Raises `BadRegion`, naming the region, the
    field and what is allowed, for whatever is not a mark of this stem inside the clip. An end up to 50 ms past the clip is cut to it.
    """
    if not isinstance(result, list):
        raise BadRegion(f"result must be a list of regions, not {_shown(result)}.", field="result")
    if len(result) > MAX_REGIONS:
        raise BadRegion(f"result has {len(result)} regions; at most {MAX_REGIONS} are allowed.", field="result")
    found: dict[str, tuple[Region, bool]] = {}
    tags: dict[str, str] = {}
    for index, item in enumerate(result):
        where = f"result[{index}]"
        refuse_what_cannot_be_kept(item, where)
        if isinstance(item, dict) and item.get("from_name") == TAG_NAME:
            identity, tag = _tag(item, where, stem)
            if identity in tags:
                raise _bad(where, "id", identity, "that of another region: this one has its tag already")
            tags[identity] = tag
        else:
            _mark(item, where, clip, stem, found)
    if of_none := [identity for identity in tags if identity not in found]:
        raise BadRegion(f"result has a tag of the region {of_none[0]!r}, which is not among its regions.", field="result")
    wrong = [Tagged(*region, tags.get(identity, "")) for identity, (region, missing) in found.items() if not missing]
    return Marks(sorted(wrong), sorted(region for region, missing in found.values() if missing))


def result(
    regions: Iterable[Sequence[float]], clip: Region, stem: str = USUAL, *, missing: Iterable[Sequence[float]] = ()
) -> list[dict[str, Any]]:
    """Return regions in track seconds as a Label Studio result, cut to `clip`: for drafts, predictions and simulated people.

    `missing` are regions of the opposite label.
    """
    labelled = [(region, label_of(stem)) for region in clamp(regions, clip)]
    labelled += [(region, missing_label_of(stem)) for region in clamp(missing, clip)]
    return [
        {
            "id": f"region{number}",
            "from_name": FROM_NAME,
            "to_name": stem,
            "type": "labels",
            "origin": "manual",
            "original_length": clip.duration,
            "value": {"start": region.start - clip.start, "end": region.end - clip.start, "channel": 0, "labels": [label]},
        }
        for number, (region, label) in enumerate(labelled, start=1)
    ]


def result_of(marks: Marks, clip: Region, stem: str = USUAL) -> list[dict[str, Any]]:
    """The same with the tags of marks: what `marks` reads."""
    items = result([(one.start, one.end) for one in marks.wrong], clip, stem, missing=marks.missing)
    return [*items, *(tag_item(item, one.tag) for item, one in zip(items, marks.wrong, strict=False) if one.tag)]


def prediction(regions: Iterable[Sequence[float]], clip: Region, model_version: str, stem: str = USUAL) -> dict[str, Any]:
    """Return what a model proposes, [start, end, probability] in track seconds, as a Label Studio prediction.

    Its regions are called `proposal1`, `proposal2`, …; one that a person accepts keeps its id.
    """
    inside = sorted((region for region in regions if clamp([region], clip)), key=lambda region: region[0])
    items = result(inside, clip, stem)
    for number, (item, (*_, probability)) in enumerate(zip(items, inside, strict=True), start=1):
        item |= {"id": f"{PROPOSAL}{number}", "origin": "prediction", "score": round(float(probability), 4)}
    score = sum(item["score"] for item in items) / len(items) if items else 0.0
    return {"result": items, "score": round(score, 4), "model_version": model_version}


def tag_item(region: dict[str, Any], tag: str) -> dict[str, Any]:
    """Return the item of a result that gives one of its regions a tag, as the editor writes it."""
    value = {name: region["value"][name] for name in ("start", "end", "channel")}
    return {**region, "from_name": TAG_NAME, "type": "choices", "value": {**value, "choices": [tag]}}


def heard(intervals: Iterable[Sequence[float]], clip: Region) -> list[Region]:
    """Return the stretches that were played, from clip seconds to track seconds, merged and cut to the clip.

    They are a by-product of playing: what lies outside the clip is cut away, but a time that is no number raises `BadRegion`.
    """
    played = [(_seconds("heard", "start", start), _seconds("heard", "end", end)) for start, end in intervals]
    return clamp(merge((clip.start + start, clip.start + end) for start, end in played), clip)


def heard_of_clip(stretches: Iterable[Sequence[float]], clip: Region) -> list[list[float]]:
    """Return stretches of the track as the editor's page counts them: in clip seconds, to the millisecond."""
    inside = clamp([Region(start, end) for start, end in stretches], clip)
    return [[round(start - clip.start, 3), round(end - clip.start, 3)] for start, end in inside]


def check_result(result: list[dict[str, Any]], config: str) -> None:
    """Raise `BadRegion` for the first region that Label Studio's SDK refuses under `config` (labels and names; it knows no time).

    Imports the SDK (1.5-2.9 s, once a process): for workers, imports and tests. The web calls `regions`, which is stricter
    for our own config.
    """
    interface = _interface(config)
    for index, item in enumerate(result):
        if not interface.validate_annotation({"result": [item]}):
            where = f"result[{index}]"
            raise BadRegion(f"{where}: Label Studio refuses this region under the labelling config: {_shown(item)}.", region=where)


def _interface(config: str) -> Any:
    """Return the SDK's reading of `config`; its exceptions share no base class but Exception."""
    from label_studio_sdk.label_interface import LabelInterface

    try:
        interface = LabelInterface(config)
        interface.validate()
    except Exception as refusal:
        raise BadConfig(f"Label Studio refuses the labelling config: {refusal}") from refusal
    return interface


def refuse_what_cannot_be_kept(item: object, where: str) -> None:
    """Raise `BadRegion` for what JSON may carry and the database's JSON may not: NUL, half a surrogate pair, infinite numbers."""
    if found := fault(item):
        field, wrong = found
        raise BadRegion(f"{where}: {field or 'it'} {wrong}", region=where, field=field or "result")


def _tag(item: dict[str, Any], where: str, stem: str) -> tuple[str, str]:
    """Return the id of a region and its tag, empty where none is chosen, or raise. Which tags a campaign has is its own affair."""
    identity, value = item.get("id"), item.get("value")
    if not isinstance(identity, str):
        raise _bad(where, "id", identity, "the id of a region")
    for field, only in (("to_name", stem), ("type", "choices")):
        if item.get(field) != only:
            raise _bad(where, field, item.get(field), repr(only))
    choices = value.get("choices", []) if isinstance(value, dict) else None
    if not isinstance(choices, list) or len(choices) > 1 or not all(isinstance(one, str) and len(one) <= LONGEST for one in choices):
        raise _bad(where, "value.choices", choices, f"a list of one text of at most {LONGEST} characters")
    return identity, choices[0] if choices else ""


def _mark(item: object, where: str, clip: Region, stem: str, found: dict[str, tuple[Region, bool]]) -> None:
    """Put one region of a result into `found` by its id, in track seconds and with whether it says that something is missing; or raise."""
    if not isinstance(item, dict):
        raise BadRegion(f"{where} must be an object, not {_shown(item)}.", region=where)
    identity = item.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_ID_LENGTH:
        raise _bad(where, "id", identity, f"text of 1 to {MAX_ID_LENGTH} characters")
    where = f"{where} (id {identity!r})"
    if identity in found:
        raise _bad(where, "id", identity, "used once only")
    _refuse_another_stem(item, where, stem)
    for field, only in (("from_name", FROM_NAME), ("to_name", stem), ("type", "labels")):
        if item.get(field) != only:
            raise _bad(where, field, item.get(field), repr(only))
    value = item.get("value")
    if not isinstance(value, dict):
        raise _bad(where, "value", value, "an object with start, end and labels")
    missing = value.get("labels") == [missing_label_of(stem)]
    if not missing and value.get("labels") != [label_of(stem)]:
        raise _bad(where, "value.labels", value.get("labels"), repr([label_of(stem)]))
    start = _seconds(where, "value.start", value.get("start"))
    end = _seconds(where, "value.end", value.get("end"))
    if not 0 <= start < clip.duration:
        raise _bad(where, "value.start", start, f"at least 0 and less than {clip.duration:g} s, the length of the clip")
    if end > clip.duration + END_SLACK:
        raise _bad(
            where, "value.end", end, f"at most {clip.duration:g} s, the length of the clip (and {END_SLACK:g} s more for padded files)"
        )
    on_track = Region(clip.start + start, min(clip.start + end, clip.end))
    if end - start < SHORTEST or not on_track.start < on_track.end:
        raise _bad(where, "value.end", end, f"more than value.start ({start:g} s) by at least {SHORTEST:g} s inside the clip")
    found[identity] = on_track, missing


def _refuse_another_stem(item: dict[str, Any], where: str, stem: str) -> None:
    """Raise `BadRegion` for a mark of another campaign's stem, naming both."""
    value = item.get("value")
    labels = value.get("labels") if isinstance(value, dict) else None
    label = labels[0] if isinstance(labels, list) and len(labels) == 1 and isinstance(labels[0], str) else ""
    other, field = stem_of(label) or stem, "value.labels"
    if other == stem and isinstance(name := item.get("to_name"), str) and name in STEMS:
        other, field = name, "to_name"
    if other != stem:
        theirs, ours = STEMS[other].name, STEMS[stem].name
        reason = f"it is a mark of {theirs}, and this campaign marks {ours}: to_name {stem!r}, labels {[label_of(stem)]!r}"
        raise BadRegion(f"{where}: {reason}.", region=where, field=field)


def _seconds(where: str, field: str, value: object) -> float:
    allowed = "a finite number of seconds"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(where, field, value, allowed)
    try:
        seconds = float(value)
    except OverflowError:  # JSON may hold whole numbers of any size
        raise _bad(where, field, value, allowed) from None
    if not math.isfinite(seconds):
        raise _bad(where, field, value, allowed)
    return seconds


def _bad(where: str, field: str, value: object, allowed: str) -> BadRegion:
    return BadRegion(f"{where}: {field} is {_shown(value)}; it must be {allowed}.", region=where, field=field)


def _shown(value: object) -> str:
    return reprlib.repr(value)
