"""Faults on the real product, under a crowd and with a job at work: `make drill`, or `python -m deploy.drill --help`.

For each server, embedded and external, starts `manage.py up` on a home of its own (on a small disk of its own where this machine permits
mounts). People fetch clips, keep drafts and answer over HTTP; a second campaign adapts its model round after round. Then things go wrong,
one after another. What was acknowledged is held against the rows, and everything has to go on by itself.

Times depend on what else the machine does; its load is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.drill import report
from deploy.drill.crowd import Crowd
from deploy.drill.faults import NAMES, Fault, Scene, faults
from deploy.drill.places import SERVERS, Disk, settle
from deploy.drill.report import Row
from deploy.drill.rounds import Rounds, Work, soon
from deploy.load.annotators import fill
from deploy.load.ledger import faults_of
from deploy.load.product import ROOT, Product

SLUG = "drill"
TASKS = 20_000
PEACE = 5.0  # seconds between the crowd's beginning and the first fault
PATIENCE = 300.0  # seconds that everything has to go on after a fault
NEXT_JOB = 1200.0  # seconds until a job is at work again, or a round ends
QUICK = {"stopped": 10.0, "exhausted": 5.0, "full-disk": 10.0, "read-only": 10.0, "broken-disk": 10.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), metavar="FAULT", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--server", nargs="+", choices=list(SERVERS), default=list(SERVERS))
    parser.add_argument("--quick", action="store_true", help="faults that last a while last shorter")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--think", type=float, default=3.0, help="seconds between a clip and its answer, on average")
    parser.add_argument("--steps", type=int, default=400, help="of each adaptation")
    parser.add_argument(
        "--port", type=int, default=0, help="of the web server; the next one is the external database's (default: free ones)"
    )
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)  # of a drill on both servers, which prints the table
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("Stopped before the end."))
    if len(arguments.server) > 1:
        rows = [row for name in arguments.server for row in apart(name, arguments)]
    else:
        rows = drill(arguments.server[0], arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps([row.as_json() for row in rows]))
    raise SystemExit(0 if arguments.part else report.show(rows))


def apart(server: str, arguments: argparse.Namespace) -> list[Row]:
    """The drill on one server, in a process of its own: Django knows one database."""
    with TemporaryDirectory() as scratch:
        figures = Path(scratch) / "figures"
        same = [f"--{name}={getattr(arguments, name)}" for name in ("people", "think", "steps", "port")]
        command = [
            sys.executable,
            "-m",
            "deploy.drill",
            "--server",
            server,
            *same,
            "--json",
            str(figures),
            "--part",
            "--only",
            *arguments.only,
        ]
        subprocess.run([*command, *(["--quick"] if arguments.quick else [])], check=True, cwd=ROOT)
        return [Row(**row) for row in json.loads(figures.read_text())]


def drill(name: str, arguments: argparse.Namespace) -> list[Row]:
    for variable in ("DATABASE_URL", "BROKER_URL", "WEB_THREADS"):
        os.environ.pop(variable, None)
    with TemporaryDirectory(prefix="unbleed drill ") as folder:
        scratch = Path(folder)
        disk = Disk(scratch)
        home = scratch / "home" if disk.why_not else disk.folder / "home"
        os.environ |= {"UNBLEED_HOME": str(home), "DJANGO_SETTINGS_MODULE": "hub.settings"}
        server = SERVERS[name](scratch, arguments.port + 1 if arguments.port else 0)
        try:
            import django

            django.setup()
            logging.getLogger("httpx").setLevel(logging.WARNING)
            server.start()
            with Product(home, scratch / "up.out", arguments.port) as product:
                return play(Scene(product, server, disk), arguments)
        finally:
            server.stop()
            disk.remove()


def play(scene: Scene, arguments: argparse.Namespace) -> list[Row]:
    from django.db import connections

    sessions = fill(SLUG, TASKS, arguments.people + 1)
    rounds = Rounds(arguments.steps)
    say(scene, "making songs, and a campaign that learns from them")
    rounds.start()
    settle(scene.server)
    status, words = scene.product.doctor()
    if status:
        raise SystemExit(f"Before any fault, something is wrong:\n{words}")
    crowd = Crowd(scene.product.url, SLUG, arguments.think, closed=scene.closed)
    crowd.start(sessions)
    time.sleep(PEACE)
    rows = [one_fault(fault, scene, rounds, crowd, arguments) for fault in faults(scene.server) if fault.name in arguments.only]
    ended = rounds.finish(NEXT_JOB)
    say(
        scene,
        f"the round that was open ended as {ended or '…: it did not end'}; {len(crowd.ledger.acknowledged)} answers were acknowledged",
    )
    crowd.stop()
    rounds.stop()
    whole = Row(scene.server.name, "all of it", kept=len(crowd.ledger.acknowledged), lacking=rounds.given_up())
    whole.lacking += [] if ended else ["the last round does not end"]
    whole.hold(faults_of(SLUG, crowd.ledger, drafts=True))
    rows.append(whole)
    connections.close_all()
    return rows


def one_fault(fault: Fault, scene: Scene, rounds: Rounds, crowd: Crowd, arguments: argparse.Namespace) -> Row:
    if fault.needs_disk and scene.disk.why_not:
        say(scene, f"{fault.name}: left out, {scene.disk.why_not}")
        return Row(scene.server.name, fault.name, left_out=scene.disk.why_not)
    work = rounds.at_work(NEXT_JOB)
    if work is None:
        return Row(scene.server.name, fault.name, lacking=["no job was at work before it"])
    seconds = min(fault.seconds, QUICK[fault.name]) if arguments.quick and fault.name in QUICK else fault.seconds
    say(scene, f"{fault.name}, {f'{seconds:.0f} s' if seconds else 'a moment'}; the job is at step {work.step}")
    load = os.getloadavg()[0]
    doctor: list[tuple[int, str]] = []
    asking = threading.Thread(target=lambda: doctor.append(scene.product.doctor()), daemon=True)
    began = time.monotonic()
    scene.struck = 0.0
    try:
        fault.begin(scene)
        began = scene.struck or began
        if fault.seconds:
            asking.start()
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            asking.join()
    except BaseException:  # somebody stops the drill: what is frozen or full would keep the product from stopping in order
        with contextlib.suppress(Exception):
            fault.end(scene)
        raise
    ended, since = time.monotonic() if seconds else began, datetime.now(UTC)
    fault.end(scene)
    lacking, quiet_again = go_on(scene, rounds, replace(work, since=since), crowd, ended)
    row = Row(scene.server.name, fault.name, lasted=ended - began, load=load, counted=fault.counted, lacking=lacking)
    row.doctor = "" if not doctor else "WRONG" if doctor[0][0] else "all is well"
    row.went_on = quiet_again - ended
    row.see(crowd.figures(began, ended, time.monotonic()))
    row.hold(faults_of(SLUG, crowd.ledger))
    say(scene, row.sentence())
    return row


def go_on(scene: Scene, rounds: Rounds, work: Work, crowd: Crowd, ended: float) -> tuple[list[str], float]:
    """What does not go on by itself, and when the rest did."""

    from django.db import DatabaseError, InterfaceError, connection

    def lacks() -> list[str]:
        parts = {"web", "worker default,audio", "worker gpu", "tick"} | ({"database"} if scene.server.mends_itself else set())
        missing = [f"{part} does not run" for part in sorted(parts - set(scene.product.parts()))]
        if missing:
            return missing
        try:
            return ([] if rounds.went_on(work) else ["the job does not go on"]) + rounds.given_up()
        except (DatabaseError, InterfaceError):
            connection.close()
            return ["the database does not answer"]

    lacking = [] if soon(lambda: not lacks(), PATIENCE) else lacks()
    at = time.monotonic()
    soon(lambda: crowd.figures(ended, ended, time.monotonic()).ok > 0, PATIENCE)
    lacking += [] if scene.product.runs() else ["`up` has ended"]
    status, words = 1, ""
    until = time.monotonic() + PATIENCE / 2
    while status and time.monotonic() < until:
        status, words = scene.product.doctor()
    if status:
        lacking += [line for line in words.splitlines() if line.startswith("WRONG")] or [words[-300:]]
    return lacking, at


def say(scene: Scene, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {scene.server.name:<9} {text}", flush=True)


if __name__ == "__main__":
    main()
