"""What `up` does with a database of another version: all of the migrations or none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import postgres
from tests.product import Product, free_port, wait_for

OLD = Path(__file__).parents[1] / "data/previous_homes/first"
APPLIED = "SELECT app, name FROM django_migrations ORDER BY id"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Product]:
    """The home of an earlier version, with many migrations to apply."""
    product = Product(tmp_path / "old home")
    product.manage("restore", str(OLD))
    yield product
    product.stop()


def on_its_server(product: Product, *statements: str) -> list[tuple[object, ...]]:
    """Run statements while nothing else runs on the home; returns the rows of the last."""
    server = postgres.Server(product.home)
    server.start()
    try:
        return [product.sql(statement) for statement in statements][-1]
    finally:
        server.stop()


def stumble(product: Product, how: str) -> list[tuple[object, ...]]:
    """Let the database do `how` once three migrations have been applied to it; returns those that are there before."""
    return on_its_server(
        product,
        "CREATE FUNCTION stumble() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF (SELECT count(*) FROM django_migrations) >= (SELECT n FROM then_there) + 3 THEN {how}; END IF; END $$",
        "CREATE TABLE then_there AS SELECT count(*) AS n FROM django_migrations",
        "CREATE EVENT TRIGGER stumbles ON ddl_command_start EXECUTE FUNCTION stumble()",
        APPLIED,
    )


def goes_on(product: Product) -> None:
    on_its_server(product, "DROP EVENT TRIGGER stumbles", "DROP TABLE then_there")
    product.start()
    assert " to apply" in product.said() and "applied in" in product.said()


def test_migrations_that_fail_change_nothing_and_say_so_in_a_line(old: Product) -> None:
    before = stumble(old, "RAISE 'no room in the inn'")
    said = old.manage("up", "--port", str(free_port()), succeed=False)
    assert "no room in the inn" in said and "changed nothing" in said and "Traceback" not in said
    assert on_its_server(old, APPLIED) == before
    goes_on(old)


def test_migrations_that_are_killed_change_nothing(old: Product) -> None:
    before = stumble(old, "PERFORM pg_sleep(3600)")
    sleeps = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    old.begin()
    wait_for(lambda: postgres.answers(old.home), "server")
    wait_for(lambda: old.sql(sleeps), "migration that sleeps")
    assert old.process
    old.process.kill()
    old.process.wait(60)
    assert on_its_server(old, APPLIED) == before
    goes_on(old)


def test_a_program_older_than_its_database_says_so_in_a_line(own_product: Product) -> None:
    on_its_server(own_product, "INSERT INTO django_migrations (app, name, applied) VALUES ('annotation', '9999_later', now())")
    said = own_product.manage("up", "--port", str(free_port()), succeed=False)
    assert "newer than this program" in said and "annotation.9999_later" in said and "Traceback" not in said
    server = postgres.Server(own_product.home)
    server.start()
    said = own_product.manage("doctor", succeed=False)
    server.stop()
    assert "WRONG: The database is newer than the program" in said


def test_an_app_that_went_away_makes_no_database_newer(own_product: Product) -> None:
    on_its_server(own_product, "INSERT INTO django_migrations (app, name, applied) VALUES ('axes', '0001_initial', now())")
    own_product.start()
    assert "none to apply" in own_product.said()
