"""What people are told, as HTML, and the sounds in it: who hears them, and the managers' page on which they are brought."""

from __future__ import annotations

from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core import markdown
from annotation.core.errors import DomainError
from annotation.models import Campaign, ToldSound
from annotation.pages.access import manager_or_403, member_or_404
from annotation.pages.clips import with_range
from annotation.services import told_sounds


def told(campaign: Campaign, text: str) -> SafeString:
    """A text of the campaign as HTML, with players for the sounds that it places."""
    placed = markdown.sounds_in(text)
    known = dict(campaign.told_sounds.filter(name__in=placed).values_list("name", "pk")) if placed and campaign.pk else {}
    return mark_safe(markdown.html(text, {name: reverse("told-sound", args=[pk]) for name, pk in known.items()}))


@login_required
@require_safe
def sound(request: HttpRequest, sound_id: int) -> HttpResponse:
    """A sound of the texts of a campaign, for its members."""
    found = get_object_or_404(ToldSound.objects.select_related("campaign"), pk=sound_id)
    member_or_404(request, found.campaign.slug)
    return with_range(bytes(found.ogg), request.headers.get("Range", ""))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sounds(request: HttpRequest, slug: str) -> HttpResponse:
    """The sounds of a campaign's texts; POST brings one."""
    member = manager_or_403(request, slug)
    campaign, wrong = member.campaign, ""
    if request.method == "POST":
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            wrong = "Choose a sound file."
        else:
            given = Path(file.name or "")
            try:
                name = request.POST.get("name", "").strip() or given.stem
                made = told_sounds.add_sound(campaign=campaign, name=name, file=file.read(), suffix=given.suffix.lower(), who=member)
            except told_sounds.NoSuchSound as refusal:
                wrong = str(refusal)
            else:
                messages.success(request, f"{made.name} is there: place it by the line beside it.")
                return redirect("told-sounds", slug)
    there = list(campaign.told_sounds.defer("ogg").order_by("name"))
    texts = f"{campaign.instructions}\n{campaign.consent_text}"
    placed = markdown.sounds_in(texts)
    context = {
        "campaign": campaign,
        "member": member,
        "sounds": [(one, one.name in placed) for one in there],
        "missing": campaign.lacking_sounds(texts),
        "wrong": wrong,
        "longest": told_sounds.LONGEST,
        "most": told_sounds.MOST,
    }
    return render(request, "annotation/told_sounds.html", context, status=400 if wrong else 200)


@login_required
@require_POST
def remove_sound(request: HttpRequest, slug: str, sound_id: int) -> HttpResponse:
    """Take a sound away that no text places."""
    member = manager_or_403(request, slug)
    try:
        told_sounds.remove_sound(sound=get_object_or_404(member.campaign.told_sounds, pk=sound_id), who=member)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("told-sounds", slug)
