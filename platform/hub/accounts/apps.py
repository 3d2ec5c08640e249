from django.apps import AppConfig
from django.contrib import admin


class AccountsConfig(AppConfig):
    name = "hub.accounts"
    label = "accounts"

    def ready(self) -> None:
        """The admin's own sign-in, which asks for no second factor, leads to ours; of allauth's rows only second factors are shown."""
        from allauth.account.decorators import secure_admin_login
        from allauth.account.models import EmailAddress, EmailConfirmation
        from allauth.mfa.models import Authenticator
        from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
        from allauth.usersessions.models import UserSession

        from hub.accounts.admin import SecondFactorAdmin

        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
        for model in (EmailAddress, EmailConfirmation, SocialAccount, SocialApp, SocialToken, UserSession, Authenticator):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
        admin.site.register(Authenticator, SecondFactorAdmin)
