"""Webhooks in the browser, for managers: make, change and remove them, try them, and see what was sent and what came back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation.core.errors import DomainError
from annotation.models import Campaign
from annotation.pages.access import manager_or_403
from hub.api.webhooks import services, signing
from hub.api.webhooks.kinds import GROUPS, KINDS
from hub.api.webhooks.models import Delivery, Webhook

SHOWN = 30  # deliveries on a page
SHOW_SECRET = "webhook whose secret is shown"  # in the session: once, after it was made


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://lab.example/unbleed", "autocomplete": "off"}),
        help_text="of your server, from https:// on; it must be reached from the internet, unless who runs this site named it",
    )
    events = forms.MultipleChoiceField(choices=[(name, name) for name in KINDS], error_messages={"required": "Choose at least one."})
    active = forms.BooleanField(label="Switched on", required=False, initial=True)

    def groups(self) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        """What there is to choose: under each heading the kinds with their sentences, and whether each is chosen."""
        chosen = set(self["events"].value() or ())
        return [(title, [(one, KINDS[one].sentence, one in chosen) for one in KINDS if one.startswith(begins)]) for title, begins in GROUPS]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest, slug: str) -> HttpResponse:
    """All of the campaign; POST makes one."""
    member = manager_or_403(request, slug)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = services.make_webhook(campaign=member.campaign, who=member, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error("url", str(refusal))
        else:
            request.session[SHOW_SECRET] = made.pk
            return redirect("webhook", slug, made.pk)
    waiting = Count("deliveries", filter=Q(deliveries__state=Delivery.State.WAITING))
    given_up = Count("deliveries", filter=Q(deliveries__state=Delivery.State.GIVEN_UP))
    rows = services.webhooks_of(member.campaign).annotate(waiting=waiting, given_up=given_up)
    context = {"campaign": member.campaign, "member": member, "rows": rows, "form": form}
    return render(request, "hub/webhooks/all.html", context, status=HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
    """One of them: its settings, which POST changes, and what was sent."""
    member = manager_or_403(request, slug)
    found = _found(member.campaign, webhook_id)
    now = {"url": found.url, "events": found.events, "active": found.active}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=now)
    if form.is_bound and form.is_valid():
        try:
            services.change_webhook(webhook=found, who=member, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error("url", str(refusal))
        else:
            messages.success(request, "Kept.")
            return redirect("webhook", slug, found.pk)
    state = request.GET.get("state", "") if request.GET.get("state") in Delivery.State.values else ""
    sent = found.deliveries.order_by("-pk")
    page = Paginator(sent.filter(state=state) if state else sent, SHOWN).get_page(request.GET.get("page", "")[:9])
    shown = request.method != "POST" and request.session.get(SHOW_SECRET) == found.pk
    if shown:
        del request.session[SHOW_SECRET]
    context: dict[str, Any] = {
        "campaign": member.campaign,
        "member": member,
        "webhook": found,
        "secret": signing.secret_of(found) if shown else "",
        "form": form,
        "page": page,
        "state": state,
        "states": Delivery.State.values,
        "under_way": any(one.state == Delivery.State.WAITING for one in page),
    }
    return render(request, "hub/webhooks/one.html", context, status=HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK)


@login_required
@require_POST
def test(request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
    """Send a test."""
    member = manager_or_403(request, slug)
    services.send_test(webhook=_found(member.campaign, webhook_id))
    messages.success(request, "A test is on its way; what came of it stands in the list below in a moment.")
    return redirect("webhook", slug, webhook_id)


@login_required
@require_POST
def rotate(request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
    """Give it another secret."""
    member = manager_or_403(request, slug)
    services.rotate_secret(webhook=_found(member.campaign, webhook_id), who=member)
    request.session[SHOW_SECRET] = webhook_id
    return redirect("webhook", slug, webhook_id)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
    member = manager_or_403(request, slug)
    services.remove_webhook(webhook=_found(member.campaign, webhook_id), who=member)
    messages.success(request, "The webhook is removed; nothing is sent to it any more.")
    return redirect("webhooks", slug)


@login_required
@require_POST
def again(request: HttpRequest, slug: str, webhook_id: int, delivery_id: int) -> HttpResponse:
    """Send one delivery once more."""
    member = manager_or_403(request, slug)
    found = _found(member.campaign, webhook_id)
    services.send_again(delivery=get_object_or_404(found.deliveries.select_related("webhook"), pk=delivery_id))
    messages.success(request, "It is sent again.")
    return redirect("webhook", slug, webhook_id)


def _found(campaign: Campaign, webhook_id: int) -> Webhook:
    found: Webhook = get_object_or_404(services.webhooks_of(campaign).select_related("campaign"), pk=webhook_id)
    return found
