"""A real Label Studio server, from an environment of its own: `make test-labelstudio` makes that and says where it is."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from deploy.load.product import free_port
from hub import tether
from tests.product import wait_for

PROGRAM = os.environ.get("LABEL_STUDIO", "")
TOKEN, PASSWORD = "0123456789abcdef" * 2 + "01234567", "pw-of-the-lab-12345"
FIRST_START = 600.0  # seconds; it makes its database

ENVIRONMENT = {
    "COLLECT_ANALYTICS": "False",
    "LATEST_VERSION_CHECK": "false",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "ML_BLOCK_LOCAL_IP": "false",  # both sides lie on this machine
    "SSRF_PROTECTION_ENABLED": "false",
    "DJANGO_DB": "sqlite",
}


class LabelStudio:
    """One server with its first person, lab@example.org, whose legacy token is `TOKEN`."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> LabelStudio:
        self.home.mkdir()
        serve = ["start", "--no-browser", "--internal-host", "127.0.0.1", "-p", str(self.port), "--data-dir", str(self.home)]
        who = ["--username", "lab@example.org", "--password", PASSWORD, "--user-token", TOKEN]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTHON", "UNBLEED_"))}
        with open(self.home / "server.log", "wb") as output:
            self.process = subprocess.Popen(
                [*(sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), "SIGTERM", "same"), PROGRAM, *serve, *who],
                env=kept | ENVIRONMENT,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
            )
        wait_for(self.answers, "Label Studio", FIRST_START)
        return self

    def answers(self) -> bool:
        assert self.process and self.process.poll() is None, (self.home / "server.log").read_text()[-3000:]
        try:
            return self.ask("GET", "/api/projects/")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)

    def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> tuple[int, Any]:
        """Status and answer."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, sent, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                said = answer.read()
                return answer.status, json.loads(said) if said else None
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def do(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> Any:
        """The answer, which must be a good one."""
        status, said = self.ask(method, path, body, token)
        assert 200 <= status < 300, f"{method} {path}: {status} {said}"
        return said

    def invite(self, email: str) -> str:
        """Another person of the same organisation; their legacy token."""
        path = self.do("GET", "/api/invite")["invite_url"]
        jar = http.cookiejar.CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        page = browser.open(self.url + path, timeout=60).read().decode()
        forged = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert forged
        form = {"email": email, "password": PASSWORD, "how_find_us": "", "elaborate": "", "csrfmiddlewaretoken": forged[1]}
        browser.open(
            urllib.request.Request(self.url + path, urllib.parse.urlencode(form).encode(), {"Referer": self.url + path}), timeout=60
        )
        said = json.loads(browser.open(self.url + "/api/current-user/token", timeout=60).read())
        return str(said["token"])
