"""Gold tasks: their truth, how people did on them, and who is paused for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models.answers import Submission
from annotation.models.people import Membership
from annotation.models.tasks import Task


class GoldTruth(models.Model):
    """What is wrong in the clip of a gold task, known exactly from the song's stems; its task looks like any other."""

    task = models.OneToOneField(Task, models.PROTECT, related_name="gold")
    file = models.CharField(max_length=120, help_text="storage key of the clip as it is heard; the file begins with the clip")
    regions = models.JSONField(default=list, help_text="where it leaks: [[start, end], …] in track seconds; empty: nowhere")
    level = models.CharField(max_length=10, blank=True, help_text="name of the leak's level; empty: nothing leaks")
    level_db = models.FloatField(null=True, blank=True, help_text="dB against the song's sung level")
    made = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"truth of {self.task}: {self.level or 'nothing'} leaks"


class GoldScore(models.Model):
    """How well one answer to a gold task met its truth."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="gold_score")
    score = models.FloatField(help_text="0-1; see annotation.core.grading")
    missed = models.FloatField(help_text="seconds")
    extra = models.FloatField(help_text="seconds")
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="gold_score_is_a_share")]

    def __str__(self) -> str:
        return f"{self.score:.2f} for {self.submission}"


class Pause(models.Model):
    """A member gets no tasks, since their gold answers were too far off; they may appeal once, and a manager decides."""

    class Decision(models.TextChoices):
        NONE = "", "not decided"
        LIFTED = "lifted"
        UPHELD = "upheld"

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="pauses")
    score = models.FloatField(help_text="mean over the gold answers that it rests on")
    n_answers = models.PositiveIntegerField(help_text="gold answers that it rests on")
    wanted = models.FloatField(help_text="the score that was asked for")
    since = models.DateTimeField(default=now, editable=False)
    appeal = models.TextField(blank=True)
    appealed = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=10, choices=Decision, default=Decision.NONE, blank=True)
    decided_by = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, related_name="+")
    decided = models.DateTimeField(null=True, blank=True)
    reply = models.TextField(blank=True)
    ended = models.DateTimeField(null=True, blank=True, help_text="empty: they are paused")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership"], condition=Q(ended=None), name="one_open_pause_each")]

    def __str__(self) -> str:
        return f"{self.membership.pseudonym} paused at {self.score:.2f}"
