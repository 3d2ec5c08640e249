"""Published files that people bring by hand, for machines that do not reach where these are published."""

import shlex
from pathlib import Path

from learner.core.bases.wheels import NotFetched


def found(file: Path | None, called: str, out: Path) -> Path | None:
    """The published file where it lies: at the path that was named, in the folder that was named, or in `out`; None: nowhere.

    Raises NotFetched where one was named and is not there.
    """
    if file is None:
        return out / called if (out / called).is_file() else None
    path = file / called if file.is_dir() else file
    if not path.is_file():
        raise NotFetched(f"There is no file {path}")
    return path


def how(name: str, called: str, size: int, source: str, sha256: str, out: Path) -> str:
    """What to do where a base does not come by itself; `size` is in MB, `source` says where the file comes from."""
    return (
        f"Bring {called} ({size} MB, sha256 {sha256}) {source}, from a machine that reaches it. Put it into {out} and ask again, "
        f"or run: python -m learner.core fetch {name} --from {called} --out {shlex.quote(str(out))}"
    )
