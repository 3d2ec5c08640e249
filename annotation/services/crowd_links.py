"""Crowd links: made, revoked, followed; how a participation goes on, and how its place is reclaimed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext

from annotation.core.errors import DomainError
from annotation.core.panels import Exported, Visit
from annotation.events import publish, record
from annotation.models import Assignment, Campaign, Link, Membership, Participation
from annotation.models.people import RIGHTS
from annotation.selectors import access, crowd_links
from annotation.services.answers import withdraw_answers
from annotation.services.campaigns import add_member
from annotation.services.leases import expire_leases

State = Participation.State
MOST_SESSIONS = 50  # that one participation keeps
MOST_STOPPED = 50  # addresses whose last stop a link keeps
HOUR, KEPT = timedelta(hours=1), timedelta(days=30)  # how long an address counts, and how long it is told apart from others


class LinkClosed(DomainError):
    """This link lets nobody in."""

    status = HTTPStatus.GONE

    def __init__(self, why: str, message: str) -> None:
        """`why` is revoked, expired, full, crowded, removed, over, study or guarded; `message` says what to do."""
        super().__init__(message)
        self.why = why


# ---------------------------------------------------------------- made and revoked


@transaction.atomic
def create_link(*, campaign: Campaign, who: Membership, kind: str, **rules: Any) -> Link:
    """Make a link; raises Django's `ValidationError` naming the field. A Prolific link without a completion code gets one."""
    link = Link(campaign=campaign, made_by=who, kind=kind, **rules)
    if kind == Link.Kind.PROLIFIC and not link.completion_code:
        link.completion_code = secrets.token_hex(4).upper()
    link.full_clean()
    link.save()
    record(campaign, "link.created", who=who, after={"link": link.pk, "kind": kind, "name": link.name, "max_uses": link.max_uses})
    return link


@transaction.atomic
def revoke_link(*, link: Link, who: Membership) -> bool:
    """Let nobody in by this link any more; who is in stays. False: it was revoked already."""
    changed = Link.objects.filter(pk=link.pk, revoked=None).update(revoked=now())
    if changed:
        record(link.campaign, "link.revoked", who=who, after={"link": link.pk, "name": link.name})
    return bool(changed)


@transaction.atomic
def change_limit(*, link: Link, hourly_limit: int | None, who: Membership) -> bool:
    """Let more or fewer people in from one address within an hour; None: as many as by default. Raises `ValidationError`."""
    link = _locked(link)
    before, link.hourly_limit = link.hourly_limit, hourly_limit
    link.clean_fields(exclude={field.name for field in Link._meta.fields} - {"hourly_limit"})
    if before == hourly_limit:
        return False
    link.save(update_fields=["hourly_limit"])
    record(link.campaign, "link.changed", who=who, before={"limit": before}, after={"link": link.pk, "limit": hourly_limit})
    return True


# ---------------------------------------------------------------- followed


@transaction.atomic
def join_by_invitation(*, link: Link, user: Any, came_from: str = "") -> Membership:
    """Let somebody who is signed in into the campaign as an annotator; members stay what they are. Raises `LinkClosed`.

    `came_from` stands for the address that they come from; without one nobody is counted.
    """
    link = _locked(link)
    check_revoked(link)
    if member := Membership.objects.select_related("campaign").filter(campaign=link.campaign, user=user).first():
        _check_active(member)
        latest = crowd_links.participation_of(member)
        if latest is None or not latest.is_reclaimed:
            return member
    _use(link, came_from)
    member = member or add_member(campaign=link.campaign, user=user, pseudonym=_pseudonym())
    participation, _ = Participation.objects.get_or_create(link=link, membership=member)
    _begin(participation, member, came_from)
    record(link.campaign, "link.taken", who=member, after={"link": link.pk})
    return member


