"""Label Studio's formats: what the editor sends becomes marks in track seconds, and nothing else does."""

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.core import label_studio
from annotation.core.regions import BadRegion, Region
from annotation.core.stems import STEMS

CLIP = Region(100.0, 130.0)

# As the editor sent it for a mark drawn with the mouse (start, end and length changed to fit the clip).
FROM_THE_EDITOR: dict[str, Any] = {
    "original_length": 30.002902,
    "value": {"start": 7.0008, "end": 14.858, "channel": 0, "labels": ["False positive vocals"]},
    "id": "J_Sx1",
    "from_name": "fp",
    "to_name": "vocals",
    "type": "labels",
    "origin": "manual",
}


def item(**changed: Any) -> dict[str, Any]:
    """Return the editor's region with fields of it, or of its value, replaced."""
    made = copy.deepcopy(FROM_THE_EDITOR)
    for field, value in changed.items():
        (made["value"] if field in ("start", "end", "labels") else made)[field] = value
    return made


# -- results in


def test_clip_seconds_become_track_seconds() -> None:
    assert label_studio.regions([item(start=3, end=8.5)], CLIP) == [Region(103.0, 108.5)]


def test_no_marks_is_an_answer() -> None:
    assert label_studio.regions([], CLIP) == []


def test_marks_come_in_order_of_time_and_are_not_merged() -> None:
    given_marks = [item(id="a", start=5, end=9), item(id="b", start=1, end=6)]
    assert label_studio.regions(given_marks, CLIP) == [(101, 106), (105, 109)]


def test_an_end_50_ms_past_the_clip_is_cut_to_it_and_one_further_is_refused() -> None:
    assert label_studio.regions([item(start=29, end=30.05)], CLIP) == [(129, 130)]
    with pytest.raises(BadRegion, match=r"result\[0\] \(id 'J_Sx1'\): value.end is 30.06; it must be at most 30 s"):
        label_studio.regions([item(start=29, end=30.06)], CLIP)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"start": float("nan")}, "value.start"),
        ({"end": float("inf")}, "value.end"),
        ({"start": float("-inf")}, "value.start"),
        ({"start": "7"}, "value.start"),
        ({"start": True}, "value.start"),
        ({"end": None}, "value.end"),
        ({"end": 10**400}, "value.end"),
        ({"start": -0.001}, "value.start"),
        ({"start": 30.0, "end": 30.04}, "value.start"),
        ({"start": 8, "end": 8}, "value.end"),
        ({"start": 8, "end": 7}, "value.end"),
        ({"start": 8, "end": 8.0001}, "value.end"),
        ({"labels": ["Unsure"]}, "value.labels"),
        ({"labels": []}, "value.labels"),
        ({"labels": "False positive vocals"}, "value.labels"),
        ({"labels": ["False positive vocals"] * 2}, "value.labels"),
        ({"from_name": "quality"}, "from_name"),
        ({"to_name": "mix"}, "to_name"),
        ({"type": "choices"}, "type"),
        ({"value": None}, "value"),
        ({"value": [1, 2]}, "value"),
        ({"id": 7}, "id"),
        ({"id": ""}, "id"),
        ({"id": "x" * 101}, "id"),
    ],
)
def test_what_is_no_mark_inside_the_clip_is_refused_by_region_and_field(changed: dict[str, Any], field: str) -> None:
    good = item(id="good", start=1, end=2)
    with pytest.raises(BadRegion, match=r"result\[1\].*must be") as refused:
        label_studio.regions([good, item(**changed)], CLIP)
    assert refused.value.field == field
    assert field in str(refused.value)
    assert refused.value.region and refused.value.region.startswith("result[1]")
    assert len(str(refused.value)) < 400, "a message is to be read"


@pytest.mark.parametrize("changed", [{"to_name": "vocals"}, {"to_name": "drums"}, {"to_name": "drums", "labels": ["False positive drums"]}])
def test_a_mark_of_another_stem_is_refused_in_words_that_name_both(changed: dict[str, Any]) -> None:
    stem = "bass" if changed["to_name"] == "vocals" else "vocals"
    theirs, ours = ("vocals", "bass") if stem == "bass" else ("drums", "vocals")
    with pytest.raises(BadRegion, match=rf"a mark of {theirs}, and this campaign marks {ours}.*False positive {ours}"):
        label_studio.regions([item(**changed)], CLIP, stem)


@pytest.mark.parametrize("missing", ["id", "from_name", "to_name", "type", "value"])
def test_a_missing_field_is_named(missing: str) -> None:
    broken = {field: value for field, value in FROM_THE_EDITOR.items() if field != missing}
    with pytest.raises(BadRegion, match=f"{missing} is None"):
        label_studio.regions([broken], CLIP)


def test_an_id_used_twice_is_refused() -> None:
    with pytest.raises(BadRegion, match=r"result\[1\] \(id 'J_Sx1'\): id is 'J_Sx1'; it must be used once only"):
        label_studio.regions([item(), item(start=20, end=22)], CLIP)


@pytest.mark.parametrize("not_a_list", [None, {}, "[]", 3, {"result": []}])
def test_what_is_no_list_is_refused(not_a_list: object) -> None:
    with pytest.raises(BadRegion, match="result must be a list of regions"):
        label_studio.regions(not_a_list, CLIP)


@pytest.mark.parametrize("not_an_object", [None, 3, "region", []])
def test_a_region_that_is_no_object_is_refused(not_an_object: object) -> None:
    with pytest.raises(BadRegion, match=r"result\[0\] must be an object"):
        label_studio.regions([not_an_object], CLIP)


