"""From what happened to who is told: the clock asks every few seconds, so nothing that people or jobs do waits for it.

An event makes its notices after it was committed. Looked at twice, or by two clocks, it makes them once (`Notice.key`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils.timezone import localdate

from annotation.events import publish, send
from annotation.models import Campaign, Event, ListeningTest, Membership, Note, Submission, Task
from annotation.models.people import Right, holders
from annotation.selectors.listening import asked
from hub import disk
from hub.accounts.models import User
from hub.notices.models import Gathered, Kind, Muted, Notice

SLACK = 1000  # ids looked at again: what began before the last event may be committed after it
AT_ONCE = 1000  # events

RIGHTS = {
    Kind.ROUND: Right.MANAGE,
    Kind.REFUSED: Right.MANAGE,
    Kind.JOB: Right.MANAGE,
    Kind.APPEAL: Right.MANAGE,
    Kind.WEBHOOK: Right.MANAGE,
    Kind.NOTE: Right.REVIEW,
    Kind.REVIEWS: Right.REVIEW,
}
"""Who of a campaign is told; of other kinds it is one person."""

WHAT = {
    "round.finished": Kind.ROUND,
    "round.empty": Kind.ROUND,
    "pool.looked_through": Kind.ROUND,
    "job.failed": Kind.JOB,
    "campaign.held_up": Kind.JOB,
    "member.appealed": Kind.APPEAL,
    "note.written": Kind.NOTE,
    "note.written_on": Kind.NOTE,
    "note.answered": Kind.REPLY,
    "note.commented": Kind.REPLY,
    "review.returned": Kind.AGAIN,
    "review.passed": Kind.PASSED,
    "listening.ready": Kind.LISTEN,
}

KEPT = ("round", "verdict", "reasons", "kind", "reason", "task", "note", "test")
"""Of what an event says, what the words of a notice are made of."""


@dataclass(frozen=True)
class Told:
    """What is to be told, of which `key`, and to whom: to these memberships, or where they are None to those who have the kind's right."""

    kind: Kind
    key: str
    campaign: int
    values: dict[str, Any]
    event: int | None = None
    by: int | None = None  # the member who did it, and is not told
    to: frozenset[int] | None = None  # members


@transaction.atomic
def gather() -> int:
    """Make the notices of what happened since; returns how many."""
    state = Gathered.objects.select_for_update().first()
    newest = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
    if state is None:  # a site that is upgraded tells nobody of its past
        Gathered.objects.create(pk=1, upto=newest)
        return 0
    events = list(Event.objects.filter(pk__gt=state.upto - SLACK, what__in=WHAT).order_by("pk")[:AT_ONCE])
    known = set(Notice.objects.filter(event__in=[one.pk for one in events]).values_list("event", flat=True))
    made = tell([told for event in events if event.pk not in known for told in _told(event)])
    # Where more came than are taken at once, the next beat goes on after the last of them.
    upto = events[-1].pk + SLACK if len(events) == AT_ONCE else newest
    if upto > state.upto:
        Gathered.objects.filter(pk=state.pk).update(upto=upto)
    return made


def _told(event: Event) -> Iterable[Told]:
    after, kind = event.after or {}, WHAT[event.what]
    values: dict[str, Any] = {name: after[name] for name in KEPT if name in after}
    to: Iterable[int | None] = ()
    if event.what == "round.finished" and after.get("verdict") == "refused":
        kind = Kind.REFUSED
    elif event.what == "round.empty":
        values["verdict"] = "empty"
    elif (event.what == "campaign.held_up" and not after.get("reason")) or (event.what == "pool.looked_through" and not after.get("quiet")):
        return
    elif kind == Kind.REPLY:
        to = Note.objects.filter(pk=after.get("note", 0)).values_list("person", flat=True)
    elif kind == Kind.AGAIN:
        to = Submission.objects.filter(pk=after.get("submission", 0)).values_list("by", flat=True)
    elif kind == Kind.PASSED:
        to = [after.get("reviewer")]
    elif kind == Kind.LISTEN:
        test = ListeningTest.objects.filter(pk=after.get("test", 0), ended=None).select_related("campaign").first()
        to = asked(test).values_list("pk", flat=True) if test else ()
    those = frozenset(one for one in to if one is not None)
    if not those and kind not in RIGHTS:
        return
    yield Told(kind, f"event {event.pk}", event.campaign_id, values, event.pk, event.who_id, those or None)


