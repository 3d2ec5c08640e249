"""Answers and their marks."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.core.regions import Region
from annotation.core.tags import LONGEST
from annotation.models.people import Membership
from annotation.models.tasks import Task


class Submission(models.Model):
    """One person's answer to one task; never changed, only superseded. No marks in it means: heard nothing wrong."""

    class Status(models.TextChoices):
        ACCEPTED = "accepted"
        SURPLUS = "surplus"
        SUPERSEDED = "superseded"
        WITHDRAWN = "withdrawn"
        TOO_SOON = "too soon"  # says that more was heard than the time allowed; counts nowhere

    task = models.ForeignKey(Task, models.PROTECT, related_name="submissions")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="submissions", db_index=False)  # the index below begins with it
    revision = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status)
    client_key = models.UUIDField(unique=True, help_text="made by the page; sent again after a lost answer")
    result = models.JSONField(help_text="Label Studio's result as received (clip seconds)")
    lead_time = models.FloatField(
        default=0, help_text="seconds that the page was before somebody's eyes, with those of the answers that it changes"
    )
    heard = models.JSONField(
        default=list,
        help_text="stretches of what was extracted that were played: [[start, end], …] in track seconds; empty: who sent it cannot know",
    )
    played = models.JSONField(default=dict, blank=True, help_text="the same of every stem that was listened to: {stem: [[start, end], …]}")
    asked = models.FloatField(
        null=True, blank=True, help_text="seconds of the clip that quick questions were about; empty: marks were drawn in all of it"
    )
    consent_version = models.PositiveIntegerField()
    instruction_version = models.PositiveIntegerField()
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "by"], condition=Q(status="accepted"), name="one_accepted_answer_each"),
            models.UniqueConstraint(fields=["task", "by", "revision"], name="revisions_are_counted"),
        ]
        indexes = [models.Index(fields=["by", "status"])]  # how many of each kind a person gave

    def __str__(self) -> str:
        return f"{self.by.pseudonym} on {self.task}: {self.status}"

    @property
    def is_quick(self) -> bool:
        """Whether it answers quick questions."""
        return self.asked is not None


class Mark(models.Model):
    """A stretch where an annotator heard voice that should have been silence."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="marks")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the mark")
    tag = models.CharField(max_length=LONGEST, blank=True, help_text="what leaks there, of the campaign's tags")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="mark_runs_forward")]

    def __str__(self) -> str:
        return f"{self.start:.2f}-{self.end:.2f} s"

    @property
    def region(self) -> Region:
        return Region(self.start, self.end)


class MissingMark(models.Model):
    """A stretch where an annotator heard in the mix what was not extracted: the opposite of a mark, and never one of them."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="missing")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of it")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="missing_mark_runs_forward")]

    def __str__(self) -> str:
        return f"missing {self.start:.2f}-{self.end:.2f} s"
