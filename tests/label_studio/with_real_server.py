"""One story with a real Label Studio 1.23.2 and the product itself: proposals shown there, annotations of two people agreed on here.

`make test-labelstudio`: some minutes; needs 1 GB for Label Studio's environment, and no network once that is there.
"""

import os
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from annotation.core.label_studio import labelling_config, result
from annotation.core.regions import Region
from tests.label_studio.server import PASSWORD, TOKEN, LabelStudio
from tests.product import Product, wait_for

MARKED = (2.0, 5.0)  # seconds of a clip
PROPOSED = (1.0, 3.5)

ROWS = f"""
import numpy as np
from annotation.models import Campaign, Proposal, Task
from hub.api.ml_backend import services
from tests import worlds
campaign = worlds.campaign("lab", owner=worlds.user("olga"), counts_unheard=True, paused=True)
worlds.with_model(campaign, worlds.checkpoint("c" * 64))
sound = worlds.flac((0.1 * np.sin(np.arange(60 * worlds.RATE) / 9)).astype(np.float32))
track = worlds.song(campaign, dict(mixture=sound), sound)
tasks = worlds.opened(worlds.clips(track, 3))
Proposal.objects.create(task=tasks[0], regions=[[{PROPOSED[0]}, {PROPOSED[1]}, 0.8]], shown=True, chance=1.0)
for name in ("ann", "ben"):
    worlds.member(campaign, name)
print(*(task.pk for task in tasks), services.make_secret(campaign=campaign, who=campaign.memberships.get(user__username="olga")))
"""


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    server = LabelStudio(tmp_path_factory.mktemp("lab") / "data")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    os.environ["OUTGOING_HOSTS"] = "127.0.0.1"
    product = Product(tmp_path_factory.mktemp("unbleed") / "home")
    product.environment |= {"OUTGOING_HOSTS": "127.0.0.1"}
    product.start()
    product.keep_shell()
    try:
        yield product
    finally:
        product.stop()


def test_a_lab_marks_in_its_own_label_studio(label_studio: LabelStudio, product: Product) -> None:
    *numbers, secret = product.shell(ROWS).split()
    proposed, missed, left = map(int, numbers)
    address = f"{product.url}/ml/lab/{secret}"
    people = {"ann": TOKEN, "ben": label_studio.invite("ben@example.org")}

    # The backend is joined to a project with our labelling config.
    project = label_studio.do("POST", "/api/projects/", {"title": "Songs A", "label_config": labelling_config(), "maximum_annotations": 2})[
        "id"
    ]
    backend = label_studio.do("POST", "/api/ml/", {"url": address, "project": project, "title": "Unbleed", "is_interactive": True})
    assert (backend["state"], backend["model_version"]) == ("CO", "c" * 8)
    assert label_studio.do("GET", f"/api/ml/{backend['id']}/versions")["versions"] == ["c" * 8]
    (hook,) = label_studio.do("GET", f"/api/webhooks/?project={project}")
    assert hook["url"] == f"{address}/webhook", "it is made by itself"

    # Clips go there by a sync, with sounds that a browser of theirs may fetch.
    sync(product, label_studio, project)
    there = tasks_of(label_studio, project)
    assert set(there) == {proposed, missed, left}
    sound = urllib.request.Request(there[proposed]["data"]["vocals"], headers={"Origin": label_studio.url, "Range": "bytes=0-3"})
    with urllib.request.urlopen(sound, timeout=60) as answer:
        assert (answer.status, answer.read(), answer.headers["Access-Control-Allow-Origin"]) == (206, b"OggS", "*")

    # What was proposed is shown to who gets the clip; of a clip that a worker has to look at nothing is kept, so it is asked again.
    first = label_studio.do("GET", f"/api/projects/{project}/next/", token=people["ann"])
    assert first["id"] == there[proposed]["id"]
    (prediction,) = label_studio.do("GET", f"/api/predictions/?task={first['id']}")
    (region,) = prediction["result"]
    assert (region["value"]["start"], region["value"]["end"], prediction["model_version"]) == (*PROPOSED, "c" * 8)
    retrieve(label_studio, project, there[left]["id"])
    assert label_studio.do("GET", f"/api/predictions/?task={there[left]['id']}") == []

    # Two people answer one clip; its events tell us, and once it is said who they are they agree.
    for token in people.values():
        took = annotate(label_studio, there[proposed]["id"], token)
        print(f"An answer was taken within {took:.1f} s; Label Studio waits for us for 1 s of these at most.")
    wait_for(lambda: product.sql("SELECT count(*) FROM ml_backend_annotation WHERE state = 'of nobody'") == [(2,)], "annotations", 60)
    product.shell(
        f"{AS_OLGA}\nfrom hub.api.ml_backend.models import Colleague\nfirst, second = Colleague.objects.order_by('number')\n"
        "services.say_who(campaign=campaign, who=olga, people={first.pk: 'ann', second.pk: 'ben'})"
    )
    agreed_on(product, proposed)

    # Of another clip the events are lost: the next sync fetches its annotations, and one more sync none of them twice. A personal token
    # does, too: that server refuses the others unless its administrator allows them.
    personal = label_studio.do("POST", "/api/token/", {})["token"]
    label_studio.do("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": False, "url": hook["url"]})
    for token in people.values():
        annotate(label_studio, there[missed]["id"], token)
    for _ in range(2):
        sync(product, label_studio, project, token=personal)
        agreed_on(product, missed)
    assert len(tasks_of(label_studio, project)) == 3
    assert product.sql("SELECT count(*), count(DISTINCT (task_id, by_id)) FROM annotation_submission") == [(4, 4)]

    # Deleted there with the events on again: withdrawn here.
    label_studio.do("PATCH", f"/api/webhooks/{hook['id']}/", {"is_active": True, "url": hook["url"]})
    annotate(label_studio, there[left]["id"], people["ben"])
    wait_for(lambda: answers(product, left) == ["accepted"], "answer", 60)
    (mine,) = label_studio.do("GET", f"/api/tasks/{there[left]['id']}/annotations/")
    label_studio.do("DELETE", f"/api/annotations/{mine['id']}/", token=people["ben"])
    wait_for(lambda: answers(product, left) == ["withdrawn"], "withdrawal", 60)

    # Another model is promoted: the version changes, and the server asks anew.
    product.shell(
        "from learner.models import SharedModel\nfrom tests import worlds\nSharedModel.objects.update(current=worlds.checkpoint('better'))"
    )
    retrieve(label_studio, project, there[proposed]["id"])
    versions = {one["model_version"] for one in label_studio.do("GET", f"/api/predictions/?task={there[proposed]['id']}")}
    assert versions == {"c" * 8, "better00"}

    # Nothing of their secrets lies here.
    kept = "".join(path.read_text(errors="replace") for path in (product.home / "logs").glob("*.log")) + product.said()
    kept += product.manage("shell", "--no-imports", "-v0", "-c", DUMP)
    for word in (TOKEN, personal, PASSWORD, secret, "Songs A", "ben@example.org"):
        assert word not in kept


