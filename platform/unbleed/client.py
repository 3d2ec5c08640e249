"""A client of `/api/v1/`: lists that are read page by page, and what a program may do."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]
AGAIN = (429, 503, 507)
"""Answers after which the same request may do, as `Retry-After` says."""


class Problem(Exception):
    """The site refused a request. `status` is that of the answer, `error` the kind, `field` what is complained about, if anything."""

    def __init__(self, answer: requests.Response) -> None:
        try:
            said = answer.json()
        except ValueError:
            said = None
        said = said if isinstance(said, dict) else {}
        self.status, self.error, self.field = answer.status_code, str(said.get("error", answer.reason)), said.get("field")
        super().__init__(f"{self.status} {self.error}: {said.get('detail', answer.text[:200])}")


class Client:
    """A site, and the token that opens it; without `token` that of the environment, UNBLEED_TOKEN.

    Lost answers and busy moments are tried again, up to `tries` times; what changes something is done once all the same. `timeout` is in
    seconds. Every method raises `Problem` where the site refuses, and `requests.RequestException` where it is not reached.
    """

    def __init__(self, address: str, token: str | None = None, *, timeout: float = 30.0, tries: int = 4) -> None:
        self.address, self.timeout, self.tries = f"{address.rstrip('/')}/api/v1/", timeout, tries
        if not (token := token or os.environ.get("UNBLEED_TOKEN")):
            raise ValueError("Give a token (from your account page), or set UNBLEED_TOKEN.")
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/json"})
        self.session.auth = _keep  # else a .netrc of the machine would replace the token

    def me(self) -> Row:
        """Who the token speaks for, and what it may do."""
        return self.get("me/")

    def campaigns(self) -> Rows:
        """Those that the token opens."""
        return Rows(self, "campaigns/", {})

    def campaign(self, slug: str) -> Campaign:
        return Campaign(self, slug)

    def create_campaign(self, name: str, slug: str, *, stem: str = "vocals", clip_seconds: float = 15.0) -> Campaign:
        """Make one, paused; for site admins."""
        made = self.post("campaigns/", {"name": name, "slug": slug, "stem": stem, "clip_seconds": clip_seconds})
        assert made is not None
        return Campaign(self, made["slug"])

    def get(self, path: str, asked: Mapping[str, Any] | None = None) -> Any:
        """The JSON at a path below /api/v1/, or at an address that the site has given."""
        return self._sent("GET", path, params=_written(asked or {}))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do something once, however often it has to be sent; None where there is nothing to say."""
        return self._sent("POST", path, json=dict(body or {}), headers={"Idempotency-Key": str(uuid.uuid4())})

    def fetch(self, path: str) -> bytes:
        """The file at a path below /api/v1/, or at an address that the site has given."""
        return self._answer("GET", path, headers={"Accept": "*/*"}).content

    def _sent(self, method: str, path: str, **about: Any) -> Any:
        answer = self._answer(method, path, **about)
        return None if answer.status_code == 204 else answer.json()

    def _answer(self, method: str, path: str, **about: Any) -> requests.Response:
        address = path if path.startswith(self.address) else f"{self.address}{path}"
        for left in reversed(range(self.tries)):
            try:
                # The token is for this site: it is not carried to where another address leads.
                answer = self.session.request(method, address, timeout=self.timeout, allow_redirects=False, **about)
            except (requests.ConnectionError, requests.Timeout):
                if not left:
                    raise
                time.sleep(1)
                continue
            if answer.status_code not in AGAIN or not left:
                break
            time.sleep(min(60.0, float(answer.headers.get("Retry-After", 1))))
        if not 200 <= answer.status_code < 300:
            raise Problem(answer)
        return answer


class Rows(Iterable[Row]):
    """A list of rows, fetched page by page as it is gone through; each time anew."""

    def __init__(self, client: Client, path: str, asked: Mapping[str, Any]) -> None:
        self._client, self._path, self._asked = client, path, dict(asked)

    def __iter__(self) -> Iterator[Row]:
        page = self._client.get(self._path, {"limit": 1000, **self._asked})
        while True:
            yield from page["items"]
            if (following := page["next"]) is None:
                return
            # Only what stands behind the ?: a proxy may know the site by another name than we do.
            page = self._client.get(f"{self._path}?{following.partition('?')[2]}")

    def first(self) -> Row | None:
        return next(iter(self), None)

    def frame(self) -> pandas.DataFrame:
        """All of it as a table of pandas, with times as times. Needs pandas."""
        import pandas

        table = pandas.DataFrame(list(self))
        for name in table.columns.intersection(
            ["added", "set_aside", "opened", "closed", "created", "made", "joined", "started", "finished", "when"]
        ):
            table[name] = pandas.to_datetime(table[name], utc=True, format="ISO8601")
        return table


