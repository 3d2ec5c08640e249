"""What a job took is given back when it ends, and a worker that keeps too much begins anew in the same process."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest

from hub.home import ROOT
from hub.worker_memory import WORTH, GivesBack, resident
from tests.product import Product, wait_for

MESSAGE: Any = None
MEGABYTE = 2**20


class Ring:
    """Held by nobody but itself, with some memory."""

    def __init__(self, megabytes: int) -> None:
        self.itself, self.memory = self, bytearray(b"x") * (megabytes * MEGABYTE)


@pytest.fixture(autouse=True)
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def never() -> None:
    raise AssertionError("there was room")


def ended(worker: GivesBack) -> None:
    worker.after_ack(dramatiq.get_broker(), MESSAGE)


def test_what_only_holds_itself_is_freed_after_a_job() -> None:
    worker = GivesBack(1_000_000, never)
    ring = weakref.ref(Ring(3 * WORTH))
    assert ring() is not None and resident() > worker.at_rest + 2 * WORTH
    before = worker.at_rest
    ended(worker)
    assert ring() is None
    assert resident() < before + WORTH


def test_small_jobs_are_not_held_up() -> None:
    worker = GivesBack(0, never)
    ring = weakref.ref(Ring(1))
    ended(worker)
    assert ring() is not None


def test_who_keeps_more_than_allowed_is_told() -> None:
    told: list[str] = []
    worker = GivesBack(1, lambda: told.append("too much"))
    kept = bytearray(b"x") * (2 * WORTH * MEGABYTE)
    ended(worker)
    assert told == ["too much"] and kept


def test_the_error_of_a_job_holds_nothing_of_it() -> None:
    def job(seen: Callable[[Ring], None]) -> None:
        songs = Ring(1)
        seen(songs)
        raise ValueError

    seen: list[weakref.ref[Ring]] = []
    worker = GivesBack(1_000_000, never)
    with pytest.raises(ValueError) as raised:
        job(lambda songs: seen.append(weakref.ref(songs)))
    worker.after_process_message(dramatiq.get_broker(), MESSAGE, exception=raised.value)
    gc.collect()
    assert seen[0]() is None


BAD_JOB = """
from django.db import transaction
from annotation.models import Campaign
from learner import services
with transaction.atomic():
    campaign, _ = Campaign.objects.get_or_create(name="C", slug="c", defaults={"paused": True})
    services.queue_job(campaign=campaign, kind="score")
"""  # loads torch, and then finds no round


def do_a_job(product: Product) -> None:
    done = "SELECT count(*) FROM learner_job WHERE state = 'failed'"
    before = product.sql(done)
    product.shell(BAD_JOB)
    wait_for(lambda: product.sql(done) != before, "end of the job")


def test_a_worker_that_keeps_too_much_begins_anew_and_the_supervisor_need_not_know(own_product: Product) -> None:
    own_product.environment["WORKER_MEGABYTES"] = "100"
    product = own_product.start()
    pid, log = product.children()["worker gpu"], product.home / "logs" / "worker-gpu.log"
    do_a_job(product)
    wait_for(lambda: log.read_text().count("Working on gpu") == 2, "worker that began anew")
    do_a_job(product)
    assert product.children()["worker gpu"] == pid
    product.stop()
    assert "worker-gpu" not in product.said()


def test_a_worker_that_runs_alone_begins_anew_with_the_database_that_it_started(own_product: Product, tmp_path: Path) -> None:
    own_product.environment["WORKER_MEGABYTES"] = "100"
    log = tmp_path / "worker.log"
    with open(log, "wb") as output:
        command = [sys.executable, str(ROOT / "manage.py"), "worker", "--queues", "gpu"]
        worker = subprocess.Popen(command, env=own_product.environment, stdout=output, stderr=output)
    try:
        for number in (1, 2):
            wait_for(lambda number=number: log.read_text().count("Working on gpu") == number, "worker that works")  # type: ignore[misc]
            do_a_job(own_product)
        wait_for(lambda: log.read_text().count("Working on gpu") == 3, "worker that began anew")
    finally:
        worker.terminate()
        assert worker.wait(60) == 0, log.read_text()


def test_the_doctor_judges_a_worker_with_torch_too(own_product: Product) -> None:
    product = own_product.start()
    do_a_job(product)
    assert "WORKER_MEGABYTES" not in product.manage("doctor", succeed=False)
    product.environment["WORKER_MEGABYTES"] = "100"
    said = product.manage("doctor", succeed=False)
    assert "torch loaded" in said
    assert "WRONG: worker gpu takes " in said and "WORKER_MEGABYTES allows 100" in said
