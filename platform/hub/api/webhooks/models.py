"""Webhooks and their deliveries. A delivery is made by the database, with the event and in its transaction (`migrations/`)."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from annotation.models import Campaign, Event


class Webhook(models.Model):
    """An address of somebody's server, and what it is told of."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list, help_text="kinds of event that it is told of, of `kinds.KINDS`")
    active = models.BooleanField(default=True, help_text="switched off, what happens meanwhile is not kept for it")
    actions = models.JSONField(
        default=list, blank=True, help_text="told in Label Studio's form, of these of its actions; empty: told in ours"
    )
    send_payload = models.BooleanField(default=True, help_text="of Label Studio's form: more than the action's name")
    nonce = models.CharField(max_length=40, help_text="what its secret is made of, with the site's own; no secret itself")
    old_nonce = models.CharField(max_length=40, blank=True, help_text="of the secret before, which signs too for a day")
    rotated = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True, help_text="it failed, and nothing is sent to it before")
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    made = models.DateTimeField(default=now, editable=False)
    changed = models.DateTimeField(auto_now=True)
    removed = models.DateTimeField(
        null=True, blank=True, help_text="the row stays as long as its campaign: an event under way may refer to it"
    )

    class Meta:
        indexes = [models.Index(fields=["campaign"], condition=Q(active=True, removed=None), name="webhooks_at_work")]

    def __str__(self) -> str:
        return f"webhook {self.pk} to {self.host}"

    @property
    def host(self) -> str:
        """What is said of its address to those who do not manage it: the rest may hold a password."""
        return urlsplit(self.url).hostname or "?"


class Delivery(models.Model):
    """One event for one webhook, until it was delivered or given up."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given up"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, models.CASCADE, null=True, blank=True, related_name="+", help_text="empty: a test")
    what = models.CharField(max_length=40)
    about = models.CharField(max_length=60, blank=True, db_default="", help_text="what is told of one thing, is told in its order")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING, db_default=State.WAITING)
    tries = models.PositiveIntegerField(default=0, db_default=0)
    created = models.DateTimeField(db_default=Now(), editable=False)
    since = models.DateTimeField(db_default=Now(), help_text="from when on it is tried: made, or asked for again")
    due = models.DateTimeField(
        db_default=Now(), help_text="when it is tried next; while somebody tries, when that somebody is thought dead"
    )
    tried = models.DateTimeField(null=True, blank=True, help_text="when it was tried last; the rest is what came of it")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the answer")
    seconds = models.FloatField(null=True, blank=True)
    said = models.TextField(blank=True, db_default="", help_text="the beginning of the answer, or why there was none")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due"], condition=Q(state="waiting"), name="deliveries_that_wait"),
            models.Index(fields=["webhook", "about", "id"], condition=Q(state="waiting"), name="deliveries_in_order"),
            models.Index(fields=["webhook", "-id"], name="deliveries_of_a_webhook"),
            models.Index(fields=["created"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.what} to webhook {self.webhook_id}: {self.state}"

    @property
    def key(self) -> str:
        """The same whenever it is sent, so that who got it twice can tell."""
        return f"msg_{self.webhook_id}_{self.pk}"


class Sender(models.Model):
    """One row: whether a worker was asked to send, so that it is asked once, however long it takes."""

    asked = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"asked {self.asked}"
