"""What the web server runs: pages over HTTP and the one WebSocket."""

import os
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

# Static files and previews are small, and Django reads them whole before it sends them; it would say so for each.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

http = get_asgi_application()  # sets Django up, which the next import needs

from hub.live import Events  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(URLRouter([path("ws/events", Events.as_asgi())]))})
