"""`manage.py web`: the web server alone, one process."""

from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve pages, the API and the WebSocket."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        uvicorn.run(
            "hub.asgi:application",
            host=host,
            port=port,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=4096,  # pages have nothing to say on the WebSocket
            ws_per_message_deflate=False,  # what it says is too short to gain, and each would hold its own tables
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # hub.proxies reads them, for trusted ones
            timeout_graceful_shutdown=3,  # open WebSockets would hold it for ever
        )
