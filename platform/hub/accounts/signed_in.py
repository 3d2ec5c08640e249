"""Who is signed in, asked with every request: Django's own sessions and passwords, with questions that are put together once."""

import re
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from annotation.selectors.prepared import Prepared
from hub.accounts.models import User
from hub.accounts.throttle import address_of
from hub.accounts.wrong_passwords import try_password, was_right
from hub.live import say_that_it_ended

_session = Prepared(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now),
    key="a session's key",
    now=datetime(1970, 1, 1, tzinfo=UTC),
)
_user = Prepared(lambda pk: User.objects.filter(pk=pk), pk=-1)


class SessionStore(db.SessionStore):
    """Sessions in the database; the name is what Django asks a session engine for."""

    def _validate_session_key(self, key: str | None) -> bool:
        """Whether it may be a key at all; what cannot is not looked for. The WebSocket's cookies pass no other check."""
        return bool(key and re.fullmatch("[a-z0-9]{8,40}", key))

    def _get_session_from_db(self) -> Session | None:
        if found := _session(key=self.session_key, now=timezone.now()):
            return found[0]
        self._session_key = None
        return None

    def delete(self, session_key: str | None = None) -> None:
        """At signing out, and where the key is changed: nothing more is said on WebSockets that were opened with it."""
        key = session_key or self.session_key
        super().delete(session_key)
        if key:
            say_that_it_ended(key)


class Passwords(ModelBackend):
    """Sign-in by name and password, wherever they are asked for."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **other: Any) -> Any:
        """As Django's; raises `TooSoon`. What comes by no request is the machine's own, and not counted."""
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **other)
        address = address_of(request)
        try_password(username, address, timezone.now())
        if user := super().authenticate(request, username, password, **other):
            was_right(username, address, timezone.now())
        return user

    def get_user(self, user_id: Any) -> User | None:
        found = _user(pk=user_id)
        return found[0] if found and self.user_can_authenticate(found[0]) else None
