"""Work that says nothing for long stops all the same when its job is taken away."""

import time

import pytest

from learner import actors
from learner.models import Job, Lost


def test_work_in_the_middle_of_a_song_stops_when_its_job_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(pk=1)

    def taken(*about: object) -> None:
        raise Lost(job)

    monkeypatch.setattr(Job, "beat", taken)
    monkeypatch.setattr(actors, "BEAT_EVERY", 0.01)
    until = time.monotonic() + 60
    with pytest.raises(actors.TakenAway), actors.beating(job):
        while time.monotonic() < until:
            try:
                sum(range(1000))
            except Exception:  # as work does that goes on with the next song
                continue


def test_work_that_ends_first_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []
    monkeypatch.setattr(Job, "beat", lambda *about: beats.append(about))
    with actors.beating(Job(pk=1)):
        pass
    time.sleep(0.05)
    assert beats == []
