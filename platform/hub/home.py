"""Where Unbleed keeps everything it writes: the folder UNBLEED_HOME, by default var/ in the checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout; in an installed wheel, a folder that holds no manage.py."""

COMMAND = "python manage.py" if (ROOT / "manage.py").exists() else "unbleed"
"""How a person here calls the command line."""


def home() -> Path:
    """The absolute data folder; it need not exist yet."""
    if given := os.environ.get("UNBLEED_HOME"):
        return Path(given).expanduser().resolve()
    return (ROOT if (ROOT / "manage.py").exists() else Path.cwd()) / "var"


def private_folder(path: Path) -> Path:
    """Make `path` and its parents where missing; the folder itself is for this user alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    return path
