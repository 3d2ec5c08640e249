"""The list of imports with the form that begins one, and the page of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.core.errors import DomainError
from annotation.core.formats.reading.label_studio import Meaning
from annotation.core.formats.reading.labels import ALL_ENDINGS
from annotation.core.formats.rows import CONSENSUS
from annotation.core.imported import Report
from annotation.models import Campaign
from annotation.pages.access import manager_or_403
from annotation.services.imports import NEW, OUT, BadChoice
from hub.pages import words
from learner.models import DataImport
from learner.services import imports as services

SHOWN = 20  # imports on a page
MEMBER = "member"


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest, slug: str) -> HttpResponse:
    """Every import of the campaign, and the form that brings files."""
    member = manager_or_403(request, slug)
    said = {name: request.POST.get(name, "") for name in ("kept_as", "person")}
    error = ""
    if request.method == "POST":
        try:
            begun = services.begin_import(who=member, files=request.FILES.getlist("files"), **said)
            return redirect("import", slug, begun.pk)
        except (ValidationError, DomainError) as refusal:
            error = " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
    found = DataImport.objects.filter(campaign=member.campaign).select_related("job", "who").order_by("-pk")
    context = {
        "campaign": member.campaign,
        "member": member,
        "said": said,
        "error": error,
        "endings": ",".join(ALL_ENDINGS),
        "kinds": DataImport.As.choices,
        "largest": services.LARGEST,
        "largest_words": f"{services.LARGEST / 1e6:.0f} MB",
        "page": Paginator(found, SHOWN).get_page(request.GET.get("page")),
    }
    return render(request, "hub/imports/all.html", context, status=400 if error else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """What a worker found in the files, who is who in them, and what came of it; the form that is sent looks again, imports or discards."""
    member = manager_or_403(request, slug)
    data = get_object_or_404(DataImport.objects.select_related("job", "who", "campaign"), campaign=member.campaign, pk=import_id)
    report = Report(**data.report) if data.report else None
    if request.method == "POST":
        try:
            if request.POST.get("do") == "discard":
                services.discard(data=data)
                messages.success(request, "The files were thrown away; nothing of them was imported.")
                return redirect("imports", slug)
            chosen = _chosen(request, member.campaign, report or Report())
            services.go_on(data=data, who=member, do_import=request.POST.get("do") == "import", **chosen)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect("import", slug, data.pk)
    context = {
        "campaign": member.campaign,
        "member": member,
        "data": data,
        "report": report,
        "lines": list(report.lines(done=data.done is not None)) if report else [],
        "people": list(_people(data, report)) if report else [],
        "labels": _labels(data, report) if report else [],
        "meanings": [(Meaning.MARK, "should be silent: a mark"), (Meaning.MISSING, "something is missing"), (Meaning.LEFT_OUT, "left out")],
        "job_words": words.job(data.job) if data.job else "",
    }
    return render(request, "hub/imports/one.html", context)


@dataclass(frozen=True)
class Person:
    """One person of a file, and who they are to be here."""

    number: int
    shown: str
    answers: int
    choice: str  # NEW, OUT or MEMBER
    name: str  # of the member, or of who is new


def _people(data: DataImport, report: Report) -> Iterator[Person]:
    numbers = [int(one) for one in data.people.values() if one.isdecimal()]
    numbers += [about["member"] for about in report.people.values() if about.get("member")]
    names = dict(data.campaign.memberships.filter(pk__in=numbers).values_list("pk", "pseudonym"))
    for number, (key, about) in enumerate(report.people.items()):
        suggested = str(about["member"]) if about.get("member") else OUT if key == CONSENSUS else f"{NEW}:{data.person if not key else ''}"
        chosen = data.people.get(key, suggested)
        choice, _, name = chosen.partition(":")
        if chosen.isdecimal():
            choice, name = MEMBER, names.get(int(chosen), "")
        yield Person(number, about["shown"] or key or "(the files name nobody)", about["answers"], choice, name)


def _labels(data: DataImport, report: Report) -> list[tuple[int, str, int, str]]:
    """Number, text, how often, and what it means by the latest choice."""
    found = dict.fromkeys(data.meanings, 0) | report.labels
    return [(number, label, n, data.meanings.get(label, Meaning.LEFT_OUT)) for number, (label, n) in enumerate(found.items())]


def _chosen(request: HttpRequest, campaign: Campaign, report: Report) -> dict[str, Any]:
    """What the form says of people and labels, by their numbers on the page. Raises `BadChoice`."""
    people, meanings = {}, {}
    for number, key in enumerate(report.people):
        choice, name = request.POST.get(f"who-{number}", ""), request.POST.get(f"name-{number}", "").strip()
        if choice == MEMBER:
            member = campaign.memberships.filter(pseudonym=name).first()
            if member is None:
                raise BadChoice(f"Nobody in this campaign is called {name[:60]!r}: give the pseudonym of a member.")
            people[key] = str(member.pk)
        elif choice in (NEW, OUT):
            people[key] = f"{NEW}:{name}" if choice == NEW and name else choice
    for name, value in request.POST.items():
        if name.startswith("label-") and (label := request.POST.get(f"text-{name.removeprefix('label-')}")):
            meanings[label] = value
    return {"people": people, "meanings": meanings}
