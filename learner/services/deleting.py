"""Deleting a campaign: what goes, how it is asked for and undone, and how rows and files are removed a day later.

What belongs to a campaign is read from the models: every kind of row that cannot be without it. A kind that comes later goes along.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from graphlib import TopologicalSorter
from http import HTTPStatus
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Func, IntegerField, Model, ProtectedError, Q, QuerySet, Subquery
from django.db.models.functions import Now

from annotation.core.errors import DomainError
from annotation.events import publish, record
from annotation.files import previews, storage
from annotation.models import Campaign, Link, Membership, Submission, Task
from learner.models import Adaptation, Checkpoint, Intake, Job, Round, SentSong, SharedModel
from learner.services.jobs import send_again, work_folder
from learner.services.leftovers import release

UNDO = timedelta(days=1)  # in which its owners can undo it
BATCH = 2_000  # rows that are removed at once
NO_ACCOUNT_OF_THEIR_OWN = rf"^({Link.Kind.EXTERNAL}|{Link.Kind.PROLIFIC})-[0-9a-f]{{16}}$"  # user names of who came from a panel

Rows = QuerySet[Any]


class NotItsName(DomainError):
    """This is not the campaign's name: type it as it is written above, and nothing else."""

    status = HTTPStatus.BAD_REQUEST


class TooLate(DomainError):
    """A day has passed, and the campaign is being removed: nobody can bring it back."""

    status = HTTPStatus.GONE


# ---------------------------------------------------------------- what goes


@dataclass(frozen=True)
class Goes:
    """What would be removed with a campaign."""

    songs: int
    clips: int
    answers: int
    people: int
    rounds: int
    checkpoints: int
    n_bytes: int  # of files that nothing else has


def what_goes(campaign: Campaign) -> Goes:
    """Counted; of files those that another campaign has too are left out, since they stay."""
    first, *others = (_files_of(kind, campaign) for kind in _with_files())
    files, elsewhere = set[str](), set[str]()
    for file, has_another in first.union(*others, all=True):
        (elsewhere if has_another else files).add(file)
    checkpoints = dict(own_checkpoints(campaign).values_list("pk", "file"))
    accepted = Submission.objects.filter(by__campaign=campaign, status=Submission.Status.ACCEPTED)
    n_of: dict[str, Rows] = {
        "songs": campaign.tracks.all(),
        "clips": Task.objects.filter(campaign=campaign),
        "answers": accepted,
        "people": campaign.memberships.all(),
        "rounds": Round.objects.filter(campaign=campaign),
    }
    counted = Campaign.objects.filter(pk=campaign.pk).values_list(*(_number_of(rows) for rows in n_of.values())).get()
    return Goes(
        **dict(zip(n_of, counted, strict=True)),
        checkpoints=len(checkpoints),
        n_bytes=sum(storage.size(key) for key in (files - elsewhere) | {key for key in checkpoints.values() if key}),
    )


def _files_of(kind: type[Model], campaign: Campaign) -> Rows:
    """The files of this kind's rows of a campaign, each with whether another campaign has it too."""
    own = _of(kind, campaign).exclude(file="")
    others = kind._default_manager.exclude(pk__in=own.values("pk"))
    found: Rows = own.order_by().annotate(has_another=Q(file__in=others.values("file"))).values_list("file", "has_another")
    return found


def _number_of(rows: Rows) -> Subquery:
    return Subquery(rows.order_by().annotate(n=Func(template="COUNT(*)", output_field=IntegerField())).values("n"))


def own_checkpoints(campaign: Campaign) -> QuerySet[Checkpoint]:
    """Checkpoints that this campaign made or began with, and no other has anything to do with."""
    adaptations = Adaptation.objects.exclude(campaign=campaign)
    children = adaptations.exclude(child=None).values("child")
    compared = adaptations.exclude(replay_only=None).values("replay_only")
    shared = SharedModel.objects.exclude(campaign=campaign)
    rounds = Round.objects.exclude(campaign=campaign)
    used = Q(pk__in=shared.values("current")) | Q(pk__in=rounds.values("parent")) | Q(pk__in=adaptations.values("parent"))
    return _checkpoints(campaign).filter(uploaded=None).exclude(used | Q(pk__in=children) | Q(pk__in=compared)).distinct()


def _checkpoints(campaign: Campaign) -> QuerySet[Checkpoint]:
    made = Q(made_by__campaign=campaign) | Q(pk__in=Adaptation.objects.filter(campaign=campaign).values("replay_only"))
    began = Q(pk__in=Round.objects.filter(campaign=campaign).values("parent"))
    return Checkpoint.objects.filter(made | began | Q(pk__in=SharedModel.objects.filter(campaign=campaign).values("current")))


# ---------------------------------------------------------------- asked for, and undone


@transaction.atomic
def delete_campaign(*, campaign: Campaign, typed: str, who: Membership) -> None:
    """From now on the campaign exists for its owners alone, and a day later no longer. Raises `NotItsName`.

    Workers leave its jobs, which wait for the case that it is undone.
    """
    if typed.strip() != campaign.name.strip():
        raise NotItsName
    if Campaign.objects.filter(pk=campaign.pk, deleted=None).update(deleted=Now()):
        Job.objects.filter(campaign=campaign, state=Job.State.RUNNING).update(state=Job.State.QUEUED)  # whose worker finds it `Lost`
        record(campaign, "campaign.deleted", who=who)