def test_a_thousand_regions_are_taken_and_one_more_is_not() -> None:
    many = [item(id=str(n), start=n / 100, end=n / 100 + 0.5) for n in range(1001)]
    assert len(label_studio.regions(many[:1000], CLIP)) == 1000
    with pytest.raises(BadRegion, match="1001 regions; at most 1000"):
        label_studio.regions(many, CLIP)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "start", "end", "labels"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values, st.sampled_from([*FROM_THE_EDITOR, "start", "end", "labels"]))
def test_whatever_arrives_is_marks_inside_the_clip_or_a_bad_region(value: Any, field: str) -> None:
    for arrived in (value, [value], [item(**{field: value})]):
        try:
            marks = label_studio.regions(arrived, CLIP)
        except BadRegion as refused:
            assert str(refused)
        else:
            assert all(CLIP.start <= mark.start < mark.end <= CLIP.end for mark in marks)


# -- results out


clips = st.tuples(st.floats(0, 3600), st.floats(0.5, 30)).map(lambda made: Region(made[0], made[0] + made[1]))


@given(clips, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=6))
def test_marks_go_out_and_come_back(clip: Region, shares: list[tuple[float, float]]) -> None:
    marks = sorted(
        Region(clip.start + min(pair) * clip.duration, clip.start + max(pair) * clip.duration)
        for pair in shares
        if abs(pair[0] - pair[1]) * clip.duration > 0.01
    )
    marks = [Region(mark.start, min(mark.end, clip.end)) for mark in marks]
    sent = json.loads(json.dumps(label_studio.result(marks, clip)))
    back = label_studio.regions(sent, clip)
    assert back == [pytest.approx(mark, abs=1e-9) for mark in marks]
    assert all(clip.start <= mark.start < mark.end <= clip.end for mark in back)


@given(st.lists(st.tuples(st.integers(0, 119), st.integers(1, 120)).filter(lambda pair: pair[0] < pair[1]), max_size=6))
def test_marks_on_quarter_seconds_come_back_to_the_bit(quarters: list[tuple[int, int]]) -> None:
    marks = sorted(Region(100 + start / 4, 100 + end / 4) for start, end in quarters)
    assert label_studio.regions(label_studio.result(marks, CLIP), CLIP) == marks


def test_regions_are_cut_to_the_clip_on_their_way_out() -> None:
    sent = label_studio.result([(90, 101), (129, 140), (200, 201)], CLIP)
    assert [(region["value"]["start"], region["value"]["end"]) for region in sent] == [(0, 1), (29, 30)]


# -- what Label Studio's SDK says


@pytest.mark.parametrize("stem", STEMS)
def test_our_labelling_config_passes_label_studio(stem: str) -> None:
    config = label_studio.labelling_config(stem, say=lambda text: f"<{text}> & in another language")
    label_studio.check_config(config, stem)
    sent = label_studio.result([(101, 103)], CLIP, stem)
    label_studio.check_result(sent, config)
    assert label_studio.regions(sent, CLIP, stem) == [(101, 103)]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("<View>", "", "Label Studio refuses"),
        ('toName="vocals"', 'toName="voices"', "Label Studio refuses"),
        ('<Audio name="mix"', '<Audio name="vocals"', "Label Studio refuses"),
        ('name="fp"', 'name="marks"', '<Labels name="fp"'),
        ('value="False positive vocals"', 'value="Leak"', "it has Leak"),
        ('value="$mix"', 'value="$song"', 'value="\\$mix"'),
        ('sync="clip" zoom="true" speed="true" volume="true" height="96"', 'sync="other"', "same sync"),
    ],
)
def test_a_config_that_cannot_collect_marks_is_refused(old: str, new: str, complaint: str) -> None:
    config = label_studio.labelling_config()
    assert old in config
    with pytest.raises(label_studio.BadConfig, match=complaint):
        label_studio.check_config(config.replace(old, new, 1))


def test_the_task_carries_what_the_config_asks_for() -> None:
    payload = label_studio.task_payload(7, "/media/v.ogg", "/media/m.ogg")
    assert payload["id"] == 7
    assert payload["data"] == {"vocals": "/media/v.ogg", "mix": "/media/m.ogg"}
    assert all(f"${name}" in label_studio.labelling_config() for name in payload["data"])


def test_label_studio_accepts_what_the_editor_and_we_write() -> None:
    label_studio.check_result([FROM_THE_EDITOR], label_studio.labelling_config())
    label_studio.check_result(label_studio.result([(101, 103), (105, 106)], CLIP), label_studio.labelling_config())
    label_studio.check_result([], label_studio.labelling_config())


def test_label_studio_refuses_a_label_that_the_config_lacks() -> None:
    with pytest.raises(BadRegion, match=r"result\[1\]"):
        label_studio.check_result([item(), item(labels=["Unsure"])], label_studio.labelling_config())


def test_reading_a_result_does_not_bring_in_the_sdk() -> None:
    code = (
        "import sys; from annotation.core import label_studio; label_studio.regions([], None); assert 'label_studio_sdk' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_what_was_played_is_told_in_track_seconds_and_cut_to_the_clip() -> None:
    clip = Region(30.0, 45.0)
    assert label_studio.heard([[4.0, 5.0], [0.0, 4.5], [14.0, 99.0]], clip) == [Region(30.0, 35.0), Region(44.0, 45.0)]
    with pytest.raises(BadRegion, match="heard"):
        label_studio.heard([[float("nan"), 1.0]], clip)
