"""Requests that no program should send, to doors that are in no schema: Label Studio's, an ML backend's, uploads', webhooks'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.test import Client

from annotation import services as annotating
from annotation.models import Campaign, Draft, Proposal, Task
from hub.accounts.models import User
from hub.api.label_studio.data_manager.models import View
from hub.api.ml_backend.services import make_secret
from learner.services import sent_songs
from tests.hub.addresses import address, names_in, routes, world

UPLOADS = ("sent-files", "sent-file", "intake-files", "intake-file", "base-files", "base-file", "own-songs", "v1-separate")
NAMES = {name for _, name in routes() if name and name.startswith(("ls-", "ml-"))} | {*UPLOADS, "clip-for-a-while"}
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")

FIELDS = [
    "project",
    "title",
    "label_config",
    "maximum_annotations",
    "expert_instruction",
    "data",
    "meta",
    "result",
    "lead_time",
    "was_cancelled",
    "ground_truth",
    "completed_by",
    "heard",
    "task",
    "tasks",
    "score",
    "model_version",
    "url",
    "actions",
    "headers",
    "is_active",
    "send_payload",
    "send_for_all_actions",
    "export_type",
    "ids",
    "filters",
    "ordering",
    "selectedItems",
    "refresh",
    "username",
    "email",
    "password",
    "first_name",
    "params",
    "context",
    "action",
    "annotation",
    "annotations",
    "predictions",
    "events",
    "name",
    "id",
]
"""Of all bodies that these doors read."""

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    10**30,
    1e308,
    "",
    "1",
    "\0",
    "\ud800",
    "x" * 300,
    "٣",
    "<View/>",
    "https://[::1",
    [],
    [[]],
    [None],
    [10**30],
    {},
    {"id": {}},
    {"": None},
    {"all": False, "included": ["x"]},
    {"conjunction": "or", "items": [{"filter": 1}]},
    [{"value": 7}],
    [{"value": {"start": "x", "end": []}, "type": "labels", "from_name": "fp", "to_name": "vocals"}],
    [{"data": {"vocals": "http://[x"}}],
)

RAW = (
    b"",
    b"{",
    b"null",
    b"1",
    b'"x"',
    b"[]",
    b"[null]",
    b"[[]]",
    b"NaN",
    b'{"project": Infinity}',
    b"\xff\xfe{",
    b'{"data": "\\ud800"}',
    b"[" * 5000,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"1" * 5000,
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n{\r\n--x--\r\n',
)

KINDS = (
    "application/json",
    "application/json; charset=latin-1",
    "text/plain",
    "",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/offset+octet-stream",
    "audio/wav",
    "*/*",
    "x" * 200,
)

QUERY_NAMES = [
    "project",
    "page",
    "page_size",
    "ids",
    "task",
    "query",
    "view",
    "include",
    "fields",
    "export_type",
    "exportType",
    "id",
    "name",
    "checkpoint",
    "format",
]
QUERY_VALUES = (
    "",
    "0",
    "-1",
    "1",
    "9" * 30,
    "1.5",
    "%D9%A3",
    "%ff",
    "%00",
    "null",
    "[]",
    "[" * 2000,
    "%7B%22filters%22:7%7D",
    "JSON",
    "..%2F..",
    '{"filters":{"items":[{"filter":"filter:tasks:id","operator":"equal","value":99999999999999999999}]}}',
    '{"ordering":["tasks:x"]}',
)

HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Tus-Resumable": "1.0.0"},
    {"Tus-Resumable": "1.0.0", "Upload-Length": "-1", "Upload-Metadata": "path !!!"},
    {"Tus-Resumable": "1.0.0", "Upload-Length": "9" * 14, "Upload-Metadata": "path //8="},
    {"Tus-Resumable": "1.0.0", "Upload-Length": "4", "Upload-Metadata": "path AGEud2F2"},
    {"Tus-Resumable": "1.0.0", "Upload-Offset": "9" * 14},
    {"Range": "bytes=9-1"},
    {"Range": "bytes=" + "9" * 40},
    {"Accept": "text/csv;q=x"},
    {"Accept": "nonsense"},
    {"If-None-Match": '"'},
    {"If-Modified-Since": "yesterday"},
    {"Idempotency-Key": "a b"},
    {"Idempotency-Key": "k"},
    {"Authorization": "Token unb_"},
    {"Authorization": "Basic \u00e9"},
    {"X-Forwarded-For": "nowhere"},
    {"Content-Encoding": "gzip"},
    {"Cookie": "sessionid=\u00e9; =; ;"},
)


def named_in(home: Path) -> dict[str, Any]:
    """A campaign of which every address of these doors names a row, and what stands in these addresses; `home` is the settings' HOME."""
    campaign = world(home)
    Campaign.objects.filter(pk=campaign.pk).update(proposes=True, counts_unheard=True)
    named = names_in(campaign)
    task, manager = Task.objects.get(pk=named["task_id"]), campaign.memberships.get(pseudonym="manager")
    Proposal.objects.create(task=task, regions=[[task.start, task.start + 1.0, 0.5]], shown=True, chance=1.0)
    return named | {
        "annotation_id": annotating.submit(task=task, by=manager, result=[], client_key=uuid4()).pk,
        "draft_id": Draft.objects.create(task=task, by=manager, result=[]).pk,
        "prediction_id": task.proposal.pk,
        "view_id": View.objects.create(campaign=campaign, data={"title": "a view"}).pk,
        "key": sent_songs.begin_song(who=manager, path="a.wav", size=10).key,
        "secret": make_secret(campaign=campaign, who=manager),
    }


def all_with(value: Any) -> bytes:
    """A body in which every field has this value."""
    return json.dumps(dict.fromkeys(FIELDS, value)).encode()


def quoted(text: str) -> str:
    """Any text, halves of surrogate pairs too, as an address has it."""
    return quote(text, errors="surrogatepass")


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return str(client.session.session_key)


def sent(session: str, named: dict[str, Any], name: str, method: str, body: bytes, kind: str, query: str, headers: dict[str, str]) -> int:
    """The status; what was changed is undone. An exception of the door comes through."""
    client = Client()  # a new one each time, since some answers take its session away
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    with transaction.atomic():
        answer: Any = client.generic(method, f"{address(name, named)}?{query}", body, kind, headers=headers)
        answer.getvalue()  # to its end, so that a file behind it is closed
        transaction.set_rollback(True)
    return int(answer.status_code)
