"""Notes to the lab on a clip, and the lab's replies."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models.people import Membership
from annotation.models.tasks import Task

LONGEST_NOTE = 2000  # characters of a note, and of a reply


class Note(models.Model):
    """What a person who was given a clip wrote to the lab about it. Its text never changes; a reply is given once."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="notes")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="notes")
    text = models.TextField(max_length=LONGEST_NOTE)
    client_key = models.UUIDField(unique=True, help_text="made by the page; sent again after a lost answer")
    created = models.DateTimeField(default=now, editable=False)
    reply = models.TextField(max_length=LONGEST_NOTE, blank=True)
    replied_by = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, related_name="+")
    replied = models.DateTimeField(null=True, blank=True, help_text="empty: it waits for a reply")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="note_says_something"),
            models.CheckConstraint(
                condition=Q(reply="", replied_by=None, replied=None) | (~Q(reply="") & Q(replied_by__isnull=False, replied__isnull=False)),
                name="reply_is_whole",
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(replied=None), name="open_notes")]

    def __str__(self) -> str:
        return f"note of {self.by.pseudonym} on {self.task}"
