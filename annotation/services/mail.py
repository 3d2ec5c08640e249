"""E-mail to people of a campaign, by Django's own means (`EMAIL_URL`): plain text, in the languages that its readers may have."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation

Letter = tuple[str, str]
"""Subject and text."""


def send(to: str, letter: Callable[[], Letter], *, everywhere: bool = False) -> None:
    """Send what `letter` says in English; `everywhere`: in each language of the site, since nobody knows which one they read.

    Raises OSError (an SMTP error is one) where it cannot be sent.
    """
    written = []
    for code in [code for code, _ in settings.LANGUAGES] if everywhere else ["en"]:
        with translation.override(code):
            written.append(letter())
    subjects, texts = zip(*written, strict=True)
    subject = " ".join(" / ".join(dict.fromkeys(subjects)).split())  # a name with a line break in it would be refused as a header
    send_mail(subject, "\n\n----\n\n".join(texts), None, [to])
