"""How often one address may knock at a door, counted in the cache of each web process."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest

SECONDS = 60


def too_often(request: HttpRequest, door: str, most: int) -> bool:
    """Count this knock, and return whether there were more than `most` from this address within a minute."""
    key = f"knocks:{door}:{address_of(request)}"
    cache.add(key, 0, SECONDS)
    try:
        return cache.incr(key) > most
    except ValueError:  # it ran out between the two
        return False


def address_of(request: HttpRequest) -> str:
    """Where somebody knocks from; of IPv6 the network, since a home has more such addresses than anybody could count."""
    given = request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(given)
    except ValueError:  # a server behind a socket of this machine knows none
        return str(given)
    return str(ip_network((int(address), 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
