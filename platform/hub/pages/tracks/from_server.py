"""Songs from a folder of the server, for those who run the site: choose one below those that the operator named, and have it taken in."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.core.errors import DomainError
from annotation.pages.access import manager_or_403
from hub.pages.fragments import Context
from learner.models import Intake
from learner.services import intakes, server_folders


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def folder(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """The folders below the one that `in` (a root's number) and `path` name; a form that is sent takes this one in."""
    member = manager_or_403(request, slug)
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied("Only those who run this site may take songs from its folders.")
    intake = get_object_or_404(Intake.objects.select_related("campaign", "job"), pk=intake_id, campaign=member.campaign)
    asked = request.POST if request.method == "POST" else request.GET
    root, path = asked.get("in", ""), asked.get("path", "")
    context: Context = {
        "campaign": member.campaign,
        "intake": intake,
        "roots": list(enumerate(server_folders.roots())),
        "root": root,
        "path": path,
    }
    try:
        if root:
            chosen = server_folders.folder_below(int(root) if root.isdecimal() and len(root) < 4 else -1, path)
            if request.method == "POST":
                intakes.take_in_folder(intake=intake, who=member, folder=chosen)
                return redirect("intake", slug, intake.pk)
            context |= {"chosen": chosen, "inside": server_folders.inside(chosen)}
            context["folders"] = [(name, _query(root, f"{path}/{name}" if path else name)) for name in context["inside"].folders]
            context["above"] = _query(root, path.rpartition("/")[0]) if path else "?"
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(reverse("server-folder", args=[slug, intake.pk]) if intake.is_open else reverse("intake", args=[slug, intake.pk]))
    return render(request, "hub/tracks/from_server.html", context)


def _query(root: str, path: str) -> str:
    return f"?{urlencode({'in': root, 'path': path})}"
