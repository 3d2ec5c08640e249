"""Jobs: the state of one piece of long work."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from annotation.models import Campaign, Track

DEAD_AFTER = timedelta(seconds=30)  # a worker beats every five seconds while it works; heard nothing for this long, it is dead
MAX_ATTEMPTS = 3  # in a row that come no further than those before
MOST_SAID = 200  # characters; a track's name alone may have as many
WAITS_FOR_ROOM = "waits for room on the disk"  # how what such a job is at begins


DELETED = Exists(Campaign.objects.filter(pk=OuterRef("campaign"), deleted__isnull=False))
"""That a row's campaign was deleted. As a question of its own: joined, its row would be locked too, or old states be read."""


class Lost(Exception):
    """This worker no longer owns its job: it was thought dead, or the job was cancelled."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.pk}, attempt {job.attempt}, belongs to another worker now")


class Job(models.Model):
    """Owns the state of one piece of long work; the row that it works for points at it."""

    class Kind(models.TextChoices):
        SCORE = "score"
        ADAPT = "adapt"
        BASELINE = "baseline", "replay without feedback"
        BASE = "base"
        RESCORE = "rescore", "scoring the rest of the pool"
        INGEST = "ingest"
        TRIAL = "trial", "trying a base"
        SEPARATE = "separate", "separating one track"
        CHECK = "check", "checking an uploaded base"
        REMAKE = "remake", "making a checkpoint again"
        EXPORT = "export", "writing data out"
        SYNC = "sync", "keeping in step with a Label Studio server"
        WEIGHTS = "weights", "writing a checkpoint for other tools"
        SONG = "song", "separating a song that was sent"
        IMPORT = "import", "reading data in"

    PATIENT = (Kind.BASELINE, Kind.RESCORE, Kind.TRIAL, Kind.REMAKE)  # nobody waits for these, unless somebody has moved one up
    WITHOUT_GPU = (Kind.INGEST, Kind.EXPORT, Kind.SYNC, Kind.IMPORT)  # in a queue of their own

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    heartbeat = models.DateTimeField(null=True, blank=True)
    sent = models.DateTimeField(
        default=now, null=True, blank=True, help_text="when its message was last put into the queue; empty: it gives way"
    )
    priority = models.SmallIntegerField(
        default=0, help_text="of the waiting jobs of a queue the one with the highest begins first; above 0 it gives way to none"
    )
    step = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    reached = models.PositiveIntegerField(default=0, help_text="the furthest step at which an attempt was cut short")
    no_further = models.PositiveIntegerField(default=0, help_text="attempts in a row that were cut short at that step or before it")
    doing = models.CharField(max_length=MOST_SAID, blank=True, help_text="what it is at, in words")
    in_hand = models.ForeignKey(
        Track,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="the track that it works with now",
    )
    suspect = models.ForeignKey(
        Track, models.PROTECT, null=True, blank=True, related_name="+", help_text="the track that its worker had in hand when it died last"
    )
    log = models.TextField(blank=True)
    reason = models.TextField(blank=True, help_text="why it failed")
    created = models.DateTimeField(default=now, editable=False)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "heartbeat"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.state}"

    @classmethod
    def claim(cls, pk: int) -> Job | None:
        """Take a queued job, or None when another worker was quicker, or when it is a patient one and somebody waits for other work.

        Nobody takes one of a campaign that was deleted, nor one while another of its queue has a higher priority: messages come in
        their own order, whatever the broker, and `services.stand_back` sends them again.

        One that gives way has spent its message; `services.send_patient_jobs` sends another when nothing else waits.
        """
        queued = cls.objects.filter(~DELETED, pk=pk, state=cls.State.QUEUED)
        patient = Q(kind__in=cls.PATIENT, priority__lte=0)
        taken = (
            queued.exclude(patient & Exists(cls.urgent()))
            .exclude(cls.is_behind())
            .update(state=cls.State.RUNNING, attempt=F("attempt") + 1, heartbeat=Now(), started=now(), doing="")
        )
        if taken:
            return cls.objects.get(pk=pk)
        queued.filter(patient & Exists(cls.urgent())).update(sent=None)
        return None

    @classmethod
    def is_behind(cls) -> Q:
        """That a job of the same queue has a higher priority and waits for nothing but a worker, for a query on jobs."""
        higher = cls.urgent().filter(priority__gt=OuterRef("priority")).exclude(doing__startswith=WAITS_FOR_ROOM)
        without = Q(kind__in=cls.WITHOUT_GPU)
        return Q(without & Q(Exists(higher.filter(without)))) | Q(~without & Q(Exists(higher.exclude(without))))

    @classmethod
    def urgent(cls) -> models.QuerySet[Job]:
        """Queued jobs of any campaign that people wait for."""
        return cls.objects.filter(~DELETED, state=cls.State.QUEUED).exclude(kind__in=cls.PATIENT, priority__lte=0)

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def gives_way(self) -> bool:
        """Whether it waits for a moment when nothing else does."""
        return self.is_patient and self.state == self.State.QUEUED

    @property
    def is_patient(self) -> bool:
        """Whether nobody waits for it."""
        return self.kind in self.PATIENT and self.priority <= 0

    @property
    def waits_for_room(self) -> bool:
        """Whether it found the disk full and is sent again every minute until it does not."""
        return self.state == self.State.QUEUED and self.doing.startswith(WAITS_FOR_ROOM)

    @classmethod
    def waiting_for_room(cls) -> models.QuerySet[Job]:
        """The queued jobs that found the disk full."""
        return cls.objects.filter(state=cls.State.QUEUED, doing__startswith=WAITS_FOR_ROOM)

    @property
    def percent(self) -> int:
        return round(100 * self.step / self.total) if self.total else 0

    def mine(self) -> models.QuerySet[Job]:
        """This job's row, if this attempt still owns it; every later write goes through here."""
        return Job.objects.filter(pk=self.pk, state=self.State.RUNNING, attempt=self.attempt)

    def beat(self, step: int | None = None, total: int | None = None, doing: str | None = None) -> None:
        """Say that the work lives and how far it is; raises `Lost` when another attempt owns it."""
        said = {"step": step, "total": total, "doing": doing and doing[:MOST_SAID]}
        # By the database's clock: workers and the clock that judges them may run on machines that disagree about the time.
        if not self.mine().update(heartbeat=Now(), **{name: value for name, value in said.items() if value is not None}):
            raise Lost(self)

    def work_on(self, track: Track | None, doing: str = "") -> None:
        """Say which track is in hand now, None after the last; raises `Lost` when another attempt owns the job."""
        if not self.mine().update(in_hand=track, doing=doing[:MOST_SAID]):
            raise Lost(self)

    def hold(self) -> None:
        """Lock this job's row until the transaction ends, if this attempt still owns it; else raise `Lost`."""
        if not self.mine().select_for_update().exists():
            raise Lost(self)
