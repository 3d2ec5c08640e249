"""A checkpoint with its card on Hugging Face's hub: the real client against a hub that stands here."""

import base64
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.files import storage
from learner.models import Checkpoint
from tests import worlds
from tests.hub import rounds

pytestmark = pytest.mark.django_db


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's API as a commit takes: a repository is made, files are announced, one commit brings them."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    made: dict[str, Any] = {}

    def do_POST(self) -> None:
        body = self.body().decode()
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        status, said = self.answer(body)
        told = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def body(self) -> bytes:
        """A commit comes in chunks, whose lengths stand before them."""
        if length := self.headers.get("Content-Length"):
            return self.rfile.read(int(length))
        found = b""
        while n := int(self.rfile.readline(), 16):
            found += self.rfile.read(n)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def answer(self, body: str) -> tuple[int, Any]:
        if "wrong" in self.headers.get("Authorization", ""):
            return 401, {"error": "Invalid username or password."}
        if self.path == "/api/repos/create":
            self.made.update(json.loads(body))
            return 200, {"url": f"http://{self.headers['Host']}/lab/bleed"}
        if self.path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if "/preupload/" in self.path:
            return 200, {
                "files": [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in json.loads(body)["files"]]
            }
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        return 200, {"commitUrl": f"http://{self.headers['Host']}/lab/bleed/commit/abc", "commitOid": "abc", "success": True}

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    pytest.importorskip("huggingface_hub", reason="an extra")
    for known in (Hub.asked, Hub.files, Hub.made):
        known.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    yield Hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def base() -> Checkpoint:
    rounds.campaign()
    Checkpoint.objects.update(file=storage.keep(b"weights", ".safetensors"))
    return Checkpoint.objects.get()


def test_the_file_and_its_card_arrive_in_one_commit(hub: type[Hub], base: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("push", "base", "lab/bleed")
    assert "/lab/bleed/commit/abc" in capsys.readouterr().out
    assert hub.files["bleed-base0000.safetensors"] == b"weights"
    assert hub.files["README.md"].startswith(b"---\nlicense: ") and b"bleed-base0000.safetensors" in hub.files["README.md"]
    assert "private" in (hub.made.get("visibility"), *hub.made) and {said for _, said in hub.asked} == {"Bearer hf_right"}


def test_what_the_hub_refuses_is_said(hub: type[Hub], base: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(CommandError, match=r"The hub refused it: .*401"):
        call_command("push", "base", "lab/bleed")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="The hub cannot be reached"):
        call_command("push", "base", "lab/bleed")


def test_what_cannot_be_pushed_is_refused_before_anything_is_sent(base: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="No checkpoint has a hash that begins with 'x'"):
        call_command("push", "x", "lab/bleed")
    worlds.with_model(worlds.campaign("second"), base)
    with pytest.raises(CommandError, match=r"--campaign SLUG: bleed, second of the campaigns"):
        call_command("push", "base", "lab/bleed")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(CommandError, match=r"pip install 'unbleed\[hub\]'"):
        call_command("push", "base", "lab/bleed", campaign="bleed")
    Checkpoint.objects.update(withdrawn="2026-01-01T00:00Z")
    with pytest.raises(CommandError, match="It is not given away"):
        call_command("push", "base", "lab/bleed", campaign="bleed")
