"""The product itself, as a person would run it: `manage.py up` on a port and in a folder of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from deploy.load.product import free_port
from hub import postgres, tether
from hub.home import ROOT

READY_SECONDS = 120.0
"""For machines that do much else meanwhile; on an idle one it takes about 5."""

CSRF = "c" * 32

SHELL = ("shell", "--no-imports", "-v0", "-c")

Answer = TypeVar("Answer")

HEARD_LONG_AGO = """
    CREATE FUNCTION given_an_hour_earlier() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.taken_at := NEW.taken_at - interval '1 hour'; RETURN NEW; END $$;
    CREATE TRIGGER given_an_hour_earlier BEFORE INSERT ON annotation_assignment FOR EACH ROW EXECUTE FUNCTION given_an_hour_earlier()
"""
"""For what answers sooner than a clip can be heard, and is to count: as if each clip had been given an hour earlier."""

ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys, traceback
from django.db import connections
for line in sys.stdin:
    said, error = io.StringIO(), ""
    with contextlib.redirect_stdout(said):
        try:
            exec(json.loads(line), {})
        except Exception:
            error = traceback.format_exc()
    connections.close_all()
    print(json.dumps([said.getvalue(), error]), flush=True)
"""
"""What a shell that is kept runs: code comes line by line, and what it printed or raised goes back."""


def wait_for(question: Callable[[], Answer], what: str, seconds: float = 180.0) -> Answer:
    """Ask until the answer is true, and return it; fail, naming `what` did not come, when time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"within {seconds:.0f} s there was no {what}"
        time.sleep(0.05)
    return answer


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and only waits for its parent to notice does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Product:
    """Everything under one supervisor, for tests that need commits, NOTIFY, WebSockets or workers."""

    def __init__(self, home: Path, like: Path | None = None) -> None:
        """`like` is a data folder to begin with a copy of, which spares making and migrating the database."""
        self.home = home
        if like:
            shutil.copytree(like, home, ignore=shutil.ignore_patterns("socket", "lock", "logs", "secrets"))
            (home / "postgres").chmod(0o700)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {"UNBLEED_HOME": str(home), "PYTHONWARNINGS": "default"}
        self.output = home.with_name(f"{home.name}.out")
        self.process: subprocess.Popen[bytes] | None = None
        self.kept_shell: subprocess.Popen[str] | None = None

    def start(self) -> "Product":
        """Start, and return when it answers; the data of an earlier start is kept."""
        self.begin()
        wait_for(lambda: "Ready" in self.said() or not self.runs(), "line that says Ready", READY_SECONDS)
        assert self.runs(), self.said()
        return self

    def begin(self) -> None:
        """Start, and wait for nothing."""
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), "SIGTERM", "same"),
                    *(sys.executable, str(ROOT / "manage.py"), "up", "--port", str(self.port)),
                ],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        """Stop in order, as Ctrl-C does; what does not stop within a minute is killed, and that is a failure."""
        if self.kept_shell:
            self.kept_shell.communicate(timeout=60)
            self.kept_shell = None
        if self.process and self.runs():
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(60)
                raise AssertionError(f"{self.url} did not stop within a minute; it said: {self.said()}") from None

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def said(self) -> str:
        """What the supervisor has written so far."""
        return self.output.read_text()

    def manage(self, *arguments: str, succeed: bool = True) -> str:
        """Run another command beside it, and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments], env=self.environment, capture_output=True, text=True, timeout=600
        )
        assert not succeed or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def popen(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin another command; both its outputs come by one pipe."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def shell(self, code: str) -> str:
        """Run Python with Django set up, and return what it printed."""
        if not self.kept_shell:
            return self.manage(*SHELL, code).strip()
        assert self.kept_shell.stdin and self.kept_shell.stdout
        print(json.dumps(code), file=self.kept_shell.stdin, flush=True)
        said, error = json.loads(self.kept_shell.stdout.readline())
        assert not error, said + error
        return str(said).strip()

    def keep_shell(self) -> None:
        """From now on all that `shell` is given runs in one process: to set Django up takes a second each time."""
        command = [sys.executable, str(ROOT / "manage.py"), *SHELL, ONE_AFTER_ANOTHER]
        self.kept_shell = subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def sign_in(self, username: str) -> str:
        """Make the user if there is none yet, and return the Cookie header of a fresh session of theirs."""
        key = self.shell(
            "from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY\n"
            "from django.contrib.sessions.backends.db import SessionStore\n"
            "from hub.accounts.models import User\n"
            f"user, _ = User.objects.get_or_create(username={username!r})\n"
            "session = SessionStore()\n"
            "session[SESSION_KEY] = str(user.pk)\n"
            "session[BACKEND_SESSION_KEY] = 'hub.accounts.signed_in.Passwords'\n"
            "session[HASH_SESSION_KEY] = user.get_session_auth_hash()\n"
            "session.create()\n"
            "print(session.session_key)"
        )
        return f"sessionid={key}"

    def get(self, path: str, cookie: str = "") -> tuple[int, str]:
        """Status and body of a page."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers={"Cookie": cookie}), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def send(self, method: str, path: str, cookie: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer of the API, as a page asks it."""
        headers = {"Cookie": f"{cookie}; csrftoken={CSRF}", "X-CSRFToken": CSRF, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = answer.read()
                return answer.status, json.loads(said) if said else None
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; it is committed."""
        with psycopg.connect(**postgres.address(self.home), autocommit=True, connect_timeout=60) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def children(self) -> dict[str, int]:
        """The process ids of what the supervisor runs, by what they do (`web`, `worker gpu`, `database`, ...)."""
        from hub.management.commands.doctor import processes, role

        assert self.process
        return {role(one): one.pid for one in processes() if one.parent == self.process.pid}
