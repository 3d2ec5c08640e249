"""Songs, their stems, and what a checkpoint made of them."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Concat
from django.utils.timezone import now

from annotation.models.campaigns import Campaign
from annotation.models.events import Event
from annotation.models.people import Membership


def words_of_track() -> SearchVector:
    """The words of a track's name, artist and album, as an index holds them: a search finds words by how they begin."""
    written = Concat("name", Value(" "), "artist", Value(" "), "album", output_field=models.TextField())
    # Names are paths: without this PostgreSQL takes "album/song.wav" for one word.
    apart = Func(written, Value("[^[:alnum:]]+"), Value(" "), Value("g"), function="regexp_replace", output_field=models.TextField())
    return SearchVector(apart, config="simple")


class Track(models.Model):
    """A song of a campaign. Held out once, held out always: once something was made of it, `use` never changes.

    Set aside, it stays with all that was made of it, and no job takes it up; put back, it is as before.
    """

    class Use(models.TextChoices):
        POOL = "pool"
        REPLAY = "replay"
        VALIDATION = "validation"
        GATE = "gate"
        TEST = "test"

    TAKE_MIXES = (Use.POOL, Use.REPLAY, Use.VALIDATION)
    """Uses of songs without stems: a separator may replay its own outputs."""

    class Domain(models.TextChoices):
        SOURCE = "source"
        TARGET = "target"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="tracks")
    name = models.TextField(help_text="where it lay under the folder it came from; as long as paths may be")
    use = models.CharField(
        max_length=10,
        choices=Use,
        help_text="pool: people listen to it; replay and validation: learned with; gate and test: only measured on",
    )
    domain = models.CharField(
        max_length=10, choices=Domain, help_text="source: like what the model was trained on; target: what it should learn"
    )
    artist = models.CharField(max_length=200, blank=True)
    album = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    duration = models.FloatField(help_text="seconds")
    sample_rate = models.PositiveIntegerField(help_text="of the original, Hz")
    channels = models.PositiveSmallIntegerField(help_text="of the original: 1 or 2")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 over the original files; a campaign has the same song once")
    kept_apart = models.BooleanField(default=False, help_text="pool track whose marks only the gate sees")
    added = models.DateTimeField(default=now, editable=False)
    set_aside = models.DateTimeField(null=True, blank=True, help_text="since when no job takes it up; empty: it is in use")
    set_aside_reason = models.TextField(blank=True, help_text="why, in words")
    set_aside_by = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", help_text="empty: the platform itself"
    )
    put_back = models.DateTimeField(null=True, blank=True, help_text="when it was put back last; for a pool that had run out it is new")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(set_aside=None, set_aside_reason="", set_aside_by=None)
                | (Q(set_aside__isnull=False) & ~Q(set_aside_reason="")),
                name="set_aside_with_a_reason",
            ),
            models.UniqueConstraint(fields=["campaign", "fingerprint"], name="one_track_per_fingerprint"),
            models.CheckConstraint(condition=Q(duration__gt=0), name="track_has_length"),
            models.CheckConstraint(condition=Q(channels__in=[1, 2]), name="track_is_mono_or_stereo"),
        ]
        indexes = [
            models.Index(fields=["campaign", "use", "domain"]),
            models.Index(fields=["campaign"], condition=Q(set_aside__isnull=False), name="tracks_set_aside"),
            models.Index(fields=["campaign", "name", "id"], name="tracks_by_name"),
            GinIndex(words_of_track(), name="words_of_tracks"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def minutes(self) -> str:
        """How long it lasts, as people write it: 3:07."""
        seconds = round(self.duration)
        return f"{seconds // 60}:{seconds % 60:02}"


class TrackChange(models.Model):
    """One field of a track as it was before and after somebody changed it; `event` says who and when, for all that changed with it."""

    track = models.ForeignKey(Track, models.CASCADE, related_name="changes")
    event = models.ForeignKey(Event, models.CASCADE, related_name="of_tracks")
    field = models.CharField(max_length=10)
    before = models.CharField(max_length=200, blank=True)
    after = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "event", "field"], name="one_change_of_a_field")]

    def __str__(self) -> str:
        return f"{self.field} of {self.track}: {self.before!r} to {self.after!r}"


class Stem(models.Model):
    """One part of a track as sound: mixture, vocals, accompaniment, drums, bass, other; rest: all but the campaign's stem."""

    track = models.ForeignKey(Track, models.PROTECT, related_name="stems")
    name = models.CharField(max_length=20)
    file = models.CharField(max_length=120, help_text="storage key; the original file, bit for bit, unless derived")
    derived = models.BooleanField(default=False, help_text="computed from other stems, or taken out of a file that holds several")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "name"], name="one_stem_of_a_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.track}"


class Estimate(models.Model):
    """What one checkpoint extracted as a stem from one track."""

    track = models.ForeignKey(Track, models.PROTECT, related_name="estimates")
    stem = models.CharField(max_length=20)
    checkpoint = models.CharField(max_length=64, help_text="hash of the checkpoint")
    file = models.CharField(max_length=120, help_text="storage key")
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["track", "stem", "checkpoint"], name="one_estimate_per_checkpoint")]

    def __str__(self) -> str:
        return f"{self.stem} of {self.track} by {self.checkpoint[:8]}"
