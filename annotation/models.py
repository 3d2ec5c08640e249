"""Rows of what people do: campaigns, people, tracks, tasks, answers, consensus and what happened.

All times are seconds from the start of the *track*. Files are named by keys of the content-addressed storage
(`annotation.storage`), never by paths. A checkpoint is named by its hash only: no foreign key points upwards.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.regions import Region


class Campaign(models.Model):
    """One shared model, a pool of tracks, people, and the rules they work by."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    stem = models.CharField(max_length=20, default="vocals", help_text="the stem whose estimate people listen to")
    instructions = models.TextField(
        blank=True, help_text="what annotators of this campaign should know besides; the page explains the rest"
    )
    instruction_version = models.PositiveIntegerField(default=1)
    clip_seconds = models.FloatField(default=15.0, help_text="length of a task's clip, 10-30 s")
    clips_per_round = models.PositiveIntegerField(default=6)
    random_share = models.FloatField(default=1 / 3, help_text="share of clips chosen at random, so that the gain of choosing is known")
    min_overlap = models.PositiveIntegerField(default=3, help_text="answers asked for before consensus is taken")
    max_overlap = models.PositiveIntegerField(default=5, help_text="answers at most; then the task closes as contested")
    certainty = models.FloatField(
        default=0.9, help_text="0-1; below it one more person is asked: the frame F1 that the consensus expects of itself"
    )
    lease_seconds = models.PositiveIntegerField(default=900)
    recipe = models.JSONField(default=dict, blank=True, help_text="what differs from the default recipe of an adaptation")
    max_rounds = models.PositiveIntegerField(null=True, blank=True, help_text="no round is opened after this one; empty: no end")
    compare_with_replay = models.BooleanField(
        default=True, help_text="after each adaptation, run the same steps on replay without feedback"
    )
    seed = models.PositiveBigIntegerField(default=0)
    paused = models.BooleanField(default=False, help_text="no new round starts while paused")
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(clip_seconds__gte=10, clip_seconds__lte=30), name="clip_of_10_to_30_seconds"),
            models.CheckConstraint(condition=Q(min_overlap__gte=1, max_overlap__gte=F("min_overlap")), name="overlap_min_to_max"),
            models.CheckConstraint(condition=Q(random_share__gte=0, random_share__lte=1), name="random_share_is_a_share"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person (or simulated annotator) in one campaign; marks belong to it, so a person can leave and stay anonymous."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        REVIEWER = "reviewer"
        ANNOTATOR = "annotator"

    class Kind(models.TextChoices):
        HUMAN = "human"
        SIMULATED = "simulated"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.ANNOTATOR)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.HUMAN)
    pseudonym = models.CharField(max_length=60)
    habits = models.JSONField(default=dict, blank=True, help_text="of a simulated annotator: how it hears and errs")
    active = models.BooleanField(default=True)
    consent_version = models.PositiveIntegerField(default=1)
    joined = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "user"], name="one_membership_each"),
            models.UniqueConstraint(fields=["campaign", "pseudonym"], name="one_pseudonym_each"),
        ]

    def __str__(self) -> str:
        return f"{self.pseudonym} in {self.campaign}"

    @property
    def manages(self) -> bool:
        """Whether this person may see everybody's work and steer the loop."""
        return self.active and self.role in (self.Role.OWNER, self.Role.MANAGER)


class Reliability(models.Model):
    """The stored fit of how one member marks, made when a round is frozen; closing a single task weighs people by it."""

    membership = models.OneToOneField(Membership, models.CASCADE, related_name="reliability")
    sensitivity = models.FloatField(help_text="share of true false-positive frames that the person marks")
    specificity = models.FloatField(help_text="share of right frames that the person leaves unmarked")
    onset_lag = models.FloatField(help_text="seconds")
    offset_lag = models.FloatField(help_text="seconds")
    n_tasks = models.PositiveIntegerField()
    fitted = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.membership.pseudonym}: sensitivity {self.sensitivity:.2f}, specificity {self.specificity:.2f}"


