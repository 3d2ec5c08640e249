"""Checkpoints that were made again, to see whether the same comes of it."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models import Membership
from learner.models.checkpoints import Checkpoint
from learner.models.jobs import Job
from learner.models.rounds import Adaptation


class Remake(models.Model):
    """One adaptation done again from its recipe, its feedback set and its seed. What it makes is compared and thrown away."""

    adaptation = models.ForeignKey(Adaptation, models.PROTECT, related_name="remakes")
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="remakes", help_text="what it is compared with")
    job = models.OneToOneField(Job, models.PROTECT, related_name="remake")
    who = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    hash = models.CharField(max_length=64, blank=True, help_text="of the file that came of it; empty: not yet")
    differences = models.JSONField(default=list, help_text="in words; none, and a hash: the same file to the last bit")
    created = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"{self.checkpoint} made again"

    @property
    def is_same(self) -> bool:
        return bool(self.hash) and self.hash == self.checkpoint.hash
