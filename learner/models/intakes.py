"""Songs on their way into a campaign: files that arrive piece by piece, and what came of them."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models import Campaign, Membership, Track
from learner.models.jobs import Job


class Intake(models.Model):
    """Files that somebody uploads together, for one use; when all are here, a job takes them into the campaign."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="intakes")
    who = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    use = models.CharField(max_length=10, choices=Track.Use)
    domain = models.CharField(max_length=10, choices=Track.Domain)
    licence = models.CharField(max_length=100, blank=True, help_text="of the songs, by its SPDX name, such as CC-BY-4.0")
    server_folder = models.TextField(blank=True, help_text="a folder of the server that the songs lie in; empty: they are sent")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="names the folder of its files")
    job = models.OneToOneField(Job, models.PROTECT, null=True, blank=True, related_name="intake")
    outcome = models.JSONField(null=True, blank=True, help_text="names of songs added and already there; what was left out, and why")
    created = models.DateTimeField(default=now, editable=False)
    discarded = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"songs for {self.use} of {self.campaign}"

    @property
    def is_open(self) -> bool:
        """Whether files may still come: nothing was begun with them yet, or what was begun failed."""
        return self.discarded is None and (self.job is None or self.job.state in (Job.State.FAILED, Job.State.CANCELLED))

    @property
    def folder(self) -> Path:
        return Path(settings.HOME) / "uploads" / self.key.hex

    @property
    def songs(self) -> Path:
        """Where files lie that are here whole, by the paths that they came with."""
        return self.folder / "songs"


def arrived(whole: Path, part: Path) -> int:
    """Bytes of a file that are here, be it the whole of it or what has come so far."""
    return next((file.stat().st_size for file in (whole, part) if file.is_file()), 0)


class Upload(models.Model):
    """One file of an intake; the bytes that are here lie on the disk, and are counted there."""

    intake = models.ForeignKey(Intake, models.CASCADE, related_name="uploads")
    path = models.CharField(max_length=500, help_text="as it lay in the folder that was dropped")
    size = models.PositiveBigIntegerField(help_text="bytes, when it is whole")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["intake", "path"], name="one_upload_per_path"),
            models.CheckConstraint(condition=Q(size__gt=0), name="no_empty_upload"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def part(self) -> Path:
        return self.intake.folder / f"{self.pk}.part"

    @property
    def whole(self) -> Path:
        return self.intake.songs / self.path

    @property
    def offset(self) -> int:
        """Bytes that are here."""
        return arrived(self.whole, self.part)

    @property
    def percent(self) -> int:
        return 100 * self.offset // self.size
