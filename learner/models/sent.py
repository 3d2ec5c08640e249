"""Songs that people send to hear what a checkpoint takes out of them; they are no tracks of the campaign, and go after some days."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models import Campaign, Membership
from learner.models.checkpoints import Checkpoint
from learner.models.jobs import Job


class SentSong(models.Model):
    """One song of one person: its file arrives piece by piece, then a job separates it. Only who sent it can hear it.

    What is made lies in a folder of its own, and not in the storage: removed is removed at once, and no backup has it. The row stays for
    a day, so that the minutes of the day are counted right.
    """

    SOUNDS = ("mixture", "stem", "rest", "before")
    """The mix, what the checkpoint extracts, what is left of the mix then, and what the checkpoint beside extracts."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="sent_songs")
    who = models.ForeignKey(Membership, models.PROTECT, related_name="sent_songs")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="names its folder, and its address")
    path = models.CharField(max_length=200, blank=True, help_text="the name of the file that was sent; empty: removed")
    size = models.PositiveBigIntegerField(help_text="bytes, when it is whole")
    seconds = models.FloatField(null=True, blank=True, help_text="how long it lasts; empty: it was not looked at yet")
    charged = models.FloatField(default=0.0, help_text="seconds that count against what the person may have separated in a day")
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, null=True, blank=True, related_name="+", help_text="what separates it")
    beside = models.ForeignKey(
        Checkpoint, models.PROTECT, null=True, blank=True, related_name="+", help_text="what separates it too, to be compared; empty: none"
    )
    job = models.OneToOneField(Job, models.PROTECT, null=True, blank=True, related_name="sent_song")
    refused = models.TextField(blank=True, help_text="why it could not be separated, where that lies in the file")
    notes = models.JSONField(default=list, help_text="what its owner should know of the file, in words")
    created = models.DateTimeField(default=now, editable=False)
    asked = models.DateTimeField(null=True, blank=True, help_text="when somebody last asked for it to be separated")
    removed = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(size__gt=0), name="no_empty_sent_song")]
        indexes = [models.Index(fields=["who", "created"], name="sent_songs_of_a_person")]

    def __str__(self) -> str:
        return f"{self.path or 'a song that was removed'} of {self.who}"

    @property
    def is_open(self) -> bool:
        """Whether its bytes may still come: nobody has asked for it to be separated."""
        return self.removed is None and self.job is None

    @property
    def is_under_way(self) -> bool:
        return self.job is not None and self.job.is_open

    @property
    def is_done(self) -> bool:
        return self.removed is None and not self.refused and self.job is not None and self.job.state == Job.State.DONE

    @property
    def goes(self) -> datetime:
        """When it is removed by itself."""
        return self.created + timedelta(days=settings.SEPARATED_DAYS)

    @property
    def folder(self) -> Path:
        return Path(settings.HOME) / "separated" / self.key.hex

    @property
    def part(self) -> Path:
        return self.folder / "file.part"

    @property
    def whole(self) -> Path:
        """The file as it was sent, until its mix was read."""
        return self.folder / "sent" / self.path

    @property
    def offset(self) -> int:
        """Bytes that are here."""
        return next((file.stat().st_size for file in (self.whole, self.part) if file.is_file()), 0)

    @property
    def percent(self) -> int:
        return 100 * self.offset // self.size

    def sound(self, name: str) -> Path | None:
        """The file of one of `SOUNDS`: FLAC, or float WAV where it is over full scale; None: it is not there."""
        assert name in self.SOUNDS
        return next((file for suffix in (".flac", ".wav") if (file := self.folder / f"{name}{suffix}").is_file()), None)
