"""Exports, as far as rows move: asked for, made, taken home, removed by hand, by the operator's rule, or since somebody withdrew."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import storage
from annotation.models import Campaign, Membership
from learner.models import Export, FeedbackSet, Job
from learner.services.jobs import OPEN, finish, queue_job
from learner.services.leftovers import release

MOST_AT_ONCE = 5  # exports of a campaign that wait or are at work
BY_RULE = "by the rule for old exports"
WITHDRAWN = "since somebody took their answers back after it was made; another one leaves them out"


class NotExported(DomainError):
    """This cannot be exported."""

    status = HTTPStatus.BAD_REQUEST


def why_not(campaign: Campaign, format: str) -> str:
    """Why this format cannot be made here now, and what to do; empty: it can."""
    if format == Export.Format.PARQUET and find_spec("pyarrow") is None:
        return "Parquet needs pyarrow, which is not installed here: pip install 'unbleed[parquet]'. Tables as CSV need nothing."
    if format in Export.RELEASES and not FeedbackSet.objects.filter(round__campaign=campaign).exists():
        return "A dataset is made of what a round froze, and no round of this campaign has frozen anything yet."
    return ""


@transaction.atomic
def ask_export(*, who: Membership, wanted: Export) -> Export:
    """Have a worker make `wanted`, whose campaign and person are those of `who`.

    Raises `ValidationError` for what no export may be and `NotExported` for what cannot be made now.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=who.campaign_id)
    wanted.campaign, wanted.who = campaign, who
    if reason := why_not(campaign, wanted.format):
        raise NotExported(reason)
    if Export.objects.filter(campaign=campaign, job__state__in=OPEN).count() >= MOST_AT_ONCE:
        raise NotExported(f"{MOST_AT_ONCE} exports of this campaign wait already; ask again when one of them is done.")
    wanted.full_clean(exclude=["job"])
    wanted.job = queue_job(campaign=campaign, kind=Job.Kind.EXPORT)
    wanted.save()
    record(campaign, "data.exported", who=who, after={"export": wanted.pk, **about(wanted)})
    return wanted


def about(export: Export) -> dict[str, object]:
    """What the history says of an export."""
    rounds = {"first_round": export.first_round, "last_round": export.last_round}
    said = {"format": export.format, "whose": export.whose, "names": export.names, **rounds, "with_audio": export.with_audio}
    return {name: value for name, value in said.items() if value not in (None, False)}


@transaction.atomic
def written_by_command(*, export: Export) -> None:
    """Write into the history that somebody who runs the site wrote data out by the command line."""
    record(export.campaign, "data.exported", after={"by": "a command", **about(export)})


@transaction.atomic
def written_at_once(*, who: Membership, format: Export.Format) -> None:
    """Write into the history that a program of somebody's took data home, which no job made."""
    record(who.campaign, "data.exported", who=who, after={"format": format, "by": "a program"})


@transaction.atomic
def keep_export(*, export: Export, job: Job, file: Path, called: str, taken_at: datetime) -> None:
    """Keep the file that a job made, and end the job. Raises `Lost`."""
    key = storage.keep(file, file.suffix)
    Export.objects.filter(pk=export.pk).update(file=key, sha256=Path(key).stem, n_bytes=storage.size(key), called=called, taken_at=taken_at)
    finish(job=job)


@transaction.atomic
def take_home(*, export: Export, who: Membership) -> None:
    """Write into the history that somebody downloads it."""
    record(export.campaign, "data.downloaded", who=who, after={"export": export.pk, "format": export.format, "sha256": export.sha256})


@transaction.atomic
def remove_export(*, export: Export, who: Membership) -> bool:
    """Let the file go; the row stays. False: it has gone already."""
    if not _let_go(Export.objects.filter(pk=export.pk), f"by {who.pseudonym}"):
        return False
    record(export.campaign, "data.removed", who=who, after={"export": export.pk, "format": export.format})
    return True


def old_exports() -> QuerySet[Export]:
    """Those whose file is older than the operator's rule allows; none, where it is never."""
    days = settings.EXPORT_DAYS
    there = Export.objects.exclude(file="")
    return there.filter(created__lt=now() - timedelta(days=days)) if days else there.none()


@transaction.atomic
def remove_old() -> int:
    """Let files go by the operator's rule; returns how many."""
    return _let_go(old_exports(), BY_RULE)


@transaction.atomic
def remove_since_withdrawn(*, campaign: Campaign) -> int:
    """Let all files of a campaign go, since they may hold what somebody has taken back; returns how many."""
    n = _let_go(Export.objects.filter(campaign=campaign), WITHDRAWN)
    if n:
        record(campaign, "data.removed", after={"exports": n})
    return n


def _let_go(exports: QuerySet[Export], why: str) -> int:
    found = list(exports.exclude(file="").select_for_update())
    release(one.file for one in found)
    Export.objects.filter(pk__in=[one.pk for one in found]).update(file="", removed=now(), removed_because=why)
    return len(found)
