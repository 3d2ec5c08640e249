"""What a page may load and run: everything from this site, nothing written into the page itself."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "media-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


WIDER = {
    "inline_styles": ("style-src", "'self' 'unsafe-inline'"),
    "frames": ("frame-src", "'self'"),
    "framed": ("frame-ancestors", "'self'"),
}
"""Attribute of a response -> what it allows its page besides."""


class ContentSecurityPolicy:
    """Sends POLICY with every answer that has none of its own.

    A view whose page brings styles of its own (Label Studio's editor writes <style> elements) sets `response.inline_styles = True`;
    scripts stay strict there too. A view whose page has a button that leads to the sign-in provider sets `response.leads_away = True`.
    One that shows another page of this site in a frame sets `response.frames`, that other `response.framed`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        extra = {directive: value for attribute, (directive, value) in WIDER.items() if getattr(response, attribute, False)}
        if getattr(response, "leads_away", False):
            extra["form-action"] = " ".join(["'self'", *settings.OIDC_ORIGINS])  # browsers hold redirects of a form against it, too
        response.headers.setdefault("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in (POLICY | extra).items()))
        return response


def csrf_cookie(request: HttpRequest) -> dict[str, str]:
    """Context of every page: where its scripts find the token that shows a request to come from this site."""
    return {"csrf_cookie": settings.CSRF_COOKIE_NAME}
