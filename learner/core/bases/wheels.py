"""Bring one wheel from the package index, by pip, which refuses any whose hash is not the one wanted."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LOOK = 0.2  # seconds between two looks at how much has come


class NotFetched(RuntimeError):
    """A file could not be brought from where it is published."""


def download(name: str, version: str, sha256: str, into: Path, progress: Callable[[int], None] = lambda n_bytes: None) -> Path:
    """Put the wheel of a package into a folder; `progress` is told how many bytes have come.

    Raises NotFetched with pip's own words, and leaves nothing half-brought in the folder.
    """
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
    with tempfile.TemporaryDirectory(prefix="unbleed-wheel-") as scratch:
        wanted, words = Path(scratch) / "wanted.txt", Path(scratch) / "words.txt"
        wanted.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
        command = [*pip, "--no-deps", "--require-hashes", "-r", str(wanted), "-d", str(into)]
        with open(words, "wb") as output:
            # pip writes what comes into a temporary folder: one of our own tells how far it is, whatever the version of pip.
            process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"TMPDIR": scratch})
            try:
                while process.poll() is None:
                    progress(sum(path.stat().st_size for path in Path(scratch).rglob("*.whl") if path.is_file()))
                    time.sleep(LOOK)
            finally:
                process.kill()
                process.wait()
        if process.returncode != 0:
            said = [line.strip() for line in words.read_text(errors="replace").splitlines()]
            errors = [line for line in said if line.startswith("ERROR") or "No module named pip" in line] or said[-3:]
            raise NotFetched(f"pip could not download {name} {version}: {' '.join(errors) or f'exit status {process.returncode}'}")
    found = list(into.glob(f"{re.sub(r'[-_.]+', '_', name)}-{version}-*.whl"))
    if len(found) != 1:
        raise NotFetched(f"pip downloaded no wheel of {name} {version}")
    return found[0]


def check(path: Path, sha256: str) -> None:
    """Raise NotFetched where a file is not the one that this hash, or the beginning of one, was made of."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256):
        raise NotFetched(f"{path.name} is another file than the one wanted: its sha256 is {found}, wanted is {sha256}")
