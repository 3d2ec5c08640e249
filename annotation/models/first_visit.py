"""A member's first visit: consent, sound check, instructions read, practice."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models.people import Membership


class Consent(models.Model):
    """One time that a member gave or withdrew consent; only ever added to, the latest counts."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="consents")
    version = models.PositiveIntegerField(help_text="of the text that was shown")
    text = models.TextField(blank=True, help_text="as it was shown")
    given = models.BooleanField(help_text="false: withdrawn")
    when = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["membership", "-id"])]

    def __str__(self) -> str:
        return f"{self.membership.pseudonym} {'gave' if self.given else 'withdrew'} consent {self.version}"


class FirstVisit(models.Model):
    """How far a member is with the first visit."""

    class Consented(models.TextChoices):
        NOT_YET = "", "not asked yet"
        GIVEN = "given"
        WITHDRAWN = "withdrawn"

    class Sound(models.TextChoices):
        NOT_YET = "", "not checked"
        PASSED = "passed"
        WITHOUT = "without", "went on without headphones"

    membership = models.OneToOneField(Membership, models.PROTECT, related_name="first_visit")
    consent = models.CharField(max_length=10, choices=Consented, default=Consented.NOT_YET, blank=True)
    questions = models.JSONField(
        null=True, blank=True, help_text="{question: [answer, …]} of the campaign's questionnaire; empty: not asked"
    )
    sound = models.CharField(max_length=10, choices=Sound, default=Sound.NOT_YET, blank=True)
    sound_tries = models.PositiveIntegerField(default=0)
    instructions_version = models.PositiveIntegerField(null=True, blank=True, help_text="of the instructions that were read")
    more_tries = models.PositiveIntegerField(default=0, help_text="runs of the practice that managers have given besides")
    begun = models.DateTimeField(default=now, editable=False)
    finished = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"first visit of {self.membership.pseudonym}"


class PracticeAnswer(models.Model):
    """One try at a practice task; its sound and truth are made by `annotation.core.first_visit_sounds`."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="practice_answers")
    number = models.PositiveSmallIntegerField(help_text="of the practice task, from 1")
    run = models.PositiveIntegerField(default=1, help_text="of the practice, from 1; each has other clips")
    marks = models.JSONField(help_text="[[start, end], …] in seconds of the clip")
    score = models.FloatField()
    when = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="practice_score_is_a_share")]

    def __str__(self) -> str:
        return f"{self.membership.pseudonym} on practice {self.number}: {self.score:.2f}"
