"""Rounds: what was agreed on and frozen, and what was learned from it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q, Sum
from django.utils.timezone import now

from annotation.models import Campaign, Consensus, ConsensusRegion, Track
from learner.models.checkpoints import Checkpoint
from learner.models.jobs import Job


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

    UNDER_WAY = (State.SCORING, State.ANNOTATING, State.ADAPTING)

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey(Checkpoint, models.PROTECT, related_name="+", help_text="the checkpoint that people listen to")
    scoring = models.OneToOneField(Job, models.PROTECT, related_name="scoring_round")
    state = models.CharField(max_length=10, choices=State, default=State.SCORING)
    opened = models.DateTimeField(default=now, editable=False)
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="when it began to wait for its reviewers alone")
    finished = models.DateTimeField(null=True, blank=True)
    choosing = models.JSONField(
        default=dict,
        blank=True,
        help_text="how its clips were chosen: strategy, what foretold the leak, and how well it had done so before",
    )

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
    regions = models.PositiveIntegerField(default=0, help_text="that are learned from; they never change: counted once")
    made = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"feedback of {self.round} ({self.content_hash[:8]})"

    def seconds(self) -> float:
        """In its regions together."""
        return float(self.items.aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"])


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
    rests_on = models.JSONField(
        default=dict, blank=True, help_text="reason -> [evidence, metric, against] of the songs or clips that it rests on"
    )
    advice = models.JSONField(default=list, blank=True, help_text="what to do, in words, from all figures of the round")
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(verdict="pending"), name="one_open_adaptation_per_campaign")
        ]

    def __str__(self) -> str:
        return f"adaptation of {self.parent} in {self.campaign}: {self.verdict}"


class JudgedSong(models.Model):
    """One song, or kept-apart clip, that parent and child were measured on in one round, and the stretch where they differ most."""

    class Kind(models.TextChoices):
        GATE = "gate", "gate song"
        TEST = "test", "test song"
        RANDOM = "random", "kept-apart clip, drawn at random"
        SCORED = "scored", "kept-apart clip, chosen by score"

    PARENT, CHILD, BASE, REPLAY, MIXTURE = "parent", "child", "base", "replay only", "mixture"

    adaptation = models.ForeignKey(Adaptation, models.CASCADE, related_name="judged")
    track = models.ForeignKey(Track, models.CASCADE, related_name="judged")
    kind = models.CharField(max_length=6, choices=Kind)
    figures = models.JSONField(help_text="{subject: {metric: number}}; what is not defined is not there")
    marks = models.JSONField(default=list, blank=True, help_text="of a clip: [start, end] in seconds of the track")
    start = models.FloatField(help_text="seconds of the track: where the sound of the file begins")
    end = models.FloatField(help_text="seconds of the track: where it ends")
    file = models.CharField(max_length=120, help_text="storage key: the channels of the parent's estimate, then those of the child's")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["adaptation", "track", "kind", "start"], name="one_row_of_each_judged_song")]

    def __str__(self) -> str:
        return f"{self.track} in {self.adaptation}"

    @property
    def is_clip(self) -> bool:
        return self.kind in (self.Kind.RANDOM, self.Kind.SCORED)

    def change(self, metric: str, subject: str = CHILD, against: str = PARENT) -> float | None:
        """By how much a figure of the child, or of another, differs from the parent's, or another's; None where one has none."""
        new, old = (self.figures.get(one, {}).get(metric) for one in (subject, against))
        return None if new is None or old is None else new - old
