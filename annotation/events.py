"""Record what happened, and tell open pages that something changed."""

from __future__ import annotations

from channels.layers import get_channel_layer

from annotation.models import Campaign, Event, Membership


def record(campaign: Campaign, what: str, *, who: Membership | None = None, before: dict | None = None, after: dict | None = None) -> Event:
    """Add to the campaign's history and publish it, both with the surrounding transaction."""
    event = Event.objects.create(campaign=campaign, who=who, what=what, before=before, after=after)
    publish(campaign.pk, what.split(".")[0], event.pk)
    return event


def publish(campaign_id: int, what: str, pk: int) -> None:
    """Tell pages of this campaign that a thing of kind `what` changed; delivered when the transaction commits, and only then."""
    get_channel_layer().notify_group(group_of(campaign_id), {"type": "changed", "what": what, "id": pk})


def group_of(campaign_id: int) -> str:
    """The channel group of everybody who looks at this campaign."""
    return f"campaign.{campaign_id}"
