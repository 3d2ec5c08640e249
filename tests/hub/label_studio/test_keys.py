"""What we answer has just the keys that Label Studio's server has, by both spellings of addresses."""

from typing import Any

import pytest

from annotation.models import Proposal, Task
from tests import worlds
from tests.hub.label_studio import keys, lab

pytestmark = pytest.mark.django_db


def test_every_answer_has_the_recorded_keys_with_and_without_a_slash() -> None:
    campaign = lab.campaign(2, proposes=True)
    task = Task.objects.order_by("pk")[0]
    Proposal.objects.create(task=task, regions=[[1.0, 2.0, 0.9]], shown=True, chance=0.5)
    mia = lab.plain(worlds.member(campaign, "mia", "manager"))
    made = lab.post(mia, f"/api/tasks/{task.pk}/annotations", {"result": lab.result(task, (1.0, 2.0)), "lead_time": 3.0}).json()
    draft = lab.post(mia, f"/api/tasks/{task.pk}/drafts", {"result": [], "lead_time": 3.0}).json()
    project = f"/api/projects/{campaign.pk}"
    said = {
        path: mia.get(path + slash)
        for slash in ("", "/")
        for path in (
            *("/api/current-user/whoami", "/api/users", "/api/version", "/api/projects", project, "/api/projects/counts"),
            *(f"/api/tasks/{task.pk}", f"/api/tasks/{task.pk}/annotations", f"/api/annotations/{made['id']}"),
            *(f"/api/tasks/{task.pk}/drafts", f"/api/drafts/{draft['id']}", f"{project}/next", f"{project}/export/formats"),
        )
    }
    assert {answer.status_code for answer in said.values()} == {200}

    def keys_of(path: str, inside: str = "") -> set[str]:
        body: Any = said[path].json()
        body = body[inside] if inside else body
        return set(body[0] if isinstance(body, list) else body)

    assert keys_of("/api/current-user/whoami") == keys.WHOAMI
    assert keys_of("/api/users") == keys.USER
    assert keys_of("/api/projects") == keys.PAGE
    assert keys_of("/api/projects", "results") == keys_of(project) == keys.PROJECT
    assert keys_of("/api/projects/counts", "results") == keys.COUNTS | {"id"}
    assert keys_of(f"/api/tasks/{task.pk}") == keys.WHOLE_TASK
    assert keys_of(f"/api/tasks/{task.pk}", "predictions") == keys.PREDICTION
    assert keys_of(f"{project}/next") == keys.NEXT_TASK
    assert set(made) == keys_of(f"/api/tasks/{task.pk}/annotations") == keys_of(f"/api/annotations/{made['id']}") == keys.ANNOTATION
    assert set(draft) == keys_of(f"/api/tasks/{task.pk}/drafts") == keys_of(f"/api/drafts/{draft['id']}") == keys.DRAFT
    assert keys_of(f"{project}/export/formats") == {"name", "title", "description", "link"}
    assert set(mia.get(f"/api/predictions/?task={task.pk}").json()[0]) == keys.PREDICTION

    page = mia.get(f"/api/tasks?project={campaign.pk}&fields=all&page=1").json()
    assert set(page) == keys.TASKS and set(page["tasks"][0]) == keys.WHOLE_TASK
    assert mia.get(f"/api/tasks/?project={campaign.pk}&page=2").status_code == 404  # so clients know that there are no more
    imported = lab.post(mia, f"{project}/import?return_task_ids=true", [{"data": page["tasks"][0]["data"]}]).json()
    assert set(imported) == keys.IMPORTED | {"task_ids"}


def test_an_error_has_label_studios_body_and_is_never_one_that_its_sdk_tries_again() -> None:
    campaign = lab.campaign(1)
    mia = lab.plain(worlds.member(campaign, "mia", "manager"))
    nothing, short = mia.get("/api/projects/999999/"), lab.post(mia, "/api/projects/", {"title": "x"})
    assert (nothing.status_code, set(nothing.json())) == (404, keys.ERROR)
    assert short.status_code == 403  # before anything is looked at
    wrong = mia.patch(f"/api/projects/{campaign.pk}/", {"title": "x"}, content_type="application/json")
    assert wrong.status_code == 400 and list(wrong.json()["validation_errors"]) == ["title"]
    unknown = lab.plain(worlds.user("x")).get("/api/projects/", headers={"Authorization": "Token nonsense"})
    assert (unknown.status_code, set(unknown.json())) == (401, keys.ERROR)

    ann = lab.plain(worlds.member(campaign, "ann"))
    task = ann.get(f"/api/projects/{campaign.pk}/next/").json()["id"]
    assert lab.post(ann, f"/api/tasks/{task}/annotations/", {"was_cancelled": True}).status_code == 201
    answer = lab.post(ann, f"/api/tasks/{task}/annotations/", {"result": [{"id": "a", "from_name": "other"}]})
    assert answer.status_code == 400 and "from_name" in answer.json()["detail"]


def test_the_body_of_a_request_that_is_no_object_is_refused_in_words() -> None:
    campaign = lab.campaign(1)
    mia = lab.plain(worlds.member(campaign, "mia", "manager"))
    task = Task.objects.get()
    paths = [f"/api/tasks/{task.pk}/annotations/", f"/api/tasks/{task.pk}/drafts/", "/api/tasks/", f"/api/projects/{campaign.pk}/import"]
    for path in (*paths, f"/api/projects/{campaign.pk}/validate/"):
        for body in (None, [], [None], 3, "text", {"data": None}, {"result": None, "project": None}):
            assert lab.post(mia, path, body).status_code in (400, 201), (path, body)
