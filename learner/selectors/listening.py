"""What a listening test can be made of: which two checkpoints, which songs."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import Campaign, Estimate, ListeningTest, Submission, Track
from learner.models import Checkpoint, Job, Separation
from learner.selectors.checkpoints import checkpoints, current_checkpoint
from learner.selectors.lineage import base_of

HEARD = (Track.Use.POOL, Track.Use.GATE, Track.Use.TEST)
"""Uses of songs that can be chosen by hand: no model learns from those of the gate and the test."""

ANSWERS = Submission.objects.filter(task__track=OuterRef("pk"), status=Submission.Status.ACCEPTED)


def usual_pair(campaign: Campaign) -> tuple[Checkpoint, Checkpoint] | None:
    """The current checkpoint and its parent, or its base; None where it comes from nothing in this campaign."""
    current = current_checkpoint(campaign)
    if current is None:
        return None
    own = set(checkpoints(campaign).values_list("pk", flat=True))
    other = current.parent if current.parent_id in own else base_of(campaign, current)
    return (current, other) if other and other != current else None


def songs(campaign: Campaign) -> QuerySet[Track]:
    """Songs that can be chosen by hand, each with whether somebody has `marked` it, those that nobody has first."""
    found = campaign.tracks.filter(set_aside=None, use__in=HEARD, stems__name="mixture")
    return found.annotate(marked=Exists(ANSWERS)).order_by("marked", "use", "name", "pk")


def songs_to_draw(campaign: Campaign) -> QuerySet[Track]:
    """Songs of the pool that nobody has answered a clip of: no model has learned from marks in them."""
    return campaign.tracks.filter(~Exists(ANSWERS), set_aside=None, use=Track.Use.POOL, stems__name="mixture")


def jobs_of(test: ListeningTest) -> dict[int, list[Job]]:
    """Song of a clip without a place -> the jobs that separate it for the test, newest first."""
    waiting = test.clips.filter(start=None).values("track")
    found = Separation.objects.filter(track__in=waiting, checkpoint__hash__in=[test.checkpoint, test.other])
    jobs: dict[int, list[Job]] = {}
    for one in found.select_related("job").order_by("-pk"):
        jobs.setdefault(one.track_id, []).append(one.job)
    return jobs


def lacks_estimate(track: Track, checkpoint: str) -> bool:
    """Whether this checkpoint has not separated the song yet."""
    return not Estimate.objects.filter(track=track, stem=track.campaign.stem, checkpoint=checkpoint).exists()
