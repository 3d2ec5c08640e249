"""Label Studio's own client, unchanged, against us: each call that its community server answers, and what ours refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from label_studio_sdk.core.api_error import ApiError

from annotation.models import Campaign, Submission, Task
from learner.exports.making import make
from learner.models import Export, Job
from tests import worlds
from tests.hub.label_studio import lab

pytestmark = pytest.mark.django_db


def test_every_call_that_a_community_server_answers() -> None:
    campaign = lab.campaign(3, proposes=True, blind_share=0.0)
    mia = worlds.member(campaign, "mia", "owner")
    ls, task = lab.sdk(mia), Task.objects.order_by("pk")[0]
    assert ls.users.whoami().username == "mia" and [one.id for one in ls.users.list()] == [mia.user_id]
    assert ls.versions.get().edition == "Community"

    assert [one.id for one in ls.projects.list()] == [campaign.pk]
    project = ls.projects.get(id=campaign.pk)
    (control,) = project.get_label_interface().controls
    assert (control.name, control.labels) == ("fp", ["False positive vocals"])
    assert ls.projects.update(id=project.id, title="Bleed", maximum_annotations=4).maximum_annotations == 4
    assert ls.projects.validate_label_config(id=project.id, label_config=project.label_config)
    assert ls.projects.list_counts(ids=str(project.id)).results[0].task_number == 3

    assert [one.id for one in ls.tasks.list(project=project.id, page_size=2)] == [one.pk for one in Task.objects.order_by("pk")]
    got = ls.tasks.get(id=str(task.pk))
    assert ls.tasks.update(id=str(task.pk), data=got.data).id == task.pk
    with pytest.raises(ApiError, match="never changes"):
        ls.tasks.update(id=str(task.pk), data={"vocals": "https://example.org/b.ogg"})
    with pytest.raises(ApiError) as unknown:
        ls.tasks.create(project=project.id, data={"vocals": "https://example.org/b.ogg"})
    assert unknown.value.status_code == 400 and list(unknown.value.body["validation_errors"]) == ["data"]
    again = ls.tasks.create(project=project.id, data={"track": "song", "start": 60.0, "end": 75.0})
    assert again.id not in (one.pk for one in Task.objects.order_by("pk")[:3])

    ls.predictions.create(task=task.pk, result=lab.result(task, (1.0, 2.0)), score=0.9, model_version="theirs")
    (proposed,) = ls.predictions.list(task=task.pk)
    assert ls.predictions.get(id=proposed.id).model_version == worlds.CHECKPOINT[:8]
    last = Task.objects.order_by("pk")[2]
    assert ls.projects.import_predictions(id=project.id, request=[{"task": last.pk, "result": lab.result(last, (31.0, 32.0))}]).created == 1
    assert [one.task for one in ls.predictions.list(project=project.id)] == [task.pk, last.pk]
    with pytest.raises(ApiError, match="own model"):
        ls.ml.create(url="http://127.0.0.1:9090", project=project.id)
    with pytest.raises(ApiError, match="Nothing is marked"):
        ls.predictions.create(task=again.id, result=[])

    made = ls.annotations.create(id=task.pk, result=lab.result(task, (1.0, 2.0)), lead_time=12.5)
    assert (made.completed_by, made.lead_time) == (mia.user_id, 12.5)
    assert ls.annotations.update(id=made.id, result=[]).result == []
    assert [one.id for one in ls.annotations.list(id=task.pk)] == [ls.annotations.get(id=made.id).id] == [made.id]
    assert [one["name"] for one in ls.projects.exports.list_formats(id=project.id)] == ["JSON", "JSON_MIN", "CSV"]
    assert b"region" not in b"".join(ls.projects.exports.download_sync(id=project.id, export_type="JSON"))
    ls.annotations.delete(id=made.id)
    ls.tasks.delete(id=str(again.id))
    ls.projects.delete(id=project.id)
    assert Campaign.objects.get().deleted and list(ls.projects.list()) == []


def test_what_the_community_server_has_not_either_is_not_here() -> None:
    campaign = lab.campaign(1)
    ls = lab.sdk(worlds.member(campaign, "mia", "owner"))
    for call in (ls.users.get_current_user, ls.workspaces.list, ls.comments.list):
        with pytest.raises(ApiError) as missing:
            call()
        assert missing.value.status_code == 404


def test_only_who_makes_campaigns_makes_projects() -> None:
    campaign = lab.campaign(1)
    with pytest.raises(ApiError) as refused:
        lab.sdk(worlds.member(campaign, "mia", "owner")).projects.create(title="Mine")
    assert refused.value.status_code == 403
    admin = worlds.user("admin")
    admin.is_superuser = True
    admin.save()
    with pytest.raises(ApiError):
        lab.sdk(admin, campaign=None, role="owner").projects.create(title="Mine")
    made = lab.sdk(admin).projects.create(title="Mine", expert_instruction="Listen.", maximum_annotations=2)
    kept = Campaign.objects.get(pk=made.id)
    assert (kept.name, kept.slug, kept.instructions, kept.min_overlap, kept.max_overlap) == ("Mine", "mine", "Listen.", 2, 2)
    assert kept.paused and kept.counts_unheard


def test_clips_of_a_campaign_that_one_does_not_manage_are_not_taken() -> None:
    other = lab.campaign(1, slug="other")
    worlds.member(other, "mia", "researcher")
    theirs = Task.objects.get()
    mine = worlds.campaign("mine")
    ls = lab.sdk(worlds.member(mine, "mia", "owner"))
    (seen,) = ls.tasks.list(project=other.pk)
    with pytest.raises(ApiError) as refused:
        ls.projects.import_tasks(id=mine.pk, request=[{"data": seen.data}])
    assert refused.value.status_code == 403 and str(theirs.pk) in refused.value.body["detail"]
    assert mine.tracks.count() == 0 and Submission.objects.count() == 0


def test_a_snapshot_is_what_there_was_then_in_every_format(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    campaign = lab.campaign(2)
    mia = worlds.member(campaign, "mia", "owner")
    ls, task = lab.sdk(mia), Task.objects.order_by("pk")[0]
    made = ls.annotations.create(id=task.pk, result=lab.result(task, (1.0, 2.0)))
    exports = ls.projects.exports
    asked = exports.create(id=campaign.pk, title="snap")
    assert (asked.title, asked.status) == ("snap", "created")
    job = Job.claim(Export.objects.get().job_id)
    assert job
    make(job)
    ls.annotations.delete(id=made.id)

    done = exports.get(id=campaign.pk, export_pk=asked.id)
    assert done.status == "completed" and {one.export_type for one in done.converted_formats} == {"JSON_MIN", "CSV"}
    assert exports.convert(id=campaign.pk, export_pk=asked.id, export_type="CSV").export_type == "CSV"
    tasks = json.loads(b"".join(exports.download(id=campaign.pk, export_pk=asked.id)))
    assert [(one["id"], one["completed_by"]) for one in tasks[0]["annotations"]] == [(made.id, mia.user_id)] and len(tasks) == 2
    table = b"".join(exports.download(id=campaign.pk, export_pk=asked.id, export_type="CSV")).decode()
    assert table.count("False positive vocals") == 1 and '""start"":1.0' in table
    assert [one.id for one in exports.list(id=campaign.pk)] == [asked.id]
    exports.delete(id=campaign.pk, export_pk=asked.id)
    assert exports.list(id=campaign.pk) == []
