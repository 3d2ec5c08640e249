"""Whatever people do in whatever order, nothing is doubled, nothing is lost, and nobody waits while there is work for them."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from annotation import services
from annotation.models import Assignment, Campaign, Membership, Submission, Task
from tests import worlds

N_PEOPLE, N_TASKS = 4, 5
person = st.integers(0, N_PEOPLE - 1)
REGIONS = ((), ((1.0, 4.0),), ((8.0, 9.0), (12.0, 15.0)))


class Crash(Exception):
    """The process is killed before its transaction is kept."""


class Queue(RuleBasedStateMachine):
    """One campaign with a few people, each with any number of tabs; every example ends with a roll-back."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.acknowledged: dict[uuid.UUID, tuple[int, int]] = {}
        self.unsure: list[tuple[int, int, uuid.UUID]] = []  # sent, and the answer was lost: the page will send it again
        self.shown: dict[int, set[int]] = {n: set() for n in range(N_PEOPLE)}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @initialize(low=st.integers(1, 3), more=st.integers(0, 2), policy=st.sampled_from(Campaign.SkipPolicy.values))
    def begin(self, low: int, more: int, policy: str) -> None:
        self.campaign = worlds.campaign(min_overlap=low, max_overlap=low + more, certainty=0.97, skip_policy=policy)
        self.people = worlds.people(self.campaign, N_PEOPLE)
        self.reviewer = worlds.member(self.campaign, "rev", Membership.Role.REVIEWER)
        worlds.tasks(self.campaign, N_TASKS)

    # ---- what people do

    @rule(who=person)
    def fetch(self, who: int) -> None:
        given = services.assign_task(by=self.people[who])
        if given is None:
            assert not self.free_for(who), "there was work for them"
        else:
            self.shown[who].add(given.task_id)

    @rule(who=person)
    def fetch_in_two_tabs(self, who: int) -> None:
        assert services.assign_task(by=self.people[who]) == services.assign_task(by=self.people[who])

    @rule(who=person)
    def fetch_ahead(self, who: int) -> None:
        ahead = services.prefetch(by=self.people[who])
        assert len(ahead) == len({one.task_id for one in ahead}) <= 2
        self.shown[who] |= {one.task_id for one in ahead}

    @rule(who=person, data=st.data(), marks=st.sampled_from(REGIONS), twice=st.booleans())
    def answer(self, who: int, data: st.DataObject, marks: tuple[worlds.Span, ...], twice: bool) -> None:
        """Any task that was ever shown: in hand, ahead, long given up, answered before."""
        if not self.shown[who]:
            return
        task_id, key = data.draw(st.sampled_from(sorted(self.shown[who]))), uuid.uuid4()
        kept = self.send(who, task_id, key, marks)
        if twice:
            assert self.send(who, task_id, key, marks) == kept
        self.acknowledged[key] = (who, task_id)

    @rule(who=person, data=st.data(), kept=st.booleans())
    def answer_and_be_cut_off(self, who: int, data: st.DataObject, kept: bool) -> None:
        """The server dies before the commit, or the network after it; the page cannot know which."""
        if not self.shown[who]:
            return
        task_id, key = data.draw(st.sampled_from(sorted(self.shown[who]))), uuid.uuid4()
        try:
            with transaction.atomic():
                self.send(who, task_id, key, ())
                if not kept:
                    raise Crash
        except Crash:
            pass
        self.unsure.append((who, task_id, key))

    @precondition(lambda self: self.unsure)
    @rule(again=st.booleans())
    def send_again(self, again: bool) -> None:
        who, task_id, key = self.unsure[0] if again else self.unsure.pop()
        self.send(who, task_id, key, ())
        self.acknowledged[key] = (who, task_id)

    @rule(who=person)
    def fetch_and_be_cut_off(self, who: int) -> None:
        try:
            with transaction.atomic():
                services.assign_task(by=self.people[who])
                raise Crash
        except Crash:
            pass

    @rule(who=person, data=st.data())
    def skip(self, who: int, data: st.DataObject) -> None:
        if not self.shown[who]:
            return
        task = Task.objects.get(pk=data.draw(st.sampled_from(sorted(self.shown[who]))))
        held = Assignment.objects.filter(task=task, by=self.people[who], state="leased").exists()
        try:
            services.skip(task=task, by=self.people[who], reason="bad audio")
        except services.NotYours:
            assert not held
        else:
            assert held

    @rule(who=person, data=st.data())
    def undo_skip(self, who: int, data: st.DataObject) -> None:
        if not self.shown[who]:
            return
        task = Task.objects.get(pk=data.draw(st.sampled_from(sorted(self.shown[who]))))
        try:
            services.undo_skip(task=task, by=self.people[who])
        except (services.NotYours, services.NoWayBack, services.RoundFrozen):
            return
        assert worlds.given(self.people[who]) == task or Assignment.objects.filter(task=task, place__gt=0).exists()

    @rule(who=person)
    def work_on(self, who: int) -> None:
        for lease in Assignment.objects.filter(by=self.people[who], state="leased", place=0).select_related("task"):
            services.renew_lease(task=lease.task, by=self.people[who])

    @rule(who=person)
    def walk_away(self, who: int) -> None:
        Assignment.objects.filter(by=self.people[who], state="leased").update(lease_until=now() - timedelta(seconds=1))

    # ---- what the platform does meanwhile

    @rule(number=st.integers(0, N_TASKS - 1))
    def consensus(self, number: int) -> None:
        services.agree_on_task(task_id=Task.objects.order_by("pk")[number].pk)

    @rule()
    def clock(self) -> None:
        services.expire_leases(campaign=self.campaign)
        services.agree_on_due_tasks(campaign=self.campaign)
        services.close_unanswerable_tasks(campaign=self.campaign)

    @rule()
    def withdraw(self) -> None:
        first = Task.objects.order_by("pk")[0]
        if first.state == Task.State.OPEN and first.taken == 0:
            services.withdraw_untouched(campaign=self.campaign, checkpoint=worlds.CHECKPOINT)

    @rule(how=st.sampled_from(["accept", "send back"]))
    def review(self, how: str) -> None:
        if task := Task.objects.filter(state=Task.State.IN_REVIEW).first():
            verb = services.accept_review if how == "accept" else services.send_back
            verb(task=task, by=self.reviewer)

    @rule()
    def freeze(self) -> None:
        services.agree_again_over_campaign(campaign=self.campaign, up_to_round=1)

    # ---- what is always true

    @invariant()
    def slots_are_what_the_rows_say(self) -> None:
        for task in Task.objects.all():
            leased = task.assignments.filter(state="leased").count()
            ignored = task.assignments.filter(state="ignored").count()
            accepted = task.submissions.filter(status="accepted").count()
            assert task.taken == leased + ignored + accepted <= task.overlap <= task.max_overlap
            if task.state != Task.State.OPEN:
                assert leased == 0, "nobody works on what is decided"

    @invariant()
    def nothing_acknowledged_is_lost_or_doubled(self) -> None:
        kept = {one.client_key: (one.by_id, one.task_id) for one in Submission.objects.all()}
        assert Submission.objects.count() == len(kept)
        for key, (who, task_id) in self.acknowledged.items():
            assert kept[key] == (self.people[who].pk, task_id)
        accepted = Submission.objects.filter(status="accepted").values_list("task", "by")
        assert len(accepted) == len(set(accepted))

    @invariant()
    def nobody_holds_more_than_three(self) -> None:
        for one in getattr(self, "people", []):
            held = list(Assignment.objects.filter(by=one, state="leased").values_list("place", flat=True))
            assert len(held) == len(set(held)) <= 3
            assert held.count(0) <= 1

    # ---- help

    def send(self, who: int, task_id: int, key: uuid.UUID, marks: tuple[worlds.Span, ...]) -> Submission:
        task = Task.objects.get(pk=task_id)
        spans = [(task.start + start, task.start + end) for start, end in marks]
        return worlds.answer(task, self.people[who], *spans, client_key=key)

    def free_for(self, who: int) -> list[int]:
        """Tasks that this person could have, by looking at each: with a free slot, or held ahead by somebody else."""
        mine = Assignment.objects.filter(by=self.people[who], state__in=Assignment.GIVEN).values_list("task", flat=True)
        answered = Submission.objects.filter(by=self.people[who]).values_list("task", flat=True)
        ahead = Assignment.objects.filter(state="leased", place__gt=0).values_list("task", flat=True)
        return [
            task.pk
            for task in Task.objects.filter(state=Task.State.OPEN)
            if task.pk not in {*mine, *answered} and (task.taken < task.overlap or task.pk in set(ahead))
        ]


@pytest.mark.django_db
def test_nothing_is_doubled_nothing_is_lost_and_nobody_starves() -> None:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    rules = settings(max_examples=15, stateful_step_count=30, deadline=None, database=None, suppress_health_check=slow)
    run_state_machine_as_test(Queue, settings=rules)
