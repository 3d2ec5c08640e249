"""Routes of one's own account: those of allauth's that this site has, by the names that allauth knows them by, in our words."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from allauth.account import views as passwords
from allauth.account.models import EmailAddress
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from allauth.socialaccount import views as providers
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, re_path, reverse_lazy
from django.utils.translation import gettext_lazy as _
from requests import RequestException

from hub.accounts.models import User
from hub.accounts.own.page import account, for_accounts, sign_out_there

log = logging.getLogger(__name__)


def asks(view: Any, title: Any, lead: Any, button: Any, **more: Any) -> Any:
    """A view of allauth's with a form, as one of our pages."""
    return view.as_view(template_name="accounts/form.html", extra_context={"title": title, "lead": lead, "button": button}, **more)


def says(view: Any, title: Any, *paragraphs: Any) -> Any:
    """A view of allauth's that only tells something."""
    return view.as_view(template_name="accounts/said.html", extra_context={"title": title, "paragraphs": paragraphs})


def shows(view: Any, template: str, **more: Any) -> Any:
    return view.as_view(template_name=f"accounts/{template}.html", **more)


class Address(passwords.EmailView):
    """Change one's address, which is kept until the new one is confirmed; for one that an admin has given, the admin vouches."""

    success_url = reverse_lazy("account_email")
    template_name = "accounts/email.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        assert isinstance(user, User)
        if user.email and not EmailAddress.objects.filter(user=user).exists():
            given = EmailAddress(user=user, email=user.email.lower(), primary=True)
            given.set_verified(commit=False)
            given.save()
        return super().dispatch(request, *args, **kwargs)


class Connections(providers.ConnectionsView):
    """Connect one's account at the provider, or part from it."""

    success_url = reverse_lazy("account")
    template_name = "accounts/connections.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response.leads_away = True
        return response


def leaves(view: Any) -> Any:
    """A view of allauth's that asks the provider, who may be away."""

    def asked(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        try:
            response: HttpResponseBase = view(request, provider_id)
        except RequestException as error:
            log.error("the sign-in provider does not answer: %s", error)
            return render(request, "socialaccount/authentication_error.html", status=HTTPStatus.BAD_GATEWAY)
        response.leads_away = True  # type: ignore[attr-defined]  # where its page has a button that does
        return response

    return asked


CHANGE = asks(passwords.PasswordChangeView, _("Change your password"), "", _("Change it"))
SET = asks(passwords.PasswordSetView, _("A password for your account"), _("So far you sign in without one."), _("Set it"))
AGAIN = shows(passwords.ReauthenticateView, "again")
CODE_AGAIN = shows(factors.ReauthenticateView, "again")
KEY_AGAIN = shows(keys.ReauthenticateWebAuthnView, "again_by_key")
RESET = asks(
    passwords.PasswordResetView,
    _("A new password"),
    _("Give the e-mail address of your account: a letter with a link comes there. Without one, ask the people who run this site."),
    _("Send the letter"),
)  # fmt: skip
RESET_SENT = says(
    passwords.PasswordResetDoneView,
    _("Look into your mail"),
    _("Where an account has that address, a letter with a link is on its way. The link works for three days, and once."),
    _("Nothing comes? Look among the unwanted letters, or ask the people who run this site."),
)
RESET_DONE = says(passwords.PasswordResetFromKeyDoneView, _("The new password holds"), _("Sign in with it now."))
INACTIVE = says(passwords.AccountInactiveView, _("This account is closed"), _("Ask the people who run this site why."))
CANCELLED = says(providers.LoginCancelledView, _("Not signed in"), _("The sign-in was broken off."))
FAILED = says(providers.LoginErrorView, _("Not signed in"), _("The sign-in did not work. Try again, or sign in with a password."))
NO_CODES = asks(
    totp.DeactivateTOTPView,
    _("Codes by an app"),
    _("Without it, nobody asks for a code of your app when you sign in."),
    _("Switch codes off"),
)
NEW_CODES = asks(
    codes.GenerateRecoveryCodesView, _("New recovery codes"), _("The codes that you have so far stop working."), _("Make new codes")
)
NO_KEY = asks(keys.RemoveWebAuthnView, _("Remove the security key"), "", _("Remove it"), success_url=reverse_lazy("account"))

urlpatterns: list[URLPattern] = [
    path("", account, name="account"),
    path("", account, name="mfa_index"),
    path("sessions/", sign_out_there, name="sign-out-there"),
    path("closed/", INACTIVE, name="account_inactive"),
    path("password/", for_accounts(CHANGE), name="account_change_password"),
    path("password/set/", for_accounts(SET), name="account_set_password"),
    path("password/reset/", RESET, name="account_reset_password"),
    path("password/reset/sent/", RESET_SENT, name="account_reset_password_done"),
    path("password/reset/done/", RESET_DONE, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        shows(passwords.PasswordResetFromKeyView, "new_password"),
        name="account_reset_password_from_key",
    ),
    path("e-mail/", for_accounts(Address.as_view()), name="account_email"),
    re_path(r"^e-mail/(?P<key>[-:\w]+)/$", shows(passwords.ConfirmEmailView, "confirm_email"), name="account_confirm_email"),
    path("again/", for_accounts(AGAIN), name="account_reauthenticate"),
    path("again/code/", for_accounts(CODE_AGAIN), name="mfa_reauthenticate"),
    path("again/key/", for_accounts(KEY_AGAIN), name="mfa_reauthenticate_webauthn"),
    path("second-factor/", shows(factors.AuthenticateView, "second_factor"), name="mfa_authenticate"),
    path("second-factor/app/", for_accounts(shows(totp.ActivateTOTPView, "totp")), name="mfa_activate_totp"),
    path("second-factor/app/off/", for_accounts(NO_CODES), name="mfa_deactivate_totp"),
    path("second-factor/codes/", for_accounts(shows(codes.ViewRecoveryCodesView, "codes")), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", for_accounts(NEW_CODES), name="mfa_generate_recovery_codes"),
    path("second-factor/keys/new/", for_accounts(shows(keys.AddWebAuthnView, "key")), name="mfa_add_webauthn"),
    path("second-factor/keys/<int:pk>/remove/", for_accounts(NO_KEY), name="mfa_remove_webauthn"),
    path("connections/", for_accounts(Connections.as_view()), name="socialaccount_connections"),
    path("oidc/cancelled/", CANCELLED, name="socialaccount_login_cancelled"),
    path("oidc/failed/", FAILED, name="socialaccount_login_error"),
    path("oidc/<str:provider_id>/login/", leaves(oidc.login), name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", leaves(oidc.callback), name="openid_connect_callback"),
]
