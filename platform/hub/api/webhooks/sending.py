"""Sending: a worker at a time, a few requests at once, at most one to each webhook.

At least once, and what is about one thing (a clip, a round, a song) in its order. What fails is tried again for a day, ever more
seldom; a webhook that failed rests meanwhile, so that one that hangs takes one place of few, now and then.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.timezone import localdate, now

from annotation.events import record, send
from hub import outgoing
from hub.api.webhooks import actions, signing
from hub.api.webhooks.kinds import payload
from hub.api.webhooks.models import Delivery, Sender, Webhook
from hub.notices.gathering import Told, tell
from hub.notices.models import Kind

log = logging.getLogger(__name__)

AT_ONCE = 8
LIMITS = outgoing.Limits(seconds=10.0, n_bytes=1024)
PAUSES = [5, 30, 120, 600, 1800, 3600, 7200, 14_400]  # seconds before the next try; after the last of them always that
TRIED_FOR = timedelta(days=1)
WORKS_FOR = 45.0  # seconds; then another message goes on, and others have their turn
LEASE = timedelta(minutes=1)  # after which who took a delivery, or was asked to send, is thought dead
KEPT_FOR = timedelta(days=30)  # the log


@dataclass(frozen=True)
class Answered:
    """What came of one try."""

    status: int | None
    seconds: float
    said: str

    @property
    def good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def ask() -> bool:
    """Ask a worker to send, if something is due and none has been asked; True: it was."""
    if not due().exists():
        return False
    Sender.objects.get_or_create(pk=1)
    with transaction.atomic():
        free = Q(asked=None) | Q(asked__lt=now() - LEASE)
        if not Sender.objects.filter(free, pk=1).update(asked=now()):
            return False
        send("send_webhooks", 1)
    return True


def work() -> int:
    """Send what is due, until nothing is or the time is over; returns how many answers came, good or not."""
    until, n = time.monotonic() + WORKS_FOR, 0
    under_way: dict[Future[Answered], Delivery] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            while len(under_way) < AT_ONCE and time.monotonic() < until and (one := take([it.webhook_id for it in under_way.values()])):
                if (body := body_of(one)) is None:
                    Delivery.objects.filter(pk=one.pk).update(
                        state=Delivery.State.DELIVERED, tried=now(), said="none of the chosen actions"
                    )
                    continue
                signed = signing.headers(one.webhook, one.key, int(time.time()), body)
                under_way[pool.submit(post, one.webhook.url, signed, body)] = one
            Sender.objects.filter(pk=1).update(asked=now() if under_way else None)
            if not under_way:
                return n
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                keep(under_way.pop(future), future.result())
                n += 1


def due() -> QuerySet[Delivery]:
    """What may be sent now, those first that were tried least. Nothing of a campaign that was deleted."""
    at = now()
    rested = Q(webhook__rests_until=None) | Q(webhook__rests_until__lte=at)
    before = Delivery.objects.filter(
        webhook=OuterRef("webhook"), about=OuterRef("about"), state=Delivery.State.WAITING, pk__lt=OuterRef("pk")
    )
    wanted = Q(webhook__active=True) | Q(event=None)
    waiting = Delivery.objects.filter(rested, wanted, state=Delivery.State.WAITING, due__lte=at, webhook__removed=None)
    return waiting.filter(webhook__campaign__deleted=None).exclude(~Q(about="") & Exists(before)).order_by("tries", "pk")


def take(busy: Iterable[int]) -> Delivery | None:
    """Claim what is sent next, of another webhook than these."""
    for one in due().exclude(webhook__in=list(busy)).select_related("webhook__campaign", "event")[:AT_ONCE]:
        claimed = Delivery.objects.filter(pk=one.pk, state=Delivery.State.WAITING, tries=one.tries, due=one.due)
        if claimed.update(tries=F("tries") + 1, due=now() + LEASE):
            one.tries += 1
            return one
    return None


def body_of(one: Delivery) -> bytes | None:
    """What is sent; None: nothing of it is to be told."""
    told = actions.payload(one.webhook, one.event) if one.webhook.actions else payload(one.what, one.webhook.campaign, one.event)
    return None if told is None else json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def post(url: str, signed: dict[str, str], body: bytes) -> Answered:
    """Send one; in a thread, where nothing is asked of the database."""
    began = time.monotonic()
    try:
        answer = outgoing.send("POST", url, headers={"Content-Type": "application/json", **signed}, body=body, limits=LIMITS)
    except outgoing.Unsent as error:
        return Answered(None, time.monotonic() - began, str(error))
    except Exception:
        log.exception("a webhook could not be sent")
        return Answered(None, time.monotonic() - began, "It could not be sent; who runs the site finds the reason in the log.")
    said = answer.body.decode("utf-8", "replace").replace("\0", "")
    return Answered(answer.status, time.monotonic() - began, said)


@transaction.atomic
def keep(one: Delivery, answered: Answered) -> None:
    """Note what came of it; after a failure, when it is tried again. Somebody may have asked for it again meanwhile, or removed it."""
    at = now()
    came = {"tried": at, "status": answered.status, "seconds": round(answered.seconds, 3), "said": answered.said}
    mine = Delivery.objects.filter(pk=one.pk, state=Delivery.State.WAITING, tries=one.tries)
    webhook = Webhook.objects.filter(pk=one.webhook_id)
    if answered.good:
        mine.update(**came, state=Delivery.State.DELIVERED)
        webhook.filter(failures__gt=0).update(failures=0, rests_until=None)
        return
    again = at + pause(one.tries)
    is_test, gone = one.event_id is None, answered.status == 410
    over = is_test or gone or again > one.since + TRIED_FOR
    mine.update(**came, due=again, state=Delivery.State.GIVEN_UP if over else Delivery.State.WAITING)
    if is_test:
        return
    webhook.update(failures=F("failures") + 1, rests_until=at + pause(one.webhook.failures + 1))
    about = {"webhook": one.webhook_id, "host": one.webhook.host}
    if gone and webhook.filter(active=True).update(active=False):  # it asks for no more
        record(one.webhook.campaign, "webhook.gone", after=about)
    if over:
        tell([Told(Kind.WEBHOOK, f"webhook {one.webhook_id} {localdate()}", one.webhook.campaign_id, about | {"gone": gone})])


def pause(failed: int) -> timedelta:
    """How long after so many failures in a row nothing is tried."""
    return timedelta(seconds=PAUSES[min(failed, len(PAUSES)) - 1])


def forget_old() -> int:
    """Remove from the log what is older than a month; returns how many."""
    return Delivery.objects.filter(created__lt=now() - KEPT_FOR).delete()[0]
