"""The faults: each is begun, lasts, and is ended. What needs more than that is said by the names of its steps."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from deploy.drill.places import Disk, Server
from deploy.load.product import Product

DOWN = 10.0  # seconds that an external server stays away after it was killed
THIEVES = 8  # threads that take connections
CUT_EVERY = 1.0  # seconds; so often the product loses the connections that it has, while others wait to take them


@dataclass
class Scene:
    """What a fault happens to."""

    product: Product
    server: Server
    disk: Disk
    stopped: list[int] = field(default_factory=list)
    struck: float = 0.0  # time.monotonic() of what takes a moment
    closed: threading.Event = field(default_factory=threading.Event)  # while the product is stopped on purpose
    stealing: threading.Event = field(default_factory=threading.Event)
    thieves: list[threading.Thread] = field(default_factory=list)

    def database(self) -> list[int]:
        """Every process of the database server, its head first."""
        from hub.management.commands.doctor import processes, tree

        head = self.server.postmaster(self.product)
        return [one.pid for one in tree(head, list(processes()))] if head else []

    def strike(self, number: signal.Signals) -> None:
        """Send this to the head of the database server."""
        head = self.database()[0]
        self.struck = time.monotonic()
        os.kill(head, number)

    def cut(self) -> int:
        """End every connection to the database but the one that does it; returns how many."""
        with psycopg.connect(**reach(), autocommit=True) as connection:
            self.struck = time.monotonic()
            rows = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND usename = current_user"
            )
            return len(rows.fetchall())


def reach() -> dict[str, Any]:
    from hub import postgres

    return postgres.keywords() | {"application_name": "drill"}


# ---------------------------------------------------------------- the disk


def fill(scene: Scene) -> None:
    scene.disk.fill()


def free(scene: Scene) -> None:
    scene.disk.empty()


def deny(scene: Scene) -> None:
    """Read-only, and an embedded server ends, as PostgreSQL does by itself at its next write."""
    scene.disk.deny_writing(scene.product.home)
    if scene.server.mends_itself:
        scene.strike(signal.SIGQUIT)


def allow(scene: Scene) -> None:
    scene.disk.allow_writing(scene.product.home)


def break_down(scene: Scene) -> None:
    scene.disk.break_down()


def repair(scene: Scene) -> None:
    """What an operator does: stop, check the disk, start."""
    if not scene.product.runs():
        raise SystemExit(f"`up` ended by itself on a broken disk:\n{scene.product.said.read_text(errors='replace')[-2000:]}")
    scene.closed.set()
    try:
        scene.product.stop()
        scene.disk.repair()
        scene.product.start()
    finally:
        scene.closed.clear()


# ---------------------------------------------------------------- the database


def freeze(scene: Scene) -> None:
    for pid in scene.database():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            scene.stopped.append(pid)


def thaw(scene: Scene) -> None:
    for pid in scene.stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    scene.stopped.clear()


def kill(scene: Scene) -> None:
    scene.strike(signal.SIGKILL)


def stop_at_once(scene: Scene) -> None:
    """PostgreSQL's immediate stop: without writing anything down."""
    scene.strike(signal.SIGQUIT)


def start_again(scene: Scene) -> None:
    scene.server.rescue()


def cut(scene: Scene) -> None:
    scene.cut()


def exhaust(scene: Scene) -> None:
    """Take every connection that the server has, and whatever the product loses; return when nobody gets in any more."""
    scene.stealing.set()
    scene.thieves = [threading.Thread(target=_steal, args=(scene,), daemon=True) for _ in range(THIEVES)]
    for thief in scene.thieves:
        thief.start()
    while True:
        try:
            psycopg.connect(**reach()).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.02)


def _steal(scene: Scene) -> None:
    mine: list[psycopg.Connection] = []
    cutting = time.monotonic()
    while scene.stealing.is_set():
        try:
            mine.append(psycopg.connect(**reach(), autocommit=True))
        except psycopg.OperationalError:
            if mine and time.monotonic() > cutting:
                cutting = time.monotonic() + CUT_EVERY * THIEVES
                with contextlib.suppress(psycopg.Error):
                    mine[0].execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND application_name <> 'drill' AND usename = current_user"
                    )
            time.sleep(0.005)
    for one in mine:
        with contextlib.suppress(psycopg.Error):
            one.close()


def give_back(scene: Scene) -> None:
    scene.stealing.clear()
    for thief in scene.thieves:
        thief.join()


# ---------------------------------------------------------------- all of them


def nothing(scene: Scene) -> None:
    """It ends by itself."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `seconds`: how long it lasts where the caller says nothing; 0: a moment."""

    name: str
    begin: Callable[[Scene], None]
    end: Callable[[Scene], None]
    seconds: float
    needs_disk: bool = False
    counted: str = "from its end"


def faults(server: Server) -> list[Fault]:
    """In the order in which they are tried."""
    back = nothing if server.mends_itself else start_again
    down = 0.0 if server.mends_itself else DOWN
    counted = "from the kill" if server.mends_itself else "from the command that starts it"
    return [
        Fault("stopped", freeze, thaw, 30.0),
        Fault("immediate-stop", stop_at_once, back, down, counted=counted),
        Fault("killed", kill, back, down, counted=counted),
        Fault("cut", cut, nothing, 0.0, counted="from the cut"),
        Fault("exhausted", exhaust, give_back, 15.0),
        Fault("full-disk", fill, free, 30.0, needs_disk=True),
        Fault("read-only", deny, allow, 40.0, needs_disk=True),
        Fault("broken-disk", break_down, repair, 20.0, needs_disk=True, counted="from the stop for the repair"),
    ]


NAMES = ("stopped", "immediate-stop", "killed", "cut", "exhausted", "full-disk", "read-only", "broken-disk")
