"""The queue, answers and consensus, on real rows."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from annotation import services
from annotation.core.regions import BadRegion, Region
from annotation.models import Assignment, Campaign, Draft, Mark, Membership, Reliability, Submission, Task
from annotation.selectors import queue
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign()


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return worlds.people(campaign, 4)


@pytest.fixture
def task(campaign: Campaign) -> Task:
    """Seconds 30-45 of a song."""
    return worlds.task(campaign, start=30.0)


def test_a_clip_is_never_opened_twice(task: Task) -> None:
    clip = worlds.clip(task.track, 30.0)
    services.open_tasks(campaign=task.campaign, checkpoint=worlds.CHECKPOINT, round_number=1, clips=[clip])
    assert Task.objects.count() == 1


def test_a_task_remembers_how_its_clip_was_chosen(task: Task) -> None:
    clip = worlds.clip(task.track, 60.0, strategy="coverage", parts={"distance": 0.25})
    services.open_tasks(campaign=task.campaign, checkpoint=worlds.CHECKPOINT, round_number=1, clips=[clip])
    kept = Task.objects.get(start=60.0)
    assert (kept.strategy, kept.parts) == ("coverage", {"distance": 0.25})


def test_no_task_without_an_estimate_to_hear(task: Task) -> None:
    clip = worlds.clip(task.track, 0.0)
    with pytest.raises(ValueError, match=r"no estimate.*song"):
        services.open_tasks(campaign=task.campaign, checkpoint="d" * 64, round_number=1, clips=[clip])


def test_two_tabs_get_the_same_task(task: Task, people: list[Membership]) -> None:
    first, second = services.assign_task(by=people[0]), services.assign_task(by=people[0])
    assert first == second
    task.refresh_from_db()
    assert task.taken == 1


def test_a_task_goes_to_as_many_people_as_are_wanted_and_no_more(task: Task, people: list[Membership]) -> None:
    given = [services.assign_task(by=person) for person in people]
    assert [one is not None for one in given] == [True, True, False, False]


def test_a_lease_that_ran_out_frees_its_slot(task: Task, people: list[Membership]) -> None:
    for person in people[:2]:
        services.assign_task(by=person)
    Assignment.objects.filter(by=people[0]).update(lease_until=now() - timedelta(seconds=1))
    assert services.assign_task(by=people[2]) is not None


def test_late_work_counts_while_there_is_room(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    Assignment.objects.update(lease_until=now() - timedelta(seconds=1))
    services.expire_leases(campaign=task.campaign)
    assert worlds.answer(task, people[0]).status == Submission.Status.ACCEPTED


def too_late(task: Task, people: list[Membership]) -> Submission:
    """The first person's answer to a task that two others filled meanwhile."""
    services.assign_task(by=people[0])
    Assignment.objects.update(lease_until=now() - timedelta(seconds=1))
    for person in people[1:3]:
        services.assign_task(by=person)
        worlds.answer(task, person)
    return worlds.answer(task, people[0], (31.0, 33.0))


def test_late_work_for_a_full_task_is_kept_as_surplus(task: Task, people: list[Membership]) -> None:
    late = too_late(task, people)
    assert late.status == Submission.Status.SURPLUS
    assert late.marks.count() == 1
    task.refresh_from_db()
    assert task.taken == 2


def test_surplus_work_waits_for_nobody_in_the_queue(task: Task, people: list[Membership]) -> None:
    too_late(task, people)
    Task.objects.update(overlap=3)
    assert services.assign_task(by=people[0]) is None
    assert queue.own_progress(people[0]).open == 0


