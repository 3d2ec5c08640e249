"""What is written for other tools and read back: the same seconds, the same labels, nothing that breaks a line."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.core.formats import Answer, Span
from annotation.core.formats.audacity import audacity_labels
from annotation.core.formats.jams import About, jams
from annotation.core.formats.raven import raven_table
from annotation.core.formats.rttm import rttm
from annotation.core.formats.textgrid import textgrid
from annotation.core.regions import Region

HALF_A_MICROSECOND = 0.51e-6
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start, length = draw(st.floats(0, 800)), draw(st.floats(0.001, 30))
    return Span(start, start + length, draw(WORDS), draw(st.none() | st.floats(0, 1)), draw(st.just("") | WORDS))


SEVERAL = st.lists(spans(), max_size=6)


def in_order(said: list[Span]) -> list[Span]:
    return sorted(said, key=lambda span: (span.start, span.end))


def times(said: list[Span]) -> list[float]:
    return [time for span in in_order(said) for time in (span.start, span.end)]


def test_audacity_gets_one_line_a_label_in_order_of_time() -> None:
    said = [Span(2.5, 3.0, "False positive vocals", tag="strings"), Span(0.123456789, 1.0, "a\tb\nc")]
    assert audacity_labels(said) == "0.123457\t1.000000\ta b c\n2.500000\t3.000000\tFalse positive vocals: strings\n"


@given(SEVERAL)
def test_audacity_reads_the_same(said: list[Span]) -> None:
    lines = [line.split("\t") for line in audacity_labels(said).splitlines()]
    assert [float(time) for line in lines for time in line[:2]] == pytest.approx(times(said), abs=HALF_A_MICROSECOND)
    assert sorted(line[2] for line in lines) == sorted(span.text for span in said)


@given(SEVERAL)
def test_rttm_has_ten_fields_a_line_and_the_same_seconds(said: list[Span]) -> None:
    lines = [line.split(" ") for line in rttm("a song.flac", said).splitlines()]
    assert all(len(line) == 10 and line[:3] == ["SPEAKER", "a_song.flac", "1"] for line in lines)
    read = [time for line in lines for time in (float(line[3]), float(line[3]) + float(line[4]))]
    assert read == pytest.approx(times(said), abs=2 * HALF_A_MICROSECOND)
    assert sum(line[8] == "<NA>" for line in lines) == sum(span.probability is None for span in said)


@given(SEVERAL)
def test_raven_reads_selections_by_the_names_of_its_columns(said: list[Span]) -> None:
    text = raven_table([("ann", span) for span in said], 44_100)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    read = [float(row[name]) for row in rows for name in ("Begin Time (s)", "End Time (s)")]
    assert read == pytest.approx(times(said), abs=HALF_A_MICROSECOND)
    assert [row["Selection"] for row in rows] == [str(number) for number in range(1, len(said) + 1)]
    assert {(row["Annotator"], row["High Freq (Hz)"]) for row in rows} <= {("ann", "22050.0")}


@given(SEVERAL, SEVERAL)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_praats_reader_finds_the_same_seconds(tmp_path: Path, of_ann: list[Span], agreed: list[Span]) -> None:
    from praatio import textgrid as praat

    file = tmp_path / "song.TextGrid"
    file.write_text(textgrid({"ann": of_ann, "consensus": agreed}, 900.0), encoding="utf-8")
    grid = praat.openTextgrid(str(file), includeEmptyIntervals=False)
    assert grid.maxTimestamp == 900.0
    for name, said in (("ann", of_ann), ("consensus", agreed)):
        tiers = [tier for tier in grid.tiers if tier.name == name or tier.name.startswith(f"{name} ")]
        read = sorted((one.start, one.end, one.label) for tier in tiers for one in tier.entries)
        assert read == sorted((round(span.start, 9), round(span.end, 9), span.text) for span in said)


def test_a_textgrid_without_marks_is_one_empty_interval_a_tier() -> None:
    assert (
        'intervals: size = 1\n        intervals [1]:\n            xmin = 0.000000000\n            xmax = 9.500000000\n            text = ""'
        in textgrid({"a": []}, 9.5)
    )


def test_jams_has_an_annotation_an_answer_whose_time_is_the_clip_that_was_heard() -> None:
    clip = Region(30.0, 45.0)
    answers = [Answer("song", clip, "ann", (Span(31.25, 32.5, "wrong", None, "drums"),), 7), Answer("song", clip, "bob")]
    made = json.loads(jams(About("song", 200.0, artist="Trio"), answers))
    assert made["file_metadata"] == {
        "title": "song", "artist": "Trio", "release": "", "duration": 200.0, "identifiers": {}, "jams_version": "0.3.5",
    }  # fmt: skip
    first, second = made["annotations"]
    assert first["data"] == [{"time": 31.25, "duration": 1.25, "value": "wrong: drums", "confidence": None}]
    assert (first["namespace"], first["time"], first["duration"], first["sandbox"]) == ("segment_open", 30.0, 15.0, {"task": 7})
    assert second["annotation_metadata"]["annotator"] == {"name": "bob"} and second["data"] == []
