"""A questionnaire as managers write it, and the tags that answers give."""

import numpy as np
import pytest

from annotation.core.questionnaire import chosen, read, tags_of, with_tags
from annotation.core.steadiness import drift, share

TEXT = """
What do you hear with?
- Headphones = headphones
- Loudspeakers
Which languages?
* German = language: German
* English = language: English
"""


def test_a_question_has_answers_and_answers_have_tags() -> None:
    questions = read(TEXT)
    assert [(one.text, one.several, len(one.answers)) for one in questions] == [
        ("What do you hear with?", False, 2),
        ("Which languages?", True, 2),
    ]
    said = chosen(questions, {0: [0, 1], 1: [1, 0, 7]})
    assert said == {"What do you hear with?": ["Headphones"], "Which languages?": ["English", "German"]}, "of one kind, one alone"
    assert tags_of(questions, said) == ["headphones", "language: German", "language: English"]
    assert chosen(questions, {}) == {} and read("") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- yes", "Line 1: an answer stands before any question"),
        ("Old?\n- yes", "has 1 answers"),
        ("Old?\n- yes\n* no", "begin with - and with \\*"),
        ("Old?\n- = x\n- no", "Line 2: an answer needs words"),
        ("Q?\n- a\n- b\n" * 11, "11 questions"),
    ],
)
def test_what_cannot_be_asked_is_said_with_its_line(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(text)


def test_tags_are_added_and_taken_and_stay_tidy() -> None:
    assert with_tags(["b"], add=["a ", "", "b"], take=[]) == ["a", "b"]
    assert with_tags(["a", "b"], take=["a", "c"]) == ["b"]
    for wrong in (["x" * 41], ["a,b"], [f"t{n}" for n in range(21)]):
        with pytest.raises(ValueError):
            with_tags([], add=wrong)


def test_a_share_has_an_interval_that_narrows_with_answers() -> None:
    few, many = (share([(1.0, 2.0), (2.0, 2.0), (0.0, 0.0)] * n, rng=np.random.default_rng(0)) for n in (3, 100))
    assert few and many and few.value == many.value == 0.75 and (few.n, many.n) == (6, 200)
    assert few.low < many.low < 0.75 < many.high < few.high
    assert share([(0.0, 0.0)], rng=np.random.default_rng(0)) is None


def test_a_fall_is_told_from_chance_and_few_answers_say_nothing() -> None:
    rng = np.random.default_rng(1)
    steady, falling = rng.normal(0.8, 0.1, 60), np.r_[rng.normal(0.8, 0.1, 45), rng.normal(0.4, 0.1, 15)]
    fell, same = drift(list(falling), rng=rng), drift(list(steady), rng=rng)
    assert fell and fell.high < -0.2 and same and same.low < 0 < same.high
    assert drift([0.5] * 19, rng=rng) is None
