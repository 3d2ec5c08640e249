from django.apps import AppConfig


class MlBackendConfig(AppConfig):
    name = "hub.api.ml_backend"
    label = "ml_backend"
