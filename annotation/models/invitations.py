"""Invitations: one address, or one person with an e-mail address, let into a campaign with a role."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.models.campaigns import Campaign
from annotation.models.people import Membership


class Invitation(models.Model):
    """Lets so many people in with a role, until its time is over. Its token is kept as a hash alone: it is shown once."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role, default=Membership.Role.ANNOTATOR)
    email = models.EmailField(blank=True, help_text="where it was sent; empty: a link that somebody passed on")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the token, which is kept nowhere")
    max_uses = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(1000)], help_text="people let in at most"
    )
    uses = models.PositiveIntegerField(default=0, editable=False)
    expires = models.DateTimeField(help_text="nobody is let in from then on")
    revoked = models.DateTimeField(null=True, blank=True, editable=False)
    made_by = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(uses__lte=F("max_uses")), name="invitation_uses_within_max")]

    def __str__(self) -> str:
        return f"invitation of {self.email or 'whoever has the link'} as {self.role}"

    @property
    def is_over(self) -> bool:
        return self.expires <= now()

    @property
    def is_used_up(self) -> bool:
        return self.uses >= self.max_uses

    @property
    def is_open(self) -> bool:
        return not (self.revoked or self.is_over or self.is_used_up)
