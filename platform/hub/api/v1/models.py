"""Answers to requests that must not be done twice."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.timezone import now


class KeptAnswer(models.Model):
    """What was answered to a request with an Idempotency-Key, for a day: sent again with that key, it is answered so and does nothing."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255, help_text="the header Idempotency-Key")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over method, address and body")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    made = models.DateTimeField(default=now, editable=False, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.status} for {self.key}"
