"""Schemathesis at every endpoint of the pages and of `/api/v1/`, with all checks, as each role and with tokens of each kind: `make fuzz`.

Needs the extra `fuzz`, and no network.

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
MEMBERS = ("annotator", "reviewer", "researcher", "manager", "owner")
ROLES = ("anonymous", *MEMBERS, "site-admin", "annotator-elsewhere")
TOKENS: dict[str, dict[str, Any] | None] = {  # kind of token -> whose it is, and what it may
    **{f"{role}-{scope}": {"whose": role, "writes": scope == "writes"} for role in MEMBERS for scope in ("writes", "reads")},
    "manager-as-a-researcher": {"whose": "manager", "writes": True, "role": "researcher"},
    "owner-here-alone": {"whose": "owner", "writes": True, "only": "here"},
    "elsewhere": {"whose": "annotator-elsewhere", "writes": True},
    "admin": {"whose": "site-admin", "writes": True},
    "revoked": {"whose": "manager", "writes": True, "revoked": True},
    "none": None,
}
CSRF = "c" * 32

# Times of a clip, and how much of it was heard, are looked at in words that a schema has none for: so data that fits it may be refused.
CHECKS = """
[checks]
positive_data_acceptance.expected-statuses = [200, 201, 204, 400, 403, 404, 409]
"""

ROWS = """
import json
from hub.api.tokens.services import make_token, revoke_token
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
sessions, tokens = dict(), dict()
for role, where in (*((role, here) for role in MEMBERS), ("annotator-elsewhere", elsewhere), ("site-admin", None)):
    user, sessions[role] = session(role, is_staff=where is None, is_superuser=where is None)
    if where:
        services.add_member(campaign=where, user=user, role=role.partition("-")[0], pseudonym=role)
for name, kind in TOKENS.items():
    if kind:
        owner, only = User.objects.get(username=kind["whose"]), here if "only" in kind else None
        rights = dict(role=kind.get("role", ""), writes=kind["writes"], campaign=only)
        row, tokens[name] = make_token(owner=owner, name=name, days=1, **rights)
        if "revoked" in kind:
            revoke_token(token=row)
print(json.dumps(dict(sessions=sessions, tokens=tokens, last=Task.objects.order_by("pk").last().pk)))
"""


# A token may ask 600 times a minute; a machine asks more often, and what is refused with 429 tries nothing.
NEVER_TOO_OFTEN = """
CREATE FUNCTION forget_the_knocks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := 2; RETURN NEW; END $$;
CREATE TRIGGER never_too_often BEFORE INSERT OR UPDATE ON accounts_knocks FOR EACH ROW EXECUTE FUNCTION forget_the_knocks()
"""

# A campaign that a case makes is not found under its slug: another case may send the same one, such as 0, as what names no campaign.
MADE_APART = """
CREATE FUNCTION name_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.slug := 'made-' || substr(md5(random()::text), 1, 20); RETURN NEW; END $$;
CREATE TRIGGER made_apart BEFORE INSERT ON annotation_campaign FOR EACH ROW EXECUTE FUNCTION name_apart()
"""


@pytest.fixture(scope="session")
def rows(product: Product) -> dict[str, Any]:
    """Two campaigns with tasks that are open and in review, and a session of each role."""
    product.sql(NEVER_TOO_OFTEN)
    made = product.shell(f"MEMBERS, TOKENS = {MEMBERS!r}, {TOKENS!r}\n{ROWS}")
    product.sql(MADE_APART)
    return dict(json.loads(made.splitlines()[-1]))


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
    _fuzz(role, schema, product, tmp_path, capsys, CHECKS, f"X-CSRFToken: {CSRF}", f"Cookie: {cookie}")


CHECKS_OF_TOKENS = (
    CHECKS.replace("403, 404, 409]", "401, 403, 404, 409, 422]")
    + """
[checks.negative_data_rejection]
expected-statuses = ["4xx"]
"""
)


@pytest.mark.parametrize("kind", TOKENS)
def test_nor_does_any_of_the_versioned_api(
    kind: str, product: Product, rows: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = product.get("/api/v1/schema/", cookie=f"sessionid={rows['sessions']['manager']}")
    assert status == 200
    made: dict[str, Any] = json.loads(said)
    known = {"task_id": {"minimum": 1, "maximum": rows["last"] + 3}, "slug": {"enum": ["here", "elsewhere", "nowhere"]}}
    for operations in made["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] |= known.get(parameter["name"], {})
    token = rows["tokens"].get(kind)
    _fuzz(kind, made, product, tmp_path, capsys, CHECKS_OF_TOKENS, *([f"Authorization: Bearer {token}"] if token else []))


def _fuzz(
    who: str, schema: dict[str, Any], product: Product, folder: Path, capsys: pytest.CaptureFixture[str], checks: str, *headers: str
) -> None:
    """Run Schemathesis over a document, each request with these headers."""
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "schemathesis.toml").write_text(checks)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "schema.json", "--url", product.url),
        *("--checks", "all", "--max-examples", str(CASES), "--seed", "1", "--continue-on-failure", "--no-color"),
        *("--generation-with-security-parameters", "false", "--generation-database", "none", "--suppress-health-check", "all"),
        *(part for header in headers for part in ("-H", header)),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    with capsys.disabled():
        print(f"\n{who}: {' '.join(re.findall(r'[0-9,]+ generated.*', done.stdout + done.stderr)) or 'no figures'}")
        if done.returncode:
            print(done.stdout + done.stderr)  # now, since a run of all kinds takes long
    assert done.returncode == 0, f"{who}: {done.returncode}"
