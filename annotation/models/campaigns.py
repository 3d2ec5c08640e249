"""A campaign and its rules."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from datetime import time

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.module_loading import import_string
from django.utils.timezone import now
from django.utils.translation import gettext

from annotation.core import markdown, questionnaire
from annotation.core.stems import CHOICES, STEMS, USUAL, Wording
from annotation.core.tags import fault


def _share(name: str, most: float = 1.0) -> tuple[Callable[[Campaign], bool], str]:
    def fits(campaign: Campaign) -> bool:
        value: float | None = getattr(campaign, name)
        return value is None or 0 <= value <= most

    return fits, f"it may be from 0 to {most:g}."


def _at_least_one(name: str) -> tuple[Callable[[Campaign], bool], str]:
    def fits(campaign: Campaign) -> bool:
        value: int | None = getattr(campaign, name)
        return value is None or value >= 1

    return fits, "it may be 1 or more, or empty."


class Campaign(models.Model):
    """One shared model, a pool of tracks, people, and the rules they work by."""

    class SkipPolicy(models.TextChoices):
        ME = "me", "back to me: it comes once more when nothing else is left"
        OTHERS = "others", "to others: somebody else is asked instead"
        IGNORED = "ignored", "ignored: nobody is asked instead"

    class Choosing(models.TextChoices):
        EXPECTED = "expected", "expected: the most false-positive seconds per minute of listening, learned from what people agreed on"
        LEAK_AWARE = "leak-aware", "leak-aware: at random, more often where more leak is predicted"
        UNCERTAINTY = "uncertainty", "uncertainty: where the model is least sure of what it extracts"
        NOISY_UNCERTAINTY = "noisy-uncertainty", "noisy uncertainty: the same, with chance mixed in, less of it in later rounds"
        COVERAGE = "coverage", "coverage: clips that are as unlike each other as possible"
        RANDOM = "random", "random: every clip with the same chance"

    class Devices(models.TextChoices):
        ALL = "all", "all"
        TOUCH = "touch", "touch only: telephones and tablets"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    stem = models.CharField(
        max_length=20,
        choices=CHOICES,
        default=USUAL,
        help_text="what the model extracts and people listen to; the same from the first song on",
    )
    instructions = models.TextField(
        blank=True, help_text="what annotators of this campaign should know besides; the page explains the rest"
    )
    instruction_version = models.PositiveIntegerField(default=1)
    clip_seconds = models.FloatField(
        default=15.0,
        help_text="length of a task's clip, 10-30 s",
        validators=[MinValueValidator(10, "A clip lasts at least 10 seconds."), MaxValueValidator(30, "A clip lasts at most 30 seconds.")],
    )
    clips_per_round = models.PositiveIntegerField(
        default=6, validators=[MinValueValidator(1, "A round needs at least 1 clip; to stop the rounds, pause the campaign.")]
    )
    clips_per_track = models.PositiveIntegerField(
        default=2,
        help_text="clips of one song in one round, at most; with few songs a round can be shorter than the clips per round",
        validators=[MinValueValidator(1, "Allow at least 1 clip of a song in a round.")],
    )
    choosing = models.CharField(
        max_length=20,
        choices=Choosing,
        default=Choosing.EXPECTED,
        help_text="which clips people hear next; the random share is drawn at random whatever this says",
    )
    random_share = models.FloatField(
        default=1 / 3,
        help_text="0-1; share of clips chosen at random, so that the gain of choosing is known",
        validators=[MinValueValidator(0, "The random share is from 0 to 1."), MaxValueValidator(1, "The random share is from 0 to 1.")],
    )
    asks_again = models.BooleanField(
        default=True,
        help_text="with “expected”: instead of a new clip, one more person is asked about clips that were heard, where that is worth more",
    )
    min_overlap = models.PositiveIntegerField(default=3, help_text="answers asked for before consensus is taken")
    max_overlap = models.PositiveIntegerField(default=5, help_text="answers at most; then a reviewer decides")
    certainty = models.FloatField(
        default=0.9, help_text="0-1; below it one more person is asked: the frame F1 that the consensus expects of itself"
    )
    reliable_only = models.BooleanField(
        default=False,
        help_text="who has proved too unreliable to settle what others disagree on gets no new clips at all",
    )
    sound_as_witness = models.BooleanField(
        default=True, help_text="what was extracted counts beside people's marks: where it is silent no mark can be true"
    )
    review_wait_hours = models.PositiveIntegerField(
        default=48,
        help_text="hours that a round with nothing to learn yet waits for reviewers of its clips; 0: it does not wait",
    )
    quick_share = models.FloatField(
        default=0.0,
        help_text="0-1; share of a round's clips that people answer quick questions about (yes, no, cannot tell) instead of drawing marks",
        validators=[MinValueValidator(0, "The quick share is from 0 to 1."), MaxValueValidator(1, "The quick share is from 0 to 1.")],
    )
    quick_on_doubt = models.BooleanField(
        default=False, help_text="when enough people have drawn, one more answers quick questions about what is still in doubt"
    )
    quick_devices = models.CharField(max_length=10, choices=Devices, default=Devices.ALL, help_text="where quick questions are offered")
    lease_seconds = models.PositiveIntegerField(default=900)
    counts_unheard = models.BooleanField(
        default=False,
        help_text="answers that a program sends, such as Label Studio's SDK, which cannot say what of a clip was heard, count like others; "
        "else they are kept beside the others, without a vote",
    )
    skip_policy = models.CharField(
        max_length=10, choices=SkipPolicy, default=SkipPolicy.OTHERS, help_text="what becomes of a task that somebody skipped"
    )
    recipe = models.JSONField(default=dict, blank=True, help_text="what differs from the default recipe of an adaptation")
    max_rounds = models.PositiveIntegerField(null=True, blank=True, help_text="no round is opened after this one; empty: no end")
    compare_with_replay = models.BooleanField(
        default=True, help_text="after each adaptation, run the same steps on replay without feedback"
    )
    learns_after_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="seconds that people have agreed on since the model learned last, from which on it learns, though clips of the round are "
        "still open; empty: it waits until all clips are answered",
    )
    learns_after_clips = models.PositiveIntegerField(
        null=True, blank=True, help_text="clips that people have agreed on since then, with the same effect; empty: it waits"
    )
    learns_after_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="hours that a round is open, after which the model learns from what there is, if there is something; empty: it waits",
    )
    learns_every_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="hours from one time by the clock to the next, at which the model learns from what people have agreed on until then, if "
        "that is something: 24 is each day, 168 each Monday; empty: it does not go by the clock",
    )
    learns_at = models.TimeField(default=time(3), help_text="the time of day that these hours are counted from, as 03:00")
    time_zone = models.CharField(default="UTC", max_length=40, help_text="whose time of day that is, such as Europe/Berlin")
    learns_by_hand = models.BooleanField(
        default=False, help_text="the model learns only when a manager presses “Freeze now”, even when all clips are answered"
    )
    gate_gain = models.FloatField(
        default=0.1, help_text="0-0.9; share of the bleed in gate songs that a new model must take away to count as better"
    )
    gate_leak_rise = models.FloatField(
        default=0.5, help_text="0-10; seconds a minute that gate songs may leak more, at the same level of what is extracted"
    )
    gate_voice_loss = models.FloatField(
        default=1.0, help_text="0-6; dB that a new model may lose of what it should extract, in gate songs or in what people let pass"
    )
    gate_forgetting = models.FloatField(
        default=0.3, help_text="0-6; dB of SDR that it may lose on other music than it was taught (source gate songs), in one round"
    )
    seed = models.PositiveBigIntegerField(default=0)
    paused = models.BooleanField(default=False, help_text="no new round starts while paused")
    held_up = models.TextField(
        blank=True,
        default="",
        editable=False,
        help_text="why no round begins or is learned from, and what to do; empty: nothing is in the way",
    )
    onboarding = models.BooleanField(
        default=False, help_text="people pass the first visit (consent, sound check, instructions, practice) before the queue"
    )
    questionnaire = models.TextField(
        blank=True,
        help_text="asked at the first visit; each question may be left out. A line asks, lines with - before them are its answers (with *: "
        "several may be chosen), and behind = stands the tag that an answer gives: - Headphones = headphones. Empty: nothing is asked",
    )
    only_tags = models.JSONField(
        default=list, blank=True, help_text='only people with one of these tags get clips: ["headphones"]; []: everybody does'
    )
    only_reviewers = models.BooleanField(default=False, help_text="only who may review gets clips")
    practice_score = models.FloatField(
        default=0.7, help_text="0-1; the mean score on the practice clips that lets people into the queue; each clip's first answer counts"
    )
    practice_tries = models.PositiveIntegerField(
        null=True, blank=True, help_text="runs through the practice that a person has; a manager can give more; empty: as many as they like"
    )
    consent_text = models.TextField(blank=True, help_text="what people agree to; empty: the page's own words")
    consent_version = models.PositiveIntegerField(default=1, help_text="raised when the text changes: everybody is asked again")
    gold_share = models.FloatField(default=0.0, help_text="share of a person's tasks whose truth is known, at most a half")
    qualification = models.PositiveIntegerField(default=0, help_text="gold tasks that a newcomer answers before the queue; 0: none")
    qualification_score = models.FloatField(default=0.6, help_text="0-1; the mean score on them that is asked for")
    pause_below = models.FloatField(null=True, blank=True, help_text="0-1; who scores less on gold tasks is paused; empty: nobody is")
    pause_after = models.PositiveIntegerField(default=8, help_text="gold answers that this is judged by, the latest ones")
    frozen = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="when feedback was frozen last: answers given before can be changed no more"
    )
    tags = models.JSONField(
        default=list,
        blank=True,
        help_text='what a mark may be said to be, each by a number key: ["strings", "drums"], at most nine; []: marks carry no tags',
    )
    collects_missing = models.BooleanField(default=False, help_text="people also mark where something of the stem is missing")
    proposes = models.BooleanField(
        default=False, help_text="the model proposes marks, which people accept, change or leave; never on gold clips or those kept apart"
    )
    blind_share = models.FloatField(
        default=0.5, help_text="0-1; share of the clips that are without proposals all the same, so that the bias they cause is known"
    )
    hears_effects = models.BooleanField(
        default=False,
        help_text="after an answer people can hear the clip as a model gives it that learned from their marks in it alone; made when no "
        "other work waits, never of gold clips, and until a round is closed offered on half of the clips, so that none is told by it",
    )
    all_separate = models.BooleanField(
        "all members separate songs",
        default=False,
        help_text="annotators and reviewers too may send songs and hear what the campaign's model makes of them; otherwise owners, "
        "managers and researchers may",
    )
    leaderboard = models.BooleanField(default=False, help_text="members see each other's reliability-weighted minutes")
    created = models.DateTimeField(default=now, editable=False)
    ended = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="since when nobody is given clips and no round begins; empty: it runs"
    )
    archived = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="since when it is out of the lists and can only be read; empty: it is not"
    )
    deleted = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="since when only its owners see that it was there; a day later it is removed"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(archived=None) | Q(ended__isnull=False), name="archived_campaigns_have_ended"),
            models.CheckConstraint(condition=Q(clip_seconds__gte=10, clip_seconds__lte=30), name="clip_of_10_to_30_seconds"),
            models.CheckConstraint(condition=Q(blind_share__gte=0, blind_share__lte=1), name="blind_share_is_a_share"),
            models.CheckConstraint(condition=Q(clips_per_track__gte=1), name="a_clip_of_each_track"),
            models.CheckConstraint(condition=Q(min_overlap__gte=1, max_overlap__gte=F("min_overlap")), name="overlap_min_to_max"),
            models.CheckConstraint(condition=Q(quick_share__gte=0, quick_share__lte=1), name="quick_share_is_a_share"),
            models.CheckConstraint(condition=Q(random_share__gte=0, random_share__lte=1), name="random_share_is_a_share"),
            models.CheckConstraint(
                condition=Q(review_wait_hours__lte=365 * 24),
                name="review_wait_at_most_a_year",
                violation_error_message="Wait for reviewers at most 8760 hours, which is a year.",
            ),
            models.CheckConstraint(
                condition=Q(gold_share__gte=0, gold_share__lte=0.5),
                name="gold_share_at_most_half",
                violation_error_message="The gold share must be from 0 to 0.5.",
            ),
            models.CheckConstraint(
                condition=Q(pause_after__gte=1), name="pause_after_an_answer", violation_error_message="Pause after at least 1 gold answer."
            ),
            models.CheckConstraint(
                condition=Q(qualification_score__gte=0, qualification_score__lte=1)
                & (Q(pause_below=None) | Q(pause_below__gte=0, pause_below__lte=1)),
                name="scores_on_gold_are_shares",
                violation_error_message="The qualification score and the score to pause below must be from 0 to 1.",
            ),
            models.CheckConstraint(
                condition=Q(practice_score__gte=0, practice_score__lte=1) & (Q(practice_tries=None) | Q(practice_tries__gte=1)),
                name="practice_can_be_passed",
                violation_error_message="The practice score must be from 0 to 1, and the tries at least 1 (or empty: no end).",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def wording(self) -> Wording:
        """How people speak of what is extracted, in the language of the page that asks."""
        return STEMS[self.stem].said(gettext)

    @property
    def asks_quickly(self) -> bool:
        """Whether quick questions come in this campaign at all."""
        return self.quick_share > 0 or self.quick_on_doubt

    def lacking_sounds(self, text: str) -> list[str]:
        """Names of the sounds that a text places and that this campaign has not."""
        placed = markdown.sounds_in(text)
        there = set(self.told_sounds.filter(name__in=placed).values_list("name", flat=True)) if placed else set()
        return [name for name in placed if name not in there]

    def settled_stem(self) -> str | None:
        """The stem that the campaign's songs or its first model were taken in for; None: it has neither, so the stem may change."""
        begun = Q(tracks__isnull=False) | Q(events__what="model.shared")
        return Campaign.objects.filter(begun, pk=self.pk).values_list("stem", flat=True).first()

    def clean(self) -> None:
        """A recipe that no adaptation could follow is refused where it is written, and not when people have answered.

        So is another stem than the one that the campaign's songs were taken in with, and each number that is outside what is allowed.
        """
        if wrong := {name: allowed for name, (fits, allowed) in ALLOWED.items() if not fits(self)}:
            raise ValidationError({name: f"This is {getattr(self, name)}; {allowed}" for name, allowed in wrong.items()})
        if (was := self.settled_stem()) and was != self.stem:
            reason = f"Songs or a model were taken in for {was}, so the stem stays {was}; make another campaign for {self.stem}."
            raise ValidationError({"stem": reason})
        try:
            questionnaire.read(self.questionnaire)
        except ValueError as error:
            raise ValidationError({"questionnaire": str(error)}) from error
        if not (isinstance(self.only_tags, list) and all(isinstance(tag, str) for tag in self.only_tags)):
            raise ValidationError({"only_tags": 'Give a list of tags, such as ["headphones"], or [].'})
        if reason := fault(self.tags):
            raise ValidationError({"tags": reason})
        try:
            import_string(settings.RECIPE_CHECK)(self.recipe)
        except ValueError as error:
            raise ValidationError({"recipe": str(error)}) from error


