"""The learner's jobs: an id, a claim, a service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dramatiq
from django.db import InterfaceError, OperationalError, connection
from dramatiq.middleware.shutdown import Shutdown

from annotation.spoilt import NoneLeft, words
from learner.models import Job, Lost

BEAT_EVERY = 5.0  # seconds; `learner.models.DEAD_AFTER` is six beats
KNOCK_EVERY = 1.0  # seconds between two tries to reach a database that went away
SIX_HOURS = 6 * 3600 * 1000  # dramatiq's default limit is ten minutes
DATABASE_AWAY = (OperationalError, InterfaceError)


@contextmanager
def beating(job: Job) -> Iterator[None]:
    """Say every few seconds, from a thread, that the worker lives: some steps of the work are long and say nothing themselves."""
    done = threading.Event()

    def beat() -> None:
        try:
            while not done.wait(BEAT_EVERY):
                try:
                    job.beat()
                except DATABASE_AWAY:
                    connection.close()  # the database was away; the next beat tries a new connection
        except Lost:
            pass  # the work itself finds out at its next write
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat of job {job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _run(job_id: int, work: Callable[[Job], None]) -> None:
    """Claim a job and do its work. A worker that lost its job just stops; any other error of the work ends the job with its reason."""
    from learner import services

    if not (job := Job.claim(job_id)):
        return
    services.remove_leftovers()
    try:
        with beating(job):
            work(job)
    except Lost:
        return
    except Shutdown:
        connection.close()  # cut off anywhere, perhaps in the middle of a query
        services.hand_back(job=job)
        raise
    except DATABASE_AWAY as error:
        _try_again(job, error)
        raise
    except Exception as error:
        services.fail(job=job, reason=_reason(error, job.doing))
        raise


def _try_again(job: Job, error: Exception) -> None:
    """Queue a job again as soon as the database is back, so that the clock need not wait for its heart, and guess why it stopped."""
    from learner import services

    said, _, _ = str(error).partition("\n")
    while True:
        connection.close()  # what is left of it
        try:
            services.try_again(job=job, cause=f"of the database: {said}")
            return
        except DATABASE_AWAY:
            time.sleep(KNOCK_EVERY)


def _reason(error: Exception, doing: str) -> str:
    """Why a job failed, and what it was at: mostly, a song."""
    if isinstance(error, NoneLeft):
        return str(error)  # which names the songs
    return f"{words(error)} (while it was at: {doing})" if doing else words(error)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def score(job_id: int) -> None:
    """Separate and score the pool, and open the round's tasks."""
    from learner import running  # brings torch in, which the web process never needs

    _run(job_id, running.score_pool)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def adapt(job_id: int) -> None:
    """Run one queued adaptation; a message delivered twice does nothing the second time."""
    from learner import running

    _run(job_id, running.run_adaptation)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def baseline(job_id: int) -> None:
    """Run the same steps on replay without feedback, for comparison."""
    from learner import running

    _run(job_id, running.run_baseline)
