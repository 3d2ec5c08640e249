"""A campaign's tasks with people's answers and the model's proposals, as Label Studio exports a project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse

from annotation.core import label_studio, questions
from annotation.core.formats.label_studio import CONTROLS
from annotation.models import Campaign, FirstVisit, Mark, MissingMark, Submission, Task

AT_ONCE = 500  # tasks in memory

PASSED_ON = Q(status__in=[Submission.Status.ACCEPTED, Submission.Status.SURPLUS]) & (
    Q(by__first_visit=None) | ~Q(by__first_visit__consent=FirstVisit.Consented.WITHDRAWN)
)
"""Answers that may leave the site: those that stand, of people who have not withdrawn their consent."""


def label_studio_json(
    campaign: Campaign, *, tasks: QuerySet[Task] | None = None, answers: Q = PASSED_ON, site: str = ""
) -> Iterator[dict[str, Any]]:
    """Each task as Label Studio's export has it, in order of ids; `tasks` narrows them, `answers` says whose answers are in it.

    Times are seconds of the clip, as Label Studio counts them, and `data` says where in the track the clip begins. An annotation's
    `completed_by` is the number of a membership. `site` is put before the addresses of sounds. For whoever may take data: it tells
    which clips have a known truth.
    """
    given = Submission.objects.filter(answers).select_related("by").order_by("pk")
    spans = (Prefetch("marks", Mark.objects.order_by("start")), Prefetch("missing", MissingMark.objects.order_by("start")))
    wanted = Task.objects.filter(campaign=campaign) if tasks is None else tasks
    found = wanted.select_related("track", "proposal").prefetch_related(
        Prefetch("submissions", given.prefetch_related(*spans), to_attr="passed_on")
    )
    for task in found.order_by("pk").iterator(chunk_size=AT_ONCE):
        yield _task(task, campaign, site)


def controls_of(campaign: Campaign) -> dict[str, str]:
    """The controls of the campaign's labelling config, for the converter's formats."""
    return {name: kind for name, kind in CONTROLS.items() if name != label_studio.TAG_NAME or campaign.tags}


def _task(task: Task, campaign: Campaign, site: str) -> dict[str, Any]:
    annotations = [_annotation(one, task) for one in task.passed_on]  # type: ignore[attr-defined]  # prefetched
    proposal = getattr(task, "proposal", None)
    predictions = [_prediction(task)] if proposal and proposal.shown else []
    return {
        "id": task.pk,
        "data": _data(task, site),
        "meta": {},
        "annotations": annotations,
        "predictions": predictions,
        "drafts": [],
        "project": campaign.pk,
        "inner_id": task.pk,
        "created_at": _time(task.opened),
        "updated_at": _time(task.closed or task.opened),
        "updated_by": None,
        "file_upload": None,
        "allow_skip": True,
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "total_predictions": len(predictions),
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "comment_authors": [],
    }


def _data(task: Task, site: str) -> dict[str, Any]:
    track = task.track
    return {
        task.stem: site + reverse("clip", args=[task.pk, task.stem]),
        label_studio.MIX_NAME: site + reverse("clip", args=[task.pk, label_studio.MIX_NAME]),
        "track": track.name,
        "artist": track.artist,
        "album": track.album,
        "licence": track.licence,
        "clip_start": task.start,
        "clip_end": task.end,
        "kind": task.kind,
        "round": task.round_number,
        "arm": task.arm,
        "checkpoint": task.checkpoint,
    }


def _annotation(given: Submission, task: Task) -> dict[str, Any]:
    result = _result(given, task)
    return {
        "id": given.pk,
        "result": result,
        "result_count": len(result),
        "task": task.pk,
        "project": task.campaign_id,
        "completed_by": given.by_id,
        "pseudonym": given.by.pseudonym,
        "updated_by": None,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": _time(given.created),
        "updated_at": _time(given.created),
        "draft_created_at": None,
        "lead_time": given.lead_time,
        "prediction": {},
        "parent_prediction": None,
        "parent_annotation": None,
        "unique_id": str(given.client_key),
        "import_id": None,
        "last_action": None,
        "last_created_by": None,
        "bulk_created": False,
    }


def _result(given: Submission, task: Task) -> list[dict[str, Any]]:
    """As it was received; answers to quick questions as the marks that were made of them."""
    if not questions.is_quick(given.result):
        return list(given.result)
    missing = [(one.start, one.end) for one in given.missing.all()]
    return label_studio.result([one.region for one in given.marks.all()], task.clip, task.stem, missing=missing)


def _prediction(task: Task) -> dict[str, Any]:
    made = label_studio.prediction(task.proposal.regions, task.clip, task.checkpoint[:8], task.stem)
    created = _time(task.opened)
    return {
        "id": task.proposal.pk,
        **made,
        "task": task.pk,
        "project": task.campaign_id,
        "created_at": created,
        "updated_at": created,
        "model": None,
        "model_run": None,
        "cluster": None,
        "neighbors": None,
        "mislabeling": 0.0,
    }


def _time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