class Campaign:
    """One campaign. Filters are given by name: `marks(round=2, status="accepted")`; the site names those that there are."""

    def __init__(self, client: Client, slug: str) -> None:
        self.client, self.slug, self.path = client, slug, f"campaigns/{slug}/"

    def about(self) -> Row:
        return dict(self.client.get(self.path))

    def tracks(self, **filters: Any) -> Rows:
        return self._rows("tracks", filters)

    def tasks(self, **filters: Any) -> Rows:
        return self._rows("tasks", filters)

    def submissions(self, **filters: Any) -> Rows:
        return self._rows("submissions", filters)

    def marks(self, **filters: Any) -> Rows:
        return self._rows("marks", filters)

    def regions(self, **filters: Any) -> Rows:
        return self._rows("regions", filters)

    def people(self, **filters: Any) -> Rows:
        return self._rows("people", filters)

    def rounds(self, **filters: Any) -> Rows:
        return self._rows("rounds", filters)

    def checkpoints(self, **filters: Any) -> Rows:
        return self._rows("checkpoints", filters)

    def figures(self, **filters: Any) -> Rows:
        return self._rows("figures", filters)

    def jobs(self, **filters: Any) -> Rows:
        return self._rows("jobs", filters)

    def events(self, **filters: Any) -> Rows:
        return self._rows("events", filters)

    def next_task(self) -> Row | None:
        """Take a clip to answer; None: nothing is left."""
        taken: Row | None = self.client.post(f"{self.path}tasks/next/")
        return taken

    def submit(
        self, task: int, marks: Iterable[Sequence[float]], *, missing: Iterable[Sequence[float]] = (),
        heard: Iterable[Sequence[float]] | None = None, lead_time: float = 0.0,
    ) -> Row:  # fmt: skip
        """Answer a task: [start, end] in seconds of the clip, or [start, end, tag]. `heard` None: it cannot be known what was played."""
        body: Row = {
            "marks": [dict(zip(("start", "end", "tag"), one, strict=False)) for one in marks],
            "missing": [dict(zip(("start", "end"), one, strict=True)) for one in missing],
            "lead_time": lead_time,
        }
        if heard is not None:
            body["heard"] = [list(one) for one in heard]
        return dict(self.client.post(f"{self.path}tasks/{task}/submissions/", body))

    def sound(self, task: int, name: str = "mix") -> bytes:
        """A sound of a task's clip, as Ogg Vorbis: that of its stem ("vocals"), "mix", or "removed", the mix without the stem."""
        return self.client.fetch(f"{self.path}tasks/{task}/sounds/{name}.ogg")

    def start_round(self) -> Row:
        return dict(self.client.post(f"{self.path}rounds/"))

    def freeze(self, number: int) -> Row:
        """Learn from what a round has so far."""
        return dict(self.client.post(f"{self.path}rounds/{number}/freeze/"))

    def pause(self) -> Row:
        return dict(self.client.post(f"{self.path}pause/"))

    def resume(self) -> Row:
        return dict(self.client.post(f"{self.path}resume/"))

    def cancel_job(self, job: int) -> Row:
        return dict(self.client.post(f"{self.path}jobs/{job}/cancel/"))

    def retry_job(self, job: int) -> Row:
        return dict(self.client.post(f"{self.path}jobs/{job}/retry/"))

    def _rows(self, name: str, filters: Mapping[str, Any]) -> Rows:
        return Rows(self.client, f"{self.path}{name}/", filters)


def _written(asked: Mapping[str, Any]) -> dict[str, str]:
    """Filters as an address has them."""
    return {name: str(value).lower() if isinstance(value, bool) else getattr(value, "isoformat", lambda value=value: str(value))()
            for name, value in asked.items() if value is not None}  # fmt: skip


def _keep(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
