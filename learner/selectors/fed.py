"""Which checkpoints learned from one task."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from annotation.models import Task
from learner.models import Adaptation, Checkpoint, FeedbackClip


@dataclass(frozen=True)
class Fed:
    """A freeze that a task was part of: its round, how many of the task's regions were in it, and what was made of it."""

    round_number: int
    n_regions: int
    kept_apart: bool  # the gate alone saw it
    verdict: str
    child: Checkpoint | None


def fed_by(task: Task) -> list[Fed]:
    """Every freeze that this task was part of, the first one first."""
    clips = FeedbackClip.objects.filter(consensus__task=task, feedback_set__round__campaign=task.campaign_id)
    clips = clips.select_related("feedback_set__round", "feedback_set__adaptation__child").annotate(n=Count("items"))
    return [_fed(one) for one in clips.order_by("feedback_set__round__number")]


def _fed(clip: FeedbackClip) -> Fed:
    adaptation: Adaptation | None = getattr(clip.feedback_set, "adaptation", None)
    n: int = clip.n  # type: ignore[attr-defined]
    verdict = adaptation.verdict if adaptation else ""
    return Fed(clip.feedback_set.round.number, n, clip.kept_apart, verdict, adaptation.child if adaptation else None)
