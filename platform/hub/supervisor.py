"""Runs everything as children of one process: the database, the web server, the workers and the clock.

A child that ends is started again, after a pause that grows while it keeps ending. No child outlives the supervisor, however
that ends (see `tether`). Each writes to its own file in UNBLEED_HOME/logs; the console shows only what starts and what ends.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

import dramatiq

from hub import logs, postgres, tether
from hub.home import ROOT

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a child is started again
RETRY_EVERY = 2.0  # seconds between tries of what cannot even begin, since a disk is full or read-only; said less often
SETTLED_AFTER = 60.0  # seconds; a child that ran so long has earned the first pause again
GRACE = 10.0  # seconds to end in order; what is cut off then goes on from its rows at the next start
READY_SECONDS = 60.0
LOGS_EVERY = 60.0  # seconds between looks at how large the logs are
# glibc keeps freed memory for each thread apart, up to eight heaps a core; two are enough here. What the operator sets goes first.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}

PROGRAM = [str(ROOT / "manage.py")] if (ROOT / "manage.py").exists() else ["-m", "hub.command_line"]


class Stop(BaseException):  # as KeyboardInterrupt: no library that is in the middle of an import passes over it
    """Somebody asked the supervisor to end."""


_asked_to_stop = threading.Event()  # a signal that comes inside a finalizer raises Stop there, and Python drops it


@dataclass
class Child:
    """One `manage.py` command that should always run."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = field(default=0.0, repr=False)

    def start(self, log: Path) -> None:
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), "SIGKILL", "same"),
                    *(sys.executable, *PROGRAM, *self.arguments),
                ],
                env={**ENVIRONMENT, **os.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the children in order
            )
        self.started = time.monotonic()


class Supervisor:
    """Holds the lock of one UNBLEED_HOME, and what runs on it."""

    def __init__(self, base: Path, say: Callable[[str], None]) -> None:
        self.base = base
        self.logs = base / "logs"
        self.say = say
        self.server = postgres.Server(base)
        self.embedded = not os.environ.get("DATABASE_URL")
        self.children: list[Child] = []
        self._server_due = self._logs_due = 0.0
        self._complained: dict[str, float] = {}  # when it was said last that something does not start

    def start_database(self) -> None:
        """Claim the data and start its server, or reach the one that is given; raise AlreadyRunning when somebody else runs on it."""
        self.server.claim()
        postgres.reach()
        self.logs.mkdir(parents=True, exist_ok=True)
        if self.embedded:
            self.server.run()

    def start(self, children: Sequence[Child]) -> None:
        for child in children:
            child.start(self._log_of(child))
            self.children.append(child)

    def workers(self) -> list[Child]:
        """What does the jobs: one process for people's, one for the GPU's (one job at a time), and the clock."""
        return [
            Child("worker", ["worker", "--queues", "default,audio", "--threads", "3"]),
            Child("worker-gpu", ["worker", "--queues", "gpu", "--threads", "1"]),
            Child("tick", ["tick"]),
        ]

    def rescue(self) -> None:
        """Queue what an earlier run left half done. The lock says that no worker of that run lives; elsewhere there may be others."""
        if self.embedded:
            from hub.broker import DatabaseBroker, release_messages
            from learner.services import rescue_jobs

            if isinstance(dramatiq.get_broker(), DatabaseBroker):
                release_messages()
            rescue_jobs(dead_after=timedelta(0))

    def serve(self, host: str, port: int) -> str:
        """Start the web server, wait until it answers, and return its address; raise ServerError when it does not."""
        self.start([Child("web", ["web", "--host", host, "--port", str(port)])])
        url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"{url}/health/"):
            self.look()
            if time.monotonic() > deadline:
                raise postgres.ServerError(f"The web server does not answer; see {self.logs / 'web.log'}.")
            time.sleep(0.05)
        return url

    def watch(self) -> NoReturn:
        """Keep everything running until a signal raises Stop."""
        while True:
            self.look()
            time.sleep(0.2)

    def look(self) -> None:
        """Start again what has ended and waited long enough; raise Stop where a signal came and was dropped."""
        if _asked_to_stop.is_set():
            raise Stop
        now = time.monotonic()
        if now >= self._logs_due:
            self._logs_due = now + LOGS_EVERY
            with contextlib.suppress(OSError):  # no room, or read-only: the next look tries again
                logs.rotate(self.logs)
        if self.embedded and not self.server.alive() and now >= self._server_due:
            self._start_server_again()
        for child in self.children:
            if child.process is None:
                if now >= child.due:
                    self._start_again(child, now)
            elif (status := child.process.poll()) is not None:
                child.pause = FIRST_PAUSE if now - child.started > SETTLED_AFTER else min(child.pause * 2, LONGEST_PAUSE)
                child.due = now + child.pause
                child.process = None
                self.say(f"{child.name} {_ended(status)}; starting it again in {child.pause:.0f} s (see {self._log_of(child)}).")

    def _start_server_again(self) -> None:
        if not self._server_due:
            self.say("The database ended; starting it again.")
        try:
            self.server.run()
        except (postgres.ServerError, OSError) as error:  # a disk may be full or read-only for a while
            self._server_due = time.monotonic() + RETRY_EVERY
            self._complain("The database", error)
            return
        if self._server_due:
            self.say("The database runs again.")
        self._server_due = 0.0

    def _start_again(self, child: Child, now: float) -> None:
        try:
            child.start(self._log_of(child))
        except OSError as error:  # its log cannot be opened: the disk is read-only or gone
            child.due = now + RETRY_EVERY
            self._complain(child.name, error)

    def _complain(self, name: str, error: Exception) -> None:
        """Say why something does not start; while that goes on, every half a minute."""
        now = time.monotonic()
        if now - self._complained.get(name, float("-inf")) >= LONGEST_PAUSE:
            self._complained[name] = now
            self.say(f"{name} does not start: {error}. It is tried again every {RETRY_EVERY:.0f} s.")

    def stop(self) -> None:
        """End the children together, then the database, then free the lock."""
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.children.clear()
        self.server.stop()

    def _log_of(self, child: Child) -> Path:
        return self.logs / f"{child.name}.log"


def refuse_taken_port(host: str, port: int) -> None:
    """Raise ServerError when something else listens there."""
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise postgres.ServerError(
                f"Cannot listen on {host}:{port} ({error.strerror}); choose another with --port or --host."
            ) from None


def answers(url: str) -> bool:
    """Whether something speaks HTTP there; an unknown host name (400) is an answer, a broken database (500) is none."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def stop_on_signals() -> None:
    """Let SIGTERM, SIGINT and SIGHUP raise Stop in the main thread, once: a second Ctrl-C must not cut the stopping short."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        _asked_to_stop.set()
        raise Stop

    _asked_to_stop.clear()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, stop)


def _ended(status: int) -> str:
    return f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
