"""Checkpoints that are kept here and that a campaign may begin with, or go on from."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.models import Campaign
from learner.bases import name_of
from learner.models import Checkpoint, SharedModel, UploadedBase


@dataclass(frozen=True)
class KeptBase:
    """One of them: uploaded by a site admin, or what another campaign uses now."""

    checkpoint: Checkpoint
    name: str
    licence: str
    campaign: Campaign | None  # that uses it; None: uploaded


def kept_bases(managed: QuerySet[Campaign], campaign: Campaign | None = None) -> list[KeptBase]:
    """Uploaded ones, newest first, then those of other campaigns among `managed`; for a campaign: those that extract what it listens to."""
    usable = {"file_removed_at": None} | ({"stem": campaign.stem} if campaign else {})
    uploaded = UploadedBase.objects.filter(**{f"checkpoint__{name}": value for name, value in usable.items()})
    shared = SharedModel.objects.filter(**{f"current__{name}": value for name, value in usable.items()}, campaign__in=managed)
    shared = shared.exclude(campaign__in=[campaign] if campaign else []).exclude(current__file="").select_related("campaign", "current")
    found = [
        KeptBase(one.checkpoint, one.name, one.licence, None)
        for one in uploaded.select_related("checkpoint").order_by("-pk")
        if one.checkpoint
    ]
    licence = {one.checkpoint: one.licence for one in found}
    for one in shared.order_by("campaign__name"):
        said = licence.get(one.current) or str(one.current.recipe.get("licence", ""))
        found.append(KeptBase(one.current, name_of(one.current), said, one.campaign))
    return found


def uploads() -> QuerySet[UploadedBase]:
    """Every base that somebody sent or is sending, newest first."""
    return UploadedBase.objects.select_related("checkpoint", "job", "who", "campaign").order_by("-pk")
