"""People with a page open each, who go on through whatever happens, and what they are answered."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

import httpx

from deploy.load.annotators import CLIP, CSRF, some_key, some_marks
from deploy.load.ledger import Answer, Ledger

HANG = 90.0  # seconds; who waits longer than this for an answer was left without one
SHORTEST, LONGEST = 0.5, 5.0  # seconds that a page waits before it tries again, where it is told nothing else
IMPATIENT = 0.25  # seconds between two questions of the one who measures
QUIET = 1.0  # seconds; with somebody so impatient, no answer for so long is a silence


class Outcome(Enum):
    """What became of a request."""

    OK = "ok"
    REFUSED = "refused in words"
    FAILED = "failed otherwise"
    CLOSED = "nobody there, since somebody stopped it"


class Seen(NamedTuple):
    """One request: when it was answered or given up, and what with."""

    at: float  # time.monotonic()
    outcome: Outcome
    what: str


@dataclass(frozen=True)
class Figures:
    """What a crowd saw of one fault."""

    ok: int
    refused: int
    failed: int
    silence: float  # seconds, the longest without an answer that is ok
    first: float  # seconds from the fault's end to the first answer that is ok
    failures: Counter[str]


def figures(seen: Iterable[Seen], began: float, ended: float, until: float) -> Figures:
    """What was answered from the fault's beginning to `until`; times in seconds, infinite where nothing more was ok.

    Of a fault that lasts no time, what was done before it may be answered just after it: where people are left without an answer
    within a moment of its end, the first answer is the one after that silence.
    """
    during = sorted((one for one in seen if began <= one.at <= until), key=lambda one: one.at)
    ok = [one.at for one in during if one.outcome is Outcome.OK]
    ends = [began, *ok, *([] if any(at >= ended for at in ok) else [float("inf")])]
    silences = list(pairwise(ends))
    after = [end for start, end in silences if end >= ended and start <= ended + QUIET and end - start > QUIET]
    first = max(after, default=min((at for at in ok if at >= ended), default=float("inf")))
    return Figures(
        ok=len(ok),
        refused=sum(one.outcome is Outcome.REFUSED for one in during),
        failed=sum(one.outcome is Outcome.FAILED for one in during),
        silence=max(end - start for start, end in silences),
        first=first - ended,
        failures=Counter(one.what for one in during if one.outcome is Outcome.FAILED),
    )


def judge(status: int, headers: Any, body: Any) -> Outcome:
    """Refused in words: come again (503) or no room (507), said when, and a sentence for the person. A plain no (4xx) is an answer."""
    if status < 500:
        return Outcome.OK
    words = isinstance(body, dict) and isinstance(body.get("detail"), str) and body["detail"] and "retry-after" in headers
    return Outcome.REFUSED if status in (503, 507) and words else Outcome.FAILED


class Over(Exception):
    """The crowd goes home."""


@dataclass
class Crowd:
    """Everybody, and what they saw."""

    url: str
    slug: str
    think: float  # seconds on average, between a clip and its answer
    ledger: Ledger = field(default_factory=Ledger)
    seen: list[Seen] = field(default_factory=list)  # appended to by many threads
    over: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)  # while whoever runs the site has stopped it
    people: list[threading.Thread] = field(default_factory=list)

    def start(self, sessions: list[str]) -> None:
        """The last of the sessions is that of one who answers nothing, and asks all the time."""
        for number, session in enumerate(sessions):
            person = Person(self, f"p{number}", session)
            work = person.knock if number == len(sessions) - 1 else person.work
            self.people.append(threading.Thread(target=work, name=person.name, daemon=True))
        for one in self.people:
            one.start()

    def stop(self) -> None:
        """Let everybody hear what became of their last request, and go."""
        self.over.set()
        for one in self.people:
            one.join()

    def figures(self, began: float, ended: float, until: float) -> Figures:
        return figures(list(self.seen), began, ended, until)


class Person:
    """One person at a browser: what is not answered is sent again with the same key, after the pause that the server asked for."""

    def __init__(self, crowd: Crowd, name: str, session: str) -> None:
        self.crowd, self.name = crowd, name
        self.chance = random.Random(f"{crowd.slug} {name}")
        self.client = httpx.Client(
            base_url=crowd.url, timeout=HANG, limits=httpx.Limits(keepalive_expiry=4),
            cookies={"sessionid": session, "csrftoken": CSRF}, headers={"X-CSRFToken": CSRF},
        )  # fmt: skip

    def work(self) -> None:
        try:
            self.crowd.over.wait(self.chance.uniform(0, self.crowd.think))
            while not self.crowd.over.is_set():
                given = self.insist("next", "POST", f"/api/campaigns/{self.crowd.slug}/next/")
                if not given:
                    self.rest(1.0)
                    continue
                task = given["task"]["id"]
                if self.chance.random() < 0.5:
                    self.draft(task)
                self.rest(self.chance.expovariate(1 / self.crowd.think))
                self.answer(task)
        except Over:
            pass
        finally:
            self.client.close()

    def knock(self) -> None:
        """Ask for a clip again and again: whoever comes first after a fault, it is hardly later than this."""
        while not self.crowd.over.is_set():
            self.ask("knock", "POST", f"/api/campaigns/{self.crowd.slug}/next/")
            self.crowd.over.wait(IMPATIENT)
        self.client.close()

    def draft(self, task: int) -> None:
        result, ledger = some_marks(self.chance), self.crowd.ledger
        ledger.send_draft(task, self.name, result)
        if self.insist("draft", "PUT", f"/api/tasks/{task}/draft/", {"result": result}):
            ledger.acknowledge_draft(task, self.name, result)

    def answer(self, task: int) -> None:
        answer = Answer(some_key(self.chance), task, self.name, some_marks(self.chance))
        self.crowd.ledger.send(answer)
        body = {"result": answer.result, "client_key": str(answer.key), "lead_time": 9.5, "heard": [[0, CLIP]]}
        if self.insist("submit", "PUT", f"/api/tasks/{task}/submission/", body):
            self.crowd.ledger.acknowledge(answer.key)

    def insist(self, what: str, method: str, path: str, body: Any = None) -> Any:
        """Send until there is an answer; returns its content, or None where it is a plain no. Raises `Over` when it is time to go."""
        pause = SHORTEST
        while True:
            if self.chance.random() < 0.02:
                self.hang_up(method, path, body)
            status, content, again = self.ask(what, method, path, body)
            if 0 < status < 500:
                return content if status in (200, 201) else None
            self.rest(again or pause * self.chance.uniform(0.7, 1.3))
            pause = min(2 * pause, LONGEST)

    def ask(self, what: str, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        """Status (0: none came), content, and the seconds to wait that the server asked for."""
        try:
            answer = self.client.request(method, path, json=body)
        except (
            httpx.RemoteProtocolError,
            httpx.ReadError,
            httpx.WriteError,
        ):  # the connection lay idle and was just closed: a browser sends again by itself
            return self.once_more(what, method, path, body)
        except httpx.TransportError as error:
            return self.unanswered(what, error)
        return self.understood(what, answer)

    def once_more(self, what: str, method: str, path: str, body: Any) -> tuple[int, Any, float]:
        try:
            return self.understood(what, self.client.request(method, path, json=body))
        except httpx.TransportError as error:
            return self.unanswered(what, error)

    def unanswered(self, what: str, error: httpx.TransportError) -> tuple[int, Any, float]:
        self.saw(Outcome.CLOSED if self.crowd.closed.is_set() else Outcome.FAILED, f"{what}: {type(error).__name__}")
        return 0, None, 0.0

    def understood(self, what: str, answer: httpx.Response) -> tuple[int, Any, float]:
        try:
            content = answer.json() if answer.content else None
        except ValueError:
            content = None
        outcome = judge(answer.status_code, answer.headers, content)
        self.saw(outcome, f"{what}: {answer.status_code} {answer.text[:120] if outcome is Outcome.FAILED else ''}".strip())
        again = answer.headers.get("retry-after", "")
        return answer.status_code, content, float(again) if again.isdecimal() else 0.0

    def saw(self, outcome: Outcome, what: str) -> None:
        self.crowd.seen.append(Seen(time.monotonic(), outcome, what))

    def hang_up(self, method: str, path: str, body: Any) -> None:
        """Lose the connection in the middle of a request; it may have been done, and is sent again."""
        with contextlib.suppress(httpx.TransportError):
            self.client.request(method, path, json=body, timeout=self.chance.uniform(0.001, 0.02))

    def rest(self, seconds: float) -> None:
        if self.crowd.over.wait(seconds):
            raise Over
