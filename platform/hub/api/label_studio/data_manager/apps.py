from django.apps import AppConfig


class DataManagerConfig(AppConfig):
    name = "hub.api.label_studio.data_manager"
    label = "label_studio_views"
