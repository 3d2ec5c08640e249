"""What allauth is told about this site: who may make an account, what it says in our words, and how it keeps secrets."""

from __future__ import annotations

import logging
from contextlib import suppress
from http import HTTPStatus
from ipaddress import IPv6Address
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.manage_email import assess_unique_email
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotation.core.errors import DomainError
from hub.accounts.models import User
from hub.accounts.throttle import address_of, hashed
from hub.cipher import cipher_for

log = logging.getLogger(__name__)

PURPOSE = "second factors "  # of the cipher

SAID = {
    "password_changed": _("Your password is changed."),
    "password_set": _("Your account has a password now."),
    "password_reset": _("Your account has a new password."),
    "email_confirmation_sent": _("A letter with a link went to that address. The address counts once you have opened the link."),
    "email_confirmed": _("Your e-mail address is confirmed."),
    "email_confirmation_failed": _("That e-mail address belongs to another account."),
    "email_changed": _("The e-mail address of your account is changed."),
    "email_deleted": _("That e-mail address is removed from your account."),
    "totp_activated": _("Your account asks for a code of your app from now on."),
    "totp_deactivated": _("Your account asks for no code of your app any more."),
    "webauthn_added": _("The security key is added."),
    "webauthn_removed": _("The security key is removed."),
    "recovery_codes_generated": _("You have new recovery codes; the old ones work no more."),
    "account_connected": _("You can sign in that way from now on."),
    "account_connected_other": _("That sign-in belongs to another account of this site."),
    "account_disconnected": _("You can sign in that way no more."),
}
"""What is said on the next page, and by a letter, by the names of allauth's events; of others nothing is said."""


class LetterNotSent(DomainError):
    """The letter could not be sent. Try again later, or ask the people who run this site."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


def has_own_sign_in(user: Any) -> bool:
    """Whether it is an account with a password or a provider; whoever came by a panel's link has neither, and stays anonymous."""
    return bool(user.has_usable_password() or SocialAccount.objects.filter(user_id=user.pk).exists())


class Accounts(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_taken": _("That e-mail address belongs to another account."),
        "duplicate_email": _("That is the address of your account already."),
        "enter_current_password": _("That is not your password."),
        "incorrect_password": _("That is not your password."),
        "invalid_password_reset": _("This link was used already, or is too old."),
        "rate_limited": _("Too many tries. Wait some minutes, then try again."),
        "too_many_login_attempts": _("Too many tries. Wait some minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by admins, by invitations, and, where that is opened, by whoever the provider knows."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Passwords are counted by `wrong_passwords`, wherever they are asked for."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Where somebody has nothing yet to show who they are, they are not asked for it: who signs in at a provider alone."""
        return bool(self.get_reauthentication_methods(context.request.user))

    def get_client_ip(self, request: HttpRequest) -> str:
        """A keyed hash in the shape of an address, for counting alone: addresses are not kept."""
        return str(IPv6Address(int(hashed("address", address_of(request))[:32], 16)))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return reverse("account")

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, message_context: Any = None,
        extra_tags: str = "", message: str | None = None,
    ) -> None:  # fmt: skip
        if words := message or SAID.get(_event(message_template or "")):
            super().add_message(request, level, extra_tags=extra_tags, message=str(words))

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Of what was changed about an account, to the address that it has."""
        if (words := SAID.get(_event(template_prefix))) and (address := email or user.email):
            text = f"{words}\n\n{gettext('If that was not you, tell the people who run this site.')}"
            with suppress(LetterNotSent):  # what was changed is changed
                self._send(address, gettext("Your account"), text)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        event, values = _event(template_prefix), {"name": str(context.get("user", ""))}
        if event == "password_reset_key":
            text = gettext("Somebody, probably you, asked for a new password for the account %(name)s. Open this link to choose one:")
            end = gettext("If that was not you, leave this letter alone.")
            self._send(email, gettext("A new password"), f"{text % values}\n\n{context['password_reset_url']}\n\n{end}")
        elif event == "email_confirmation":
            text = gettext("Open this link to confirm that this is the address of the account %(name)s:")
            end = gettext("If that is not your account, leave this letter alone.")
            self._send(email, gettext("Confirm your e-mail address"), f"{text % values}\n\n{context['activate_url']}\n\n{end}")
        elif event == "account_already_exists":
            text = gettext("Somebody, probably you, gave this address for an account, but another account has it. Nothing is changed.")
            self._send(email, gettext("Your account"), text)

    def _send(self, to: str, subject: str, text: str) -> None:
        """Raises `LetterNotSent`."""
        try:
            EmailMessage(f"Unbleed: {subject}", f"{text}\n\n{self.request.build_absolute_uri(reverse('queue'))}\n", to=[to]).send()
        except (SMTPException, OSError) as error:
            log.error("a letter could not be sent: %s", error)
            raise LetterNotSent(LetterNotSent.__doc__) from error


class Providers(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Nobody takes an account over by its address at the provider: its person signs in, and connects the two."""
        taken = any(not assess_unique_email(one.email) for one in sociallogin.email_addresses)
        return bool(settings.OIDC_NEW_ACCOUNTS) and not taken

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        user = super().populate_user(request, sociallogin, data)
        user.name = (data.get("name") or "")[: User._meta.get_field("name").max_length]
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("account")


class SecondFactors(DefaultMFAAdapter):
    """Secrets are kept encrypted by a key made from the site's; with another one they are worth nothing, and codes are wrong."""

    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": _("That code is not right, or was used already.")}

    def encrypt(self, text: str) -> str:
        return cipher_for(PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return cipher_for(PURPOSE).decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            log.error("a second factor was encrypted by another SECRET_KEY; take it away in /admin/, so that its person makes a new one")
            return generate_totp_secret()  # which nobody knows

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        n = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Key %(n)s") % {"n": n}


def _event(template: str) -> str:
    """allauth's name of an event, from the template that it would say it by."""
    return template.rpartition("/")[2].removesuffix(".txt")
