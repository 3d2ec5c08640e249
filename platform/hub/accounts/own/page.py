"""The page of one's own account: name, address, password, second factors, where one is signed in, language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from hub.accounts.adapters import has_own_sign_in
from hub.accounts.models import User
from hub.accounts.own.second_factor import must_set_up

if TYPE_CHECKING:  # generic for the type checker only
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm

View = Callable[..., HttpResponseBase]


class NameForm(UserForm):
    class Meta:
        model = User
        fields = ("name",)
        labels = {"name": _("Name")}


@dataclass(frozen=True)
class SignedIn:
    """A browser that somebody is signed in at."""

    pk: int
    where: str
    since: datetime
    here: bool


BROWSERS = ("Firefox", "Edg", "OPR", "Chromium", "Chrome", "Safari")  # the first that an agent names is what it is
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux"}
FULL_NAMES = {"Edg": "Edge", "OPR": "Opera"}


def in_words(agent: str) -> str:
    """A browser and its system, by what the browser says of itself."""
    browser = next((FULL_NAMES.get(name, name) for name in BROWSERS if f"{name}/" in agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), "")
    return ", ".join(filter(None, (browser, system))) or gettext("Another program")


def for_accounts(view: View) -> View:
    """For people with a password or a provider; others are led to their account page, which says why."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if has_own_sign_in(request.user) else redirect("account")

    return guarded


@login_required
def account(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    own = has_own_sign_in(user)
    form = NameForm(request.POST if own and request.method == "POST" else None, instance=user)
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, gettext("Saved."))
        return redirect("account")
    by_type: dict[str, list[Any]] = {}
    for one in Authenticator.objects.filter(user=user).order_by("created_at"):
        by_type.setdefault(one.type, []).append(one)
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "own": own,
        "form": form,
        "new_address": EmailAddress.objects.get_new(user) if own else None,
        "provider": settings.OIDC,
        "connected": SocialAccount.objects.filter(user=user).exists(),
        "totp": by_type.get(Authenticator.Type.TOTP),
        "keys": by_type.get(Authenticator.Type.WEBAUTHN, []),
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
        "must_set_up": must_set_up(user),
        "sessions": _sessions(request, user),
    }
    return render(request, "accounts/account.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def sign_out_there(request: HttpRequest) -> HttpResponse:
    """End one session of one's own (`session`), or all but this one."""
    user = request.user
    assert isinstance(user, User)
    if (which := request.POST.get("session", "")).isdecimal():
        end_sessions(request, UserSession.objects.filter(user=user, pk=int(which)))
    else:
        end_other_sessions(request, user)
    return redirect("account")


def _sessions(request: HttpRequest, user: User) -> list[SignedIn]:
    """The newest first; those that are over are forgotten."""
    found = [SignedIn(one.pk, in_words(one.user_agent), one.created_at, one.session_key == request.session.session_key)
             for one in UserSession.objects.purge_and_list(user)]  # fmt: skip
    return sorted(found, key=lambda one: (not one.here, -one.since.timestamp()))
