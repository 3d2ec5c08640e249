"""Making and revoking tokens. Each is recorded in every campaign that it opens, since its managers should know."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from annotation.core.errors import DomainError
from annotation.events import record
from annotation.models import Campaign, Membership
from annotation.services.invitations import digest_of
from hub.accounts.models import User
from hub.api.tokens.models import Token

BEGINS = "unb"  # so that programs that search files for secrets know one
MOST = 50  # that work at a time, of one person
MOST_DAYS = 366
NOTED_EVERY = timedelta(minutes=1)


class NotYourCampaign(DomainError):
    """You are not in that campaign."""

    status = HTTPStatus.BAD_REQUEST


class TooManyTokens(DomainError):
    """You have many tokens that work. Revoke one that no program needs any more."""


@transaction.atomic
def make_token(
    *,
    owner: User,
    name: str,
    days: int = MOST_DAYS,
    expires: datetime | None = None,
    campaign: Campaign | None = None,
    role: str = "",
    writes: bool = False,
    made_by: Token | None = None,
) -> tuple[Token, str]:
    """The row, and the token itself, which nobody can be shown again; for so many days, or until `expires` if that is sooner.

    One that is `made_by` another is revoked with it. Raises `NotYourCampaign` and `TooManyTokens`.
    """
    if campaign is not None and not _memberships(owner).filter(campaign=campaign).exists():
        raise NotYourCampaign
    User.objects.select_for_update().get(pk=owner.pk)  # so that two at once are counted
    if working(owner).count() >= MOST:
        raise TooManyTokens
    prefix, until = secrets.token_hex(4), now() + timedelta(days=min(days, MOST_DAYS))
    # 192 random bits: nobody guesses them, so a plain hash is enough. No dots: Label Studio's SDK takes what has two for a JWT.
    secret = f"{BEGINS}_{prefix}_{secrets.token_hex(24)}"
    about = {"name": name, "campaign": campaign, "role": role, "writes": writes, "made_by": made_by}
    made = Token(owner=owner, prefix=prefix, digest=digest_of(secret), expires=until if expires is None else min(until, expires), **about)
    made.full_clean()
    made.save()
    _told(made, "token.made")
    return made, secret


@transaction.atomic
def revoke_token(*, token: Token) -> None:
    """It lets nobody in any more, from the next request on; nor do those that it made, which may be in the hands of whoever had it."""
    if Token.objects.filter(pk=token.pk, revoked=None).update(revoked=now()):
        _told(token, "token.revoked")
    for made in Token.objects.filter(made_by=token, revoked=None).select_related("owner"):
        revoke_token(token=made)


def note_use(token: Token, at: datetime) -> None:
    """Keep when it was used last, at most once a minute: a program asks many times a second."""
    if token.last_used is None or token.last_used <= at - NOTED_EVERY:
        old = Q(last_used=None) | Q(last_used__lte=at - NOTED_EVERY)
        Token.objects.filter(old, pk=token.pk).update(last_used=at)


def working(owner: User) -> QuerySet[Token]:
    return Token.objects.filter(owner=owner, revoked=None, expires__gt=now())


def _told(token: Token, what: str) -> None:
    after = {"name": token.name, "token": token.prefix, "role": token.role, "writes": token.writes, "expires": token.expires.isoformat()}
    opened = _memberships(token.owner).select_related("campaign")
    for member in opened if token.campaign_id is None else opened.filter(campaign=token.campaign_id):
        record(member.campaign, what, who=member, after=after)


def _memberships(owner: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=owner, active=True, campaign__deleted=None)
