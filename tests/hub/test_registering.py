"""Making an account by oneself: only where the site is open to that, and only with an address that is one's own."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from hub.accounts.models import User

pytestmark = pytest.mark.django_db
CHOSEN = {"username": "ann", "password1": "a-long-pass-phrase", "password2": "a-long-pass-phrase"}


@pytest.fixture
def is_open(settings: Any) -> None:
    settings.SELF_REGISTRATION = True


def link_sent_to(email: str) -> str:
    """The path of the link in the letter that asking brings."""
    assert "Look into your mail" in Client().post("/register/", {"email": email}).content.decode()
    letter = mail.outbox[-1]
    assert letter.to == [email.lower()]
    found = re.search(r"http://[^/]+(/register/\S+)", str(letter.body))
    return found[1] if found else ""


class TestClosed:
    def test_it_says_whom_to_ask_and_sends_nothing(self) -> None:
        for answer in (Client().get("/register/"), Client().post("/register/", {"email": "ann@example.org"}), Client().get("/register/x/")):
            assert answer.status_code == 403 and "Ask the people who run it" in answer.content.decode()
        assert not mail.outbox
        page = Client().get("/sign-in/").content.decode()
        assert "/register/" not in page and "Accounts are made by the people who run this site" in page

    def test_a_link_from_before_lets_nobody_in(self, settings: Any) -> None:
        settings.SELF_REGISTRATION = True
        link = link_sent_to("ann@example.org")
        settings.SELF_REGISTRATION = False
        assert Client().post(link, CHOSEN).status_code == 403 and not User.objects.exists()


@pytest.mark.usefixtures("is_open")
class TestOpen:
    def test_by_the_link_one_makes_an_account_with_that_address_and_is_signed_in(self) -> None:
        assert 'href="/register/"' in Client().get("/sign-in/").content.decode()
        link, client = link_sent_to("Ann@Example.org"), Client()
        assert client.get(link).status_code == 200 and not User.objects.exists()
        assert client.post(link, CHOSEN)["Location"] == "/queue/"
        assert client.get("/queue/").status_code == 200
        user = User.objects.get()
        assert user.email == "ann@example.org" and not user.is_staff and user.is_active
        assert EmailAddress.objects.get().verified
        assert Client().post(link, CHOSEN | {"username": "bob"}).status_code == 410 and User.objects.count() == 1

    def test_an_address_that_has_an_account_is_told_by_letter_alone(self) -> None:
        User.objects.create_user("ann", "ann@example.org")
        assert link_sent_to("ann@example.org") == ""
        assert "another account has it" in str(mail.outbox[-1].body)

    def test_what_cannot_be_is_said(self) -> None:
        assert Client().post("/register/", {"email": "ann"}).status_code == 400
        assert Client().get("/register/forged/").status_code == 404
        link = link_sent_to("ann@example.org")
        assert Client().post(link, CHOSEN | {"password2": "another"}).status_code == 400
        User.objects.create_user("ann")
        assert Client().post(link, CHOSEN).status_code == 400
        assert User.objects.count() == 1

    def test_nobody_has_many_letters_sent(self) -> None:
        asked = [Client().post("/register/", {"email": f"a{n}@example.org"}).status_code for n in range(7)]
        assert asked[:5] == [200] * 5 and asked[-1] == 429 and len(mail.outbox) == 5
