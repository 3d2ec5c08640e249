"""Lineage both ways: how checkpoints come from each other, the marks that one learned from, and what learned from a clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from annotation.models import Campaign, Mark, Submission
from learner.models import Adaptation, Checkpoint, FeedbackClip, FeedbackItem


@dataclass(frozen=True)
class Relation:
    """A child that an adaptation made of its parent."""

    parent: Checkpoint
    child: Checkpoint
    number: int  # of the round
    verdict: str
    regions: int  # that it learned from

    @property
    def promoted(self) -> bool:
        return self.verdict == Adaptation.Verdict.PROMOTED


def relations(campaign: Campaign) -> list[Relation]:
    """All of the campaign, oldest first; in one query."""
    made = Adaptation.objects.filter(campaign=campaign, child__isnull=False).select_related("parent", "child", "feedback_set__round")
    return [
        Relation(one.parent, one.child, one.feedback_set.round.number, one.verdict, one.feedback_set.regions)  # type: ignore[arg-type]  # it has a child
        for one in made.order_by("pk")
    ]


def learned_clips(adaptation: Adaptation) -> QuerySet[FeedbackClip]:
    """The clips that a child learned from, by song, each with `regions` and `answers`: who answered with what, in seconds of the song."""
    items = FeedbackItem.objects.filter(clip=OuterRef("pk")).order_by("start")
    regions = items.values(one=JSONObject(start="start", end="end", weight="weight"))
    marks = Mark.objects.filter(submission=OuterRef("pk")).order_by("start").values(one=JSONObject(start="start", end="end"))
    answers = Submission.objects.filter(used_in=OuterRef("consensus")).annotate(spans=ArraySubquery(marks)).order_by("pk")
    named = answers.values(one=JSONObject(who="by__pseudonym", marks="spans", status="status"))
    clips = FeedbackClip.objects.filter(feedback_set=adaptation.feedback_set_id, kept_apart=False)
    clips = clips.select_related("track", "consensus__task").order_by("track__name", "track", "start")
    return clips.annotate(regions=ArraySubquery(regions), answers=ArraySubquery(named))


def learned_from(tasks: Iterable[int]) -> dict[int, list[Adaptation]]:
    """The adaptations whose children learned from these tasks' marks, by task, oldest first; in one query."""
    clips = FeedbackClip.objects.filter(consensus__task__in=list(tasks), kept_apart=False, feedback_set__adaptation__child__isnull=False)
    clips = clips.select_related("consensus", "feedback_set__round", "feedback_set__adaptation__child")
    found: dict[int, list[Adaptation]] = {}
    for clip in clips.order_by("feedback_set__adaptation"):
        made, known = clip.feedback_set.adaptation, found.setdefault(clip.consensus.task_id, [])
        if made not in known:
            known.append(made)
    return found
