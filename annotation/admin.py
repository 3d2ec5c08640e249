"""Site admins' view of annotation: they make campaigns and let people in; what people did can be read and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import JSONField, QuerySet
from django.http import HttpRequest

from annotation.core import strict_json
from annotation.events import record
from annotation.models import (
    Assignment,
    Campaign,
    Consensus,
    ConsensusRegion,
    Consent,
    Draft,
    Estimate,
    Event,
    FirstVisit,
    GoldScore,
    GoldTruth,
    Link,
    Mark,
    Membership,
    Note,
    Participation,
    Pause,
    PracticeAnswer,
    Provenance,
    Reliability,
    Stem,
    Submission,
    Task,
    Track,
)
from annotation.services import raise_versions

if TYPE_CHECKING:  # generic for the type checker only
    Rows = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
else:
    Rows, Inline = admin.ModelAdmin, admin.TabularInline


class ReadOnly:
    """For rows that are only ever added to, or moved by services alone: look, and touch nothing."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NeverDeleted:
    """For rows that others stand on: they are changed or switched off, not deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _record_changes(campaign: Campaign, what: str, request: HttpRequest, form: Any) -> None:
    """Put the changed fields, before and after, into the campaign's history; a site admin need not be a member of it."""
    before = {name: str(form.initial.get(name, "")) for name in form.changed_data}
    after = {name: str(form.cleaned_data[name]) for name in form.changed_data}
    record(campaign, what, before=before, after=after | {"by": f"site admin {request.user}"})


