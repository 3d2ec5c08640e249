"""A notice by e-mail. What cannot be sent is tried again a few times, and nothing else waits for it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext

from annotation.events import send
from annotation.services import mail
from hub.notices.models import Kind, Notice
from hub.notices.words import leads_to, said

log = logging.getLogger(__name__)
MOST_TRIES = 5
TO_PEOPLE = (Kind.REPLY, Kind.AGAIN, Kind.LISTEN)  # who may read another language than English
LOST_AFTER = timedelta(minutes=10)  # a message to a worker that is older was lost
TOO_OLD = timedelta(days=2)


def mail_notice(pk: int) -> bool:
    """Send one notice, if nobody has; True: it went. It is claimed first: a worker that dies while it sends leaves it unsent."""
    waiting = Notice.objects.filter(pk=pk, mail=Notice.Mail.WAITING)
    notice = waiting.select_related("user", "campaign").first()
    if notice is None or not waiting.update(mail=Notice.Mail.SENDING, tries=notice.tries + 1):
        return False
    try:
        mail.send(notice.user.email, lambda: letter(notice), everywhere=notice.kind in TO_PEOPLE)
    except OSError as error:
        over = notice.tries + 1 >= MOST_TRIES
        Notice.objects.filter(pk=pk).update(mail=Notice.Mail.FAILED if over else Notice.Mail.WAITING)
        log.warning("notice %d could not be sent by e-mail%s: %s", pk, ", and is not tried again" if over else "", error)
        return False
    Notice.objects.filter(pk=pk).update(mail=Notice.Mail.SENT)
    return True


def letter(notice: Notice) -> mail.Letter:
    """Its subject and text."""
    about = notice.campaign.name if notice.campaign else gettext("the site")
    text = said(notice)
    choose = gettext("Which of these you get: %(address)s") % {"address": address(reverse("notice-choices"))}
    return f"{about}: {text[:120]}", "\n".join([text, "", address(leads_to(notice)), "", choose])


def address(path: str) -> str:
    """The whole address of a page, where the site knows its own; else the path."""
    return f"{settings.ADDRESS}{path}"


def send_again() -> int:
    """Ask workers once more for e-mail that waits longer than it should, and let go of what is too old to be news; how many were asked."""
    waiting = Notice.objects.filter(mail=Notice.Mail.WAITING)
    waiting.filter(created__lt=now() - TOO_OLD).update(mail=Notice.Mail.FAILED)
    late = list(waiting.filter(created__lt=now() - LOST_AFTER).values_list("pk", flat=True)[:100])
    for pk in late:
        send("mail_notice", pk)
    return len(late)
