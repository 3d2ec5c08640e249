"""What a page may load, who may call, and what errors say."""

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from annotation.core.regions import BadRegion
from annotation.services import NotYours
from hub import errors
from hub.security import ContentSecurityPolicy


def policy_of(response: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_pages_load_from_this_site_only_and_run_nothing_written_into_them(db: None, client: Client) -> None:
    response = client.get("/sign-in/")
    policy = policy_of(response)
    assert response.status_code == 200
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"


def test_only_the_styles_of_a_page_that_asks_may_be_its_own() -> None:
    def page(request: HttpRequest) -> HttpResponse:
        response = HttpResponse()
        response.inline_styles = True  # type: ignore[attr-defined]
        return response

    policy = policy_of(ContentSecurityPolicy(page)(RequestFactory().get("/")))
    assert policy["style-src"] == "'self' 'unsafe-inline'"
    assert policy["script-src"] == "'self'"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(db: None, client: Client, django_user_model: type) -> None:
    django_user_model.objects.create_user("Ada", password="a long enough passphrase")  # type: ignore[attr-defined]
    client.post("/sign-in/", {"username": "ada", "password": "a long enough passphrase"})
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_an_unknown_host_is_refused(db: None, client: Client) -> None:
    refused = client.get("/sign-in/", headers={"host": "evil.example"})
    assert refused.status_code == 400 and b"ALLOWED_HOSTS" in refused.content


def test_where_browsers_use_https_plain_http_leads_there(db: None, client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 1000
    there = client.get("/sign-in/?next=/queue/")
    assert (there.status_code, there.headers["Location"]) == (301, "https://testserver/sign-in/?next=/queue/")
    secure = client.get("/sign-in/", secure=True)
    assert (secure.status_code, secure.headers["Strict-Transport-Security"]) == (200, "max-age=1000")


class Failing(APIView):
    authentication_classes = permission_classes = ()
    error: Exception = ZeroDivisionError()

    def get(self, request: object) -> None:
        raise self.error


def api_answer(error: Exception) -> tuple[int, dict[str, str]]:
    response = Failing.as_view(error=error)(APIRequestFactory().get("/"))
    return response.status_code, json.loads(response.render().content)


def test_a_bad_region_is_named_with_its_field(db: None) -> None:
    status, body = api_answer(BadRegion("Mark 2 ends before it starts.", region="2", field="end"))
    assert status == 400
    assert body == {"error": "BadRegion", "detail": "Mark 2 ends before it starts.", "region": "2", "field": "end"}


def test_an_error_without_words_speaks_by_its_docstring(db: None) -> None:
    assert api_answer(NotYours()) == (
        409,
        {"error": "NotYours", "detail": "You are not working on this task: take it from your queue first."},
    )


def test_an_error_that_is_not_in_the_table_is_not_hidden(db: None) -> None:
    with pytest.raises(ZeroDivisionError):
        api_answer(ZeroDivisionError())


def test_a_page_says_the_same_in_plain_text() -> None:
    response = errors.DomainErrors(lambda request: HttpResponse()).process_exception(RequestFactory().get("/"), NotYours())
    assert response is not None
    assert (response.status_code, response.content.decode()) == (409, str(NotYours()))
