"""Makes the homes of earlier versions that tests/test_upgrade.py begins with: a small campaign in the middle of its second round.

    git worktree add /tmp/release TAG
    python tests/data/make_previous_home.py /tmp/release previous     # into tests/data/previous_homes

The earlier version's own code runs the home, with the packages installed here; today's makes the backup of it.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from tests import product  # noqa: E402
from tests.product import Product, wait_for  # noqa: E402

HOMES = ROOT / "tests/data/previous_homes"
SLUG = "tiny"
SLOW = 600.0  # seconds


def make(checkout: Path, name: str) -> None:
    """Replace the backup `name` by one of a home that the version in `checkout` has made."""
    with TemporaryDirectory(prefix="unbleed home ") as scratch:
        home = Product(Path(scratch) / "home")
        home.environment["PYTHONPATH"] = str(ROOT / "tests/loop")
        target = Path(scratch) / "backups"
        product.ROOT = checkout
        try:
            home.start()
            home.shell("import tiny; tiny.make()")
            wait_for_round(home, 1)
            home.manage("simulate", SLUG)
            wait_for_round(home, 2)
            home.manage("simulate", SLUG, "--answers", "2")
            home.shell("import tiny; tiny.begin_an_answer()")
            wait_for(lambda: not home.sql("SELECT 1 FROM dramatiq.queue WHERE state IN ('queued', 'consumed')"), "rest", SLOW)
            product.ROOT = ROOT
            home.manage("backup", str(target))
        finally:
            home.stop()
        keep(target, name, version(checkout))


def wait_for_round(home: Product, number: int) -> None:
    def there() -> bool:
        failed = home.sql("SELECT reason FROM learner_job WHERE state = 'failed'")
        assert not failed, failed
        return bool(home.sql("SELECT 1 FROM learner_round WHERE number = %s AND state = 'annotating'", number))

    wait_for(there, f"round {number}", SLOW)


def keep(target: Path, name: str, made_by: str) -> None:
    """Put the only backup in `target` among those in the repository, without its secrets, and remove files that none of them needs."""
    (taken,) = (manifest.parent for manifest in target.glob("*/manifest.json"))
    shutil.rmtree(taken / "secrets")
    shutil.rmtree(HOMES / name, ignore_errors=True)
    shutil.copytree(taken, HOMES / name, copy_function=shutil.copyfile)
    (HOMES / name / "version").write_text(f"{made_by}\n")
    shutil.copytree(target / "storage", HOMES / "storage", copy_function=shutil.copyfile, dirs_exist_ok=True)
    needed = {key for manifest in HOMES.glob("*/manifest.json") for key in json.loads(manifest.read_text())["files"]}
    for file in (HOMES / "storage").glob("*/*"):
        if f"{file.parent.name}/{file.name}" not in needed:
            file.unlink()


def version(checkout: Path) -> str:
    log = subprocess.run(["git", "-C", str(checkout), "log", "-1", "--format=%h of %as"], capture_output=True, text=True, timeout=300)
    return log.stdout.strip() or checkout.name


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve(), sys.argv[2])
