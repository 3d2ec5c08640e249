"""Crowd links: ways into a campaign for people without an account of it, and who came by which."""

from __future__ import annotations

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.models.campaigns import Campaign
from annotation.models.people import Membership


def new_token() -> str:
    """256 random bits: nobody guesses a link."""
    return secrets.token_urlsafe(32)


class Link(models.Model):
    """An address that lets people into a campaign as annotators, so many and so long as its maker said."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", "invitation: people sign in, or make an account"
        EXTERNAL = "external", "external id: a panel's address brings each person's id"
        PROLIFIC = "prolific", "Prolific"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="links")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=80, blank=True, help_text="for managers, such as “pilot study”")
    token = models.CharField(max_length=60, unique=True, default=new_token, editable=False)
    max_uses = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="people let in at most; empty: no limit"
    )
    uses = models.PositiveIntegerField(default=0, editable=False, help_text="people who came by it, less those whose place was reclaimed")
    hourly_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="people let in at most from one address within an hour; empty: 40 by an invitation, 10 by a panel's link",
    )
    stopped = models.JSONField(
        default=dict, editable=False, help_text="addresses, hashed, that brought more than that: {address: when last}"
    )
    expires = models.DateTimeField(null=True, blank=True, help_text="nobody new is let in from then on; empty: no end")
    revoked = models.DateTimeField(null=True, blank=True, editable=False)
    made_by = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    created = models.DateTimeField(default=now, editable=False)
    study = models.CharField(max_length=64, blank=True, help_text="STUDY_ID of the only Prolific study it is for; empty: any")
    tasks_asked = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="tasks after which a person is done; empty: no end"
    )
    completion_code = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"\A[A-Za-z0-9_-]{4,40}\Z", "A completion code has 4 to 40 letters, digits, - or _.")],
        help_text="shown when a person is done",
    )
    return_url = models.CharField(
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["https", "http"])],
        help_text="where an external panel takes people back",
    )
    pay_per_task = models.DecimalField(
        max_digits=8, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)], help_text="for the payout CSV"
    )
    currency = models.CharField(max_length=3, blank=True, validators=[RegexValidator(r"\A[A-Z]{3}\Z", "A currency has three capitals.")])

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(max_uses=None) | Q(uses__lte=F("max_uses")), name="link_uses_within_max"),
            models.CheckConstraint(
                condition=~Q(kind="prolific") | (~Q(completion_code="") & Q(tasks_asked__isnull=False)),
                name="prolific_links_ask_and_thank",
                violation_error_message="A Prolific link needs the number of tasks that are asked for, and a completion code.",
            ),
            models.CheckConstraint(
                condition=~Q(kind="invitation") | (Q(completion_code="", return_url="") & Q(tasks_asked=None)),
                name="invitations_have_no_end",
                violation_error_message="An invitation has no number of tasks, completion code or return address.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} link {self.pk}"

    @property
    def from_one_address(self) -> int:
        """People let in at most from one address within an hour: a class comes by an invitation, a panel's people from their homes."""
        return self.hourly_limit or (40 if self.kind == self.Kind.INVITATION else 10)

    @property
    def is_full(self) -> bool:
        return self.max_uses is not None and self.uses >= self.max_uses

    @property
    def is_over(self) -> bool:
        return self.expires is not None and self.expires <= now()

    @property
    def query(self) -> str:
        """What a panel is told to put behind the address; Prolific fills its placeholders in itself."""
        if self.kind == self.Kind.PROLIFIC:
            return "?" + "&".join(f"{name}={{{{%{name}%}}}}" for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"))
        return "?id={ID}" if self.kind == self.Kind.EXTERNAL else ""


class Participation(models.Model):
    """One person who came by a link. Its answers are the membership's from `began` until its next participation began."""

    class State(models.TextChoices):
        UNDER_WAY = "under way"
        FINISHED = "finished"
        APPROVED = "approved"
        REJECTED = "rejected"
        RETURNED = "returned"
        TIMED_OUT = "timed out"

    RECLAIMED = (State.RETURNED, State.TIMED_OUT)
    """Their slot on the link is free again."""

    link = models.ForeignKey(Link, models.PROTECT, related_name="participations")
    membership = models.ForeignKey(Membership, models.PROTECT, related_name="participations")
    external_id = models.CharField(max_length=64, blank=True, help_text="who the panel says it is; empty: came by an invitation")
    came_from = models.CharField(
        max_length=8, blank=True, help_text="the address, as a hash of this link's own; empty: not known, or long ago"
    )
    sessions = models.JSONField(default=list, blank=True, help_text="each visit that was another: [{study, session, when}, …]")
    state = models.CharField(max_length=10, choices=State, default=State.UNDER_WAY)
    began = models.DateTimeField(default=now, help_text="or began anew, after its place had been reclaimed")
    finished = models.DateTimeField(null=True, blank=True)
    excluded = models.DateTimeField(null=True, blank=True, help_text="when a manager took its answers out; empty: they count")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link", "membership"], name="one_participation_each"),
            models.UniqueConstraint(fields=["link", "external_id"], condition=~Q(external_id=""), name="one_participation_per_external_id"),
        ]

    def __str__(self) -> str:
        return f"{self.membership.pseudonym} by {self.link}: {self.state}"

    @property
    def is_reclaimed(self) -> bool:
        return self.state in self.RECLAIMED
