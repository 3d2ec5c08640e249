"""A campaign with clips, its people, and Label Studio's own client for each of them, whose requests Django answers in this process."""

from __future__ import annotations

from typing import Any

import httpx
from django.test import Client

from annotation.models import Campaign, Membership, Task
from hub.accounts.models import User
from hub.api.tokens.services import make_token
from tests import worlds

SITE = "http://testserver"


def campaign(n_clips: int = 3, **rules: Any) -> Campaign:
    """Whose answers by programs count; its clips are heard as one checkpoint gives them, which is its model."""
    made = worlds.campaign(**{"counts_unheard": True, **rules})
    worlds.with_model(made, worlds.checkpoint(worlds.CHECKPOINT))
    if n_clips:
        worlds.tasks(made, n_clips)
    return made


def token(of: Membership | User, **about: Any) -> str:
    owner = of if isinstance(of, User) else worlds.account(of)
    _row, secret = make_token(owner=owner, name="a script", **{"days": 7, "writes": True, **about})
    return secret


def sdk(of: Membership | User, **about: Any) -> Any:
    """Label Studio's client with a token of theirs."""
    return with_key(token(of, **about))


def with_key(secret: str) -> Any:
    from label_studio_sdk import LabelStudio

    return LabelStudio(base_url=SITE, api_key=secret, httpx_client=httpx.Client(transport=httpx.MockTransport(_answer)))


def _answer(request: httpx.Request) -> httpx.Response:
    kind = request.headers.get("content-type", "application/json")
    headers = {name: value for name, value in request.headers.items() if name in ("authorization", "user-agent")}
    said = Client(headers=headers).generic(request.method, request.url.raw_path.decode(), request.read(), content_type=kind)
    return httpx.Response(said.status_code, headers=dict(said.items()), content=said.getvalue())


def plain(of: Membership | User, **about: Any) -> Client:
    """Plain HTTP with a token of theirs."""
    return Client(headers={"Authorization": f"Token {token(of, **about)}"})


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def result(task: Task, *spans: worlds.Span) -> list[dict[str, Any]]:
    return worlds.marks(task, *spans)
