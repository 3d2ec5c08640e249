"""A web server in a thread of the test, for what the product sends out."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass(frozen=True)
class Got:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)  # names in small letters
    body: bytes = field(repr=False)


@dataclass
class Receiver:
    """A server that keeps what it gets, and answers as `answer` says: by a status and a body, or by what it writes itself."""

    address: str
    port: int = 0
    got: list[Got] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler, Got], tuple[int, bytes] | None] = lambda handler, got: (200, b"thanks")
    over: Event = field(default_factory=Event)  # the test has ended: nobody need wait any more

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        return f"{f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"


@contextmanager
def receiving(address: str = "127.0.0.1", port: int = 0, *, secured: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver at this address of the machine, of which Linux has all 127.x.y.z."""
    receiver = Receiver(address)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Got(self.command, self.path, headers, self.rfile.read(length))
            receiver.got.append(got)
            if (answer := receiver.answer(self, got)) is not None:
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

        do_GET = do_POST = do_PATCH = handle_any

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer((address, port), Handler) as server:
        server.daemon_threads = True
        if secured is not None:
            server.socket = secured.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            server.shutdown()
            thread.join()
