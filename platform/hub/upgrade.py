"""Brings the database to what the program knows, whole or not at all: where that fails or is killed, the version before goes on."""

from collections.abc import Callable
from time import monotonic

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from hub.postgres import ServerError

LOCK = 0x756E626D  # an advisory lock, beside the clock's: of two programs on one database, one migrates and the other waits


def waiting() -> list[str]:
    """The migrations that are to be applied, like `annotation.0002_...`."""
    executor = MigrationExecutor(connection)
    return [f"{one.app_label}.{one.name}" for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def unknown() -> list[str]:
    """Migrations that a newer version has applied; an app that is not installed any more does not count."""
    loader = MigrationLoader(connection)
    return sorted(
        f"{app}.{name}" for app, name in set(loader.applied_migrations) - set(loader.disk_migrations) if app in loader.migrated_apps
    )


def migrate(say: Callable[[str], None]) -> None:
    """Apply what waits, in one transaction. Raises ServerError where the database is newer than the program, or where it fails."""
    if newer := unknown():
        raise ServerError(
            f"The database is newer than this program, which does not know its migration {newer[0]}"
            + (f" and {len(newer) - 1} others" if newer[1:] else "")
            + ". Install the version that wrote it, or restore the backup from before the upgrade into an empty home."
        )
    if not (steps := waiting()):
        say("Migrations: none to apply")
        return
    say(f"Migrations: {len(steps)} to apply; cut off or failed, they change nothing")
    began = monotonic()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks still to come could not be altered
            call_command("migrate", verbosity=0, interactive=False)
    except (DatabaseError, InconsistentMigrationHistory) as error:
        raise ServerError(
            f"The migrations failed, and changed nothing: {' '.join(str(error).split())}. The version before still runs on this home."
        ) from error
    say(f"Migrations: applied in {monotonic() - began:.1f} s")
