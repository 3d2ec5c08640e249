"""Files from outside: what is read of them, and that what is wrong is named by its place and field, whatever it is."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import PurePosixPath
from typing import Any

import pytest

from annotation.core import label_studio
from annotation.core.formats import Answer, Span
from annotation.core.formats.audacity import audacity_labels
from annotation.core.formats.jams import About, jams
from annotation.core.formats.label_studio import csv_min, json_min
from annotation.core.formats.raven import raven_table
from annotation.core.formats.reading import BadFile, Fault, json_list, labels, records
from annotation.core.formats.reading.label_studio import Given, Lenient, Meaning, TaskRead, marks_of, names_of_file, task
from annotation.core.formats.reading.pieces import pieces
from annotation.core.formats.rttm import rttm
from annotation.core.formats.textgrid import textgrid
from annotation.core.label_studio import Marks
from annotation.core.regions import BadRegion, Region
from annotation.core.tags import Tagged


def listed(body: bytes) -> list[Any]:
    return [value for _, value in json_list.elements(io.BytesIO(body))]


def given(*regions: dict[str, Any]) -> Given:
    return Given("here", "7", "7", list(regions), {})


def region(start: Any, end: Any, label: str = "Speech") -> dict[str, Any]:
    return {"value": {"start": start, "end": end, "labels": [label]}}


def spans(read: TaskRead) -> list[tuple[str, float, float, str]]:
    begin = read.clip.start if read.clip else 0.0
    values = [(one.person, item["value"]) for one in read.annotations for item in one.result]
    return [(by, begin + value["start"], begin + value["end"], value["labels"][0]) for by, value in values]


class TestListOfJson:
    def test_elements_are_those_of_the_whole_wherever_the_file_is_cut_to_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = random.Random(1)

        def anything(depth: int = 0) -> Any:
            kind = rng.randrange(7)
            if kind == 0 and depth < 4:
                return [anything(depth + 1) for _ in range(rng.randrange(4))]
            if kind == 1 and depth < 4:
                return {f'a"\\{n}[]é,': anything(depth + 1) for n in range(rng.randrange(4))}
            if kind == 2:
                return '\\"[]{},,é\U0001f600' * rng.randrange(3) + "\\" * rng.randrange(4)
            return rng.choice([1, 2.5, None, True, "x"])

        for _ in range(300):
            monkeypatch.setattr(json_list, "PIECE", rng.choice([1, 2, 3, 7, 64]))
            whole = [anything() for _ in range(rng.randrange(5))]
            assert listed(json.dumps(whole, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1])).encode()) == whole

    def test_the_mark_of_utf_8_may_stand_before_it(self) -> None:
        assert listed(b"\xef\xbb\xbf [1]\n") == [1]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "empty"),
            (b"{}", "no list"),
            (b"[1", "cut short"),
            (b'["a]', "cut short"),
            (b"[1] x", "goes on"),
            (b"[}", "ends with }"),
            (b"\xff\xfe[\x001\x00]\x00", "UTF-8"),
            (b'["\xff"]', "UTF-8"),
        ],
    )
    def test_what_is_no_list_is_refused_as_a_whole(self, body: bytes, said: str) -> None:
        with pytest.raises(BadFile, match=said):
            listed(body)

    @pytest.mark.parametrize(
        ("element", "said"),
        [
            (b'{"a": NaN}', "a holds the number nan"),
            (b"1e999", "inf"),
            (b"123456789012345678901234567890", "64 bits"),
            (b"9" * 5000, "digits"),
            (b"[" * 90 + b"]" * 90, "deep"),
            (b'{"a": {"b": 1, "b": 2}}', "'b' twice"),
            (b'"\\u0000"', "NUL"),
            (b"1 2", "not JSON"),
        ],
    )
    def test_an_element_that_cannot_be_kept_is_named_and_the_others_are_read(self, element: bytes, said: str) -> None:
        good, bad, last = listed(b"[1," + element + b",3]")
        assert (good, last) == (1, 3) and isinstance(bad, Fault)
        assert str(bad).startswith("tasks[1] cannot be read") and said in str(bad)
        assert task(bad, "tasks[1]").faults == (bad,)

    def test_one_endless_element_does_not_fill_the_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_list, "LARGEST", 200_000)
        with pytest.raises(BadFile, match="more than 200,000 characters"):
            listed(b'["' + b"x" * 400_000 + b'"]')


class TestTasksOfLabelStudio:
    def test_the_names_of_a_song_go_from_the_whole_path_to_its_last_part(self) -> None:
        assert list(names_of_file("https://ls.example/data/upload/3/1a2b3c4d-album%2Fsong.wav?x=1"))[-1] == "song.wav"
        assert "album/song.wav" in list(names_of_file("/data/local-files/?d=music/album/song.wav"))
        assert "album/song" in list(names_of_file("music/album/song/vocals.wav")), "a stem lies in its song's folder"
        assert next(iter(names_of_file("../../etc/passwd"))) == "etc/passwd", "they are names, and no file is opened by them"
        assert list(names_of_file("http://[bad")) == []

    def test_cancelled_annotations_and_ids_of_predictions_are_no_answers(self) -> None:
        read = task({"data": {"mix": "song.wav"}, "annotations": [{"result": [], "was_cancelled": True}], "predictions": [3]}, "tasks[0]")
        assert (read.annotations, read.predictions, read.n_cancelled) == ((), (), 1)

    def test_who_gave_it_is_known_by_number_whether_it_is_written_at_length_or_not(self) -> None:
        short, long = (
            task({"data": {"track": "a"}, "annotations": [{"result": [], "completed_by": by}]}, "t").annotations[0]
            for by in (7, {"id": 7, "email": "ann@example.org"})
        )
        assert (short.person, short.shown) == ("7", "7") and (long.person, long.shown) == ("7", "ann@example.org")

    @pytest.mark.parametrize(
        ("start", "end", "field"),
        [
            (float("nan"), 2, "value.start"),
            (1, float("inf"), "value.end"),
            pytest.param(1, 10**400, "value.end", id="huge"),
            (-0.1, 2, "value.start"),
            (2, 1, "value.end"),
            (1, 15.2, "value.end"),
            ("1", 2, "value.start"),
            (True, 2, "value.start"),
            (None, 2, "value.start"),
        ],
    )
    def test_a_region_of_any_config_is_held_to_the_same_as_ours(self, start: Any, end: Any, field: str) -> None:
        with pytest.raises(BadRegion) as refused:
            marks_of(given(region(0, 1), region(start, end)), Region(30, 45), "vocals", {"Speech": Meaning.MARK})
        assert refused.value.field == field and str(refused.value).startswith(f"result[1]: {field} ")

    def test_labels_mean_what_was_said_and_unknown_ones_are_counted(self) -> None:
        lenient = Lenient({}, [])
        regions = [region(0, 1), region(1, 2, "Gap"), region(2, 3, "Noise"), region(3, 4, "False positive vocals: strings")]
        meanings = {"Speech": Meaning.MARK, "Gap": Meaning.MISSING}
        found = marks_of(given(*regions), Region(30, 45), "vocals", meanings, lenient)
        assert found == Marks([Tagged(30, 31), Tagged(33, 34, "strings")], [Region(31, 32)])
        assert lenient.unknown == {"Noise": 1}

    def test_our_own_results_come_back_as_they_were(self) -> None:
        clip = Region(30.0, 45.0)
        marks = Marks([Tagged(31.0, 32.5, "strings"), Tagged(40.0, 41.0)], [Region(33.0, 34.0)])
        result = json.loads(json.dumps(label_studio.result_of(marks, clip)))
        assert marks_of(given(*result), clip, "vocals", {}) == marks


class TestRecordsOfLabelStudio:
    """JSON_MIN and CSV, as our export writes them, which is as Label Studio's converter does."""

    TASKS = (
        {
            "id": 5,
            "data": {"track": "=[live] song", "clip_start": 30.0, "clip_end": 45.0},
            "annotations": [
                {"id": 2, "result": [region(1.5, 2.25) | {"from_name": "fp"}], "completed_by": 7, "created_at": "2026-11-30T10:00:00Z"},
                {"id": 1, "result": [], "completed_by": {"id": 8, "email": "@ann"}, "created_at": "2026-11-30T09:00:00Z"},
            ],
        },
        {"id": 6, "data": {"track": "b", "clip_start": 0.0, "clip_end": 15.0}, "annotations": []},
    )

    def read(self, body: str | bytes) -> list[TaskRead]:
        file = io.BytesIO(body.encode() if isinstance(body, str) else body)
        return [task(records.as_task(record), where) for where, record in records.rows(file)]

    def test_both_come_back_with_the_same_seconds_and_people(self) -> None:
        table = "".join(csv_min(lambda: self.TASKS))
        of_json = [task(records.as_task(record), "x") for record in json_min(self.TASKS)]
        tabs = io.StringIO()
        csv.writer(tabs, dialect="excel-tab").writerows(csv.reader(io.StringIO(table[1:], newline="")))
        for reads in (of_json, self.read(table), self.read(tabs.getvalue()), self.read(table.removeprefix("\ufeff").encode("utf-16"))):
            assert [read.faults for read in reads] == [(), (), ()]
            assert [read.names[0] for read in reads] == ["=[live] song", "=[live] song", "b"]
            assert [spans(read) for read in reads] == [[("7", 31.5, 32.25, "Speech")], [], []]
            assert [[one.person for one in read.annotations] for read in reads] == [["7"], ["@ann"], []]
            assert reads[0].annotations[0].said["created_at"] == "2026-11-30T10:00:00Z"

    def test_a_task_of_json_is_left_as_it_is(self) -> None:
        assert records.as_task(self.TASKS[0]) is self.TASKS[0]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"start,end,label\n1,2,x\n", "annotation_id.*this one has start, end, label"),
            (b"", "has none"),
            (b"annotation_id,a\xff\n", "UTF-8"),
            (b"annotation_id,a,a\n", "Two columns are called 'a'"),
            (b'annotation_id,a\n1,"x\n', "Line 2 cannot be read"),
        ],
    )
    def test_what_is_no_table_of_label_studio_is_refused_as_a_whole(self, body: bytes, said: str) -> None:
        with pytest.raises(BadFile, match=said):
            self.read(body)

    def test_bad_lines_are_named_and_the_others_are_read(self) -> None:
        cut = '1,"[{""start"": 1, ""en",a,'
        reads = self.read("annotation_id,fp,track,clip_start\n" + f"{cut}\n1,,a\nx,,a,\n1,,a,1s\n1,\0,a,\n2,,[live],\n")
        said = [str(fault) for read in reads for fault in read.faults]
        assert [one.partition(":")[0] for one in said] == [
            "line 2",
            "line 3 has 3 cells; the first line names 4 columns.",
            *("line 4", "line 5", "line 6"),
        ]
        assert "Excel cuts cells" in said[0] and "annotation_id is 'x'; it must be a number." in said[2] and "clip_start is '1s'" in said[3]
        assert [read.names for read in reads[5:]] == [("[live]",)]


