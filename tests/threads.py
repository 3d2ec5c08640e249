"""Several things at once, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def outcomes(*works: Callable[[], object]) -> list[Any]:
    """What each returned or raised; all begin together."""
    start = threading.Barrier(len(works))
    found: list[Any] = [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        try:
            start.wait()
            found[number] = work()
        except BaseException as error:
            found[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "it hangs"
    return found


def at_once(*works: Callable[[], object]) -> list[Any]:
    """What each returned; whatever one of them trips over is raised here."""
    found = outcomes(*works)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found
