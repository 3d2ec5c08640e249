"""Files of marks on their way into a campaign."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.timezone import now

from annotation.models import Campaign, Membership
from learner.models.jobs import Job


class DataImport(models.Model):
    """Files that somebody brought with answers in them: first a worker looks at them, then, when its reader agrees, they are imported."""

    class As(models.TextChoices):
        ANSWERS = "answers", "answers of people"
        GOLD = "gold", "known answers (gold clips)"

    class Phase(models.TextChoices):
        LOOK = "look"
        IMPORT = "import"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="imports")
    who = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    kept_as = models.CharField(max_length=10, choices=As, default=As.ANSWERS)
    person = models.CharField(max_length=60, blank=True, help_text="pseudonym of whoever gave answers in files that name nobody")
    files = models.JSONField(default=list, help_text="their names, in the order in which they are gone through")
    people = models.JSONField(
        default=dict, blank=True, help_text="who is who: {person in the file: number of a member, new, new:NAME or out}"
    )
    meanings = models.JSONField(default=dict, blank=True, help_text="what labels mean: {label: mark, missing or left out}")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="names the folder of its files, and its answers")
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.LOOK)
    job = models.OneToOneField(Job, models.PROTECT, null=True, blank=True, related_name="data_import")
    report = models.JSONField(null=True, blank=True, help_text="what it does, or would do")
    created = models.DateTimeField(default=now, editable=False)
    done = models.DateTimeField(null=True, blank=True, help_text="when all was imported")
    discarded = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{', '.join(self.files)[:80]} into {self.campaign}"

    @property
    def folder(self) -> Path:
        return Path(settings.HOME) / "uploads" / self.key.hex

    @property
    def is_busy(self) -> bool:
        """Whether a worker has it, or will."""
        return self.job is not None and self.job.is_open

    @property
    def is_open(self) -> bool:
        """Whether it can still be imported or thrown away."""
        return self.done is None and self.discarded is None and not self.is_busy
