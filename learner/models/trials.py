"""A base tried on songs of a campaign, before people's time is spent on it."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models import Campaign, Track
from learner.models.jobs import Job


class Trial(models.Model):
    """One base on some songs of one campaign: the last time that it was tried."""

    OWN = "own"  # stands for the base that the campaign began with

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="trials")
    base = models.CharField(max_length=40, help_text="its name; own: the checkpoint that the campaign began with")
    tracks = models.JSONField(help_text="primary keys of the songs that it was to be tried on")
    job = models.OneToOneField(Job, models.CASCADE, related_name="trial")
    asked = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "base"], name="one_trial_of_each_base")]

    def __str__(self) -> str:
        return f"{self.base} on songs of {self.campaign}"


class TriedSong(models.Model):
    """What came of one song of a trial."""

    trial = models.ForeignKey(Trial, models.CASCADE, related_name="songs")
    track = models.ForeignKey(Track, models.CASCADE, related_name="+")
    figures = models.JSONField(help_text="what `learner.core.judging.fit.measure` gives")
    start = models.FloatField(help_text="seconds from the start of the track, where the excerpt begins")
    file = models.CharField(max_length=120, help_text="storage key of the excerpt of what was extracted")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "track"], name="each_song_tried_once")]

    def __str__(self) -> str:
        return f"{self.track} in {self.trial}"
