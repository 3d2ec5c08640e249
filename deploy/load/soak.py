"""Many small rounds in one GPU worker, and the memory that it has after each: `make bench-soak`, or `python -m deploy.load.soak --help`.

Starts a database and `manage.py worker --queues gpu` on a data folder of its own. A campaign of generated songs of 24 s hears two clips
of 12 s a round; simulated people answer, and every round learns from all clips so far: it is chosen, adapted, gated, and compared with
replay alone, by the product's own jobs. The clock is this program. At rest is what the worker has when the round's jobs are done, peak
the most that it had meanwhile.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.load.product import ROOT

ASKED = 1.2  # times: at rest after the last round, of what it was after the third
SETTLED = 3  # rounds
SONGS = (("replay", "source", 3, 8.0), ("validation", "source", 2, 8.0), ("gate", "target", 2, 12.0), ("gate", "source", 1, 8.0))
TESTS = (("test", "target", 1, 12.0), ("test", "source", 1, 8.0))
REST = 3.0  # seconds
PATIENCE = 3600.0  # seconds that a step of a round may take


def make(rounds: int, steps: int, keep_every: int = 0) -> None:
    """The campaign "soak", with a song for each round and some more, since one pool track in six is kept apart."""
    from annotation import services as annotating
    from annotation.models import Membership
    from learner import services
    from learner.core.songs import synth
    from learner.core.teaching import train
    from learner.ingest import ingest
    from learner.simulated import invite_simulated

    recipe = {"steps": steps, "keep_every": keep_every, "factors": [0.5, 1.0], "new_patches": 2, "replay_patches": 2, "n_frames": 64}
    campaign = annotating.create_campaign(
        name="Soak",
        slug="soak",
        clip_seconds=12.0,
        clips_per_round=2,
        recipe=recipe | {"marks_fall_db": 0},  # so few steps learn little
        max_rounds=rounds,
        paused=True,
        seed=3,
    )
    invite_simulated(campaign=campaign, n=4, spam_share=0.0, seed=3)
    keen = {"sensitivity": 1.0, "over_marking": 0.0, "lag": 0.1, "jitter": 0.05, "spam": None}
    campaign.memberships.filter(kind=Membership.Kind.SIMULATED).update(habits=keen)
    with TemporaryDirectory() as scratch:
        for number, (use, domain, n, duration) in enumerate((("pool", "target", rounds * 5 // 4 + 2, 24.0), *SONGS, *TESTS)):
            folder = Path(scratch) / f"{use}-{domain}"
            folder.mkdir()
            synth.write_songs(folder, domain, range(910_000 + 1000 * number, 910_000 + 1000 * number + n), duration)  # type: ignore[arg-type]
            ingest(campaign=campaign, folder=folder, use=use, domain=domain)
    services.share(campaign=campaign, checkpoint=services.keep_checkpoint(file=train.BASE))
    annotating.resume_rounds(campaign=campaign)


def megabytes(pid: int, name: str) -> float:
    """VmRSS, what a process has, or VmHWM, the most that it had since `forget_peak`."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else float("nan")


def forget_peak(pid: int) -> None:
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def come_to_rest(pid: int) -> None:
    """A job is done before its worker is at rest: wait until that has not computed for a while."""
    before = -1
    while before != (now := sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))):
        before = now
        time.sleep(REST)


def wait(question: Callable[[], bool], what: str, worker: subprocess.Popen[bytes]) -> None:
    """Tick until the answer is yes."""
    from learner import services

    until = time.monotonic() + PATIENCE
    while not question():
        if worker.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"There was no {what}: the worker {'ended' if worker.poll() is not None else 'took too long'}.")
        services.tick()
        time.sleep(0.5)


def one_round(number: int, worker: subprocess.Popen[bytes]) -> str:
    """Turn a round with everything that belongs to it; returns how it ended."""
    from annotation.models import Campaign
    from learner.models import Job, Round
    from learner.simulated import simulate_people

    def state() -> str:
        found = Round.objects.filter(number=number).values_list("state", flat=True).first()
        return str(found or "")

    wait(lambda: state() not in ("", Round.State.SCORING), f"choice of round {number}", worker)
    if state() == Round.State.ANNOTATING:
        simulate_people(campaign=Campaign.objects.get(slug="soak"))
    wait(lambda: state() not in (Round.State.ANNOTATING, Round.State.ADAPTING), f"end of round {number}", worker)
    # The comparison with replay alone, and the choice of the next round's clips; then all wait for people.
    wait(lambda: not Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists(), f"rest after round {number}", worker)
    if failed := Job.objects.filter(state=Job.State.FAILED).first():
        raise SystemExit(f"A job failed: {failed.reason}")
    return state()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=6, help="of each adaptation")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="unbleed soak ") as scratch:
        for name in ("DATABASE_URL", "BROKER_URL"):
            os.environ.pop(name, None)
        os.environ |= {"UNBLEED_HOME": str(Path(scratch) / "home"), "DJANGO_SETTINGS_MODULE": "hub.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        from hub import postgres

        server = postgres.Server(options={"fsync": "off"})
        server.start()
        try:
            call_command("migrate", verbosity=0)
            make(arguments.rounds, arguments.steps)
            at_rest = turn(arguments.rounds, Path(scratch) / "worker.log")
        finally:
            server.stop()
    if len(at_rest) > SETTLED:
        ratio = at_rest[-1] / at_rest[SETTLED - 1]
        print(f"At rest after round {len(at_rest)}: {ratio:.2f} times what it was after round {SETTLED} (asked: at most {ASKED:g})")
        raise SystemExit(int(ratio > ASKED))


def turn(rounds: int, log: Path) -> list[float]:
    """Turn the rounds and print a line each; returns the megabytes at rest after each."""
    from learner.models import FeedbackClip

    at_rest: list[float] = []
    with open(log, "wb") as output:
        worker = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "worker", "--queues", "gpu"], stdout=output, stderr=output)
    try:
        for number in range(1, rounds + 1):
            forget_peak(worker.pid)
            began = time.monotonic()
            ended = one_round(number, worker)
            come_to_rest(worker.pid)
            at_rest.append(megabytes(worker.pid, "VmRSS"))
            n_clips = FeedbackClip.objects.filter(feedback_set__round__number=number, kept_apart=False).count()
            print(
                f"round {number:3}: {ended:<9} {n_clips:3} clips, {time.monotonic() - began:5.1f} s, "
                f"{at_rest[-1]:6.0f} MB at rest, {megabytes(worker.pid, 'VmHWM'):6.0f} MB at the peak",
                flush=True,
            )
    except SystemExit:
        print(log.read_text(errors="replace")[-3000:])
        raise
    finally:
        worker.terminate()
        worker.wait(60)
    return at_rest


if __name__ == "__main__":
    main()
