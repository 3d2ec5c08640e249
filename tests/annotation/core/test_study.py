"""The study designer goes by simulated crowds: the table beside it is what they give, and more and better people give more."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from annotation.core import study
from annotation.core.study import Wanted, grid


def test_the_table_has_every_kind_of_crowd_and_each_number_of_answers() -> None:
    axes, values = study._table()
    assert [len(axis) for axis in axes] == [len(grid.SENSITIVITY), len(grid.SPAMMERS), len(grid.LEAK)]
    assert values.shape[3] == len(grid.ANSWERS) and study.crowds() >= 8
    assert (values > 0).all() and (values <= 1).all()


def test_the_table_is_what_the_crowds_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SENSITIVITY": (0.7,), "SPAMMERS": (0.2,), "LEAK": (16.0,)}.items():
        monkeypatch.setattr(grid, name, value)
    grid.write(2, tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())["cells"][0]["by_answers"]
    kept = study.expected(0.7, 0.2, 16.0)
    for one, other in zip(again, kept, strict=True):
        assert one["f1"] == pytest.approx(other.f1, abs=0.12)


def test_more_answers_people_who_hear_more_and_fewer_who_do_not_listen_raise_it() -> None:
    usual = study.expected(0.7, 0.2, 4.0)
    assert usual[6].f1 > usual[2].f1 > usual[0].f1
    assert study.expected(0.9, 0.2, 4.0)[2].f1 > usual[2].f1 > study.expected(0.7, 0.4, 4.0)[2].f1
    for one in usual:
        assert 0 <= one.low <= one.f1 <= one.high <= 1


def test_between_the_crowds_it_lies_between_and_outside_at_the_edge() -> None:
    low, middle, high = (study.expected(share, 0.0, 4.0)[2].f1 for share in (0.7, 0.775, 0.85))
    assert middle == pytest.approx((low + high) / 2)
    assert study.expected(0.1, 0.9, 100.0) == study.expected(min(grid.SENSITIVITY), max(grid.SPAMMERS), max(grid.LEAK))


def test_what_a_study_takes_is_counted_from_its_clips() -> None:
    wanted = Wanted(f1=0.8, minutes=2.0, leak=6.0, clip_seconds=20.0, pace=1.5, minutes_each=30.0, pay=12.0)
    for row in study.costs(wanted):
        assert row.clips == pytest.approx(120 / (2.0 * row.expected.found), abs=1)  # 2 s of bleed in each clip
        assert row.minutes == pytest.approx(row.clips * row.expected.answers * 0.5)
        assert row.money == pytest.approx(row.minutes / 5)
        assert row.people >= row.expected.answers and row.people * 30 >= row.minutes


def test_the_least_that_is_enough_is_chosen_or_none() -> None:
    rows = study.costs(Wanted(f1=0.8))
    best = study.chosen(rows)
    assert best and best.enough and not any(row.enough for row in rows[: best.expected.answers - 1])
    assert study.chosen(study.costs(replace(Wanted(), f1=0.99, sensitivity=0.55, spammers=0.4, leak=1.0))) is None
