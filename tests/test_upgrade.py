"""Homes of earlier versions under today's program: nothing is lost, and the loop goes on."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import backup, postgres
from tests.product import Product, wait_for

HOMES = Path(__file__).parent / "data/previous_homes"
VERSIONS = [folder.name for folder in backup.backups(HOMES)]
SLOW = 300.0  # seconds; for machines that do much else meanwhile
FILLED_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"


@pytest.fixture(params=VERSIONS)
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Product]:
    """The home of an earlier version, restored and not started yet."""
    product = Product(tmp_path / "its own home")
    product.manage("restore", str(HOMES / request.param))
    yield product
    product.stop()


@contextlib.contextmanager
def database(product: Product) -> Iterator[None]:
    server = postgres.Server(product.home)
    server.start()
    yield
    server.stop()


def rows(product: Product) -> dict[str, dict[Any, dict[str, Any]]]:
    """Every row of every table, by its key."""
    found = {}
    for (table,) in product.sql(TABLES):
        every = [row for (row,) in product.sql(f'SELECT to_jsonb(t) FROM "{table}" t')]
        found[table] = {row.get("id", row.get("session_key")): row for row in every}
    return found


def test_an_upgrade_keeps_every_row_and_file(upgraded: Product) -> None:
    with database(upgraded):
        before = rows(upgraded)
        upgraded.manage("migrate", "-v0")
        after = rows(upgraded)
    assert before["annotation_submission"] and before["annotation_event"] and before["learner_checkpoint"]
    for table in before.keys() - FILLED_BY_MIGRATE:
        assert after[table].keys() == before[table].keys(), table
        for key, row in before[table].items():
            now = after[table][key]
            assert {name: now[name] for name in row.keys() & now.keys()} == {name: row[name] for name in row.keys() & now.keys()}, table
    kept = {path.name: path.read_bytes() for path in (upgraded.home / "storage").glob("??/*")}
    named = {Path(row["file"]).name for table in after.values() for row in table.values() if row.get("file")}
    assert named and named <= kept.keys(), "every file that a row names is there"
    assert all(kept[name] == (HOMES / "storage" / name[:2] / name).read_bytes() for name in kept)


@pytest.mark.loop
def test_after_an_upgrade_pages_open_and_the_loop_goes_on(upgraded: Product) -> None:
    product = upgraded.start()
    assert "to apply" in product.said() and "none to apply" not in product.said()
    owner, ann = product.sign_in("owner"), product.sign_in("ann")
    pages = ("", "tracks/", "links/", "people/", "rounds/1/", "rounds/2/", "review/")
    assert {page: product.get(f"/c/tiny/{page}", owner)[0] for page in pages} == dict.fromkeys(pages, 200)
    mine = ("/", "/c/tiny/annotate/", "/c/tiny/me/", "/api/campaigns/tiny/history/")
    assert {page: product.get(page, ann)[0] for page in mine} == dict.fromkeys(mine, 200)

    status, said = product.send("POST", "/api/campaigns/tiny/next/", ann)
    assert status == 200, said
    clip = said["task"]["id"]
    assert product.sql("SELECT count(*) FROM annotation_draft WHERE task_id = %s", clip) == [(1,)], "what she had begun is there"
    answer = {"result": [], "client_key": str(uuid.uuid4()), "heard": [[0, 10]], "lead_time": 10}
    status, said = product.send("PUT", f"/api/tasks/{clip}/submission/", ann, answer)
    assert (status, said["status"]) == (201, "accepted")
    product.manage("simulate", "tiny")
    second = "SELECT state FROM learner_round WHERE number = 2 AND state IN ('promoted', 'refused')"
    wait_for(lambda: product.sql(second) or product.sql("SELECT 1 FROM learner_job WHERE state = 'failed'"), "verdict", SLOW)
    assert product.sql("SELECT reason FROM learner_job WHERE state = 'failed'") == []
