"""Where people make an account by themselves, on a site that is open to that: an address first, then, by a link sent there, the account.

So no account has an address that is not its person's, and nothing is kept of whoever does not come back. Opening the link changes
nothing (mail programs open links ahead of people); its form does.
"""

from __future__ import annotations

import logging
from smtplib import SMTPException

from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from annotation.services.mail import send
from hub.accounts.joining import NewAccount
from hub.accounts.models import User
from hub.accounts.sign_in import let_in
from hub.accounts.throttle import too_often

SALT = "hub.accounts.registering"
LASTS = 3 * 24 * 3600  # seconds
MOST = 5  # letters that one network may ask for in a minute, and links that it may open
log = logging.getLogger(__name__)


class Address(forms.Form):
    """Where the letter goes."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Ask for the address, and send the link there; what is answered does not tell whether an account has it."""
    if refused := _refused(request):
        return refused
    form = Address(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if too_often(request, "register", MOST):
            return _closed(request, gettext("Too many tries. Wait some minutes, then try again."), 429)
        email = form.cleaned_data["email"].lower()
        try:
            send(email, lambda: _letter(request, email), everywhere=True)
        except (SMTPException, OSError) as error:
            log.error("a letter could not be sent: %s", error)
            return _closed(request, gettext("The letter could not be sent. Try again later, or ask the people who run this site."), 503)
        said = [gettext("A letter with a link went to that address. The link works for three days.")]
        said.append(gettext("Nothing comes? Look among the unwanted letters, or ask the people who run this site."))
        return render(request, "accounts/said.html", {"title": gettext("Look into your mail"), "paragraphs": said})
    context = {"form": form, "title": gettext("Make an account"), "button": gettext("Send the letter")}
    context["lead"] = gettext("Give your e-mail address: a letter with a link comes there, by which you choose a name and a password.")
    return render(request, "accounts/form.html", context, status=400 if form.errors else 200)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def registered(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the letter: choose a name and a password."""
    if refused := _refused(request):
        return refused
    try:
        email: str = signing.loads(token, salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        often = too_often(request, "unknown-link", MOST)
        return _closed(request, gettext("This link was used already, or is too old."), 429 if often else 404)
    if _taken(email):
        return _closed(request, gettext("This link was used already, or is too old."), 410)
    form = NewAccount(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.instance.email = email
            made = form.save()
            EmailAddress.objects.create(user=made, email=email, primary=True, verified=True)
        return let_in(request, made, then=reverse("queue"), by_password=True)
    context = {"form": form, "title": gettext("Make an account"), "lead": email, "button": gettext("Make the account")}
    return render(request, "accounts/form.html", context, status=400 if form.errors else 200)


def _refused(request: HttpRequest) -> HttpResponse | None:
    if not isinstance(request.user, AnonymousUser):
        return redirect("account")
    if settings.SELF_REGISTRATION:
        return None
    why = gettext(
        "On this site nobody makes an account alone. Ask the people who run it, or whoever leads the campaign that you want to join."
    )
    return _closed(request, why, 403)


def _closed(request: HttpRequest, why: str, status: int) -> HttpResponse:
    return render(request, "accounts/said.html", {"title": gettext("No account was made"), "paragraphs": [why]}, status=status)


def _taken(email: str) -> bool:
    return User.objects.filter(email__iexact=email).exists() or EmailAddress.objects.filter(email__iexact=email).exists()


def _letter(request: HttpRequest, email: str) -> tuple[str, str]:
    subject = gettext("Your account")
    if _taken(email):
        said = gettext("Somebody, probably you, gave this address for an account, but another account has it. Nothing is changed.")
        return subject, f"{said}\n\n{request.build_absolute_uri(reverse('account_reset_password'))}"
    address = request.build_absolute_uri(reverse("registered", args=[signing.dumps(email, salt=SALT)]))
    begin = gettext("Open this link to choose a name and a password for your account:")
    return subject, f"{begin}\n\n{address}\n\n{gettext('If that was not you, leave this letter alone.')}"
