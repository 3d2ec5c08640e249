"""A checkpoint of a campaign: what it is, what made it, how it measures, and the buttons that take it home or make it current."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from annotation.core.errors import DomainError
from annotation.files import storage
from annotation.models import Campaign
from annotation.pages.access import manager_or_403, member_or_404, researcher_or_403
from annotation.selectors.listening import heard_blind
from hub.pages import songs, words
from hub.pages.fragments import tables_of
from hub.pages.lineage.picture import picture
from learner import selectors, services
from learner.models import Checkpoint, FileRemoved, Remake, WrittenCheckpoint
from learner.selectors.card import card
from learner.selectors.family import relations
from learner.services import remakes
from learner.services.written import write_checkpoint, written_of


def _found(campaign: Campaign, digest: str) -> Checkpoint:
    """One that this campaign made or used, by its hash; others' are not here."""
    return get_object_or_404(selectors.checkpoints(campaign), hash=digest)


@login_required
@never_cache
@require_safe
def checkpoint(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """What a checkpoint is, where it comes from, and what came of it."""
    member = member_or_404(request, slug)
    campaign = member.campaign
    found = _found(campaign, digest)
    made, current = selectors.made_by(campaign, found), selectors.current_checkpoint(campaign)
    family = relations(campaign)
    known = written_of(found, member) if member.takes_data else {}
    context = {
        "campaign": campaign,
        "member": member,
        "checkpoint": found,
        "current": current,
        "is_current": found == current,
        "made": made,
        "songs": songs.section(member, None if made.replay_only else made.adaptation),
        "line": selectors.line_of(found, [one.parent for one in family]),
        "family": picture(family, current, found),
        "children": [one for one in family if one.parent == found],
        "tables": tables_of(selectors.checkpoint_table(found, current, selectors.figures(campaign)), campaign.wording),
        "listening": [
            {"test": one.test, "other": one.other, "result": one.result, "is_parent": bool(found.parent and one.other == found.parent.hash)}
            for one in heard_blind(campaign, found.hash)
        ],
        "recipe": sorted(found.recipe.items()),
        "formats": [(one, one.label, known.get(one.value)) for one in WrittenCheckpoint.Format],
        "remade": Remake.objects.filter(checkpoint=found, adaptation__campaign=campaign).select_related("job").order_by("-pk").first(),
    }
    return render(request, "hub/checkpoint.html", context)


@login_required
@never_cache
@require_safe
def card_of(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Its card, in the format of Hugging Face's hub."""
    member = researcher_or_403(request, slug)
    found = _found(member.campaign, digest)
    figures, made = selectors.figures(member.campaign), selectors.made_by(member.campaign, found)
    text = card(member.campaign, found, made, figures, words.metrics(member.campaign.wording))
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-{found.short}.md"'
    return response


@login_required
@require_POST
def make_current(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Let the campaign use this checkpoint, whatever the gate said of it."""
    member = manager_or_403(request, slug)
    found, seen = _found(member.campaign, digest), Checkpoint.objects.filter(hash=request.POST.get("seen", "")).first()
    try:
        if seen is None:
            raise services.StaleModel
        services.choose_checkpoint(
            campaign=member.campaign, checkpoint=found, seen=seen, who=member, reason=request.POST.get("reason", "").replace("\0", "")
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        undo = f"To undo it, make {seen.short} current again." if seen else ""
        messages.success(request, f"The campaign uses checkpoint {found.short} now. {undo}")
    return redirect("checkpoint", slug, digest)


@login_required
@require_POST
def remake(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Have it made again, to see whether the same comes of it."""
    member = manager_or_403(request, slug)
    try:
        job = remakes.remake(checkpoint=_found(member.campaign, digest), who=member)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"A worker makes it again when nobody waits for other work: job {job.pk}. What comes of it stands below.")
    return redirect(reverse("checkpoint", args=[slug, digest]) + "#remade")


@login_required
@require_POST
def write(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Have it written for other tools."""
    member = researcher_or_403(request, slug)
    if (asked := request.POST.get("format", "")) not in WrittenCheckpoint.Format.values:
        raise Http404
    try:
        write_checkpoint(checkpoint=_found(member.campaign, digest), format=WrittenCheckpoint.Format(asked), who=member)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect(reverse("checkpoint", args=[slug, digest]) + "#written")


@login_required
@never_cache
@require_safe
def written(request: HttpRequest, slug: str, digest: str, format: str) -> HttpResponseBase:
    """The file that was written of it."""
    member = researcher_or_403(request, slug)
    found = _found(member.campaign, digest)
    row = written_of(found, member).get(format)
    if row is None or not row.file or not (file := storage.local(row.file)).is_file():
        raise Http404
    return FileResponse(file.open("rb"), as_attachment=True, filename=f"{slug}-{found.short}{row.suffix}")


@login_required
@never_cache
@require_safe
def download(request: HttpRequest, slug: str, digest: str) -> HttpResponseBase:
    """The file of a checkpoint: safetensors, with its licence and origin inside; `python -m learner.core separate` reads it."""
    member = researcher_or_403(request, slug)
    found = _found(member.campaign, digest)
    try:
        file = storage.local(found.stored).open("rb")
    except FileRemoved as gone:
        return HttpResponse(str(gone), status=gone.status, content_type="text/plain; charset=utf-8")
    except FileNotFoundError:
        return HttpResponse(f"The file of {found.short} is not in the storage.", status=410, content_type="text/plain; charset=utf-8")
    return FileResponse(file, as_attachment=True, filename=f"{slug}-{found.short}.safetensors")
