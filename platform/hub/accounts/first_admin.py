"""The first account of a new site, made in the browser by a link that `up` prints; it works as long as nobody has an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.forms import UserCreationForm
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from hub.accounts.models import User
from hub.accounts.sign_in import let_in

if TYPE_CHECKING:  # generic for the type checker only
    Form = UserCreationForm[User]
else:
    Form = UserCreationForm


class FirstAdmin(Form):
    class Meta:
        model = User
        fields = ("username", "email")
        help_texts = {"email": "may stay empty"}

    def save(self, commit: bool = True) -> User:
        self.instance.is_staff = self.instance.is_superuser = True
        return super().save(commit)


def link() -> str | None:
    """The path of the link; None where there are accounts already."""
    return None if User.objects.exists() else reverse("first-admin", args=[_token()])


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def first_admin(request: HttpRequest, token: str) -> HttpResponse:
    """Make the account that runs the site, and lead on to the first campaign."""
    form = FirstAdmin(request.POST or None)
    with transaction.atomic():
        if request.method == "POST":  # two browsers with the same link: one of them makes the account
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")
        if User.objects.exists() or not constant_time_compare(token, _token()):
            return render(request, "accounts/first_admin.html", {"over": True}, status=410)
        made = form.save() if request.method == "POST" and form.is_valid() else None
    if made is None:
        return render(request, "accounts/first_admin.html", {"form": form}, status=400 if form.errors else 200)
    return let_in(request, made, then=reverse("new-campaign"), by_password=True)


def _token() -> str:
    """Nobody can make it up who does not have the site's key."""
    return salted_hmac("first admin of the site", "", algorithm="sha256").hexdigest()[:40]
