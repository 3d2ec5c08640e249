"""What the model would mark, which people may accept or not."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from annotation.models.tasks import Task


class Proposal(models.Model):
    """What was proposed for one task, or would have been: of the tasks that could have proposals some are drawn to be without, blind.

    So the bias that proposals cause is known. It is no mark of anybody until a person accepts it.
    """

    task = models.OneToOneField(Task, models.CASCADE, related_name="proposal")
    regions = models.JSONField(help_text="[[start, end, probability], …] in track seconds")
    shown = models.BooleanField(help_text="false: blind")
    chance = models.FloatField(help_text="probability with which it was shown")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(chance__gte=0, chance__lte=1), name="chance_of_a_proposal")]

    def __str__(self) -> str:
        return f"{'shown' if self.shown else 'blind'} on {self.task}"
