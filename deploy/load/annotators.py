"""A crowd over HTTP on the product as it is deployed: `make bench-queue`, or `python -m deploy.load.annotators --help`.

Starts `manage.py up` on a data folder of its own, fills a campaign with tasks, and lets annotators fetch, prefetch and submit
as the editor's page does. Some walk away with a task in hand and come back after their lease, some lose their connection in
the middle of a request and send it again. Then the rows are counted: nothing may be over-assigned, lost or doubled.

Latencies depend on what else the machine does (its load is printed); CPU time of web and database together hardly does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deploy.load.ledger import Answer, Ledger, Result, faults_of
from deploy.load.product import Product

CHECKPOINT = "b" * 64
LEASE = 8  # seconds; short, so that abandoned tasks come back within the run
CLIP = 15.0  # seconds
WARM_UP = 5.0  # seconds that are not measured
CSRF = "c" * 32
# Nobody here takes the time to hear a clip; as if each had been given an hour earlier, their answers count.
GIVEN_EARLIER = """
    CREATE OR REPLACE FUNCTION given_an_hour_earlier() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.taken_at := NEW.taken_at - interval '1 hour'; RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER given_an_hour_earlier BEFORE INSERT ON annotation_assignment
    FOR EACH ROW EXECUTE FUNCTION given_an_hour_earlier()
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Tally:
    """What the crowd saw: milliseconds by kind of request, and every answer that the server acknowledged."""

    took: dict[str, list[float]] = field(default_factory=lambda: {"next": [], "prefetch": [], "submit": []})
    requests: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    surplus: int = 0
    abandoned: int = 0
    cut_off: int = 0
    refused: list[str] = field(default_factory=list)
    measuring: bool = False


@dataclass
class Annotator:
    """One person with a page open."""

    client: httpx.AsyncClient  # signed in
    slug: str
    name: str  # their pseudonym
    tally: Tally
    chance: random.Random
    think: float  # seconds on average

    async def work(self, until: float) -> None:
        await asyncio.sleep(self.chance.uniform(0, self.think))
        while time.monotonic() < until:
            given = await self.ask("next", "POST", f"/api/campaigns/{self.slug}/next/")
            if given is None:
                await asyncio.sleep(1.0)
                continue
            await self.ask("prefetch", "POST", f"/api/campaigns/{self.slug}/prefetch/")
            if self.chance.random() < 0.05:
                self.tally.abandoned += 1
                await asyncio.sleep(LEASE * 1.5)
                if self.chance.random() < 0.5:
                    continue  # and forgets it; otherwise the work comes late
            else:
                await asyncio.sleep(min(LEASE / 2, self.chance.expovariate(1 / self.think)))
            await self.answer(given["task"]["id"])

    async def answer(self, task: int) -> None:
        answer = Answer(some_key(self.chance), task, self.name, some_marks(self.chance))
        self.tally.ledger.send(answer)
        body = {"result": answer.result, "client_key": str(answer.key), "lead_time": 9.5, "heard": [[0, CLIP]]}
        kept = await self.ask("submit", "PUT", f"/api/tasks/{task}/submission/", body)
        if kept:
            self.tally.ledger.acknowledge(answer.key)
            self.tally.surplus += kept["status"] == "surplus"

    async def ask(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        """Send, and in three of a hundred cases hang up in the middle first; then it is sent again, as the page does."""
        if self.chance.random() < 0.03:
            self.tally.cut_off += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.client.request(method, path, json=body), self.chance.uniform(0.001, 0.02))
            self.tally.requests += self.tally.measuring
        began = time.perf_counter()
        try:
            answer = await self.client.request(method, path, json=body)
        except httpx.TransportError:  # the server had just closed the connection that lay idle; a page sends again too
            answer = await self.client.request(method, path, json=body)
        if self.tally.measuring:
            self.tally.requests += 1
            self.tally.took[kind].append(1000 * (time.perf_counter() - began))
        if answer.status_code >= 400:
            self.tally.refused.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.status_code in (200, 201) else None


