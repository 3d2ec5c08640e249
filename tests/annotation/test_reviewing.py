"""Where people do not agree a reviewer decides, and until then nothing is learned from it."""

import uuid

import pytest
from django.db import IntegrityError, transaction

from annotation import services
from annotation.core import label_studio
from annotation.core.regions import BadRegion, Region
from annotation.models import Campaign, Estimate, Event, Membership, Task, Track
from annotation.selectors import reviews, rounds

pytestmark = pytest.mark.django_db
CHECKPOINT = "c" * 64


@pytest.fixture
def campaign() -> Campaign:
    return services.create_campaign(name="Test", slug="test", min_overlap=2, max_overlap=2, certainty=0.999)


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return [services.add_member(campaign=campaign, pseudonym=f"p{i}") for i in range(3)]


@pytest.fixture
def reviewer(campaign: Campaign) -> Membership:
    return services.add_member(campaign=campaign, role=Membership.Role.REVIEWER, pseudonym="reviewer")


def answer(task: Task, by: Membership, *regions: tuple[float, float]) -> None:
    services.submit(task=task, by=by, result=label_studio.result(regions, task.clip), client_key=uuid.uuid4(), heard=[(0.0, 15.0)])
    services.agree_on_task(task_id=task.pk)
    task.refresh_from_db()


@pytest.fixture
def task(campaign: Campaign, people: list[Membership]) -> Task:
    """Two people heard quite different things in seconds 30-45."""
    track = Track.objects.create(
        campaign=campaign, name="song", use="pool", domain="target", duration=60.0, sample_rate=16_000, channels=1, fingerprint="f"
    )
    Estimate.objects.create(track=track, stem="vocals", checkpoint=CHECKPOINT, file="aa/x.flac")
    clip = services.Clip(track=track, start=30.0, end=45.0, arm=Task.Arm.RANDOM, chance=0.5, reason="drawn")
    (task,) = services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=[clip])
    for person, region in zip(people, [(32.0, 36.0), (38.0, 44.0)], strict=False):
        services.assign_task(by=person)
        answer(task, person, region)
    return task


def regions(consensus) -> list[Region]:
    return [Region(one.start, one.end) for one in consensus.regions.order_by("start")]


def test_people_who_do_not_agree_leave_it_to_a_reviewer(task: Task, people: list[Membership]) -> None:
    assert (task.state, task.contested, task.closed) == (Task.State.IN_REVIEW, True, None)
    assert list(reviews.tasks_to_review(task.campaign)) == [task]
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
    assert not reviews.tasks_to_review(task.campaign).exists()


def test_editing_puts_the_reviewers_own_regions_in_their_place(task: Task, reviewer: Membership) -> None:
    decided = services.edit_review(
        task=task, by=reviewer, result=label_studio.result([(32.0, 33.5)], task.clip), note="the rest is a voice"
    )
    assert regions(decided) == [Region(32.0, 33.5)]
    assert decided.regions.get().probability == 1.0
    event = Event.objects.get(what="review.edited")
    assert (event.who, event.after["note"], event.after["regions"]) == (reviewer, "the rest is a voice", 1)


def test_that_nothing_is_wrong_is_a_decision_too(task: Task, reviewer: Membership) -> None:
    assert regions(services.edit_review(task=task, by=reviewer, result=[])) == []


def test_what_a_reviewer_decided_is_learned_from_and_stands(task: Task, reviewer: Membership) -> None:
    decided = services.edit_review(task=task, by=reviewer, result=label_studio.result([(32.0, 33.5)], task.clip))
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
    answer(task, people[2], (40.0, 41.0))
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
    answer(task, people[2], (38.0, 44.0))
    assert task.submissions.get(by=people[2]).status == "surplus"
    services.send_back(task=task, by=reviewer)
    services.agree_on_task(task_id=task.pk)
    task.refresh_from_db()
    assert task.submissions.get(by=people[2]).status == "accepted"
    assert task.state == Task.State.IN_REVIEW and task.taken == 3


def test_of_two_reviewers_one_decides(task: Task, reviewer: Membership) -> None:
    services.accept_review(task=task, by=reviewer)
    for verb in (services.accept_review, services.send_back):
        with pytest.raises(services.NotInReview):
            verb(task=task, by=reviewer)


def test_annotators_and_strangers_decide_nothing(task: Task, people: list[Membership]) -> None:
    elsewhere = services.add_member(campaign=services.create_campaign(name="E", slug="e"), role=Membership.Role.REVIEWER)
    for by in (people[2], elsewhere):
        with pytest.raises(services.NotAReviewer):
            services.accept_review(task=task, by=by)


def test_a_bad_mark_of_a_reviewer_changes_nothing(task: Task, reviewer: Membership) -> None:
    bad = label_studio.result([(31.0, 33.0)], task.clip)
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
    services.agree_on_task(task_id=task.pk)
    task.refresh_from_db()
    assert task.state == Task.State.CLOSED
