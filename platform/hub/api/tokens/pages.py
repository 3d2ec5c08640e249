"""The page of one's own tokens, under the account: make one, which is shown once, and revoke."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from annotation.models import Campaign, Membership
from annotation.selectors.queue import campaigns_of
from hub.accounts.models import User
from hub.accounts.own.page import for_accounts
from hub.api.tokens.models import Token
from hub.api.tokens.services import make_token, revoke_token

SHOWN = 100  # the newest
ROLES = {
    Membership.Role.OWNER: "an owner",
    Membership.Role.MANAGER: "a manager",
    Membership.Role.RESEARCHER: "a researcher",
    Membership.Role.REVIEWER: "a reviewer",
    Membership.Role.ANNOTATOR: "an annotator",
}


class NewToken(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="for yourself: which program has it")
    campaign = forms.ModelChoiceField(
        label="Campaign", queryset=Campaign.objects.none(), required=False, empty_label="all of yours, now and later"
    )
    role = forms.ChoiceField(
        label="No more than", required=False, choices=[("", "what you may do yourself"), *ROLES.items()],
        help_text="what you may not do yourself, no token may",
    )  # fmt: skip
    writes = forms.TypedChoiceField(
        label="It may", choices=[("", "only read"), ("yes", "read, and change what you may change")], coerce=bool, required=False
    )
    days = forms.TypedChoiceField(
        label="It works for", coerce=int, initial=90,
        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days"), (366, "a year")],
    )  # fmt: skip

    def __init__(self, user: User, given: QueryDict | None = None) -> None:
        super().__init__(given)
        field = self.fields["campaign"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = campaigns_of(user)


@for_accounts
@never_cache
@reauthentication_required
def tokens(request: HttpRequest) -> HttpResponse:
    """All of one's own, and a form for another; a new one is in the answer to that form, and nowhere else."""
    user = request.user
    assert isinstance(user, User)
    form, secret = NewToken(user, request.POST if request.method == "POST" else None), ""
    if form.is_bound and form.is_valid():
        said = form.cleaned_data | {"writes": bool(form.cleaned_data["writes"])}
        _made, secret = make_token(owner=user, **said)
        form = NewToken(user)
    kept = Token.objects.filter(owner=user).select_related("campaign", "made_by").order_by("-pk")[:SHOWN]
    shown = [(one, ROLES.get(Membership.Role(one.role)) if one.role else None, one.works(now())) for one in kept]
    context = {"form": form, "secret": secret, "tokens": shown}
    return render(request, "hub/tokens.html", context, status=HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK)


@for_accounts
@require_POST
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    revoke_token(token=get_object_or_404(Token, pk=token_id, owner=request.user.pk))
    messages.success(request, "The token lets no program in any more.")
    return redirect("tokens")
