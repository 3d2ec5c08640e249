"""Tokens: what lets programs in, as far as their owner may go and no further."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from rest_framework.exceptions import AuthenticationFailed, NotFound, PermissionDenied, Throttled
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from annotation.models import Campaign, Event, Membership
from annotation.selectors.access import Archived
from annotation.services import closing, people
from hub.accounts.models import User
from hub.api.tokens import authentication
from hub.api.tokens.authentication import API, TokenMay, member_of, memberships_of
from hub.api.tokens.models import Token
from hub.api.tokens.services import TooManyTokens, make_token, revoke_token
from hub.logs import WithoutTokens
from tests import worlds


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.campaign("bleed")


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "ann", "manager")


def made(of: Membership, **about: Any) -> tuple[Token, str]:
    return make_token(owner=worlds.account(of), **{"name": "script", "days": 30, **about})


def asked(secret: str, method: str = "GET", word: str = "Token") -> Request:
    plain = getattr(APIRequestFactory(), method.lower())("/api/v1/", headers={"Authorization": f"{word} {secret}"})
    return Request(plain, authenticators=[one() for one in API])


@pytest.mark.parametrize("word", ["Token", "Bearer", "token"])
def test_it_speaks_for_its_owner(ann: Membership, word: str) -> None:
    token, secret = made(ann)
    request = asked(secret, word=word)
    assert (request.user, request.auth) == (ann.user, token)
    assert member_of(request, slug="bleed") == member_of(request, pk=ann.campaign_id) == ann


def test_it_is_kept_nowhere(ann: Membership) -> None:
    token, secret = made(ann)
    row = [str(value) for value in Token.objects.filter(pk=token.pk).values().get().values()]
    assert not any(secret.rpartition("_")[2] in value for value in row)
    record = logging.LogRecord("x", logging.INFO, "", 1, "sent %s", ({"Authorization": f"Token {secret}"},), None)
    WithoutTokens().filter(record)
    assert record.getMessage() == f"sent {{'Authorization': 'Token unb_{token.prefix}_…'}}"


@pytest.mark.parametrize(
    "change",
    [
        lambda token, ann: revoke_token(token=token),
        lambda token, ann: Token.objects.filter(pk=token.pk).update(expires=now() - timedelta(seconds=1)),
        lambda token, ann: User.objects.filter(pk=ann.user_id).update(is_active=False),
        lambda token, ann: Token.objects.filter(pk=token.pk).update(digest="0" * 64),
    ],
    ids=["revoked", "over", "account closed", "another secret"],
)
def test_it_stops_at_once(ann: Membership, change: Any) -> None:
    token, secret = made(ann)
    change(token, ann)
    with pytest.raises(AuthenticationFailed):
        _ = asked(secret).user


@pytest.mark.parametrize("header", ["", "Token", "Token x", "Basic YTpi", f"Token unb_{'0' * 8}_{'0' * 48}", "Token unb_\0"])
def test_what_is_no_token_is_refused_though_a_session_is_there(ann: Membership, header: str) -> None:
    plain = APIRequestFactory().get("/api/v1/", headers={"Authorization": header})
    plain.user = worlds.account(ann)
    with pytest.raises(AuthenticationFailed):
        _ = Request(plain, authenticators=[one() for one in API]).user


def test_who_is_paused_or_removed_has_no_token_there(campaign: Campaign, ann: Membership) -> None:
    boss = worlds.member(campaign, "boss", "owner")
    _, secret = made(ann)
    people.pause(member=ann, reason="ask me", who=boss)
    with pytest.raises(PermissionDenied):
        member_of(asked(secret), slug="bleed")
    people.let_go_on(member=ann, who=boss)
    assert member_of(asked(secret), slug="bleed")
    Membership.objects.filter(pk=ann.pk).update(active=False)
    with pytest.raises(NotFound):
        member_of(asked(secret), slug="bleed")


def test_a_token_of_one_campaign_finds_no_other(ann: Membership) -> None:
    other = worlds.member(worlds.campaign("other"), "ann")
    request = asked(made(ann, campaign=ann.campaign)[1])
    assert list(memberships_of(request)) == [ann]
    with pytest.raises(NotFound):
        member_of(request, slug="other")
    assert set(memberships_of(asked(made(ann)[1]))) == {ann, other}


def test_it_has_the_rights_of_its_role_and_of_its_owner_now(ann: Membership) -> None:
    def rights(secret: str) -> list[str]:
        member = member_of(asked(secret), slug="bleed")
        return [name for name in ("manages", "reviews", "sees_people", "takes_data", "closes") if getattr(member, name)]

    own, researcher, owner = (made(ann, role=role)[1] for role in ("", "researcher", "owner"))
    assert rights(own) == rights(owner) == ["manages", "reviews", "sees_people", "takes_data"]
    assert rights(researcher) == ["sees_people", "takes_data"]
    Membership.objects.filter(pk=ann.pk).update(role="reviewer")
    assert (rights(own), rights(researcher)) == (["reviews", "sees_people"], ["sees_people"])


@pytest.mark.parametrize(("writes", "method", "may"), [(False, "GET", True), (False, "POST", False), (True, "DELETE", True)])
def test_only_one_that_may_write_changes_something(ann: Membership, writes: bool, method: str, may: bool) -> None:
    assert TokenMay().has_permission(asked(made(ann, writes=writes)[1], method), None) is may


def test_nothing_changes_in_the_archive(campaign: Campaign, ann: Membership) -> None:
    owner = worlds.member(campaign, "boss", "owner")
    closing.end_campaign(campaign=campaign, who=owner)
    closing.archive(campaign=campaign, who=owner)
    _, secret = made(ann, writes=True)
    assert member_of(asked(secret), slug="bleed")
    with pytest.raises(Archived):
        member_of(asked(secret, "POST"), slug="bleed")


def test_it_may_ask_so_often_a_minute(ann: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "MOST_A_MINUTE", 2)
    secret, other = made(ann)[1], made(ann)[1]
    assert [asked(one).user for one in (secret, secret, other)] == [ann.user] * 3
    with pytest.raises(Throttled):
        _ = asked(secret).user


def test_its_last_use_is_written_once_a_minute(ann: Membership, django_assert_num_queries: Any) -> None:
    token, secret = made(ann)
    _ = asked(secret).user
    first = Token.objects.get(pk=token.pk).last_used
    with django_assert_num_queries(2):  # the token, and that it was used
        _ = asked(secret).user
    assert first and Token.objects.get(pk=token.pk).last_used == first


def test_managers_read_of_it_in_the_campaigns_that_it_opens(ann: Membership) -> None:
    worlds.member(worlds.campaign("other"), "ann")
    _token, secret = made(ann)
    revoke_token(token=made(ann, campaign=ann.campaign)[0])
    told = Event.objects.filter(what__startswith="token.").order_by("pk").values_list("campaign__slug", "what")
    assert list(told) == [("bleed", "token.made"), ("other", "token.made"), ("bleed", "token.made"), ("bleed", "token.revoked")]
    assert secret not in str(Event.objects.values_list("after"))


def test_nobody_has_endless_many(ann: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.api.tokens.services.MOST", 1)
    made(ann)
    with pytest.raises(TooManyTokens):
        made(ann)


class TestPage:
    @pytest.fixture
    def browser(self, ann: Membership) -> Client:
        worlds.account(ann).set_password("a long enough passphrase")
        worlds.account(ann).save()
        browser = Client()
        browser.post("/sign-in/", {"username": "ann", "password": "a long enough passphrase"})
        browser.post("/account/again/", {"password": "a long enough passphrase"})
        return browser

    def test_a_token_is_shown_once(self, browser: Client, ann: Membership) -> None:
        form = {"name": "notebook", "campaign": ann.campaign_id, "role": "researcher", "writes": "", "days": "30"}
        answer = browser.post("/account/tokens/", form)
        (secret,) = re.findall(r'value="(unb_[0-9a-f_]+)"', answer.content.decode())
        assert "no-store" in answer.headers["Cache-Control"]
        token = Token.objects.get()
        assert (token.campaign, token.role, token.writes, token.owner) == (ann.campaign, "researcher", False, ann.user)
        assert asked(secret).auth == token
        page = browser.get("/account/tokens/").content.decode()
        assert secret not in page and token.prefix in page and "no more than a researcher" in page

    def test_it_says_which_was_made_by_another(self, browser: Client, ann: Membership) -> None:
        token, _ = made(ann)
        made(ann, made_by=token)
        assert f"made by a program with unb_{token.prefix}_…, and revoked with it" in browser.get("/account/tokens/").content.decode()

    def test_one_is_made_for_ones_own_campaigns_alone(self, browser: Client) -> None:
        form = {"name": "x", "campaign": worlds.campaign("other").pk, "days": "30"}
        assert browser.post("/account/tokens/", form).status_code == 400
        assert not Token.objects.exists()

    def test_it_is_revoked_by_its_owner_alone(self, browser: Client, ann: Membership) -> None:
        token, _ = made(ann)
        bob = worlds.client(ann.campaign, "bob", "owner")
        worlds.user("bob").set_password("x")
        assert bob.post(f"/account/tokens/{token.pk}/revoke/").status_code in (302, 404)
        assert Token.objects.get().revoked is None
        assert browser.post(f"/account/tokens/{token.pk}/revoke/").status_code == 302
        assert Token.objects.get().revoked

    def test_the_password_is_asked_again_where_it_was_long_ago(self, browser: Client, settings: Any) -> None:
        settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
        assert "/account/again/" in browser.post("/account/tokens/", {"name": "x", "days": "30"}).headers["Location"]
        assert not Token.objects.exists()


@pytest.mark.parametrize("address", ["/", "/campaigns/", "/c/bleed/", "/account/", "/admin/", "/api/campaigns/bleed/history/"])
def test_no_page_knows_a_token(ann: Membership, address: str) -> None:
    answer = Client().get(address, headers={"Authorization": f"Token {made(ann, writes=True)[1]}"})
    assert answer.status_code == 403 or re.match("/(sign-in|admin/login)/", answer.headers.get("Location", ""))
