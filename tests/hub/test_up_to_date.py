"""Commands in a home where `up` has never run, and on a database that lacks migrations."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from hub import postgres
from tests.product import Product, wait_for

FAST = {"fsync": "off"}


@pytest.fixture
def fresh(tmp_path: Path) -> Product:
    """An empty home; nothing runs on it."""
    return Product(tmp_path / "a fresh home")


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[postgres.Server]:
    """A server with an empty database, like one that somebody else runs."""
    server = postgres.Server(tmp_path / "elsewhere", FAST)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("command", [("rounds", "x"), ("ingest", "x", ".", "--use", "pool", "--domain", "target")])
def test_a_command_in_a_fresh_home_says_in_one_line_what_is_missing(fresh: Product, command: tuple[str, ...]) -> None:
    lines = fresh.manage(*command, succeed=False).splitlines()
    assert lines.pop().startswith("CommandError: There is no campaign 'x'")
    assert {line.partition(":")[0] for line in lines} == {"Migrations"}


def test_an_admin_is_made_before_the_first_start(fresh: Product) -> None:
    fresh.manage("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.org")
    assert fresh.shell("from hub.accounts.models import User; print(User.objects.get().username)") == "ada"


@contextmanager
def ended(*processes: "subprocess.Popen[str]") -> Iterator[None]:
    """Whatever fails, nobody waits for them."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()


def test_a_database_that_a_command_started_outlives_it_for_another_one(fresh: Product, tmp_path: Path) -> None:
    def until_told(name: str) -> "subprocess.Popen[str]":
        """A command that uses the database once it is told to."""
        code = (
            f"import pathlib, time; pathlib.Path({str(tmp_path / name)!r}).touch()\n"
            f"while not pathlib.Path({str(tmp_path / f'go {name}')!r}).exists(): time.sleep(0.05)\n"
            "from hub.accounts.models import User; print(User.objects.count(), 'users')"
        )
        process = fresh.popen("shell", "--no-imports", "-v0", "-c", code)
        wait_for(lambda: (tmp_path / name).exists(), f"beginning of {name}")
        return process

    with until_told("first") as first, until_told("second") as second, ended(first, second):
        (tmp_path / "go first").touch()
        assert first.stdout and "0 users\n" in [first.stdout.readline() for _ in range(3)]
        with pytest.raises(subprocess.TimeoutExpired):
            first.wait(1)  # it has started the database
        (tmp_path / "go second").touch()
        assert second.communicate(timeout=300)[0] == "0 users\n"
        first.communicate(timeout=300)
    assert first.returncode == second.returncode == 0
    assert postgres.owner(fresh.home) is None


def test_what_wants_the_database_as_it_is_migrates_nothing(fresh: Product, tmp_path: Path) -> None:
    said = fresh.manage("backup", str(tmp_path / "backups"), succeed=False)
    assert said.strip() == "CommandError: The database is empty: there is nothing to back up yet."
    assert "[X]" not in fresh.manage("showmigrations", "--plan")


@pytest.mark.parametrize("command", [("rounds", "x"), ("web",)])
def test_a_database_of_somebody_elses_is_migrated_only_when_that_is_said(
    fresh: Product, empty_server: postgres.Server, command: tuple[str, ...]
) -> None:
    sockets = postgres.socket_folder(empty_server.base)
    fresh.environment["DATABASE_URL"] = f"postgres:///unbleed?host={quote(str(sockets))}&user=unbleed"
    said = fresh.manage(*command, succeed=False)
    assert said.startswith("unbleed: The database that DATABASE_URL names lacks ")
    assert said.endswith("migrations. Run: python manage.py migrate\n") and said.count("\n") == 1


def test_a_database_whose_owner_does_not_migrate_is_named(fresh: Product, monkeypatch: pytest.MonkeyPatch, database_server: None) -> None:
    from hub import up_to_date, upgrade

    missing = iter([3, 3, 0])
    monkeypatch.setattr(upgrade, "waiting", lambda: ["a"] * next(missing))
    up_to_date.ensure(ours=False)  # whoever started it was about to
    monkeypatch.setattr(upgrade, "waiting", lambda: ["a"] * 3)
    monkeypatch.setattr(postgres, "START_SECONDS", 0.0)
    with pytest.raises(postgres.ServerError, match=r"lacks 3 migrations, and process \d+ .* does not apply them"):
        up_to_date.ensure(ours=False)
