"""Answers of programs that cannot say what of a clip was heard: kept and marked so, and counted where the campaign says."""

import pytest

from annotation.models import Membership, Submission, Task
from tests import worlds

pytestmark = pytest.mark.django_db
Status = Submission.Status


def by_program(task: Task, by: Membership, *spans: worlds.Span) -> Submission:
    return worlds.answer(task, by, *spans, heard=None, by_the_clock=True)


def test_it_counts_nowhere_unless_the_campaign_says_so_and_somebody_else_is_asked() -> None:
    campaign = worlds.campaign(min_overlap=1, max_overlap=1)
    worlds.task(campaign)
    ann, ben = worlds.people(campaign, 2)
    kept = by_program(worlds.given(ann), ann, (1.0, 3.0))
    assert (kept.status, kept.heard) == (Status.SURPLUS, [])
    assert worlds.given(ben) == kept.task


def test_where_it_counts_it_says_all_the_same_that_nobody_knows_what_was_heard() -> None:
    campaign = worlds.campaign(counts_unheard=True)
    worlds.task(campaign)
    (ann,) = worlds.people(campaign, 1)
    kept = by_program(worlds.given(ann), ann, (1.0, 3.0))
    assert (kept.status, kept.heard) == (Status.ACCEPTED, [])


def test_an_answer_that_was_heard_stands_and_no_program_opens_the_way_for_one_that_comes_too_soon() -> None:
    campaign = worlds.campaign()
    worlds.tasks(campaign, 2)
    (ann,) = worlds.people(campaign, 1)
    heard = worlds.answer(worlds.given(ann), ann, (1.0, 3.0))
    assert by_program(heard.task, ann).status == Status.SURPLUS
    heard.refresh_from_db()
    assert heard.status == Status.ACCEPTED

    unheard = by_program(worlds.given(ann), ann)
    at_once = worlds.answer(unheard.task, ann, by_the_clock=True)
    assert at_once.status == Status.TOO_SOON
