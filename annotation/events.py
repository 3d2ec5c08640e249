"""Record what happened, tell open pages that something changed, and workers what is to do."""

from __future__ import annotations

import logging

import dramatiq
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import Error as DatabaseError
from django.db import connection, transaction

from annotation.models import Campaign, Event, Membership

log = logging.getLogger(__name__)


def record(campaign: Campaign, what: str, *, who: Membership | None = None, before: dict | None = None, after: dict | None = None) -> Event:
    """Add to the campaign's history and publish it, both with the surrounding transaction."""
    event = Event.objects.create(campaign=campaign, who=who, what=what, before=before, after=after)
    publish(campaign.pk, what.split(".")[0], event.pk)
    return event


def publish(campaign_id: int, what: str, pk: int) -> None:
    """Tell pages of this campaign that a thing of kind `what` changed: when the transaction has committed, and only then.

    A message that cannot be sent is lost, which costs nothing but a moment: pages read the rows again every minute.
    """
    transaction.on_commit(lambda: _tell(campaign_id, what, pk))


def _tell(campaign_id: int, what: str, pk: int) -> None:
    layer, message = get_channel_layer(), {"type": "changed", "what": what, "id": pk}
    # Ours sends on the connection that is there; any other layer of Channels is asked as they all are.
    send = layer.notify_group if hasattr(layer, "notify_group") else async_to_sync(layer.group_send)
    try:
        send(group_of(campaign_id), message)
    except DatabaseError as error:
        log.warning("a live message was lost: %s", str(error).partition("\n")[0])
        connection.close_if_unusable_or_obsolete()  # so that what comes next does not stumble over the same


def group_of(campaign_id: int) -> str:
    """The channel group of everybody who looks at this campaign."""
    return f"campaign.{campaign_id}"


def send(actor: str, pk: int, *, queue: str = "default") -> None:
    """Ask a worker to do something about the row `pk`; the message goes with the surrounding transaction (`hub.broker`).

    By name, since actors stand above the services that they call.
    """
    dramatiq.get_broker().enqueue(dramatiq.Message(queue_name=queue, actor_name=actor, args=(pk,), kwargs={}, options={}))
