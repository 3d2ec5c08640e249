"""The end of a campaign, and the way back: ended, archived, opened again. What it is to delete one, `learner.services.deleting` knows."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from annotation.events import record
from annotation.models import Campaign, Membership


@transaction.atomic
def end_campaign(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """Hand out no more clips, and begin no round; what is under way at a worker goes on. False: it had ended.

    A clip in somebody's hand may still be answered.
    """
    changed = Campaign.objects.filter(pk=campaign.pk, ended=None).update(ended=Now())
    if changed:
        record(campaign, "campaign.ended", who=who)
    return bool(changed)


@transaction.atomic
def open_again(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """Let a campaign that had ended go on where it was, and out of the archive. False: it had not ended.

    Where its rounds had run out of clips, the next one looks again.
    """
    changed = Campaign.objects.filter(pk=campaign.pk, ended__isnull=False).update(ended=None, archived=None)
    if changed:
        record(campaign, "campaign.opened_again", who=who)
    return bool(changed)


@transaction.atomic
def archive(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """End a campaign, take it out of the lists, and let nobody change anything in it. False: it was archived."""
    changed = Campaign.objects.filter(pk=campaign.pk, archived=None).update(archived=Now(), ended=Coalesce("ended", Now()))
    if changed:
        record(campaign, "campaign.archived", who=who)
    return bool(changed)


@transaction.atomic
def take_out_of_archive(*, campaign: Campaign, who: Membership | None = None) -> bool:
    """Put a campaign back into the lists, ended as it is. False: it was in them."""
    changed = Campaign.objects.filter(pk=campaign.pk, archived__isnull=False).update(archived=None)
    if changed:
        record(campaign, "campaign.taken_out", who=who)
    return bool(changed)
