"""Files of the machine that nothing needs any more, by the operator's rules: what they are, and how they go.

A rule first lets go: the row says so, or is deleted, and a `ReleasedFile` stands for what is to be removed. Then files go that no row
names. Killed anywhere, the next call goes on. Rows of checkpoints, their figures and verdicts stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import now

from annotation.files import storage
from annotation.models import Campaign, Estimate, GoldTruth, ListeningClip, Stem, Task
from learner.models import (
    Adaptation,
    Checkpoint,
    Export,
    JudgedSong,
    ReleasedFile,
    Round,
    SharedModel,
    Signals,
    TriedSong,
    UploadedBase,
    WrittenCheckpoint,
)

BATCH = 100


def unused_checkpoints(days: int) -> QuerySet[Checkpoint]:
    """Refused and stale children, and comparisons with replay alone, so many days old; never what another row of the loop leads to.

    That is: no campaign's checkpoint, none that was promoted or judged again lately, none that a round, an adaptation or another
    checkpoint began from. So none that a roll-back or a job may need.
    """
    before = now() - timedelta(days=days)
    made = Adaptation.objects.filter(child=OuterRef("pk"))
    compared = Adaptation.objects.filter(replay_only=OuterRef("pk"))
    lately = Q(finished=None) | Q(finished__gte=before)
    over = (Adaptation.Verdict.REFUSED, Adaptation.Verdict.STALE)
    return (
        Checkpoint.objects.filter(file_removed_at=None, created__lt=before)
        .exclude(file="")
        .filter(Exists(made.filter(verdict__in=over)) | Exists(compared))
        .exclude(Exists(made.exclude(verdict__in=over)))
        .exclude(Exists(made.filter(lately)) | Exists(compared.filter(lately)))
        .exclude(Exists(Adaptation.objects.filter(parent=OuterRef("pk"))))
        .exclude(Exists(Round.objects.filter(parent=OuterRef("pk"))))
        .exclude(Exists(SharedModel.objects.filter(current=OuterRef("pk"))))
        .exclude(Exists(Checkpoint.objects.filter(parent=OuterRef("pk"))))
        .exclude(Exists(UploadedBase.objects.filter(checkpoint=OuterRef("pk"))))
    )


def unused_estimates(days: int) -> QuerySet[Estimate]:
    """Estimates, so many days old, of which no clip was ever put before anybody or is in an open listening test, by checkpoints out of use.

    In use are the campaign's checkpoint, the one that a roll-back leads to, and that of a round under way. After more roll-backs than
    one the next round separates the pool again. Where the campaign's checkpoint has not separated a track, what earlier ones made
    of it stays: somebody's own page may compare with it.
    """
    shared = SharedModel.objects.filter(campaign=OuterRef("track__campaign"))
    in_use = Q(current__hash=OuterRef("checkpoint")) | Q(current__parent__hash=OuterRef("checkpoint"))
    under_way = Round.objects.filter(campaign=OuterRef("track__campaign"), state__in=Round.UNDER_WAY, parent__hash=OuterRef("checkpoint"))
    same = {"track": OuterRef("track"), "stem": OuterRef("stem")}
    compared = Q(test__checkpoint=OuterRef("checkpoint")) | Q(test__other=OuterRef("checkpoint"))
    heard_blind = ListeningClip.objects.filter(compared, track=OuterRef("track"), test__ended=None)
    return (
        Estimate.objects.filter(made__lt=now() - timedelta(days=days))
        .filter(Exists(Estimate.objects.filter(**same, checkpoint__in=shared.values("current__hash"))))
        .exclude(Exists(shared.filter(in_use)) | Exists(under_way))
        .exclude(Exists(Task.objects.filter(**same, checkpoint=OuterRef("checkpoint"))))
        .exclude(Exists(heard_blind))
    )


def release_checkpoints(days: int) -> Iterator[int]:
    """Let the files of `unused_checkpoints` go, some at a time; gives how many."""
    found = list(unused_checkpoints(days).order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(found), BATCH):
        yield _release_checkpoints(found[first : first + BATCH], days)


@transaction.atomic
def _release_checkpoints(found: list[int], days: int) -> int:
    # Who refers to one of them at this moment is waited for; then they are looked at once more.
    list(Checkpoint.objects.select_for_update(of=("self",)).filter(pk__in=found).order_by("pk"))
    unused = [row for row in unused_checkpoints(days).filter(pk__in=found) if not storage.kept_lately(row.file)]
    Checkpoint.objects.filter(pk__in=[row.pk for row in unused]).update(file_removed_at=now())
    release(row.file for row in unused)
    written = WrittenCheckpoint.objects.filter(checkpoint__in=unused)
    release(written.values_list("file", flat=True))
    written.delete()
    return len(unused)


def release_estimates(days: int) -> Iterator[int]:
    """Let `unused_estimates` and their signals go, some at a time; gives how many.

    Whoever needs one has it made again by the job that chooses clips.
    """
    for campaign in Campaign.objects.order_by("pk"):
        while n := _release_estimates(campaign, days):
            yield n


@transaction.atomic
def _release_estimates(campaign: Campaign, days: int) -> int:
    # No round begins meanwhile, and no checkpoint comes into use.
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    list(SharedModel.objects.select_for_update(of=("self",)).filter(campaign=campaign))
    unused = list(unused_estimates(days).filter(track__campaign=campaign).order_by("pk")[:BATCH])
    release(row.file for row in unused)
    for row in unused:
        signals = Signals.objects.filter(checkpoint__hash=row.checkpoint, track=row.track_id, stem=row.stem)
        release(signals.values_list("file", flat=True))
        signals.delete()
    Estimate.objects.filter(pk__in=[row.pk for row in unused]).delete()
    return len(unused)


def release(files: Iterable[str]) -> None:
    """Let files go whose rows are gone, or say so."""
    ReleasedFile.objects.bulk_create([ReleasedFile(file=file) for file in files if file], ignore_conflicts=True)


def remove_released() -> Iterator[list[int]]:
    """Remove files that were let go, some at a time; gives the bytes of each. A file that a row names, or soon may, stays."""
    last: int | None = 0
    while last is not None:
        sizes, last = _remove_released(last)
        yield sizes


@transaction.atomic
def _remove_released(after: int) -> tuple[list[int], int | None]:
    """The sizes of what was removed of the next files let go, and the last of these; None: there are no more for now."""
    released = list(ReleasedFile.objects.filter(pk__gt=after).order_by("pk")[:BATCH])
    if not released or not _nobody_copies():
        return [], None
    named = named_of([one.file for one in released])
    removed = {one.pk: storage.remove(one.file) for one in released if one.file not in named}
    over = [one.pk for one in released if removed.get(one.pk, 0) is not None]
    ReleasedFile.objects.filter(pk__in=over).delete()
    return [n_bytes for n_bytes in removed.values() if n_bytes], released[-1].pk


def _nobody_copies() -> bool:
    """Whether no backup copies files; from here to the end of the transaction none begins to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [storage.COPYING])
        return bool(cursor.fetchone()[0])


def named_of(files: list[str]) -> set[str]:
    """Those of the files that a row names, of whatever kind: the same bytes are one file."""
    rows = (
        Stem.objects,
        Estimate.objects,
        Signals.objects,
        TriedSong.objects,
        JudgedSong.objects,
        GoldTruth.objects,
        WrittenCheckpoint.objects,
        Checkpoint.objects.filter(file_removed_at=None),
        Export.objects,
    )
    return {file for kind in rows for file in kind.filter(file__in=files).values_list("file", flat=True)}
