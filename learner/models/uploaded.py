"""Bases that site admins bring by the browser, for every campaign of the site."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.timezone import now

from annotation.models import Campaign, Membership
from learner.models.checkpoints import Checkpoint
from learner.models.intakes import arrived
from learner.models.jobs import Job


class UploadedBase(models.Model):
    """A checkpoint's file that arrives piece by piece; when it is here, a job looks at it, and it becomes a checkpoint or is refused.

    It outlives the campaign from whose page it was sent, since others may begin with it.
    """

    name = models.CharField(max_length=40, unique=True, help_text="what people call it")
    licence = models.CharField(max_length=100, help_text="of the weights, by its SPDX name, such as MIT")
    campaign = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="+", help_text="from whose page it was sent")
    who = models.ForeignKey(Membership, models.SET_NULL, null=True, related_name="+")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="names the folder of its file")
    path = models.CharField(max_length=200, blank=True, help_text="the name of the file that was sent; empty: none yet")
    size = models.PositiveBigIntegerField(default=0, help_text="bytes, when it is whole")
    job = models.OneToOneField(Job, models.SET_NULL, null=True, blank=True, related_name="uploaded_base")
    checkpoint = models.ForeignKey(
        Checkpoint, models.PROTECT, null=True, blank=True, related_name="uploaded", help_text="empty: not looked at, or refused"
    )
    created = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Whether a file may still come: none was looked at yet, or the one that was could not be used."""
        return self.checkpoint_id is None and (self.job is None or not self.job.is_open)

    @property
    def folder(self) -> Path:
        return Path(settings.HOME) / "uploads" / self.key.hex

    @property
    def part(self) -> Path:
        return self.folder / "file.part"

    @property
    def whole(self) -> Path:
        return self.folder / "whole" / self.path

    @property
    def offset(self) -> int:
        """Bytes that are here."""
        return arrived(self.whole, self.part) if self.path else 0

    @property
    def is_here(self) -> bool:
        return bool(self.path) and self.whole.is_file()
