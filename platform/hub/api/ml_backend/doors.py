"""What a Label Studio server asks of an ML backend: the five addresses under ml/<slug>/<secret>/, as its version 1.23 calls them.

Of what it sends, only what an answer needs is read: access tokens, passwords and its `project` objects are neither kept nor logged.
The secret stands in the address, since the events that it sends by itself carry no credentials; who has a wrong one finds nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.http.request import RawPostDataException
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from annotation.core import strict_json
from annotation.core.strict_json import BadJson
from hub.api.ml_backend import events, predicting, services
from hub.api.ml_backend.models import Connection

MOST_TASKS = 1_000
NAME = "Unbleed"

Body = Mapping[str, Any]
Door = Callable[[Connection, Body], dict[str, Any]]


def _opened(door: Door, *, reads: bool) -> Callable[..., HttpResponseBase]:
    @csrf_exempt
    @never_cache
    @wraps(door)
    def view(request: HttpRequest, slug: str, secret: str) -> HttpResponseBase:
        connection = services.opened_by(slug, secret)
        if connection is None:
            raise Http404
        try:
            return JsonResponse(door(connection, _body(request) if reads else {}))
        except BadJson as bad:
            return JsonResponse({"error": type(bad).__name__, "detail": str(bad)}, status=bad.status)

    return require_POST(view) if reads else require_safe(view)


def _body(request: HttpRequest) -> Body:
    try:
        sent = request.body
    except RawPostDataException:  # of a form, which was taken apart when it came
        raise BadJson("The body is a form; it must be JSON.") from None
    body = strict_json.read(sent or b"{}")
    if not isinstance(body, dict):
        raise BadJson("The body must be an object.")
    return body


def _health(connection: Connection, body: Body) -> dict[str, Any]:
    return {"status": "UP", "model_class": NAME}


def _setup(connection: Connection, body: Body) -> dict[str, Any]:
    """Comes before nearly every other call. It names the project: the first one is whose annotations are taken."""
    services.note_call(connection, body.get("project"))
    return {"model_version": predicting.version(connection.campaign)}


def _versions(connection: Connection, body: Body) -> dict[str, Any]:
    return {"versions": predicting.versions(connection.campaign)}


def _predict(connection: Connection, body: Body) -> dict[str, Any]:
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or len(tasks) > MOST_TASKS or not all(isinstance(one, dict) for one in tasks):
        raise BadJson(f"tasks must be a list of at most {MOST_TASKS} objects.", field="tasks")
    params = body.get("params")
    interactive = isinstance(params, dict) and params.get("context") is not None
    return {"results": predicting.predict(connection.campaign, tasks, at_once=interactive)}


def _webhook(connection: Connection, body: Body) -> dict[str, Any]:
    return {"status": "ok", "result": {"annotations": events.take_event(connection, body)}}


health = _opened(_health, reads=False)
setup = _opened(_setup, reads=True)
versions = _opened(_versions, reads=False)
predict = _opened(_predict, reads=True)
webhook = _opened(_webhook, reads=True)