def tell(those: list[Told]) -> int:
    """Make the notices that are not there yet, for whoever has not switched them off; e-mail goes with the transaction. How many."""
    if not those:
        return 0
    members = Membership.objects.filter(campaign__in={one.campaign for one in those}, active=True, user__is_active=True)
    people = list(
        members.filter(Q(holders(Right.REVIEW)) | Q(pk__in=frozenset().union(*(one.to for one in those if one.to)))).select_related("user")
    )
    rows = [
        _notice(one, member.user, one.campaign)
        for one in those
        for member in people
        if member.campaign_id == one.campaign and member.pk != one.by and _is_for(one, member)
    ]
    return _keep(rows)


def _is_for(told: Told, member: Membership) -> bool:
    if told.to is not None:
        return member.pk in told.to
    return member.manages if RIGHTS[told.kind] == Right.MANAGE else member.reviews


def _notice(told: Told, user: Any, campaign: int | None) -> Notice:
    return Notice(user=user, campaign_id=campaign, event_id=told.event, kind=told.kind, key=told.key, values=told.values)


def _keep(rows: list[Notice]) -> int:
    off: defaultdict[int, set[tuple[int | None, str, str]]] = defaultdict(set)
    for one in Muted.objects.filter(user__in={row.user_id for row in rows}):
        off[one.user_id].add((one.campaign_id, one.kind, one.way))
    wanted = []
    for row in rows:
        page, mail = (not {(None, row.kind, way), (row.campaign_id, row.kind, way)} & off[row.user_id] for way in Muted.Way)
        row.in_page, row.mail = page, Notice.Mail.WAITING if mail and row.user.email else Notice.Mail.NONE
        if page or row.mail:
            wanted.append(row)
    there = set(Notice.objects.filter(key__in={row.key for row in wanted}).values_list("user", "key"))
    new = [row for row in wanted if (row.user_id, row.key) not in there]
    Notice.objects.bulk_create(new, ignore_conflicts=True)
    for campaign in {row.campaign_id for row in new if row.campaign_id}:
        publish(campaign, "notice", campaign)
    for pk in Notice.objects.filter(key__in={row.key for row in new}, mail=Notice.Mail.WAITING).values_list("pk", flat=True):
        send("mail_notice", pk)
    return len(new)


@transaction.atomic
def digest() -> int:
    """Once a day, in each campaign where something waits for reviewers, tell them how much; returns how many were told."""
    today = localdate()
    in_review = Task.objects.filter(state=Task.State.IN_REVIEW).order_by().values_list("campaign").annotate(n=Count("pk"))
    notes = Note.objects.filter(replied=None).order_by().values_list("task__campaign").annotate(n=Count("pk"))
    clips, unanswered = dict(in_review), dict(notes)
    return tell(
        [
            Told(Kind.REVIEWS, f"reviews {pk} {today}", pk, {"clips": clips.get(pk, 0), "notes": unanswered.get(pk, 0)})
            for pk in Campaign.objects.filter(pk__in=clips.keys() | unanswered.keys()).values_list("pk", flat=True)
        ]
    )


@transaction.atomic
def look_at_disks() -> int:
    """Once a day where a disk fills, tell those who run the site; returns how many were told."""
    said = disk.wrong()
    if said is None:
        return 0
    told = Told(Kind.DISK, f"disk {disk.room()} {localdate()}", 0, {"said": said})
    return _keep([_notice(told, user, None) for user in User.objects.filter(is_superuser=True, is_active=True)])
