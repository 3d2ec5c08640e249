"""`manage.py doctor`: what runs, how much memory it takes, and what to do about what is wrong."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management.base import BaseCommand
from django.db import connection

from hub import disk, postgres, upgrade
from hub.home import COMMAND
from hub.machine import queues
from hub.proxies import not_believed
from hub.tidy import STRICTEST, Rules, what_may_go
from learner.selectors import troubles

# Resident megabytes, each page shared between processes counted once (PSS), as promised to operators.
WEB_LIMIT, DATABASE_LIMIT, WORKER_LIMIT = 200, 200, 150

CONNECT_SECONDS, LOOK_SECONDS = 5.0, 60.0  # for the database: to answer at all, and to answer everything

FETCHED = {"editor": "annotation/lsf", "charts": "hub/uplot"}
"""Folders among the static files that `manage.py fetch_editor` fills."""


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    parent: int
    command: tuple[str, ...]

    @property
    def megabytes(self) -> float:
        """Shared pages divided among those who share them (PSS); where only the owner may know that, all of them (RSS)."""
        try:
            text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
            return int(re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[0]) / 1024
        except PermissionError:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            return 0.0

    @property
    def has_torch(self) -> bool:
        try:
            return "libtorch" in Path(f"/proc/{self.pid}/maps").read_text()
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            return False


def processes() -> Iterator[Process]:
    """Every process that may be looked at and has not ended (what has ended, unasked by its parent, has no command line left)."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = tuple((folder / "cmdline").read_text(errors="replace").rstrip("\0").split("\0"))
            # The second field is the program's name in brackets, and may itself hold spaces and brackets.
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        if command != ("",):
            yield Process(int(folder.name), parent, command)


def tree(root: int, known: list[Process]) -> list[Process]:
    """The process `root` and all that it started."""
    return [one for one in known if one.pid == root] + [below for one in known if one.parent == root for below in tree(one.pid, known)]


