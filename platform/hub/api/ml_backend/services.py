"""A campaign's tie to a Label Studio server: its secret made and revoked, the server named, its people said to be who they are here."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core.errors import DomainError
from annotation.events import record, send
from annotation.models import Campaign, Membership, Task
from annotation.services.invitations import digest_of
from hub import outgoing
from hub.api.ml_backend import sealed
from hub.api.ml_backend.models import Annotation, Colleague, Connection, SentTask
from hub.api.ml_backend.server import Server
from learner.models import Job
from learner.services.jobs import OPEN, queue_job

MINUTE = timedelta(minutes=1)
PAUSE = timedelta(minutes=10)  # between two syncs that begin by themselves
EVERY = timedelta(hours=6)  # after which one begins, whatever happened
NO_SECRET = "0" * 64  # compared with where there is none, so that it takes as long


class NoServer(DomainError):
    """Name the Label Studio server first: its address, the project's number and an access token."""

    status = HTTPStatus.BAD_REQUEST


# ---------------------------------------------------------------- the secret


def opened_by(slug: str, secret: str) -> Connection | None:
    """The connection of the campaign of that slug, where this is its secret."""
    found = Connection.objects.select_related("campaign").filter(campaign__slug=slug, campaign__deleted=None).first()
    same = hmac.compare_digest(digest_of(secret), (found.digest if found else "") or NO_SECRET)
    return found if same else None


def connection_of(campaign: Campaign) -> Connection | None:
    return Connection.objects.select_related("job").filter(campaign=campaign).first()


@transaction.atomic
def make_secret(*, campaign: Campaign, who: Membership) -> str:
    """Make the secret of the backend's address; it is returned this once and kept as a hash. One that there was opens nothing any more."""
    secret = secrets.token_urlsafe(32)  # 256 random bits: nobody guesses it, so a plain hash is enough
    connection, _ = Connection.objects.select_for_update().get_or_create(campaign=campaign)
    again = bool(connection.digest)
    Connection.objects.filter(pk=connection.pk).update(digest=digest_of(secret), made=now())
    record(campaign, "backend.opened", who=who, after={"again": again})
    return secret


@transaction.atomic
def revoke_secret(*, campaign: Campaign, who: Membership) -> bool:
    """Let no Label Studio in any more. False: none is."""
    changed = Connection.objects.filter(campaign=campaign).exclude(digest="").update(digest="", made=None)
    if changed:
        record(campaign, "backend.closed", who=who)
    return bool(changed)


def note_call(connection: Connection, project: object) -> None:
    """Note that the server called, once a minute at most, and of which project: the first that sets the backend up is the campaign's."""
    late = Connection.objects.filter(Q(called=None) | Q(called__lt=now() - MINUTE), pk=connection.pk)
    if connection.called is None or connection.called < now() - MINUTE:
        late.update(called=now())
    number = project.partition(".")[0] if isinstance(project, str) else ""
    if connection.project is None and number.isascii() and number.isdecimal() and len(number) <= 18 and int(number):
        Connection.objects.filter(pk=connection.pk, project=None).update(project=int(number))


# ---------------------------------------------------------------- the server


@transaction.atomic
def name_server(*, campaign: Campaign, who: Membership, url: str, project: int, token: str, site: str) -> Connection:
    """Say with which project of which server the campaign is kept in step. An empty `token` leaves the one that is known.

    Of another server or project than before, all that is known of the old one's tasks, annotations and people is forgotten; answers
    that were made of it stay. Raises `Unsent` (`hub.outgoing`) for an address that is none, or that leads inside, and `NoServer`.
    """
    url = url.strip().rstrip("/")
    outgoing.check(url)
    connection, _ = Connection.objects.select_for_update().get_or_create(campaign=campaign)
    if not token and (connection.url != url or not connection.token):
        raise NoServer("Give an access token of that server: there is none for this address yet.")
    another_server = connection.url not in ("", url)
    if another_server or connection.project not in (None, project):
        for kind in (Annotation, Colleague, SentTask):
            kind.objects.filter(connection=connection).delete()
    connection.url, connection.project, connection.site = url, project, site.rstrip("/")
    if token:
        connection.token = sealed.seal(token.strip())
    connection.save(update_fields=["url", "project", "site", "token"])
    record(campaign, "backend.server", who=who, after={"server": url, "project": project, "token": bool(token)})
    return connection


