"""The managers' page of crowd links: make and revoke them, who came by which, what Prolific says of them, and the payout CSV."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.core.panels import LARGEST_EXPORT, BadExport, is_placeholder, read_export
from annotation.models import Campaign, Link, Participation
from annotation.pages.access import manager_or_403
from annotation.selectors import crowd_links, queue
from annotation.selectors import payout as payouts
from annotation.services import crowd_links as service

if TYPE_CHECKING:  # generic for the type checker only
    Form = forms.ModelForm[Link]
else:
    Form = forms.ModelForm

State = Participation.State
SHOWN = 50  # participations on one page


class NewLink(Form):
    """What a manager says about a new link."""

    expires = forms.DateTimeField(
        required=False, label="Open until", help_text="UTC; empty: no end", widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )

    class Meta:
        model = Link
        fields = (
            "kind", "name", "max_uses", "hourly_limit", "expires", "tasks_asked", "completion_code",
            "return_url", "study", "pay_per_task", "currency",
        )  # fmt: skip
        labels = {
            "max_uses": "Places",
            "hourly_limit": "From one address",
            "tasks_asked": "Clips asked for",
            "return_url": "Return address",
            "study": "Prolific study",
            "pay_per_task": "Pay per clip",
        }
        help_texts = {
            "max_uses": "people let in at most; empty: no limit",
            "hourly_limit": "people at most within an hour; empty: 40 by an invitation, 10 by a panel's link",
            "completion_code": "shown when a person is done; of a Prolific link without one, a code is made",
            "currency": "three capitals, such as GBP",
        }

    def clean_expires(self) -> Any:
        expires = self.cleaned_data["expires"]
        if expires and expires <= now():
            raise ValidationError("This time is over already.")
        return expires

    def clean_study(self) -> str:
        study: str = self.cleaned_data["study"]
        if is_placeholder(study):
            raise ValidationError("This is a placeholder. Give the study's own id, or leave it empty: any study.")
        return study

    def _post_clean(self) -> None:
        """The row is checked whole by `create_link`, once, with its campaign and maker."""


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def links(request: HttpRequest, slug: str) -> HttpResponse:
    """The links of a campaign and who came by them; POST makes a link."""
    member = manager_or_403(request, slug)
    form = NewLink(request.POST or None, initial={"kind": Link.Kind.INVITATION, "max_uses": 20})
    if request.method == "POST" and form.is_valid():
        try:
            link = service.create_link(campaign=member.campaign, who=member, **form.cleaned_data)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            messages.success(request, f"Made: {link}. Copy its address below.")
            return redirect("links", slug)
    made = list(member.campaign.links.select_related("made_by").order_by("revoked", "-pk"))
    addresses = queue.addresses_of(made)
    people = Paginator(_participations(member.campaign, request.GET), SHOWN).get_page(request.GET.get("page"))
    context = {
        "campaign": member.campaign,
        "member": member,
        "form": form,
        "links": [
            {
                "link": one,
                "address": request.build_absolute_uri(reverse("join", args=[one.token])) + one.query,
                "came_from": addresses[one.pk],
            }
            for one in made
        ],
        "page": people,
        "people": [{"one": one, "n_done": crowd_links.n_done(one), "n_too_soon": queue.n_too_soon(one)} for one in people],
    }
    return render(request, "annotation/crowd_links.html", context, status=400 if form.errors else 200)


def _participations(campaign: Campaign, asked: Mapping[str, str]) -> Any:
    """The latest first; of one `link`, where its id is asked for, and from one address of it (`from`)."""
    link, came_from = asked.get("link", ""), asked.get("from", "")
    people = Participation.objects.filter(link__campaign=campaign).select_related("link", "membership__user").order_by("-pk")
    if came_from:
        people = people.filter(came_from=came_from.replace("\0", ""))
    return people.filter(link=int(link)) if link.isdecimal() and len(link) < 15 else people


@login_required
@require_POST
def revoke(request: HttpRequest, slug: str, link_id: int) -> HttpResponse:
    """Let nobody in by this link any more."""
    member = manager_or_403(request, slug)
    link = get_object_or_404(member.campaign.links, pk=link_id)
    if service.revoke_link(link=link, who=member):
        messages.success(request, f"Revoked: {link}. Who came by it stays in the campaign.")
    return redirect("links", slug)


@login_required
@require_POST
def limit(request: HttpRequest, slug: str, link_id: int) -> HttpResponse:
    """Let more or fewer people in by this link from one address within an hour."""
    member = manager_or_403(request, slug)
    link = get_object_or_404(member.campaign.links, pk=link_id)
    stated = request.POST.get("hourly_limit", "").strip()
    if stated and not (stated.isdecimal() and len(stated) < 10):
        messages.error(request, f"From one address: {stated[:20]!r} is no number of people; it may be from 1 to 10000, or empty.")
        return redirect("links", slug)
    try:
        service.change_limit(link=link, hourly_limit=int(stated) if stated else None, who=member)
    except ValidationError as wrong:
        messages.error(request, f"From one address: {' '.join(wrong.messages)}")
    else:
        messages.success(request, f"Changed: {link}.")
    return redirect("links", slug)


@login_required
@require_POST
def decide(request: HttpRequest, slug: str, participation_id: int) -> HttpResponse:
    """What a manager says of one participation: returned, timed out, let finish, approved, rejected, answers out."""
    member = manager_or_403(request, slug)
    one = get_object_or_404(
        Participation.objects.select_related("link__campaign", "membership"), pk=participation_id, link__campaign=member.campaign
    )
    decision, name = request.POST.get("decision", ""), one.membership.pseudonym
    if decision in Participation.RECLAIMED:
        changed = service.reclaim(participation=one, state=decision, who=member, exclude=request.POST.get("exclude") == "yes")
        said = f"{name}: {decision}. Their clips and their place are free again."
    elif decision == "finish":
        changed, said = service.finish(participation=one, who=member), f"{name} is done, and sees the completion code."
    elif decision in (State.APPROVED, State.REJECTED):
        changed, said = service.note_panel_decision(participation=one, state=decision, who=member), f"{name}: {decision}."
    elif decision == "exclude":
        changed = service.exclude_answers(participation=one, who=member) > 0
        said = f"The answers of {name} count nowhere from the next freeze on."
    else:
        allowed = ", ".join((*Participation.RECLAIMED, State.APPROVED, State.REJECTED, "finish", "exclude"))
        return HttpResponseBadRequest(f"decision is {decision[:40]!r}; it may be {allowed}.", content_type="text/plain; charset=utf-8")
    messages.success(request, said) if changed else messages.warning(request, f"Nothing changed: {name} is {one.state} already.")
    return redirect("links", slug)


@login_required
@require_POST
def export(request: HttpRequest, slug: str, link_id: int) -> HttpResponse:
    """Prolific's CSV of the submissions of a link's study."""
    member = manager_or_403(request, slug)
    link = get_object_or_404(member.campaign.links.filter(kind=Link.Kind.PROLIFIC), pk=link_id)
    file = request.FILES.get("file")
    if file is None or not hasattr(file, "read"):
        messages.error(request, "Choose the CSV file that you downloaded from Prolific.")
        return redirect("links", slug)
    try:
        rows = read_export(file.read(LARGEST_EXPORT + 1))
    except BadExport as bad:
        messages.error(request, str(bad))
        return redirect("links", slug)
    told = service.apply_export(link=link, rows=rows, who=member, exclude=request.POST.get("exclude") == "yes")
    messages.success(request, f"{told.changed} changed, {told.same} as before, {told.unknown} who never came by this link.")
    if told.not_understood:
        messages.warning(request, f"Left alone, since their status is not known here: {', '.join(told.not_understood)[:300]}.")
    return redirect("links", slug)


@login_required
@never_cache
@require_safe
def payout(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The payout CSV; `rate` per accepted task instead of the links' own."""
    member = manager_or_403(request, slug)
    stated = request.GET.get("rate", "").strip()
    try:
        rate = Decimal(stated) if stated else None
    except InvalidOperation:
        rate = Decimal(-1)
    if rate is not None and not (rate.is_finite() and 0 <= rate <= 10_000):
        wrong = f"rate is {stated[:40]!r}; it may be a number from 0 to 10000, such as 0.25."
        return HttpResponseBadRequest(wrong, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(payouts.lines(member.campaign, rate), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-payout-{now():%Y-%m-%d}.csv"'
    return response