def some_key(chance: random.Random) -> uuid.UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def some_marks(chance: random.Random) -> Result:
    """As the editor sends them: at most three."""
    marks = sorted(chance.uniform(0, CLIP - 0.5) for _ in range(chance.randint(0, 3)))
    return [
        {
            "id": f"r{number}",
            "from_name": "fp",
            "to_name": "vocals",
            "type": "labels",
            "value": {"start": start, "end": start + 0.4, "channel": 0, "labels": ["False positive vocals"]},
        }
        for number, start in enumerate(marks)
    ]


# ---------------------------------------------------------------- the product


def fill(slug: str, n_tasks: int, n_people: int) -> list[str]:
    """Make a campaign with people and tasks; returns a session key for each person."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connection

    from annotation import services
    from annotation.models import Estimate, Task, Track
    from hub.accounts.models import User

    campaign = services.create_campaign(name=slug, slug=slug, min_overlap=3, max_overlap=5, lease_seconds=LEASE, paused=True)
    sessions: list[str] = []
    for number in range(n_people):
        user, _ = User.objects.get_or_create(username=f"annotator-{number}")
        services.add_member(campaign=campaign, user=user, pseudonym=f"p{number}")
        session = SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "hub.accounts.signed_in.Passwords"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        sessions.append(str(session.session_key))
    per_track = 500
    for first in range(0, n_tasks, per_track):
        track = Track.objects.create(
            campaign=campaign, name=f"{slug} {first}", use="pool", domain="target", duration=per_track * CLIP,
            sample_rate=44_100, channels=2, fingerprint=f"{slug} {first}",
        )  # fmt: skip
        Estimate.objects.create(track=track, stem="vocals", checkpoint=CHECKPOINT, file="x")
        Task.objects.bulk_create(
            Task(
                campaign=campaign, track=track, stem="vocals", checkpoint=CHECKPOINT, start=n * CLIP, end=(n + 1) * CLIP,
                arm="score", chance=1.0, reason="load", min_overlap=3, max_overlap=5, overlap=3,
            )
            for n in range(min(per_track, n_tasks - first))
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(GIVEN_EARLIER)
        cursor.execute("VACUUM ANALYZE")  # what autovacuum does by itself a minute later
    return sessions


def cpu(pids: list[int]) -> float:
    """Seconds of CPU of these processes so far, with those of their children that have ended."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return total / TICKS


def web_and_database(supervisor: int) -> tuple[list[int], list[int]]:
    """Process ids of the web server, and of the database with its backends."""
    from hub.management.commands.doctor import processes, role

    every = list(processes())
    own = {role(one): one.pid for one in every if one.parent == supervisor}
    return [own["web"]], [own["database"], *(one.pid for one in every if one.parent == own["database"])]


# ---------------------------------------------------------------- one run


async def slowdown() -> list[float]:
    """CPU milliseconds of the same piece of work, taken five times a second until cancelled."""
    took = []
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            began = time.process_time_ns()
            json.dumps({number % 97: str(number) for number in range(2000)})
            took.append((time.process_time_ns() - began) / 1e6)
            await asyncio.sleep(0.2)
    return took


