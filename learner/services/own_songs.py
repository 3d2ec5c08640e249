"""One song of one's own: a campaign of one song and one person, who marks it, has it mended, and hears it before and after.

A campaign of the name `TEMPLATE` stands for all of them: its members may bring songs, its checkpoint is what they begin with, and its
rules are what their campaigns begin with. It has no songs itself.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from annotation import services as annotating
from annotation.core.errors import DomainError
from annotation.models import Campaign, ConsensusRegion, Membership
from learner.models import Adaptation, Job, Round, SharedModel
from learner.selectors.one_song import TEMPLATE as TEMPLATE
from learner.services.checkpoints import check_unshared, share, share_file
from learner.services.deleting import removal
from learner.services.rounds import freeze_feedback, open_round_of, start_round

PREFIX = "my-song-"  # of the slugs of their campaigns
MOST_EACH = 5  # songs that one person has at a time
RULES: dict[str, Any] = {
    "min_overlap": 1,
    "max_overlap": 1,
    "clips_per_round": 40,  # all of ten minutes
    "random_share": 0.0,
    "review_wait_hours": 0,
    "compare_with_replay": False,
    "recipe": {"pseudo_replay": True},
}
OWN = (
    "id",
    "name",
    "slug",
    "seed",
    "created",
    "frozen",
    "paused",
    "ended",
    "archived",
    "deleted",
)  # fields that a campaign does not take from the template


class TooManySongs(DomainError):
    """You have as many songs here as one person may have: remove one that you need no more."""


class NotYet(DomainError):
    """There is nothing to mend yet: answer at least one clip in which you marked something."""


class AtWork(DomainError):
    """A worker is at this song: remove it when that has ended."""


def open_to_members(*, file: Path) -> Campaign:
    """Let members of the template's campaign bring songs, which begin with this checkpoint; made already, it stays as it is."""
    template = Campaign.objects.filter(slug=TEMPLATE).first()
    if template is None:
        template = annotating.create_campaign(name="One song of mine", slug=TEMPLATE, **RULES)
    if not SharedModel.objects.filter(campaign=template).exists():
        check_unshared(template)
        share_file(campaign=template, file=file)
    return template


def template_for(user: Any) -> Campaign | None:
    """The template, where this user may bring songs; None: not here, or not they."""
    if not user.is_authenticated:
        return None
    shared = SharedModel.objects.filter(campaign__slug=TEMPLATE, campaign__memberships__user=user, campaign__memberships__active=True)
    shared = shared.filter(campaign__deleted=None)
    return Campaign.objects.filter(pk__in=shared.values("campaign")).first()


def songs_of(user: Any) -> QuerySet[Campaign]:
    """The campaigns of the songs that this user brought, the latest first."""
    own = Membership.objects.filter(user=user, active=True, role=Membership.Role.OWNER)
    return Campaign.objects.filter(slug__startswith=PREFIX, memberships__in=own, deleted=None).order_by("-pk")


def own_song(user: Any, slug: str) -> Membership | None:
    """The membership of the person who brought this song; to anybody else it does not exist."""
    found = Membership.objects.select_related("campaign").filter(user=user, active=True, role=Membership.Role.OWNER)
    return found.filter(campaign__slug=slug, campaign__slug__startswith=PREFIX, campaign__deleted=None).first()


def make_room_for(*, user: Any, template: Campaign, name: str) -> Campaign:
    """Make the campaign of one more song, by the template's rules. Within a transaction. Raises `TooManySongs`."""
    # Locked, so that who sends two songs at once is counted right.
    Membership.objects.select_for_update(of=("self",)).get(campaign=template, user=user)
    if songs_of(user).count() >= MOST_EACH:
        raise TooManySongs
    fields = [field.name for field in Campaign._meta.concrete_fields if field.name not in OWN]
    rules = {field: getattr(template, field) for field in fields}
    return annotating.create_campaign(name=name[:120], slug=f"{PREFIX}{secrets.token_hex(6)}", owner=user, **rules)


@transaction.atomic
def begin(*, campaign: Campaign, template: Campaign) -> None:
    """Let the base separate the song that the campaign has."""
    share(campaign=campaign, checkpoint=SharedModel.objects.select_related("current").get(campaign=template).current)
    start_round(campaign=campaign)


@transaction.atomic
def mend(*, campaign: Campaign, who: Membership) -> Adaptation:
    """Learn from what was marked so far. Raises `NotYet`."""
    annotating.agree_on_due_tasks(campaign=campaign)
    marked = ConsensusRegion.objects.filter(consensus__task__campaign=campaign).exists()
    under_way = open_round_of(campaign)
    if not marked or under_way is None or under_way.state != Round.State.ANNOTATING:
        raise NotYet
    adaptation = freeze_feedback(round_=under_way, who=who)
    if adaptation is None:
        raise NotYet
    return adaptation


@transaction.atomic
def remove(*, campaign: Campaign) -> None:
    """Remove a song with all that was made of it; its files go by the clock. Raises `AtWork`."""
    assert campaign.slug.startswith(PREFIX)
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    jobs = Job.objects.select_for_update(of=("self",)).filter(campaign=campaign)
    if any(job.state == Job.State.RUNNING for job in jobs):
        raise AtWork
    for _ in removal(campaign):
        pass
