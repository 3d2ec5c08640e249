"""Tokens of people, by which their programs come in."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models import Campaign, Membership


class Token(models.Model):
    """Lets a program do what its owner may do at that moment, or less: in one campaign, in a lower role, without changing anything."""

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, null=True, blank=True, related_name="+", help_text="empty: every campaign of its owner's"
    )
    role = models.CharField(
        max_length=10, choices=Membership.Role, blank=True, help_text="it may do no more than this role; empty: what its owner may"
    )
    writes = models.BooleanField(default=False, help_text="whether it may change something")
    name = models.CharField(max_length=60, help_text="what its owner knows it by")
    prefix = models.CharField(max_length=12, unique=True, help_text="by which the row is found; no secret")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the whole token, which is kept nowhere")
    made_by = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="made_tokens",
        help_text="the token that made it, and is revoked with it",
    )
    made = models.DateTimeField(default=now, editable=False)
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True, help_text="to the minute")

    class Meta:
        indexes = [models.Index(fields=["owner", "-id"], name="tokens_of_a_person")]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="a_token_has_a_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset({self.Scope.READ, self.Scope.WRITE} if self.writes else {self.Scope.READ})

    def works(self, at: datetime) -> bool:
        """Whether it lets anybody in, if its owner is let in."""
        return self.revoked is None and at < self.expires
