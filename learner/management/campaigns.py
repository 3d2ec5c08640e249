"""The campaign that a command is told to work on."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError

from annotation.models import Campaign


def campaign_named(slug: str) -> Campaign:
    """The campaign of that slug. Raises CommandError, which names those that there are."""
    campaigns = Campaign.objects.filter(deleted=None)
    try:
        return campaigns.get(slug=slug)
    except Campaign.DoesNotExist:
        known = ", ".join(campaigns.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no campaign {slug!r}. Known: {known}. A site admin makes them at {settings.PREFIX}/admin/.") from None
