"""People who can sign in, and strangers who try to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from hub.accounts.models import Tries, User
from hub.accounts.wrong_passwords import TooSoon, try_password, was_right

RIGHT = "a long enough passphrase"
MORNING = datetime(2030, 1, 1, 8, tzinfo=UTC)
Sign = Callable[..., HttpResponse]


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


class Clock:
    now = MORNING

    def go_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The site's clock, which stands still unless told to go on."""
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def sign_in(db: None, clock: Clock, settings: Any) -> Sign:
    """Ada has an account; posts a name and a password from an address, as a browser that nobody is signed in at."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # many tries; how costly each is, is not asked here
    User.objects.create_superuser("Ada", password=RIGHT)

    def post(password: str, name: str = "ada", address: str = "192.0.2.1") -> HttpResponse:
        answer: Any = Client(REMOTE_ADDR=address).post("/sign-in/", {"username": name, "password": password})
        assert isinstance(answer, HttpResponse)
        return answer

    return post


def waits(response: HttpResponse) -> bool:
    assert ("Too many wrong passwords" in response.content.decode()) == (response.status_code == 429)
    return response.status_code == 429


def test_after_a_few_wrong_passwords_even_the_right_one_has_to_wait_and_then_signs_in(sign_in: Sign, clock: Clock) -> None:
    assert not any("Too many" in sign_in(f"wrong {n}").content.decode() for n in range(5))
    refused = sign_in(RIGHT)
    assert "Too many wrong passwords. Wait 5 seconds, then try again." in refused.content.decode()
    clock.go_on(5)
    assert sign_in(RIGHT).status_code == 302


def test_a_program_reads_how_long_to_wait(sign_in: Sign) -> None:
    for n in range(5):
        sign_in(f"wrong {n}")
    refused = sign_in(RIGHT)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")


def test_waits_grow_to_a_minute_for_an_account_and_end_with_the_right_password(sign_in: Sign, clock: Clock) -> None:
    for n in range(5):
        sign_in(f"wrong {n}")
    seen = []
    for n in range(6):
        seen.append(int(sign_in(RIGHT).headers["Retry-After"]))
        clock.go_on(seen[-1])
        assert not waits(sign_in(f"wrong again {n}"))
    assert seen == [5, 10, 20, 40, 60, 60]
    clock.go_on(60)
    assert sign_in(RIGHT).status_code == 302
    assert not any(waits(sign_in("wrong")) for _ in range(5)), "who was right begins anew"


def test_a_try_that_has_to_wait_is_not_looked_at_and_makes_the_wait_no_longer(sign_in: Sign, clock: Clock) -> None:
    for n in range(5):
        sign_in(f"wrong {n}")
    assert all(waits(sign_in("wrong")) for _ in range(55))
    clock.go_on(5)
    assert sign_in(RIGHT).status_code == 302


def test_the_many_names_that_one_address_tries_are_counted_together(sign_in: Sign) -> None:
    assert not any(waits(sign_in("password1", name=f"person{n}")) for n in range(20))
    assert waits(sign_in("password1", name="somebody else"))
    assert not waits(sign_in("password1", name="somebody else", address="192.0.2.2"))


def test_an_address_waits_up_to_a_quarter_of_an_hour_and_a_right_password_does_not_end_that(db: None) -> None:
    waited, now = [], MORNING
    for n in range(30):
        then = now
        if n % 3 == 0:  # the attacker has accounts too
            now = try_patiently(f"attacker{n}", now)
            was_right(f"attacker{n}", "192.0.2.1", now)
        now = try_patiently(f"person{n}", now)
        waited.append((now - then).total_seconds())
    assert waited[19:] == [0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def try_patiently(name: str, now: datetime) -> datetime:
    """Return when the try was let in."""
    try:
        try_password(name, "192.0.2.1", now)
    except TooSoon as too_soon:
        now += timedelta(seconds=too_soon.seconds)
        try_password(name, "192.0.2.1", now)
    return now


def test_all_of_a_home_with_long_addresses_is_one_address(sign_in: Sign) -> None:
    for n in range(20):
        sign_in("wrong", name=f"person{n}", address=f"2001:db8:0:1::{n:x}")
    assert waits(sign_in(RIGHT, address="2001:db8:0:1:ffff::1"))
    assert not waits(sign_in(RIGHT, address="2001:db8:0:2::1"))


def test_an_attacker_elsewhere_keeps_nobody_out_where_they_have_signed_in_before(sign_in: Sign) -> None:
    assert sign_in(RIGHT, address="192.0.2.1").status_code == 302
    for n in range(30):
        sign_in("wrong", address=f"198.51.100.{n}")
    assert waits(sign_in(RIGHT, address="203.0.113.1")), "a stranger's address waits"
    assert sign_in(RIGHT, address="192.0.2.1").status_code == 302


def test_where_somebody_has_signed_in_before_their_own_mistakes_count_all_the_same(sign_in: Sign) -> None:
    sign_in(RIGHT)
    for n in range(5):
        assert not waits(sign_in(f"wrong {n}"))
    assert waits(sign_in(RIGHT))


def test_nothing_tells_an_account_from_a_name_that_nobody_has(sign_in: Sign) -> None:
    User.objects.create_user("Left", password=RIGHT, is_active=False)

    def said(name: str, address: str) -> list[tuple[int, bytes]]:
        answers = [sign_in("wrong", name=name, address=address) for _ in range(7)]
        return [(answer.status_code, answer.content.split(b'role="alert"')[1].split(b"</div>")[0]) for answer in answers]

    assert said("ada", "192.0.2.1") == said("nobody", "192.0.2.2") == said("left", "192.0.2.3")


def test_other_spellings_of_a_name_are_no_new_tries(sign_in: Sign) -> None:
    for name in ("ada", "ADA", "aDa", " ada", "\uff41da"):
        assert not waits(sign_in("wrong", name=name))
    assert waits(sign_in("wrong", name="Ada", address="192.0.2.2"))


def test_an_hour_without_a_try_is_forgotten(sign_in: Sign, clock: Clock) -> None:
    for _ in range(5):
        sign_in("wrong")
    clock.go_on(3600 + 6)
    assert not any(waits(sign_in("wrong")) for _ in range(5))


def test_neither_addresses_nor_what_was_typed_as_a_name_are_kept(sign_in: Sign) -> None:
    sign_in("wrong", name="my secret typed in the wrong field")
    sign_in(RIGHT)
    kept = str(list(Tries.objects.values_list()))
    assert "secret" not in kept and "192.0.2.1" not in kept


def test_what_is_long_over_is_removed_by_the_next_sign_in(sign_in: Sign, clock: Clock) -> None:
    sign_in("wrong", name="somebody")
    clock.go_on(91 * 24 * 3600)
    sign_in(RIGHT)
    assert Tries.objects.filter(wrong__gt=0).count() == 0


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_counted_as_one_after_another() -> None:
    def let_in(_: int) -> bool:
        try:
            try_password("ada", "192.0.2.1", MORNING)
        except TooSoon:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(let_in, range(24))) == 5
