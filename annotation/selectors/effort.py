"""What each round took of people's time and of a campaign's money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, DecimalField, F, OuterRef, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from annotation.models import Campaign, Link, Participation, Submission
from annotation.selectors.payout import UNPAID

NOTHING = Value(Decimal(0), output_field=DecimalField())


@dataclass(frozen=True)
class Effort:
    """By number of round: minutes of clips that were answered (a clip counts for each answer), and what these answers are worth."""

    minutes: dict[int, float]
    money: dict[int, Decimal]
    currency: str  # empty: nobody is paid, or in several currencies, which cannot be added up

    def minutes_until(self, number: int) -> float:
        return sum(minutes for round_, minutes in self.minutes.items() if round_ <= number)

    def money_until(self, number: int) -> float:
        return float(sum(money for round_, money in self.money.items() if round_ <= number))


def effort(campaign: Campaign) -> Effort:
    """Of accepted answers, gold clips too; pay as the payout has it, by the link that a person came by last before the answer."""
    pay = Case(When(state__in=UNPAID, then=NOTHING), default=Coalesce(F("link__pay_per_task"), NOTHING))
    came_by = Participation.objects.filter(membership=OuterRef("by"), began__lte=OuterRef("created")).order_by("-began")
    worth = Subquery(came_by.annotate(pay=pay).values("pay")[:1])
    answers = Submission.objects.filter(task__campaign=campaign, status=Submission.Status.ACCEPTED, task__round_number__gt=0)
    rows = (
        answers.order_by()
        .annotate(pay=Case(When(provenance=None, then=Coalesce(worth, NOTHING)), default=NOTHING))  # what was imported is not paid
        .values("task__round_number")
        .annotate(seconds=Sum(Coalesce("asked", F("task__end") - F("task__start"))), paid=Sum("pay"))
        .values_list("task__round_number", "seconds", "paid")
    )
    found = list(rows)
    paying = Link.objects.filter(campaign=campaign, pay_per_task__gt=0)
    currencies = set(paying.order_by().values_list("currency", flat=True).distinct())
    return Effort(
        {number: seconds / 60 for number, seconds, _ in found},
        {number: paid for number, _, paid in found},
        (currencies.pop() or "paid") if len(currencies) == 1 else "",
    )
