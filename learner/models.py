"""Rows of what the machine does: rounds, feedback, adaptations, jobs, checkpoints, evaluations, scores."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import models
from django.db.models import Exists, F, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.models import Campaign, Consensus, ConsensusRegion, Membership, Track

DEAD_AFTER = timedelta(seconds=30)  # a worker beats every five seconds while it works; heard nothing for this long, it is dead
MAX_ATTEMPTS = 3  # in a row that come no further than those before
MOST_SAID = 200  # characters; a track's name alone may have as many
WAITS_FOR_ROOM = "waits for room on the disk"  # how what such a job is at begins


class Lost(Exception):
    """This worker no longer owns its job: it was thought dead, or the job was cancelled."""


class UnfitCheckpoint(DomainError, ValueError):
    """A campaign cannot run with this checkpoint."""

    status = HTTPStatus.BAD_REQUEST


class FileRemoved(DomainError):
    """The file of this checkpoint is gone; its row, figures and verdicts are there."""

    status = HTTPStatus.GONE


class Job(models.Model):
    """Owns the state of one piece of long work; the row that it works for points at it."""

    class Kind(models.TextChoices):
        SCORE = "score"
        ADAPT = "adapt"
        BASELINE = "baseline", "replay without feedback"

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
        default=now, null=True, blank=True, help_text="when its message was last put into the queue; empty: a comparison that gives way"
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
        """Take a queued job, or None when another worker was quicker, or when it is a comparison and somebody waits for other work.

        A comparison that gives way has spent its message; `services.send_comparisons` sends another when nothing else waits.
        """
        queued = cls.objects.filter(pk=pk, state=cls.State.QUEUED)
        comparison = Q(kind=cls.Kind.BASELINE)
        taken = queued.exclude(comparison & Exists(cls.urgent())).update(
            state=cls.State.RUNNING, attempt=F("attempt") + 1, heartbeat=Now(), started=now(), doing=""
        )
        if taken:
            return cls.objects.get(pk=pk)
        queued.filter(comparison).update(sent=None)
        return None

    @classmethod
    def urgent(cls) -> models.QuerySet[Job]:
        """Queued jobs of any campaign that people wait for: all but comparisons."""
        return cls.objects.filter(state=cls.State.QUEUED).exclude(kind=cls.Kind.BASELINE)

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def gives_way(self) -> bool:
        """Whether it is a comparison that waits for a moment when nothing else does."""
        return self.kind == self.Kind.BASELINE and self.state == self.State.QUEUED

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
            raise Lost(f"job {self.pk}, attempt {self.attempt}, belongs to another worker now")

    def take(self, track: Track | None, doing: str = "") -> None:
        """Say which track is in hand now, None after the last; raises `Lost` when another attempt owns the job."""
        if not self.mine().update(in_hand=track, doing=doing[:MOST_SAID]):
            raise Lost(f"job {self.pk}, attempt {self.attempt}, belongs to another worker now")

    def hold(self) -> None:
        """Lock this job's row until the transaction ends, if this attempt still owns it; else raise `Lost`."""
        if not self.mine().select_for_update().exists():
            raise Lost(f"job {self.pk}, attempt {self.attempt}, belongs to another worker now")


class Checkpoint(models.Model):
    """A state of a separation model, named by the hash of its file; belongs to no campaign."""

    hash = models.CharField(max_length=64, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    file = models.CharField(max_length=120, help_text="storage key")
    recipe = models.JSONField(default=dict)
    stem = models.CharField(max_length=20)
    sample_rate = models.PositiveIntegerField()
    channels = models.PositiveSmallIntegerField()
    code_version = models.CharField(max_length=40)
    seed = models.BigIntegerField(null=True, blank=True)
    created = models.DateTimeField(default=now, editable=False)
    file_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="when the rule for checkpoints that no round used let its file go; empty: it is there"
    )

    def __str__(self) -> str:
        return self.short

    @property
    def removed(self) -> str:
        """What to say of its file where a rule let it go; empty: it is there."""
        return f"Its file was removed on {self.file_removed_at:%Y-%m-%d}, by the rule." if self.file_removed_at else ""

    @property
    def stored(self) -> str:
        """The storage key of its file. Raises `FileRemoved`."""
        if self.removed:
            raise FileRemoved(f"Checkpoint {self.short}: {self.removed}")
        return self.file

    @property
    def short(self) -> str:
        return self.hash[:8]


