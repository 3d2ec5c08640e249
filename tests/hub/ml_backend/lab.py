"""A lab's Label Studio as its version 1.23.2 speaks: the bodies that it sends, as they were recorded, and a server that a sync asks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from annotation.core import label_studio
from annotation.models import Task
from hub import outgoing

TOKEN, PASSWORD = "0123456789abcdef0123456789abcdef01234567", "pw-of-the-lab-12345"
"""What the server sends along, and nobody may keep."""

BEGAN = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)

PROJECT: dict[str, Any] = {
    "id": 3,
    "title": "Songs A",
    "label_config": "<View></View>",
    "token": TOKEN,
    "task_data_login": "lab",
    "task_data_password": PASSWORD,
    "created_by": {"id": 1, "first_name": "", "last_name": "", "email": "lab@example.org", "avatar": None},
    "task_number": 3,
}


def setup_body() -> dict[str, Any]:
    return {
        "project": "3.1764410400",
        "schema": "<View></View>",
        "hostname": "http://labels.lab.example",
        "access_token": TOKEN,
        "extra_params": None,
    }


def predict_body(*tasks: dict[str, Any], context: Any = None) -> dict[str, Any]:
    params = {"login": "lab", "password": PASSWORD, "context": context}
    return {"tasks": list(tasks), "project": "3.1764410400", "label_config": "<View></View>", "params": params}


def task_there(task: Task, number: int = 1, **data: Any) -> dict[str, Any]:
    """A task as that server has it, which names one of our clips by its sound."""
    return {
        "id": number,
        "data": data or {task.stem: f"https://unbleed.example/media/tasks/{task.pk}/{task.stem}.ogg"},
        "meta": {},
        "project": 3,
        "is_labeled": False,
        "overlap": 1,
        "inner_id": number,
        "annotations": [],
        "predictions": [],
    }


def annotation_there(
    task: Task, *spans: tuple[float, float], number: int = 11, by: int = 1, minutes: float = 0, **about: Any
) -> dict[str, Any]:
    """An annotation as that server has it; `spans` in seconds of the track, changed so many minutes after the first."""
    then = (BEGAN + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return {
        "id": number,
        "result": label_studio.result(spans, task.clip, task.stem),
        "completed_by": by,
        "created_username": " lab@example.org, 1",
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": BEGAN.isoformat().replace("+00:00", "Z"),
        "updated_at": then,
        "lead_time": 12.5,
        "task": 1,
        "project": 3,
        **about,
    }


def event(action: str, task: Task, annotation: dict[str, Any]) -> dict[str, Any]:
    return {"action": action, "annotation": annotation, "task": task_there(task), "project": PROJECT}


def deleted(*numbers: int) -> dict[str, Any]:
    return {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": number} for number in numbers], "project": PROJECT}


class Server:
    """What a sync asks, in memory: one project, its tasks and annotations, its people. `fails_after` requests it is gone."""

    def __init__(self, config: str, people: Mapping[int, str]) -> None:
        self.config, self.people = config, dict(people)
        self.tasks: dict[int, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.authorization: set[str] = set()
        self.drops_answers = False

    def annotate(self, number: int, annotation: dict[str, Any]) -> None:
        self.tasks[number]["annotations"].append(annotation)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, limits: Any = None) -> outgoing.Answer:
        """In place of `hub.outgoing.send`."""
        parts = urlsplit(url)
        self.asked.append((method, parts.path))
        self.authorization.add(headers.get("Authorization", ""))
        status, said = self._answer(method, parts.path, parse_qs(parts.query), json.loads(body) if body else None)
        if method == "POST" and self.drops_answers:
            raise outgoing.TooSlow("labels.lab.example took longer than 60 seconds.")
        return outgoing.Answer(status, {}, json.dumps(said).encode())

    def _answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "/api/projects/3/":
            return 200, PROJECT | {"label_config": self.config}
        if path == "/api/users/":
            return 200, [{"id": number, "username": name, "email": f"{name}@example.org"} for number, name in self.people.items()]
        if path == "/api/tasks/":
            page, size = int(query["page"][0]), int(query["page_size"][0])
            found = [self.tasks[number] for number in sorted(self.tasks)][(page - 1) * size : page * size]
            return (200, {"tasks": found, "total": len(self.tasks)}) if found or page == 1 else (404, {"detail": "Invalid page."})
        if path == "/api/projects/3/import":
            numbers = [max(self.tasks, default=100) + 1 + n for n in range(len(body))]
            for number, one in zip(numbers, body, strict=True):
                self.tasks[number] = {"id": number, "data": one["data"], "annotations": []}
            return 201, {"task_count": len(numbers), "task_ids": numbers}
        if (one := re.fullmatch(r"/api/tasks/(\d+)/", path)) and method == "PATCH":
            self.tasks[int(one[1])]["data"] = body["data"]
            return 200, self.tasks[int(one[1])]
        return 404, {"detail": "Not found."}
