"""A backup taken in the middle of everything, restored elsewhere: what was there is there, and the loop goes on."""

import os
import signal
import subprocess
import threading
import uuid
from pathlib import Path

import pytest

from hub import backup, postgres
from tests.product import Product, wait_for

pytestmark = pytest.mark.loop

SLOW = 300.0  # seconds; for machines that do much else meanwhile
ADAPTATION = (
    "SELECT job.state, job.attempt, round.state FROM learner_adaptation adaptation JOIN learner_job job ON job.id = adaptation.job_id"
    " JOIN learner_feedbackset feedback ON feedback.id = adaptation.feedback_set_id"
    " JOIN learner_round round ON round.id = feedback.round_id"
    " WHERE round.number = 1"
)


def answer(product: Product, task: int, cookie: str) -> str:
    """Change one's answer, as a person may until the round is closed; returns its key once it was acknowledged."""
    key = str(uuid.uuid4())
    body = {"result": [], "client_key": key, "heard": [[0, 12]], "lead_time": 12}
    status, said = product.send("PUT", f"/api/tasks/{task}/submission/", cookie, body)
    assert status == 201, said
    return key


def as_text(folder: Path) -> list[str]:
    """Every row of a dump, and where its sequences are; without what differs from one run of pg_dump to the next."""
    dump = folder / backup.DUMP
    done = subprocess.run(
        [postgres.program("pg_restore"), "--data-only", "--file=-", dump], capture_output=True, text=True, check=True, timeout=300
    )
    return [line for line in done.stdout.splitlines() if not line.startswith(("--", "\\restrict", "\\unrestrict"))]


def test_a_backup_taken_in_the_middle_of_everything_goes_on_elsewhere(own_product: Product, tmp_path: Path) -> None:
    product = own_product.start()
    product.shell("from tests.loop.tiny import make; make(steps=200, max_rounds=2)")
    product.shell("from tests.browser.desk import set_up; set_up('kept', 1, (10.0, 22.0))")
    cookie = product.sign_in("ann")
    status, taken_up = product.send("POST", "/api/campaigns/kept/next/", cookie)
    assert status == 200, taken_up
    clip = taken_up["task"]["id"]
    wait_for(lambda: product.sql("SELECT 1 FROM learner_round WHERE state = 'annotating'"), "round with tasks", SLOW)
    product.manage("simulate", "tiny")
    wait_for(lambda: product.sql(ADAPTATION)[:1] and product.sql(ADAPTATION)[0][0] == "running", "adaptation", SLOW)
    held = [product.children()[name] for name in ("worker gpu", "tick")]
    for pid in held:
        os.kill(pid, signal.SIGSTOP)  # so that the job runs when the backup is taken, however fast the machine is
    acknowledged: list[str] = []
    enough = threading.Event()

    def answer_on() -> None:
        while not enough.is_set():
            acknowledged.append(answer(product, clip, cookie))

    person = threading.Thread(target=answer_on)
    person.start()
    try:
        wait_for(lambda: len(acknowledged) > 2, "answers")
        before = set(acknowledged)
        product.manage("backup", str(tmp_path / "backups"))
        n_then = len(acknowledged)
        wait_for(lambda: len(acknowledged) > n_then + 2, "answers after the backup")
    finally:
        enough.set()
        person.join()
        for pid in held:
            os.kill(pid, signal.SIGCONT)
    product.stop()

    other = Product(tmp_path / "a new home")
    other.manage("restore", str(tmp_path / "backups"))
    other.manage("backup", str(tmp_path / "again"))
    (taken,), (again,) = backup.backups(tmp_path / "backups"), backup.backups(tmp_path / "again")
    assert as_text(again) == as_text(taken), "every row is as it was at that instant"
    assert backup.check(again)["files"] == backup.check(taken)["files"]
    try:
        other.start()
        kept = {key for (key,) in other.sql("SELECT client_key::text FROM annotation_submission WHERE task_id = %s", clip)}
        assert before <= kept < set(acknowledged), "the answers until that instant, and none of those after it"
        assert answer(other, clip, cookie), "a person who was signed in answers on"
        verdicts = ("promoted", "refused")
        ((state, attempt, _),) = wait_for(lambda: [row for row in other.sql(ADAPTATION) if row[2] in verdicts], "verdict", SLOW)
        assert (state, attempt) == ("done", 2), "the job that ran was queued again"
        wait_for(lambda: other.sql("SELECT 1 FROM learner_round WHERE number = 2 AND state = 'annotating'"), "second round", SLOW)
        assert "answers given" in other.manage("simulate", "tiny")
    finally:
        other.stop()
