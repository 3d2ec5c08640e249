"""Whatever is sent to doors that are in no schema, none breaks: each refuses in words. `make fuzz` sends much more of it."""

from pathlib import Path
from typing import Any

import pytest

from tests import worlds
from tests.hub.api import bad


def test_no_door_breaks(db: None, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings.HOME = tmp_path
    named = bad.named_in(tmp_path)
    session = bad.session_of(worlds.user("manager"))
    caplog.set_level("CRITICAL")
    bodies = [*bad.RAW, *map(bad.all_with, bad.VALUES)]
    broken: list[Any] = []
    statuses = set[int]()
    n = 0
    for name in sorted(bad.NAMES):
        for method in bad.METHODS:
            for turn in range(4 if method == "POST" else 3 if method == "PATCH" else 1):
                n += 1  # steps that share no divisor with the lengths, so that everything meets everything in time
                query = f"{bad.QUERY_NAMES[n % len(bad.QUERY_NAMES)]}={bad.QUERY_VALUES[n * 3 % len(bad.QUERY_VALUES)]}"
                kind = "multipart/form-data" if turn == 3 else "application/json" if n % 3 else bad.KINDS[n * 5 % len(bad.KINDS)]
                request = (method, bodies[n * 7 % len(bodies)], kind, query, bad.HEADERS[n * 11 % len(bad.HEADERS)])
                try:
                    status = bad.sent(session, named, name, *request)
                except Exception as error:
                    broken.append((name, repr(error)[:200], *request))
                else:
                    statuses.add(status)
                    broken += [(name, status, *request)] if status >= 500 and status != 507 else []
    assert broken == []
    assert statuses >= {200, 201, 400, 404, 405, 415}, "some requests come through the door"