@transaction.atomic
def enter_from_panel(*, link: Link, visit: Visit, came_from: str = "") -> Participation:
    """Let in, or find again, the person whom a panel sends; the account has no password and is theirs alone. Raises `LinkClosed`.

    One account for each (link, external id); of Prolific, whose ids are the same everywhere, for each (campaign, PROLIFIC_PID), so
    that nobody answers a clip twice by coming through another study.
    """
    link = _locked(link)
    check_visit(link, visit)
    known = Participation.objects.select_related("membership__campaign").filter(link=link, external_id=visit.external_id).first()
    if known and not known.is_reclaimed:
        _note_session(known, visit)
        return known
    _use(link, came_from)
    member = known.membership if known else _member_elsewhere(link, visit) or _new_member(link)
    participation = known or Participation.objects.create(link=link, membership=member, external_id=visit.external_id)
    _begin(participation, member, came_from)
    _note_session(participation, visit)
    record(link.campaign, "link.taken", who=member, after={"link": link.pk})
    return participation


def check_revoked(link: Link) -> None:
    if link.revoked:
        raise LinkClosed(
            "revoked", gettext("The people who run this campaign have withdrawn this link. Ask whoever sent it to you for a new one.")
        )


def check_open(link: Link) -> None:
    """Raise `LinkClosed` where nobody new is let in."""
    check_revoked(link)
    if link.campaign.ended:
        raise LinkClosed("ended", gettext("This campaign has ended: nobody is asked to listen any more. Thank you."))
    if link.is_over:
        raise LinkClosed("expired", gettext("This link is past its time. Ask whoever sent it to you for a new one."))
    if link.is_full:
        raise LinkClosed("full", gettext("As many people as were asked for have come already. Thank you for wanting to help."))


def check_visit(link: Link, visit: Visit) -> None:
    """Raise `LinkClosed` where this person is not let in; who is in already comes back though the link is full or past its time."""
    check_revoked(link)
    if link.study and visit.study != link.study:
        raise LinkClosed("study", gettext("This link belongs to another study. Open the study again from its page at Prolific."))
    known = Participation.objects.select_related("membership__user").filter(link=link, external_id=visit.external_id).first()
    if known is None or known.is_reclaimed:
        check_open(link)
    member = known.membership if known else _member_elsewhere(link, visit)
    if member:
        _check_active(member)
        _check_unguarded(member)
    if known and known.state == State.REJECTED:
        raise LinkClosed("over", gettext("Your part in this campaign is over. Write to the people who run it if you think that is wrong."))


def _check_active(member: Membership) -> None:
    if not member.active:
        raise LinkClosed(
            "removed", gettext("The people who run this campaign have ended your membership. Write to them if you think that is wrong.")
        )


def _check_unguarded(member: Membership) -> None:
    """Raise `LinkClosed` unless the account is one that a link alone may open: no password, no rights beyond annotating."""
    user = member.user
    if user is None or not user.is_active:
        raise LinkClosed("removed", gettext("This account is closed. Write to the people who run the campaign."))
    rights = user.is_staff or user.is_superuser or user.groups.exists() or user.user_permissions.exists()
    raised = Membership.objects.filter(user=user).exclude(role__in=[role for role, rights in RIGHTS.items() if not rights]).exists()
    if user.has_usable_password() or rights or raised:
        raise LinkClosed("guarded", gettext("This account is guarded: a link does not open it. Sign in with its name and password."))


def _locked(link: Link) -> Link:
    """The link's row, locked: whoever comes by it comes one after the other, so a limit of N lets N in, and nobody twice."""
    return Link.objects.select_for_update(no_key=True, of=("self",)).select_related("campaign").get(pk=link.pk)


def _use(link: Link, came_from: str) -> None:
    """Take one of the link's places; its row must be locked. Raises `LinkClosed`."""
    check_open(link)
    if came_from:
        _check_crowded(link, came_from)
        _forget_addresses(now() - KEPT)
    Link.objects.filter(pk=link.pk).update(uses=F("uses") + 1)
    publish(link.campaign_id, "link", link.pk)


def _check_crowded(link: Link, came_from: str) -> None:
    """Raise `LinkClosed` where this address has brought as many people as it may: whoever invents ids does not fill a study."""
    lately = Participation.objects.filter(link=link, came_from=came_from, began__gt=now() - HOUR)
    if lately.count() >= link.from_one_address:
        raise LinkClosed(
            "crowded",
            gettext(
                "As many people as are let in within an hour have come in from your network. Try again in an hour, "
                "or from another network. The people who run this campaign can let in more at once."
            ),
        )