class TestFilesOfLabels:
    SAID = (Span(1.25, 2.5, "False positive vocals", tag="strings"), Span(70.0, 71.000001, "False positive vocals"))

    def test_audacity(self) -> None:
        (read,) = labels.audacity(audacity_labels(self.SAID), "album_song.txt")
        assert spans(read) == [("", one.start, one.end, one.text) for one in self.SAID]
        assert read.names[0] == "album_song.txt"

    def test_bad_lines_of_audacity_are_named_and_the_others_are_read(self) -> None:
        text = "1\t2\ta\n\\\t100.0\t200.0\n3\t3\tpoint\nx\t4\tb\n5\tnan\tc\n6\n7,5\t8,5\t=HYPERLINK(1)\n1e999\t2\td\n"
        (read,) = labels.audacity(text, "song.txt")
        assert [(start, end) for _, start, end, _ in spans(read)] == [(1, 2), (7.5, 8.5)]
        assert [(one.where, one.field) for one in read.line_faults] == [
            ("song.txt line 3", "end"),
            ("song.txt line 4", "start"),
            ("song.txt line 5", "end"),
            ("song.txt line 6", "end"),
            ("song.txt line 8", "start"),
        ]

    def test_a_line_past_the_end_of_the_song_is_named_by_its_line(self) -> None:
        (read,) = labels.audacity("1\t2\ta\n8\t12\tb\n", "song.txt")
        lenient = Lenient({}, [], lines=True)
        found = marks_of(read.annotations[0], Region(0, 10), "vocals", {}, lenient, others=Meaning.MARK)
        assert [one.start for one in found.wrong] == [1]
        assert str(lenient.faults[0]) == (
            "song.txt line 2: end is 12.0; it must be at most 10 s, the length of the clip (and 0.05 s more for padded files)."
        )

    @pytest.mark.parametrize("body", [b"\xff\xfe1\x00\t\x002\x00\t\x00\xe9\x00", b"\xef\xbb\xbf1\t2\t\xc3\xa9", "1\t2\té".encode()])
    def test_text_is_read_in_the_codings_that_say_so(self, body: bytes) -> None:
        assert spans(next(labels.audacity(labels.text_of(body), "song.txt"))) == [("", 1, 2, "é")]

    @pytest.mark.parametrize("body", ["1\t2\té".encode("latin-1"), b"1\t2\t\0", b"\xff\xfe1", b"\x00" * 9])
    def test_other_codings_are_refused(self, body: bytes) -> None:
        with pytest.raises(BadFile):
            labels.text_of(body)

    def test_what_jams_says_of_a_clip_is_in_seconds_of_the_song(self) -> None:
        one = {
            "namespace": "segment_open",
            "annotation_metadata": {"annotator": {"name": "ann"}},
            "data": [{"time": 31.0, "duration": 2.0, "value": "x", "confidence": None}, {"time": "31", "duration": 1}],
            "time": 30.0,
            "duration": 15.0,
        }
        text = json.dumps({"file_metadata": {"title": "album/song", "duration": 200.0}, "annotations": [one, {"data": 4}]})
        read, bad = labels.jams(text, "x.jams")
        assert read.clip == (30, 45) and spans(read) == [("ann", 31, 33, "x")] and read.names[0] == "album/song"
        assert str(read.line_faults[0]) == "x.jams annotations[0]: data[1] has no time and duration in seconds."
        assert "annotations[1]: data" in str(bad.faults[0])

    def test_the_kind_of_a_file_is_seen_by_its_name_and_how_it_begins(self) -> None:
        kinds = [
            ("a.json", b" [", "label studio"),
            ("a.JSON", b"{", "jams"),
            ("a.txt", b"1\t2", "audacity"),
            ("a.TextGrid", b"", "textgrid"),
            ("a.csv", b"", "label studio"),
            ("a.tsv", b"", "label studio"),
        ]
        assert [labels.kind_of(name, begins) for name, begins, _ in kinds] == [kind for *_, kind in kinds]
        assert labels.kind_of("a.txt", b"Selection\tView\tBegin Time (s)") == "raven"
        with pytest.raises(BadFile, match=r"song\.exe is of no kind"):
            labels.kind_of("song.exe", b"MZ")


