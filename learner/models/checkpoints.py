"""Checkpoints, the one that a campaign uses now, and files that rules let go."""

from __future__ import annotations

from http import HTTPStatus

from django.db import models
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.core.words import count, day
from annotation.models import Campaign, Membership
from learner.models.jobs import Job


class UnfitCheckpoint(DomainError, ValueError):
    """A campaign cannot run with this checkpoint."""

    status = HTTPStatus.BAD_REQUEST


def check_stem(campaign: Campaign, stem: str, what: str = "This checkpoint") -> None:
    """Raise `UnfitCheckpoint` where what a checkpoint extracts is not what the campaign is about, saying what to do."""
    if stem != campaign.stem:
        raise UnfitCheckpoint(
            f"{what} extracts {stem}; the campaign listens to {campaign.stem}. Give it a checkpoint of {campaign.stem} (from "
            f"`python -m learner.core train FOLDER --stem {campaign.stem}`, or `import`), or make a campaign for {stem}."
        )


class FileRemoved(DomainError):
    """The file of this checkpoint is gone; its row, figures and verdicts are there."""

    status = HTTPStatus.GONE


class Checkpoint(models.Model):
    """A state of a separation model, named by the hash of its file; belongs to no campaign."""

    hash = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=40, blank=True, help_text="what people call it, where somebody brought it under a name")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    file = models.CharField(max_length=120, help_text="storage key")
    recipe = models.JSONField(default=dict)
    stem = models.CharField(max_length=20)
    sample_rate = models.PositiveIntegerField()
    channels = models.PositiveSmallIntegerField()
    code_version = models.CharField(max_length=40)
    seed = models.BigIntegerField(null=True, blank=True)
    created = models.DateTimeField(default=now, editable=False)
    file_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="when the rule for checkpoints that no round used let its file go; empty: it is there"
    )

    withdrawn_answers = models.PositiveIntegerField(
        default=0, help_text="answers that it, or one that it came from, learned from, and whose people have withdrawn their consent since"
    )
    withdrawn_marks = models.PositiveIntegerField(default=0, help_text="marks in them")
    withdrawn = models.DateTimeField(null=True, blank=True, help_text="when the last of them was withdrawn")

    def __str__(self) -> str:
        return self.short

    @property
    def learned_from_withdrawn(self) -> str:
        """What to say of it where people have taken back what it learned from; empty: nobody has."""
        if not self.withdrawn:
            return ""
        said = f"{count(self.withdrawn_answers, 'answer')} with {count(self.withdrawn_marks, 'mark')}"
        return f"It learned from {said} whose people have withdrawn their consent, the last on {day(self.withdrawn)}."

    @property
    def removed(self) -> str:
        """What to say of its file where a rule let it go; empty: it is there."""
        return f"Its file was removed on {day(self.file_removed_at)}, by the rule." if self.file_removed_at else ""

    @property
    def stored(self) -> str:
        """The storage key of its file. Raises `FileRemoved`."""
        if self.removed:
            raise FileRemoved(f"Checkpoint {self.short}: {self.removed}")
        return self.file

    @property
    def short(self) -> str:
        return self.hash[:8]


class ReleasedFile(models.Model):
    """A file that a rule has let go and that is not removed yet; the removal looks whether another row names it."""

    file = models.CharField(max_length=120, unique=True, help_text="storage key")
    since = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.file


class SharedModel(models.Model):
    """The one row that says which checkpoint a campaign uses now."""

    campaign = models.OneToOneField(Campaign, models.PROTECT, related_name="shared_model")
    current = models.ForeignKey(Checkpoint, models.PROTECT, related_name="+")
    changed = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.campaign}: {self.current}"


class ChosenBase(models.Model):
    """The base that somebody chose for a campaign to begin with, and the job that brings it: the last one, where it was chosen again."""

    campaign = models.OneToOneField(Campaign, models.PROTECT, related_name="chosen_base")
    name = models.CharField(max_length=40)
    checkpoint = models.ForeignKey(
        Checkpoint, models.PROTECT, null=True, blank=True, related_name="+", help_text="one that is kept here; empty: the base of that name"
    )
    job = models.OneToOneField(Job, models.PROTECT, related_name="chosen_base")
    who = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, related_name="+", help_text="empty: a command")

    def __str__(self) -> str:
        return f"{self.campaign}: {self.name}"
