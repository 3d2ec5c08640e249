"""Clips put before annotators, who has which in hand, and unfinished work."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.core.regions import Region
from annotation.models.campaigns import Campaign
from annotation.models.people import Membership
from annotation.models.tracks import Track


class Task(models.Model):
    """A clip of an estimate put before annotators."""

    class Kind(models.TextChoices):
        POOL = "pool"
        GOLD = "gold"

    class State(models.TextChoices):
        OPEN = "open"
        IN_REVIEW = "in review"
        CLOSED = "closed"
        WITHDRAWN = "withdrawn"

    class Arm(models.TextChoices):
        SCORE = "score"
        RANDOM = "random"

    class Question(models.TextChoices):
        DRAW = "draw", "draw marks"
        QUICK = "quick", "quick questions: yes, no or cannot tell, of each segment"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="tasks")
    track = models.ForeignKey(Track, models.PROTECT, related_name="tasks")
    stem = models.CharField(max_length=20)
    checkpoint = models.CharField(max_length=64, help_text="hash of the checkpoint whose estimate is heard")
    round_number = models.PositiveIntegerField(default=1, help_text="the round that this task was opened for")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the clip")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.POOL)
    arm = models.CharField(max_length=10, choices=Arm, help_text="score: chosen by its score; random: it belongs to the control group")
    chance = models.FloatField(help_text="probability with which this clip was chosen")
    reason = models.CharField(max_length=200, help_text="why this clip, in words")
    strategy = models.CharField(max_length=20, blank=True, help_text="of the campaign's `choosing`; empty: not said when it was chosen")
    parts = models.JSONField(default=dict, blank=True, help_text="what its score is made of: {name: number}")
    question = models.CharField(max_length=10, choices=Question, default=Question.DRAW, help_text="what people are asked to do")
    segments = models.JSONField(
        null=True, blank=True, help_text="what quick questions are about: [[start, end], …] in clip seconds; empty until it is first given"
    )
    kept_apart = models.BooleanField(default=False, help_text="its marks are shown to the gate only")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    contested = models.BooleanField(default=False, help_text="people did not agree enough; a reviewer decides, or has decided")
    min_overlap = models.PositiveIntegerField()
    max_overlap = models.PositiveIntegerField()
    overlap = models.PositiveIntegerField(help_text="answers wanted now: from min to max")
    taken = models.PositiveIntegerField(default=0, help_text="slots in use: leases, accepted answers, and skips that count as one")
    asked_again = models.PositiveIntegerField(
        null=True, blank=True, help_text="the later round that asked one more person about it and waits for them; empty: none"
    )
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
            models.CheckConstraint(condition=~Q(state="in review") | Q(contested=True), name="only_contested_tasks_are_reviewed"),
        ]
        indexes = [
            models.Index(fields=["campaign", "round_number", "state"]),
            # The queue in the order in which it is handed out; full tasks are not in it, so its head stays short.
            models.Index("campaign", F("taken").desc(), "id", condition=Q(state="open", taken__lt=F("overlap")), name="free_slots"),
            models.Index(fields=["campaign", "id"], condition=Q(state="open", taken__gte=F("overlap")), name="full_tasks"),
            models.Index(fields=["campaign", "id"], condition=Q(state="in review"), name="tasks_in_review"),
        ]

    def __str__(self) -> str:
        return f"{self.track} {self.start:.0f}-{self.end:.0f} s"

    @property
    def clip(self) -> Region:
        return Region(self.start, self.end)


class Assignment(models.Model):
    """A lease: this member has this task in hand, or ahead, until `lease_until`; and afterwards, how it ended."""

    class State(models.TextChoices):
        LEASED = "leased"
        DONE = "done"
        SKIPPED = "skipped"  # its slot is free for others
        IGNORED = "ignored"  # skipped, and its slot is spent: nobody is asked in its stead
        RETURNED = "returned"  # skipped, and comes back to the same member once
        EXPIRED = "expired"

    GIVEN = (State.LEASED, State.DONE, State.SKIPPED, State.IGNORED)
    """After these its member is not given the task again."""

    GIVEN_UP = (State.SKIPPED, State.IGNORED, State.RETURNED)
    """So a skip ends."""

    IN_HAND, MOST_AHEAD = 0, 2

    class SkipReason(models.TextChoices):
        BAD_AUDIO = "bad audio"
        CANNOT_DECIDE = "cannot decide"
        OFFENSIVE = "offensive"
        TECHNICAL = "technical"

    task = models.ForeignKey(Task, models.PROTECT, related_name="assignments")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="assignments")
    state = models.CharField(max_length=10, choices=State, default=State.LEASED)
    skip_reason = models.CharField(max_length=20, choices=SkipReason, blank=True)
    place = models.PositiveSmallIntegerField(default=IN_HAND, help_text="0: the task in hand; 1 and 2: fetched ahead of it")
    taken_at = models.DateTimeField(default=now, editable=False)
    lease_until = models.DateTimeField(help_text="by the database's clock; of a skip, when that was")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "by"], condition=Q(state__in=["leased", "done"]), name="one_live_assignment_each"),
            models.UniqueConstraint(fields=["by", "place"], condition=Q(state="leased"), name="one_lease_in_each_place"),
            models.CheckConstraint(condition=Q(place__lte=2), name="one_task_in_hand_and_two_ahead"),
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
