"""Calls of Label Studio's SDK beside projects, tasks and annotations: accounts, tokens, views and actions, the model, files with tasks."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from label_studio_sdk.core.api_error import ApiError

from annotation.models import Proposal, Task
from hub.accounts.models import User
from hub.api.label_studio.data_manager.models import View
from hub.api.tokens.models import Token
from hub.api.tokens.services import revoke_token
from tests import worlds
from tests.hub import rounds
from tests.hub.label_studio import lab

pytestmark = pytest.mark.django_db


def refused(call: Any, *said: Any, **more: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as error:
        call(*said, **more)
    return int(error.value.status_code or 0), json.dumps(error.value.body)


def test_site_admins_make_accounts() -> None:
    admin = User.objects.create_superuser("root")
    made = lab.sdk(admin).users.create(
        username="mia", email="mia@example.org", first_name="Mia", last_name="Berg", password="eight long words"
    )
    assert (made.username, made.email, made.first_name) == ("mia", "mia@example.org", "Mia Berg")
    mia = User.objects.get(pk=made.id)
    assert mia.check_password("eight long words") and not mia.is_staff and not mia.memberships.exists()
    assert not User.objects.get(pk=lab.sdk(admin).users.create(username="bo", email="bo@example.org").id).has_usable_password()
    for said, words in (
        ({"username": "MIA"}, "already exists"),
        ({"username": "a", "password": "1"}, "too short"),
        ({"username": "a b"}, "valid"),
    ):
        status, why = refused(lab.sdk(admin).users.create, **said)
        assert status == 400 and words in why
    owner = worlds.member(worlds.campaign(), "otto", "owner")
    assert refused(lab.sdk(owner).users.create, username="x")[0] == 403
    assert refused(lab.sdk(admin, role="manager").users.create, username="x")[0] == 403


def test_who_revokes_a_token_ends_what_was_made_by_it() -> None:
    mia = worlds.member(lab.campaign(1), "mia", "owner")
    ls = lab.with_key(lab.token(mia))
    again = lab.with_key(lab.with_key(ls.tokens.create().token).tokens.create().token)
    kept = lab.with_key(lab.token(mia))
    in_place = lab.with_key(again.users.reset_token().token)
    assert in_place.users.whoami().username == "mia"
    revoke_token(token=Token.objects.earliest("pk"))
    assert refused(in_place.users.whoami)[0] == 401 and kept.users.whoami().username == "mia"


def test_a_token_is_worth_itself_and_makes_none_that_may_more() -> None:
    mia = worlds.member(lab.campaign(1), "mia", "owner")
    secret = lab.token(mia, days=3, role="manager", campaign=mia.campaign)
    first = Token.objects.get()
    ls = lab.with_key(secret)
    assert ls.users.get_token().token == secret and ls.tokens.refresh(refresh=secret).access == secret
    another = ls.tokens.create().token
    row = Token.objects.latest("pk")
    assert (row.role, row.campaign, row.writes, row.expires) == ("manager", mia.campaign, True, first.expires)
    assert [one.token for one in ls.tokens.list()] == [secret[:12]], "one that is for less sees itself alone"
    rotated = ls.tokens.rotate(refresh=another).refresh
    assert refused(ls.tokens.refresh, refresh=another)[0] == 401
    ls.tokens.blacklist(refresh=rotated)
    assert refused(ls.tokens.refresh, refresh=rotated)[0] == 401
    fresh = ls.users.reset_token().token
    assert refused(ls.users.whoami)[0] == 401 and lab.with_key(fresh).users.whoami().username == "mia"
    stranger = lab.token(worlds.member(worlds.campaign("other"), "eve", "owner"))
    assert refused(lab.with_key(fresh).tokens.blacklist, refresh=stranger)[0] == 401
    assert lab.with_key(stranger).users.whoami().username == "eve"
    reads = lab.sdk(mia, writes=False)
    assert refused(reads.tokens.create)[0] == refused(reads.users.reset_token)[0] == 403
    browser = Client()
    browser.force_login(worlds.account(mia))
    assert browser.get("/api/current-user/token").status_code == browser.post("/api/token/").status_code == 403


def test_a_view_chooses_tasks_and_actions_are_done_to_them() -> None:
    campaign = lab.campaign(4)
    mia = worlds.member(campaign, "mia", "owner")
    ls, (first, second, third, fourth) = lab.sdk(mia), Task.objects.order_by("pk")
    filters = {"conjunction": "or", "items": [
        {"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": str(first.pk)},
        {"filter": "filter:tasks:id", "operator": "in", "type": "Number", "value": {"min": third.pk, "max": fourth.pk}},
    ]}  # fmt: skip
    view = ls.views.create(project=campaign.pk, data={"title": "Some", "filters": filters, "ordering": ["-tasks:id"]})
    assert [one.id for one in ls.tasks.list(project=campaign.pk, view=view.id)] == [fourth.pk, third.pk, first.pk]
    assert ls.views.get(id=str(view.id)).data["title"] == ls.views.list(project=campaign.pk)[0].data["title"] == "Some"
    assert ls.views.update(id=str(view.id), data={"title": "All"}).data == {"title": "All"}
    assert len(list(ls.tasks.list(project=campaign.pk, view=view.id))) == 4
    later = ls.views.create(project=campaign.pk, data={"filters": filters})
    ls.views.update_order(project=campaign.pk, ids=[later.id, view.id])
    assert [one.id for one in ls.views.list(project=campaign.pk)] == [later.id, view.id]
    for wrong in ({"filters": {"items": [{"filter": "filter:tasks:completed_at"}]}}, {"ordering": ["tasks:data.x"]}, {"filters": 7}):
        assert refused(ls.views.create, project=campaign.pk, data=wrong)[0] == 400

    assert {one.id for one in ls.actions.list(project=campaign.pk)} == {"delete_tasks", "delete_tasks_predictions"}
    plain, address = lab.plain(mia), f"/api/dm/actions/?project={campaign.pk}&id=delete_tasks"
    assert lab.post(plain, address, {}).status_code == 400, "a body that chooses nothing is not about all"
    done = lab.post(plain, f"{address}&view={later.id}", {"selectedItems": {"all": True, "excluded": [first.pk]}})
    assert done.json()["processed_items"] == 2
    assert set(Task.objects.filter(state="withdrawn")) == {third, fourth}
    ls.actions.create(id="delete_tasks", project=campaign.pk, selected_items={"all": False, "included": [second.pk]})
    assert Task.objects.get(pk=second.pk).state == "withdrawn"
    assert refused(ls.actions.create, id="predictions_to_annotations", project=campaign.pk)[0] == 400

    ann = lab.sdk(worlds.member(campaign, "ann"))
    assert refused(ann.views.create, project=campaign.pk, data={})[0] == refused(ann.views.delete, id=str(view.id))[0] == 403
    assert ann.actions.list(project=campaign.pk) == []
    assert refused(lab.sdk(worlds.member(worlds.campaign("other"), "eve", "owner")).views.get, id=str(view.id))[0] == 404
    ls.views.delete(id=str(view.id))
    ls.views.delete_all(project=campaign.pk)
    assert not View.objects.exists()


def test_a_prediction_changes_and_goes_while_nobody_has_its_clip() -> None:
    campaign = lab.campaign(2, proposes=True, blind_share=0.0)
    mia, task = worlds.member(campaign, "mia", "owner"), Task.objects.order_by("pk")[0]
    ls = lab.sdk(mia)
    made = ls.predictions.create(task=task.pk, result=lab.result(task, (1.0, 2.0)))
    changed = ls.predictions.update(id=made.id, result=lab.result(task, (3.0, 4.0)))
    assert [one["value"]["start"] for one in changed.result] == [3.0]
    assert ls.projects.get(id=campaign.pk) and lab.plain(mia).get(f"/api/projects/{campaign.pk}/model-versions").json() == {
        worlds.CHECKPOINT[:8]: 1
    }
    ls.predictions.delete(id=changed.id)
    assert not Proposal.objects.exists()
    kept = ls.predictions.create(task=task.pk, result=lab.result(task, (1.0, 2.0)))
    ann = lab.plain(worlds.member(campaign, "ann"))
    assert ann.get(f"/api/projects/{campaign.pk}/next/").json()["id"] == task.pk
    for call in (lambda: ls.predictions.delete(id=kept.id), lambda: ls.predictions.update(id=kept.id, result=[])):
        status, why = refused(call)
        assert status == 400 and "stays on record" in why
    assert ann.delete(f"/api/predictions/{kept.id}/").status_code == 403 and Proposal.objects.get().pk == kept.id


def test_the_campaigns_model_is_its_projects_backend() -> None:
    campaign = rounds.campaign()
    mia, ann = (worlds.member(campaign, name, role) for name, role in (("mia", "owner"), ("ann", "annotator")))
    ls, task = lab.sdk(mia), rounds.listening(campaign) and Task.objects.filter(campaign=campaign).order_by("pk")[0]
    (backend,) = ls.ml.list(project=campaign.pk)
    current = campaign.shared_model.current.hash[:8]
    assert (backend.id, backend.state, backend.model_version) == (campaign.pk, "CO", current)
    assert ls.ml.get(id=backend.id).title == backend.title and ls.ml.list_model_versions(id=str(backend.id)).versions[0] == current
    ls.ml.predict_interactive(id=backend.id, task=task.pk)  # whose answer the SDK throws away
    found = lab.post(lab.plain(mia), f"/api/ml/{backend.id}/interactive-annotating", {"task": task.pk}).json()["data"]
    assert (found["model_version"], found["result"]) == (current, [])
    for call in (lambda: ls.ml.delete(id=backend.id), lambda: ls.ml.create(url="http://127.0.0.1:9090", project=campaign.pk)):
        assert refused(call)[0] == 400
    status, why = refused(ls.ml.train, id=backend.id)
    assert status == 400 and "Nothing to learn from" in why
    of_ann = lab.sdk(ann)
    assert of_ann.ml.list(project=campaign.pk) == []
    assert refused(of_ann.ml.predict_interactive, id=backend.id, task=task.pk)[0] == 403
    eve = lab.sdk(worlds.member(worlds.campaign("other"), "eve", "owner"))
    assert refused(eve.ml.get, id=backend.id)[0] == 404


def test_tasks_come_as_a_file_that_is_not_kept() -> None:
    campaign = lab.campaign(1)
    mia = worlds.member(campaign, "mia", "owner")
    plain, address = lab.plain(mia), f"/api/projects/{campaign.pk}/import"

    def file(said: Any) -> Any:
        written = BytesIO(said if isinstance(said, bytes) else json.dumps(said).encode())
        written.name = "tasks.json"
        return plain.post(f"{address}?return_task_ids=true", {"file": written})

    taken = file([{"data": {"track": "song", "start": start, "end": start + 15.0}} for start in (60.0, 75.0)])
    assert taken.status_code == 201 and Task.objects.filter(pk__in=taken.json()["task_ids"]).count() == 2
    assert file(b"a,b\n").status_code == file(b"\xff").status_code == 400
    assert lab.sdk(mia).files.list(id=campaign.pk) == []
    for asked in ("commit_to_project=false", "preannotated_from_fields=a"):
        assert lab.post(plain, f"{address}?{asked}", [{"data": {"track": "song", "start": 0, "end": 15}}]).status_code == 400
