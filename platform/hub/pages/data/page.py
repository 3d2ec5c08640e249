"""What a campaign's researchers and managers take home: a form for a new export, and those that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation.models import Campaign
from annotation.pages.access import researcher_or_403
from learner.models import Export
from learner.services import exports

if TYPE_CHECKING:  # generic for the type checker only
    Form = forms.ModelForm[Export]
else:
    Form = forms.ModelForm

SHOWN = 20  # exports on a page


class NewExport(Form):
    """What somebody says about a new export."""

    class Meta:
        model = Export
        fields = ("format", "whose", "names", "first_round", "last_round", "with_audio")
        labels = {
            "format": "Format",
            "whose": "What is in files for each song (Audacity, JAMS, RTTM, TextGrid, Raven)",
            "names": "People are called by (in datasets always codes)",
            "first_round": "From round (empty: the first)",
            "last_round": "To round (empty: the latest)",
            "with_audio": "With the sound of the clips (datasets only)",
        }


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def data(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; sent, the form has a worker make another export."""
    member = researcher_or_403(request, slug)
    form = NewExport(
        request.POST or None, initial={"format": request.GET.get("format", Export.Format.LABEL_STUDIO)[:20], "names": Export.Names.CODES}
    )
    if request.method == "POST" and form.is_valid():
        wanted: Export = form.instance
        wanted.site = settings.ADDRESS or request.build_absolute_uri("/").rstrip("/")[:200]
        try:
            exports.ask_export(who=member, wanted=wanted)
        except exports.NotExported as refusal:
            form.add_error("format", str(refusal))
        else:
            messages.success(request, "It is being made. It appears in the list below, and can be downloaded there.")
            return redirect("data", slug)
    status = 400 if form.is_bound else 200
    return render(request, "hub/data/page.html", _context(request, member.campaign) | {"member": member, "form": form}, status=status)


def _context(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    found = campaign.exports.select_related("job", "who").order_by("-pk")
    page = Paginator(found, SHOWN).get_page(request.GET.get("page", "")[:9])
    return {"campaign": campaign, "page": page, "exports": list(page), "days": settings.EXPORT_DAYS}


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, export_id: int) -> HttpResponse:
    """Remove the file of an export; that it was made stays on record."""
    member = researcher_or_403(request, slug)
    export = get_object_or_404(member.campaign.exports.select_related("campaign"), pk=export_id)
    if exports.remove_export(export=export, who=member):
        messages.success(request, "The file is removed.")
    return redirect("data", slug)
