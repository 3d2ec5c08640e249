"""The sound of a clip, for programs that show a token; browsers get it as ever."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.pages import clips
from hub.api.label_studio.door import Door, task_and_member


class ByToken(Door):
    """Of a task that the token's owner may see; as Ogg, with HTTP Range."""

    def get(self, request: Request, task_id: int, which: str) -> Response | HttpResponse:
        task_and_member(request, int(task_id))
        page: HttpRequest = request._request
        page.user = request.user
        answer: HttpResponse = clips.clip(page, int(task_id), which)
        return answer


by_token = ByToken.as_view()


def sound(request: HttpRequest, task_id: str, which: str) -> HttpResponse:
    """Pages know no tokens: only a request with that header is looked at here."""
    if "Authorization" in request.headers:
        response: HttpResponse = by_token(request, task_id=task_id, which=which)
        return response
    page: HttpResponse = clips.clip(request, int(task_id), which)
    return page
