"""What people are called in an export."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

from annotation.core.formats import CONSENSUS
from annotation.models import Campaign
from learner.models import Export

DIGITS = 10


def names_of(campaign: Campaign, names: str) -> dict[int, str]:
    """Membership -> pseudonym, or a code that is the same in every export of this site and tells nobody outside who it is."""
    found = campaign.memberships.order_by("pk").values_list("pk", "pseudonym")
    if names != Export.Names.PSEUDONYMS:
        return {pk: code(pk) for pk, _ in found}
    return {pk: f"{pseudonym} (person)" if pseudonym.lower() == CONSENSUS else pseudonym for pk, pseudonym in found}


def code(member: int) -> str:
    return f"person-{salted_hmac('learner.exports', str(member), algorithm='sha256').hexdigest()[:DIGITS]}"
