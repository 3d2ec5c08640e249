"""Checkpoints of a campaign: kept, shared, promoted, rolled back."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core.errors import DomainError
from annotation.events import record
from annotation.files import storage
from annotation.models import Campaign, Membership
from learner import bases
from learner.models import Adaptation, Checkpoint, SharedModel, UnfitCheckpoint, check_stem
from learner.selectors import base_of, used_before


class NothingToJudge(DomainError):
    """There is no round in this state to act on."""


class AlreadyShared(DomainError):
    """The campaign has its first checkpoint already; from then on only the gate and a roll-back change it."""


class SameBase(DomainError):
    """The campaign's checkpoint comes from this base already."""


class StaleModel(DomainError):
    """Another checkpoint became current meanwhile: look at the history and decide again."""


@transaction.atomic
def keep_checkpoint(*, file: Path, parent: Checkpoint | None = None) -> Checkpoint:
    """Put a checkpoint file into the storage and its row beside it; known already, nothing changes. Raises `BadCheckpoint`.

    One whose file a rule had let go has it again.
    """
    from learner.core import checkpoint as files  # brings torch in

    about = files.about(file)
    digest = files.file_hash(file)
    key = storage.keep(file, ".safetensors")
    # Locked: a rule that lets its file go at this moment sees that it was just kept, or is undone here.
    row, _ = Checkpoint.objects.select_for_update(of=("self",)).get_or_create(
        hash=digest,
        defaults={
            "parent": parent,
            "name": (called := bases.name_of_file(file)),
            "file": key,
            "recipe": about.recipe,
            "stem": about.stem,
            "sample_rate": about.sample_rate,
            "channels": about.channels,
            "code_version": about.code_version,
            "seed": about.seed,
            **({name: getattr(parent, name) for name in ("withdrawn_answers", "withdrawn_marks", "withdrawn")} if parent else {}),
        },
    )
    if row.file_removed_at or (called and not row.name):
        row.file_removed_at, row.name = None, row.name or called
        row.save(update_fields=["file_removed_at", "name"])
    return row


def share_file(*, campaign: Campaign, file: Path, who: Membership | None = None) -> Checkpoint:
    """Try a checkpoint's file as rounds will use it, keep it, and give it to a campaign as its first; no row changes where it is unfit.

    Raises `BadCheckpoint`, `UnfitCheckpoint` and `AlreadyShared`.
    """
    from learner.readiness import try_checkpoint  # brings torch in

    check_unshared(campaign)
    try_checkpoint(file, campaign)
    with transaction.atomic():
        row = keep_checkpoint(file=file)
        share(campaign=campaign, checkpoint=row, who=who)
    return row


def check_unshared(campaign: Campaign) -> None:
    """Raise `AlreadyShared` where no checkpoint at all could become the campaign's first."""
    if shared := SharedModel.objects.select_related("current").filter(campaign=campaign).first():
        raise AlreadyShared(f"Campaign {campaign.slug!r} has a checkpoint already: {shared.current}. {AlreadyShared.__doc__}")


@transaction.atomic
def share(*, campaign: Campaign, checkpoint: Checkpoint, who: Membership | None = None) -> SharedModel:
    """Give a campaign its first checkpoint, one that was tried. Raises `UnfitCheckpoint` and `AlreadyShared`."""
    if (locked := Checkpoint.objects.select_for_update(of=("self",)).get(pk=checkpoint.pk)).file_removed_at:
        raise UnfitCheckpoint(f"{locked.removed} Give the campaign the file itself, or another.")
    check_stem(campaign, checkpoint.stem)
    shared, new = SharedModel.objects.get_or_create(campaign=campaign, defaults={"current": checkpoint})
    if not new:
        check_unshared(campaign)
    record(campaign, "model.shared", who=who, after={"checkpoint": checkpoint.hash})
    return shared


@transaction.atomic
def change_base(*, campaign: Campaign, base: Checkpoint, who: Membership | None = None) -> Checkpoint:
    """Let a campaign that runs go on from another base, one that was tried; return the checkpoint that it used before.

    Songs, people and marks stay: a mark is true for every model, so the next adaptation learns from all of them. Clips of the
    checkpoint before that nobody has touched are withdrawn. Raises `UnfitCheckpoint` and `SameBase`.
    """
    check_stem(campaign, base.stem)
    shared = SharedModel.objects.select_for_update(of=("self",)).select_related("current").get(campaign=campaign)
    before = shared.current
    if base_of(campaign, before) == base:
        raise SameBase(f"The checkpoint in use, {before.short}, comes from this base already.")
    _replace(campaign, before, base)
    record(campaign, "model.base_changed", who=who, before={"checkpoint": before.hash}, after={"checkpoint": base.hash})
    return before


def _replace(campaign: Campaign, seen: Checkpoint, by: Checkpoint) -> bool:
    """Put one checkpoint in another's place, whose clips that nobody has touched are withdrawn; False: `seen` is not current any more."""
    changed = SharedModel.objects.filter(campaign=campaign, current=seen).update(current=by, changed=now())
    if changed:
        annotating.withdraw_untouched(campaign=campaign, checkpoint=seen.hash)
    return bool(changed)


@transaction.atomic
def promote(*, adaptation: Adaptation, child: Checkpoint) -> bool:
    """Make the child the campaign's current checkpoint, if its parent still is; False: it is stale."""
    campaign = adaptation.campaign
    if not _replace(campaign, adaptation.parent, child):
        return False
    record(campaign, "model.promoted", before={"checkpoint": adaptation.parent.hash}, after={"checkpoint": child.hash})
    return True


@transaction.atomic
def roll_back(*, campaign: Campaign, seen: Checkpoint, who: Membership | None = None) -> Checkpoint:
    """Make the parent of the current checkpoint current again, or what was in use before it where it is another base.

    Raises `StaleModel` when `seen` is not current any more.
    """
    back = used_before(campaign, seen)
    if back is None:
        raise NothingToJudge("This is the first checkpoint: there is nothing to roll back to.")
    if back.removed:
        raise NothingToJudge(f"{back.short} cannot be used. {back.removed}")
    if not _replace(campaign, seen, back):
        raise StaleModel
    record(campaign, "model.rolled_back", who=who, before={"checkpoint": seen.hash}, after={"checkpoint": back.hash})
    return back


@transaction.atomic
def choose_checkpoint(*, campaign: Campaign, checkpoint: Checkpoint, seen: Checkpoint, who: Membership, reason: str) -> Checkpoint:
    """Make any checkpoint that the campaign made or used its current one, forward or back, with the reason of whoever decides.

    The gate is not asked: this is for a manager who has listened. Raises `StaleModel` where `seen` is not current any more,
    `NothingToJudge` where there is nothing to change, no reason, or no file.
    """
    reason = reason.strip()
    if not reason:
        raise NothingToJudge("Say why: the history keeps it for those who come after.")
    if checkpoint == seen:
        raise NothingToJudge(f"The campaign uses {checkpoint.short} already.")
    locked = Checkpoint.objects.select_for_update(of=("self",)).get(pk=checkpoint.pk)
    if locked.removed:
        raise NothingToJudge(f"{locked.short} cannot be used. {locked.removed}")
    check_stem(campaign, locked.stem)
    if not _replace(campaign, seen, locked):
        raise StaleModel
    after = {"checkpoint": locked.hash, "reason": reason[:500]}
    record(campaign, "model.chosen", who=who, before={"checkpoint": seen.hash}, after=after)
    return locked
