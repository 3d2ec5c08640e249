"""The one WebSocket. It says only which thing changed, to whoever is signed in, for as long as they are and belong to its campaign."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import Error
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from annotation.events import group_of
from annotation.models import Membership
from hub.accounts.models import User
from hub.accounts.signed_in import SessionStore
from hub.live import group_of_session

log = logging.getLogger(__name__)

MOST = 8  # of one person in one web process; who opens another page loses the oldest one's
LOOK_SECONDS = 3.0  # between two looks whether everybody is still signed in, and where they belong

SIGNED_OUT, NOTHING_TO_HEAR, TOO_MANY = 4001, 4003, 4008
"""Why one is closed. Its page does not come back by itself then, but when somebody looks at it again (live.js)."""


@dataclass(frozen=True)
class Listener:
    """A person who is signed in, and the campaigns that they belong to."""

    user: int
    campaigns: frozenset[int]


def listeners(keys: Collection[str]) -> dict[str, Listener]:
    """By session key, whoever is signed in: not over, not signed out, still active, with the password of then. Three questions for all."""
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    said = {one.session_key: SessionStore().decode(one.session_data) for one in sessions}
    active = User.objects.filter(pk__in={one[SESSION_KEY] for one in said.values() if SESSION_KEY in one}, is_active=True)
    users = {str(user.pk): user for user in active}
    campaigns: dict[int | None, set[int]] = {user.pk: set() for user in users.values()}
    members = Membership.objects.filter(user__in=users.values(), active=True, campaign__deleted=None)
    for member, campaign in members.values_list("user", "campaign"):
        campaigns[member].add(campaign)
    return {
        key: Listener(user.pk, frozenset(campaigns[user.pk]))
        for key, one in said.items()
        if (user := users.get(one.get(SESSION_KEY, "")))
        and constant_time_compare(one.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    }


async def events(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/ws/events. Whoever is not signed in, or asks from another site's page, is refused before anything is held for them."""
    if not comes_from_this_site(scope) or not (key := session_key(scope)):
        await no_such_socket(scope, receive, send)
        return
    try:
        listener = (await database_sync_to_async(listeners)([key])).get(key)
    except Error as error:
        log.warning("a live page was refused, and will ask again: %s", error)
        listener = None
    if listener is None:
        await no_such_socket(scope, receive, send)
        return
    await Events.as_asgi()({**scope, "session_key": key, "listener": listener}, receive, send)


async def no_such_socket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Refuse before accepting, so the browser gets 403; this is also what answers at any other address."""
    await receive()
    await send({"type": "websocket.close"})


def session_key(scope: dict[str, Any]) -> str | None:
    """The key in the cookie, where it may be one."""
    sent = next((value for name, value in scope["headers"] if name.lower() == b"cookie"), b"")
    return SessionStore(parse_cookie(sent.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)).session_key


def comes_from_this_site(scope: dict[str, Any]) -> bool:
    """Whether the page that opens the WebSocket has the very scheme, host and port that it asks; cookies alone ignore the port.

    The scheme is what `request.is_secure()` goes by: browsers use https where the setting says so, or the server was told for this one.
    """
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get(b"host", "")
    scheme = "https" if settings.HTTPS or scope["scheme"] == "wss" else "http"
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS) and headers.get(b"origin") == f"{scheme}://{host}"


class Events(AsyncJsonWebsocketConsumer):
    """`{"type": what, "id": id}` for each change in the campaigns of the person signed in."""

    over = False
    joined: frozenset[str] = frozenset()

    async def connect(self) -> None:
        self.key, self.listener = self.scope["session_key"], self.scope["listener"]
        if self.listener.campaigns:
            await self.go_on_as(self.listener)
        await self.accept()
        await open_sockets.add(self)
        if not self.listener.campaigns:
            await self.end(NOTHING_TO_HEAR)  # accepted before, since a page that is refused asks again

    async def disconnect(self, code: int) -> None:
        await self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """The page has nothing to say here, so it is not even read."""

    async def changed(self, message: dict[str, Any]) -> None:
        if message["what"] == "member":  # it may be this one, who hears nothing more then
            await open_sockets.look()
        if message["group"] in self.joined:
            await self.send_json({"type": message["what"], "id": message["id"]})

    async def ended(self, message: dict[str, Any]) -> None:
        await self.end(SIGNED_OUT)

    async def go_on_as(self, listener: Listener | None) -> None:
        """Hear of these campaigns and no others from now on; None: the person is signed out."""
        if self.over:
            return
        if listener is None:
            await self.end(SIGNED_OUT)
        elif not listener.campaigns:
            await self.end(NOTHING_TO_HEAR)
        else:
            wanted = frozenset({group_of(pk) for pk in listener.campaigns} | {group_of_session(self.key)})
            for group in self.joined - wanted:
                await self.channel_layer.group_discard(group, self.channel_name)
            for group in wanted - self.joined:
                await self.channel_layer.group_add(group, self.channel_name)
            self.joined = wanted

    async def end(self, code: int) -> None:
        """Hear nothing more from now on. A browser that takes nothing in is told whenever it does: nobody waits for it here."""
        if not self.over:
            await self._leave()
            self._closing = asyncio.create_task(self._close(code))

    async def _close(self, code: int) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # it went by itself meanwhile
            await self.close(code=code)

    async def _leave(self) -> None:
        self.over = True
        open_sockets.remove(self)
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)
        self.joined = frozenset()


class OpenSockets:
    """The WebSockets that are open in this process, the oldest first. All of them are looked after together."""

    def __init__(self) -> None:
        self.open: list[Events] = []
        self._watch: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def add(self, socket: Events) -> None:
        self.open.append(socket)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._keep_looking())
        of_this_person = [one for one in self.open if one.listener.user == socket.listener.user]
        for one in of_this_person[:-MOST]:
            await one.end(TOO_MANY)

    def remove(self, socket: Events) -> None:
        if socket in self.open:
            self.open.remove(socket)

    async def look(self) -> None:
        """End and change what has to be, by what the rows say now. Those who ask before it has begun share one look."""
        if self._next is None:
            self._next = asyncio.create_task(self._look())
        await asyncio.shield(self._next)

    async def _keep_looking(self) -> None:
        while self.open:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def _look(self) -> None:
        self._next = None
        sockets = list(self.open)
        try:
            found = await database_sync_to_async(listeners)({one.key for one in sockets})
        except Error as error:  # nobody hears anything either while the database is away
            log.warning("whether live pages may go on is not known, and asked again in %.0f s: %s", LOOK_SECONDS, error)
            return
        for one in sockets:
            await one.go_on_as(found.get(one.key))


open_sockets = OpenSockets()