def test_an_answer_sent_twice_is_kept_once(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    key = uuid.uuid4()
    assert worlds.answer(task, people[0], (31.0, 33.0), client_key=key) == worlds.answer(task, people[0], (31.0, 33.0), client_key=key)
    assert Mark.objects.count() == 1


def test_a_better_answer_supersedes_and_never_overwrites(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    first, second = worlds.answer(task, people[0], (31.0, 33.0)), worlds.answer(task, people[0])
    first.refresh_from_db()
    assert (first.status, second.status, second.revision) == ("superseded", "accepted", 2)
    assert first.marks.count() == 1


def test_a_bad_mark_writes_nothing(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    bad = worlds.marks(task, (31.0, 33.0))
    bad[0]["value"]["end"] = 99.0
    with pytest.raises(BadRegion, match="end"):
        services.submit(task=task, by=people[0], result=bad, client_key=uuid.uuid4())
    assert not Submission.objects.exists()
    assert Assignment.objects.get().state == Assignment.State.LEASED


def test_marks_are_kept_in_track_seconds(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    marks = worlds.answer(task, people[0], (31.0, 33.0)).marks.all()
    assert [mark.region for mark in marks] == [Region(31.0, 33.0)]


def test_a_skipped_task_goes_to_others_and_not_back(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    services.skip(task=task, by=people[0], reason="bad audio")
    assert services.assign_task(by=people[0]) is None
    assert services.assign_task(by=people[1]) is not None
    with pytest.raises(services.NotYours):
        services.skip(task=task, by=people[0], reason="bad audio")


def test_a_draft_survives_the_lease_and_ends_with_the_answer(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    services.save_draft(task=task, by=people[0], result=worlds.marks(task, (31.0, 33.0)))
    Assignment.objects.update(lease_until=now() - timedelta(seconds=1))
    services.expire_leases(campaign=task.campaign)
    assert Draft.objects.count() == 1
    worlds.answer(task, people[0])
    assert not Draft.objects.exists()


def test_people_who_agree_close_the_task(task: Task, people: list[Membership]) -> None:
    for person in people[:2]:
        services.assign_task(by=person)
        worlds.answer(task, person, (32.0, 36.0))
    made = services.agree_on_task(task_id=task.pk)
    task.refresh_from_db()
    assert made is not None
    assert (task.state, task.contested) == (Task.State.CLOSED, False)
    (region,) = made.regions.all()
    assert region.start == pytest.approx(32.0, abs=0.3)
    assert region.end == pytest.approx(36.0, abs=0.3)
    assert set(made.submissions.all()) == set(Submission.objects.all())
    assert services.agree_on_task(task_id=task.pk) is None, "a message delivered twice does nothing"


def known(*people: Membership, settles: bool = True) -> None:
    """Have it known of these members how reliable they are."""
    for person in people:
        Reliability.objects.create(
            membership=person, sensitivity=0.8, specificity=0.95, onset_lag=0.1, offset_lag=0.1, settles=settles, n_tasks=20
        )


def test_people_who_disagree_get_one_more_up_to_the_most(task: Task, people: list[Membership]) -> None:
    known(*people)
    Campaign.objects.update(certainty=0.999)
    for person, region in zip(people[:2], [(32.0, 36.0), (40.0, 44.0)], strict=True):
        services.assign_task(by=person)
        worlds.answer(task, person, region)
    assert services.agree_on_task(task_id=task.pk) is None
    task.refresh_from_db()
    assert (task.state, task.overlap) == (Task.State.OPEN, 3)
    services.assign_task(by=people[2])
    worlds.answer(task, people[2], (31.0, 44.0))
    assert services.agree_on_task(task_id=task.pk) is not None
    task.refresh_from_db()
    assert (task.state, task.contested) == (Task.State.IN_REVIEW, True)


def test_a_task_that_everybody_skipped_is_withdrawn(task: Task, people: list[Membership]) -> None:
    for person in people:
        services.assign_task(by=person)
        services.skip(task=task, by=person, reason="cannot decide")
        assert services.close_unanswerable_tasks(campaign=task.campaign) == (person == people[-1])
    task.refresh_from_db()
    assert task.state == Task.State.WITHDRAWN


def test_a_task_that_nobody_is_left_to_answer_closes_on_the_answers_there_are(task: Task, people: list[Membership]) -> None:
    Task.objects.update(overlap=3)
    for person in people[:2]:
        services.assign_task(by=person)
        worlds.answer(task, person, (32.0, 36.0))
    services.assign_task(by=people[2])
    services.skip(task=task, by=people[2], reason="cannot decide")
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 0, "one person is left"
    services.assign_task(by=people[3])
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 0, "and works on it"
    services.skip(task=task, by=people[3], reason="cannot decide")
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 1
    task.refresh_from_db()
    assert (task.state, task.contested) == (Task.State.CLOSED, False)
    assert task.consensuses.get().regions.count() == 1


def test_who_is_known_to_guess_is_not_asked_as_one_more(task: Task, people: list[Membership]) -> None:
    known(people[2], settles=False)
    assert queue.own_progress(people[2]).open == 1, "of the least answers they may give one"
    Task.objects.update(overlap=3)
    for person in people[:2]:
        services.assign_task(by=person)
        worlds.answer(task, person, (32.0, 36.0))
    assert queue.own_progress(people[2]).open == 0
    assert services.assign_task(by=people[2]) is None
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 0, "somebody else is left"
    lease = services.assign_task(by=people[3])
    assert lease is not None
    assert lease.task == task


def test_where_reliable_people_alone_are_asked_a_guesser_gets_nothing_new_and_is_told(task: Task, people: list[Membership]) -> None:
    Campaign.objects.update(reliable_only=True)
    guesser = worlds.again(people[0])
    assert queue.own_progress(guesser).open == 1
    known(guesser, settles=False)
    assert queue.own_progress(guesser).open == 0 and services.assign_task(by=guesser) is None
    assert services.assign_task(by=worlds.again(people[1])), "of whom nothing bad is known"
    Membership.objects.filter(pk=guesser.pk).update(user=worlds.user("guesser"))
    assert "agreed too rarely" in worlds.signed_in(worlds.again(guesser)).get(f"/c/{task.campaign.slug}/me/").content.decode()


def test_a_task_that_only_guessers_could_begin_waits_for_nobody_where_they_are_not_asked(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    worlds.answer(task, people[0], (32.0, 36.0))
    known(*people[1:], settles=False)
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 0, "of the least answers they may give one"
    Campaign.objects.update(reliable_only=True)
    assert services.close_unanswerable_tasks(campaign=Campaign.objects.get()) == 1


def test_a_task_that_only_guessers_are_left_for_waits_no_longer(task: Task, people: list[Membership]) -> None:
    Task.objects.update(overlap=3)
    for person in people[:2]:
        services.assign_task(by=person)
        worlds.answer(task, person, (32.0, 36.0))
    known(*people[2:], settles=False)
    assert services.close_unanswerable_tasks(campaign=task.campaign) == 1
    task.refresh_from_db()
    assert task.state == Task.State.CLOSED


def test_a_task_closed_on_strangers_is_opened_for_one_more_when_it_proves_too_uncertain(task: Task, people: list[Membership]) -> None:
    Campaign.objects.update(certainty=0.999)
    for person, region in zip(people[:2], [(32.0, 36.0), (40.0, 44.0)], strict=True):
        services.assign_task(by=person)
        worlds.answer(task, person, region)
    assert services.agree_on_task(task_id=task.pk) is not None
    task.refresh_from_db()
    assert (task.state, task.contested, task.overlap) == (Task.State.CLOSED, False, 2)
    campaign = Campaign.objects.get()
    assert services.reopen_uncertain(campaign=campaign, round_number=2) == 0, "of another round"
    assert services.reopen_uncertain(campaign=campaign, round_number=1) == 1
    task.refresh_from_db()
    assert (task.state, task.overlap, task.closed) == (Task.State.OPEN, 3, None)
    assert Reliability.objects.count() == 2
    services.assign_task(by=people[2])
    worlds.answer(task, people[2], (32.0, 36.0))
    Task.objects.update(state=Task.State.CLOSED)
    assert services.reopen_uncertain(campaign=campaign, round_number=1) == 0, "the most answers are in"


def test_a_campaign_with_too_few_members_waits_for_people(task: Task, campaign: Campaign) -> None:
    alone = services.add_member(campaign=campaign)
    services.assign_task(by=alone)
    worlds.answer(task, alone)
    assert services.close_unanswerable_tasks(campaign=campaign) == 0


def test_surplus_work_counts_when_one_more_answer_is_wanted(task: Task, people: list[Membership]) -> None:
    known(*people)
    Campaign.objects.update(certainty=0.999)
    services.assign_task(by=people[0])
    Assignment.objects.update(lease_until=now() - timedelta(seconds=1))
    for person, region in zip(people[1:3], [(32.0, 36.0), (40.0, 44.0)], strict=True):
        services.assign_task(by=person)
        worlds.answer(task, person, region)
    late = worlds.answer(task, people[0], (32.0, 36.0))
    assert late.status == Submission.Status.SURPLUS
    made = services.agree_on_task(task_id=task.pk)
    late.refresh_from_db()
    task.refresh_from_db()
    assert late.status == Submission.Status.ACCEPTED
    assert made is not None
    assert late in made.submissions.all()
    assert (task.state, task.overlap, task.taken) == (Task.State.IN_REVIEW, 3, 3)


def test_nothing_wrong_is_an_answer(task: Task, people: list[Membership]) -> None:
    for person in people[:2]:
        services.assign_task(by=person)
        worlds.answer(task, person)
    made = services.agree_on_task(task_id=task.pk)
    assert made is not None
    assert not made.regions.exists()


def test_only_tasks_that_nobody_touched_are_withdrawn(task: Task, people: list[Membership]) -> None:
    clip = worlds.clip(task.track, 0.0)
    services.open_tasks(campaign=task.campaign, checkpoint=worlds.CHECKPOINT, round_number=1, clips=[clip])
    taken = services.assign_task(by=people[0])
    assert services.withdraw_untouched(campaign=task.campaign, checkpoint=worlds.CHECKPOINT) == 1
    assert taken is not None
    taken.task.refresh_from_db()
    assert taken.task.state == Task.State.OPEN


def test_agreeing_over_the_campaign_stores_how_reliable_people_are(task: Task, people: list[Membership]) -> None:
    for person in people[:2]:
        services.assign_task(by=person)
        worlds.answer(task, person, (32.0, 36.0))
    services.agree_on_task(task_id=task.pk)
    (again,) = services.agree_again_over_campaign(campaign=task.campaign, up_to_round=1)
    assert again.version == 2
    assert people[0].reliability.n_tasks == 1
    assert 0.5 < people[0].reliability.sensitivity < 1


def test_a_mark_cannot_run_backwards(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    submission = worlds.answer(task, people[0])
    with pytest.raises(IntegrityError, match="mark_runs_forward"), transaction.atomic():
        Mark.objects.create(submission=submission, start=2.0, end=1.0)


def test_one_accepted_answer_each_is_a_rule_of_the_database(task: Task, people: list[Membership]) -> None:
    services.assign_task(by=people[0])
    kept = worlds.answer(task, people[0])
    with pytest.raises(IntegrityError, match="one_accepted_answer_each"), transaction.atomic():
        Submission.objects.create(
            task=task,
            by=people[0],
            revision=2,
            status="accepted",
            client_key=uuid.uuid4(),
            result=[],
            consent_version=1,
            instruction_version=1,
        )
    assert kept.status == Submission.Status.ACCEPTED
