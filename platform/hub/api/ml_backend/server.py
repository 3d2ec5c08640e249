"""A lab's Label Studio server, as far as a sync asks it. Its answers are read, and of them only what is needed is given on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from annotation.core import strict_json
from annotation.core.errors import DomainError
from hub import outgoing

LIMITS = outgoing.Limits(seconds=60.0, n_bytes=50_000_000)
PAGE = 50  # tasks
MOST_PAGES = 4_000

Task = dict[str, Any]


class ServerRefuses(DomainError):
    """The Label Studio server did not do what it was asked."""

    status = HTTPStatus.BAD_GATEWAY

    def __init__(self, what: str, status: int) -> None:
        why = {401: "the access token is not good there", 403: "the access token's owner may not do that", 404: "there is no such project"}
        super().__init__(f"The Label Studio server refused to {what}: {why.get(status, f'it answered with status {status}')}.")
        self.answered = status


class Server:
    """One project of a server, asked with somebody's access token: a legacy one, or a personal one, which is worth a short-lived one."""

    def __init__(self, url: str, token: str, project: int) -> None:
        self.url, self.project = url, project
        self._token = token
        self._is_personal = token.count(".") == 2
        self._header = "" if self._is_personal else f"Token {token}"

    def label_config(self) -> str:
        found = self._ask("GET", f"/api/projects/{self.project}/", "tell of the project")
        config = found.get("label_config") if isinstance(found, dict) else None
        return config if isinstance(config, str) else ""

    def people(self) -> dict[int, str]:
        """Everybody's user name by their number."""
        found = self._ask("GET", "/api/users/", "tell who its people are")
        people = found if isinstance(found, list) else []
        return {
            one["id"]: str(one.get("username") or "")[:150] for one in people if isinstance(one, dict) and isinstance(one.get("id"), int)
        }

    def tasks(self) -> Iterator[list[Task]]:
        """All tasks of the project with their annotations, page by page, until one is empty or is not there."""
        for page in range(1, MOST_PAGES + 1):
            query = {"project": self.project, "fields": "all", "page": page, "page_size": PAGE}
            try:
                found = self._ask("GET", f"/api/tasks/?{urlencode(query)}", "list its tasks")
            except ServerRefuses as refusal:
                if refusal.answered == HTTPStatus.NOT_FOUND and page > 1:
                    return
                raise
            tasks = found.get("tasks") if isinstance(found, dict) else None
            if not isinstance(tasks, list) or not tasks:
                return
            yield [one for one in tasks if isinstance(one, dict)]
            if len(tasks) < PAGE:
                return

    def send_tasks(self, datas: Sequence[dict[str, Any]]) -> list[int]:
        """Put tasks into the project; returns their numbers there, in this order, as far as the server says them."""
        path = f"/api/projects/{self.project}/import?return_task_ids=true"
        found = self._ask("POST", path, "take tasks", [{"data": data} for data in datas])
        numbers = found.get("task_ids") if isinstance(found, dict) else None
        return [one for one in numbers if isinstance(one, int)] if isinstance(numbers, list) else []

    def change_task(self, number: int, data: dict[str, Any]) -> None:
        self._ask("PATCH", f"/api/tasks/{number}/", "change a task", {"data": data})

    def _ask(self, method: str, path: str, what: str, body: object = None) -> Any:
        for again in (False, True):
            if self._is_personal and (again or not self._header):
                self._header = f"Bearer {self._access()}"
            headers = {"Authorization": self._header, "Content-Type": "application/json", "Accept": "application/json"}
            sent = None if body is None else json.dumps(body).encode()
            answer = outgoing.send(method, self.url + path, headers=headers, body=sent, limits=LIMITS)
            if answer.status != HTTPStatus.UNAUTHORIZED or not self._is_personal:
                break
        return _read(answer, what)

    def _access(self) -> str:
        """What a personal token is worth for some minutes."""
        sent = json.dumps({"refresh": self._token}).encode()
        headers = {"Content-Type": "application/json"}
        found = _read(outgoing.send("POST", self.url + "/api/token/refresh/", headers=headers, body=sent, limits=LIMITS), "let us in")
        access = found.get("access") if isinstance(found, dict) else None
        if not isinstance(access, str):
            raise ServerRefuses("let us in", HTTPStatus.UNAUTHORIZED)
        return access


def _read(answer: outgoing.Answer, what: str) -> Any:
    if not answer.good or not answer.whole:
        raise ServerRefuses(what, answer.status)
    return strict_json.read(answer.body) if answer.body else None
