"""Where people do not agree a reviewer decides, and until then nothing is learned from it."""

import pytest
from django.db import IntegrityError, transaction

from annotation import services
from annotation.core.regions import BadRegion, Region
from annotation.models import Campaign, Consensus, Event, Membership, Task
from annotation.selectors import rounds
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(max_overlap=2, certainty=0.999)


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return worlds.people(campaign, 3)


@pytest.fixture
def reviewer(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "reviewer", Membership.Role.REVIEWER)


@pytest.fixture
def task(campaign: Campaign, people: list[Membership]) -> Task:
    """Two people heard quite different things in seconds 30-45."""
    task = worlds.task(campaign, start=30.0)
    for person, region in zip(people, [(32.0, 36.0), (38.0, 44.0)], strict=False):
        services.assign_task(by=person)
        worlds.answer(task, person, region)
        worlds.agreed(task)
    return task


def regions(consensus: Consensus) -> list[Region]:
    return [Region(one.start, one.end) for one in consensus.regions.order_by("start")]


def test_people_who_do_not_agree_leave_it_to_a_reviewer(task: Task, people: list[Membership]) -> None:
    assert (task.state, task.contested, task.closed) == (Task.State.IN_REVIEW, True, None)
    assert list(Task.objects.filter(state=Task.State.IN_REVIEW)) == [task]
    assert rounds.progress(task.campaign, 1).in_review == 1
    assert Event.objects.filter(what="task.contested").exists()
    assert services.assign_task(by=people[2]) is None, "nobody else is asked"


def test_nothing_is_learned_before_somebody_decided(task: Task) -> None:
    assert services.agree_again_over_campaign(campaign=task.campaign, up_to_round=1) == []


def test_accepting_confirms_what_the_crowd_found(task: Task, reviewer: Membership) -> None:
    crowds = task.consensuses.get()
    decided = services.accept_review(task=task, by=reviewer)
    task.refresh_from_db()
    assert task.state == Task.State.CLOSED and task.closed is not None
    assert regions(decided) == regions(crowds)
    assert (decided.version, decided.by, decided.certainty) == (2, reviewer, 1.0)
    assert set(decided.submissions.all()) == set(task.submissions.all())
    assert not Task.objects.filter(state=Task.State.IN_REVIEW).exists()


def test_editing_puts_the_reviewers_own_regions_in_their_place(task: Task, reviewer: Membership) -> None:
    decided = services.edit_review(task=task, by=reviewer, result=worlds.marks(task, (32.0, 33.5)), note="the rest is a voice")
    assert regions(decided) == [Region(32.0, 33.5)]
    assert decided.regions.get().probability == 1.0
    event, after = Event.objects.get(what="review.edited"), worlds.after("review.edited")
    assert (event.who, after["note"], after["regions"]) == (reviewer, "the rest is a voice", 1)


def test_that_nothing_is_wrong_is_a_decision_too(task: Task, reviewer: Membership) -> None:
    assert regions(services.edit_review(task=task, by=reviewer, result=[])) == []


def test_what_a_reviewer_decided_is_learned_from_and_stands(task: Task, reviewer: Membership) -> None:
    decided = services.edit_review(task=task, by=reviewer, result=worlds.marks(task, (32.0, 33.5)))
    assert services.agree_again_over_campaign(campaign=task.campaign, up_to_round=1) == [decided]
    assert services.agree_again_over_campaign(campaign=task.campaign, up_to_round=1) == [decided]


def test_sent_back_it_goes_to_one_more_person_and_comes_back_if_that_does_not_help(
    task: Task, people: list[Membership], reviewer: Membership
) -> None:
    services.send_back(task=task, by=reviewer, note="ask again")
    task.refresh_from_db()
    assert (task.state, task.contested, task.overlap, task.max_overlap) == (Task.State.OPEN, False, 3, 3)
    assert services.assign_task(by=people[0]) is None, "whoever answered it is not asked again"
    assert services.assign_task(by=people[2]) is not None
    worlds.answer(task, people[2], (40.0, 41.0))
    worlds.agreed(task)
    assert task.state == Task.State.IN_REVIEW


def test_sent_back_with_nobody_left_to_ask_it_comes_back(task: Task, people: list[Membership], reviewer: Membership) -> None:
    services.send_back(task=task, by=reviewer)
    for person in (people[2], reviewer):
        services.assign_task(by=person)
        services.skip(task=task, by=person, reason="cannot decide")
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 1
    task.refresh_from_db()
    assert task.state == Task.State.IN_REVIEW


def test_sent_back_a_late_answer_is_the_one_more(task: Task, people: list[Membership], reviewer: Membership) -> None:
    worlds.answer(task, people[2], (38.0, 44.0))
    worlds.agreed(task)
    assert task.submissions.get(by=people[2]).status == "surplus"
    services.send_back(task=task, by=reviewer)
    worlds.agreed(task)
    assert task.submissions.get(by=people[2]).status == "accepted"
    assert task.state == Task.State.IN_REVIEW and task.taken == 3


def test_of_two_reviewers_one_decides(task: Task, reviewer: Membership) -> None:
    services.accept_review(task=task, by=reviewer)
    for verb in (services.accept_review, services.send_back):
        with pytest.raises(services.NotInReview):
            verb(task=task, by=reviewer)


def test_annotators_and_strangers_decide_nothing(task: Task, people: list[Membership]) -> None:
    elsewhere = services.add_member(campaign=worlds.campaign("elsewhere"), role=Membership.Role.REVIEWER)
    for by in (people[2], elsewhere):
        with pytest.raises(services.NotAReviewer):
            services.accept_review(task=task, by=by)


def test_a_bad_mark_of_a_reviewer_changes_nothing(task: Task, reviewer: Membership) -> None:
    bad = worlds.marks(task, (31.0, 33.0))
    bad[0]["value"]["end"] = 99.0
    with pytest.raises(BadRegion), transaction.atomic():
        services.edit_review(task=task, by=reviewer, result=bad)
    task.refresh_from_db()
    assert task.state == Task.State.IN_REVIEW


def test_only_contested_tasks_are_in_review(task: Task) -> None:
    with pytest.raises(IntegrityError, match="only_contested_tasks_are_reviewed"), transaction.atomic():
        Task.objects.update(contested=False)


def test_one_persons_word_is_not_contested(people: list[Membership], task: Task) -> None:
    """Where one answer is all that is asked for, there is nobody to disagree with."""
    Task.objects.update(state=Task.State.OPEN, contested=False, min_overlap=1, overlap=1, max_overlap=1, taken=0)
    task.submissions.filter(by=people[1]).update(status="withdrawn")
    Task.objects.update(taken=1)
    worlds.agreed(task)
    assert task.state == Task.State.CLOSED
