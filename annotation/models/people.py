"""People of a campaign: their roles, what each role may do, and how they mark."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from annotation.models.campaigns import Campaign


class Right(StrEnum):
    """What only some roles may do. To listen, mark and see one's own work is everybody's."""

    MANAGE = "manage"  # steer the loop, decide about people and tracks, and answer without qualifying first
    REVIEW = "review"  # hear any clip, and decide what others disagreed on
    SEE_PEOPLE = "see people"  # see by name who did what
    TAKE_DATA = "take data"  # download marks, regions agreed on, how clips were chosen, and checkpoints
    CLOSE = "close"  # end, archive and delete the campaign, and undo each


class Membership(models.Model):
    """One person (or simulated annotator) in one campaign; marks belong to it, so a person can leave and stay anonymous."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        RESEARCHER = "researcher"
        REVIEWER = "reviewer"
        ANNOTATOR = "annotator"

    class Kind(models.TextChoices):
        HUMAN = "human"
        SIMULATED = "simulated"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.ANNOTATOR)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.HUMAN)
    pseudonym = models.CharField(max_length=60)
    habits = models.JSONField(default=dict, blank=True, help_text="of a simulated annotator: how it hears and errs")
    active = models.BooleanField(default=True)
    tags = models.JSONField(default=list, blank=True, help_text="what is known of the person: headphones, training, language, cohort")
    paused = models.DateTimeField(null=True, blank=True, help_text="when a manager paused them: no tasks; empty: nobody did")
    pause_reason = models.CharField(max_length=300, blank=True, help_text="as they read it on their own page")
    consent_version = models.PositiveIntegerField(default=1)
    qualified = models.DateTimeField(null=True, blank=True, help_text="when they had shown on gold tasks that they hear what leaks")
    tasks_asked = models.PositiveIntegerField(
        null=True, blank=True, help_text="accepted answers after which they get no more tasks; empty: no end"
    )
    joined = models.DateTimeField(default=now, editable=False)

    limited_to: str | None = None
    """Not kept: a role whose rights are the most that whoever acts for this person has, such as a program with a token."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "user"], name="one_membership_each"),
            models.UniqueConstraint(fields=["campaign", "pseudonym"], name="one_pseudonym_each"),
        ]

    def __str__(self) -> str:
        return f"{self.pseudonym} in {self.campaign}"

    @property
    def manages(self) -> bool:
        """Whether this person may see everybody's work and steer the loop."""
        return self.may(Right.MANAGE)

    @property
    def reviews(self) -> bool:
        """Whether this person may decide what others disagreed on."""
        return self.may(Right.REVIEW)

    @property
    def sees_people(self) -> bool:
        """Whether this person sees by name who did what."""
        return self.may(Right.SEE_PEOPLE)

    @property
    def takes_data(self) -> bool:
        """Whether this person may download what people gave and what the model became."""
        return self.may(Right.TAKE_DATA)

    @property
    def closes(self) -> bool:
        """Whether this person may end, archive and delete the campaign."""
        return self.may(Right.CLOSE)

    def may(self, right: Right) -> bool:
        """Whether this person has a right, and who acts for them may use it."""
        limited = self.limited_to is not None and right not in RIGHTS[self.Role(self.limited_to)]
        return self.active and not limited and right in RIGHTS[self.Role(self.role)]


RIGHTS = {
    Membership.Role.OWNER: frozenset(Right),
    Membership.Role.MANAGER: frozenset(Right) - {Right.CLOSE},
    Membership.Role.RESEARCHER: frozenset({Right.SEE_PEOPLE, Right.TAKE_DATA}),
    Membership.Role.REVIEWER: frozenset({Right.REVIEW, Right.SEE_PEOPLE}),
    Membership.Role.ANNOTATOR: frozenset[Right](),
}
"""What each role may do: all that asks for a right asks this table."""


def roles_with(right: Right) -> list[Membership.Role]:
    return [role for role, rights in RIGHTS.items() if right in rights]


def holders(right: Right) -> Q:
    """Active members who have this right, for a query on memberships."""
    return Q(active=True, role__in=roles_with(right))


def named_holders(right: Right) -> str:
    """The roles that have this right, as a refusal names them: "owners and managers"."""
    *others, last = (f"{role}s" for role in roles_with(right))
    return f"{', '.join(others)} and {last}" if others else last


class Reliability(models.Model):
    """The stored fit of how one member marks, made when a round is frozen; closing a single task weighs people by it."""

    membership = models.OneToOneField(Membership, models.CASCADE, related_name="reliability")
    sensitivity = models.FloatField(help_text="share of true false-positive frames that the person marks")
    specificity = models.FloatField(help_text="share of right frames that the person leaves unmarked")
    onset_lag = models.FloatField(help_text="seconds")
    offset_lag = models.FloatField(help_text="seconds")
    edge_jitter = models.FloatField(default=0.2, help_text="seconds, standard deviation of the edges of their marks, lag taken off")
    settles = models.BooleanField(default=True, help_text="whether they are asked for an extra answer where the first ones disagree")
    n_tasks = models.PositiveIntegerField()
    fitted = models.DateTimeField(default=now)

    class Meta:
        verbose_name_plural = "reliabilities"

    def __str__(self) -> str:
        return f"{self.membership.pseudonym}: sensitivity {self.sensitivity:.2f}, specificity {self.specificity:.2f}"