@admin.register(Campaign)
class CampaignAdmin(NeverDeleted, Rows):
    list_display = ("name", "slug", "stem", "paused", "created")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("paused", "created", "instruction_version", "consent_version")  # a changed text raises its version
    formfield_overrides = {JSONField: {"decoder": strict_json.Decoder}}
    fieldsets = (
        (None, {"fields": ("name", "slug", "stem", "paused", "created")}),
        ("What people are told", {"fields": ("instructions", "instruction_version", "consent_text", "consent_version")}),
        ("The first visit", {"fields": ("onboarding", "practice_score", "practice_tries")}),
        (
            "Clips",
            {
                "fields": (
                    "clip_seconds",
                    "clips_per_round",
                    "clips_per_track",
                    "choosing",
                    "random_share",
                    "asks_again",
                    "max_rounds",
                    "seed",
                )
            },
        ),
        (
            "Answers",
            {
                "fields": (
                    "min_overlap",
                    "max_overlap",
                    "certainty",
                    "reliable_only",
                    "sound_as_witness",
                    "review_wait_hours",
                    "quick_share",
                    "quick_on_doubt",
                    "quick_devices",
                    "lease_seconds",
                    "counts_unheard",
                    "skip_policy",
                    "tags",
                    "collects_missing",
                    "proposes",
                    "blind_share",
                )
            },
        ),
        (
            "Gold tasks",
            {
                "description": "Each round makes the gold tasks that it needs: what is changed here counts from the next one on.",
                "fields": ("gold_share", "qualification", "qualification_score", "pause_below", "pause_after", "leaderboard"),
            },
        ),
        (
            "When the model learns",
            {
                "fields": (
                    "learns_after_seconds",
                    "learns_after_clips",
                    "learns_after_hours",
                    "learns_every_hours",
                    "learns_at",
                    "time_zone",
                    "learns_by_hand",
                )
            },
        ),
        ("Adaptation", {"fields": ("recipe", "compare_with_replay")}),
        ("Gate", {"fields": ("gate_gain", "gate_leak_rise", "gate_voice_loss", "gate_forgetting")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What a campaign that a person makes begins with; campaigns made by programs say themselves what they want."""
        return {"onboarding": True, "gold_share": 0.1, "pause_below": 0.4, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            raise_versions(obj, form.changed_data)
        super().save_model(request, obj, form, change)
        if change:
            _record_changes(obj, "campaign.changed", request, form)
        else:
            record(obj, "campaign.created", after={"name": obj.name, "by": f"site admin {request.user}"})


@admin.register(Membership)
class MembershipAdmin(NeverDeleted, Rows):
    list_display = ("pseudonym", "campaign", "user", "role", "kind", "active", "joined")
    list_filter = ("campaign", "role", "kind", "active")
    list_select_related = ("campaign", "user")
    search_fields = ("pseudonym", "user__username")
    autocomplete_fields = ("user", "campaign")
    fields = ("campaign", "user", "role", "kind", "pseudonym", "active", "consent_version")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        """Marks belong to a membership, so it never moves to another person or campaign."""
        return ("campaign", "user", "kind", "consent_version") if obj else ("consent_version",)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            _record_changes(obj.campaign, "member.changed", request, form)
        else:
            record(obj.campaign, "member.joined", who=obj, after={"role": obj.role, "kind": obj.kind, "by": f"site admin {request.user}"})


class StemInline(ReadOnly, Inline):
    model = Stem
    fields = ("name", "file", "derived")


@admin.register(Track)
class TrackAdmin(NeverDeleted, Rows):
    """Songs come in by `manage.py ingest`, and are set aside on the campaign's page of tracks; here only what is said of them changes."""

    list_display = ("name", "campaign", "use", "domain", "duration", "kept_apart", "set_aside", "added")
    list_filter = ("campaign", "use", "domain", "kept_apart", ("set_aside", admin.EmptyFieldListFilter))
    search_fields = ("name", "artist", "album")
    of_ingest = ("campaign", "use", "domain", "duration", "sample_rate", "channels", "fingerprint", "kept_apart", "added")
    readonly_fields = (*of_ingest, "set_aside", "set_aside_reason", "set_aside_by", "put_back")
    fields = ("name", "artist", "album", "licence", *readonly_fields)
    inlines = (StemInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Task)
class TaskAdmin(ReadOnly, Rows):
    list_display = ("track", "start", "end", "campaign", "round_number", "arm", "strategy", "state", "contested", "overlap", "taken")
    list_filter = ("campaign", "state", "arm", "strategy", "kind", "round_number", "contested")
    list_select_related = ("track", "campaign")
    search_fields = ("track__name",)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly, Rows):
    list_display = ("task", "by", "state", "place", "skip_reason", "taken_at", "lease_until")
    list_filter = ("state", "skip_reason", "task__campaign")
    list_select_related = ("task__track", "by__campaign")


@admin.register(Draft)
class DraftAdmin(ReadOnly, Rows):
    list_display = ("task", "by", "saved")
    list_select_related = ("task__track", "by__campaign")


class MarkInline(ReadOnly, Inline):
    model = Mark
    fields = ("start", "end")


class ProvenanceInline(ReadOnly, Inline):
    model = Provenance
    fields = ("source", "file", "where", "person")


@admin.register(Submission)
class SubmissionAdmin(ReadOnly, Rows):
    list_display = ("task", "by", "revision", "status", "lead_time", "created")
    list_filter = ("status", "task__campaign")
    list_select_related = ("task__track", "by__campaign")
    inlines = (MarkInline, ProvenanceInline)


class ConsensusRegionInline(ReadOnly, Inline):
    model = ConsensusRegion
    fields = ("start", "end", "probability")


@admin.register(Consensus)
class ConsensusAdmin(ReadOnly, Rows):
    list_display = ("task", "version", "method", "by", "certainty", "made")
    list_filter = ("method", "task__campaign")
    list_select_related = ("task__track", "by__campaign")
    inlines = (ConsensusRegionInline,)


@admin.register(Reliability)
class ReliabilityAdmin(ReadOnly, Rows):
    list_display = ("membership", "sensitivity", "specificity", "onset_lag", "offset_lag", "n_tasks", "fitted")
    list_filter = ("membership__campaign",)
    list_select_related = ("membership__campaign",)


@admin.register(Estimate)
class EstimateAdmin(ReadOnly, Rows):
    list_display = ("track", "stem", "checkpoint", "made")
    list_filter = ("track__campaign", "stem")
    list_select_related = ("track",)


@admin.register(GoldTruth)
class GoldTruthAdmin(ReadOnly, Rows):
    list_display = ("task", "level", "level_db", "made")
    list_filter = ("task__campaign", "level")
    list_select_related = ("task__track",)


@admin.register(GoldScore)
class GoldScoreAdmin(ReadOnly, Rows):
    list_display = ("submission", "score", "missed", "extra", "made")
    list_filter = ("submission__task__campaign",)
    list_select_related = ("submission__by", "submission__task__track")


@admin.register(Pause)
class PauseAdmin(ReadOnly, Rows):
    list_display = ("membership", "score", "wanted", "n_answers", "since", "appealed", "decision", "ended")
    list_filter = ("membership__campaign", "decision")
    list_select_related = ("membership__campaign",)


@admin.register(Consent)
class ConsentAdmin(ReadOnly, Rows):
    list_display = ("membership", "version", "given", "when")
    list_filter = ("membership__campaign", "given")
    list_select_related = ("membership__campaign",)


@admin.register(FirstVisit)
class FirstVisitAdmin(ReadOnly, Rows):
    list_display = ("membership", "consent", "sound", "instructions_version", "begun", "finished")
    list_filter = ("membership__campaign", "consent", "sound")
    list_select_related = ("membership__campaign",)


@admin.register(PracticeAnswer)
class PracticeAnswerAdmin(ReadOnly, Rows):
    list_display = ("membership", "number", "score", "when")
    list_filter = ("membership__campaign",)
    list_select_related = ("membership__campaign",)


@admin.register(Link)
class LinkAdmin(ReadOnly, Rows):
    list_display = ("campaign", "kind", "name", "uses", "max_uses", "expires", "revoked")
    list_filter = ("campaign", "kind")
    exclude = ("token",)  # it lets people in


@admin.register(Participation)
class ParticipationAdmin(ReadOnly, Rows):
    list_display = ("membership", "link", "external_id", "state", "began", "finished")
    list_filter = ("link__campaign", "state")
    list_select_related = ("membership__campaign", "link")


@admin.register(Note)
class NoteAdmin(ReadOnly, Rows):
    list_display = ("created", "task", "by", "person", "text", "replied")
    list_filter = ("task__campaign",)
    list_select_related = ("task__track", "by__campaign", "person__campaign")


@admin.register(Event)
class EventAdmin(ReadOnly, Rows):
    list_display = ("when", "campaign", "who", "what", "after")
    list_filter = ("campaign", "what")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).select_related("campaign", "who__campaign")