AS_OLGA = """
from annotation.models import Campaign
from hub.api.ml_backend import services
campaign = Campaign.objects.get(slug="lab")
olga = campaign.memberships.get(user__username="olga")
"""

DUMP = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('public', 'dramatiq')")
    for schema, name in cursor.fetchall():
        cursor.execute(f'SELECT t::text FROM "{schema}"."{name}" t')
        print(cursor.fetchall())
"""


def tasks_of(label_studio: LabelStudio, project: int) -> dict[int, Any]:
    """The tasks there, by ours."""
    found = label_studio.do("GET", f"/api/tasks/?project={project}&fields=all&page_size=100")["tasks"]
    return {int(one["data"]["vocals"].partition("/for-a-while/")[2].partition(".")[0]): one for one in found}


def retrieve(label_studio: LabelStudio, project: int, task: int) -> None:
    chosen = {"selectedItems": {"all": False, "included": [task]}}
    label_studio.do("POST", f"/api/dm/actions/?id=retrieve_tasks_predictions&project={project}", chosen)


def annotate(label_studio: LabelStudio, task: int, token: str) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    marks = result([MARKED], Region(0.0, 15.0))
    label_studio.do("POST", f"/api/tasks/{task}/annotations/", {"result": marks, "lead_time": 20.0}, token)
    return time.monotonic() - began


def sync(product: Product, label_studio: LabelStudio, project: int, token: str = TOKEN) -> None:
    """As a manager asks for it on the page."""
    where = f"url={label_studio.url!r}, project={project}, token={token!r}, site={product.url!r}"
    said = product.shell(
        f"{AS_OLGA}\nservices.name_server(campaign=campaign, who=olga, {where})\nprint(services.begin_sync(campaign=campaign, who=olga).pk)"
    )
    question = "SELECT state, reason FROM learner_job WHERE id = %s"
    ((state, reason),) = wait_for(lambda: [one for one in product.sql(question, int(said)) if one[0] in ("done", "failed")], "sync", 120)
    assert state == "done", reason


def answers(product: Product, task: int) -> list[str]:
    return [state for (state,) in product.sql("SELECT status FROM annotation_submission WHERE task_id = %s ORDER BY id", task)]


def agreed_on(product: Product, task: int) -> None:
    question = (
        "SELECT r.start, r.end FROM annotation_consensus c JOIN annotation_consensusregion r ON r.consensus_id = c.id WHERE c.task_id = %s"
    )
    (found,) = wait_for(lambda: product.sql(question.replace("r.end", 'r."end"'), task), f"consensus of task {task}", 120)
    begin = product.sql("SELECT start FROM annotation_task WHERE id = %s", task)[0][0]
    assert found[0] - begin == pytest.approx(MARKED[0], abs=0.4) and found[1] - begin == pytest.approx(MARKED[1], abs=0.4)
    assert product.sql("SELECT state FROM annotation_task WHERE id = %s", task) == [("closed",)]
