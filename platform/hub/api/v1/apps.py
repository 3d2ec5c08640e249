from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "hub.api.v1"
    label = "api_v1"
