"""How long to wait after wrong passwords, counted in the database for all web processes, whether or not there is such an account.

Who has signed in from an address before waits there only for wrong passwords of that account from that address, so nobody elsewhere
keeps them out. All others wait for the account, a minute at most, and for the address, where all names that it tries count together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from hub.accounts.models import Tries

FORGOTTEN = timedelta(hours=1)  # without another try
KNOWN = timedelta(days=90)  # since somebody last signed in from an address


@dataclass(frozen=True)
class Limit:
    """Wrong passwords that cost nothing yet, and the longest wait in seconds, which the waits after them double up to."""

    free: int
    longest: int

    def wait(self, wrong: int) -> timedelta:
        return timedelta(seconds=min(5 * 2 ** min(wrong - self.free, 20), self.longest) if wrong >= self.free else 0)


ACCOUNT = Limit(free=5, longest=60)
ADDRESS = Limit(free=20, longest=900)  # a class of students behind one router mistypes, too


class TooSoon(ValidationError):
    """A password that is not even looked at; a form shows the words as its own error."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = math.ceil(wait.total_seconds())
        minutes = math.ceil(self.seconds / 60)
        said = (
            ngettext(
                "Too many wrong passwords. Wait %(n)s second, then try again.",
                "Too many wrong passwords. Wait %(n)s seconds, then try again.",
                self.seconds,
            )
            % {"n": self.seconds}
            if self.seconds < 60
            else ngettext(
                "Too many wrong passwords. Wait %(n)s minute, then try again.",
                "Too many wrong passwords. Wait %(n)s minutes, then try again.",
                minutes,
            )
            % {"n": minutes}
        )
        super().__init__(said, code="too_soon")


@transaction.atomic
def try_password(name: str, address: str, now: datetime) -> None:
    """Count a try before its password is looked at, so that many at once are no way around; raises `TooSoon`."""
    limits = _limits(name, address, now)
    Tries.objects.bulk_create([Tries(key=key, wait_until=now) for key in sorted(limits)], ignore_conflicts=True)
    tries = list(Tries.objects.select_for_update().filter(key__in=limits).order_by("key"))  # all in one order, so none waits in a circle
    if (free_at := max(one.wait_until for one in tries)) > now:
        raise TooSoon(free_at - now)
    for one in tries:
        one.wrong = one.wrong + 1 if one.wait_until > now - FORGOTTEN else 1
        one.wait_until = now + limits[one.key].wait(one.wrong)
        one.save()


def was_right(name: str, address: str, now: datetime) -> None:
    """The account begins anew, its person is known at this address, and the address is one wrong password less."""
    limits = _limits(name, address, now)
    Tries.objects.filter(key__in=limits, wrong__gt=0).update(wrong=F("wrong") - 1, wait_until=now)
    Tries.objects.filter(key=_account(name)).delete()
    Tries.objects.update_or_create(key=_known(name, address), defaults={"wrong": 0, "wait_until": now})
    Tries.objects.filter(wait_until__lt=now - KNOWN).delete()


def _limits(name: str, address: str, now: datetime) -> dict[str, Limit]:
    """What counts for this name from this address, by its key."""
    if Tries.objects.filter(key=_known(name, address), wait_until__gt=now - KNOWN).exists():
        return {_known(name, address): ACCOUNT}
    return {_account(name): ACCOUNT, _key("address", address): ADDRESS}


def _account(name: str) -> str:
    return _key("account", name.upper())  # as the database compares names


def _known(name: str, address: str) -> str:
    return _key("account at", f"{name.upper()} {address}")


def _key(kind: str, value: str) -> str:
    return salted_hmac(f"tries: {kind}", value, algorithm="sha256").hexdigest()
