"""Site admins' view of the learner. Every row here is made by the loop itself and stays as it is: read only."""

from __future__ import annotations

from django.contrib import admin

from annotation.admin import Inline, ReadOnly, Rows
from learner.models import (
    Adaptation,
    Checkpoint,
    ChosenBase,
    Evaluation,
    FeedbackClip,
    FeedbackItem,
    FeedbackSet,
    Job,
    Round,
    Score,
    SharedModel,
    Signals,
)


@admin.register(SharedModel)
class SharedModelAdmin(ReadOnly, Rows):
    list_display = ("campaign", "current", "changed")
    list_select_related = ("campaign", "current")


@admin.register(ChosenBase)
class ChosenBaseAdmin(ReadOnly, Rows):
    list_display = ("campaign", "name", "job", "who")
    list_select_related = ("campaign", "job", "who")


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly, Rows):
    list_display = ("short", "parent", "stem", "sample_rate", "channels", "code_version", "created")
    list_select_related = ("parent",)
    search_fields = ("hash",)
    ordering = ("-pk",)


@admin.register(Round)
class RoundAdmin(ReadOnly, Rows):
    list_display = ("number", "campaign", "state", "parent", "opened", "finished")
    list_filter = ("campaign", "state")
    list_select_related = ("campaign", "parent")


@admin.register(Job)
class JobAdmin(ReadOnly, Rows):
    list_display = ("id", "campaign", "kind", "state", "attempt", "step", "total", "doing", "heartbeat", "created")
    list_filter = ("campaign", "kind", "state")
    list_select_related = ("campaign",)
    ordering = ("-pk",)


@admin.register(Adaptation)
class AdaptationAdmin(ReadOnly, Rows):
    list_display = ("feedback_set", "parent", "child", "verdict", "finished")
    list_filter = ("campaign", "verdict")
    list_select_related = ("feedback_set__round__campaign", "parent", "child")


class FeedbackClipInline(ReadOnly, Inline):
    model = FeedbackClip
    fields = ("track", "start", "end", "kept_apart")


class FeedbackItemInline(ReadOnly, Inline):
    model = FeedbackItem
    fields = ("start", "end", "weight")


@admin.register(FeedbackSet)
class FeedbackSetAdmin(ReadOnly, Rows):
    list_display = ("round", "content_hash", "made")
    list_select_related = ("round__campaign",)
    inlines = (FeedbackClipInline, FeedbackItemInline)


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnly, Rows):
    list_display = ("subject", "checkpoint", "campaign", "use", "domain", "metric", "value", "low", "high", "n_songs")
    list_filter = ("campaign", "subject", "use", "domain", "metric")
    list_select_related = ("checkpoint", "campaign")
    search_fields = ("checkpoint__hash",)


@admin.register(Score)
class ScoreAdmin(ReadOnly, Rows):
    list_display = ("track", "start", "end", "checkpoint", "uncertainty", "predicted_leak", "value")
    list_filter = ("track__campaign",)
    list_select_related = ("track", "checkpoint")


@admin.register(Signals)
class SignalsAdmin(ReadOnly, Rows):
    list_display = ("track", "stem", "checkpoint", "file", "made")
    list_filter = ("track__campaign",)
    list_select_related = ("track", "checkpoint")