@transaction.atomic
def note_stopped(*, link: Link, came_from: str) -> None:
    """Note for managers that this address was kept from bringing more people; in the campaign's history once an hour."""
    link, when = _locked(link), now()
    last = link.stopped.pop(came_from, None)
    link.stopped[came_from] = when.isoformat()  # the latest is the last one
    link.stopped = dict(list(link.stopped.items())[-MOST_STOPPED:])
    link.save(update_fields=["stopped"])
    if last is None or datetime.fromisoformat(last) <= when - HOUR:
        record(link.campaign, "link.stopped", after={"link": link.pk, "from": came_from, "limit": link.from_one_address})


def _forget_addresses(before: datetime) -> None:
    """Of all links: by now nobody needs to know who came from the same place."""
    old = Participation.objects.filter(began__lt=before).exclude(came_from="").select_for_update(skip_locked=True, no_key=True)
    Participation.objects.filter(pk__in=old.values("pk")).update(came_from="")


def _member_elsewhere(link: Link, visit: Visit) -> Membership | None:
    """The member whom this Prolific participant became through another study of the campaign."""
    if link.kind != Link.Kind.PROLIFIC:
        return None
    others = Participation.objects.filter(link__campaign=link.campaign_id, link__kind=link.kind, external_id=visit.external_id)
    earlier = others.exclude(link=link).select_related("membership__campaign", "membership__user").order_by("pk").first()
    return earlier.membership if earlier else None


def _new_member(link: Link) -> Membership:
    user = get_user_model()._default_manager.create_user(f"{link.kind}-{secrets.token_hex(8)}")
    return add_member(campaign=link.campaign, user=user, pseudonym=_pseudonym())


def _pseudonym() -> str:
    return f"listener-{secrets.token_hex(5)}"  # of crowds of thousands: six digits would soon meet twice


def _begin(participation: Participation, member: Membership, came_from: str) -> None:
    """Count answers from now on, and ask for as many as the link says."""
    participation.came_from = came_from
    participation.state, participation.began, participation.finished, participation.excluded = State.UNDER_WAY, now(), None, None
    participation.save(update_fields=["state", "began", "finished", "excluded", "came_from"])
    asked = participation.link.tasks_asked
    member.tasks_asked = None if asked is None else access.n_accepted(member) + asked
    member.save(update_fields=["tasks_asked"])


def _note_session(participation: Participation, visit: Visit) -> None:
    """Keep the study and session of a visit, unless it is the latest one again."""
    latest = participation.sessions[-1] if participation.sessions else {}
    if not visit.session or (latest.get("study"), latest.get("session")) == (visit.study, visit.session):
        return
    participation.sessions = [
        *participation.sessions[1 - MOST_SESSIONS :],
        {"study": visit.study, "session": visit.session, "when": now().isoformat()},
    ]
    participation.save(update_fields=["sessions"])


# ---------------------------------------------------------------- done


@transaction.atomic
def finish(*, participation: Participation, who: Membership | None = None) -> bool:
    """Note that a person has done what was asked; a manager (`who`) may let them go with less. False: they have not, or it is noted."""
    if who is None and not crowd_links.has_done(participation):
        return False
    over = Participation.objects.filter(pk=participation.pk, state=State.UNDER_WAY)
    if not over.update(state=State.FINISHED, finished=now()):
        return False
    _stop_tasks(participation)
    member = participation.membership
    after = {"link": participation.link_id, "member": member.pseudonym}
    record(participation.link.campaign, "participation.finished", who=who or member, after=after)
    return True


