"""One script of a lab, with Label Studio's own clients: it runs against our product and, unchanged, against Label Studio's server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import requests

from annotation.core.label_studio import label_of, labelling_config

CONFIG = labelling_config()
ANSWERED = 4  # tasks, by each of two people
Said = dict[str, Any]


def spans(number: int) -> list[tuple[float, float]]:
    """What somebody marks in the clip they hear as number so and so: nothing in every other one."""
    return [(1.25 + number, 2.5 + number)] if number % 2 == 0 else []


def result(marked: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"mark{number}",
            "from_name": "fp",
            "to_name": "vocals",
            "type": "labels",
            "origin": "manual",
            "original_length": 15.0,
            "value": {"start": start, "end": end, "channel": 0, "labels": [label_of()]},
        }
        for number, (start, end) in enumerate(marked)
    ]


def run(url: str, keys: Sequence[str], data: Sequence[dict[str, Any]], let_in: Callable[[int], object]) -> Said:
    """Make a project, import tasks, let two people answer, export. `keys` are tokens of its owner and of the other, whom `let_in` lets in.

    Returns what was answered, for a comparison by keys and by seconds.
    """
    with ExitStack() as closing:
        owner, other = (closing.enter_context(sdk(url, key)) for key in keys)
        project = owner.projects.create(title="Bleed in choirs", label_config=CONFIG, maximum_annotations=2)
        imported = owner.projects.import_tasks(id=project.id, request=[{"data": one} for one in data], return_task_ids=True)
        let_in(project.id)
        answered = {}
        for who, key, client in (("owner", keys[0], owner), ("other", keys[1], other)):
            plain = closing.enter_context(httpx.Client(base_url=url, headers={"Authorization": f"Token {key}"}, timeout=60))
            answered[who] = _answer(plain, client, project.id)
        return {
            "project": _raw(url, keys[0], f"/api/projects/{project.id}/"),
            "task": _raw(url, keys[0], f"/api/tasks/{imported.task_ids[0]}/"),
            "tasks": _raw(url, keys[0], f"/api/tasks/?project={project.id}&fields=all"),
            "counts": _raw(url, keys[0], f"/api/projects/counts/?ids={project.id}")["results"][0],
            "whoami": _raw(url, keys[0], "/api/current-user/whoami"),
            "imported": imported.dict(),
            "answered": answered,
            "listed": [task.id for task in owner.tasks.list(project=project.id)],
            "json": owner.projects.exports.as_json(project_id=project.id),
            "csv": owner.projects.exports.as_pandas(project_id=project.id),
            **_by_legacy(closing.enter_context(requests.Session()), url, keys[0], project.id),
        }


@contextmanager
def sdk(url: str, key: str) -> Iterator[Any]:
    """The SDK's client, whose connections end with it."""
    from label_studio_sdk import LabelStudio

    with httpx.Client(timeout=60) as connections:
        yield LabelStudio(base_url=url, api_key=key, httpx_client=connections)


def _by_legacy(session: requests.Session, url: str, key: str, project: int) -> Said:
    from label_studio_sdk._legacy import Client

    legacy = Client(url, key, session=session)
    assert legacy.check_connection()["status"] == "UP"
    of_legacy = legacy.get_project(project)
    return {
        "legacy tasks": [task["id"] for task in of_legacy.get_tasks()],
        "legacy json": of_legacy.export_tasks(download_all_tasks=True),
        "legacy min": of_legacy.export_tasks("JSON_MIN"),
    }


def _answer(plain: httpx.Client, client: Any, project: int) -> Said:
    """Take what is next, note a draft, answer; skip one at the end. The SDK has no call for what is next, nor for drafts."""
    given: list[tuple[int, list[tuple[float, float]]]] = []
    task: Said = {}
    for number in range(ANSWERED):
        task = plain.get(f"/api/projects/{project}/next/").raise_for_status().json()
        marked = result(spans(number))
        draft = plain.post(f"/api/tasks/{task['id']}/drafts", json={"result": marked, "lead_time": 1.0}).raise_for_status().json()
        made = client.annotations.create(id=task["id"], result=marked, lead_time=9.5)
        assert made.completed_by == client.users.whoami().id
        given.append((task["id"], spans(number)))
    skipped = plain.get(f"/api/projects/{project}/next").raise_for_status().json()
    skip = plain.post(f"/api/tasks/{skipped['id']}/annotations", json={"result": [], "was_cancelled": True}).raise_for_status().json()
    return {"given": given, "next": task, "draft": draft, "annotation": made.dict(), "skip": skip}


def _raw(url: str, key: str, path: str) -> Any:
    return httpx.get(url + path, headers={"Authorization": f"Token {key}"}, timeout=60).raise_for_status().json()


def marked_in(tasks: Sequence[dict[str, Any]]) -> dict[int, list[list[tuple[float, float]]]]:
    """What an export says that people marked, by task; skips are left out."""
    return {
        task["id"]: sorted(
            [(one["value"]["start"], one["value"]["end"]) for one in annotation["result"]]
            for annotation in task["annotations"]
            if not annotation["was_cancelled"]
        )
        for task in tasks
    }


def given_in(said: Said) -> dict[int, list[list[tuple[float, float]]]]:
    """The same of what people gave."""
    found: dict[int, list[list[tuple[float, float]]]] = {number: [] for number in said["listed"]}
    for one in said["answered"].values():
        for task, marked in one["given"]:
            found[task] = sorted([*found[task], marked])
    return found
