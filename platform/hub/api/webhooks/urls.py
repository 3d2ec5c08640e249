"""Routes of webhooks, under c/<slug>/webhooks/."""

from django.urls import path

from hub.api.webhooks import pages

urlpatterns = [
    path("", pages.webhooks, name="webhooks"),
    path("<int:webhook_id>/", pages.webhook, name="webhook"),
    path("<int:webhook_id>/test/", pages.test, name="test-webhook"),
    path("<int:webhook_id>/secret/", pages.rotate, name="rotate-webhook"),
    path("<int:webhook_id>/remove/", pages.remove, name="remove-webhook"),
    path("<int:webhook_id>/deliveries/<int:delivery_id>/again/", pages.again, name="send-again"),
]
