"""Room on the disk that a home lies on."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path

FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}  # of the disk, not of what is written
LOW = 2e9  # bytes free; a round of a large campaign may take as much
FULL = 1e8  # bytes free; below, PostgreSQL and files may fail at any moment


def wrong(base: Path) -> str | None:
    """What is wrong with the disk under `base`, and what to do, in one sentence; None: it can be written, and has room."""
    try:
        with tempfile.TemporaryFile(dir=base):
            pass
    except OSError as error:
        return f"{base} cannot be written ({error.strerror}). Mend the disk or mount it writable; everything goes on by itself then."
    free = shutil.disk_usage(base).free
    if free < FULL:
        return f"The disk of {base} is full: {free / 1e6:.0f} MB are free. Make room now; answers and jobs wait for it."
    if free < LOW:
        return f"The disk of {base} is nearly full: {free / 1e9:.1f} GB are free. Make room before it stops answers and jobs."
    return None
