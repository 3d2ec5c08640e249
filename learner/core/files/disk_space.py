"""Room on the disk, for what is written without the platform: which errors come of its lack, and of which file."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Nothing can be written there, whoever tries. `annotation.files.disk_space` has the same, since neither may import the other."""


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Where what is done in it finds no room, the error says for which file: writing to an open one, the system names none."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise
