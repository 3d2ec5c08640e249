"""E-mail to people of a campaign, by Django's own means (`EMAIL_URL`): plain text, in the languages that its readers may have."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext

from annotation.models import Message

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


def mail_message(*, message_id: int) -> bool:
    """Send what managers wrote to a person to their address, once. False: it was sent, or nobody knows where to. Raises OSError."""
    message = Message.objects.select_related("to__user", "to__campaign").get(pk=message_id)
    address = getattr(message.to.user, "email", "")
    if not address or not Message.objects.filter(pk=message_id, mailed=None).update(mailed=now()):
        return False

    def letter() -> Letter:
        names = {"campaign": message.to.campaign.name, "text": message.text}
        subject = gettext("A message from the campaign %(campaign)s") % names
        said = gettext("The people who run %(campaign)s write to you. It stands on your own page there too.\n\n%(text)s") % names
        return subject, said

    try:
        send(address, letter, everywhere=True)
    except OSError:
        Message.objects.filter(pk=message_id).update(mailed=None)
        raise
    return True
