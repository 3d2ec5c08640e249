from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "hub"

    def import_models(self) -> None:
        """First of all apps in the settings, so that the broker stands before anything can import an actor."""
        from hub import broker

        broker.install()
        super().import_models()