class Track(models.Model):
    """A song of a campaign. Held out once, held out always: `use` never changes."""

    class Use(models.TextChoices):
        POOL = "pool"
        REPLAY = "replay"
        VALIDATION = "validation"
        GATE = "gate"
        TEST = "test"

    class Domain(models.TextChoices):
        SOURCE = "source"
        TARGET = "target"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="tracks")
    name = models.CharField(max_length=200)
    use = models.CharField(max_length=10, choices=Use)
    domain = models.CharField(max_length=10, choices=Domain)
    artist = models.CharField(max_length=200, blank=True)
    album = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    duration = models.FloatField(help_text="seconds")
    sample_rate = models.PositiveIntegerField(help_text="of the original, Hz")
    channels = models.PositiveSmallIntegerField(help_text="of the original: 1 or 2")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over the original files; the same song is taken once")
    kept_apart = models.BooleanField(default=False, help_text="pool track whose marks only the gate sees")
    added = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "fingerprint"], name="one_track_per_fingerprint"),
            models.CheckConstraint(condition=Q(duration__gt=0), name="track_has_length"),
            models.CheckConstraint(condition=Q(channels__in=[1, 2]), name="track_is_mono_or_stereo"),
        ]
        indexes = [models.Index(fields=["campaign", "use", "domain"])]

    def __str__(self) -> str:
        return self.name


class Stem(models.Model):
    """One part of a track as sound: mixture, vocals, accompaniment, drums, bass, other, any."""

    track = models.ForeignKey(Track, models.PROTECT, related_name="stems")
    name = models.CharField(max_length=20)
    file = models.CharField(max_length=120, help_text="storage key; the original file, bit for bit, unless derived")
    derived = models.BooleanField(default=False, help_text="computed from the two other stems")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "name"], name="one_stem_of_a_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.track}"


class Estimate(models.Model):
    """What one checkpoint extracted as a stem from one track."""

    track = models.ForeignKey(Track, models.PROTECT, related_name="estimates")
    stem = models.CharField(max_length=20)
    checkpoint = models.CharField(max_length=64, help_text="hash of the checkpoint")
    file = models.CharField(max_length=120, help_text="storage key")
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "stem", "checkpoint"], name="one_estimate_per_checkpoint")]

    def __str__(self) -> str:
        return f"{self.stem} of {self.track} by {self.checkpoint[:8]}"


class Task(models.Model):
    """A clip of an estimate put before annotators."""

    class Kind(models.TextChoices):
        POOL = "pool"
        GOLD = "gold"
        PRACTICE = "practice"

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        WITHDRAWN = "withdrawn"

    class Arm(models.TextChoices):
        SCORE = "score"
        RANDOM = "random"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="tasks")
    track = models.ForeignKey(Track, models.PROTECT, related_name="tasks")
    stem = models.CharField(max_length=20)
    checkpoint = models.CharField(max_length=64, help_text="hash of the checkpoint whose estimate is heard")
    round_number = models.PositiveIntegerField(default=1, help_text="the round that this task was opened for")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the clip")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.POOL)
    arm = models.CharField(max_length=10, choices=Arm)
    chance = models.FloatField(help_text="probability with which this clip was chosen")
    reason = models.CharField(max_length=200, help_text="why this clip, in words")
    kept_apart = models.BooleanField(default=False, help_text="its marks are shown to the gate only")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    contested = models.BooleanField(default=False, help_text="closed at the most answers without enough agreement")
    min_overlap = models.PositiveIntegerField()
    max_overlap = models.PositiveIntegerField()
    overlap = models.PositiveIntegerField(help_text="answers wanted now: from min to max")
    taken = models.PositiveIntegerField(default=0, help_text="live leases and accepted answers together")
    opened = models.DateTimeField(default=now, editable=False)
    closed = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # A withdrawn task was never heard: after a roll-back its clip may be chosen again for the same checkpoint.
            models.UniqueConstraint(
                fields=["track", "stem", "checkpoint", "start", "kind"], condition=~Q(state="withdrawn"), name="one_task_per_clip"
            ),
            models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="clip_runs_forward"),
            models.CheckConstraint(condition=Q(chance__gt=0, chance__lte=1), name="chance_is_a_probability"),
            models.CheckConstraint(
                condition=Q(min_overlap__gte=1, overlap__gte=F("min_overlap"), max_overlap__gte=F("overlap")), name="task_overlap_in_order"
            ),
            models.CheckConstraint(condition=Q(taken__gte=0, taken__lte=F("max_overlap")), name="slots_within_max"),
        ]
        indexes = [
            models.Index(fields=["campaign", "round_number", "state"]),
            models.Index(fields=["campaign", "id"], condition=Q(state="open"), name="open_tasks"),
        ]

    def __str__(self) -> str:
        return f"{self.track} {self.start:.0f}-{self.end:.0f} s"

    @property
    def clip(self) -> Region:
        return Region(self.start, self.end)


