"""Quick questions in Label Studio's formats: of each segment of a clip, does anything but the stem's own sound sound here?

An answer is a region with a choice, which is what Label Studio makes of `perRegion` choices: two items of one id, the region and its
choice. As in `label_studio`, clip seconds exist only in that JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

from annotation.core.label_studio import MAX_REGIONS, MIX_NAME, refuse_what_cannot_be_kept
from annotation.core.regions import BadRegion, Region, merge
from annotation.core.stems import STEMS, USUAL

SEGMENT_NAME, SEGMENT_LABEL, ANSWER_NAME = "segment", "Segment", "answer"
Said = Literal["yes", "no", "cannot tell"]
SAID: tuple[Said, ...] = ("yes", "no", "cannot tell")
NEAR = 0.01  # seconds that the edges of a segment may be off by, since pages and servers round

_CONFIG = f"""<View>
  <Header size="5" value="{{question}}"/>
  <Labels name="{SEGMENT_NAME}" toName="{{stem}}" choice="single">
    <Label value="{SEGMENT_LABEL}" background="#1f6f8b"/>
  </Labels>
  <Choices name="{ANSWER_NAME}" toName="{{stem}}" perRegion="true" required="true" choice="single">
    <Choice value="yes" hotkey="1"/><Choice value="no" hotkey="2"/><Choice value="cannot tell" hotkey="3"/>
  </Choices>
  <Audio name="{{stem}}" value="${{stem}}" sync="clip" zoom="true" speed="true" volume="true" hotkey="space" height="120"/>
  <Header size="5" value="The mix, as it was recorded"/>
  <Audio name="{MIX_NAME}" value="${MIX_NAME}" sync="clip" zoom="true" speed="true" volume="true" height="96"/>
</View>
"""


class Answered(NamedTuple):
    """What was said of segments, in seconds of the track."""

    yes: list[Region]
    told: list[Region]  # yes or no, and not "cannot tell": where it is a vote; joined


def question(stem: str = USUAL) -> str:
    return f"Does anything that is {STEMS[stem].wrong} sound here?"


def labelling_config(stem: str = USUAL) -> str:
    """Return the config of a task that is asked about by segments, for Label Studio itself; our own page does without."""
    return _CONFIG.format(stem=stem, question=question(stem))


def is_quick(result: object) -> bool:
    """Whether a result holds answers to quick questions."""
    return isinstance(result, list) and any(
        isinstance(item, dict) and (item.get("type"), item.get("from_name")) == ("choices", ANSWER_NAME) for item in result
    )


def result(said: Mapping[Region, Said], duration: float, stem: str = USUAL) -> list[dict[str, Any]]:
    """Return what was said of segments, in clip seconds, as a Label Studio result."""
    return [
        {
            "id": f"segment{number}",
            "from_name": name,
            "to_name": stem,
            "type": kind,
            "origin": "manual",
            "original_length": duration,
            "value": {"start": segment.start, "end": segment.end, "channel": 0, kind: [value]},
        }
        for number, (segment, word) in enumerate(sorted(said.items()), start=1)
        for name, kind, value in ((SEGMENT_NAME, "labels", SEGMENT_LABEL), (ANSWER_NAME, "choices", word))
    ]


def answered(result: object, clip: Region, stem: str, segments: Sequence[Sequence[float]]) -> Answered:
    """Return what a result says of `segments`, which are in clip seconds as the result is.

    Raises `BadRegion`, naming the item and what is allowed, unless every segment is answered once, and nothing else is.
    """
    if not isinstance(result, list) or len(result) > MAX_REGIONS:
        raise BadRegion(f"result must be a list of at most {MAX_REGIONS} regions.", field="result")
    said: dict[int, Said] = {}
    for index, item in enumerate(result):
        where = f"result[{index}]"
        refuse_what_cannot_be_kept(item, where)
        number, word = _one(item, where, stem, segments)
        if word is None:
            continue
        if number in said:
            raise BadRegion(f"{where}: this segment is answered twice; one answer each is allowed.", region=where, field="value")
        said[number] = word
    if missing := sorted(set(range(len(segments))) - set(said)):
        start, end = segments[missing[0]]
        raise BadRegion(f"result has no answer to the segment {start:g}-{end:g} s; all {len(segments)} are asked for.", field="result")
    on_track = [Region(clip.start + start, min(clip.start + end, clip.end)) for start, end in segments]
    yes = [region for number, region in enumerate(on_track) if said[number] == "yes"]
    return Answered(yes, merge(region for number, region in enumerate(on_track) if said[number] != "cannot tell"))


def told(result: Iterable[Mapping[str, Any]]) -> list[Region]:
    """Return of a result that was kept, in clip seconds, where its person said yes or no."""
    choices = (item["value"] for item in result if item["type"] == "choices")
    return merge((value["start"], value["end"]) for value in choices if value["choices"] != ["cannot tell"])


def _one(item: object, where: str, stem: str, segments: Sequence[Sequence[float]]) -> tuple[int, Said | None]:
    """Return which segment an item is about, and what it says of it; a region by itself says nothing."""
    if not isinstance(item, dict) or not isinstance(value := item.get("value"), dict):
        raise BadRegion(f"{where} must be an object with a value.", region=where, field="value")
    kind, name = item.get("type"), item.get("from_name")
    if (kind, name) not in (("labels", SEGMENT_NAME), ("choices", ANSWER_NAME)) or item.get("to_name") != stem:
        allowed = f"{SEGMENT_NAME!r} of type 'labels' or {ANSWER_NAME!r} of type 'choices', to_name {stem!r}"
        raise BadRegion(f"{where}: from_name must be {allowed}.", region=where, field="from_name")
    at: list[float] = [one for one in (value.get("start"), value.get("end")) if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(at) != 2:
        raise BadRegion(f"{where}: value.start and value.end must be seconds.", region=where, field="value.start")
    near = (i for i, one in enumerate(segments) if all(abs(mine - theirs) <= NEAR for mine, theirs in zip(at, one, strict=True)))
    if (number := next(near, None)) is None:
        raise BadRegion(
            f"{where}: no segment of this task begins and ends there; send them as they were given.", region=where, field="value"
        )
    if kind == "labels":
        return number, None
    word = value.get("choices")
    if not isinstance(word, list) or len(word) != 1 or word[0] not in SAID:
        raise BadRegion(
            f"{where}: value.choices must be one of {', '.join(map(repr, SAID))}, in a list.", region=where, field="value.choices"
        )
    return number, cast(Said, word[0])