class ReleasedFile(models.Model):
    """A file that a rule has let go and that is not removed yet; the removal looks whether another row names it."""

    file = models.CharField(max_length=120, unique=True, help_text="storage key")
    since = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.file


class SharedModel(models.Model):
    """The one row that says which checkpoint a campaign uses now."""

    campaign = models.OneToOneField(Campaign, models.PROTECT, related_name="shared_model")
    current = models.ForeignKey(Checkpoint, models.PROTECT, related_name="+")
    changed = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.campaign}: {self.current}"


class Round(models.Model):
    """One turn of the loop: tasks, answers, feedback, adaptation, verdict."""

    class State(models.TextChoices):
        SCORING = "scoring", "choosing clips"
        ANNOTATING = "annotating", "people are listening"
        ADAPTING = "adapting"
        PROMOTED = "promoted"
        REFUSED = "refused"
        FAILED = "failed"
        EMPTY = "empty", "nothing was marked"
        EXHAUSTED = "exhausted", "no clips left"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey(Checkpoint, models.PROTECT, related_name="+", help_text="the checkpoint that people listen to")
    scoring = models.OneToOneField(Job, models.PROTECT, related_name="scoring_round")
    state = models.CharField(max_length=10, choices=State, default=State.SCORING)
    opened = models.DateTimeField(default=now, editable=False)
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="when it began to wait for its reviewers alone")
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="rounds_are_counted"),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(state__in=["scoring", "annotating", "adapting"]), name="one_open_round_per_campaign"
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.number} of {self.campaign}"

    @property
    def reviewers_until(self) -> datetime | None:
        """Until when this round waits for its reviewers; None: it does not."""
        if self.waiting_since is None or self.state != self.State.ANNOTATING:
            return None
        return self.waiting_since + timedelta(hours=self.campaign.review_wait_hours)


class FeedbackSet(models.Model):
    """What an adaptation learns from: the consensus of all rounds so far, frozen. Never changed."""

    round = models.OneToOneField(Round, models.PROTECT, related_name="feedback_set")
    content_hash = models.CharField(max_length=64)
    made = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"feedback of {self.round} ({self.content_hash[:8]})"


class FeedbackClip(models.Model):
    """One listened clip of a feedback set: outside its regions people heard nothing wrong."""

    feedback_set = models.ForeignKey(FeedbackSet, models.PROTECT, related_name="clips")
    consensus = models.ForeignKey(Consensus, models.PROTECT, related_name="+")
    track = models.ForeignKey(Track, models.PROTECT, related_name="+")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds")
    kept_apart = models.BooleanField(help_text="for the gate only; nothing learns from it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feedback_set", "consensus"], name="one_feedback_clip_per_consensus")]

    def __str__(self) -> str:
        return f"{self.track} {self.start:.0f}-{self.end:.0f} s"


class FeedbackItem(models.Model):
    """One consensus region as it was learned from; leads back to the submissions, and they to it."""

    feedback_set = models.ForeignKey(FeedbackSet, models.PROTECT, related_name="items")
    clip = models.ForeignKey(FeedbackClip, models.PROTECT, related_name="items")
    region = models.ForeignKey(ConsensusRegion, models.PROTECT, related_name="feedback_items")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds")
    weight = models.FloatField(help_text="probability of the region")

    def __str__(self) -> str:
        return f"{self.start:.2f}-{self.end:.2f} s"


