"""Live messages: part of their transaction, and back after any loss."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import transaction

from annotation.events import group_of, publish
from annotation.models import Campaign
from hub import live, postgres
from tests.product import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 10.0


class Page:
    """Somebody who listens to a campaign, on an event loop in a thread of its own, as in a web process."""

    def __init__(self, campaign_id: int) -> None:
        self.layer = live.NotifyLayer(capacity=3)
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.reading = threading.Event()
        self.reading.set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.run(self._join(group_of(campaign_id)))
        self.task = asyncio.run_coroutine_threadsafe(self._read(), self.loop)

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    async def _join(self, group: str) -> None:
        self.channel = await self.layer.new_channel()
        await self.layer.group_add(group, self.channel)

    async def _read(self) -> None:
        while True:
            self.heard.put(await self.layer.receive(self.channel))

    def next(self) -> dict[str, Any]:
        return self.heard.get(timeout=SECONDS)

    def leave(self) -> None:
        self.task.cancel()
        self.run(self.layer.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page(campaign_id=3)
    yield page
    page.leave()


def test_a_page_hears_which_thing_of_its_campaign_changed(page: Page) -> None:
    publish(4, "task", 1)
    publish(3, "task", 2)
    assert page.next() == {"type": "changed", "what": "task", "id": 2, "group": group_of(3)}
    assert page.heard.empty()


def test_a_message_comes_with_the_commit_and_never_after_a_rollback(page: Page) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(3, "task", 1)
        _ = 1 / 0
    with transaction.atomic():
        publish(3, "task", 2)
        assert page.heard.empty()
    assert page.next()["id"] == 2


def test_asynchronous_code_can_send_too(page: Page) -> None:
    page.run(page.layer.group_send(group_of(3), {"type": "changed", "what": "job", "id": 1}))
    assert page.next()["what"] == "job"


def test_a_page_hears_again_after_its_connection_was_cut(page: Page) -> None:
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        ask = "FROM pg_stat_activity WHERE application_name = 'unbleed live' AND datname = current_database()"
        (old,) = [pid for (pid,) in connection.execute(f"SELECT pid {ask}")]
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [old])
        # Its last statement being LISTEN, the new connection listens.
        wait_for(
            lambda: connection.execute(f"SELECT 1 {ask} AND pid <> %s AND query LIKE 'LISTEN%%' AND state = 'idle'", [old]).fetchone(),
            "new listening connection",
            SECONDS,
        )
    publish(3, "task", 7)
    assert page.next()["what"] == "lost", "who knows what was said meanwhile"
    assert page.next()["id"] == 7


def test_notifications_of_others_do_no_harm(page: Page) -> None:
    with psycopg.connect(**postgres.keywords(), autocommit=True) as connection:
        for text in ("", "no json", "[]", "{}", '{"group": []}'):
            connection.execute("SELECT pg_notify(%s, %s)", [live.CHANNEL, text])
    publish(3, "task", 7)
    assert page.next()["id"] == 7


def test_a_page_that_does_not_read_fills_only_its_own_queue(page: Page) -> None:
    page.task.cancel()
    channel = page.run(page.layer.new_channel())
    page.run(page.layer.group_add(group_of(3), channel))
    for number in range(5):
        publish(3, "task", number)
    waiting = page.layer.queues[channel]
    wait_for(waiting.full, "full queue", SECONDS)
    publish(3, "end", 9)  # room is made below; nothing is stuck
    assert [page.run(page.layer.receive(channel))["id"] for _ in range(3)] == [0, 1, 2]


def test_a_channel_that_is_given_up_leaves_nothing_behind(page: Page) -> None:
    page.task.cancel()
    wait_for(lambda: page.channel not in page.layer.queues, "end of the channel", SECONDS)
    assert not page.layer.groups


def test_a_message_that_cannot_be_sent_costs_nothing_else(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(live, "CHANNEL", "a name that PostgreSQL refuses " * 3)
    with transaction.atomic():
        Campaign.objects.create(name="C", slug="kept")
        publish(3, "task", 1)
    assert Campaign.objects.filter(slug="kept").exists()
    publish(3, "task", 2)  # outside of a transaction, like a job's progress
    assert caplog.text.count("a live message was lost: channel name too long") == 2
    assert Campaign.objects.count() == 1, "the connection goes on"


def test_content_is_refused(db: None) -> None:
    with pytest.raises(ValueError, match="send ids, not content"):
        live.NotifyLayer().notify_group("campaign.3", {"text": "x" * 8000})
