"""What a crowd was told is kept, held against the rows: nothing may be lost, changed, doubled or over-assigned."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Result = list[dict[str, Any]]


class Answer(NamedTuple):
    """One person's answer to one task, under the key that its page made."""

    key: uuid.UUID
    task: int
    by: str  # pseudonym
    result: Result


@dataclass
class Ledger:
    """Every answer and draft that was sent, and which of them the server acknowledged; used by the whole crowd at once."""

    sent: dict[uuid.UUID, Answer] = field(default_factory=dict)
    acknowledged: set[uuid.UUID] = field(default_factory=set)
    drafts: dict[tuple[int, str], list[Result]] = field(default_factory=dict)  # the one acknowledged last, and all sent since
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, answer: Answer) -> None:
        with self._lock:
            self.sent[answer.key] = answer
            self.drafts.pop((answer.task, answer.by), None)  # an answer takes its draft's place

    def acknowledge(self, key: uuid.UUID) -> None:
        with self._lock:
            self.acknowledged.add(key)

    def send_draft(self, task: int, by: str, result: Result) -> None:
        """A draft that is not acknowledged yet may be kept or not, beside the one before."""
        with self._lock:
            if (task, by) in self.drafts:
                self.drafts[task, by].append(result)

    def acknowledge_draft(self, task: int, by: str, result: Result) -> None:
        with self._lock:
            self.drafts[task, by] = [result]

    def snapshot(self) -> Ledger:
        """What was acknowledged until now; rows that are read later must have it."""
        with self._lock:
            return Ledger(dict(self.sent), set(self.acknowledged), {whose: list(some) for whose, some in self.drafts.items()})


def compare(ledger: Ledger, rows: Iterable[Answer]) -> dict[str, int]:
    """Acknowledged answers that are not among the rows (lost), rows that are not what was sent (changed), rows of one key (doubled).

    Of answers that were sent and never acknowledged, a row may be there or not.
    """
    kept: dict[uuid.UUID, Answer] = {}
    faults = {"lost": 0, "changed": 0, "doubled": 0}
    for row in rows:
        faults["doubled"] += row.key in kept
        kept[row.key] = row
        sent = ledger.sent.get(row.key)
        faults["changed"] += sent is not None and sent != row
    faults["lost"] = sum(key not in kept for key in ledger.acknowledged)
    return faults


SQL = {
    "over-assigned": """
        SELECT count(*) FROM annotation_task t WHERE campaign_id = %(campaign)s AND (
            (SELECT count(*) FROM annotation_submission WHERE task_id = t.id AND status = 'accepted')
            + (SELECT count(*) FROM annotation_assignment WHERE task_id = t.id AND state IN ('leased', 'ignored')) <> taken
            OR taken > overlap OR overlap > max_overlap)""",
    "doubled": """
        SELECT (SELECT count(*) FROM (SELECT FROM annotation_submission s JOIN annotation_task t ON t.id = task_id
                WHERE campaign_id = %(campaign)s AND s.status = 'accepted' GROUP BY s.task_id, s.by_id HAVING count(*) > 1) AS twice)
             + (SELECT count(*) FROM annotation_submission s JOIN annotation_task t ON t.id = task_id
                WHERE campaign_id = %(campaign)s
                AND jsonb_array_length(result) <> (SELECT count(*) FROM annotation_mark WHERE submission_id = s.id))""",
}


def faults_of(slug: str, ledger: Ledger, *, drafts: bool = False) -> dict[str, int]:
    """Hold the ledger against this campaign's rows, in the database that Django is set up for.

    Drafts are compared only where asked: while people work, another draft may be on its way.
    """
    from django.db import connection

    from annotation.models import Campaign, Draft, Submission

    campaign = Campaign.objects.get(slug=slug)
    told = ledger.snapshot()
    rows = Submission.objects.filter(task__campaign=campaign).values_list("client_key", "task_id", "by__pseudonym", "result")
    faults = compare(told, (Answer(*row) for row in rows.iterator()))
    if drafts:
        there = {
            (task, by): result
            for task, by, result in Draft.objects.filter(task__campaign=campaign).values_list("task_id", "by__pseudonym", "result")
        }
        faults["lost"] += sum(there.get(whose) not in allowed for whose, allowed in told.drafts.items())
    with connection.cursor() as cursor:
        for name, question in SQL.items():
            cursor.execute(question, {"campaign": campaign.pk})
            faults[name] = faults.get(name, 0) + cursor.fetchone()[0]
    return faults
