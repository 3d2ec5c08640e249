"""Contested clips that a reviewer handed on instead of deciding."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models.people import Membership
from annotation.models.tasks import Task

LONGEST_WORD = 500  # characters of what is said with it


class Referral(models.Model):
    """A contested clip that a reviewer handed on: back to somebody who answered it, or on to another reviewer. It stays in review."""

    class Kind(models.TextChoices):
        ANSWER = "answer", "to be heard and answered again"
        DECIDE = "decide", "to be decided by another reviewer"

    task = models.ForeignKey(Task, models.PROTECT, related_name="referrals")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    to = models.ForeignKey(Membership, models.PROTECT, related_name="referrals")
    kind = models.CharField(max_length=10, choices=Kind)
    note = models.TextField(max_length=LONGEST_WORD, help_text="why; whom it goes to reads it")
    created = models.DateTimeField(default=now, editable=False)
    done = models.DateTimeField(null=True, blank=True, help_text="answered again, or decided by whomever; empty: it waits")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "to", "kind"], condition=Q(done=None), name="handed_on_once"),
            models.UniqueConstraint(fields=["task"], condition=Q(done=None, kind="decide"), name="one_reviewer_has_it"),
        ]
        indexes = [models.Index(fields=["to"], condition=Q(done=None), name="open_referrals")]

    def __str__(self) -> str:
        return f"{self.task} to {self.to.pseudonym}"
