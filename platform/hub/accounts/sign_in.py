"""The one way in: whoever proved who they are, by whatever means, is signed in here, or asked for their second factor first."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from hub.accounts.by_link import OPEN_LINK, came_by_link, forget
from hub.accounts.models import User
from hub.accounts.wrong_passwords import TooSoon


def let_in(request: HttpRequest, user: User, *, then: str, by_password: bool) -> HttpResponse:
    """Sign this person in and go to `then`; with a second factor, only after that. Whoever else is signed in here is signed out."""
    if request.user.is_authenticated and request.user != user:
        logout(request)
    if by_password:
        record_authentication(request, user, "password")
    # Addresses are confirmed where they are changed, never to come in: people of a crowd have none.
    return perform_login(request, Login(user=user, redirect_url=then, email_verification="none"))


class SignIn(LoginView):
    """By name and password; to whoever came by a link it says that they have none."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        context = super().get_context_data(**kwargs)
        return context | {
            "way_back": gettext(OPEN_LINK) if came_by_link(self.request) else "",
            "provider": settings.OIDC,
            "open_to_all": settings.SELF_REGISTRATION,
        }

    def render_to_response(self, context: dict[str, object], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        response.leads_away = True  # type: ignore[attr-defined]
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_invalid(form)
        for error in form.non_field_errors().as_data():
            if isinstance(error, TooSoon):
                response.status_code = HTTPStatus.TOO_MANY_REQUESTS
                response.headers["Retry-After"] = str(error.seconds)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        return forget(let_in(self.request, user, then=self.get_success_url(), by_password=True))
