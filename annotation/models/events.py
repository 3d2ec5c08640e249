"""What happened in a campaign."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.utils.timezone import now

from annotation.models.campaigns import Campaign
from annotation.models.people import Membership

EVENTS_OF_REVIEWS = (
    *("task.one_more", "task.contested", "task.closed"),
    *("review.accepted", "review.edited", "review.took", "review.sent_back", "review.undone"),
    *("review.returned", "review.answered_again", "review.passed"),
)
"""What a reviewer reads as the history of a task; `after["task"]` is its id."""

EVENTS_OF_TRACKS = ("track.added", "track.set_aside", "track.left_out", "track.put_back", "track.separated")
"""What happened to one track, whose id is `after["track"]`; what was changed of it is in `TrackChange`."""


class Event(models.Model):
    """What happened in a campaign, by whom; only ever added to."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="events")
    who = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, help_text="empty: the platform itself")
    what = models.CharField(max_length=40)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    when = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "-id"]),
            models.Index(
                KT("after__task"),
                condition=Q(what__in=EVENTS_OF_REVIEWS),
                name="history_of_tasks",
            ),
            models.Index(KT("after__track"), condition=Q(what__in=EVENTS_OF_TRACKS), name="history_of_tracks"),
        ]

    def __str__(self) -> str:
        return f"{self.when:%Y-%m-%d %H:%M:%S} {self.what}"
