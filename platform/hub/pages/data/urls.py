"""Routes of a campaign's data, under c/<slug>/data/."""

from django.urls import path

from hub.pages.data import download, page

urlpatterns = [
    path("", page.data, name="data"),
    path("exports/<int:export_id>/file/", download.download, name="export-file"),
    path("exports/<int:export_id>/remove/", page.remove, name="remove-export"),
]
