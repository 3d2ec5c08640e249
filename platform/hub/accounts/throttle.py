"""How often one address may try one thing, or a token be used, counted in the database for all web processes."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from hub.accounts.models import Knocks

MINUTE = timedelta(minutes=1)

# Counted in one statement, so that many at once are no way around; a minute that is over begins anew.
COUNT = """
INSERT INTO accounts_knocks AS known (key, n, until) VALUES (%(key)s, 1, %(end)s)
ON CONFLICT (key) DO UPDATE SET
    n = CASE WHEN known.until > %(now)s THEN known.n + 1 ELSE 1 END,
    until = CASE WHEN known.until > %(now)s THEN known.until ELSE excluded.until END
RETURNING n
"""


def too_often(request: HttpRequest, what: str, most: int) -> bool:
    """Count this try of `what`, and return whether there were more than `most` from this address within a minute."""
    return more_than(most, hashed(f"knocks: {what}", address_of(request)))


def more_than(most: int, key: str) -> bool:
    """Count this under `key`, at most 64 characters, and return whether there were more than `most` within a minute."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "now": now, "end": now + MINUTE})
        (n,) = cursor.fetchone()
    if n == 1:
        _forget(now)
    return bool(n > most)


@transaction.atomic
def _forget(now: object) -> None:
    over = Knocks.objects.filter(until__lte=now).select_for_update(skip_locked=True)
    Knocks.objects.filter(pk__in=over.values("pk")).delete()


def hashed(what_for: str, address: str) -> str:
    """An address as it is kept: who does not have the site's key cannot say which it was, nor whether it came for something else too."""
    return salted_hmac(what_for, address, algorithm="sha256").hexdigest()


def address_of(request: HttpRequest) -> str:
    """Where a request comes from; of IPv6 the network, since a home has more such addresses than anybody could count."""
    given = request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(given)
    except ValueError:  # a server behind a socket of this machine knows none
        return str(given)
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
