"""One's own account: second factors, passwords by letter, addresses, and where one is signed in."""

import re
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache, caches
from django.http import HttpResponse
from django.test import Client
from django.utils import translation

from annotation.services import crowd_links
from hub import tidy
from hub.accounts.adapters import Accounts
from hub.accounts.models import User
from hub.accounts.own.page import in_words
from hub.home import ROOT
from tests import worlds
from tests.codes import code_of

RIGHT = "a long enough passphrase"
PANEL = {"PROLIFIC_PID": "5f" * 12, "STUDY_ID": "5e" * 12, "SESSION_ID": "5d" * 12}
WAITS = "/account/second-factor/"


@pytest.fixture
def ada(db: None, settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    return User.objects.create_superuser("ada", "ada@example.org", RIGHT)


@pytest.fixture
def secret(ada: User) -> str:
    """Of Ada's app, which she has to show a code of."""
    made = str(generate_totp_secret())
    TOTP.activate(ada, made)
    return made


def sign_in(client: Client, password: str = RIGHT, **more: str) -> HttpResponse:
    answer: Any = client.post("/sign-in/", {"username": "ada", "password": password, **more})
    assert isinstance(answer, HttpResponse)
    return answer


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def show_password_again(client: Client, password: str = RIGHT) -> None:
    client.post("/account/again/", {"password": password})


class TestSecondFactor:
    def test_the_password_alone_lets_nobody_in_who_has_an_app(self, secret: str, client: Client) -> None:
        assert sign_in(client, next="/account/").headers["Location"] == WAITS
        assert not is_in(client)
        assert client.get(WAITS).status_code == 200
        assert client.post(WAITS, {"code": code_of(secret)}).headers["Location"] == "/account/"
        assert is_in(client)

    def test_the_admin_asks_for_no_password_of_its_own(self, secret: str, client: Client) -> None:
        for answer in (client.get("/admin/"), client.post("/admin/login/", {"username": "ada", "password": RIGHT})):
            assert answer.status_code == 302
        assert not is_in(client)
        login = client.get("/admin/login/?next=/admin/").headers["Location"]
        assert login == "/sign-in/?next=%2Fadmin%2F"
        assert sign_in(client, next="/admin/").headers["Location"] == WAITS
        assert client.post(WAITS, {"code": code_of(secret)}).headers["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_a_panels_link_is_not_enough_either(self, ada: User, client: Client) -> None:
        owner = worlds.member(worlds.campaign(), "boss", "owner")
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="prolific", tasks_asked=5, max_uses=5)
        address = f"/join/{link.token}/?" + "&".join(f"{name}={value}" for name, value in PANEL.items())
        assert client.post(address).status_code == 302 and is_in(client)
        person = User.objects.get(username__startswith="prolific")
        TOTP.activate(person, generate_totp_secret())
        again = Client()
        assert again.post(address).headers["Location"] == WAITS
        assert not is_in(again)
        somebody = worlds.signed_in(ada)
        assert somebody.post(address).headers["Location"] == WAITS
        assert not is_in(somebody), "whoever was signed in here is signed out"

    def test_an_invitation_lets_those_in_who_are_signed_in(self, secret: str, client: Client) -> None:
        owner = worlds.member(worlds.campaign(), "boss", "owner")
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="invitation")
        sign_in(client, next=f"/join/{link.token}/")
        assert "Make an account" in client.get(f"/join/{link.token}/").content.decode()
        assert not owner.campaign.memberships.filter(user__username="ada").exists()

    def test_no_code_of_ours_signs_people_in_past_it(self) -> None:
        sources = [path for top in ("annotation", "learner", "platform") for path in (ROOT / top).rglob("*.py")]
        found = [
            path.name
            for path in sources
            if re.search(r"contrib\.auth import [^\n]*\blogin\b|\bauth\.login\(|secure_admin", path.read_text())
        ]
        assert found == ["apps.py"], "sign people in by hub.accounts.sign_in.let_in"

    def test_a_code_counts_once(self, secret: str, client: Client) -> None:
        code = code_of(secret)
        sign_in(client)
        assert client.post(WAITS, {"code": code}).status_code == 302
        thief = Client()
        sign_in(thief)
        assert "not right, or was used already" in thief.post(WAITS, {"code": code}).content.decode()
        assert not is_in(thief)
        assert thief.post(WAITS, {"code": code_of(secret, later=1)}).status_code == 302

    def test_after_five_wrong_codes_the_right_one_waits_whatever_process_is_asked(self, secret: str, client: Client) -> None:
        sign_in(client)
        for _ in range(5):
            client.post(WAITS, {"code": "000000"})
        other = Client()
        sign_in(other)
        assert "Too many tries" in other.post(WAITS, {"code": code_of(secret)}).content.decode()
        assert not is_in(other)
        assert type(caches["default"]).__name__ == "DatabaseCache", "counted for all web processes"

    def test_a_recovery_code_lets_in_once(self, ada: User, secret: str) -> None:
        code = RecoveryCodes.activate(ada).get_unused_codes()[0]
        for lets_in in (True, False):
            client = Client()
            sign_in(client)
            client.post(WAITS, {"code": code})
            assert is_in(client) == lets_in

    def test_an_app_is_set_up_on_the_account_page_after_the_password_is_shown_again(
        self, ada: User, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        sign_in(client)
        assert client.get("/account/second-factor/app/").headers["Location"].startswith("/account/again/")
        show_password_again(client, "wrong")
        assert client.get("/account/second-factor/app/").status_code == 302
        show_password_again(client)
        page = client.get("/account/second-factor/app/").content.decode()
        found = re.search(r'id="totp-secret">(\w+)<', page)
        assert found
        assert client.post("/account/second-factor/app/", {"code": "000000"}).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            done = client.post("/account/second-factor/app/", {"code": code_of(found[1])}, follow=True)
        codes = re.findall(r"<li><code>(\d{8})</code>", done.content.decode())
        assert len(codes) == 10
        assert [letter.to for letter in mail.outbox] == [["ada@example.org"]], "its person hears of it"
        assert "10 recovery codes left" in client.get("/account/").content.decode()

    def test_showing_the_password_again_is_counted_as_signing_in_is(self, ada: User, client: Client) -> None:
        sign_in(client)
        for _ in range(5):
            show_password_again(client, "wrong")
        assert "Too many wrong passwords" in client.post("/account/again/", {"password": RIGHT}).content.decode()

    def test_secrets_lie_encrypted_and_are_worth_nothing_with_another_key(self, secret: str, client: Client, settings: Any) -> None:
        assert secret not in str(Authenticator.objects.values_list("data", flat=True))
        settings.SECRET_KEY = "another key " * 6
        sign_in(client)
        assert "not right" in client.post(WAITS, {"code": code_of(secret)}).content.decode()

    def test_admins_take_a_lost_one_away(self, secret: str, ada: User) -> None:
        admin = worlds.signed_in(User.objects.create_superuser("root"))
        one = Authenticator.objects.get()
        assert admin.get("/admin/mfa/authenticator/").status_code == 200
        page = admin.get(f"/admin/mfa/authenticator/{one.pk}/change/").content.decode()
        assert secret not in page and one.data["secret"] not in page
        admin.post(f"/admin/mfa/authenticator/{one.pk}/delete/", {"post": "yes"})
        client = Client()
        sign_in(client)
        assert is_in(client)

    @pytest.mark.parametrize(
        ("who", "role", "stopped"), [("admins", "owner", False), ("managers", "owner", True), ("managers", "reviewer", False)]
    )
    def test_who_has_to_have_one_comes_nowhere_else_first(self, db: None, settings: Any, who: str, role: str, stopped: bool) -> None:
        settings.SECOND_FACTOR_FOR = who
        person = worlds.member(worlds.campaign(), "person", role)
        client = worlds.signed_in(person)
        assert (client.get("/").headers.get("Location") == "/account/") == stopped
        assert (client.get("/api/schema/").status_code == 403) == stopped
        assert ("needs a second factor" in client.get("/account/").content.decode()) == stopped
        TOTP.activate(worlds.account(person), generate_totp_secret())
        assert client.get("/queue/").status_code == 200


class TestPassword:
    def test_a_letter_leads_to_a_new_password_and_ends_all_sessions(self, ada: User, client: Client) -> None:
        old = worlds.signed_in(ada)
        asked = client.post("/account/password/reset/", {"email": "ADA@example.org"}, follow=True)
        assert "on its way" in asked.content.decode()
        [link] = re.findall(r"http://testserver(/account/password/reset/\S+)", str(mail.outbox[0].body))
        form = client.get(link, follow=True)
        where = form.redirect_chain[-1][0]
        assert "password1" in form.content.decode() and "set-password" in where
        new = {"password1": "another long passphrase", "password2": "another long passphrase"}
        assert "Sign in with it now" in client.post(where, new, follow=True).content.decode()
        assert not is_in(client) and not is_in(old)
        sign_in(client, "another long passphrase")
        assert is_in(client)
        assert "used already" in Client().get(link, follow=True).content.decode()

    def test_the_letter_does_not_lead_past_the_second_factor(self, secret: str, client: Client) -> None:
        client.post("/account/password/reset/", {"email": "ada@example.org"})
        [link] = re.findall(r"http://testserver(/account/password/reset/\S+)", str(mail.outbox[0].body))
        where = client.get(link).headers["Location"]
        client.post(where, {"password1": "another long passphrase", "password2": "another long passphrase"})
        assert not is_in(client)
        assert sign_in(client, "another long passphrase").headers["Location"] == WAITS

    def test_nothing_tells_whether_an_address_is_known(self, ada: User) -> None:
        said = [Client().post("/account/password/reset/", {"email": email}, follow=True) for email in ("ada@example.org", "x@example.org")]
        assert [one.redirect_chain for one in said] == [[("/account/password/reset/sent/", 302)]] * 2
        assert len(mail.outbox) == 1

    def test_letters_are_not_sent_as_often_as_a_stranger_likes(self, ada: User, client: Client) -> None:
        answers = [client.post("/account/password/reset/", {"email": "ada@example.org"}).status_code for _ in range(7)]
        assert answers == [302] * 5 + [429] * 2

    def test_a_letter_that_cannot_be_sent_is_said(self, ada: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
        answer = client.post("/account/password/reset/", {"email": "ada@example.org"})
        assert answer.status_code == 503 and "could not be sent" in answer.content.decode()

    def test_it_is_changed_with_the_old_one_and_other_sessions_end(self, ada: User, client: Client) -> None:
        other = Client()
        sign_in(client)
        sign_in(other)
        new = {"password1": "another long passphrase", "password2": "another long passphrase"}
        assert "That is not your password" in client.post("/account/password/", {"oldpassword": "wrong", **new}).content.decode()
        assert client.post("/account/password/", {"oldpassword": RIGHT, **new}).headers["Location"] == "/account/"
        assert is_in(client) and not is_in(other)


class TestAddress:
    def test_a_new_address_counts_once_its_link_is_opened(self, ada: User, client: Client) -> None:
        sign_in(client)
        show_password_again(client)
        client.post("/account/e-mail/", {"email": "new@example.org", "action_add": ""})
        ada.refresh_from_db()
        assert ada.email == "ada@example.org" and "new@example.org is not confirmed" in client.get("/account/").content.decode()
        letter = next(one for one in mail.outbox if one.to == ["new@example.org"])
        [link] = re.findall(r"http://testserver(/account/e-mail/\S+/)", str(letter.body))
        assert "becomes the address" in client.get(link).content.decode(), "opening the link changes nothing yet"
        client.post(link)
        ada.refresh_from_db()
        assert ada.email == "new@example.org"
        assert mail.outbox[-1].to == ["ada@example.org"], "the old address hears of it"

    def test_one_that_an_admin_gives_takes_the_place_of_what_was_confirmed(self, ada: User, client: Client) -> None:
        sign_in(client)
        client.get("/account/e-mail/")
        assert EmailAddress.objects.get().verified
        kept = {"username": "ada", "is_active": "on", "is_superuser": "on", "is_staff": "on", "date_joined_0": "2030-01-01"}
        saved = client.post(f"/admin/accounts/user/{ada.pk}/change/", kept | {"date_joined_1": "08:00", "email": "given@example.org"})
        assert saved.status_code == 302
        for address in ("ada@example.org", "given@example.org"):
            client.post("/account/password/reset/", {"email": address})
        assert [letter.to for letter in mail.outbox] == [["given@example.org"]]


class TestSessions:
    def test_one_sees_where_one_is_signed_in_and_signs_out_there(self, ada: User) -> None:
        here, there = Client(), Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
        for client in (here, there):
            sign_in(client)
        page = here.get("/account/").content.decode()
        assert "Firefox, Linux" in page
        [button] = re.findall(r'name="session" value="(\d+)"', page)
        here.post("/account/sessions/", {"session": button})
        assert is_in(here) and not is_in(there)

    def test_all_others_end_at_once_and_nobody_elses(self, ada: User) -> None:
        clients = [Client() for _ in range(3)]
        for client in clients:
            sign_in(client)
        stranger = worlds.signed_in(User.objects.create_user("stranger"))
        mine = UserSession.objects.order_by("pk")[0]
        stranger.post("/account/sessions/", {"session": str(mine.pk)})
        stranger.post("/account/sessions/")
        assert all(map(is_in, clients))
        clients[1].post("/account/sessions/")
        assert [is_in(client) for client in clients] == [False, True, False]
        assert Session.objects.filter(session_key=mine.session_key).count() == 0

    def test_no_address_is_kept(self, ada: User) -> None:
        sign_in(Client(REMOTE_ADDR="192.0.2.7"))
        assert UserSession.objects.count() == 1 and "192.0.2.7" not in str(list(UserSession.objects.values()))

    def test_nothing_stays_of_a_session_that_is_over(self, ada: User) -> None:
        sign_in(Client())
        list(tidy.tidy(tidy.Rules(0, 0, 0)))
        assert UserSession.objects.count() == 1
        Session.objects.update(expire_date="2020-01-01T00:00Z")
        list(tidy.tidy(tidy.Rules(0, 0, 0)))
        assert UserSession.objects.count() == 0

    @pytest.mark.parametrize(
        ("agent", "words"),
        [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1", "Safari, iPhone"),
            ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
            ("curl/8", "Another program"),
        ],
    )  # fmt: skip
    def test_a_browser_is_named_as_its_person_knows_it(self, agent: str, words: str) -> None:
        with translation.override("en"):
            assert in_words(agent) == words


class TestAccountPage:
    def test_a_name_is_changed(self, ada: User, client: Client) -> None:
        sign_in(client)
        client.post("/account/", {"name": "Ada L."})
        assert User.objects.get(pk=ada.pk).name == "Ada L."

    def test_whoever_came_by_a_panels_link_stays_anonymous(self, db: None) -> None:
        client = worlds.signed_in(User.objects.create_user("prolific-1"))
        assert "no password and no address here" in client.get("/account/").content.decode()
        for page in ("password/set/", "e-mail/", "second-factor/app/", "second-factor/keys/new/", "connections/"):
            assert client.post(f"/account/{page}", {"email": "me@example.org", "action_add": ""}).headers["Location"] == "/account/"
        client.post("/account/", {"name": "Me"})
        assert User.objects.get().name == "" and not mail.outbox

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_every_page_is_shown(self, secret: str, ada: User, language: str) -> None:
        RecoveryCodes.activate(ada)
        client = Client(headers={"accept-language": language})
        sign_in(client)
        client.post(WAITS, {"code": code_of(secret)})
        show_password_again(client)
        for page in ("", "password/", "password/reset/", "password/reset/sent/", "password/reset/done/", "e-mail/", "again/", "again/code/",
                     "closed/", "second-factor/app/off/", "second-factor/codes/", "second-factor/codes/new/", "second-factor/keys/new/",
                     "connections/", "oidc/cancelled/"):  # fmt: skip
            answer = client.get(f"/account/{page}")
            assert answer.status_code == 200, page
            assert f'<html lang="{language}"' in answer.content.decode()

    def test_a_closed_account_is_not_let_in(self, ada: User, client: Client) -> None:
        person = User.objects.create_user("left", password=RIGHT, is_active=False)
        client.post("/sign-in/", {"username": person.username, "password": RIGHT})
        assert not is_in(client)


def test_nobody_makes_an_account_by_themselves(db: None, client: Client, rf: Any) -> None:
    assert not Accounts().is_open_for_signup(rf.get("/"))
    for page in ("/account/signup/", "/accounts/signup/", "/signup/"):
        assert client.get(page).status_code == 404


@pytest.mark.parametrize(("configured", "allowed"), [([], "'self'"), (["https://id.example.org"], "'self' https://id.example.org")])
def test_forms_lead_to_the_provider_where_there_is_one_and_only_from_pages_with_its_button(
    db: None, client: Client, settings: Any, configured: list[str], allowed: str
) -> None:
    settings.OIDC_ORIGINS = configured
    policies = [client.get(page).headers["Content-Security-Policy"] for page in ("/sign-in/", "/account/password/reset/")]
    assert f"form-action {allowed};" in policies[0] and "form-action 'self';" in policies[1]


def test_templates_of_letters_are_ours(ada: User, client: Client) -> None:
    client.post("/account/password/reset/", {"email": "ada@example.org"}, headers={"accept-language": "de"})
    assert "Öffne diesen Link" in str(mail.outbox[0].body) and "Ein neues Passwort" in mail.outbox[0].subject
    assert not list(Path(ROOT / "templates").rglob("*.txt"))
