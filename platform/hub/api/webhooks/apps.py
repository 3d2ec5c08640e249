from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "hub.api.webhooks"
    label = "webhooks"
