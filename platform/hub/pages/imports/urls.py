"""Routes under c/<slug>/import/."""

from django.urls import path

from hub.pages.imports import page

urlpatterns = [
    path("", page.imports, name="imports"),
    path("<int:import_id>/", page.one, name="import"),
]
