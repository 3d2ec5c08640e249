"""The product itself, as an operator runs it: `manage.py up` on a data folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / "platform") not in sys.path:  # so that what imports this can import the site, which needs no installation
    sys.path.insert(0, str(ROOT / "platform"))
STOP_SECONDS = 120.0


class Product:
    """`up` with what it runs; a context that stops it in order. What it says goes to `said`, beside the data folder's disk."""

    def __init__(self, home: Path, said: Path, port: int = 0) -> None:
        """Port 0: a free one."""
        self.home, self.said = home, said
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Product:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> Product:
        """Start, and return when it answers."""
        from hub import tether

        before = self.said.stat().st_size if self.said.exists() else 0
        with open(self.said, "ab") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), "SIGTERM", "same"),
                    *(sys.executable, str(ROOT / "manage.py"), "up", "--port", str(self.port)),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"UNBLEED_HOME": str(self.home)},
            )
        while b"Ready" not in self.said.read_bytes()[before:]:
            if self.process.poll() is not None:
                raise SystemExit(self.said.read_text(errors="replace"))
            time.sleep(0.05)
        return self

    def stop(self) -> int | None:
        """Stop in order, as Ctrl-C does; returns the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        status, self.process = self.process.returncode, None
        return status

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def parts(self) -> dict[str, int]:
        """The process ids of what the supervisor runs, by what they do (`web`, `worker gpu`, `database`, ...)."""
        from hub.management.commands.doctor import processes, role

        supervisor = self.process.pid if self.process else 0
        return {role(one): one.pid for one in processes() if one.parent == supervisor}

    def doctor(self) -> tuple[int, str]:
        """Exit status and words of `manage.py doctor`."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "doctor"],
            env=os.environ | {"UNBLEED_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
