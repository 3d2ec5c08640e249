"""Listening tests: two checkpoints heard blind, and which of them people prefer."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.models.campaigns import Campaign
from annotation.models.people import Membership
from annotation.models.tracks import Track


class ListeningTest(models.Model):
    """Two checkpoints, compared blind by any number of members until it is ended; nobody sees its result before."""

    class Place(models.TextChoices):
        MOST = "most", "where the two differ most"
        RANDOM = "random", "at random, where anything sounds"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="listening_tests")
    checkpoint = models.CharField(max_length=64, help_text="hash of the checkpoint in question")
    other = models.CharField(max_length=64, help_text="hash of the one that it is compared with")
    drawn = models.BooleanField(help_text="songs were drawn among those of the pool that nobody had marked; false: chosen by hand")
    place = models.CharField(max_length=10, choices=Place, default=Place.MOST)
    seconds = models.FloatField(default=10.0, validators=[MinValueValidator(4), MaxValueValidator(30)], help_text="length of a clip")
    asks_leak = models.BooleanField(default=False, help_text="also asks in which of the two less leaks")
    by_links = models.BooleanField(default=False, help_text="people who came by a panel's link are asked too")
    seed = models.PositiveIntegerField(help_text="draws songs, places, sides and orders; nobody is shown it before the end")
    began = models.DateTimeField(default=now, editable=False)
    ended = models.DateTimeField(null=True, blank=True, help_text="nobody answers any more, and the result is shown; empty: open")

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(checkpoint=F("other")), name="two_checkpoints_are_compared")]

    def __str__(self) -> str:
        return f"listening test {self.pk}: {self.checkpoint[:8]} against {self.other[:8]}"

    @property
    def short(self) -> str:
        """The checkpoint in question, as people read it."""
        return self.checkpoint[:8]

    @property
    def other_short(self) -> str:
        return self.other[:8]


class ListeningClip(models.Model):
    """A stretch of one song to hear from both checkpoints; where it is, is known once both have separated the song."""

    test = models.ForeignKey(ListeningTest, models.CASCADE, related_name="clips")
    track = models.ForeignKey(Track, models.CASCADE, related_name="+")
    number = models.PositiveSmallIntegerField(default=0, help_text="of the clips of this song, from 0")
    start = models.FloatField(null=True, blank=True, help_text="seconds from the start of the track; empty: not known yet")
    end = models.FloatField(null=True, blank=True, help_text="seconds")
    gain = models.FloatField(default=0.0, help_text="dB by which the checkpoint's sound is turned down, so that both are equally loud")
    other_gain = models.FloatField(default=0.0, help_text="the same of the other one")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["test", "track", "number"], name="one_listening_clip_of_a_number"),
            models.CheckConstraint(condition=Q(start=None, end=None) | Q(end__gt=F("start")), name="listening_clip_runs_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.track} for {self.test}"


class Preference(models.Model):
    """What one member said of one clip, by checkpoint; `was_first` says which of the two they heard as A."""

    class Which(models.TextChoices):
        CHECKPOINT = "checkpoint"
        OTHER = "other"
        NONE = "none", "no difference"

    clip = models.ForeignKey(ListeningClip, models.CASCADE, related_name="preferences")
    by = models.ForeignKey(Membership, models.PROTECT, related_name="preferences")
    better = models.CharField(max_length=10, choices=Which)
    leaks_less = models.CharField(max_length=10, choices=Which, blank=True, help_text="empty: was not asked")
    was_first = models.BooleanField(help_text="the checkpoint in question was A")
    heard = models.JSONField(help_text="seconds that they listened to it: {a, b, mix}")
    created = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clip", "by"], name="one_preference_each")]

    def __str__(self) -> str:
        return f"{self.by.pseudonym} on {self.clip}: {self.better}"