class Assignment(models.Model):
    """A lease: this member has this task in hand until `lease_until`."""

    class State(models.TextChoices):
        LEASED = "leased"
        DONE = "done"
        SKIPPED = "skipped"
        EXPIRED = "expired"

    class SkipReason(models.TextChoices):
        BAD_AUDIO = "bad audio"
        CANNOT_DECIDE = "cannot decide"
        OFFENSIVE = "offensive"
        TECHNICAL = "technical"

    task = models.ForeignKey(Task, models.PROTECT, related_name="assignments")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="assignments")
    state = models.CharField(max_length=10, choices=State, default=State.LEASED)
    skip_reason = models.CharField(max_length=20, choices=SkipReason, blank=True)
    taken_at = models.DateTimeField(default=now, editable=False)
    lease_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "by"], condition=Q(state__in=["leased", "done"]), name="one_live_assignment_each"),
            models.UniqueConstraint(fields=["by"], condition=Q(state="leased"), name="one_task_in_hand"),
        ]
        indexes = [models.Index(fields=["lease_until"], condition=Q(state="leased"), name="live_leases")]

    def __str__(self) -> str:
        return f"{self.task} for {self.by.pseudonym}: {self.state}"


class Draft(models.Model):
    """Unfinished work on a task, as the editor's result JSON (clip seconds); it survives the tab, the device and the lease."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="drafts")
    by = models.ForeignKey(Membership, models.CASCADE, related_name="drafts")
    result = models.JSONField()
    saved = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "by"], name="one_draft_each")]

    def __str__(self) -> str:
        return f"draft of {self.by.pseudonym} on {self.task}"


class Submission(models.Model):
    """One person's answer to one task; never changed, only superseded. No marks in it means: heard nothing wrong."""

    class Status(models.TextChoices):
        ACCEPTED = "accepted"
        SURPLUS = "surplus"
        SUPERSEDED = "superseded"
        WITHDRAWN = "withdrawn"

    task = models.ForeignKey(Task, models.PROTECT, related_name="submissions")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="submissions")
    revision = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status)
    client_key = models.UUIDField(unique=True, help_text="made by the page; sent again after a lost answer")
    result = models.JSONField(help_text="Label Studio's result as received (clip seconds)")
    lead_time = models.FloatField(default=0, help_text="seconds from the task's opening in the page to the answer")
    heard = models.JSONField(default=list, help_text="stretches that were played: [[start, end], …] in track seconds")
    consent_version = models.PositiveIntegerField()
    instruction_version = models.PositiveIntegerField()
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "by"], condition=Q(status="accepted"), name="one_accepted_answer_each"),
            models.UniqueConstraint(fields=["task", "by", "revision"], name="revisions_are_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.by.pseudonym} on {self.task}: {self.status}"


class Mark(models.Model):
    """A stretch where an annotator heard voice that should have been silence."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="marks")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the mark")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="mark_runs_forward")]

    def __str__(self) -> str:
        return f"{self.start:.2f}-{self.end:.2f} s"

    @property
    def region(self) -> Region:
        return Region(self.start, self.end)


class Consensus(models.Model):
    """What the answers to one task agree on; a later version never overwrites an earlier one."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="consensuses")
    version = models.PositiveIntegerField()
    method = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict)
    certainty = models.FloatField(help_text="0-1: the frame F1 that the consensus expects of itself")
    submissions = models.ManyToManyField(Submission, related_name="used_in")
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "version"], name="one_consensus_per_version")]

    def __str__(self) -> str:
        return f"consensus {self.version} of {self.task}"


class ConsensusRegion(models.Model):
    """A stretch that the crowd agrees should be silent, with its probability."""

    consensus = models.ForeignKey(Consensus, models.PROTECT, related_name="regions")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the region")
    probability = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="consensus_region_runs_forward"),
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="consensus_probability"),
        ]

    def __str__(self) -> str:
        return f"{self.start:.2f}-{self.end:.2f} s ({self.probability:.0%})"


class Event(models.Model):
    """What happened in a campaign, by whom; only ever added to."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="events")
    who = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, help_text="empty: the platform itself")
    what = models.CharField(max_length=40)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    when = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["campaign", "-id"])]

    def __str__(self) -> str:
        return f"{self.when:%Y-%m-%d %H:%M:%S} {self.what}"
