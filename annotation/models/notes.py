"""Notes on a clip, and what was written after each: threads between who was given the clip and those who review."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models.people import Membership
from annotation.models.tasks import Task

LONGEST_NOTE = 2000  # characters of a note, and of a reply


class Note(models.Model):
    """What begins a thread on a clip: a person's note to the lab, or a reviewer's to a person or to the others who review."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="notes")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="notes")
    person = models.ForeignKey(
        Membership,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="threads",
        help_text="who was given the clip, and reads and writes in this thread; empty: it is among those who review",
    )
    text = models.TextField(max_length=LONGEST_NOTE)
    client_key = models.UUIDField(unique=True, help_text="made by the page; sent again after a lost answer")
    created = models.DateTimeField(default=now, editable=False)
    replied = models.DateTimeField(
        null=True, blank=True, help_text="when the lab had the last word; empty: the person had, and waits for a reply"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="note_says_something"),
            models.CheckConstraint(condition=Q(person__isnull=False) | Q(replied__isnull=False), name="only_people_wait_for_a_reply"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(replied=None), name="open_notes")]

    def __str__(self) -> str:
        return f"note of {self.by.pseudonym} on {self.task}"


class Reply(models.Model):
    """What somebody wrote in a thread; its text never changes."""

    note = models.ForeignKey(Note, models.PROTECT, related_name="replies")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    text = models.TextField(max_length=LONGEST_NOTE)
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "replies"
        ordering = ("pk",)
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="reply_says_something")]

    def __str__(self) -> str:
        return f"reply of {self.by.pseudonym} to {self.note}"
