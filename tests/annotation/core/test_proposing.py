"""What proposals do to answers, in figures."""

from typing import Any

import pytest

from annotation.core import label_studio
from annotation.core.proposing import Answered, Figure, f1, figures
from annotation.core.regions import Region


def answered(task: int, **about: Any) -> Answered:
    return Answered(**{"task": task, "marks": 2, "minutes": 0.5, "agreement": 0.8, **about})


def test_figures_are_of_all_answers_together_and_their_intervals_over_tasks() -> None:
    found = figures([answered(task, marks=task % 3, proposed=2, accepted=task % 2) for task in range(12)])
    assert (found.answers, found.tasks) == (12, 12)
    value, low, high = found.marks_per_minute
    assert value == pytest.approx(2.0) and low is not None and high is not None and low < 2.0 < high
    assert found.accepted.value == pytest.approx(0.25)
    assert found.agreement == pytest.approx((0.8, 0.8, 0.8))
    assert found == figures([answered(task, marks=task % 3, proposed=2, accepted=task % 2) for task in reversed(range(12))])


def test_answers_to_one_task_are_one_witness() -> None:
    many = figures([answered(task % 6, marks=task % 6) for task in range(60)])
    few = figures([answered(task, marks=task) for task in range(6)])
    assert many.marks_per_minute == few.marks_per_minute


def test_few_tasks_give_no_interval_and_none_no_figure() -> None:
    assert figures([answered(task) for task in range(4)]).marks_per_minute == Figure(4.0, None, None)
    assert figures([answered(1, agreement=None)])[3:] == ((None, None, None),) * 2
    assert figures([]).marks_per_minute == Figure(None, None, None)


def test_agreement_is_by_seconds() -> None:
    assert f1([], []) == 1.0 and f1([(0, 1)], []) == 0.0
    assert f1([(0, 2)], [(1, 3)]) == pytest.approx(0.5)


def test_label_studio_takes_a_prediction() -> None:
    clip = Region(100.0, 130.0)
    made = label_studio.prediction([(110, 112, 0.9), (101, 103, 0.7), (90, 95, 0.6)], clip, "abcdef12")
    assert [(item["id"], item["value"]["start"], item["score"]) for item in made["result"]] == [
        ("proposal1", 1, 0.7),
        ("proposal2", 10, 0.9),
    ]
    assert (made["score"], made["model_version"]) == (0.8, "abcdef12")
    label_studio.check_result(made["result"], label_studio.labelling_config())
    assert label_studio.regions(made["result"], clip) == [(101, 103), (110, 112)]
