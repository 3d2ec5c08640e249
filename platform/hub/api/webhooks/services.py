"""What managers do with webhooks. Of an address the history keeps the host alone: the rest of many is a password."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership
from hub import outgoing
from hub.api.webhooks import sending, signing
from hub.api.webhooks.actions import ACTIONS
from hub.api.webhooks.kinds import KINDS, TEST
from hub.api.webhooks.models import Delivery, Webhook

MOST = 20  # webhooks of a campaign


class TooMany(DomainError):
    """A campaign has 20 webhooks at most: remove one first."""


class NothingChosen(DomainError):
    """Choose at least one kind of event, of those in the list."""

    status = HTTPStatus.BAD_REQUEST


class TooLong(DomainError):
    """An address has 500 characters at most."""

    status = HTTPStatus.BAD_REQUEST


def webhooks_of(campaign: Campaign) -> Any:
    return Webhook.objects.filter(campaign=campaign, removed=None).order_by("pk")


def make_webhook(
    *,
    campaign: Campaign,
    url: str,
    events: Iterable[str],
    who: Membership | None,
    active: bool = True,
    actions: Sequence[str] = (),
    send_payload: bool = True,
) -> Webhook:
    """`actions` are Label Studio's, whose kinds of event count then instead of `events`, and in whose form it is told.

    Raises BadAddress, Inside and Unreached of `hub.outgoing`, NothingChosen, TooLong and TooMany.
    """
    chosen = _checked(url, events, actions)
    with transaction.atomic():
        Campaign.objects.select_for_update().get(pk=campaign.pk)  # so that two at once are counted
        if webhooks_of(campaign).count() >= MOST:
            raise TooMany
        made = Webhook.objects.create(
            campaign=campaign,
            url=url,
            events=chosen,
            active=active,
            actions=list(actions),
            send_payload=send_payload,
            nonce=signing.new_nonce(),
        )
        record(campaign, "webhook.made", who=who, after=_about(made))
    return made


def change_webhook(
    *,
    webhook: Webhook,
    url: str,
    events: Iterable[str],
    active: bool,
    who: Membership | None,
    actions: Sequence[str] = (),
    send_payload: bool = True,
) -> None:
    """What waits goes to the new address. Raises as `make_webhook` does."""
    chosen = _checked(url, events, actions)
    before = _about(webhook)
    address_changed = webhook.url != url
    webhook.url, webhook.events, webhook.active = url, chosen, active
    webhook.actions, webhook.send_payload = list(actions), send_payload
    webhook.failures, webhook.rests_until = 0, None
    with transaction.atomic():
        webhook.save(update_fields=["url", "events", "actions", "send_payload", "active", "failures", "rests_until", "changed"])
        if (after := _about(webhook)) != before or address_changed:
            record(webhook.campaign, "webhook.changed", who=who, before=before, after=after | {"address": address_changed})


@transaction.atomic
def remove_webhook(*, webhook: Webhook, who: Membership | None) -> None:
    """Send nothing to it any more. Its row stays: an event that is being recorded at this moment may have a delivery for it."""
    if Webhook.objects.filter(pk=webhook.pk, removed=None).update(removed=now(), active=False, url="", nonce="", old_nonce=""):
        record(webhook.campaign, "webhook.removed", who=who, after={"webhook": webhook.pk, "host": webhook.host})


@transaction.atomic
def rotate_secret(*, webhook: Webhook, who: Membership | None) -> None:
    """Sign with another secret; for a day with the old one too, so that a receiver can be changed in between."""
    webhook.old_nonce, webhook.nonce, webhook.rotated = webhook.nonce, signing.new_nonce(), now()
    webhook.save(update_fields=["nonce", "old_nonce", "rotated", "changed"])
    record(webhook.campaign, "webhook.secret_changed", who=who, after={"webhook": webhook.pk, "host": webhook.host})


@transaction.atomic
def send_test(*, webhook: Webhook) -> Delivery:
    """Have a test sent at once and once only, also where the webhook rests or is switched off; nothing else is told of it."""
    made = Delivery.objects.create(webhook=webhook, what=TEST)
    _at_once(webhook)
    return made


@transaction.atomic
def send_again(*, delivery: Delivery) -> None:
    """Have a delivery sent once more, under the same id, and tried for a day from now on; one that waits is tried at once."""
    again: dict[str, Any] = {"state": Delivery.State.WAITING, "tries": 0, "since": now(), "due": now()}
    Delivery.objects.filter(pk=delivery.pk).update(**again)
    _at_once(delivery.webhook)


def _at_once(webhook: Webhook) -> None:
    Webhook.objects.filter(pk=webhook.pk).update(rests_until=None)
    sending.ask()


def _checked(url: str, events: Iterable[str], actions: Sequence[str]) -> list[str]:
    asked = {ACTIONS[one][0] for one in actions} if actions else set(events)
    chosen = [kind for kind in KINDS if kind in asked]
    if not chosen or asked - KINDS.keys():
        raise NothingChosen
    if len(url) > 500:
        raise TooLong
    outgoing.check(url)
    return chosen


def _about(webhook: Webhook) -> dict[str, Any]:
    return {"webhook": webhook.pk, "host": webhook.host, "events": webhook.events, "active": webhook.active}
