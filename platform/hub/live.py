"""Live pages: a Channels layer on PostgreSQL's LISTEN and NOTIFY.

Nothing is stored. A message belongs to the transaction that sent it, and a page that misses one reads the rows again within
a minute anyway (within ten seconds, where it hears nothing at all); so every failure here may lose messages, and none may lose data
or wake nobody for good.
"""

import asyncio
import hashlib
import json
import logging
import uuid
from collections import defaultdict
from typing import Any

import psycopg
from channels.layers import BaseChannelLayer, get_channel_layer
from django.db import Error, connection, transaction

from hub import postgres

log = logging.getLogger(__name__)

CHANNEL = "unbleed_live"
MAX_BYTES = 7900
"""PostgreSQL takes notifications below 8,000 bytes. Messages carry ids, never content."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

LOST = {"type": "changed", "what": "lost", "id": 0}
"""What every page hears after a time in which none heard anything: any of its things may have changed."""


class NotifyLayer(BaseChannelLayer):
    """A channel layer without tables and locks: one listening connection for each event loop, which comes back after any loss.

    Every process hears every message and keeps those for channels of its own.
    """

    extensions = ["groups", "flush"]

    def __init__(self, capacity: int = 100) -> None:
        super().__init__(capacity=capacity)
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self.groups: defaultdict[str, set[str]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None

    def notify_group(self, group: str, message: dict[str, Any]) -> None:
        """Send to a group on Django's own connection, as part of its transaction."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, _pack(group=group, message=message)])

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._notify(_pack(group=group, message=message))

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._notify(_pack(channel=channel, message=message))

    async def new_channel(self, prefix: str = "specific") -> str:
        channel = f"{prefix}.{uuid.uuid4().hex}!"
        self.queues[channel] = asyncio.Queue(self.capacity)
        await self._listening()
        return channel

    async def receive(self, channel: str) -> dict[str, Any]:
        """The next message for a channel; whoever stops waiting for good gives the channel up."""
        await self._listening()
        try:
            return await self.queues.setdefault(channel, asyncio.Queue(self.capacity)).get()
        except asyncio.CancelledError:
            self._forget(channel)
            raise

    async def group_add(self, group: str, channel: str) -> None:
        self.groups[group].add(channel)
        await self._listening()

    async def group_discard(self, group: str, channel: str) -> None:
        self.groups[group].discard(channel)
        if not self.groups[group]:
            del self.groups[group]

    async def flush(self) -> None:
        self.queues.clear()
        self.groups.clear()

    async def close(self) -> None:
        """Stop listening; the next use of the layer starts again."""
        if self._loop is asyncio.get_running_loop():
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self._loop = None

    def _forget(self, channel: str) -> None:
        self.queues.pop(channel, None)
        for group in [group for group, members in self.groups.items() if channel in members]:
            self.groups[group].discard(channel)
            if not self.groups[group]:
                del self.groups[group]

    async def _notify(self, text: str) -> None:
        async with await psycopg.AsyncConnection.connect(**postgres.keywords(), autocommit=True) as sender:
            await sender.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])

    async def _listening(self) -> None:
        """Return once this event loop's connection listens, so that nothing sent from now on is missed."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._heard = asyncio.Event()
            self._listener = loop.create_task(self._listen())
        await self._heard.wait()

    async def _listen(self) -> None:
        pause, lost = FIRST_PAUSE, False
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **postgres.keywords(), autocommit=True, application_name="unbleed live"
                ) as listener:
                    await listener.execute(f"LISTEN {CHANNEL}")
                    self._heard.set()
                    for group in list(self.groups) if lost else ():
                        self._deliver(_pack(group=group, message=LOST))
                    pause = FIRST_PAUSE
                    async for notification in listener.notifies():
                        self._deliver(notification.payload)
            except (psycopg.Error, OSError) as error:
                self._heard.clear()
                lost = True
                log.warning("live messages stopped, trying again in %.1f s: %s", pause, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _deliver(self, text: str) -> None:
        try:
            packed = json.loads(text)
            channels = [packed["channel"]] if "channel" in packed else list(self.groups.get(packed["group"], ()))
            message = packed["message"]
        except (ValueError, KeyError, TypeError):
            log.warning("ignored a notification that is not ours: %.80r", text)
            return
        for channel in channels:
            if (queue := self.queues.get(channel)) is None:
                continue
            if queue.full():  # its page is not reading; it will fetch the rows when it polls
                log.warning("channel %s is full, a message was dropped", channel)
                continue
            queue.put_nowait({**message, "group": packed.get("group")})


def _pack(**parts: Any) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"A live message of {len(text.encode())} bytes is too long ({MAX_BYTES} are allowed): send ids, not content.")
    return text


def group_of_session(key: str) -> str:
    """The channel group of the pages of one session; the key itself is a secret."""
    return f"session.{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def say_that_it_ended(key: str) -> None:
    """Tell the pages of this session at once; where that fails, they are found out a few seconds later."""
    try:
        with transaction.atomic():
            get_channel_layer().notify_group(group_of_session(key), {"type": "ended"})
    except Error as error:
        log.warning("the end of a session could not be told to its live pages: %s", error)
