"""Views of a project's tasks that programs keep."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models import Campaign


class View(models.Model):
    """What the data manager calls a tab: which tasks, in which order. Our own pages show none of them."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    data = models.JSONField(help_text="title, filters, ordering, selectedItems and what else its program keeps there")
    order = models.PositiveIntegerField(default=0, help_text="its place among the campaign's")
    made = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["campaign", "order", "id"], name="views_of_a_campaign")]

    def __str__(self) -> str:
        return f"view {self.pk} of {self.campaign}"
