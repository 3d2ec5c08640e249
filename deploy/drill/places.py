"""Where a drill happens: a small disk of its own for the home, and the database server, embedded or external."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import psycopg

from deploy.load.product import Product, free_port

DISK = 4_000_000_000  # bytes, of which the image takes only what is written; `doctor` warns below 2 GB
ROOM = 4096  # bytes, the file system's smallest piece


class Disk:
    """A file system of its own, in an image file, so that it can be filled and broken without harm to the machine."""

    def __init__(self, scratch: Path) -> None:
        self.image, self.folder = scratch / "disk.img", scratch / "disk"
        self.folder.mkdir()
        self.why_not = self._make()
        self._full = threading.Event()
        self._filling: threading.Thread | None = None

    def _make(self) -> str:
        """Why there is none, in words; empty where there is."""
        if shutil.which("mkfs.ext4") is None:
            return "there is no mkfs.ext4 (Debian: e2fsprogs)"
        with open(self.image, "wb") as image:
            image.truncate(DISK)
        run("mkfs.ext4", "-q", "-m", "0", str(self.image))
        return self.mount()

    def mount(self) -> str:
        done = subprocess.run(["mount", "-o", "loop", self.image, self.folder], capture_output=True, text=True)
        return f"this user may mount nothing here: {' '.join(done.stderr.split())}" if done.returncode else ""

    def unmount(self) -> None:
        """Also of what is mounted twice; a process that still looks at it does not keep it."""
        for _ in range(20):
            if subprocess.run(["umount", self.folder], capture_output=True).returncode == 0:
                return
            time.sleep(0.5)
        run("umount", "--lazy", str(self.folder))

    def fill(self) -> None:
        """Take every byte that is free, and go on taking what becomes free."""
        self._full.clear()
        self._filling = threading.Thread(target=self._keep_full, daemon=True)
        self._filling.start()
        while shutil.disk_usage(self.folder).free > ROOM:
            time.sleep(0.05)

    def _keep_full(self) -> None:
        with open(self.folder / "filler", "wb") as filler:
            end = 0
            while not self._full.is_set():
                size = DISK
                while size >= ROOM:
                    try:
                        os.posix_fallocate(filler.fileno(), end, size)
                        end += size
                    except OSError:
                        size //= 2
                self._full.wait(0.2)

    def empty(self) -> None:
        self._full.set()
        assert self._filling
        self._filling.join()
        (self.folder / "filler").unlink()

    def deny_writing(self, home: Path) -> None:
        """A read-only view of the home in its own place: nothing can be opened for writing there, as where a disk was mounted so."""
        run("mount", "--bind", "-o", "ro", str(home), str(home))

    def allow_writing(self, home: Path) -> None:
        for _ in range(20):
            if subprocess.run(["umount", home], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        run("umount", "--lazy", str(home))

    def break_down(self) -> None:
        """What ext4 does by itself after an error of the device: everything fails but reading, until it is mounted anew."""
        run("mount", "-o", "remount,abort", str(self.folder))

    def repair(self) -> None:
        self.unmount()
        done = subprocess.run(["e2fsck", "-f", "-y", self.image], capture_output=True, text=True)
        if done.returncode > 2:  # 1 and 2: mended
            raise SystemExit(f"The disk cannot be repaired: {done.stdout}{done.stderr}")
        if said := self.mount():
            raise SystemExit(said)

    def remove(self) -> None:
        self._full.set()
        if not self.why_not:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.unmount()


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


class Embedded:
    """The product's own server, a child of its supervisor, which starts it again."""

    name = "embedded"
    mends_itself = True

    base: Path | None = None  # UNBLEED_HOME

    def __init__(self, scratch: Path, port: int) -> None:
        os.environ.pop("DATABASE_URL", None)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def postmaster(self, product: Product) -> int | None:
        return product.parts().get("database")

    def rescue(self) -> None:
        """Nothing: that is the supervisor's work."""


class External:
    """A lab's own server, as DATABASE_URL names it: TCP, a password, a role that is no superuser. Whoever runs it starts it again."""

    name = "external"
    mends_itself = False

    def __init__(self, scratch: Path, port: int) -> None:
        from hub import postgres

        self.port, password = port or free_port(), secrets.token_urlsafe(16)
        self.server = postgres.Server(scratch / "database server", options={"listen_addresses": "127.0.0.1", "port": str(self.port)})
        self.base, self.password = self.server.base, password
        os.environ["DATABASE_URL"] = f"postgres://lab:{password}@127.0.0.1:{self.port}/lab"

    def start(self) -> None:
        from hub import postgres

        os.environ["PGPORT"] = str(self.port)  # for what reaches it by its socket: that has the port in its name
        self.server.start()
        with psycopg.connect(**postgres.address(self.server.base) | {"dbname": "postgres"}, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE lab LOGIN PASSWORD '{self.password}'")
            connection.execute("CREATE DATABASE lab OWNER lab")
        rules = self.server.data / "pg_hba.conf"
        rules.write_text("host lab lab 127.0.0.1/32 scram-sha-256\nlocal all all trust\n")
        assert self.server.process
        self.server.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self.server.stop()
        os.environ.pop("PGPORT", None)

    def postmaster(self, product: Product) -> int | None:
        return self.server.process.pid if self.server.process and self.server.alive() else None

    def rescue(self) -> None:
        """What whoever runs that server does."""
        self.server.run()


Server = Embedded | External


def settle(server: Server) -> None:
    """Write down what was made for the drill, as any server has within five minutes: it is no part of what a fault costs."""
    from hub import postgres

    with psycopg.connect(**postgres.address(server.base), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


SERVERS: dict[str, type[Embedded] | type[External]] = {"embedded": Embedded, "external": External}