MOST_HOURS = 4 * 7 * 24
ALLOWED: dict[str, tuple[Callable[[Campaign], bool], str]] = {
    "max_rounds": (
        lambda campaign: campaign.max_rounds is None or campaign.max_rounds >= 1,
        "it may be 1 or more, or empty; to have no rounds for now, pause the campaign, or end it.",
    ),
    "practice_score": _share("practice_score"),
    "practice_tries": (
        lambda campaign: campaign.practice_tries is None or campaign.practice_tries >= 1,
        "it takes 1 or more; empty: no end.",
    ),
    "review_wait_hours": (lambda campaign: campaign.review_wait_hours <= 365 * 24, "it may be 8760 at most, which is a year."),
    "min_overlap": (lambda campaign: campaign.min_overlap >= 1, "a clip needs at least 1 answer."),
    "max_overlap": (
        lambda campaign: campaign.max_overlap >= campaign.min_overlap,
        "it may not be less than the answers asked for at first.",
    ),
    "certainty": _share("certainty"),
    "blind_share": _share("blind_share"),
    "lease_seconds": (lambda campaign: 5 <= campaign.lease_seconds <= 24 * 3600, "it may be from 5 to 86400, which is a day."),
    "gold_share": _share("gold_share", 0.5),
    "qualification_score": _share("qualification_score"),
    "pause_below": _share("pause_below"),
    "learns_after_seconds": _at_least_one("learns_after_seconds"),
    "learns_after_clips": _at_least_one("learns_after_clips"),
    "learns_after_hours": _at_least_one("learns_after_hours"),
    "learns_every_hours": (
        lambda campaign: campaign.learns_every_hours is None or 1 <= campaign.learns_every_hours <= MOST_HOURS,
        f"it may be from 1 to {MOST_HOURS}, which are four weeks, or empty.",
    ),
    "time_zone": (
        lambda campaign: campaign.time_zone in zoneinfo.available_timezones(),
        "give the name of a time zone, such as Europe/Berlin, America/New_York or UTC.",
    ),
    "gate_gain": _share("gate_gain", 0.9),
    "gate_leak_rise": _share("gate_leak_rise", 10),
    "gate_voice_loss": _share("gate_voice_loss", 6),
    "gate_forgetting": _share("gate_forgetting", 6),
    "pause_after": (lambda campaign: campaign.pause_after >= 1, "it takes at least 1 gold answer."),
}
"""Rules that more than one field or no field of a database knows: what is asked, and what is said where it does not hold."""