class TestPieces:
    def test_marks_lie_in_the_clips_that_are_there_and_else_in_new_ones(self) -> None:
        marks = Marks([Tagged(5, 6), Tagged(29, 31), Tagged(60.2, 61)], [])
        found = pieces(marks, 61.0, [Region(20, 35)], 15.0)
        assert [clip for clip, _ in found] == [(0, 15), (20, 35), (46, 61)]
        assert [[(one.start, one.end) for one in inside.wrong] for _, inside in found] == [[(5, 6)], [(29, 31)], [(60.2, 61)]]

    def test_a_mark_over_the_end_of_a_clip_is_in_both(self) -> None:
        found = pieces(Marks([Tagged(14, 16, "drums")], []), 900.0, [], 15.0)
        assert [inside.wrong for _, inside in found] == [[Tagged(14, 15, "drums")], [Tagged(15, 16, "drums")]]

    def test_twenty_thousand_marks_are_cut_each_once(self) -> None:
        marks = Marks([Tagged(n / 5, n / 5 + 0.05) for n in range(20_000)], [])
        found = pieces(marks, 4000.0, [], 15.0)
        assert sum(len(inside.wrong) for _, inside in found) >= 20_000 and len(found) == 267

    def test_no_marks_make_no_clips(self) -> None:
        assert pieces(Marks([], []), 900.0, [Region(0, 15)], 15.0) == []


