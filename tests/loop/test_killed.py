"""Whatever is killed, the round finishes: nothing is lost, nothing doubled, and a worker thought dead cannot write."""

import os
import signal
import subprocess

import pytest

from tests.product import Product, wait_for

pytestmark = pytest.mark.loop

SLOW = 300.0  # seconds; for machines that do much else meanwhile
STEPS = 120  # of an adaptation: long enough to be killed in the middle


def begin(product: Product) -> None:
    product.start()
    product.shell(f"from tests.loop.small import make; make(steps={STEPS}, max_rounds=1, compare_with_replay=False)")
    wait_for(lambda: product.sql("SELECT 1 FROM learner_round WHERE state = 'annotating'"), "round with tasks", SLOW)
    product.manage("simulate", "small")
    wait_for(lambda: product.sql("SELECT 1 FROM learner_job WHERE kind = 'adapt' AND state = 'running' AND step > 20"), "adaptation", SLOW)


def finished(product: Product) -> list[tuple[str, int]]:
    return product.sql(
        "SELECT round.state, job.attempt FROM learner_round round"
        " JOIN learner_feedbackset feedback ON feedback.round_id = round.id"
        " JOIN learner_adaptation adaptation ON adaptation.feedback_set_id = feedback.id"
        " JOIN learner_job job ON job.id = adaptation.job_id WHERE round.finished IS NOT NULL AND job.state = 'done'"
    )


def one_of_each(product: Product) -> None:
    """One round came to one verdict, whatever ran twice on the way."""
    for table in ("learner_round", "learner_feedbackset", "learner_adaptation"):
        assert product.sql(f"SELECT count(*) FROM {table}") == [(1,)], table
    assert product.sql("SELECT count(*) FROM annotation_event WHERE what = 'round.finished'") == [(1,)]
    lost = product.sql("SELECT count(*) FROM annotation_task WHERE state = 'open'")
    assert lost == [(0,)]


def test_a_killed_worker_is_replaced_and_its_adaptation_goes_on(own_product: Product) -> None:
    begin(own_product)
    os.kill(own_product.children()["worker gpu"], signal.SIGKILL)
    ((state, attempt),) = wait_for(lambda: finished(own_product), "finished round", SLOW)
    assert state in ("promoted", "refused")
    assert attempt == 2
    one_of_each(own_product)


def test_a_worker_stopped_in_order_hands_its_adaptation_on(own_product: Product) -> None:
    begin(own_product)
    os.kill(own_product.children()["worker gpu"], signal.SIGTERM)
    ((state, attempt),) = wait_for(lambda: finished(own_product), "finished round", SLOW)
    assert state in ("promoted", "refused")
    assert attempt == 1, "stopping is no fault of the job"
    one_of_each(own_product)


def test_after_the_whole_tree_was_killed_the_next_start_finishes_the_round(own_product: Product) -> None:
    begin(own_product)
    assert own_product.process
    tree = [own_product.process.pid, *own_product.children().values()]
    answers = own_product.sql("SELECT count(*) FROM annotation_submission")
    subprocess.run(["kill", "-9", *map(str, tree)], check=True, timeout=300)
    own_product.process.wait(60)
    own_product.start()
    ((state, attempt),) = wait_for(lambda: finished(own_product), "finished round", SLOW)
    assert state in ("promoted", "refused")
    assert attempt == 2
    assert own_product.sql("SELECT count(*) FROM annotation_submission") == answers
    one_of_each(own_product)
