"""What managers write to a person."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models.people import Membership

LONGEST_MESSAGE = 2000  # characters


class Message(models.Model):
    """Stands on the person's own page, and goes to their e-mail address where they have one."""

    to = models.ForeignKey(Membership, models.CASCADE, related_name="messages")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    text = models.TextField(max_length=LONGEST_MESSAGE)
    written = models.DateTimeField(default=now, editable=False)
    read = models.DateTimeField(null=True, blank=True, help_text="when their page showed it first; empty: not yet")
    mailed = models.DateTimeField(null=True, blank=True, help_text="when it was given to the mail server; empty: it was not")

    class Meta:
        indexes = [models.Index(fields=["to", "-id"])]

    def __str__(self) -> str:
        return f"message to {self.to.pseudonym}"
