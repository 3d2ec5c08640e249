"""Unfinished work, kept from several places at once: of two that changed it, neither overwrites the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from annotation.core import label_studio
from annotation.core.errors import DomainError
from annotation.models import Draft, Membership, Task
from annotation.services.answers import check_revision
from annotation.services.first_visit import check_consent


class DraftChanged(DomainError):
    """These marks were changed elsewhere meanwhile, in another tab or on another device."""

    def __init__(self, other: Draft) -> None:
        """`other` is what the server has."""
        super().__init__()
        self.draft = shown_draft(other)


def shown_draft(draft: Draft) -> dict[str, Any]:
    """A draft as pages get it: `saved_at` names it, `age` is seconds by the server's clock."""
    return {"result": draft.result, "saved_at": draft.saved.isoformat(), "age": (now() - draft.saved).total_seconds()}


@transaction.atomic
def save_draft(*, task: Task, by: Membership, result: list[dict[str, Any]]) -> Draft:
    """Keep unfinished work, whatever was kept before; checked like an answer, so that it can always be restored.

    For callers who do not know what they go on from. Raises `BadRegion` and `NotReady`.
    """
    draft, new = _kept(task, by, result)
    return draft if new else _change(draft, result)


@transaction.atomic
def go_on_with_draft(*, task: Task, by: Membership, result: list[dict[str, Any]], based_on: datetime | None, revises: int = 0) -> Draft:
    """Keep unfinished work that goes on from the draft saved at `based_on` (None: from none), unless another was kept since.

    `revises` is the revision of the answer that it would change (0: there was none). Raises `DraftChanged` or `AlreadyAnswered`
    where something came between, and what `save_draft` raises; nothing is written then.
    """
    check_consent(by)
    check_revision(task, by, revises)
    draft, new = _kept(task, by, result)
    if not new and draft.result != result and draft.saved != based_on:
        raise DraftChanged(draft)
    return draft if new else _change(draft, result)


def _kept(task: Task, by: Membership, result: list[dict[str, Any]]) -> tuple[Draft, bool]:
    """The draft there is, its row locked, or a new one; and whether it is new."""
    check_consent(by)
    label_studio.regions(result, task.clip, task.stem)
    locked = Draft.objects.select_for_update()
    return locked.get_or_create(task=task, by=by, defaults={"result": result, "saved": now()})


def _change(draft: Draft, result: list[dict[str, Any]]) -> Draft:
    if draft.result != result:  # else it was sent again after a lost answer
        draft.result, draft.saved = result, now()
        draft.save(update_fields=["result", "saved"])
    return draft
