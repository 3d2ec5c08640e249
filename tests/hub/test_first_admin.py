"""The link that makes a new site's first account."""

from django.test import Client

from hub.accounts import first_admin
from hub.accounts.models import User

ACCOUNT = {"username": "head", "email": "", "password1": "a long enough passphrase", "password2": "a long enough passphrase"}


def link() -> str:
    found = first_admin.link()
    assert found
    return found


def test_the_link_makes_the_admin_and_leads_to_the_first_campaign(db: None, client: Client) -> None:
    where = link()
    assert client.get(where).status_code == 200
    answer = client.post(where, ACCOUNT, follow=True)
    assert answer.redirect_chain == [("/campaigns/new/", 302)]
    assert answer.status_code == 200
    made = User.objects.get()
    assert made.is_superuser and made.is_staff


def test_it_works_once(db: None, client: Client) -> None:
    where = link()
    client.post(where, ACCOUNT)
    again = Client().post(where, ACCOUNT | {"username": "second"})
    assert again.status_code == 410
    assert Client().get(where).status_code == 410
    assert User.objects.count() == 1
    assert first_admin.link() is None


def test_a_guessed_link_lets_nobody_in(db: None, client: Client) -> None:
    assert client.post("/first-account/" + "0" * 40 + "/", ACCOUNT).status_code == 410
    assert not User.objects.exists()


def test_a_bad_password_is_said_and_makes_no_account(db: None, client: Client) -> None:
    answer = client.post(link(), ACCOUNT | {"password1": "short", "password2": "short"})
    assert answer.status_code == 400
    assert "too short" in answer.content.decode()
    assert not User.objects.exists()
