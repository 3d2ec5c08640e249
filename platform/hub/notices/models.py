"""Notices to people, and which of them they do not want."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy

from annotation.models import Campaign, Event


class Kind(models.TextChoices):
    """What a notice is about; its words stand in `hub.notices.words`."""

    ROUND = "round", "a round ended: its model was promoted, or there was nothing to learn"
    REFUSED = "refused", "the gate refused what a round had learned"
    JOB = "job", "a job failed"
    REVIEWS = "reviews", "clips and notes wait for a reviewer (once a day)"
    APPEAL = "appeal", "somebody appealed against a pause"
    NOTE = "note", "somebody wrote a note to the lab"
    WEBHOOK = "webhook", "what a webhook should have been told could not be delivered for a day"
    PASSED = "passed", "a reviewer passed a clip to you"
    DISK = "disk", "a disk is nearly full, or full (once a day)"
    REPLY = "reply", gettext_lazy("the lab replied to you")
    AGAIN = "again", gettext_lazy("you are asked to hear a clip again")
    LISTEN = "listen", gettext_lazy("a listening test has begun")


class Notice(models.Model):
    """One thing that one person is told, once."""

    class Mail(models.TextChoices):
        NONE = "", "not sent by e-mail"
        WAITING = "waiting"
        SENDING = "sending"  # and for ever so where the worker died in between: rather none than two
        SENT = "sent"
        FAILED = "failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, null=True, blank=True, related_name="notices", help_text="empty: it is of the site"
    )
    event = models.ForeignKey(Event, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=60, help_text="what it tells of; nobody is told twice of the same")
    values = models.JSONField(default=dict, help_text="what its words are made of")
    in_page = models.BooleanField(default=True, help_text="whether it stands in the list; else it goes by e-mail alone")
    created = models.DateTimeField(default=now, editable=False)
    read = models.DateTimeField(null=True, blank=True)
    mail = models.CharField(max_length=10, choices=Mail, default=Mail.NONE, blank=True)
    tries = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="told_once")]
        indexes = [
            models.Index(fields=["user", "-id"], condition=Q(in_page=True), name="notices_of_a_person"),
            models.Index(fields=["user"], condition=Q(in_page=True, read=None), name="unread_notices"),
            models.Index(fields=["id"], condition=Q(mail="waiting"), name="mail_that_waits"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user}"


class Muted(models.Model):
    """What somebody does not want to be told, of one campaign or (none) of all."""

    class Way(models.TextChoices):
        PAGE = "page", gettext_lazy("in the page")
        MAIL = "mail", gettext_lazy("by e-mail")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="muted")
    campaign = models.ForeignKey(Campaign, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    way = models.CharField(max_length=4, choices=Way)

    class Meta:
        verbose_name_plural = "muted"
        constraints = [models.UniqueConstraint(fields=["user", "campaign", "kind", "way"], name="muted_once", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"no {self.kind} {self.way} for {self.user}"


class Gathered(models.Model):
    """Up to which event notices were made; one row."""

    upto = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "gathered"

    def __str__(self) -> str:
        return str(self.upto)