def reclaim(*, participation: Participation, state: str, who: Membership, exclude: bool = False) -> bool:
    """A person returned their place, or ran out of time: open leases and the place on the link are free again. False: it is over already.

    What was submitted stays, unless `exclude`: then it counts nowhere from the next freeze on.
    """
    assert state in Participation.RECLAIMED
    with transaction.atomic():
        link = _locked(participation.link)
        over = Participation.objects.filter(pk=participation.pk, state__in=[State.UNDER_WAY, State.FINISHED])
        if not over.update(state=state):
            return False
        Link.objects.filter(pk=link.pk, uses__gt=0).update(uses=F("uses") - 1)
        after = {"link": link.pk, "member": participation.membership.pseudonym, "state": state}
        record(link.campaign, "participation.reclaimed", who=who, after=after)
        if exclude:  # tasks are locked before leases, as everywhere
            exclude_answers(participation=participation, who=who)
        _stop_tasks(participation)
    expire_leases(campaign=link.campaign)
    return True


@transaction.atomic
def exclude_answers(*, participation: Participation, who: Membership) -> int:
    """Take the answers of a participation out, and return how many; they stay on record as withdrawn."""
    if not Participation.objects.filter(pk=participation.pk, excluded=None).update(excluded=now()):
        return 0
    n = withdraw_answers(by=participation.membership, answers=crowd_links.answers_of(participation))
    after = {"link": participation.link_id, "member": participation.membership.pseudonym, "answers": n}
    record(participation.link.campaign, "participation.excluded", who=who, after=after)
    return n


@transaction.atomic
def note_panel_decision(*, participation: Participation, state: str, who: Membership) -> bool:
    """Note that the panel's work was approved or rejected. False: it is noted already, or the place was reclaimed."""
    assert state in (State.APPROVED, State.REJECTED)
    changed = Participation.objects.filter(pk=participation.pk).exclude(state__in=[state, *Participation.RECLAIMED]).update(state=state)
    if changed:
        _stop_tasks(participation)
        after = {"link": participation.link_id, "member": participation.membership.pseudonym, "state": state}
        record(participation.link.campaign, "participation.settled", who=who, after=after)
    return bool(changed)


def _stop_tasks(participation: Participation) -> None:
    """No tasks from now on, unless the person has come by another link since; their leases are over."""
    if Participation.objects.filter(membership=participation.membership_id, began__gt=participation.began).exists():
        return
    Membership.objects.filter(pk=participation.membership_id).update(tasks_asked=0)
    Assignment.objects.filter(by=participation.membership_id, state=Assignment.State.LEASED).update(lease_until=Now())


# ---------------------------------------------------------------- what Prolific says


@dataclass(frozen=True)
class ExportResult:
    """What an export changed."""

    changed: int
    same: int
    unknown: int  # participants who never came by this link
    not_understood: tuple[str, ...]  # statuses


EXPORTED = {"RETURNED": State.RETURNED, "TIMED-OUT": State.TIMED_OUT, "APPROVED": State.APPROVED, "REJECTED": State.REJECTED}
NOTHING_TO_DO = {"ACTIVE", "RESERVED", "AWAITING REVIEW", "PARTIALLY APPROVED", "SCREENED OUT", ""}


def apply_export(*, link: Link, rows: Sequence[Exported], who: Membership, exclude: bool = False) -> ExportResult:
    """Bring the participations of a link to what Prolific's export says; the same file twice changes nothing the second time.

    A row of an earlier session of somebody who has come anew since says nothing about the new one, and is passed over.
    """
    known = {one.external_id: one for one in link.participations.select_related("membership", "link__campaign")}
    changed = same = unknown = 0
    strange: set[str] = set()
    for row in rows:
        participation, status = known.get(row.external_id), row.status.replace("_", "-").replace("TIMED OUT", "TIMED-OUT")
        if status not in EXPORTED and status.replace("-", " ") not in NOTHING_TO_DO:
            strange.add(row.status)
        if participation is None:
            unknown += 1
            continue
        sessions = [one["session"] for one in participation.sessions]
        stale = row.session in sessions[:-1] and row.session != sessions[-1]
        state = EXPORTED.get(status)
        if state is None or stale:
            moved = False
        elif state in Participation.RECLAIMED:
            moved = reclaim(participation=participation, state=state, who=who, exclude=exclude)
        else:
            moved = note_panel_decision(participation=participation, state=state, who=who)
        changed, same = changed + moved, same + (not moved)
    return ExportResult(changed, same, unknown, tuple(sorted(strange)))
