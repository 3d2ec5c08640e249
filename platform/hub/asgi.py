"""What the web server runs: pages over HTTP and the one WebSocket."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import connection
from django.http.response import HttpResponseBase
from django.urls import path, re_path, set_script_prefix

django.setup(set_prefix=False)  # which the next import needs

from hub.errors import database_away  # noqa: E402
from hub.health import Health  # noqa: E402
from hub.proxies import Proxies  # noqa: E402
from hub.requests import largest_form  # noqa: E402
from hub.sockets import events, no_such_socket  # noqa: E402

PAGES_WITH_PASSWORDS = ("/sign-in/", "/account/", "/join/")
PASSWORD_THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))
"""A password costs 0.4 s of a processor on purpose. Strangers may knock with as many as they like, and keep half of the processors busy."""

IN_LINE_SECONDS = 1.0  # that a request waits for a thread before the database is asked whether it answers at all

Answer = tuple[HttpResponseBase, bytes]


class BelowPrefix:
    """Gives every request the whole path, where the site lies below one: some proxies pass it on, others take it away first."""

    def __init__(self, inner: Any, prefix: str) -> None:
        self._inner, self._prefix = inner, prefix

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == self._prefix:
            path += "/"
        elif not path.startswith(f"{self._prefix}/"):
            path = self._prefix + path
        await self._inner(scope | {"path": path, "root_path": self._prefix}, receive, send)


class Threads(ASGIHandler):
    """Django's handler, with the whole of a request in one thread of a few that stay and keep their database connection.

    All of our views are synchronous. Left alone, Django starts a thread for each request and goes there four times: to say that it
    starts, for the middleware, for the view and to close. Who hangs up is not noticed: a view that has begun is not stopped anyway.
    Static files and previews are small, and read whole before they are sent.
    """

    def __init__(self, n_threads: int, database_answers: Callable[[], Awaitable[bool]] | None = None) -> None:
        """`database_answers` is asked where a request waits for a thread: all may be held by a database that is frozen."""
        super().__init__()
        self._database_answers = database_answers
        self.threads = ThreadPoolExecutor(n_threads, thread_name_prefix="request", initializer=_limit_statements)
        self._password_threads = ThreadPoolExecutor(PASSWORD_THREADS, thread_name_prefix="password", initializer=_limit_statements)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            scope, body = await _with_body(scope, receive)
        except RequestAborted:
            return
        threads = self._password_threads if _brings_a_password(scope) else self.threads
        response, content = await self._in_line(threads.submit(self._answer, scope, body), scope, body)
        cookies = [(b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values()]
        headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers + cookies})
        await send({"type": "http.response.body", "body": content})

    async def _in_line(self, work: Future[Answer], scope: dict[str, Any], body: IO[bytes]) -> Answer:
        """The answer to a request. Where no thread begins with it, and the database freezes those that there are, it is taken back."""
        answered = asyncio.wrap_future(work)
        while self._database_answers and not (await asyncio.wait({answered}, timeout=IN_LINE_SECONDS))[0] and not work.running():
            if not await self._database_answers() and work.cancel():
                return self._come_again(scope, body)
        return await answered

    def _come_again(self, scope: dict[str, Any], body: IO[bytes]) -> Answer:
        with body:
            request, refused = self.create_request(scope, body)
            response: Any = refused if request is None else database_away(request, TimeoutError("every thread waits for it"))
            return response, response.content

    def _answer(self, scope: dict[str, Any], body: IO[bytes]) -> Answer:
        """A request from its beginning to its end; returns the answer and its bytes."""
        with body:
            set_script_prefix(get_script_prefix(scope))
            request_started.send(sender=self.__class__, scope=scope)
            request, refused = self.create_request(scope, body)
            response: Any = refused if request is None else self.get_response(request)
            response._handler_class = self.__class__
            try:
                return response, response.getvalue()
            finally:
                response.close()  # which says that the request is finished


def _brings_a_password(scope: dict[str, Any]) -> bool:
    where = scope["path"].removeprefix(get_script_prefix(scope).rstrip("/"))
    return scope["method"] == "POST" and where.startswith(PAGES_WITH_PASSWORDS)


def _limit_statements() -> None:
    """Give the database connection of this thread its limits: a request that takes longer is told so, and the thread serves others.

    Those of migrations, backups and jobs have none: there a statement may honestly take long, and nobody waits for a page.
    """
    limits = {"statement_timeout": settings.DATABASE_STATEMENT_SECONDS, "lock_timeout": settings.DATABASE_LOCK_SECONDS}
    options = connection.settings_dict["OPTIONS"]
    given = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
    # What DATABASE_URL says comes later, and wins.
    limited = options | {"options": f"{given} {options.get('options', '')}".strip()}
    connection.settings_dict = connection.settings_dict | {"OPTIONS": limited}


async def _with_body(scope: dict[str, Any], receive: Any) -> tuple[dict[str, Any], IO[bytes]]:
    """The request with its length, whether or not that was stated, and its body.

    Of a body that is too long, no more is read than is needed to refuse it; the rest the server throws away.
    """
    most = largest_form(scope["path"])
    stated = dict(scope["headers"]).get(b"content-length")
    body: IO[bytes] = SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115  # whoever answers closes it
    if stated and (len(stated) > 18 or int(stated) > most):
        return scope, body
    more = True
    while more and body.tell() <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise RequestAborted
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    length = b"%d" % body.tell()
    body.seek(0)
    return scope if stated else scope | {"headers": [*scope["headers"], (b"content-length", length)]}, body


http = Threads(settings.WEB_THREADS, lambda: health.reached())
health: Health = Health(http)
sockets = URLRouter([path("ws/events", events), re_path("", no_such_socket)])  # type: ignore[arg-type]
below = BelowPrefix(ProtocolTypeRouter({"http": health, "websocket": sockets}), settings.PREFIX)
application = Proxies(below, settings.TRUSTED_PROXIES)
