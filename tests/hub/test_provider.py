"""Signing in by an OpenID Connect provider: who is let in, and who is not. What it answers is made up here; a real one in tests/browser."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter as Adapter
from django.http import HttpResponse
from django.test import Client

from hub.accounts.models import User
from tests.codes import code_of

RIGHT = "a long enough passphrase"
APP = {
    "provider_id": "provider",
    "name": "Our lab",
    "client_id": "me",
    "secret": "a secret",
    "settings": {"server_url": "https://id.example.org"},
}
OLIVE = {"sub": "77", "email": "olive@lab.example", "email_verified": True, "name": "Olive Lab"}


@pytest.fixture(autouse=True)
def configured(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.OIDC = APP
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [APP]}}
    ends = {f"{name}_endpoint": f"https://id.example.org/{name}" for name in ("authorization", "token", "userinfo")}
    monkeypatch.setattr(Adapter, "openid_config", ends)
    monkeypatch.setattr(OAuth2Client, "get_access_token", lambda *_, **__: {"access_token": "a token"})


@pytest.fixture
def by_provider(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Press the button, be known there by these claims, and come back."""

    def sign_in(client: Client, claims: dict[str, Any], process: str = "") -> HttpResponse:
        monkeypatch.setattr(Adapter, "_fetch_user_info", lambda *_: claims)
        leads = client.post(f"/account/oidc/provider/login/?process={process}" if process else "/account/oidc/provider/login/")
        asked = parse_qs(urlsplit(leads.headers["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        answer: Any = client.get("/account/oidc/provider/login/callback/", {"code": "a code", "state": asked["state"][0]})
        assert isinstance(answer, HttpResponse)
        return answer

    return sign_in


def signed_in(client: Client) -> str:
    return str(client.get("/account/").context["user"]) if client.get("/account/").status_code == 200 else ""


def test_nobody_gets_an_account_unless_that_is_opened(client: Client, by_provider: Any) -> None:
    assert "No account yet" in by_provider(client, OLIVE).content.decode()
    assert not User.objects.exists()


def test_where_it_is_opened_whoever_is_known_there_has_one_account(client: Client, by_provider: Any, settings: Any) -> None:
    settings.OIDC_NEW_ACCOUNTS = True
    assert by_provider(client, OLIVE).headers["Location"] == "/"
    [made] = User.objects.all()
    assert (made.username, made.name, made.email) == ("olive", "Olive Lab", "olive@lab.example") and not made.has_usable_password()
    assert not (made.is_staff or made.is_superuser or made.memberships.exists())
    again = Client()
    by_provider(again, OLIVE | {"email": "moved@lab.example"})
    assert signed_in(again) == "olive" and User.objects.count() == 1


@pytest.mark.parametrize("verified", [True, False])
def test_an_account_is_not_taken_over_by_its_address(client: Client, by_provider: Any, settings: Any, verified: bool) -> None:
    settings.OIDC_NEW_ACCOUNTS = True
    User.objects.create_user("olive", "olive@lab.example", RIGHT)
    assert "No account yet" in by_provider(client, OLIVE | {"email_verified": verified}).content.decode()
    assert not signed_in(client) and not SocialAccount.objects.exists()


def test_its_person_connects_the_two_signs_in_that_way_and_parts_them_again(client: Client, by_provider: Any) -> None:
    User.objects.create_user("olive", "olive@lab.example", RIGHT)
    client.post("/sign-in/", {"username": "olive", "password": RIGHT})
    client.post("/account/again/", {"password": RIGHT})
    assert by_provider(client, OLIVE, "connect").headers["Location"] == "/account/"
    elsewhere = Client()
    by_provider(elsewhere, OLIVE)
    assert signed_in(elsewhere) == "olive"
    client.post("/account/connections/", {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists() and signed_in(client) == "olive"


def test_a_person_without_a_password_keeps_the_only_way_in(client: Client, by_provider: Any, settings: Any) -> None:
    settings.OIDC_NEW_ACCOUNTS = True
    by_provider(client, OLIVE)
    assert client.get("/account/connections/").status_code == 200
    client.post("/account/connections/", {"account": SocialAccount.objects.get().pk})
    assert SocialAccount.objects.exists()


def test_the_second_factor_is_asked_for_after_the_provider_too(client: Client, by_provider: Any, settings: Any) -> None:
    settings.OIDC_NEW_ACCOUNTS = True
    by_provider(client, OLIVE)
    secret = str(generate_totp_secret())
    TOTP.activate(User.objects.get(), secret)
    again = Client()
    assert by_provider(again, OLIVE).headers["Location"] == "/account/second-factor/"
    assert not signed_in(again)
    again.post("/account/second-factor/", {"code": code_of(secret)})
    assert signed_in(again) == "olive"


def test_a_person_without_a_password_sets_up_a_second_factor_without_one(client: Client, by_provider: Any, settings: Any) -> None:
    settings.OIDC_NEW_ACCOUNTS = True
    by_provider(client, OLIVE)
    assert client.get("/account/second-factor/app/").status_code == 200
    TOTP.activate(User.objects.get(), generate_totp_secret())
    assert client.get("/account/second-factor/keys/new/").headers["Location"].startswith("/account/again/code/"), "and then shows it"


def test_closed_accounts_stay_closed(client: Client, by_provider: Any, settings: Any) -> None:
    settings.OIDC_NEW_ACCOUNTS = True
    by_provider(client, OLIVE)
    User.objects.update(is_active=False)
    assert by_provider(Client(), OLIVE).headers["Location"] == "/account/closed/"


def test_a_provider_that_does_not_answer_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(Adapter, "openid_config", property(away))
    for answer in (client.post("/account/oidc/provider/login/"), client.get("/account/oidc/provider/login/callback/?code=x&state=made-up")):
        assert answer.status_code in (401, 502) and "did not work" in answer.content.decode()


def test_without_a_provider_there_is_no_button_and_no_door(client: Client, settings: Any) -> None:
    settings.OIDC, settings.SOCIALACCOUNT_PROVIDERS = None, {"openid_connect": {"APPS": []}}
    assert "by-provider" not in client.get("/sign-in/").content.decode()
    assert client.post("/account/oidc/provider/login/").status_code == 404
