"""The payout CSV: what each person who came by a link has done, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from annotation.core.grading import mean
from annotation.core.panels import csv_line
from annotation.core.regions import Region, total
from annotation.models import Campaign, Participation, Submission
from annotation.selectors import crowd_links, queue
from annotation.selectors.gold import gold_scores

COLUMNS = (
    "link", "kind", "external_id", "username", "pseudonym", "study", "session", "status", "began", "finished",
    "tasks_accepted", "tasks_surplus", "tasks_excluded", "tasks_too_soon",
    "minutes_heard", "minutes_spent", "gold_accuracy", "gold_answers",
    "pay_per_task", "currency", "amount",
)  # fmt: skip
UNPAID = (*Participation.RECLAIMED, Participation.State.REJECTED)
CENT = Decimal("0.01")


def lines(campaign: Campaign, rate: Decimal | None = None) -> Iterator[str]:
    """The CSV line by line; `rate` per accepted task stands in for the links' own. People are read one by one, however many there are."""
    yield csv_line(COLUMNS)
    people = Participation.objects.filter(link__campaign=campaign).select_related("link", "membership__user").order_by("link", "pk")
    for one in people.iterator(chunk_size=200):
        yield csv_line(_cells(one, rate))


def _cells(one: Participation, rate: Decimal | None) -> list[object]:
    answers = crowd_links.answers_of(one).filter(provenance=None)  # what was imported was not done by this link
    n = {str(status): answers.filter(status=status).count() for status in ("surplus", "withdrawn", "too soon")}
    accepted, heard, spent, there = 0, 0.0, 0.0, []
    for answer in queue.with_given(answers.filter(status=Submission.Status.ACCEPTED)).only("heard", "lead_time", "created").iterator():
        accepted, heard, spent = accepted + 1, heard + total(answer.heard), spent + answer.lead_time
        there.append(Region(answer.given.timestamp(), answer.created.timestamp()))
    spent = min(spent, total(there))  # what a page says it took, but never longer than from clips given to answers
    graded = list(gold_scores().filter(submission__in=answers).values_list("score", flat=True))
    latest = one.sessions[-1] if one.sessions else {}
    paid = one.link.pay_per_task if rate is None else rate
    return [
        str(one.link),
        one.link.kind,
        one.external_id,
        one.membership.user.get_username() if one.membership.user else "",
        one.membership.pseudonym,
        latest.get("study", ""),
        latest.get("session", ""),
        one.state,
        one.began.isoformat(timespec="seconds"),
        one.finished.isoformat(timespec="seconds") if one.finished else "",
        accepted,
        n["surplus"],
        n["withdrawn"],
        n["too soon"],
        f"{heard / 60:.2f}",
        f"{spent / 60:.2f}",
        f"{mean(graded):.3f}" if graded else "",
        len(graded),
        "" if paid is None else paid,
        one.link.currency,
        "" if paid is None else amount(one, accepted, paid),
    ]


def amount(one: Participation, accepted: int, rate: Decimal) -> Decimal:
    """Accepted tasks times the rate, rounded half up to a hundredth; nothing for places returned, timed out or rejected."""
    return Decimal("0.00") if one.state in UNPAID else (accepted * rate).quantize(CENT, ROUND_HALF_UP)
