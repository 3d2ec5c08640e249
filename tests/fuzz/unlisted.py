"""Hypothesis at the doors that are in no schema, as every role: bodies, types, queries and headers that no program should send.

Part of `make fuzz`. `FUZZ_CASES` times ten is how many requests each role sends.
"""

import os
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import worlds
from tests.hub.addresses import ROLES
from tests.hub.api import bad

CASES = int(os.environ.get("FUZZ_CASES", "60")) * 10

VALUES = st.recursive(
    st.sampled_from(bad.VALUES) | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(bad.FIELDS) | st.text(max_size=5), inside, max_size=4),
    max_leaves=8,
)
JSON = st.dictionaries(st.sampled_from(bad.FIELDS), VALUES, max_size=8) | VALUES | st.lists(VALUES, max_size=3)
BODIES = JSON.map(lambda said: bad.json.dumps(said).encode()) | st.sampled_from(bad.RAW) | st.binary(max_size=60)
KINDS = st.just("application/json") | st.sampled_from(bad.KINDS)
WORDS = st.sampled_from(bad.QUERY_VALUES) | JSON.map(lambda said: bad.quoted(bad.json.dumps(said))) | st.text(max_size=12).map(bad.quoted)
QUERIES = st.lists(st.tuples(st.sampled_from(bad.QUERY_NAMES), WORDS).map("=".join), max_size=3).map("&".join)
HEADERS = st.lists(st.sampled_from(bad.HEADERS), max_size=2).map(lambda many: {name: one[name] for one in many for name in one})


few = settings(
    max_examples=CASES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("role", [*ROLES, "stranger", "anonymous", "admin"])
def test_no_door_breaks(
    role: str, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.HOME = tmp_path
    named = bad.named_in(tmp_path)
    session, statuses, broken = "", dict[int, int](), dict[str, Any]()
    if role != "anonymous":
        person = worlds.user(role)
        person.is_staff = person.is_superuser = role == "admin"
        person.save()
        session = bad.session_of(person)
    caplog.set_level("CRITICAL")
    real = {key: st.just(value) | st.sampled_from([0, 1, 999_999_999]) for key, value in named.items() if isinstance(value, int)}

    @few
    @given(
        st.sampled_from(sorted(bad.NAMES)), st.sampled_from(bad.METHODS), BODIES, KINDS, QUERIES, HEADERS, st.fixed_dictionaries(real)
    )  # fmt: skip
    def send(name: str, method: str, body: bytes, kind: str, query: str, headers: dict[str, str], numbers: dict[str, int]) -> None:
        try:
            status = bad.sent(session, named | numbers, name, method, body, kind, query, headers)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            broken.setdefault(f"{error!r:.200} at {where.filename}:{where.lineno}", (name, method, body, kind, query, headers))
            return
        statuses[status] = statuses.get(status, 0) + 1
        if status >= 500 and status != 507:
            broken.setdefault(f"{status} from {name}", (name, method, body, kind, query, headers))

    send()
    with capsys.disabled():
        print(f"\n{role}: {sum(statuses.values())} sent, {dict(sorted(statuses.items()))}", *broken.items(), sep="\n")
    assert not broken
