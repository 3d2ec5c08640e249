"""What a notice says, and which page it leads to; of those that annotators get, in the language of whoever reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from annotation.core.words import count
from hub.notices.models import Kind, Notice
from hub.pages.words import JOBS

Values = dict[str, Any]


def _round(values: Values) -> str:
    how = {
        "promoted": "its model was better, and everybody hears the new one",
        "stale": "another model had become current meanwhile",
        "empty": "nothing was marked that people agreed on",
    }
    return f"Round {values.get('round')} ended: {how.get(values.get('verdict', ''), 'hardly any song of the pool leaks')}."


def _refused(values: Values) -> str:
    return f"The gate refused what round {values.get('round')} had learned. {' '.join(values.get('reasons', [])[:1])}".strip()


def _waiting(values: Values) -> str:
    clips, notes = values.get("clips", 0), values.get("notes", 0)
    what = [count(clips, "clip")] * bool(clips) + [count(notes, "note")] * bool(notes)
    return f"{' and '.join(what)} {'waits' if clips + notes == 1 else 'wait'} for a reviewer."


SAID: dict[str, Callable[[Values], str]] = {
    Kind.ROUND: _round,
    Kind.REFUSED: _refused,
    Kind.JOB: lambda values: (
        f"The rounds wait. {values.get('reason')}"
        if values.get("kind") == "held up"
        else f"A job failed ({JOBS.get(values.get('kind', ''), 'work').lower()}): {values.get('reason')}"
    ),
    Kind.REVIEWS: _waiting,
    Kind.APPEAL: lambda values: "Somebody appealed against a pause.",
    Kind.NOTE: lambda values: "Somebody wrote a note to the lab.",
    Kind.WEBHOOK: lambda values: (
        f"The webhook to {values.get('host')} is switched off: its server answered that it is gone."
        if values.get("gone")
        else f"The webhook to {values.get('host')} could not be delivered for a day; what was given up can be sent again."
    ),
    Kind.PASSED: lambda values: f"A clip was passed to you: {values.get('note')}",
    Kind.DISK: lambda values: str(values.get("said")),
    Kind.REPLY: lambda values: gettext("The lab wrote to you about a clip."),
    Kind.AGAIN: lambda values: gettext("You are asked to hear a clip again: %(note)s") % {"note": values.get("note")},
    Kind.LISTEN: lambda values: gettext("A listening test has begun: hear two models blind, and say which you would rather use."),
}

PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    Kind.ROUND: ("round", ("round",)),
    Kind.REFUSED: ("round", ("round",)),
    Kind.JOB: ("campaign", ()),
    Kind.REVIEWS: ("reviews", ()),
    Kind.APPEAL: ("people", ()),
    Kind.NOTE: ("notes", ()),
    Kind.WEBHOOK: ("webhook", ("webhook",)),
    Kind.PASSED: ("review", ("task",)),
    Kind.REPLY: ("my-page", ()),
    Kind.LISTEN: ("listen", ("test",)),
}
"""The route that a notice leads to, and which of its values stand in the address after the campaign."""


def said(notice: Notice) -> str:
    return SAID[notice.kind](notice.values)


def leads_to(notice: Notice) -> str:
    """The address on this site, from its root."""
    if notice.campaign is None:
        return reverse("home")
    if notice.kind == Kind.AGAIN:
        return f"{reverse('annotate', args=[notice.campaign.slug])}?task={notice.values['task']}&what=accepted"
    name, keys = PAGES[notice.kind]
    return reverse(name, args=[notice.campaign.slug, *(notice.values[key] for key in keys)])
