"""Tags: how votes are counted, and what Label Studio's JSON makes of them and of the opposite label."""

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.core import label_studio
from annotation.core.regions import BadRegion, Region
from annotation.core.tags import MOST, USUAL, Tagged, Vote, fault, vote

CLIP = Region(100.0, 130.0)
TAGS = ["strings & winds", "drums"]


def tagged(tag: str = "drums", **more: Any) -> list[dict[str, Any]]:
    """A result with one region and its tag, as Label Studio's editor writes both."""
    (region,) = label_studio.result([(101, 103)], CLIP)
    return [region, label_studio.tag_item(region, tag) | more]


# -- votes


def test_a_reliable_person_outvotes_two_who_mark_by_chance() -> None:
    marks = [(Tagged(0, 2, "drums"), 0.9), (Tagged(0, 2, "synth"), 0.1), (Tagged(0, 2, "synth"), 0.1)]
    found = vote((0, 2), marks)
    assert found.tag == "drums" and found.share == pytest.approx(0.9 / 1.1)


def test_a_tag_counts_by_the_seconds_that_its_mark_has_of_the_region() -> None:
    assert vote((1, 3), [(Tagged(0, 1.5, "drums"), 0.5), (Tagged(1.5, 9, "synth"), 0.5)]) == ("synth", 0.75)


def test_what_nobody_named_has_no_tag_and_a_tie_goes_by_the_campaigns_order() -> None:
    assert vote((0, 1), [(Tagged(0, 1), 0.9), (Tagged(5, 6, "drums"), 0.9)]) == Vote("", 0.0)
    marks = [(Tagged(0, 1, "drums"), 0.5), (Tagged(0, 1, "synth"), 0.5)]
    assert vote((0, 1), marks, ["synth", "drums"]).tag == vote((0, 1), marks[::-1], ["synth", "drums"]).tag == "synth"


@pytest.mark.parametrize("wrong", [None, "drums", [1], ["a"] * 2, [" a"], [""], ["x" * 41], ["a\n"], [str(n) for n in range(MOST + 1)]])
def test_a_list_that_keys_cannot_choose_from_is_refused(wrong: object) -> None:
    assert fault(wrong)


def test_the_usual_tags_can_be_chosen_from() -> None:
    assert not fault(list(USUAL)) and not fault([])


# -- Label Studio's JSON


def test_a_tag_comes_with_its_mark_and_the_opposite_label_stands_apart() -> None:
    sent = tagged() + label_studio.result([], CLIP, missing=[(110, 112)])
    sent[2]["id"] = "another"
    assert label_studio.marks(sent, CLIP) == ([Tagged(101, 103, "drums")], [Region(110, 112)])
    assert label_studio.marks(sent[::-1], CLIP) == label_studio.marks(sent, CLIP), "in whatever order"
    assert label_studio.regions(sent, CLIP) == [(101, 103)], "only what is wrong is a mark"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (tagged(id="stranger"), "tag of the region 'stranger'"),
        (tagged(type="labels"), "type"),
        (tagged(to_name="mix"), "to_name"),
        (tagged(value={"choices": ["a", "b"]}), "value.choices"),
        (tagged(value={"choices": ["x" * 41]}), "value.choices"),
        (tagged() + tagged()[1:], "its tag already"),
        (label_studio.result([], CLIP, "drums", missing=[(101, 102)]), "it is a mark of drums"),
    ],
)
def test_a_tag_that_belongs_to_no_mark_is_refused(result: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(BadRegion, match=said):
        label_studio.marks(result, CLIP)


def test_label_studio_takes_the_config_and_what_is_drawn_by_it(tmp_path: Path) -> None:
    config = label_studio.labelling_config("vocals", TAGS, missing=True)
    label_studio.check_config(config)
    sent = tagged(TAGS[0])
    label_studio.check_result(sent, config)
    label_studio.check_result(label_studio.result([], CLIP, missing=[(101, 102)]), config)
    with pytest.raises(BadRegion):
        label_studio.check_result(tagged("another"), config)
    converted = _converted(sent, config, tmp_path)
    assert [one["labels"] for one in converted["fp"]] == [["False positive vocals"]]
    assert TAGS[0] in json.dumps(converted["tag"])


def _converted(result: list[dict[str, Any]], config: str, folder: Path) -> dict[str, Any]:
    """What label-studio-sdk's converter makes of an answer, in its plain JSON."""
    from label_studio_sdk.converter import Converter

    answer = {"id": 7, "result": result, "completed_by": 1, "created_at": "2026-01-01", "updated_at": "2026-01-01", "lead_time": 3.0}
    task = {**label_studio.task_payload(1, "/v.ogg", "/m.ogg"), "annotations": [answer]}
    (folder / "in.json").write_text(json.dumps([task]))
    Converter(config, str(folder)).convert_to_json_min(str(folder / "in.json"), str(folder / "out"), is_dir=False)
    (found,) = json.loads((folder / "out" / "result.json").read_text())
    assert isinstance(found, dict)
    return found
