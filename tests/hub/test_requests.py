"""What no endpoint takes: too deep, too long, not text. Each is refused with 4xx and words, at every address of the site."""

import json
import re
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import serializers

from annotation.core import strict_json
from annotation.core.strict_json import BadJson
from annotation.models import Campaign, Membership, Submission, Task
from annotation.pages.fields import Items
from annotation.services import crowd_links
from hub.accounts.models import User
from tests import worlds
from tests.product import Product

KEY = str(uuid.UUID(int=1))
NAMES = (
    "seen",
    "decision",
    "text",
    "reply",
    "username",
    "password",
    "password1",
    "start",
    "end",
    "name",
    "kind",
    "study",
    "action",
    "next",
    "q",
)


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    """Every address of the site, as it is written in the URLconf; of the admin's, those of three models stand for all."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, before + str(one.pattern))
        elif isinstance(one, URLPattern):
            route = before + str(one.pattern)
            if not route.startswith("admin/") or any(kind in route for kind in ("admin/login", "campaign", "task/", "user/")):
                yield route


def filled(route: str, **values: object) -> str:
    """The address, with a value for each part that varies; `other` for those not named."""
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", lambda part: str(values.get(part[1] or part[2], values["other"])), route)
    return "/" + re.sub(r"[\^$\\]", "", route)


@pytest.fixture
def owner(db: None) -> Membership:
    return worlds.campaign("bleed", owner=User.objects.create_superuser("owner")).memberships.get()


@pytest.fixture
def inside(owner: Membership) -> Client:
    """Somebody who may ask every endpoint."""
    return worlds.signed_in(owner, raise_request_exception=False)


@pytest.fixture
def addresses(owner: Membership) -> list[str]:
    """Every address, filled in so that it leads somewhere where that is possible without sound."""
    link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="prolific", tasks_asked=2)
    known = {"slug": "bleed", "task_id": task(owner.campaign).pk, "link_id": link.pk, "token": link.token, "which": "vocals"}
    known |= {"name": "consent", "object_id": task(owner.campaign).pk}
    return sorted({filled(route, other=1, **known) for route in routes() if "out/" not in route})


def task(campaign: Campaign) -> Task:
    track = campaign.tracks.first() or worlds.track(campaign, duration=30.0)
    worlds.opened([worlds.clip(track)])
    track.estimates.all().delete()  # there is nothing to hear
    return campaign.tasks.get()


@pytest.mark.parametrize("odd", ["%00", "9" * 30, "9" * 5000, "%ED%A0%80", "a" * 9000], ids=lambda odd: f"{odd[:10]} of {len(odd)}")
def test_no_odd_address_is_a_fault_of_ours(inside: Client, odd: str) -> None:
    asked = [filled(route, other=odd) for route in set(routes()) if "<" in route]
    assert {where[:60]: status for where in asked if (status := inside.get(where).status_code) >= 500} == {}
    assert inside.get(f"/join/{odd}/").status_code in ({414} if len(odd) > 8000 else {400, 404})


def test_no_odd_query_header_cookie_or_form_is_a_fault_of_ours(inside: Client, addresses: list[str]) -> None:
    nul = "&".join(f"{name}=%00" for name in [*NAMES, "id", "p", "page", "link", "rate", "e", "o", "id__exact"])
    digits = "&".join(f"{name}={'9' * 4400}" for name in ("p", "id"))
    form = f"name=x&slug=x2&stem=vocals&kind=external&max_uses={'9' * 4400}&action=delete_selected&_selected_action=abc&index=0&recipe="
    forms = [form + "[" * 990 + "]" * 990, form + "%22%5Cu0000%22", nul]
    faults = {}
    for where in addresses:
        answers = [inside.get(f"{where}?{nul}"), inside.get(f"{where}?{digits}", headers={"range": f"bytes={'9' * 5000}-"})]
        answers += [inside.post(where, form, content_type="application/x-www-form-urlencoded") for form in forms]
        answers += [inside.post(where, b"--a", content_type="multipart/form-data; boundary=a")]
        answers += [Client(raise_request_exception=False).get(where, headers={"cookie": r'sessionid="\000aaaaaaaaaaaa"'})]
        faults[where] = [n for n, answer in enumerate(answers) if answer.status_code >= 500]
    assert {where: found for where, found in faults.items() if found} == {}


BODIES = {
    "nested lists": b"[" * 990 + b"]" * 990,
    "nested objects": b'{"result":' * 990 + b"1" + b"}" * 990,
    "nested within": b'{"client_key":"%s","result":[{"id":%s1%s}]}' % (KEY.encode(), b"[" * 900, b"]" * 900),
    "never closed": b"[" * 100_000,
    "NUL": b'{"reason":"\\u0000","decision":"accept","seen":"\\u0000","note":"\\u0000"}',
    "half a surrogate": b'{"reason":"\\ud800","decision":"\\ud800","seen":"\\ud800","client_key":"\\ud800","played":{"\\ud800":[]}}',
    "endless": b'{"lead_time":1e999,"more":1e999,"person":1e999}',
    "no number": b'{"lead_time":NaN,"more":-Infinity}',
    "many digits": b'{"lead_time":%s,"client_key":%s,"person":%s}' % (b"9" * 5000, b"9" * 5000, b"9" * 400),
    "not UTF-8": b'{"reason":"\xff"}',
    "UTF-16": '{"reason":"technical"}'.encode("utf-16"),
    "not JSON": b"reason=technical",
    "half": b'{"reason":',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_cannot_be_kept_is_refused_in_words(inside: Client, owner: Membership, body: bytes) -> None:
    where = f"/api/tasks/{task(owner.campaign).pk}"
    asked = [("PUT", "submission"), ("PUT", "draft"), ("POST", "skip"), ("POST", "review"), ("POST", "review/undo")]
    Task.objects.update(state=Task.State.IN_REVIEW, contested=True)
    for method, what in asked:
        refused = inside.generic(method, f"{where}/{what}/", body, content_type="application/json")
        assert refused.status_code == 400, what
        assert refused.json()["error"] == "BadJson" and refused.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"3", b'"x"', b"{}", b'{"result":{},"reason":[],"seen":{},"decision":null}'])
def test_a_body_of_another_shape_is_refused_in_words(inside: Client, owner: Membership, body: bytes) -> None:
    for method, what in (("PUT", "submission"), ("PUT", "draft"), ("POST", "skip")):
        refused = inside.generic(method, f"/api/tasks/{task(owner.campaign).pk}/{what}/", body, content_type="application/json")
        assert refused.status_code == 400 and refused.json()["error"] == "ValidationError" and refused.json()["detail"], what


NOT_TAKEN: dict[str, tuple[object, ...]] = {
    "lead_time": ("1", "NaN", True, [1], -1, 1e308, 10**18, 366 * 86400 + 1),
    "heard": ([[True, 1]], [["0", "15"]], [[0, 10**400]], {"0": [0, 1]}, [[0, 1, 2]], [None], "all"),
    "client_key": (1, True, KEY.replace("-", ""), "{" + KEY + "}", None),
    "played": ([], {"drums": []}, {"mix": 3}, {"mix": [[0, "1"]]}),
    "result": ([1], ["x"], {}, None, "[]"),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in NOT_TAKEN.items() for value in values])
def test_only_jsons_own_numbers_and_texts_are_taken(inside: Client, owner: Membership, field: str, value: object) -> None:
    body = {"result": [], "client_key": KEY, "heard": [[0, 15]], "lead_time": 3} | {field: value}
    refused = inside.put(f"/api/tasks/{task(owner.campaign).pk}/submission/", json.dumps(body), content_type="application/json")
    assert refused.status_code == 400
    if abs(value) < 2**63 if isinstance(value, int) else value != [[0, 10**400]]:
        assert refused.json()["field"].startswith(field), "the field is named"
    assert not Submission.objects.exists()


def test_whoever_decides_by_a_number_gives_a_number(inside: Client, owner: Membership) -> None:
    Task.objects.filter(pk=task(owner.campaign).pk).update(state=Task.State.IN_REVIEW, contested=True)
    for wrong in ({"person": "1"}, {"person": True}, {"person": 1.5}, {"seen": 7}, {"note": 7}, {"decision": ["take"]}, {"more": 2**64}):
        body = {"decision": "take", "seen": "x", "person": 1} | wrong
        refused = inside.post(f"/api/tasks/{task(owner.campaign).pk}/review/", json.dumps(body), content_type="application/json")
        assert refused.status_code == 400 and refused.json()["field"] == next(iter(wrong))


@pytest.mark.parametrize("field", ["heard", "result", "played"])
def test_a_list_that_is_too_long_is_refused_before_anything_in_it_is_looked_at(inside: Client, owner: Membership, field: str) -> None:
    many: Any = [[0, "x"]] * 30_000
    body: dict[str, Any] = {"result": [], "client_key": KEY, field: {"mix": many} if field == "played" else many}
    refused = inside.put(f"/api/tasks/{task(owner.campaign).pk}/submission/", json.dumps(body), content_type="application/json")
    assert refused.status_code == 400 and "no more than" in refused.json()["detail"]
    assert refused.json()["field"] == ("played.mix" if field == "played" else field)


def test_a_body_of_a_million_items_is_refused_before_they_are_walked(inside: Client, owner: Membership) -> None:
    body = b'{"client_key":"%s","result":[%s0]}' % (KEY.encode(), b"0," * 900_000)
    refused = inside.put(f"/api/tasks/{task(owner.campaign).pk}/submission/", body, content_type="application/json")
    assert refused.status_code == 400 and refused.json()["detail"] == "The body holds more than 200,000 values."


def test_of_a_list_that_is_too_long_no_item_is_validated() -> None:
    class Touched(serializers.Field):
        def run_validation(self, data: Any = None) -> Any:
            raise AssertionError("an item was looked at")

    with pytest.raises(serializers.ValidationError, match="no more than 2 elements"):
        Items(child=Touched(), max_length=2).run_validation([1, 2, 3])


@pytest.mark.parametrize(
    ("about", "status", "error"),
    [
        ({"path": "/api/tasks/1/draft/?a=" + "x" * 8000}, 414, "RequestUriTooLong"),
        ({"headers": {"accept": "x" * 8001}}, 431, "RequestHeaderFieldsTooLarge"),
        ({"data": b" " * 2_000_001}, 413, "RequestEntityTooLarge"),
        ({"content_type": "application/json; charset=zlib"}, 415, "UnsupportedMediaType"),
        ({"path": "/api/tasks/{task}/draft/", "content_type": "text/csv"}, 415, "UnsupportedMediaType"),
        ({"headers": {"accept": "text/html"}}, 406, "NotAcceptable"),
        ({"path": "/api/tasks/1/draft/?a=%00"}, 400, "BadRequest"),
        ({"path": "/api/tasks/0/draft/?a=1&a=%00&a=2"}, 400, "BadRequest"),
        ({"CONTENT_LENGTH": "many"}, 400, "BadRequest"),
        ({"path": "/api/nowhere/"}, 404, "NotFound"),
        ({"path": "/api/tasks/-1/draft/"}, 404, "NotFound"),
        ({"method": "DELETE"}, 405, "MethodNotAllowed"),
        ({}, 404, "NotFound"),
    ],
)
def test_the_api_says_no_with_the_right_status_and_in_one_shape(
    inside: Client, owner: Membership, about: dict[str, Any], status: int, error: str
) -> None:
    asked = {"method": "PUT", "path": "/api/tasks/0/draft/", "data": b"{}", "content_type": "application/json"} | about
    asked["path"] = asked["path"].replace("{task}", str(task(owner.campaign).pk))
    refused = inside.generic(**asked)
    assert refused.status_code == status
    assert refused.headers["Content-Type"] == "application/json" and refused.json()["error"] == error
    assert isinstance(refused.json()["detail"], str)


def test_the_schema_names_what_every_endpoint_refuses_and_in_which_shape(inside: Client) -> None:
    schema = inside.get("/api/schema/").json()
    shape = schema["components"]["schemas"]["Problem"]
    endpoints = {
        f"{method} {path}": endpoint["responses"] for path, methods in schema["paths"].items() for method, endpoint in methods.items()
    }
    assert len(endpoints) >= 10
    for endpoint, answers in endpoints.items():
        assert answers.keys() >= {"400", "403", "404", "406", "413", "414", "415", "431", "503", "507"}, endpoint
        assert all(list(answers[status]["content"]) == ["application/problem+json"] for status in ("503", "507")), endpoint
        for status, answer in answers.items():
            if status >= "400":
                (said,) = answer["content"].values()
                assert status == "409" or said["schema"] == {"$ref": "#/components/schemas/Problem"}, (endpoint, status)
    assert {endpoint.rpartition("}")[2] for endpoint, answers in endpoints.items() if "409" in answers} == {
        "/submission/", "/draft/", "/skip/", "/lease/", "/notes/", "/review/", "/review/undo/", "/comments/",
    }  # fmt: skip
    said = inside.put("/api/tasks/0/draft/", "{}", content_type="application/json").json()
    assert set(shape["required"]) <= said.keys() <= shape["properties"].keys()


def test_pages_say_the_same_in_plain_text(inside: Client) -> None:
    refused = inside.get("/sign-in/?next=%00")
    assert refused.status_code == 400 and refused.headers["Content-Type"].startswith("text/plain")
    assert refused.content == b"The address holds a NUL character."


WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


@pytest.mark.parametrize(
    ("start", "headers", "status"),
    [
        (b"GET /\xff", b"", {400}),
        (b"GET /sign-in/?next=\xff", b"", {400}),
        (b"GET /static/%00", b"", {400}),
        (b"GET /static/hub/icon.svg", b"Range: bytes=" + b"9" * 5000 + b"-\r\n", {200, 416}),
        (b"GET /" + b"a" * 100_000, b"", {400, 414}),
        (b"GET /sign-in/", b"X-Long: " + b"a" * 100_000 + b"\r\n", {400, 431}),
        (b"GET /sign-in/", b"Cookie: a=\x00\r\n", {400}),
        (b"GET /sign-in/", b"Cookie: \xff=\xff; sessionid=\xff\r\n", {200}),
        (b"GET /sign-in/", b"Content-Type: text/html; charset=\xff\r\n", {415}),
        (b"POST /sign-in/", b"Content-Length: 99999999999\r\n", {413}),
        (b"POST /sign-in/", b"Content-Length: " + b"9" * 5000 + b"\r\n", {400}),
        (b"POST /sign-in/", b"Content-Length: -1\r\n", {400}),
        (b"GET /ws/events", WEBSOCKET + b"Origin: http://[\r\n", {403}),
        (b"GET /ws/others", WEBSOCKET + b"Origin: http://localhost:PORT\r\n", {403}),
        (b"GET /ws/events", WEBSOCKET + b'Origin: http://localhost:PORT\r\nCookie: sessionid="\\000aaaaaaaaaaa"\r\n', {403}),
    ],
)
def test_bytes_that_no_browser_sends_are_refused_on_the_wire(product: Product, start: bytes, headers: bytes, status: set[int]) -> None:
    with socket.create_connection(("127.0.0.1", product.port), timeout=30) as wire:
        wire.sendall((start + b" HTTP/1.1\r\nHost: localhost:PORT\r\n" + headers + b"\r\n").replace(b"PORT", b"%d" % product.port))
        assert int(wire.recv(1000).split()[1]) in status


class TestStrictJson:
    def test_what_can_be_kept_is_read_as_it_is(self) -> None:
        kept = {"a": [1, 2.5, -(2**63), "ü \ud83d\ude00", None, True], "": {}}
        assert strict_json.read(json.dumps(kept).encode()) == kept | {"a": [1, 2.5, -(2**63), "ü 😀", None, True]}

    def test_thirty_two_deep_and_no_deeper(self) -> None:
        assert strict_json.read("[" * 32 + "1" + "]" * 32)
        with pytest.raises(BadJson, match="32 deep"):
            strict_json.read("[" * 33 + "]" * 33)

    @pytest.mark.parametrize(
        ("body", "field", "said"),
        [
            ('{"a":[{"b":1},{"c":"\\u0000"}]}', "a[1].c", "NUL"), ('{"a":{"\\udc00":1}}', "a", "surrogate"), ("1e999", None, "finite"),
            ('{"a":-9223372036854775809}', "a", "64 bits"), ("[NaN]", "[0]", "finite"), ("9" * 5000, None, "digits"),
            ("[1,]", None, "not JSON"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_kept_is_named_with_its_place(self, body: str, field: str | None, said: str) -> None:
        with pytest.raises(BadJson, match=said) as bad:
            strict_json.read(body)
        assert bad.value.field == field
