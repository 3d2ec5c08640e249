"""Answers over the API against the server's clock: what counts, what is paid, and what people are told. Real rows."""

import csv
import io
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from django.utils.timezone import now

from annotation import services
from annotation.core.panels import Visit
from annotation.models import Assignment, Campaign, Membership, Participation, Submission, Task
from annotation.selectors import access, payout
from annotation.selectors.crowd_links import n_done
from annotation.services import crowd_links
from annotation.services import first_visit as steps
from annotation.services.consensus import count_surplus
from tests import worlds
from tests.annotation import endpoints

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Thirty clips of 15 s, of which each wants one answer."""
    campaign = worlds.campaign(owner=worlds.user("owner"), min_overlap=1, max_overlap=2)
    worlds.tasks(campaign, 30)
    return campaign


@pytest.fixture
def paid(campaign: Campaign) -> Participation:
    """Somebody whom a panel sent, to be paid half a pound for each of three clips."""
    owner = campaign.memberships.get(role="owner")
    link = crowd_links.create_link(
        campaign=campaign, who=owner, kind="prolific", tasks_asked=3, pay_per_task=Decimal("0.5"), currency="GBP", max_uses=5
    )
    return crowd_links.enter_from_panel(link=link, visit=Visit("a" * 24, "s1", "study1"))


class Browser:
    """A person's browser, without the person."""

    def __init__(self, member: Membership) -> None:
        self.member = member
        self.client = worlds.signed_in(member)

    def next(self) -> int:
        return int(endpoints.take(self.client, "test").json()["task"]["id"])

    def ahead(self) -> list[int]:
        return [one["task"]["id"] for one in self.client.post("/api/campaigns/test/prefetch/").json()]

    def answer(self, task: int, **about: Any) -> dict[str, str]:
        body = {"result": [], "client_key": str(uuid.uuid4()), "lead_time": 30.0, "heard": [[0, worlds.CLIP]], **about}
        response = endpoints.put(self.client, task, "submission", **body)
        assert response.status_code == 201
        return dict(response.json())

    def page(self, path: str) -> str:
        return " ".join(self.client.get(f"/c/test/{path}/").content.decode().split())


@pytest.fixture
def ann(paid: Participation) -> Browser:
    return Browser(worlds.again(paid.membership))


def seconds_pass(seconds: float) -> None:
    worlds.later(seconds)
    Submission.objects.update(created=F("created") - timedelta(seconds=seconds))
    Participation.objects.update(began=F("began") - timedelta(seconds=seconds))


def statuses() -> list[str]:
    return list(Submission.objects.order_by("pk").values_list("status", flat=True))


def line(campaign: Campaign) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO("".join(payout.lines(campaign))))
    return row


class TestTooSoon:
    def test_two_clips_answered_at_once_are_kept_count_nowhere_and_are_not_paid(
        self, campaign: Campaign, paid: Participation, ann: Browser
    ) -> None:
        for _ in range(2):
            said = ann.answer(ann.next())
            assert said["status"] == "too soon" and "sooner than the clip can be heard" in said["thanked"]
        assert statuses() == ["too soon", "too soon"]
        row = line(campaign)
        assert [row[name] for name in ("tasks_accepted", "tasks_too_soon", "amount")] == ["0", "2", "0.00"]
        assert [row[name] for name in ("minutes_heard", "minutes_spent")] == ["0.00", "0.00"]
        assert n_done(paid) == 0 and access.still_asked(ann.member) == 3, "others are asked for in their stead"

    def test_somebody_else_is_asked_and_the_person_is_not_asked_again(self, campaign: Campaign, ann: Browser) -> None:
        task = ann.next()
        ann.answer(task)
        assert Task.objects.get(pk=task).taken == 0 and ann.next() != task
        assert worlds.given(worlds.member(campaign, "bob")).pk == task
        assert services.agree_on_task(task_id=task) is None and services.agree_on_due_tasks(campaign=campaign) == 0

    def test_whoever_waits_for_the_first_and_then_hurries(self, ann: Browser) -> None:
        tasks = [ann.next(), *ann.ahead()]
        seconds_pass(12)
        assert [ann.answer(task)["status"] for task in tasks] == ["accepted", "too soon", "too soon"]

    def test_a_script_that_answers_each_clip_in_a_second(self, ann: Browser) -> None:
        for _ in range(8):
            task = ann.next()
            ann.ahead()
            seconds_pass(1)
            ann.answer(task)
        assert statuses() == ["too soon"] * 8

    def test_once_heard_it_counts(self, campaign: Campaign, ann: Browser) -> None:
        task = ann.next()
        ann.answer(task)
        seconds_pass(11)
        assert ann.answer(task, revises=1)["status"] == "accepted"
        assert statuses() == ["superseded", "accepted"] and Task.objects.get(pk=task).taken == 1
        assert Assignment.objects.get(task=task).state == "done"
        assert line(campaign)["amount"] == "0.50" and ann.answer(task)["status"] == "accepted", "a change needs no hearing again"

    def test_where_the_task_was_answered_by_others_meanwhile_it_waits_beside_them_and_may_count_later(
        self, campaign: Campaign, ann: Browser
    ) -> None:
        task = Task.objects.get(pk=ann.next())
        ann.answer(task.pk)
        worlds.answer(task, worlds.member(campaign, "bob"))
        seconds_pass(11)
        assert ann.answer(task.pk)["status"] == "surplus"
        Task.objects.filter(pk=task.pk).update(overlap=2)
        assert count_surplus(task) and statuses() == ["superseded", "accepted", "accepted"]

    def test_no_later_answer_makes_one_count_that_was_too_soon(self, ann: Browser) -> None:
        task = Task.objects.get(pk=ann.next())
        ann.answer(task.pk)
        assert not count_surplus(task) and statuses() == ["too soon"]

    def test_nobody_does_more_than_was_asked_by_coming_too_soon_first(self, campaign: Campaign, ann: Browser) -> None:
        tasks = []
        for _ in range(4):
            tasks.append(ann.next())
            ann.answer(tasks[-1])
        seconds_pass(60)
        said = [ann.answer(task) for task in tasks]
        assert [one["status"] for one in said] == ["accepted"] * 3 + ["surplus"] and "asked of you" in said[3]["thanked"]
        assert line(campaign)["amount"] == "1.50"

    def test_it_is_taken_back_with_the_others(self, ann: Browser) -> None:
        ann.answer(ann.next())
        assert steps.withdraw_consent(by=ann.member, with_answers=True) == 1 and statuses() == ["withdrawn"]


