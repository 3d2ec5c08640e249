"""What people had written out of a campaign, as files to take home."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models import Campaign, Membership
from learner.models.jobs import Job


class Export(models.Model):
    """One file made of a campaign's rows as they were at one moment, in the format of one tool."""

    class Format(models.TextChoices):
        LABEL_STUDIO = "label-studio", "Label Studio JSON: every task with its answers and proposals"
        LABEL_STUDIO_MIN = "label-studio-min", "Label Studio JSON_MIN: one record an answer"
        LABEL_STUDIO_CSV = "label-studio-csv", "Label Studio CSV: the same as a table"
        AUDACITY = "audacity", "Audacity labels: a text file for each song and person"
        JAMS = "jams", "JAMS: a file for each song, with the clips that were heard"
        RTTM = "rttm", "RTTM: a file for each song and person"
        TEXTGRID = "textgrid", "Praat TextGrid: a file for each song, a tier for each person"
        RAVEN = "raven", "Raven selection tables: a file for each song"
        TABLES = "tables", "Tables as CSV: people, reliability, agreement, rounds, figures, events, marks, regions"
        PARQUET = "parquet", "The same tables as Parquet"
        DATASET = "dataset", "Dataset: the clips of a frozen round with marks, consensus and a datasheet, as Hugging Face datasets reads it"
        WEBDATASET = "webdataset", "The same dataset as WebDataset shards"

    class Whose(models.TextChoices):
        BOTH = "both", "people's answers, and what they agreed on"
        PEOPLE = "people", "people's answers"
        CONSENSUS = "consensus", "what they agreed on"

    class Names(models.TextChoices):
        PSEUDONYMS = "pseudonyms", "pseudonyms, as pages of the campaign show them"
        CODES = "codes", "codes that nobody outside can connect with a pseudonym"

    OF_SONGS = (Format.AUDACITY, Format.JAMS, Format.RTTM, Format.TEXTGRID, Format.RAVEN)
    """Files for each song, of people's answers, of what they agreed on, or of both."""

    RELEASES = (Format.DATASET, Format.WEBDATASET)
    """Made of what was frozen, so that the same comes of it again."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="exports")
    who = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    format = models.CharField(max_length=20, choices=Format)
    whose = models.CharField(max_length=10, choices=Whose, default=Whose.BOTH)
    names = models.CharField(max_length=10, choices=Names, default=Names.CODES)
    first_round = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="empty: from the first on"
    )
    last_round = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)], help_text="empty: to the latest")
    with_audio = models.BooleanField(default=False, help_text="of a dataset: the sound of its clips lies beside the marks")
    site = models.CharField(
        max_length=200, blank=True, help_text="the site's address, as it was asked for: addresses of sounds begin with it"
    )
    job = models.OneToOneField(Job, models.PROTECT, related_name="export")
    called = models.CharField(max_length=150, blank=True, help_text="what the file is called where it is saved")
    file = models.CharField(max_length=120, blank=True, help_text="storage key; empty: not made yet, or removed")
    sha256 = models.CharField(max_length=64, blank=True)
    n_bytes = models.PositiveBigIntegerField(default=0)
    taken_at = models.DateTimeField(null=True, blank=True, help_text="the moment whose rows are in it")
    created = models.DateTimeField(default=now, editable=False)
    removed = models.DateTimeField(null=True, blank=True, help_text="since when the file is gone; its row stays")
    removed_because = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["campaign", "-id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_round=None) | Q(last_round=None) | Q(last_round__gte=models.F("first_round")),
                name="rounds_of_an_export_in_order",
                violation_error_message="The last round comes before the first.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.campaign}"

    @property
    def is_there(self) -> bool:
        """Whether it can be downloaded."""
        return bool(self.file)

    @property
    def is_of_songs(self) -> bool:
        return self.format in self.OF_SONGS
