"""Every test runs on a PostgreSQL server of its own, in a folder that is thrown away."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.full_disk import small_disk
from tests.product import HEARD_LONG_AGO, Product, free_port

# Before Django reads its settings: never the developer's data, never the server that DATABASE_URL names.
_home = Path(tempfile.mkdtemp(prefix="unbleed tests "))
os.environ["UNBLEED_HOME"] = str(_home)
os.environ["DJANGO_SETTINGS_MODULE"] = "hub.settings"
for _name in (
    "DATABASE_URL",
    "WEB_THREADS",
    "BROKER_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "UNBLEED_HTTPS",
    "TRUSTED_PROXIES",
    "UNBLEED_DEBUG",
    "UNBLEED_SERVER_FOLDERS",
    "OUTGOING_HOSTS",
):
    os.environ.pop(_name, None)


def pytest_configure() -> None:
    import django
    from hypothesis import settings

    settings.register_profile("unbleed", deadline=None)  # a limit on time would be one on the machine
    settings.load_profile("unbleed")

    django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Its workers take over this environment, and must not load the settings before they have a folder of their own."""
    os.environ.pop("DJANGO_SETTINGS_MODULE")


def pytest_unconfigure() -> None:
    shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(autouse=True)
def seen_by_its_heart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heart beats by a connection of its own, which sees no job of a test's own transaction: there it would end work that takes long."""
    marker = request.node.get_closest_marker("django_db")
    if marker and not marker.kwargs.get("transaction"):
        monkeypatch.setattr("learner.actors.BEAT_EVERY", 3600.0)


@pytest.fixture(scope="session")
def database_server() -> Iterator[None]:
    """Started when the first test asks for the database; pure tests never pay for it."""
    from hub import postgres

    server = postgres.Server(options={"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"})
    server.start()
    yield
    server.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_server: None) -> None:
    """pytest-django's hook that runs before it makes the test database."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's, whose test database can be dropped only when nobody else is connected to it: says who still is, and with what."""
    from django.db import connection

    yield
    others = "SELECT application_name, state, query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def alone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(others)
            said[:] = cursor.fetchall()
        return not said

    said: list[Any] = []
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:  # the broker's pool stays open as long as the process
            ours = "datname = current_database() AND application_name = 'unbleed jobs'"
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
        until = time.monotonic() + 60
        while not alone():
            assert time.monotonic() < until, f"still connected to the test database: {said}"
            time.sleep(0.1)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of a megabyte, empty; see `tests.full_disk`."""
    with small_disk(tmp_path / "small disk") as disk:
        yield disk


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product itself, one for the whole run: for tests that need commits, NOTIFY, WebSockets or workers. Nobody needs time to hear."""
    product = Product(tmp_path_factory.mktemp("the product") / "home")
    product.environment |= {
        "OIDC_URL": f"http://127.0.0.1:{free_port()}",  # where the test that signs in by it runs a provider
        "OIDC_CLIENT_ID": "unbleed",
        "OIDC_CLIENT_SECRET": "a secret for tests",
        "OIDC_NAME": "Our lab",
        "OIDC_NEW_ACCOUNTS": "1",
    }
    product.start()
    product.keep_shell()
    product.sql(HEARD_LONG_AGO)
    yield product
    product.stop()


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that nothing runs on, with an empty database."""
    product = Product(tmp_path_factory.mktemp("migrated") / "home")
    product.manage("migrate", "-v0")
    return product.home


@pytest.fixture
def own_product(tmp_path: Path, migrated_home: Path) -> Iterator[Product]:
    """A product for one test that kills or stops it; not started yet."""
    product = Product(tmp_path / "its own home", like=migrated_home)
    yield product
    product.stop()
