"""Routes of an ML backend, under ml/<slug>/<secret>/. Label Studio leaves the slash at the end out."""

from django.urls import path

from hub.api.ml_backend import doors

urlpatterns = [
    path("health", doors.health, name="ml-health"),
    path("setup", doors.setup, name="ml-setup"),
    path("versions", doors.versions, name="ml-versions"),
    path("predict", doors.predict, name="ml-predict"),
    path("webhook", doors.webhook, name="ml-webhook"),
]
