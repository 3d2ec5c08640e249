"""One search over all that a campaign has a page for: songs, tasks, people, rounds, checkpoints and jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.models import Campaign, Task
from annotation.pages.access import manager_or_403
from annotation.selectors import search as annotation_search
from hub.pages import words
from learner import selectors

SHOWN = 20  # hits of a kind
LONGEST = 200  # characters that are looked for
MOST_DIGITS = 9
FEWEST_OF_HASH = 4  # characters


@dataclass(frozen=True)
class Hit:
    """Something that was found; `exact`: it is called just so."""

    title: str
    about: str
    url: str
    exact: bool = False


def _songs(campaign: Campaign, text: str) -> Iterator[Hit]:
    for one in annotation_search.tracks_like(campaign, text)[:SHOWN]:
        about = ", ".join(part for part in (one.artist, one.album, one.use, one.domain, one.minutes) if part)
        yield Hit(one.name, about, reverse("track", args=[campaign.slug, one.pk]), one.name.casefold() == text.casefold())


def _tasks(campaign: Campaign, text: str) -> Iterator[Hit]:
    for number in _number(text):
        for one in annotation_search.tasks_of_number(campaign, number):
            where = "gold" if one.kind == Task.Kind.GOLD else f"round {one.round_number}"
            yield Hit(f"Task {one.pk}", f"{one}, {where}, {one.state}", reverse("task", args=[campaign.slug, one.pk]), exact=True)


def _people(campaign: Campaign, text: str) -> Iterator[Hit]:
    for one in annotation_search.people_like(campaign, text)[:SHOWN]:
        about = f"{one.role}, {one.kind}{'' if one.active else ', out'}"
        yield Hit(one.pseudonym, about, reverse("person", args=[campaign.slug, one.pk]), one.pseudonym.casefold() == text.casefold())


def _rounds(campaign: Campaign, text: str) -> Iterator[Hit]:
    for number in _number(text):
        for one in campaign.rounds.filter(number=number):
            yield Hit(f"Round {number}", one.get_state_display(), reverse("round", args=[campaign.slug, number]), exact=True)


def _checkpoints(campaign: Campaign, text: str) -> Iterator[Hit]:
    hash_ = text.casefold()
    if len(hash_) < FEWEST_OF_HASH or not set(hash_) <= set("0123456789abcdef"):
        return
    for one in selectors.checkpoints(campaign).filter(hash__startswith=hash_)[:SHOWN]:
        about = f"made from {one.parent.short}" if one.parent else "a base"
        yield Hit(one.short, about, reverse("checkpoint", args=[campaign.slug, one.hash]), len(hash_) >= len(one.short))


def _jobs(campaign: Campaign, text: str) -> Iterator[Hit]:
    for number in _number(text):
        for one in selectors.jobs(campaign).filter(pk=number):
            yield Hit(f"Job {number}", f"{words.job(one)}, {one.state}", reverse("job", args=[campaign.slug, number]), exact=True)


def _number(text: str) -> list[int]:
    digits = text.removeprefix("#")
    return [int(digits)] if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS else []


KINDS: dict[str, tuple[str, Callable[[Campaign, str], Iterator[Hit]]]] = {
    "song": ("Songs", _songs),
    "task": ("Tasks", _tasks),
    "person": ("People", _people),
    "round": ("Rounds", _rounds),
    "checkpoint": ("Checkpoints", _checkpoints),
    "job": ("Jobs", _jobs),
}
"""What may be looked for; "task 14" looks for tasks alone."""


@login_required
@never_cache
@require_safe
def search(request: HttpRequest, slug: str) -> HttpResponse:
    """What `?q=` finds, by kinds; where just one thing is called so, or only one was found, its page."""
    member = manager_or_403(request, slug)
    text = " ".join(request.GET.get("q", "")[:LONGEST].split())
    found = _found(member.campaign, text) if text else {}
    hits = [hit for group in found.values() for hit in group]
    exact = [hit for hit in hits if hit.exact]
    if len(exact) == 1 or len(hits) == 1:
        return redirect((exact or hits)[0].url)
    context = {
        "campaign": member.campaign,
        "member": member,
        "text": text,
        "groups": [(KINDS[kind][0], group, len(group) == SHOWN) for kind, group in found.items() if group],
        "shown": SHOWN,
    }
    return render(request, "hub/search.html", context)


def _found(campaign: Campaign, text: str) -> dict[str, list[Hit]]:
    kind, _, rest = text.partition(" ")
    if rest and kind.casefold() in KINDS and (hits := list(KINDS[kind.casefold()][1](campaign, rest))):
        return {kind.casefold(): hits}
    return {name: list(look(campaign, text)) for name, (_, look) in KINDS.items()}
