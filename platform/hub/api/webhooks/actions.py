"""Label Studio's actions and what it tells webhooks of them, for those that its SDK made."""

from __future__ import annotations

from typing import Any

from annotation.models import Event, Submission
from hub.api.webhooks.models import Webhook

ACTIONS = {
    "ANNOTATION_CREATED": ("submission.kept", "Annotation created", "Somebody answered a task."),
    "ANNOTATION_UPDATED": ("submission.kept", "Annotation updated", "Somebody changed an answer."),
    "TASKS_CREATED": ("tasks.opened", "Tasks created", "Tasks of a round are there to be answered."),
    "TASKS_DELETED": ("tasks.withdrawn", "Tasks deleted", "Tasks that nobody had answered were withdrawn."),
    "PROJECT_UPDATED": ("campaign.changed", "Project updated", "Somebody changed the campaign's settings."),
}
"""Action -> our kind of event, its name, and when it happens."""

REGION = ("id", "from_name", "to_name", "type", "value", "original_length")


def payload(webhook: Webhook, event: Event | None) -> dict[str, Any] | None:
    """What it is told in Label Studio's form; None: the action is not among those chosen. A test has an action of its own."""
    campaign = webhook.campaign
    project = {"id": campaign.pk, "title": campaign.name}
    if event is None:
        return {"action": "TEST", "project": project}
    after = event.after or {}
    found = [name for name, (kind, *_) in ACTIONS.items() if kind == event.what]
    answer = None
    if event.what == "submission.kept":
        answer = Submission.objects.select_related("by").filter(pk=after.get("submission", 0), task__campaign=campaign).first()
        found = [found[0] if answer is None or answer.revision == 1 else found[1]]
    if not found or found[0] not in webhook.actions:
        return None
    said: dict[str, Any] = {"action": found[0]}
    if not webhook.send_payload:
        return said
    said["project"] = project
    if answer is not None:
        said["task"] = {"id": answer.task_id, "project": campaign.pk}
        said["annotation"] = {
            "id": _first(answer),
            "task": answer.task_id,
            "project": campaign.pk,
            "completed_by": answer.by.user_id,
            "result": [{name: region[name] for name in REGION if name in region} for region in answer.result],
            "lead_time": answer.lead_time,
            "was_cancelled": False,
            "created_at": answer.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
    return said


def _first(answer: Submission) -> int:
    """The id that the SDK knows it by: that of the first answer of its person to its task."""
    return Submission.objects.filter(task=answer.task_id, by=answer.by_id).order_by("revision").values_list("pk", flat=True)[0]
