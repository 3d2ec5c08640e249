"""Which language a page speaks: the person's choice (a cookie), else what the browser asks for; managers' pages speak English."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from hub.languages import catalogs

ENGLISH = (
    "django.contrib.admin",
    "drf_spectacular",
    "hub.accounts.first_admin",
    *(f"annotation.pages.{name}" for name in ("misreading", "review_queue")),
    *(f"annotation.pages.{name}" for name in ("chosen", "crowd_links", "invitations", "notes", "people", "person", "reviews", "told")),
    *("hub.api.", "hub.pages."),
)
"""Modules whose pages are for managers, reviewers and who runs the site, and are not translated."""

FOR_ALL = ("hub.pages.own_songs.", "hub.pages.home.front")
"""But for these of them: the front page of annotators is their queue."""


def is_english(view: Any) -> bool:
    """Whether a view's page is not translated."""
    name = f"{getattr(view, '__module__', '')}.{getattr(view, '__name__', '')}"
    return name.startswith(ENGLISH) and not name.startswith(FOR_ALL)


class Language(LocaleMiddleware):
    """Django's own, but that pages which are not translated are English as a whole, with their dates, numbers and errors."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if is_english(view):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"


def texts(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: its language, and what its scripts say in it."""
    language = translation.get_language() or "en"
    match = request.resolver_match
    return {
        "language": language,
        "script_texts": catalogs.of_scripts(language),
        "languages": [] if match and is_english(match.func) else settings.LANGUAGES,
    }
