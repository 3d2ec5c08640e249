from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "hub.api.tokens"
    label = "tokens"
