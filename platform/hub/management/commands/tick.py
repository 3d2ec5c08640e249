"""`manage.py tick`: the clock that moves rounds on. Of many, one ticks; the others wait to take over."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import psycopg
from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections

from hub import postgres
from hub.tidy import Gone, Rules, tidy, together

log = logging.getLogger(__name__)

LOCK = 0x756E626C  # "unbl"; an advisory lock, which the server frees when its holder's connection ends
PAUSE = 3.0  # seconds between ticks, and between tries to take over
GRACE = 15.0  # seconds after the database failed a tick: nobody could say that they live, so nobody is taken for dead
LOOK_EVERY = 600.0  # seconds; for what waits, disks, and e-mail that was not sent
SYNC_EVERY = 60.0  # seconds; whether a sync with a Label Studio is due
TIDY_EVERY = 3600.0  # seconds
TIDY_AT_ONCE = 1.0  # seconds; the rest waits for the next tick


class Command(BaseCommand):
    help = "Move rounds on every few seconds: close, freeze, adapt, send again what was lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="tick once and end")

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            tick()
            return
        stopping, tidying, telling, syncing = threading.Event(), Tidying(), Telling(), Syncing()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        holder: psycopg.Connection | None = None
        away = float("-inf")  # when the database last failed a tick
        while not stopping.is_set():
            try:
                if holder is None:
                    holder = psycopg.connect(**postgres.keywords(), autocommit=True, application_name="unbleed tick")
                if holds(holder):
                    close_old_connections()
                    tick(rescue=time.monotonic() - away > GRACE)
                    tidying.go_on()
                    telling.go_on()
                    syncing.go_on()
            except Exception as error:  # whatever one tick trips over, the next one tries again
                log.exception("this tick failed")
                if isinstance(error, OperationalError | psycopg.OperationalError):
                    away = time.monotonic()
                if holder is not None and (holder.closed or holder.broken):
                    holder = None
            stopping.wait(PAUSE)
        if holder is not None:
            holder.close()


def tick(*, rescue: bool = True) -> None:
    from learner import services

    services.tick(rescue=rescue)


class Telling:
    """Tells people and webhooks what happened; every ten minutes what waits for them, and what was not sent by e-mail."""

    def __init__(self) -> None:
        self.due = 0.0

    def go_on(self) -> None:
        from hub.api.webhooks import sending
        from hub.notices import gathering, mailing

        gathering.gather()
        sending.ask()
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + LOOK_EVERY
            gathering.digest()
            gathering.look_at_disks()
            mailing.send_again()
            sending.forget_old()


class Syncing:
    """Begins the syncs with labs' Label Studio servers that are due, and takes of them what counts by now."""

    def __init__(self) -> None:
        self.due = 0.0

    def go_on(self) -> None:
        from hub.api.ml_backend import services

        if time.monotonic() >= self.due:
            self.due = time.monotonic() + SYNC_EVERY
            services.take_what_counts_now()
            services.sync_what_is_due()


class Tidying:
    """Removes what the operator's rules let go, every hour, so little at a time that rounds do not wait for it."""

    def __init__(self) -> None:
        self.due = 0.0
        self.steps: Iterator[Gone] = iter(())
        self.gone: list[Gone] = []

    def go_on(self) -> None:
        now = time.monotonic()
        if now >= self.due:
            self.steps, self.due = tidy(Rules.of_settings()), now + TIDY_EVERY
        for one in self.steps:
            self.gone.append(one)
            if time.monotonic() > now + TIDY_AT_ONCE:
                return
        if found := together(self.gone):
            log.info("removed by the rules: %s", ", ".join(map(str, found)))
        self.gone = []


def holds(connection: psycopg.Connection) -> bool:
    """Whether this connection has the lock, taken now if it is free; a session may take its own lock again without effect."""
    mine = connection.execute(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND classid = 0 AND pid = pg_backend_pid()", [LOCK]
    ).fetchone()
    if mine:
        return True
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