def test_names_with_slashes_are_names() -> None:
    assert PurePosixPath("a/b").name == "b"
    (read,) = labels.audacity("1\t2\tx", "..\\..\\evil/song.txt")
    assert read.names[-1] == "song.txt" and ".." not in "".join(read.names)


class TestWhatWeWriteComesBack:
    """Each format as its writer here makes it, with the same seconds, label, tag and person."""

    ANN = (Span(1.25, 2.5, "False positive vocals", tag="strings"), Span(70.0, 71.000001, "False positive vocals"))
    BOB = (Span(3.0, 4.5, "False positive vocals"),)

    @staticmethod
    def near(read: TaskRead, said: dict[str, tuple[Span, ...]]) -> bool:
        """Whether it is what was written, to the microsecond."""
        wanted = [(by, *map(pytest.approx, (one.start, one.end)), one.text) for by, some in said.items() for one in some]
        return sorted(spans(read), key=str) == wanted or [*spans(read)] == wanted

    def test_raven(self) -> None:
        text = raven_table([("ann", one) for one in self.ANN] + [("bob", one) for one in self.BOB], 44100)
        (read,) = labels.raven(text, "album/song.txt")
        assert self.near(read, {"ann": self.ANN, "bob": self.BOB}) and not read.line_faults

    def test_rttm(self) -> None:
        (read,) = labels.rttm(rttm("my song", self.ANN), "x.rttm")
        assert self.near(read, {"": self.ANN}) and "my_song" in read.names

    def test_textgrid(self) -> None:
        overlapping = Span(1.5, 2.0, "False positive vocals")
        (read,) = labels.textgrid(textgrid({"ann": [*self.ANN, overlapping], 'b"ob': self.BOB, "eve": []}, 200.0), "song.TextGrid")
        assert self.near(read, {"ann": (*self.ANN, overlapping), 'b"ob': self.BOB}), "a second tier of one person is theirs"
        assert [one.person for one in read.annotations] == ["ann", 'b"ob', "eve"]

    def test_jams(self) -> None:
        answers = [Answer("album/song", Region(0.0, 15.0), "ann", self.ANN[:1], 3), Answer("album/song", Region(60.0, 75.0), "bob", (), 4)]
        first, second = labels.jams(jams(About("album/song", 200.0), answers), "song.jams")
        assert self.near(first, {"ann": self.ANN[:1]}) and first.clip == (0, 15)
        assert second.clip == (60, 75) and [one.person for one in second.annotations] == ["bob"], "nothing wrong is said too"

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("raven", "Begin Time (s)\tEnd Time (s)\n1\n\t\nx\t2\n"),
            ("rttm", "SPEAKER\nSPEAKER song 1 nan 2 <NA> <NA> x <NA> <NA>\n"),
            ("textgrid", 'ooTextFile item [1]:\nclass = "IntervalTier"\nname = "a"\nxmin = x\nxmax = 2\ntext = "b"\n'),
            ("jams", '{"annotations": [{"data": [{"time": -1e400, "duration": 1}]}]}'),
        ],
    )
    def test_what_is_broken_in_them_is_named(self, kind: str, text: str) -> None:
        try:
            reads = list(labels.READERS[kind](text, "song.x"))
        except BadFile as bad:
            assert "inf" in str(bad)
        else:
            assert [fault for read in reads for fault in (*read.faults, *read.line_faults)]
