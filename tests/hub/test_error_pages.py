"""What is refused, missing or broken is told to browsers on a page that leads back, and to programs as before."""

import re
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from hub import urls
from tests import worlds

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


class OurUrls:
    """The site's, and a view that fails."""

    urlpatterns = [*urls.urlpatterns, path("broken/", broken)]
    handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


def ways_back(response: Any) -> list[str]:
    card = re.search(r'id="error-page">(.*?)</section>', response.text, re.DOTALL)
    assert card, response.text[:500]
    return re.findall(r'href="([^"]+)"', card[1])


@pytest.fixture
def ann(db: None) -> Client:
    return worlds.signed_in(worlds.member(worlds.campaign("bleed")), raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "status", "words", "back"),
    [
        ("/no-such-page/", 404, "There is nothing here", ["/"]),
        ("/c/elsewhere/tracks/", 404, "There is nothing here", ["/"]),
        ("/c/bleed/rounds/77/", 404, "There is nothing here", ["/c/bleed/", "/"]),
        ("/c/bleed/people/", 403, "Only owners and managers", ["/c/bleed/", "/"]),
        ("/c/bleed/pause/", 405, "This is not a page", ["/c/bleed/", "/"]),
        ("/sign-in/?next=%00", 400, "NUL character", ["/"]),
    ],
)
def test_a_browser_gets_a_page_that_leads_back(ann: Client, address: str, status: int, words: str, back: list[str]) -> None:
    response = ann.get(address, headers=BROWSER)
    assert response.status_code == status and response["Content-Type"] == "text/html; charset=utf-8"
    assert words in response.text and "site-header" in response.text
    assert ways_back(response) == back


def test_a_fault_of_ours_asks_nothing_and_says_nothing_of_itself(ann: Client, settings: pytest.FixtureRequest) -> None:
    settings.ROOT_URLCONF = OurUrls  # type: ignore[attr-defined]
    response = ann.get("/broken/", headers=BROWSER)
    assert response.status_code == 500 and "Something went wrong here" in response.text and "a fault of ours" not in response.text
    assert ways_back(response) == ["/"]


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back_to_the_address(db: None) -> None:
    assert ways_back(Client().get("/no-such-page/?a=1", headers=BROWSER)) == ["/sign-in/?next=%2Fno-such-page%2F%3Fa%3D1"]


def test_a_form_that_is_out_of_date_is_told_so(db: None) -> None:
    client = worlds.signed_in(worlds.member(worlds.campaign("bleed")), enforce_csrf_checks=True)
    response = client.post("/sign-out/", headers=BROWSER)
    assert response.status_code == 403 and "load the page again" in response.text and ways_back(response) == ["/"]


def test_parts_of_pages_and_programs_get_text_and_json_as_before(ann: Client) -> None:
    part = ann.get("/c/bleed/rounds/77/", headers=BROWSER | {"HX-Request": "true"})
    assert part.status_code == 404 and part["Content-Type"].startswith("text/plain")
    assert ann.get("/no-such-page/")["Content-Type"].startswith("text/plain"), "a script asks for anything"
    programs = ann.get("/api/no-such-page/", headers=BROWSER)
    assert programs.json() == {"error": "NotFound", "detail": "There is nothing at this address."}


def test_the_page_speaks_the_language_of_the_reader(ann: Client) -> None:
    german = ann.get("/no-such-page/", headers=BROWSER | {"Accept-Language": "de"}).text
    assert "Hier ist nichts" in german and 'lang="de"' in german
