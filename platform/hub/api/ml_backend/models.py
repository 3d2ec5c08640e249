"""Rows of what ties a campaign to a lab's Label Studio: never a password of that server, nor anything of its `project` objects."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.models import Campaign, Membership, Submission, Task, Track
from learner.models import Job


class Connection(models.Model):
    """One campaign and one project of a Label Studio server."""

    campaign = models.OneToOneField(Campaign, models.PROTECT, related_name="label_studio")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the secret in the backend's address; empty: there is none")
    made = models.DateTimeField(null=True, blank=True, help_text="when that secret was made")
    called = models.DateTimeField(null=True, blank=True, help_text="when that server called last, to the minute")
    project = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="number of the project there; empty: the first one that sets the backend up"
    )
    url = models.CharField(max_length=200, blank=True, help_text="where that server is reached, for the sync; empty: there is no sync")
    token = models.TextField(blank=True, help_text="an access token of that server, encrypted with the site's secret key")
    site = models.CharField(max_length=200, blank=True, help_text="where browsers of that server's people reach our sounds")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+", help_text="the last sync")
    synced = models.DateTimeField(null=True, blank=True, help_text="when a sync came to its end last")

    def __str__(self) -> str:
        return f"Label Studio of {self.campaign}"


class Colleague(models.Model):
    """Somebody who annotates on that server, and who they are here."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="colleagues")
    number = models.PositiveBigIntegerField(help_text="id of the user there")
    name = models.CharField(max_length=150, blank=True, help_text="their user name there, where a sync has read it")
    member = models.ForeignKey(
        Membership, models.CASCADE, null=True, blank=True, related_name="label_studio", help_text="empty: nobody said yet who it is"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "number"], name="one_colleague_of_a_number")]

    def __str__(self) -> str:
        return self.name or f"user {self.number}"


class SentTask(models.Model):
    """A task that a sync has put into the project there."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="sent")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+")
    number = models.PositiveBigIntegerField(null=True, help_text="id of the task there; empty: nobody knows yet whether it arrived")
    until = models.DateTimeField(help_text="when the addresses of its sounds end")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "task"], name="sent_once")]

    def __str__(self) -> str:
        return f"{self.task} as task {self.number} there"


class Annotation(models.Model):
    """An annotation of that server as it was last, and what became of it here."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for a worker"
        OF_NOBODY = "of nobody", "waits until somebody says who gave it"
        UNHEARD = "unheard", "waits until the campaign counts answers of programs"
        TAKEN = "taken", "an answer here"
        SKIPPED = "skipped", "skipped there"
        REFUSED = "refused"
        DELETED = "deleted", "deleted there"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="annotations")
    number = models.PositiveBigIntegerField(help_text="id of the annotation there")
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="+", help_text="empty: it is of no clip of ours")
    colleague = models.ForeignKey(Colleague, models.CASCADE, null=True, blank=True, related_name="annotations")
    result = models.JSONField(help_text="Label Studio's result (clip seconds)")
    lead_time = models.FloatField(default=0.0, help_text="seconds, as that server has them")
    cancelled = models.BooleanField(default=False, help_text="it is a skip")
    deleted = models.BooleanField(default=False)
    changed = models.DateTimeField(help_text="by that server's clock; what is older changes nothing")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was refused, in words")
    submission = models.ForeignKey(Submission, models.SET_NULL, null=True, blank=True, related_name="+", help_text="the answer made of it")
    came = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "number"], name="one_row_of_an_annotation")]
        indexes = [models.Index(fields=["connection", "state"])]

    def __str__(self) -> str:
        return f"annotation {self.number}: {self.state}"


class Foretold(models.Model):
    """Where a checkpoint's estimate probably leaks in one clip: worked out when a Label Studio asks for it, and kept."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    checkpoint = models.CharField(max_length=64, help_text="hash of the checkpoint whose estimate is heard")
    track = models.ForeignKey(Track, models.CASCADE, related_name="+")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds")
    regions = models.JSONField(null=True, help_text="[[start, end, probability], …] in track seconds; null: a worker has not looked yet")
    sent = models.DateTimeField(default=now, help_text="when a worker was last asked")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "checkpoint", "track", "start", "end"], name="foretold_once"),
            models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="foretold_clip_runs_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.track} {self.start:.0f}-{self.end:.0f} s by {self.checkpoint[:8]}"
