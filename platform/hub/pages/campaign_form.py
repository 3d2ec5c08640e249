"""The rules of a campaign in the browser: making a campaign, and changing one that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation import services as annotating
from annotation.core import strict_json
from annotation.core.words import count
from annotation.models import Campaign, Membership
from annotation.pages.access import manager_or_403
from annotation.selectors.queue import managed_by, membership_of
from annotation.services import told_sounds
from annotation.services.campaigns import VERSIONS, free_slug
from hub.pages import dry_run
from hub.pages.starting.first_base import FirstBase
from hub.pages.starting.kinds import KINDS, USUAL
from learner import selectors

if TYPE_CHECKING:  # generic for the type checker only
    Form = forms.ModelForm[Campaign]
else:
    Form = forms.ModelForm


@dataclass(frozen=True)
class Section:
    """Rules that are shown together."""

    title: str
    about: str
    names: tuple[str, ...]
    is_open: bool = False  # shown at once; others behind their title


SECTIONS = (
    Section("The campaign", "Counts at once.", ("name", "slug", "stem"), is_open=True),
    Section(
        "What people are told",
        "Who changes one of the two texts makes a new version: people are shown it before their next clip. All of this counts at once.",
        ("instructions", "consent_text", "onboarding"),
        is_open=True,
    ),
    Section(
        "The practice of the first visit",
        "Five clips, with the truth after each answer; who does not reach the score practises on others. Counts at once.",
        ("practice_score", "practice_tries"),
    ),
    Section(
        "Who is asked, and what about them",
        "Counts at once. People who came before a question are asked it before their next clip.",
        ("questionnaire", "only_tags", "only_reviewers"),
    ),
    Section(
        "What people hear",
        "Counts from the next round on.",
        ("clip_seconds", "clips_per_round", "clips_per_track", "max_rounds"),
        is_open=True,
    ),
    Section(
        "How many answers",
        "The number of answers counts for clips that open from now on; the rest counts at once.",
        (
            *("min_overlap", "max_overlap", "certainty", "reliable_only", "sound_as_witness"),
            *("review_wait_hours", "skip_policy", "lease_seconds", "counts_unheard"),
        ),
    ),
    Section(
        "Clips whose answer is known",
        "Gold clips show how well a person hears what leaks. Each round makes those that it needs: this counts from the next one on.",
        ("gold_share", "qualification", "qualification_score", "pause_below", "pause_after", "leaderboard"),
    ),
    Section(
        "Quick questions",
        "Yes, no or cannot tell, of short segments, by key or by thumb. The share counts from the next round on, the rest at once.",
        ("quick_share", "quick_on_doubt", "quick_devices"),
    ),
    Section("What marks may say", "Counts at once.", ("tags", "collects_missing")),
    Section("Marks that the model proposes", "Counts from the next round on.", ("proposes", "blind_share")),
    Section("What people hear of the model", "Counts at once.", ("hears_effects", "all_separate")),
    Section("Which clips come next", "Counts from the next round on.", ("choosing", "random_share", "asks_again", "seed")),
    Section(
        "When the model learns",
        "Counts at once. Whichever comes first; clips that are still open then stay open, and count the next time.",
        (
            *("learns_after_seconds", "learns_after_clips", "learns_after_hours"),
            *("learns_every_hours", "learns_at", "time_zone", "learns_by_hand"),
        ),
    ),
    Section(
        "What a new model must keep to",
        "The gate compares it with the one before. Counts from the next verdict on; looser limits let more through, good and bad.",
        ("gate_gain", "gate_leak_rise", "gate_voice_loss", "gate_forgetting"),
    ),
    Section("How the model learns", "Counts from the next adaptation on.", ("recipe", "compare_with_replay")),
)
FROM_STUDY = ("clip_seconds", "min_overlap", "max_overlap", "max_rounds")
TEXTS = ("instructions", "consent_text")
MARKDOWN = (
    "Markdown: **bold**, *italic*, # heading, - item of a list, > quote, [words](https://example.org), and ![a breath](sound:breath) "
    "for a sound of your own"
)
MADE_ONCE = ("slug",)  # the address of all pages and links of the campaign


class CampaignForm(Form):
    """All rules of a campaign that its owner and managers may change."""

    class Meta:
        model = Campaign
        fields = [name for section in SECTIONS for name in section.names]
        labels = {
            "slug": "Address",
            "instructions": "Instructions",
            "consent_text": "What people agree to",
            "onboarding": "First visit",
            "practice_score": "Score that is asked for",
            "practice_tries": "Tries at most",
            "questionnaire": "Questions",
            "only_tags": "Only people with a tag",
            "only_reviewers": "Only reviewers",
            "clip_seconds": "Length of a clip, in seconds",
            "clips_per_round": "Clips a round",
            "clips_per_track": "Clips of one song a round",
            "max_rounds": "Last round",
            "min_overlap": "Answers a clip, at first",
            "max_overlap": "Answers a clip, at most",
            "certainty": "Certainty",
            "sound_as_witness": "The sound counts too",
            "review_wait_hours": "Hours to wait for reviewers",
            "skip_policy": "A skipped clip goes",
            "lease_seconds": "Seconds that a clip is kept for a person",
            "counts_unheard": "Answers of programs count",
            "gold_share": "Share of gold clips",
            "qualification": "Gold clips of a newcomer",
            "qualification_score": "Score that a newcomer needs",
            "pause_below": "Pause who scores less than",
            "pause_after": "Judged by the latest",
            "reliable_only": "Reliable people only",
            "quick_share": "Share of clips asked by quick questions",
            "quick_on_doubt": "Quick questions about what is in doubt",
            "quick_devices": "Offered on",
            "tags": "What may leak",
            "collects_missing": "Missing sound is marked too",
            "proposes": "Proposals",
            "blind_share": "Share without proposals",
            "hears_effects": "People hear what their marks change",
            "choosing": "Clips are chosen by",
            "random_share": "Share chosen at random",
            "asks_again": "Ask again instead of a new clip",
            "seed": "Seed of chance",
            "learns_after_seconds": "After so many seconds agreed on",
            "learns_after_clips": "After so many clips agreed on",
            "learns_after_hours": "After so many hours",
            "learns_every_hours": "By the clock, every so many hours",
            "learns_at": "By the clock, at",
            "learns_by_hand": "By hand alone",
            "gate_gain": "Less bleed, at least",
            "gate_leak_rise": "More leak, at most",
            "gate_voice_loss": "Loss of what is extracted, at most",
            "gate_forgetting": "Loss on other music, at most",
            "compare_with_replay": "Compare with replay alone",
        }
        help_texts = {
            "name": "as everybody reads it",
            "instructions": f"what annotators of this campaign should know besides; the page explains the rest. {MARKDOWN}",
            "consent_text": "what people agree to, in Markdown too; empty: the page's own words",
            "slug": "small letters, digits and hyphens; empty: made from the name. It never changes, since links and pages have it",
            "clips_per_round": "that people hear before the model learns from them",
            "lease_seconds": "afterwards somebody else may get it",
            "seed": "the same seed and answers give the same clips again",
            "recipe": 'settings that differ from the default, as JSON: {"steps": 200}. Empty braces: the default, which was measured best',
        }
        widgets = {
            "instructions": forms.Textarea(attrs={"rows": 8}),
            "consent_text": forms.Textarea(attrs={"rows": 4}),
            "learns_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "questionnaire": forms.Textarea(attrs={"rows": 5}),
            "only_tags": forms.Textarea(attrs={"rows": 1, "spellcheck": "false"}),
            "tags": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "recipe": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, filled: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.filled = filled or {}  # by the study designer, instead of what is there or usual
        kwargs["initial"] = {**kwargs.get("initial", {}), **self.filled}
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        for name in ("recipe", "tags", "only_tags"):
            field = self.fields[name]
            assert isinstance(field, forms.JSONField)
            field.decoder = strict_json.Decoder
        for name in self.fields:
            if field_help := self.fields[name].help_text:
                self.fields[name].help_text = str(field_help)[:1].upper() + str(field_help)[1:] + "."
        if self.instance.pk:
            for name in MADE_ONCE:
                del self.fields[name]
            if self.instance.settled_stem():
                self.fields["stem"].disabled = True
                self.fields["stem"].help_text = "The same from the first song or model on: make another campaign for another stem."

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"] or free_slug(self.cleaned_data.get("name", ""))
        return slug

    def clean_recipe(self) -> dict[str, Any]:
        recipe: dict[str, Any] | None = self.cleaned_data["recipe"]
        return {} if recipe is None else recipe

    def clean_only_tags(self) -> list[str]:
        return self.cleaned_data["only_tags"] or []

    def clean_tags(self) -> list[str]:
        tags: list[str] | None = self.cleaned_data["tags"]
        return [] if tags is None else tags

    def clean(self) -> dict[str, Any]:
        """A recipe that the songs of a running campaign could not be learned from is refused before people's answers wait for it.

        So is a text that places a sound which is not there.
        """
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in TEXTS if self.instance.pk else ():
            lacking = self.instance.lacking_sounds(cleaned.get(name, "")) if name in self.changed_data else []
            if lacking:
                self.add_error(name, f"There is no sound named {', '.join(lacking)}: bring it first, under “Sounds of the texts”.")
        recipe = cleaned.get("recipe")
        if self.instance.pk and recipe is not None and recipe != self.initial.get("recipe"):
            try:
                reason = selectors.cannot_work(self.instance, recipe)
            except ValueError:  # said by the model itself
                reason = ""
            if reason:
                self.add_error("recipe", reason)
        return cleaned

    @property
    def sections(self) -> list[dict[str, Any]]:
        """What the page shows; one with an error, or that was filled in, is open."""
        shown = []
        for section in SECTIONS:
            fields = [self[name] for name in section.names if name in self.fields]
            touched = any(field.errors or field.name in self.filled for field in fields)
            shown.append({"section": section, "fields": fields, "is_open": section.is_open or touched})
        return shown


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a campaign, whose owner is who makes it."""
    if not request.user.has_perm("annotation.add_campaign"):
        raise PermissionDenied("Only site admins make campaigns; ask the people who run this site.")
    copied = membership_of(request.user, request.GET.get("copy", ""))
    if copied and not copied.manages:
        copied = None
    kind = request.GET.get("kind", USUAL)
    begins_with = _rules_of(copied.campaign) if copied else KINDS.get(kind, KINDS[USUAL]).rules
    filled = _from_study(request)
    form, base = CampaignForm(request.POST or None, initial=begins_with, filled=filled), FirstBase(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid() and base.suits(form.cleaned_data["stem"]):
        try:
            # Paused, so that no round begins with the first of many songs.
            campaign = annotating.create_campaign(owner=request.user, paused=True, **form.cleaned_data)
        except ValidationError as wrong:  # another one took the name meanwhile
            form.add_error(None, wrong)
        else:
            if copied:
                told_sounds.copy_sounds(source=copied.campaign, target=campaign)
            base.begin(campaign, membership_of(request.user, campaign.slug))
            messages.success(request, f"Made: {campaign.name}. Its page says what it needs next.")
            return redirect("campaign", campaign.slug)
    context = {
        "form": form,
        "base": base["base"],
        "kinds": [(name, one, name == kind and not copied) for name, one in KINDS.items()],
        "others": managed_by(request.user),
        "copied": copied.campaign if copied else None,
        "filled": _named(filled),
    }
    return _with_preview(render(request, "hub/new_campaign.html", context, status=400 if form.errors or base.errors else 200))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the rules of a campaign that runs."""
    member = manager_or_403(request, slug)
    filled = _from_study(request)
    form = CampaignForm(request.POST or None, instance=member.campaign, filled=filled)
    if "dry-run" in request.POST:
        form.full_clean()
        dry = None if "recipe" in form.errors else dry_run.shown(_unchanged(member), form.cleaned_data["recipe"])
        context: dict[str, Any] = {"campaign": _unchanged(member), "member": member, "form": form, "dry_run": dry}
        return _with_preview(render(request, "hub/campaign_settings.html", context, status=400 if form.errors else 200))
    if request.method == "POST" and form.is_valid():
        try:
            changed = annotating.change_campaign(campaign=member.campaign, changes=form.cleaned_data, who=member)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            _tell(request, changed)
            return redirect("campaign-settings", slug)
    context = {"campaign": _unchanged(member), "member": member, "form": form, "filled": _named(filled)}
    return _with_preview(render(request, "hub/campaign_settings.html", context, status=400 if form.errors else 200))


def _with_preview(response: HttpResponse) -> HttpResponse:
    response.frames = True  # type: ignore[attr-defined]  # what annotators would see; see hub.security
    return response


def _tell(request: HttpRequest, changed: dict[str, object]) -> None:
    if not changed:
        messages.info(request, "Nothing was changed.")
        return
    names = [str(CampaignForm.base_fields[name].label or name).lower() for name in changed]
    asked = " People are asked again before their next clip." if set(changed) & set(VERSIONS) else ""
    messages.success(request, f"{count(len(names), 'rule')} changed: {', '.join(names)}.{asked}")


def _from_study(request: HttpRequest) -> dict[str, Any]:
    """What the study designer fills in."""
    return {name: request.GET[name] for name in FROM_STUDY if name in request.GET}


def _named(filled: dict[str, Any]) -> list[str]:
    return [f"{str(CampaignForm.base_fields[name].label).lower()} {value}" for name, value in filled.items()]


def _unchanged(member: Membership) -> Campaign:
    """The campaign as it is kept: a form that was refused has written into the one at hand."""
    return Campaign.objects.get(pk=member.campaign_id)


def _rules_of(campaign: Campaign) -> dict[str, Any]:
    """What a copy takes over: everything but the name and its address."""
    return {name: getattr(campaign, name) for name in CampaignForm.base_fields if name not in ("name", *MADE_ONCE)}
