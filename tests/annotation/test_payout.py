"""What people of a campaign are paid for. Real rows."""

import csv
import io
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from annotation.models import Assignment, Campaign, GoldScore, Link, Membership, Provenance, Submission
from annotation.selectors import crowd_links as crowd_link_selectors
from annotation.selectors import payout
from annotation.selectors.effort import effort
from annotation.services import crowd_links
from hub.accounts.models import User
from tests import worlds
from tests.annotation import comers
from tests.annotation.comers import answer, come, invitation, prolific

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return comers.owner()


@pytest.fixture
def campaign(owner: Membership) -> Campaign:
    return owner.campaign


def table(campaign: Campaign, rate: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(payout.lines(campaign, Decimal(rate) if rate else None)))))


class TestPayout:
    def test_a_line_for_each_person_with_what_they_did(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 9)
        paid = come(prolific(owner, tasks_asked=3, pay_per_task=Decimal("0.125"), currency="GBP"), "aaa", session="s-a")
        answer(paid, 3)
        Assignment.objects.update(taken_at=now() - timedelta(minutes=2))
        crowd_links.finish(participation=paid)
        back = come(prolific(owner), "bbb")
        answer(back)
        crowd_links.reclaim(participation=back, state="returned", who=owner)
        rows = {row["external_id"]: row for row in table(campaign)}
        account = worlds.account(paid.membership)
        assert rows["aaa"] | {
            "tasks_accepted": "3", "minutes_heard": "0.75", "minutes_spent": "1.50", "status": "finished", "study": "study1",
            "session": "s-a", "currency": "GBP", "amount": "0.38", "gold_accuracy": "", "username": account.username,
        } == rows["aaa"]  # fmt: skip
        assert rows["bbb"]["amount"] == "" and rows["bbb"]["tasks_accepted"] == "1"
        stated = {row["external_id"]: row["amount"] for row in table(campaign, "0.5")}
        assert stated == {"aaa": "1.50", "bbb": "0.00"}, "a stated rate stands in; who returned is paid nothing"

    def test_gold_is_graded_and_what_was_taken_out_is_told_apart(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 9)
        link = prolific(owner, tasks_asked=5, pay_per_task=Decimal(1))
        graded, out = come(link, "graded"), come(link, "out")
        answer(graded, 2)
        answer(out)
        for submission, score in zip(Submission.objects.filter(by=graded.membership), (0.5, 1.0), strict=True):
            GoldScore.objects.create(submission=submission, score=score, missed=0.0, extra=0.0)
        crowd_links.exclude_answers(participation=out, who=owner)
        rows = {row["external_id"]: row for row in table(campaign)}
        assert (rows["graded"]["gold_accuracy"], rows["graded"]["gold_answers"], rows["graded"]["amount"]) == ("0.750", "2", "2.00")
        assert (rows["out"]["tasks_accepted"], rows["out"]["tasks_excluded"], rows["out"]["amount"]) == ("0", "1", "0.00")

    def test_what_was_imported_is_not_paid(self, campaign: Campaign, owner: Membership) -> None:
        worlds.tasks(campaign, 9)
        some = come(prolific(owner, tasks_asked=3, pay_per_task=Decimal(1)), "some")
        answer(some, 2)
        imported = Submission.objects.filter(by=some.membership)[0]
        Provenance.objects.create(submission=imported, source="Audacity", where="line 1", batch=uuid.uuid4())
        (row,) = table(campaign)
        assert (row["tasks_accepted"], row["amount"]) == ("1", "1.00")
        assert sum(effort(campaign).money.values()) == 1 and not crowd_link_selectors.has_done(some)

    @pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", " =1", "|calc"])
    def test_no_cell_is_a_formula(self, campaign: Campaign, owner: Membership, name: str) -> None:
        link = invitation(owner, name="x")
        crowd_links.join_by_invitation(link=link, user=worlds.user("ann"))
        Link.objects.update(name=name)
        User.objects.filter(username="ann").update(username=name)
        row = table(campaign)[0]
        assert row["link"] == f"'{name}" and row["username"] == f"'{name}"
