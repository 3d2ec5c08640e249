"""Routes of listening tests, under c/<slug>/listening-tests/."""

from django.urls import path

from hub.pages.listening import all_tests, one

urlpatterns = [
    path("", all_tests.listening_tests, name="listening-tests"),
    path("<int:test_id>/", one.listening_test, name="listening-test"),
    path("<int:test_id>/again/", one.again, name="listening-again"),
    path("<int:test_id>/end/", one.end, name="end-listening"),
    path("<int:test_id>/answers.csv", one.export, name="listening-csv"),
]
