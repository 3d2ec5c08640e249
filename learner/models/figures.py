"""Figures: of checkpoints on songs, of tracks before people hear them, and of clips before they are chosen."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models import Campaign, Track
from learner.models.checkpoints import Checkpoint
from learner.models.jobs import Job


class Evaluation(models.Model):
    """One figure: a subject, measured on the songs of one use and domain."""

    class Subject(models.TextChoices):
        CHECKPOINT = "checkpoint"
        SILENCE = "silence"
        MIXTURE = "mixture"
        GAIN = "gain", "parent with its best constant gain"
        REPLAY_ONLY = "replay only", "replay without feedback"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="evaluations")
    subject = models.CharField(max_length=12, choices=Subject, default=Subject.CHECKPOINT)
    checkpoint = models.ForeignKey(
        Checkpoint, models.PROTECT, null=True, blank=True, related_name="evaluations", help_text="empty for silence and the mixture"
    )
    use = models.CharField(max_length=10, choices=Track.Use)
    domain = models.CharField(max_length=10, choices=Track.Domain)
    metric = models.CharField(max_length=60)
    value = models.FloatField(null=True, help_text="empty: undefined for these songs")
    low = models.FloatField(null=True, help_text="lower end of the 95 % interval over songs")
    high = models.FloatField(null=True, help_text="upper end of the 95 % interval over songs")
    n_songs = models.PositiveIntegerField()
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "subject", "checkpoint", "use", "domain", "metric"], name="one_figure_each", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.use}/{self.domain} {self.metric}: {self.value}"


class SongFigures(models.Model):
    """The figures of one subject on one track with known stems; the rows of `Evaluation` are over such, for a use and domain."""

    track = models.ForeignKey(Track, models.CASCADE, related_name="figures")
    subject = models.CharField(max_length=12, choices=Evaluation.Subject, default=Evaluation.Subject.CHECKPOINT)
    checkpoint = models.ForeignKey(
        Checkpoint, models.CASCADE, null=True, blank=True, related_name="+", help_text="empty for silence and the mixture"
    )
    figures = models.JSONField(help_text="{metric: number}; a metric that is undefined for this song is not there")
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "figures of songs"
        constraints = [
            models.UniqueConstraint(fields=["track", "subject", "checkpoint"], name="one_row_of_figures_each", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.subject} on {self.track}"


class Separation(models.Model):
    """Somebody wants to hear what a checkpoint makes of one track: the job that separates it, and measures it where its stem is known."""

    track = models.ForeignKey(Track, models.CASCADE, related_name="separations")
    checkpoint = models.ForeignKey(Checkpoint, models.CASCADE, related_name="+")
    job = models.OneToOneField(Job, models.CASCADE, related_name="separation")

    def __str__(self) -> str:
        return f"{self.track} by {self.checkpoint}"


class Signals(models.Model):
    """What the sound says of one track by one checkpoint, for each 0.1 s; kept as long as the estimate that it was measured with."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="signals")
    track = models.ForeignKey(Track, models.PROTECT, related_name="signals")
    stem = models.CharField(max_length=20)
    file = models.CharField(max_length=120, help_text="storage key; `learner.core.choosing.signals` reads it")
    leaking = models.FloatField(
        null=True, blank=True, help_text="false-positive seconds a minute of the estimate, by the true stem; empty: it has none, or not yet"
    )
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "signals"
        constraints = [models.UniqueConstraint(fields=["checkpoint", "track", "stem"], name="one_table_of_signals_each")]

    def __str__(self) -> str:
        return f"{self.stem} of {self.track} by {self.checkpoint}"


class Score(models.Model):
    """What one checkpoint's output says of a clip of a pool track. Which clips people hear is learned from it: see `work.foretelling`."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="scores")
    track = models.ForeignKey(Track, models.PROTECT, related_name="scores")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds")
    uncertainty = models.FloatField(
        null=True, blank=True, help_text="spread over passes with dropout, or over small changes of the mix; empty: not measured"
    )
    predicted_leak = models.FloatField(help_text="how little the estimate rests within the clip")
    value = models.FloatField(help_text="how much seems to leak, by uncertainty and predicted leak together, or the leak alone")
    parts = models.JSONField(default=dict, blank=True, help_text="mean of each signal over the clip: {name: number}")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkpoint", "track", "start"], name="one_score_per_clip")]

    def __str__(self) -> str:
        return f"{self.track} {self.start:.0f} s: {self.value:.2f}"
