"""Where answers came from that were not given here."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models.answers import Submission


class Provenance(models.Model):
    """Of an answer that was imported: from which file, and what that said of it. What was heard for it nobody knows."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="provenance")
    source = models.CharField(max_length=20, help_text="the format that it came in")
    file = models.CharField(max_length=200, help_text="name of the file; empty: it was sent by a program")
    where = models.CharField(max_length=200, help_text="its place in the file")
    person = models.CharField(max_length=200, blank=True, help_text="who gave it, as the file calls them")
    said = models.JSONField(default=dict, help_text="what else the file said of it: when it was given, how long it took, its ids")
    batch = models.UUIDField(db_index=True, help_text="all that was imported together")
    when = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "provenance"

    def __str__(self) -> str:
        return f"{self.submission} from {self.file or self.source}"
