"""Short sounds that a lab brings to what it tells its people."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from annotation.models.campaigns import Campaign


class ToldSound(models.Model):
    """A sound that the instructions or the consent text of a campaign place by its name. Never changed: another one takes its place."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="told_sounds")
    name = models.SlugField(max_length=40, help_text="what the text places it by: ![a breath](sound:breath)")
    ogg = models.BinaryField(help_text="Ogg Vorbis; small, so that it lies with the text and goes with it")
    seconds = models.FloatField()
    added = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="one_told_sound_of_a_name")]

    def __str__(self) -> str:
        return f"sound {self.name}"
