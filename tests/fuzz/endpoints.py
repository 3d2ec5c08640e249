"""Schemathesis at every endpoint of the API, with all its checks and as each role: `make fuzz`. Needs the extra `fuzz`, and no network.

The product runs on a database that is thrown away. `FUZZ_CASES` is how many random cases each endpoint gets from each role; others are
made from the schema itself. What the schema cannot say is told to Schemathesis here: which tasks and campaigns there are.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from annotation.core import label_studio
from annotation.core.regions import Region
from tests.product import Product

CASES = int(os.environ.get("FUZZ_CASES", "60"))
ROLES = ("anonymous", "annotator", "reviewer", "manager", "site-admin", "annotator-elsewhere")
CSRF = "c" * 32

# Times of a clip, and how much of it was heard, are looked at in words that a schema has none for: so data that fits it may be refused.
CHECKS = """
[checks]
positive_data_acceptance.expected-statuses = [200, 201, 204, 400, 403, 404, 409]
"""

ROWS = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from annotation import services
from annotation.models import Task
from hub.accounts.models import User
from tests import worlds

def session(name, **rights):
    user = User.objects.create_user(name, **rights)
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), "hub.accounts.signed_in.Passwords"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return user, store.session_key

def campaign(slug):
    made = worlds.campaign(slug, min_overlap=1)
    tasks = worlds.tasks(made, 40)
    Task.objects.filter(pk__in=[task.pk for task in tasks[20:30]]).update(state="in review", contested=True)
    return made

here, elsewhere = campaign("here"), campaign("elsewhere")
sessions = dict()
for role, where in (("annotator", here), ("reviewer", here), ("manager", here), ("annotator-elsewhere", elsewhere), ("site-admin", None)):
    user, sessions[role] = session(role, is_staff=where is None, is_superuser=where is None)
    if where:
        services.add_member(campaign=where, user=user, role=role.partition("-")[0], pseudonym=role)
print(json.dumps(dict(sessions=sessions, last=Task.objects.order_by("pk").last().pk)))
"""


@pytest.fixture(scope="session")
def rows(product: Product) -> dict[str, Any]:
    """Two campaigns with tasks that are open and in review, and a session of each role."""
    return dict(json.loads(product.shell(ROWS).splitlines()[-1]))


@pytest.fixture(scope="session")
def schema(product: Product, rows: dict[str, Any]) -> dict[str, Any]:
    """The API's schema, with what it cannot know: the rows that there are, an answer that counts, and that tasks come from the queue."""
    status, said = product.get("/api/schema/", cookie=f"sessionid={rows['sessions']['manager']}")
    assert status == 200
    schema: dict[str, Any] = json.loads(said)
    known = {"task_id": {"minimum": 1, "maximum": rows["last"] + 3}, "slug": {"enum": ["here", "elsewhere", "nowhere"]}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] |= known.get(parameter["name"], {})
    answer, given = "/api/tasks/{task_id}/submission/", "/api/campaigns/{slug}/next/"
    body = {"result": label_studio.result([(3.0, 4.5)], Region(0.0, 15.0)), "client_key": str(uuid.uuid4()), "heard": [[0, 15]]}
    schema["paths"][answer]["put"]["requestBody"]["content"]["application/json"]["example"] = body
    schema["paths"][given]["post"]["responses"]["200"]["links"] = {
        operation["operationId"]: {"operationId": operation["operationId"], "parameters": {"task_id": "$response.body#/task/id"}}
        for path, operations in schema["paths"].items()
        if path.startswith("/api/tasks/{task_id}/")
        for operation in operations.values()
    }
    return schema


@pytest.mark.parametrize("role", ROLES)
def test_no_endpoint_breaks_and_none_says_what_the_schema_does_not(
    role: str, product: Product, rows: dict[str, Any], schema: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cookie = f"csrftoken={CSRF}" + (f"; sessionid={rows['sessions'][role]}" if role != "anonymous" else "")
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    (tmp_path / "schemathesis.toml").write_text(CHECKS)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "schema.json", "--url", product.url),
        *("--checks", "all", "--max-examples", str(CASES), "--seed", "1", "--continue-on-failure", "--no-color"),
        *(
            "--generation-with-security-parameters",
            "false",
            "--generation-database",
            "none",
            "--suppress-health-check",
            "all",
            "-H",
            f"X-CSRFToken: {CSRF}",
            "-H",
            f"Cookie: {cookie}",
        ),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    with capsys.disabled():
        print(f"\n{role}: {' '.join(re.findall(r'[0-9,]+ generated.*', said)) or 'no figures'}")
    assert done.returncode == 0, said
