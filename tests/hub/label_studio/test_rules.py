"""Our rules hold behind Label Studio's doors: who sees what, whose answer it is, overlap, and nothing twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from annotation.models import Assignment, Membership, Submission, Task
from tests import worlds
from tests.annotation import endpoints
from tests.hub.label_studio import lab

pytestmark = pytest.mark.django_db
Status = Submission.Status


def test_an_annotator_sees_what_they_were_given_and_of_others_nothing() -> None:
    campaign = lab.campaign(3)
    ann, ben = (worlds.member(campaign, name) for name in ("ann", "ben"))
    by_ann, by_ben = lab.plain(ann), lab.plain(ben)
    task = by_ann.get(f"/api/projects/{campaign.pk}/next/").json()
    made = lab.post(by_ann, f"/api/tasks/{task['id']}/annotations/", {"result": []}).json()
    assert by_ben.get(f"/api/tasks/{task['id']}/").status_code == 404
    same = by_ben.get(f"/api/projects/{campaign.pk}/next/").json()
    assert (same["id"], same["annotations"], same["total_annotations"], same["is_labeled"]) == (task["id"], [], 0, False)
    assert by_ben.get(f"/api/annotations/{made['id']}/").status_code == 404
    assert by_ben.get(f"/api/tasks/{task['id']}/annotations/").json() == []
    assert by_ben.get(f"/api/projects/{campaign.pk}/export?export_type=JSON").status_code == 403
    assert by_ben.get(f"/api/projects/{campaign.pk}/").json()["created_by"] is None
    assert [one["id"] for one in by_ben.get("/api/users/").json()] == [ben.user_id]
    listed = by_ben.get(f"/api/tasks/?project={campaign.pk}").json()
    assert [one["id"] for one in listed["tasks"]] == [task["id"]]
    assert set(listed["tasks"][0]["data"]) == {"vocals", "mix"}  # which song it is would tell clips apart

    manager = lab.plain(worlds.member(campaign, "mia", "manager"))
    seen = manager.get(f"/api/tasks/?project={campaign.pk}").json()
    assert len(manager.get("/api/users/").json()) == 3 and not any(one["email"] for one in manager.get("/api/users/").json())
    assert (seen["total"], seen["total_annotations"]) == (3, 1)
    lower = lab.plain(worlds.account(Membership.objects.get(pseudonym="mia")), role="annotator")
    assert lower.get(f"/api/tasks/?project={campaign.pk}&page=1").json()["tasks"] == []


def test_nothing_tells_a_clip_of_known_truth() -> None:
    campaign = lab.campaign(2)
    gold, pool = Task.objects.order_by("pk")
    Task.objects.filter(pk=gold.pk).update(kind=Task.Kind.GOLD, max_overlap=1000, overlap=1000)
    ann = worlds.member(campaign, "ann")
    for place, task in enumerate((gold, pool)):
        Assignment.objects.create(task=task, by=ann, place=place, lease_until=Task.objects.get(pk=task.pk).opened)
    one, other = lab.plain(ann).get(f"/api/tasks/?project={campaign.pk}").json()["tasks"]
    own = {"id", "inner_id", "data"}
    assert {name: one[name] for name in one.keys() - own} == {name: other[name] for name in other.keys() - own}

    mia = lab.plain(worlds.member(campaign, "mia", "manager"))
    assert mia.get(f"/api/tasks/{gold.pk}/").status_code == 404
    exported = mia.get(f"/api/projects/{campaign.pk}/export?download_all_tasks=true").getvalue()
    assert f'"id": {pool.pk}'.encode() in exported and f'"id": {gold.pk},'.encode() not in exported


def test_an_annotation_is_by_the_tokens_owner_whoever_it_names() -> None:
    campaign = lab.campaign(1)
    mia, task = worlds.member(campaign, "mia", "manager"), Task.objects.get()
    client, other = lab.plain(mia), worlds.user("somebody")
    refused = lab.post(client, f"/api/tasks/{task.pk}/annotations/", {"result": [], "completed_by": other.pk})
    assert refused.status_code == 400 and list(refused.json()["validation_errors"]) == ["completed_by"]
    made = lab.post(client, f"/api/tasks/{task.pk}/annotations/", {"result": [], "completed_by": mia.user_id}).json()
    assert made["completed_by"] == client.get("/api/current-user/whoami").json()["id"] == mia.user_id
    assert lab.post(client, f"/api/tasks/{task.pk}/annotations/", {"result": [], "ground_truth": True}).status_code == 400


def test_the_same_request_again_makes_no_second_answer_and_another_one_keeps_its_id() -> None:
    campaign = lab.campaign(1)
    client, task = lab.plain(worlds.member(campaign, "mia", "manager")), Task.objects.get()
    path, marks = f"/api/tasks/{task.pk}/annotations/", lab.result(task, (1.0, 2.0))
    first, again = (lab.post(client, path, {"result": marks, "lead_time": seconds}).json() for seconds in (3.0, 4.0))
    assert first["id"] == again["id"] and Submission.objects.count() == 1
    changed = client.patch(f"/api/annotations/{first['id']}/", {"result": []}, content_type="application/json").json()
    assert (changed["id"], changed["result"], changed["last_action"]) == (first["id"], [], "updated")
    back = lab.post(client, path, {"result": marks}).json()
    assert (back["id"], Submission.objects.count()) == (first["id"], 3)
    exported = json.loads(client.get(f"/api/projects/{campaign.pk}/export?export_type=JSON").getvalue())
    assert [one["id"] for one in exported[0]["annotations"]] == [first["id"]]
    assert worlds.after("data.exported") == {"format": "label-studio", "by": "a program"}  # who took data home is in the history

    assert client.delete(f"/api/annotations/{first['id']}/").status_code == 204
    assert client.get(f"/api/annotations/{first['id']}/").status_code == 404
    assert {one.status for one in Submission.objects.all()} == {Status.SUPERSEDED, Status.WITHDRAWN}


def test_one_answer_more_than_is_asked_for_is_kept_beside_the_others() -> None:
    campaign = lab.campaign(1, min_overlap=1, max_overlap=1)
    task = Task.objects.get()
    one, two = (lab.plain(worlds.member(campaign, name, "manager")) for name in ("mia", "max"))
    assert [lab.post(client, f"/api/tasks/{task.pk}/annotations/", {"result": []}).status_code for client in (one, two)] == [201, 201]
    assert sorted(Submission.objects.values_list("status", flat=True)) == [Status.ACCEPTED, Status.SURPLUS]


def test_a_program_that_knows_what_was_heard_says_so_and_is_held_to_it() -> None:
    campaign = lab.campaign(1, counts_unheard=False)
    client, task = lab.plain(worlds.member(campaign, "mia", "manager")), Task.objects.get()
    path = f"/api/tasks/{task.pk}/annotations/"
    assert lab.post(client, path, {"result": [], "heard": [[0, 3]]}).status_code == 400
    lab.post(client, path, {"result": [], "heard": [[0, 15]]})
    assert Submission.objects.get().status == Status.ACCEPTED


def test_a_skip_is_no_answer_and_is_skipped_once() -> None:
    campaign = lab.campaign(1)
    client = lab.plain(worlds.member(campaign, "ann"))
    task = client.get(f"/api/projects/{campaign.pk}/next/").json()["id"]
    one, again = (lab.post(client, f"/api/tasks/{task}/annotations/", {"result": [], "was_cancelled": True}).json() for _ in range(2))
    assert one["id"] == again["id"] < 0 and one["was_cancelled"]
    assert Submission.objects.count() == 0 and Assignment.objects.count() == 1
    assert client.get(f"/api/projects/{campaign.pk}/next/").status_code == 404


def test_what_reads_takes_nothing_from_the_queue() -> None:
    campaign = lab.campaign(1)
    reading = lab.plain(worlds.member(campaign, "ann"), writes=False)
    assert reading.get(f"/api/projects/{campaign.pk}/next/").status_code == 403
    assert Assignment.objects.count() == 0


def test_tasks_that_people_have_begun_are_not_deleted() -> None:
    campaign = lab.campaign(2)
    client, (begun, free) = lab.plain(worlds.member(campaign, "mia", "manager")), Task.objects.order_by("pk")
    lab.post(client, f"/api/tasks/{begun.pk}/annotations/", {"result": []})
    assert client.delete(f"/api/tasks/{begun.pk}/").status_code == 400
    assert client.delete(f"/api/projects/{campaign.pk}/tasks/").status_code == 400
    assert client.delete(f"/api/tasks/{free.pk}/").status_code == 204
    assert Task.objects.get(pk=free.pk).state == Task.State.WITHDRAWN


def test_a_config_says_what_a_campaign_can_be_asked_or_is_refused() -> None:
    campaign = lab.campaign(1, tags=["strings"], collects_missing=True)
    client = lab.plain(worlds.member(campaign, "mia", "manager"))
    own = client.get(f"/api/projects/{campaign.pk}/").json()["label_config"]
    same = lab.post(client, f"/api/projects/{campaign.pk}/validate/", {"label_config": own})
    assert (same.status_code, same.json()) == (200, {"config_essential_data_has_changed": False})
    for other in ("", "<View>", "<!DOCTYPE x><View/>", own.replace("False positive vocals", "cat"), own.replace('name="tag"', 'name="x"')):
        refused = lab.post(client, f"/api/projects/{campaign.pk}/validate/", {"label_config": other})
        assert refused.status_code == 400 and list(refused.json()["validation_errors"]) == ["label_config"], other


def test_a_page_of_tasks_asks_as_many_questions_whatever_is_on_it(django_assert_max_num_queries: Any) -> None:
    campaign = lab.campaign(30, proposes=True)
    client = lab.plain(worlds.member(campaign, "mia", "manager"))
    for task in Task.objects.order_by("pk")[:10]:
        lab.post(client, f"/api/tasks/{task.pk}/annotations/", {"result": lab.result(task, (task.start + 1, task.start + 2))})
    with django_assert_max_num_queries(15):
        page = client.get(f"/api/tasks/?project={campaign.pk}&fields=all").json()
    assert (len(page["tasks"]), page["total_annotations"]) == (30, 10)


def test_a_project_is_given_back_as_it_was_read_without_asking_for_more_answers() -> None:
    campaign = lab.campaign(1)
    client = lab.plain(worlds.member(campaign, "mia", "manager"))
    read = client.get(f"/api/projects/{campaign.pk}/").json()
    assert client.patch(f"/api/projects/{campaign.pk}/", read, content_type="application/json").json()["title"] == read["title"]
    campaign.refresh_from_db()
    assert (campaign.min_overlap, campaign.max_overlap) == (2, 3)


def test_who_has_something_to_do_first_reads_where() -> None:
    campaign = lab.campaign(1, onboarding=True)
    refused = lab.plain(worlds.member(campaign, "ann")).get(f"/api/projects/{campaign.pk}/next/")
    assert refused.status_code == 403 and "http://testserver/c/test/welcome/" in refused.json()["detail"]


def test_the_sound_of_a_clip_comes_to_whoever_may_see_its_task_and_shows_a_token(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    campaign = endpoints.with_two_tones()
    task = Task.objects.get()
    ann, ben = (lab.plain(worlds.member(campaign, name)) for name in ("ann", "ben"))
    where = ann.get(f"/api/projects/{campaign.pk}/next/").json()["data"]["vocals"].removeprefix(lab.SITE)
    assert where == f"/media/tasks/{task.pk}/vocals.ogg"
    heard = ann.get(where)
    assert heard["Content-Type"] == "audio/ogg" and heard.content.startswith(b"OggS")
    assert ben.get(where).status_code == 404
    assert ben.get(where, headers={"Authorization": "Token unknown"}).status_code == 401