@transaction.atomic
def restore_campaign(*, campaign: Campaign, who: Membership) -> bool:
    """Undo a deletion; the campaign is as it was, and its jobs go on. False: it is not deleted. Raises `TooLate`."""
    if not Campaign.objects.filter(pk=campaign.pk, deleted__gt=Now() - UNDO).update(deleted=None):
        if Campaign.objects.filter(pk=campaign.pk, deleted__isnull=False).exists():
            raise TooLate
        return False
    for job in Job.objects.filter(campaign=campaign, state=Job.State.QUEUED):
        send_again(job)
    record(campaign, "campaign.restored", who=who)
    return True


def removed_at(campaign: Campaign) -> datetime | None:
    """From when on a deleted campaign is removed."""
    return campaign.deleted + UNDO if campaign.deleted else None


# ---------------------------------------------------------------- removed


def due() -> QuerySet[Campaign]:
    """Campaigns that were deleted more than a day ago."""
    return Campaign.objects.filter(deleted__lte=Now() - UNDO).order_by("pk")


def remove_deleted() -> Iterator[int]:
    """Remove what is `due`, some rows at a time; gives how many. Killed anywhere, the next call goes on."""
    for campaign in due():
        yield from removal(campaign)


def removal(campaign: Campaign) -> Iterator[int]:
    """Remove a campaign with every row of it, some at a time, and let its files go; gives how many rows.

    What its checkpoints hang on goes last, all at once: nothing else tells afterwards which they were.
    """
    tracks = list(campaign.tracks.values_list("pk", flat=True))
    for file in previews.of_tracks(tracks):
        file.unlink(missing_ok=True)
    last = _beneath(Adaptation)
    for kind in _kinds():
        if kind not in last:
            while n := _remove(_of(kind, campaign).order_by("pk")[:BATCH]):
                yield n
    yield _remove_the_rest(campaign, [kind for kind in _kinds() if kind in last])


@transaction.atomic
def _remove_the_rest(campaign: Campaign, kinds: Iterable[type[Model]]) -> int:
    checkpoints = list(_checkpoints(campaign).distinct())
    users = get_user_model()._default_manager
    from_panels = list(users.filter(memberships__campaign=campaign, username__regex=NO_ACCOUNT_OF_THEIR_OWN).values_list("pk", flat=True))
    for adaptation in Adaptation.objects.filter(campaign=campaign).values_list("pk", flat=True):
        shutil.rmtree(work_folder(adaptation), ignore_errors=True)
    n = sum(_of(kind, campaign).delete()[0] for kind in kinds)
    campaign_id = campaign.pk
    Campaign.objects.get(pk=campaign_id).delete()
    for one in sorted(checkpoints, key=lambda one: -one.pk):  # children first
        try:
            one.delete()
        except ProtectedError:  # another campaign has it
            continue
        release([one.file])
    users.filter(pk__in=from_panels, memberships=None).delete()
    publish(campaign_id, "campaign", campaign_id)
    return n + 1


@transaction.atomic
def _remove(rows: Rows) -> int:
    found = list(rows)
    if not found:
        return 0
    kind = type(found[0])
    if kind in _with_files():
        release(one.file for one in found)
    if kind in (Intake, SentSong):
        for one in found:
            shutil.rmtree(one.folder, ignore_errors=True)
    kind._default_manager.filter(pk__in=[one.pk for one in found]).delete()
    return len(found)


# ---------------------------------------------------------------- kinds of rows


def _of(kind: type[Model], campaign: Campaign) -> Rows:
    """The rows of this kind that belong to the campaign."""
    return kind._default_manager.filter(**{_ways()[kind]: campaign.pk})


@cache
def _ways() -> dict[type[Model], str]:
    """Every kind of row that cannot be without a campaign, with the way to it: Mark -> "submission__task__campaign"."""
    ways: dict[type[Model], str] = {Campaign: ""}
    while new := {kind: way for kind in apps.get_models() if kind not in ways and (way := _way(kind, ways))}:
        ways |= new
    del ways[Campaign]
    return ways


def _way(kind: type[Model], known: dict[type[Model], str]) -> str:
    found = [f"{name}__{known[other]}".rstrip("_") for name, other, needed in _references(kind) if needed and other in known]
    return min(found, key=len, default="")


def _references(kind: type[Model]) -> list[tuple[str, type[Model], bool]]:
    """What a kind of row refers to: name, kind, and whether it must."""
    keys = [field for field in kind._meta.concrete_fields if field.is_relation and field.related_model]
    return [(field.name, field.related_model, not field.null) for field in keys]  # type: ignore[misc]  # "self" is resolved by then


@cache
def _kinds() -> tuple[type[Model], ...]:
    """Those kinds in an order in which nothing is removed that another still refers to."""
    ways = _ways()
    referring = {kind: {other for other, others in _all_references().items() if kind in others and other is not kind} for kind in ways}
    return tuple(TopologicalSorter(referring).static_order())


@cache
def _with_files() -> tuple[type[Model], ...]:
    """Kinds whose rows name a file of the storage, in a field `file`."""
    return tuple(kind for kind in _kinds() if "file" in {field.name for field in kind._meta.concrete_fields})


def _beneath(kind: type[Model]) -> set[type[Model]]:
    """A kind of row and all that it refers to, directly or not."""
    found, ahead = set[type[Model]](), [kind]
    while ahead:
        if (one := ahead.pop()) not in found:
            found.add(one)
            ahead += _all_references().get(one, ())
    return found


@cache
def _all_references() -> dict[type[Model], set[type[Model]]]:
    ways = _ways()
    return {kind: {other for _, other, _ in _references(kind) if other in ways} for kind in ways}