class TestWhoListens:
    def test_at_the_fastest_speed_all_evening(self, ann: Browser) -> None:
        Membership.objects.update(tasks_asked=None)
        for _ in range(20):
            task = ann.next()
            ann.ahead()
            seconds_pass(10.1)
            assert ann.answer(task) == {"status": "accepted"}

    def test_an_hour_without_a_network_with_three_clips_and_all_answers_at_once(self, campaign: Campaign, ann: Browser) -> None:
        tasks = [ann.next(), *ann.ahead()]
        seconds_pass(3600)
        Assignment.objects.update(lease_until=now())
        assert services.expire_leases(campaign=campaign) == 3, "and none is reserved any more"
        assert [ann.answer(task)["status"] for task in tasks] == ["accepted"] * 3

    def test_in_a_second_tab(self, ann: Browser) -> None:
        task = ann.next()
        assert ann.next() == task
        seconds_pass(11)
        assert [ann.answer(task)["status"] for _ in range(2)] == ["accepted", "accepted"]

    def test_an_earlier_answer_changed_between_two(self, ann: Browser) -> None:
        first = ann.next()
        seconds_pass(11)
        ann.answer(first)
        second = ann.next()
        seconds_pass(10.1)
        assert ann.answer(first, revises=1)["status"] == "accepted"
        assert ann.answer(second)["status"] == "accepted"

    def test_nobody_asks_simulated_members_and_reviewers(self, campaign: Campaign, ann: Browser) -> None:
        changes: list[dict[str, Any]] = [{"kind": "simulated"}, {"kind": "human", "role": "reviewer"}]
        for change in changes:
            Membership.objects.filter(pk=ann.member.pk).update(**change)
            assert ann.answer(ann.next())["status"] == "accepted"


class TestWhatIsSaid:
    def test_managers_see_how_many_do_not_count(self, campaign: Campaign, ann: Browser) -> None:
        ann.answer(ann.next())
        owner = Browser(campaign.memberships.get(role="owner"))
        assert "1 not counted" in owner.page("people") and "1 not counted" in owner.page("links")
        assert worlds.after("submission.kept")["status"] == "too soon"

    def test_the_person_reads_it_on_their_own_page_and_where_the_study_ends(
        self, campaign: Campaign, paid: Participation, ann: Browser
    ) -> None:
        ann.answer(ann.next())
        assert "1 of your answers came sooner than its clip can be heard" in ann.page("me") and "does not count" in ann.page("me")
        assert "0 of 3 clips answered" in ann.page("finished") and "1 more answer of yours came sooner" in ann.page("finished")
        for _ in range(3):
            task = ann.next()
            seconds_pass(11)
            ann.answer(task)
        done = ann.page("finished")
        assert "You have answered 3 clips" in done and paid.link.completion_code in done and "1 more answer of yours" in done
        assert line(campaign)["amount"] == "1.50"

    def test_minutes_spent_are_never_more_than_from_clips_given_to_answers(self, campaign: Campaign, ann: Browser) -> None:
        tasks = [ann.next(), *ann.ahead()]
        seconds_pass(60)
        for task in tasks:
            assert ann.answer(task, lead_time=366 * 24 * 3600.0)["status"] == "accepted"
        assert 1.0 <= float(line(campaign)["minutes_spent"]) < 2.0, "of three clips given at the same time"
