"""The learner's jobs: an id, a claim, a service."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dramatiq
from django.db import InterfaceError, OperationalError, connection
from dramatiq.middleware.shutdown import Shutdown
from dramatiq.threading import Interrupt, raise_thread_exception

from annotation.files import disk_space
from annotation.files.unusable import NoneLeft, words
from annotation.models import Membership
from learner.models import Job, Lost
from learner.services.bases import NotBegun
from learner.services.exports import remove_since_withdrawn

log = logging.getLogger(__name__)
BEAT_EVERY = 5.0  # seconds; `learner.models.DEAD_AFTER` is six beats
KNOCK_EVERY = 1.0  # seconds between two tries to reach a database that went away
SIX_HOURS = 6 * 3600 * 1000  # dramatiq's default limit is ten minutes
TWO_MINUTES = 2 * 60 * 1000
DATABASE_AWAY = (OperationalError, InterfaceError)


class TakenAway(Interrupt):
    """Raised in the thread that works for a job which is not its own any more; not an `Exception`, so that no song's trouble hides it."""


@contextmanager
def beating(job: Job) -> Iterator[None]:
    """Say every few seconds, from a thread, that the worker lives: some steps of the work are long and say nothing themselves.

    Where the job is this worker's no more, since it was cancelled or given to another, the work is cut short by `TakenAway`.
    """
    done, worker, leaving = threading.Event(), threading.get_ident(), threading.Lock()

    def beat() -> None:
        try:
            while not done.wait(BEAT_EVERY):
                try:
                    job.beat()
                except DATABASE_AWAY:
                    connection.close()  # the database was away; the next beat tries a new connection
        except Lost:
            with leaving:
                if not done.is_set():
                    raise_thread_exception(worker, TakenAway)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat of job {job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with leaving:
            done.set()
        thread.join()


def run(job_id: int, work: Callable[[Job], None]) -> None:
    """Claim a job and do its work. A worker that lost its job just stops; any other error of the work ends the job with its reason."""
    from learner import services

    if not (job := Job.claim(job_id)):
        services.stand_back(job_id=job_id)
        return
    services.remove_leftovers()
    try:
        with beating(job):
            if lack := disk_space.lacking_now():
                raise NoRoom(lack)
            work(job)
    except Lost:
        return
    except TakenAway:
        connection.close()  # cut off anywhere, perhaps in the middle of a query
        log.info("job %s was taken away", job.pk)
        return
    except Shutdown:
        connection.close()  # cut off anywhere, perhaps in the middle of a query
        services.hand_back(job=job)
        raise
    except Exception as error:
        if lack := _lack(error):
            log.warning("job %s waits for room on the disk: %s", job.pk, lack)
            _insist(lambda: services.wait_for_room(job=job, lack=lack))
        elif isinstance(error, DATABASE_AWAY):
            # At once, so that the clock need not wait for its heart, and guess why it stopped.
            said, _, _ = str(error).partition("\n")
            _insist(lambda: services.try_again(job=job, cause=f"of the database: {said}"))
            raise
        else:
            services.fail(job=job, reason=_reason(error, job.doing))
            raise


class NoRoom(Exception):
    """A disk has no room for the work of a job."""

    def __init__(self, lack: disk_space.Lack) -> None:
        super().__init__(str(lack))
        self.lack = lack


def _lack(error: Exception) -> disk_space.Lack | None:
    """What a full disk said, where the job was ended by one; of an error that does not say so itself, the disk is asked."""
    return error.lack if isinstance(error, NoRoom) else disk_space.lack_of_room(error) or disk_space.lacking_now()


def _insist(write: Callable[[], None]) -> None:
    """Try until the database can be written."""
    while True:
        try:
            write()
            return
        except DATABASE_AWAY:
            connection.close()  # what is left of it
            time.sleep(KNOCK_EVERY)


def _reason(error: Exception, doing: str) -> str:
    """Why a job failed, and what it was at: mostly, a song."""
    if isinstance(error, NoneLeft | NotBegun):
        return str(error)  # which says all: it names the songs, or what to bring
    return f"{words(error)} (while it was at: {doing})" if doing else words(error)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def score(job_id: int) -> None:
    """Separate and score the pool, and open the round's tasks."""
    from learner.work import (
        scoring,
    )

    run(job_id, scoring.score_pool)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def adapt(job_id: int) -> None:
    """Run one queued adaptation; a message delivered twice does nothing the second time."""
    from learner.work import adapting

    run(job_id, adapting.run_adaptation)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def baseline(job_id: int) -> None:
    """Run the same steps on replay without feedback, for comparison."""
    from learner.work import adapting

    run(job_id, adapting.run_baseline)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def rescore(job_id: int) -> None:
    """Score the songs of a large pool that the current checkpoint has not scored, while nobody waits for other work."""
    from learner.work import rescoring

    run(job_id, rescoring.rescore_pool)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def bring_base(job_id: int) -> None:
    """Fetch the base that a campaign is to begin with, and share it."""
    from learner.work import bases

    run(job_id, bases.bring_base)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def try_base(job_id: int) -> None:
    """Try a base on songs of a campaign."""
    from learner.work import trials

    run(job_id, trials.run_trial)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=TWO_MINUTES, notify_shutdown=True)
def hear_effect(effect_id: int) -> None:
    """Make what a person's marks change to be heard; no job, since nothing rests on it."""
    from learner.work import effects

    effects.make(effect_id)


@dramatiq.actor(queue_name="audio", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def take_songs_in(job_id: int) -> None:
    """Take the files of an intake into its campaign."""
    from learner.work import intakes

    run(job_id, intakes.take_in)


@dramatiq.actor(queue_name="audio", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def export(job_id: int) -> None:
    """Write data of a campaign out as a file."""
    from learner.exports import making

    run(job_id, making.make)


@dramatiq.actor(queue_name="default", max_retries=20, time_limit=600_000)
def flag_checkpoints(member_id: int) -> None:
    """Flag the checkpoints that learned from what this member has taken back, and remove the exports that may hold it."""
    from learner import services

    campaign = Membership.objects.select_related("campaign").get(pk=member_id).campaign
    services.flag_checkpoints(campaign=campaign)
    remove_since_withdrawn(campaign=campaign)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def separate_track(job_id: int) -> None:
    """Separate one track by one checkpoint, for whoever wants to hear it."""
    from learner.work import separating

    run(job_id, separating.separate_track)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def check_uploaded_base(job_id: int) -> None:
    """Look at a base that a site admin sent."""
    from learner.work import uploaded_bases

    run(job_id, uploaded_bases.check)


@dramatiq.actor(queue_name="audio", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def import_data(job_id: int) -> None:
    """Look at files of marks, or bring what is in them into their campaign."""
    from learner.work import imports

    run(job_id, imports.go_through)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def remake(job_id: int) -> None:
    """Make a checkpoint again, to see whether the same comes of it."""
    from learner.work import remaking

    run(job_id, remaking.remake)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def separate_song(job_id: int) -> None:
    """Separate a song that somebody sent, for them to hear."""
    from learner.work import sent_songs

    run(job_id, sent_songs.separate_song)


@dramatiq.actor(queue_name="default", max_retries=20, time_limit=600_000)
def remove_sent_songs(member_id: int) -> None:
    """Remove the songs that somebody sent who has left."""
    from learner.services import sent_songs

    sent_songs.remove_songs_of(member_id)


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def write_checkpoint(job_id: int) -> None:
    """Write a checkpoint for other tools."""
    from learner.work import writing_out

    run(job_id, writing_out.write)