def role(process: Process) -> str:
    """What a child of the supervisor does: `web`, `worker gpu`, `tick`, `database`."""
    names = [Path(part).name for part in process.command]
    if names[0] == "postgres" or names[0].startswith("postgres:"):
        return "database"
    for name in ("web", "worker", "tick"):
        if name in names:
            queues = names[names.index("--queues") + 1] if "--queues" in names else ""
            return f"{name} {queues}".strip()
    return names[0]


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError where the work takes longer, whatever it waits for; in the main thread only, like all signals."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"The database does not answer within {seconds:.0f} s.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Command(BaseCommand):
    help = "Say what runs, what it takes, what rests and what is wrong. Ends with status 1 when something is."
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        self.wrong: list[str] = []
        self.resting: list[str] = []  # what somebody chose, and may have forgotten
        self.line("data", str(settings.HOME))
        if settings.HOME.exists() and (problem := disk.wrong()):
            self.wrong.append(problem)
        running = self.look_at_processes()
        if running or os.environ.get("DATABASE_URL"):
            self.look_at_database()
        if strangers := not_believed(settings.HOME / "logs" / "web.log"):
            self.line("not believed", f"{', '.join(strangers[:10])}: if one is your proxy, name it in TRUSTED_PROXIES")
        self.look_at_files()
        for text in self.resting:
            self.stdout.write(f"RESTS: {text}")
        for text in self.wrong:
            self.stdout.write(f"WRONG: {text}")
        if self.wrong:
            raise SystemExit(1)
        self.stdout.write("Nothing is wrong, but not everything goes on: see what rests." if self.resting else "All is well.")

    def look_at_processes(self) -> bool:
        owner = postgres.owner(settings.HOME)
        if owner is None:
            self.wrong.append(f"Nothing runs on this data. Start it with: {COMMAND} up")
            return False
        self.line("supervisor", owner)
        if not Path("/proc/self/smaps_rollup").exists():
            self.line("memory", "not known on this system")
            return True
        known = list(processes())
        supervisor = int(re.findall(r"\d+", owner)[0])
        children = {role(child): child for child in known if child.parent == supervisor}
        if "(up)" in owner:
            expected = {"web", "worker default,audio", "worker gpu", "tick"} | (set() if os.environ.get("DATABASE_URL") else {"database"})
            self.wrong += [
                f"{name} does not run now; see the files in {settings.HOME / 'logs'}." for name in sorted(expected - set(children))
            ]
        for name, child in sorted(children.items()):
            whole = tree(child.pid, known)
            megabytes = sum(one.megabytes for one in whole)
            torch = child.has_torch
            self.line(name, f"process {child.pid}, {megabytes:.0f} MB in {len(whole)} processes" + (", torch loaded" if torch else ""))
            limit = {"web": WEB_LIMIT, "database": DATABASE_LIMIT}.get(name, WORKER_LIMIT)
            if torch and name.startswith("worker"):
                self.look_at_memory_of_torch(name, megabytes)
            elif megabytes > limit:
                self.wrong.append(f"{name} takes {megabytes:.0f} MB; {limit} MB are promised. Restart it, and tell us if it comes back.")
            if torch and not name.startswith("worker"):
                self.wrong.append(f"{name} has loaded torch, which belongs in workers only: something imports it at the top of a module.")
        return True

    def look_at_memory_of_torch(self, name: str, megabytes: float) -> None:
        if megabytes > settings.WORKER_MEGABYTES:
            self.wrong.append(
                f"{name} takes {megabytes:.0f} MB; WORKER_MEGABYTES allows {settings.WORKER_MEGABYTES}. It gives back what it took at the "
                "end of its job. If the machine has the memory that its songs ask for, allow more; else lower ADAPTATION_MEGABYTES."
            )

    def look_at_database(self) -> None:
        try:
            with within(CONNECT_SECONDS), connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            with within(LOOK_SECONDS), connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))")
                version, size = cursor.fetchone()
                self.line("PostgreSQL", f"{version}, {size} on disk")
                migrated = self.look_at_migrations()
                self.look_at_queues()
                if migrated:
                    self.look_at_loops()
            if migrated:
                self.look_at_what_may_go()
        except TimeoutError as error:
            self.wrong.append(f"{error} It, or the machine that it runs on, hangs or is overloaded; see {settings.HOME / 'logs'}.")
        except Exception as error:
            if not isinstance(error.__cause__, psycopg.Error):
                raise
            self.wrong.append(f"The database does not answer as it should: {str(error).strip()}")

    def look_at_migrations(self) -> bool:
        waiting, unknown = upgrade.waiting(), upgrade.unknown()
        self.line("migrations", f"{len(waiting)} to apply" + (f", {len(unknown)} that this program does not know" if unknown else ""))
        if unknown:
            self.wrong.append("The database is newer than the program. Install the version that wrote it.")
        elif waiting:
            self.wrong.append(f"The database is older than the program. Stop what runs, and start it anew: {COMMAND} up")
        return not waiting and not unknown

    def look_at_queues(self) -> None:
        if settings.BROKER_URL:
            self.line("queue", "outside the database (BROKER_URL)")
            return
        if not queues.in_database():
            return
        found = queues.queues()
        if not found:
            self.line("queues", "empty")
        for one in found:
            waited = f", the oldest for {one.age:.0f} s" if one.age and one.age > 0 else ""
            self.line(f"queue {one.name}", f"{one.waiting} waiting{waited}, {one.taken} in work, {one.given_up} given up")

    def look_at_loops(self) -> None:
        found = troubles()
        self.wrong += [str(one) for one in found if not one.chosen]
        self.resting += [str(one) for one in found if one.chosen]
        self.line("loops", f"{len(found)} that wait for somebody" if found else "nothing waits for anybody")

    def look_at_what_may_go(self) -> None:
        try:
            with within(LOOK_SECONDS):
                now, most = (sum(one.n_bytes for one in what_may_go(rules)) / 1e6 for rules in (Rules.of_settings(), STRICTEST))
        except TimeoutError:
            self.line("may be removed", "so many files that they were not counted in time")
            return
        self.line("may be removed", f"{now:,.0f} MB by the rules, {most:,.0f} MB by rules of one day; see: {COMMAND} tidy --dry-run")

    def look_at_files(self) -> None:
        for name, place in FETCHED.items():
            found = finders.find(place)
            there = found is not None and any(Path(found).rglob("*.js"))
            self.line(name, str(found) if there else "missing")
            if not there:
                self.wrong.append(f"The files of the {name} are missing. Run: {COMMAND} fetch_editor")

    def line(self, name: str, text: str) -> None:
        self.stdout.write(f"{name + ':':<22}{text}")
