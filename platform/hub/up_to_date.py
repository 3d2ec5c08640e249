"""Finds the database as new as the program for every command, or says in one line what to run."""

import os
import sys
import time

from hub import postgres
from hub.home import COMMAND, home


def ensure(*, ours: bool) -> None:
    """Return when the database is up to date. Django is set up; `ours`: this process started the server, and holds its lock.

    Then nobody else migrates, and we do. Elsewhere its owner may be about to: `up` does so when it starts. A server of the lab's own
    is migrated only by somebody who says so. Raises ServerError.
    """
    from django.db import connections

    from hub import upgrade

    missing = len(upgrade.waiting())
    if missing and ours:
        upgrade.migrate(lambda text: print(text, file=sys.stderr))
    elif missing and os.environ.get("DATABASE_URL"):
        raise postgres.ServerError(f"The database that DATABASE_URL names lacks {missing} migrations. Run: {COMMAND} migrate")
    elif missing:
        _wait_for_owner()
    connections.close_all()  # of this thread, which may never need it again


def _wait_for_owner() -> None:
    from hub import upgrade

    deadline = time.monotonic() + postgres.START_SECONDS
    while missing := len(upgrade.waiting()):
        if time.monotonic() > deadline:
            raise postgres.ServerError(
                f"The database lacks {missing} migrations, and {postgres.owner(home()) or 'who started it'} does not apply them: "
                "it is of another version. Stop it, and start it again."
            )
        time.sleep(0.2)