class Adaptation(models.Model):
    """One fine-tuning of a checkpoint on a feedback set, with its verdict."""

    class Verdict(models.TextChoices):
        PENDING = "pending"
        PROMOTED = "promoted"
        REFUSED = "refused"
        STALE = "stale", "stale: another checkpoint was promoted meanwhile"
        FAILED = "failed"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="adaptations")
    feedback_set = models.OneToOneField(FeedbackSet, models.PROTECT, related_name="adaptation")
    job = models.OneToOneField(Job, models.PROTECT, related_name="adaptation")
    baseline_job = models.OneToOneField(Job, models.PROTECT, null=True, blank=True, related_name="baseline_of")
    parent = models.ForeignKey(Checkpoint, models.PROTECT, related_name="adaptations")
    child = models.ForeignKey(Checkpoint, models.PROTECT, null=True, blank=True, related_name="made_by")
    replay_only = models.ForeignKey(
        Checkpoint, models.PROTECT, null=True, blank=True, related_name="+", help_text="the same steps on replay, without feedback"
    )
    recipe = models.JSONField(default=dict)
    seed = models.PositiveBigIntegerField()
    report = models.JSONField(default=dict, help_text="what the learner says of the run")
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.PENDING)
    reasons = models.JSONField(default=list, help_text="the gate's reasons in words")
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(verdict="pending"), name="one_open_adaptation_per_campaign")
        ]

    def __str__(self) -> str:
        return f"adaptation of {self.parent} in {self.campaign}: {self.verdict}"


class Evaluation(models.Model):
    """One figure: a subject, measured on the songs of one use and domain."""

    class Subject(models.TextChoices):
        CHECKPOINT = "checkpoint"
        SILENCE = "silence"
        MIXTURE = "mixture"
        GAIN = "gain", "parent with its best constant gain"
        REPLAY_ONLY = "replay only", "replay without feedback"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="evaluations")
    subject = models.CharField(max_length=12, choices=Subject, default=Subject.CHECKPOINT)
    checkpoint = models.ForeignKey(
        Checkpoint, models.PROTECT, null=True, blank=True, related_name="evaluations", help_text="empty for silence and the mixture"
    )
    use = models.CharField(max_length=10, choices=Track.Use)
    domain = models.CharField(max_length=10, choices=Track.Domain)
    metric = models.CharField(max_length=60)
    value = models.FloatField(null=True, help_text="empty: undefined for these songs")
    low = models.FloatField(null=True, help_text="lower end of the 95 % interval over songs")
    high = models.FloatField(null=True, help_text="upper end of the 95 % interval over songs")
    n_songs = models.PositiveIntegerField()
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "subject", "checkpoint", "use", "domain", "metric"], name="one_figure_each", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.use}/{self.domain} {self.metric}: {self.value}"


class Score(models.Model):
    """How much a clip of a pool track is worth a person's minute, as one checkpoint sees it."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="scores")
    track = models.ForeignKey(Track, models.PROTECT, related_name="scores")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds")
    uncertainty = models.FloatField(null=True, blank=True, help_text="spread over dropout passes, mean over the clip; empty: no dropout")
    predicted_leak = models.FloatField(help_text="how little the estimate rests within the clip")
    value = models.FloatField(help_text="what clips are ranked by: uncertainty and predicted leak together, or the leak alone")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkpoint", "track", "start"], name="one_score_per_clip")]

    def __str__(self) -> str:
        return f"{self.track} {self.start:.0f} s: {self.value:.2f}"


__all__ = [
    "DEAD_AFTER",
    "MAX_ATTEMPTS",
    "Adaptation",
    "Campaign",
    "Checkpoint",
    "Evaluation",
    "FeedbackClip",
    "FeedbackItem",
    "FeedbackSet",
    "FileRemoved",
    "Job",
    "Lost",
    "Membership",
    "ReleasedFile",
    "Round",
    "Score",
    "SharedModel",
    "UnfitCheckpoint",
]
