"""Charts: an axis that shows changes as small as they are, and the same numbers as table and CSV."""

import csv
import io
from urllib.parse import unquote

import pytest

from annotation.models import Estimate
from hub.pages.charts.chart import Chart, Series, axis
from hub.pages.charts.rounds import of_rounds
from learner import selectors
from learner.models import Checkpoint, Round
from tests import worlds
from tests.hub.rounds import campaign, figures, judged, listening

MANY = Chart(
    "chart-test",
    "Leak",
    [0, 1, 2],
    "round",
    "dB",
    [
        Series("in use", [1.0, None, 1.25], [0.5, None, 1.0], [1.5, None, 1.5]),
        Series("silence", [-120.0] * 3, kind="baseline"),
    ],
    names=["Base", "Round 1", "Round 2"],
    links=["", "/1/", "/2/"],
    missing=["", "failed", ""],
    least=2.0,
)


class TestTheAxis:
    def test_a_change_of_two_per_mille_does_not_fill_it(self) -> None:
        low, high = axis([Series("leak", [10.863, 10.844])], from_zero=True, least=1.0)
        assert low == 0.0 and high > 10.8
        low, high = axis([Series("sdr", [10.863, 10.844])], least=2.0)
        assert high - low >= 2.0 and low < 10.844 < 10.863 < high

    def test_it_holds_intervals_and_baselines_that_are_near_but_not_those_far_away(self) -> None:
        near, far = Series("gain", [3.0], kind="baseline"), Series("mixture", [44.0], kind="baseline")
        low, high = axis([Series("leak", [2.0], [0.5], [2.8]), near, far], from_zero=True)
        assert low == 0.0 and 3.0 < high < 44.0

    def test_what_nobody_hears_does_not_stretch_it(self) -> None:
        low, _ = axis([Series("voice", [-1.0, -120.0])], least=2.0)
        assert low > -5.0 and MANY.beyond == ["silence: silent, below"]

    def test_nothing_measured_has_an_axis_all_the_same(self) -> None:
        assert axis([Series("leak", [None, None])]) == (0.0, 1.0)


def test_the_table_and_the_file_hold_what_is_drawn() -> None:
    assert MANY.data["series"][0]["values"] == [1.0, None, 1.25] and MANY.data["series"][1]["values"] == [None] * 3
    assert [row["cells"][0] for row in MANY.rows] == [("1.00", "0.5 to 1.5"), ("\u2013", ""), ("1.25", "1.0 to 1.5")]
    assert MANY.rows[1] == {"name": "Round 1", "link": "/1/", "missing": "failed", "cells": [("\u2013", ""), ("silent", "")]}
    head, data = MANY.csv_address.split(",", 1)
    assert head == "data:text/csv;charset=utf-8"
    assert list(csv.reader(io.StringIO(unquote(data)))) == [
        ["round", "in use (dB)", "in use, low", "in use, high", "silence (dB)", "remark"],
        ["0", "1.0", "0.5", "1.5", "-120.0", ""],
        ["1", "", "", "", "-120.0", "failed"],
        ["2", "1.25", "1.0", "1.5", "-120.0", ""],
    ]


@pytest.mark.django_db
def test_each_kind_of_songs_has_its_axis_and_a_failed_round_is_a_gap() -> None:
    made = campaign()
    by = worlds.people(made, 1)[0]
    base = Checkpoint.objects.get()
    figures(made, base, false_positive_seconds_per_minute=10.0)
    figures(made, "silence", false_positive_seconds_per_minute=0.0)
    judged(listening(made), by, "promoted", "child1", false_positive_seconds_per_minute=7.0)
    failed = listening(made)
    judged(failed, by, "failed", "child2")
    judged(listening(made), by, "refused", "child3", false_positive_seconds_per_minute=8.0)
    Checkpoint.objects.get(hash__startswith="child1").evaluations.create(
        campaign=made, use="test", domain="source", metric="false_positive_seconds_per_minute", value=0.4, n_songs=3
    )
    charts = of_rounds(made, selectors.history(made), selectors.figures(made), selectors.current_checkpoint(made))
    assert [chart.id for chart in charts] == ["chart-leak-target", "chart-leak-source"]
    target, source = charts
    assert Round.objects.get(number=2).state == "failed"
    assert target.series[0].values == [10.0, 7.0, None, 7.0] and target.missing == ["", "", "failed", ""]
    assert target.names == ["Base", "Round 1", "Round 2", "Round 3, refused"]
    assert [one.label for one in target.series] == ["in use after the round", "child that the gate refused", "silence"]
    assert target.series[1].values == [None, None, None, 8.0]
    assert source.ends[1] < 2.0 < target.ends[1]


@pytest.mark.django_db
def test_reviewers_hear_the_clips_of_a_round_that_there_is_sound_of() -> None:
    made = campaign()
    owner = worlds.client(made, "owner", "owner")
    listening(made)
    made.tasks.update(state="closed")
    task = made.tasks.earliest("pk")
    assert f'src="/media/tasks/{task.pk}/vocals.ogg"' in owner.get("/c/bleed/rounds/1/clips/").text
    assert "<audio" not in worlds.client(made, "ann").get("/c/bleed/rounds/1/clips/").text
    Estimate.objects.all().delete()
    assert "<audio" not in owner.get("/c/bleed/rounds/1/clips/").text
