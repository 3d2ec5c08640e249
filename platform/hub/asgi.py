"""What the web server runs: pages over HTTP and the one WebSocket."""

import os
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

import django
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path

# Static files and previews are small, and Django reads them whole before it sends them; it would say so for each.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

django.setup(set_prefix=False)  # which the next import needs

from hub.live import Events  # noqa: E402


class OneThread(ASGIHandler):
    """Django's handler, with middleware and view of a request in one thread.

    All of ours are synchronous. Left alone, Django goes to a thread for the outer ones, back to the event loop, and to a thread
    again for the view.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


http = OneThread()
application = ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(URLRouter([path("ws/events", Events.as_asgi())]))})
