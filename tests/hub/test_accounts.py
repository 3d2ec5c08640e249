"""People who can sign in."""

import pytest
from django.db import IntegrityError
from django.test import Client

from hub.accounts.models import User


def test_sign_in_does_not_mind_capitals(db: None, client: Client) -> None:
    User.objects.create_user("Ada", password="a long enough passphrase")
    assert client.login(username="aDA", password="a long enough passphrase")


def test_two_names_cannot_differ_by_capitals_only(db: None) -> None:
    User.objects.create_user("Ada")
    with pytest.raises(IntegrityError, match="whatever_the_capitals"):
        User.objects.create_user("ada")


def test_a_person_without_a_name_is_called_by_the_user_name(db: None) -> None:
    assert User(username="ada").get_full_name() == "ada"
    assert User(username="ada", name="Ada Lovelace").get_full_name() == "Ada Lovelace"


def test_site_admins_can_edit_people(db: None, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert client.get("/admin/accounts/user/add/").status_code == 200
    assert client.get(f"/admin/accounts/user/{User.objects.get().pk}/change/").status_code == 200
