"""What one adaptation works with, and how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from annotation.events import publish
from annotation.files import storage
from annotation.models import Campaign, Track
from learner import services
from learner.bases import has_real_songs
from learner.core import checkpoint
from learner.core.separators import Separator
from learner.core.teaching import adapt
from learner.models import Adaptation, Checkpoint, FeedbackClip, Job
from learner.selectors import base_of
from learner.work.tracks import UsableTracks

SAY_EVERY = 1.0  # seconds between two writes of a job's progress


class Pulse:
    """Writes a job's progress, not more often than needed; raises `Lost` when the job is another worker's."""

    def __init__(self, job: Job, total: int) -> None:
        self.job, self.total, self.last = job, total, 0.0

    def __call__(self, step: int, doing: str) -> None:
        self.job.doing = doing  # for the reason, should this be the last that it does
        if time.monotonic() - self.last >= SAY_EVERY or step == self.total:
            self.last = time.monotonic()
            self.job.beat(step, self.total, doing)
            publish(self.job.campaign_id, "job", self.job.pk)


def load(row: Checkpoint) -> Separator:
    return checkpoint.load(storage.local(row.stored))


@dataclass(frozen=True)
class Plan:
    """What one adaptation works with, read from its rows once."""

    adaptation: Adaptation
    campaign: Campaign
    parent: Checkpoint
    base: Checkpoint  # that the campaign began with, or went on from later: the parent comes from it
    recipe: adapt.Recipe
    folder: Path  # of unfinished work; a killed job goes on from there
    usable: UsableTracks  # of the tracks that spoil the work

    @classmethod
    def of(cls, adaptation: Adaptation, job: Job) -> Plan:
        campaign = adaptation.campaign
        base = base_of(campaign, adaptation.parent)
        architecture = checkpoint.about(storage.local(adaptation.parent.stored)).architecture
        recipe = adapt.Recipe.changed(adaptation.recipe, architecture, real_songs=has_real_songs(campaign))
        return cls(adaptation, campaign, adaptation.parent, base, recipe, services.work_folder(adaptation.pk), UsableTracks(job))


def listened_clips(plan: Plan, *, kept_apart: bool) -> dict[Track, list[FeedbackClip]]:
    """The listened clips of each track, from its start to its end."""
    found: dict[Track, list[FeedbackClip]] = {}
    clips = plan.adaptation.feedback_set.clips.filter(kept_apart=kept_apart).select_related("track", "consensus__task")
    for clip in clips.order_by("track_id", "start"):
        found.setdefault(clip.track, []).append(clip)
    return found


def spans_of(clips: list[FeedbackClip]) -> list[tuple[float, float]]:
    return [(clip.start, clip.end) for clip in clips]
