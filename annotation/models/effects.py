"""What one person's marks change in their clip, made for them to hear."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models.answers import Submission


class Effect(models.Model):
    """A sound for the ears of one person, and the wish for it; kept for a day. It teaches nothing and judges nobody."""

    class State(models.TextChoices):
        WAITING = "waiting"
        MAKING = "making"
        MADE = "made"
        BUSY = "busy"  # the machine had other work for too long
        FAILED = "failed"

    submission = models.OneToOneField(Submission, models.CASCADE, related_name="effect")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked = models.DateTimeField(default=now, help_text="when its person asked for it last")
    sent = models.DateTimeField(null=True, blank=True, help_text="when a worker was told; empty: not until none has other work")
    began = models.DateTimeField(null=True, blank=True, help_text="when a worker took it up")
    sound = models.BinaryField(default=bytes, help_text="Ogg, of the clip; a row of its own makes sure that it goes with the answer")
    quieter = models.JSONField(default=list, help_text="dB by which each mark is quieter, in order of time; null: nothing was to be heard")
    beside = models.FloatField(null=True, blank=True, help_text="dB by which the rest of the clip is quieter")

    class Meta:
        indexes = [models.Index(fields=["state", "asked"])]

    def __str__(self) -> str:
        return f"effect of {self.submission_id}: {self.state}"
