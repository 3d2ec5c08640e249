"""Checkpoints as files that other tools load."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models import Membership
from learner.models.checkpoints import Checkpoint
from learner.models.jobs import Job


class WrittenCheckpoint(models.Model):
    """A checkpoint written in a format of others, by a job; made once for each format, since a checkpoint never changes."""

    class Format(models.TextChoices):
        ONNX = "onnx", "ONNX"
        OWN = "own", "the weights as the architecture's own project loads them"

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="written")
    format = models.CharField(max_length=4, choices=Format)
    job = models.OneToOneField(Job, models.PROTECT, related_name="written_checkpoint")
    who = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    file = models.CharField(max_length=120, blank=True, help_text="its key in the storage; empty: not made yet, or refused")
    size = models.PositiveBigIntegerField(default=0, help_text="bytes")
    how = models.TextField(blank=True, help_text="how it is loaded, and what it was checked by, in words")
    refused = models.TextField(blank=True, help_text="why this checkpoint cannot be written so")
    created = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"{self.checkpoint} as {self.format}"

    @property
    def suffix(self) -> str:
        return ".onnx" if self.format == self.Format.ONNX else ".zip"
