"""The page of quick questions, and what a telephone needs to install it and to open it without a network."""

from __future__ import annotations

from pathlib import Path

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from annotation.pages.access import check_ready, member_or_404
from annotation.pages.rules import rules
from annotation.selectors.access import NotReady

WORKER = Path(__file__).parents[1] / "static/annotation/quick/worker.js"
ICONS = {"icon-192.png": "192x192", "icon-512.png": "512x512"}


@login_required
@ensure_csrf_cookie
@require_safe
def quick(request: HttpRequest, slug: str) -> HttpResponse:
    """Quick questions; the page asks the API for tasks itself."""
    member = member_or_404(request, slug)
    try:
        check_ready(member)
    except NotReady as first:
        messages.info(request, str(first))
        return redirect(first.go)
    about = {"campaign": member.campaign, "membership": member, "rules": rules(member.campaign)}
    return render(request, "annotation/quick.html", about)


@login_required
@require_safe
def manifest(request: HttpRequest, slug: str) -> JsonResponse:
    """What makes the page installable (W3C, Web Application Manifest)."""
    campaign, here = member_or_404(request, slug).campaign, reverse("quick", args=[slug])
    icons = [
        {"src": static(f"annotation/quick/{name}"), "sizes": sizes, "type": "image/png", "purpose": "any maskable"}
        for name, sizes in ICONS.items()
    ]
    return JsonResponse(
        {
            "id": here,
            "name": f"Unbleed: {campaign.name}",
            "short_name": "Unbleed",
            "start_url": here,
            "scope": here,
            "display": "standalone",
            "orientation": "portrait",
            "background_color": "#f6f5f2",
            "theme_color": "#1f4e5f",
            "icons": icons,
        },
        content_type="application/manifest+json",
    )


@require_safe
def worker(request: HttpRequest, slug: str) -> HttpResponse:
    """The service worker, served from below the page, which is all that it is for."""
    return HttpResponse(WORKER.read_text(), content_type="text/javascript", headers={"Cache-Control": "no-cache"})