async def crowd(
    url: str, slug: str, sessions: list[str], arguments: argparse.Namespace, supervisor: int
) -> tuple[Tally, float, float, float]:
    """Let everybody work; returns what they saw, the CPU seconds of web and database meanwhile, and how much the machine was disturbed."""
    tally = Tally()
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=4)  # each browser has connections of its own
    people = [
        Annotator(
            httpx.AsyncClient(
                base_url=url, timeout=60, limits=limits, cookies={"sessionid": key, "csrftoken": CSRF}, headers={"X-CSRFToken": CSRF}
            ),
            slug, f"p{number}", tally, random.Random(f"{slug} {number}"), arguments.think,
        )
        for number, key in enumerate(sessions)
    ]  # fmt: skip
    until = time.monotonic() + WARM_UP + arguments.seconds
    work = [asyncio.create_task(one.work(until)) for one in people]
    await asyncio.sleep(WARM_UP)
    before = [cpu(pids) for pids in web_and_database(supervisor)]
    tally.measuring = True
    timing = asyncio.create_task(slowdown())
    await asyncio.sleep(arguments.seconds)
    timing.cancel()
    tally.measuring = False
    used = [cpu(pids) - earlier for pids, earlier in zip(web_and_database(supervisor), before, strict=True)]
    await asyncio.gather(*work)
    for one in people:
        await one.client.aclose()
    took = await timing
    return tally, used[0], used[1], sum(took) / len(took) / min(took)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def one_run(url: str, supervisor: int, n_tasks: int, arguments: argparse.Namespace) -> dict[str, float]:
    slug = f"load-{n_tasks}"
    sessions = fill(slug, n_tasks, arguments.annotators)
    load = os.getloadavg()[0]
    tally, web, database, disturbed = asyncio.run(crowd(url, slug, sessions, arguments, supervisor))
    faults = faults_of(slug, tally.ledger)
    figures = {
        f"{kind} {name}": percentile(took, share) for kind, took in tally.took.items() for name, share in (("p50", 0.5), ("p95", 0.95))
    }
    figures["CPU"] = 1000 * (web + database) / tally.requests
    print(f"\n{n_tasks:,} tasks, {arguments.annotators} annotators, {arguments.seconds:.0f} s, thinking {arguments.think:g} s on average")
    print(f"  machine            {os.cpu_count()} cores, load {load:.1f} before, {os.getloadavg()[0]:.1f} after (the crowd's own included)")
    print(f"                     the same work took {disturbed:.1f} times the CPU of its quickest")
    print(
        f"  requests           {tally.requests} measured, {tally.requests / arguments.seconds:.0f} a second; {tally.cut_off} cut off, ",
        end="",
    )
    print(f"{tally.abandoned} tasks abandoned, {len(tally.ledger.acknowledged)} answers kept ({tally.surplus} too late: surplus)")
    print(f"  refused            {len(tally.refused)} {tally.refused[:3] or ''}")
    for name in ("over-assigned", "lost", "changed", "doubled"):
        print(f"  {name:<18} {faults[name]}")
    for kind in tally.took:
        print(f"  {kind:<18} p50 {figures[f'{kind} p50']:.0f} ms, p95 {figures[f'{kind} p95']:.0f} ms")
    each = [1000 * seconds / tally.requests for seconds in (web, database)]
    assert database > 0, "the database's processes were not found"
    print(f"  CPU a request      {figures['CPU']:.1f} ms: web {each[0]:.1f}, database {each[1]:.1f}")
    sys.stdout.flush()
    if any(faults.values()) or tally.refused:
        raise SystemExit("The queue failed: see above.")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--annotators", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=5.0, help="seconds between getting a task and answering it, on average")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="unbleed load ") as scratch:
        home = Path(scratch) / "home"
        for name in ("DATABASE_URL", "BROKER_URL", "WEB_THREADS"):
            os.environ.pop(name, None)
        os.environ |= {"UNBLEED_HOME": str(home), "DJANGO_SETTINGS_MODULE": "hub.settings"}
        with Product(home, home.with_name("up.out")) as product:
            import django

            django.setup()
            logging.getLogger("httpx").setLevel(logging.WARNING)
            assert product.process
            runs = [one_run(product.url, product.process.pid, n, arguments) for n in arguments.tasks]
    if len(runs) > 1:
        growth = ", ".join(f"{name} x {runs[-1][name] / runs[0][name]:.2f}" for name in ("next p95", "submit p95", "CPU"))
        print(f"\nFrom {arguments.tasks[0]:,} to {arguments.tasks[-1]:,} tasks: {growth}")


if __name__ == "__main__":
    main()
