"""`/health/`, for supervisors and load balancers: the web process answers, whether it reaches the database, and how full the disk is.

Whatever hangs, it answers: it shares neither the threads nor the connections of requests, which may all hang together with the database.
"""

import asyncio
import json
import time
from typing import Any

import psycopg

from hub import disk, postgres

ANSWER_SECONDS = 1.5  # then the database is said not to answer
CHECK_SECONDS = 5.0  # then a check is given up, and the next one tries a new connection
FRESH_SECONDS = 1.0  # what was found is said again for so long: who asks all the time costs one connection a second


class Health:
    """Answers /health/ itself and passes everything else on."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._check: asyncio.Task[bool] | None = None
        self._found, self._at = False, float("-inf")
        self._room: asyncio.Task[disk.Room] | None = None
        self._room_found, self._room_at = disk.Room.FULL, float("-inf")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].removeprefix(scope.get("root_path", "")) != "/health/":
            await self._inner(scope, receive, send)
            return
        reached, room = await asyncio.gather(self.reached(), self._room_left())
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": 200 if reached else 503, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"database": reached, "disk": room}).encode()})

    async def reached(self) -> bool:
        """What the one check that runs finds in time, or what the last one found a moment ago."""
        if time.monotonic() - self._at < FRESH_SECONDS:
            return self._found
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._look())
        await asyncio.wait({self._check}, timeout=ANSWER_SECONDS)
        return self._check.done() and self._check.result()

    async def _look(self) -> bool:
        self._found = await _answers()
        self._at = time.monotonic()
        return self._found

    async def _room_left(self) -> disk.Room:
        """The same of the disk; one that does not answer in time is as good as full."""
        if time.monotonic() - self._room_at < FRESH_SECONDS:
            return self._room_found
        if self._room is None or self._room.done():
            self._room = asyncio.create_task(self._look_at_disk())
        await asyncio.wait({self._room}, timeout=ANSWER_SECONDS)
        return self._room.result() if self._room.done() else disk.Room.FULL

    async def _look_at_disk(self) -> disk.Room:
        self._room_found = await asyncio.to_thread(disk.room)
        self._room_at = time.monotonic()
        return self._room_found


async def _answers() -> bool:
    """Whether a new connection to the database is made and answers."""
    reach = postgres.keywords() | {"connect_timeout": 2, "application_name": "unbleed health"}
    try:
        async with asyncio.timeout(CHECK_SECONDS), await psycopg.AsyncConnection.connect(**reach, autocommit=True) as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, OSError):  # of which TimeoutError is one
        return False
    return True
