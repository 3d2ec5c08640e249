"""`manage.py up`: everything under one supervisor, until Ctrl-C."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections

from hub import postgres, upgrade
from hub.accounts import first_admin
from hub.supervisor import Stop, Supervisor, refuse_taken_port, stop_on_signals


class Command(BaseCommand):
    help = "Run everything: database, web server, workers and the clock that moves rounds on. Ctrl-C stops it in order."
    requires_system_checks = ()  # they run with migrate, when the database is there

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
        parser.add_argument("--port", type=int, default=8000, help="default: %(default)s")

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        self.began = time.monotonic()
        stop_on_signals()
        supervisor = Supervisor(settings.HOME, self.say)
        try:
            self.run(supervisor, host, port)
        except Stop:
            self.say("Stopping.")
        except postgres.ServerError as error:
            raise CommandError(str(error)) from None
        finally:
            supervisor.stop()
        self.say("Stopped.")

    def run(self, supervisor: Supervisor, host: str, port: int) -> None:
        supervisor.start_database()
        refuse_taken_port(host, port)
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
        self.say(f"Database: PostgreSQL {version.split()[0]}" + (f" in {supervisor.server.folder}" if supervisor.embedded else ""))
        upgrade.migrate(self.say)
        supervisor.rescue()
        connections.close_all()
        supervisor.start(supervisor.workers())
        url = supervisor.serve(host, port)
        self.say(f"Ready: {url}{settings.PREFIX}   (logs: {supervisor.logs}; Ctrl-C stops)")
        if first := first_admin.link():
            self.say(f"Nobody has an account here yet. Make the first one, which runs the site: {url}{first}")
        connections.close_all()
        supervisor.watch()

    def say(self, text: str) -> None:
        self.stdout.write(f"{time.monotonic() - self.began:6.1f} s  {text}")
        self.stdout.flush()
