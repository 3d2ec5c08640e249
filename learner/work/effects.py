"""Make what one person's marks change in their clip to be heard; see `teaching.one_clip`. The shared model is only read."""

from __future__ import annotations

import logging
import time

from dramatiq.middleware.shutdown import Shutdown

from annotation.core.quieter import elsewhere, quieter
from annotation.files import previews, storage
from annotation.models import Effect
from annotation.services import effects
from learner.core import checkpoint
from learner.core.teaching.feedback import MarkedSong
from learner.core.teaching.one_clip import fit_clip
from learner.models import Checkpoint, Job
from learner.work.tracks import sounds_of

log = logging.getLogger(__name__)
LEARN_FOR = 60.0  # seconds at most; the shipped base takes three on a core of its own, spleeter-22k 45
LOOK_EVERY = 1.0  # seconds between two looks for other work


class OtherWork(Exception):
    """Somebody waits for a job."""


def make(effect_id: int) -> None:
    """Make one effect, if it still waits; gives way to any job that somebody waits for, also half-way."""
    if not (effect := effects.claim_effect(effect_id=effect_id)):
        return
    try:
        if Job.urgent().exists():
            raise OtherWork
        _make(effect)
    except (OtherWork, Shutdown) as other:
        effects.give_effect_back(effect=effect)
        if isinstance(other, Shutdown):
            raise
    except Exception:
        log.exception("%s could not be made", effect)
        effects.fail_effect(effect=effect)


def _make(effect: Effect) -> None:
    answer = effect.submission
    task, length = answer.task, answer.task.clip.duration
    (mix,) = sounds_of(task.track, "mixture", task.track.sample_rate, [(task.start, task.end)])
    marks, missing = (
        sorted((max(0.0, one.start - task.start), min(length, one.end - task.start)) for one in kind.all())
        for kind in (answer.marks, answer.missing)
    )
    sure = [[(start, end, 1.0) for start, end in some] for some in (marks, missing)]
    clip = MarkedSong(task.track.name, mix.sample_rate, mix.samples, sure[0], [(0.0, length)], sure[1])
    separator = checkpoint.load(storage.local(Checkpoint.objects.get(hash=task.checkpoint).stored))
    found = fit_clip(separator, clip, seed=task.pk, go_on=_Turn())
    if found is None:
        return effects.fail_effect(effect=effect, busy=True)
    after = found.T
    before, rate = previews.extracted(task)
    effects.keep_effect(
        effect=effect,
        sound=previews.ogg_of(task, after, mix.sample_rate),
        quieter=[_rounded(quieter(before, after, rate, [mark])) for mark in marks],
        beside=_rounded(quieter(before, after, rate, elsewhere(marks, length))),
    )


def _rounded(decibels: float | None) -> float | None:
    return None if decibels is None else round(decibels, 1)


class _Turn:
    """Says until when to learn. Raises OtherWork as soon as somebody waits for a job."""

    def __init__(self) -> None:
        self.began = self.looked = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self.looked >= LOOK_EVERY:
            self.looked = now
            if Job.urgent().exists():
                raise OtherWork
        return now - self.began < LEARN_FOR