@transaction.atomic
def forget_server(*, campaign: Campaign, who: Membership) -> bool:
    """Keep the campaign in step with no server any more, and forget its token. False: there was none."""
    changed = Connection.objects.filter(campaign=campaign).exclude(url="").update(url="", token="")
    if changed:
        record(campaign, "backend.server", who=who, after={"server": ""})
    return bool(changed)


@transaction.atomic
def begin_sync(*, campaign: Campaign, who: Membership | None = None) -> Job:
    """Have a worker send open clips and fetch annotations; while it does, or waits, this is the same job. Raises `NoServer`."""
    connection = Connection.objects.select_for_update(of=("self",)).select_related("job").filter(campaign=campaign).exclude(url="").first()
    if connection is None or connection.project is None:
        raise NoServer
    if connection.job and connection.job.state in OPEN:
        return connection.job
    job = queue_job(campaign=campaign, kind=Job.Kind.SYNC)
    Connection.objects.filter(pk=connection.pk).update(job=job)
    if who:
        record(campaign, "backend.synced", who=who, after={"job": job.pk})
    return job


def server_of(connection: Connection) -> Server:
    """How this connection's server is asked. Raises `NoServer`."""
    if not connection.url or connection.project is None:
        raise NoServer
    return Server(connection.url, sealed.opened(connection.token), connection.project)


# ---------------------------------------------------------------- its people

NEW = "+"  # somebody who has no account here


class NoSuchPerson(DomainError):
    """Nobody in the campaign is called so."""

    status = HTTPStatus.BAD_REQUEST


@transaction.atomic
def say_who(*, campaign: Campaign, who: Membership, people: Mapping[int, str]) -> int:
    """Say who people of that server (rows of `Colleague`) are here, by pseudonym; `NEW` makes a member, "" says nobody.

    Their annotations that waited for it are taken; what was taken as another's stays theirs. Returns how many people changed. Raises
    `NoSuchPerson`.
    """
    members = {one.pseudonym: one for one in campaign.memberships.filter(active=True, kind=Membership.Kind.HUMAN)}
    if unknown := sorted(set(people.values()) - members.keys() - {NEW, ""}):
        raise NoSuchPerson(f"Nobody in the campaign is called “{unknown[0][:60]}”.")
    changed = 0
    rows = Colleague.objects.select_for_update(of=("self",)).filter(connection__campaign=campaign, pk__in=people)
    for one in rows.order_by("pk"):
        said = people[one.pk]
        member = annotating.add_member(campaign=campaign) if said == NEW else members.get(said)
        if one.member_id == (member and member.pk):
            continue
        changed += 1
        Colleague.objects.filter(pk=one.pk).update(member=member)
        record(campaign, "backend.person", who=who, after={"number": one.number, "member": member.pseudonym if member else ""})
        if member:
            take_again(one.annotations.filter(state=Annotation.State.OF_NOBODY))
    return changed


def take_again(annotations: QuerySet[Annotation]) -> int:
    """Have a worker look again at annotations that waited for something; to be called in a transaction. Returns how many."""
    numbers = list(annotations.order_by("pk").values_list("pk", flat=True))
    Annotation.objects.filter(pk__in=numbers).update(state=Annotation.State.WAITING, reason="")
    for number in numbers:
        send("take_annotation", number)
    return len(numbers)


# ---------------------------------------------------------------- by the clock


@transaction.atomic
def take_what_counts_now() -> int:
    """Take annotations that waited until their campaign counts answers of programs, where it does by now."""
    return take_again(Annotation.objects.filter(state=Annotation.State.UNHEARD, connection__campaign__counts_unheard=True))


def sync_what_is_due() -> None:
    """Begin the syncs that are due: where clips have opened since the last one, and every few hours, for what events have missed."""
    for connection in (
        Connection.objects.exclude(url="").filter(campaign__deleted=None, campaign__ended=None).select_related("campaign", "job")
    ):
        last = connection.job
        if last and (last.state in OPEN or last.created > now() - PAUSE):
            continue
        failed = last is not None and last.state != Job.State.DONE
        if last is None or last.created < now() - EVERY or (not failed and to_send(connection).exists()):
            begin_sync(campaign=connection.campaign)


def to_send(connection: Connection) -> QuerySet[Task]:
    """Clips that people may draw marks in and that the project there does not have yet."""
    known = SentTask.objects.filter(connection=connection, number__isnull=False).values("task")
    tasks = Task.objects.filter(campaign=connection.campaign_id, kind=Task.Kind.POOL, question=Task.Question.DRAW, state=Task.State.OPEN)
    return tasks.exclude(pk__in=known).order_by("pk")
