"""The annotate page as the form of a campaign would make it, on a generated clip, before anything is saved.

What the form says travels in the addresses, signed, so that nothing is kept. Texts and tags come out as they do on the annotate page: as
text, never as markup; the instructions as the Markdown that they are.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core import first_visit_sounds, label_studio, strict_json, tags
from annotation.core.stems import STEMS, USUAL
from annotation.files.first_visit_files import example_file
from annotation.models import Campaign
from annotation.pages.clips import with_range
from annotation.pages.rules import rules
from annotation.selectors.queue import membership_of

SALT = "hub.preview"
EXAMPLE = first_visit_sounds.PRACTICE[1]  # two leaks, before a voice and after it
LONGEST = 20_000  # characters of the instructions that are shown
THANKS = (
    "<p><strong>This is a preview: nothing of it is kept.</strong></p>"
    '<p><button type="button" id="outcome-next" class="primary">Begin anew</button></p>'
)


@login_required
@never_cache
@ensure_csrf_cookie
@xframe_options_sameorigin
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """The page; what cannot be is said instead."""
    campaign, wrong = _asked(request)
    if wrong:
        return _framed(render(request, "hub/starting/no_preview.html", {"wrong": wrong}, status=400))
    token = signing.dumps({"stem": campaign.stem, "tags": campaign.tags, "missing": campaign.collects_missing}, salt=SALT, compress=True)
    context = {
        "campaign": campaign,
        "membership": SimpleNamespace(pk=0),
        "practice": True,  # no clip of it is a task
        "preview": reverse("preview-next", args=[token]).removesuffix("/practice/next/"),
        "rules": rules(campaign),
        "shown": [],
    }
    response = _framed(render(request, "annotation/annotate.html", context))
    response.inline_styles = True  # type: ignore[attr-defined]  # as on the annotate page
    return response


def _framed(response: HttpResponse) -> HttpResponse:
    response.framed = True  # type: ignore[attr-defined]  # the form shows it in a frame; see hub.security
    return response


def _asked(request: HttpRequest) -> tuple[Campaign, str]:
    """A campaign that is in no database, as the form has it so far, and what is wrong with it."""
    campaign = Campaign(name=request.GET.get("name", "").strip() or "Your campaign", slug="preview")
    if (member := membership_of(request.user, request.GET.get("for", ""))) and member.manages:
        campaign.pk = member.campaign_id  # whose sounds the instructions place
    campaign.instructions = request.GET.get("instructions", "")[:LONGEST]
    campaign.collects_missing = "collects_missing" in request.GET
    campaign.stem = request.GET.get("stem", USUAL)
    if campaign.stem not in STEMS:
        return campaign, "There is no such stem."
    try:
        campaign.tags = strict_json.read(request.GET.get("tags", "").strip() or "[]")
    except ValueError as error:
        return campaign, f"What may leak is no list in JSON: {error}"
    return campaign, tags.fault(campaign.tags)


@login_required
@require_POST
def next_clip(request: HttpRequest, token: str) -> JsonResponse:
    """The generated clip, as the editor's page reads a task."""
    about = _read(token)
    stem = about["stem"]
    sounds = (reverse("preview-sound", args=[stem, f"{EXAMPLE.name}-{which}"]) for which in (stem, "mix", "removed"))
    extracted, mix, removed = sounds
    task = label_studio.task_payload(-1, extracted, mix, stem)
    task["data"]["removed"] = removed
    return JsonResponse(
        {
            "task": task,
            "config": label_studio.labelling_config(stem, about["tags"], missing=about["missing"], say=gettext),
            "duration": EXAMPLE.length,
            "picture": reverse("preview-sound", args=[stem, f"{EXAMPLE.name}-picture"]),
            "draft": None,
            "draft_saved_at": None,
            "draft_age": None,
            "progress": {"done": 0, "open": 1},
        }
    )


@login_required
@require_http_methods(["PUT"])
def answer(request: HttpRequest, token: str, n: int) -> JsonResponse:
    """What the page is told of an answer, which nobody reads."""
    _read(token)
    return JsonResponse({"score": 1.0, "html": THANKS, "run_over": False, "passed": False})


@login_required
@require_safe
def sound(request: HttpRequest, stem: str, name: str) -> HttpResponse:
    """A sound of the generated clip, or its picture."""
    made = example_file(name, stem) if stem in STEMS and name.startswith(EXAMPLE.name) else None
    if made is None:
        raise Http404
    if name.endswith("-picture"):
        return HttpResponse(made, content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})
    return with_range(made, request.headers.get("Range", ""), "audio/flac")


def _read(token: str) -> dict[str, Any]:
    try:
        about: dict[str, Any] = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise Http404 from error
    return about
