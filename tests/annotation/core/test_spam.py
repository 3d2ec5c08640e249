"""Who does not listen shows it: by speed, by what was never played, by all, nothing or the same again, by somebody else's marks."""

from collections.abc import Sequence

import numpy as np
import pytest

from annotation.core import spam
from annotation.core.regions import Region
from annotation.core.simulated import Habits, answer, draw_habits

CLIP = Region(0.0, 15.0)
KINDS = ("fast", "unheard", "nothing", "everything", "block", "same", "copied")


def given(
    person: str,
    task: int,
    marks: Sequence[Sequence[float]] = (),
    *,
    lead_time: float = 25.0,
    heard: Sequence[Sequence[float]] = ((0.0, 15.0),),
    when: float = 0.0,
) -> spam.Answer:
    return spam.Answer(task, person, CLIP, marks, heard, lead_time, when)


def crowd(n_tasks: int, seed: int) -> tuple[list[spam.Answer], set[str]]:
    """30 honest people and two spammers of each kind, three in four tasks each; returns the answers and who spams."""
    rng = np.random.default_rng(seed)
    truths = [
        [Region(float(start), float(start + rng.uniform(0.5, 3))) for start in rng.uniform(0, 12, int(rng.integers(0, 4)))]
        for _ in range(n_tasks)
    ]
    people: dict[str, str] = {f"honest-{n}": "" for n in range(30)} | {f"{kind}-{n}": kind for kind in KINDS for n in range(2)}
    habits = {name: draw_habits(rng, spam_share=0.0) for name in people}
    answers: list[spam.Answer] = []
    for task, truth in enumerate(truths):
        model: list[Region] = []
        for when, (name, kind) in enumerate(people.items()):
            if rng.random() < 0.25:
                continue
            does = Habits(**{**vars(habits[name]), "spam": kind}) if kind in ("nothing", "everything", "block") else habits[name]
            marks: list[Region] = answer(does, truth, CLIP, rng)
            if name == "honest-0":
                model = marks
            if kind == "same":
                marks = [Region(4.0, 6.0)]
            if kind == "copied" and model:
                marks = model
            if kind == "fast":
                marks = [Region(float(start), float(start + rng.uniform(0.3, 3))) for start in rng.uniform(0, 11, 2)]
            listened = float(rng.uniform(0.1, 0.6) if kind == "unheard" else rng.uniform(0.85, 1)) * CLIP.end
            took = float(rng.uniform(3, 10) if kind == "fast" else rng.uniform(15, 60))
            answers.append(given(name, task, marks, lead_time=took, heard=((0.0, listened),), when=float(task * 100 + when)))
    return answers, {name for name, kind in people.items() if kind}


def auroc(scores: dict[str, float], guilty: set[str]) -> float:
    """The chance that a spammer looks more suspicious than an honest person."""
    bad, good = [scores[name] for name in scores if name in guilty], [scores[name] for name in scores if name not in guilty]
    return sum((b > g) + 0.5 * (b == g) for b in bad for g in good) / (len(bad) * len(good))


@pytest.mark.parametrize("seed", range(5))
def test_spammers_of_seven_kinds_are_told_from_honest_people(seed: int) -> None:
    answers, guilty = crowd(n_tasks=20, seed=seed)
    assert auroc({str(name): one.suspicion for name, one in spam.signs(answers).items()}, guilty) >= 0.98


@pytest.mark.parametrize(
    ("kind", "sign"),
    [(kind, sign) for kind, sign in zip(KINDS, ("too_fast", "unheard", "nothing", "everything", "same", "same", "copied"), strict=True)],
)
def test_every_kind_shows_its_own_sign(kind: str, sign: str) -> None:
    answers, _ = crowd(n_tasks=40, seed=1)
    found = spam.signs(answers)
    assert all(max(one.shares, key=lambda name: one.shares[name]) == sign for name, one in found.items() if str(name).startswith(kind))


def test_one_odd_answer_is_no_sign() -> None:
    (one,) = spam.signs([given("ann", 1, lead_time=2.0)]).values()
    assert one.suspicion <= 0.25


def test_nothing_is_odd_only_where_others_marked() -> None:
    quiet = [given(name, task) for task in range(20) for name in "abc"]
    assert spam.signs(quiet)["a"].nothing == 0
    marked = [given("a", task) for task in range(20)] + [given(name, task, [(1, 2)]) for task in range(20) for name in "bc"]
    assert spam.signs(marked)["a"].nothing > 0.5 > spam.signs(marked)["b"].nothing


def test_who_was_first_has_not_copied() -> None:
    rng = np.random.default_rng(0)
    drawn = [[tuple(sorted(rng.uniform(0, 15, 2)))] for _ in range(12)]
    answers = [given("source", task, marks, when=1.0) for task, marks in enumerate(drawn)]
    answers += [given("copier", task, marks, when=2.0) for task, marks in enumerate(drawn)]
    found = spam.signs(answers)
    assert found["copier"].copied > 0.7 and found["copier"].copied_from == "source"
    assert found["source"].copied == 0


def test_the_order_of_the_answers_changes_nothing() -> None:
    answers, _ = crowd(n_tasks=8, seed=2)
    assert spam.signs(answers) == spam.signs(answers[::-1])


def test_nobody_is_nobody() -> None:
    assert spam.signs([]) == {}
