"""`manage.py tick`: the clock that moves rounds on. Of many, one ticks; the others wait to take over."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

import psycopg
from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections

from hub import postgres

log = logging.getLogger(__name__)

LOCK = 0x756E626C  # "unbl"; an advisory lock, which the server frees when its holder's connection ends
PAUSE = 3.0  # seconds between ticks, and between tries to take over
GRACE = 15.0  # seconds after the database failed a tick: nobody could say that they live, so nobody is taken for dead


class Command(BaseCommand):
    help = "Move rounds on every few seconds: close, freeze, adapt, send again what was lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="tick once and end")

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            tick()
            return
        stopping = threading.Event()
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


def holds(connection: psycopg.Connection) -> bool:
    """Whether this connection has the lock, taken now if it is free; a session may take its own lock again without effect."""
    mine = connection.execute(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND classid = 0 AND pid = pg_backend_pid()", [LOCK]
    ).fetchone()
    if mine:
        return True
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
