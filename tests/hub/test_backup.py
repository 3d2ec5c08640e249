"""Backup while everything runs, and restore into an empty home."""

from pathlib import Path

import pytest

from tests.product import Product

ROWS = """
SELECT format('SELECT %L, md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), ''''))
               FROM %I.%I t', table_name, table_schema, table_name)
FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
AND table_name <> 'notices_gathered'  -- the clock moves it on, whatever happens
ORDER BY table_name
"""


def rows(product: Product) -> dict[str, str]:
    """A hash of all rows of each table."""
    return dict(product.sql(statement)[0] for (statement,) in product.sql(ROWS))


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "storage").glob("??/*")}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Product:
    """A home with a campaign, two open clips and their sounds; its database is started by each command for itself."""
    product = Product(tmp_path_factory.mktemp("of a lab") / "home", like=migrated_home)
    product.shell("from tests.browser.desk import set_up; set_up('kept', 2, (10.0, 22.0))")
    return product


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def restored(product: Product, target: Path, home: Path) -> Product:
    other = Product(home)
    other.manage("restore", str(target))
    return other


def test_a_backup_taken_while_everything_runs_gives_the_same_rows_and_files(own_product: Product, target: Path, tmp_path: Path) -> None:
    product = own_product.start()
    product.shell("from tests.browser.desk import set_up; set_up('kept', 1, (10.0, 22.0))")
    before = rows(product)
    assert "2 files, 2 of them new" in product.manage("backup", str(target))
    product.stop()
    other = restored(product, target, tmp_path / "a new home")
    try:
        other.start()
        assert {name for name, rest in rows(other).items() if rest != before[name]} == set()
        assert files(other.home) == files(product.home)
        assert (other.home / "secrets/secret_key").read_text() == (product.home / "secrets/secret_key").read_text(), "sessions live on"
        assert other.get("/health/")[0] == 200
    finally:
        other.stop()


REFUSED = """
from tests import worlds
base = worlds.old_checkpoint("base", days=200)
campaign = worlds.with_model(worlds.campaign(paused=True), base)
worlds.ended_round(campaign, worlds.old_checkpoint("child", base, days=200), "refused", days=200)
"""


def test_a_checkpoint_whose_file_a_rule_removed_is_backed_up_without_it(tmp_path: Path, migrated_home: Path, target: Path) -> None:
    product = Product(tmp_path / "tidied" / "home", like=migrated_home)
    product.shell(REFUSED)
    assert "2 files, 2 of them new" in product.manage("backup", str(target))
    assert "gone: files of both removed: 1" in product.manage("tidy")
    assert "1 files, 0 of them new" in product.manage("backup", str(target))
    assert "whole, with 1 files" in product.manage("backup", str(target), "--check")
    other = restored(product, target, tmp_path / "a new home")
    assert "Nothing is to go." in other.manage("tidy")
    assert "1 True" in other.shell(
        "from learner.models import Checkpoint\n"
        "gone = Checkpoint.objects.exclude(file_removed_at=None)\n"
        "print(len(gone), gone[0].removed.startswith('Its file was removed on'))"
    )
    assert files(other.home) == files(product.home)


def test_a_second_backup_copies_only_what_is_new(running: Product, target: Path) -> None:
    running.manage("backup", str(target))
    running.shell("from tests.browser.desk import open_more; open_more('kept', (10.0, 22.0))")
    assert "6 files, 2 of them new" in running.manage("backup", str(target))
    assert "1 older removed" in running.manage("backup", str(target), "--keep", "2")
    assert "whole, with 6 files" in running.manage("backup", str(target), "--check")


def test_a_damaged_file_is_named_and_nothing_is_restored(running: Product, target: Path, tmp_path: Path) -> None:
    running.manage("backup", str(target))
    damaged = next(iter((target / "storage").glob("??/*")))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    said = running.manage("backup", str(target), "--check", succeed=False)
    assert damaged.name in said and "damaged" in said
    other = Product(tmp_path / "another home")
    assert damaged.name in other.manage("restore", str(target), succeed=False)
    assert not (other.home / "storage").exists()


def test_only_an_empty_home_is_restored_into(running: Product, target: Path) -> None:
    running.manage("backup", str(target))
    before = files(running.home)
    assert "into an empty home" in running.manage("restore", str(target), succeed=False)
    assert files(running.home) == before


def test_a_backup_of_a_newer_version_is_refused(running: Product, target: Path, tmp_path: Path) -> None:
    running.manage("backup", str(target))
    (manifest,) = target.glob("*/manifest.json")
    manifest.write_text(manifest.read_text().replace('"0001_initial"', '"9999_later"', 1))
    assert "of a newer Unbleed" in Product(tmp_path / "older").manage("restore", str(target), succeed=False)


def test_an_app_that_went_away_makes_no_backup_newer(running: Product, target: Path, tmp_path: Path) -> None:
    running.manage("backup", str(target))
    (manifest,) = target.glob("*/manifest.json")
    manifest.write_text(manifest.read_text().replace('"migrations": [', '"migrations": [["axes", "0001_initial"],', 1))
    assert "is restored" in Product(tmp_path / "newer").manage("restore", str(target))


def test_a_folder_without_a_backup_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    said = Product(tmp_path / "home").manage("restore", str(tmp_path / "backups"), succeed=False)
    assert "is no backup" in said and "Traceback" not in said
