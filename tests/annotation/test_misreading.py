"""Who reads the guideline otherwise: people who agree with each other and not with the consensus, and the best who were overruled."""

from typing import Any

import pytest

from annotation.core.misreading import Answer, camps, overruled, together
from annotation.models import Campaign, GoldScore, Membership, Submission
from annotation.selectors.misreading import misread
from tests import worlds

TRUTH = {task: [(2.0, 6.0)] for task in range(8)}


def answers(of: dict[int, tuple[float, float]], tasks: range = range(8)) -> list[Answer]:
    """Each person marks one stretch, the same in every clip."""
    return [Answer(task, person, [marks]) for task in tasks for person, marks in of.items()]


def test_two_who_mean_something_else_are_found_and_one_who_errs_is_not() -> None:
    (camp,) = camps(answers({1: (2.0, 6.0), 2: (2.1, 6.0), 3: (9.0, 12.0), 4: (9.1, 12.0), 5: (13.0, 14.0)}), TRUTH)
    assert camp.people == [3, 4] and camp.n_clips == 8 and len(camp.clips) == 5
    assert camp.with_each_other == pytest.approx(5.8 / 5.9) and camp.with_consensus == 0


def test_people_who_share_few_clips_say_nothing() -> None:
    assert camps(answers({3: (9.0, 12.0), 4: (9.0, 12.0)}, range(3)), TRUTH) == []
    assert camps([], TRUTH) == camps(answers({3: (9.0, 12.0)}), TRUTH) == []


def test_who_hangs_together_is_one_camp() -> None:
    given = answers({1: (8.0, 11.0)}) + answers({2: (8.0, 11.0)}, range(4)) + answers({3: (8.0, 11.0)}, range(4, 8))
    (camp,) = camps(given, TRUTH)
    assert camp.people == [1, 2, 3] and camp.n_clips == 8


def test_seconds_are_summed_before_they_are_divided() -> None:
    assert together([([(0, 4)], [(0, 4)]), ([(0, 1)], [(2, 3)])]) == pytest.approx(8 / 10)
    assert together([([], [])]) != together([([], [])]), "nobody marked anything: not a number"


def test_clips_where_the_best_differ_are_listed_most_people_first() -> None:
    given = [*answers({1: (9.0, 12.0), 2: (9.0, 12.0), 3: (2.0, 6.0)}, range(1)), *answers({1: (9.0, 12.0), 3: (2.0, 6.0)}, range(1, 2))]
    given += answers({1: (2.0, 6.0), 2: (2.0, 6.0)}, range(2, 3))
    found = overruled(given, TRUTH, best={1, 2})
    assert [(one.task, one.people, one.with_each_other) for one in found] == [(0, [1, 2], 1.0), (1, [1], None)]
    assert overruled(given, TRUTH, best={3}) == []


def test_the_best_who_differ_among_themselves_are_not_listed() -> None:
    given = answers({1: (9.0, 12.0), 2: (12.0, 14.0)}, range(1))
    assert overruled(given, TRUTH, best={1, 2}) == []


@pytest.mark.django_db
class TestThePage:
    @pytest.fixture
    def campaign(self) -> Campaign:
        return worlds.campaign(min_overlap=5, max_overlap=5, certainty=0.0)

    @pytest.fixture
    def people(self, campaign: Campaign) -> list[Membership]:
        return [worlds.member(campaign, f"p{n}") for n in range(5)]

    def answered(self, campaign: Campaign, people: list[Membership], *spans: Any) -> None:
        for task in worlds.tasks(campaign, 4):
            for person, (start, end) in zip(people, spans, strict=True):
                worlds.answer(task, person, (task.start + start, task.start + end))
            worlds.agreed(task)

    def test_it_names_the_camp_and_leads_to_its_clips(
        self, campaign: Campaign, people: list[Membership], django_assert_max_num_queries: Any
    ) -> None:
        self.answered(campaign, people, *[(2.0, 6.0)] * 3, *[(9.0, 13.0)] * 2)
        with django_assert_max_num_queries(9):
            found = misread(campaign)
        assert [camp.people for camp in found.camps] == [[people[3].pk, people[4].pk]]
        page = worlds.client(campaign, "rev", "reviewer").get("/c/test/review/readings/").content.decode()
        assert "p3, p4" in page and "/c/test/rounds/1/" in page and "p0" not in page

    def test_the_best_on_gold_who_were_overruled(self, campaign: Campaign, people: list[Membership]) -> None:
        self.answered(campaign, people, *[(2.0, 6.0)] * 4, (9.0, 13.0))
        for answer in Submission.objects.filter(by=people[4])[:3]:
            GoldScore.objects.create(submission=answer, score=0.9, missed=0.0, extra=0.1)
        found = misread(campaign)
        assert (
            len(found.overruled) == 4 and found.overruled[0].people == [people[4].pk] and found.gold == {people[4].pk: pytest.approx(0.9)}
        )

    def test_annotators_do_not_see_it(self, campaign: Campaign) -> None:
        assert worlds.client(campaign, "ann").get("/c/test/review/readings/").status_code == 403
        assert "Nobody: no two people" in worlds.client(campaign, "rev", "reviewer").get("/c/test/review/readings/").content.decode()
