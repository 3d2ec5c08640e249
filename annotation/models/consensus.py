"""What the answers to a task agree on."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now

from annotation.core.tags import LONGEST
from annotation.models.answers import Submission
from annotation.models.people import Membership
from annotation.models.tasks import Task


class Consensus(models.Model):
    """What the answers to one task agree on; a later version never overwrites an earlier one."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="consensuses")
    version = models.PositiveIntegerField()
    method = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict)
    certainty = models.FloatField(help_text="0-1: the frame F1 that the consensus expects of itself")
    seconds = models.FloatField(default=0.0, help_text="in its regions together, which never change: added up once")
    submissions = models.ManyToManyField(Submission, related_name="used_in")
    by = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="decisions", help_text="the reviewer who decided; empty: the crowd"
    )
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "consensuses"
        constraints = [models.UniqueConstraint(fields=["task", "version"], name="one_consensus_per_version")]

    def __str__(self) -> str:
        return f"consensus {self.version} of {self.task}"


class ConsensusRegion(models.Model):
    """A stretch that the crowd agrees should be silent, with its probability."""

    consensus = models.ForeignKey(Consensus, models.PROTECT, related_name="regions")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the region")
    probability = models.FloatField()
    tag = models.CharField(max_length=LONGEST, blank=True, help_text="what leaks there, by weighted vote; empty: nobody said")
    tag_share = models.FloatField(default=0.0, help_text="0-1; share of the votes on tags that this one has")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="consensus_region_runs_forward"),
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="consensus_probability"),
            models.CheckConstraint(condition=Q(tag_share__gte=0, tag_share__lte=1), name="consensus_tag_share"),
        ]

    def __str__(self) -> str:
        return f"{self.start:.2f}-{self.end:.2f} s ({self.probability:.0%})"


class MissingRegion(models.Model):
    """A stretch where the crowd agrees that something of the stem is missing, with its probability."""

    consensus = models.ForeignKey(Consensus, models.PROTECT, related_name="missing")
    start = models.FloatField(help_text="seconds from the start of the track")
    end = models.FloatField(help_text="seconds; the end itself is not part of the region")
    probability = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(start__gte=0, end__gt=F("start")), name="missing_region_runs_forward"),
            models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="missing_probability"),
        ]

    def __str__(self) -> str:
        return f"missing {self.start:.2f}-{self.end:.2f} s ({self.probability:.0%})"
