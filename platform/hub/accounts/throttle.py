"""How often one address may knock at a door, counted in the cache of each web process."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

SECONDS = 60


def too_often(request: HttpRequest, door: str, most: int) -> bool:
    """Count this knock, and return whether there were more than `most` from this address within a minute."""
    key = f"knocks:{door}:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, SECONDS)
    try:
        return cache.incr(key) > most
    except ValueError:  # it ran out between the two
        return False
