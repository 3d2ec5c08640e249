"""Every kind of event has words."""

import ast
import re
from pathlib import Path

from annotation.core import words as of_people
from annotation.models.events import EVENTS_OF_REVIEWS
from hub.home import ROOT
from hub.pages.words import SENTENCES

THINGS = {name.split(".")[0] for name in SENTENCES}

NO_EVENTS = {"model.onnx", "model.zip", "data.end"}  # files, and a field


def kinds_in(file: Path) -> set[str]:
    """The kinds of events that a module names: strings such as "round.opened"."""
    strings = (node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant))
    kinds = (one for one in strings if isinstance(one, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", one))
    return {one for one in kinds if one.split(".")[0] in THINGS} - NO_EVENTS


def kinds_of(half: str) -> set[str]:
    files = [file for file in (ROOT / half).rglob("*.py") if "migrations" not in file.parts]
    return set().union(*(kinds_in(file) for file in files if file != Path(of_people.__file__)))


def test_every_kind_of_event_has_words_and_no_words_are_left_over() -> None:
    people, machine, programs = kinds_of("annotation"), kinds_of("learner"), kinds_of("platform/hub/api")
    assert len(people) > 30
    assert of_people.SENTENCES.keys() <= people
    assert people | machine | programs == SENTENCES.keys()


def test_a_reviewer_reads_of_a_task_in_the_same_words_as_everybody() -> None:
    after = {"task": 7, "regions": 2, "submission": 3, "overlap": 5, "certainty": 0.43}
    for kind in EVENTS_OF_REVIEWS:
        said, to_reviewer = (SENTENCES[kind]({"overlap": 3}, after | named) for named in ({}, {"named": "it"}))
        assert said.replace("task 7", "it") == to_reviewer
    assert SENTENCES["review.took"]({}, after | {"person": "Person 2"}) == "took the answer of Person 2 for task 7"
