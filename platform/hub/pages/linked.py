"""What happened, in words that lead to what they name: tasks, rounds, songs, people, checkpoints and jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from annotation.models import Event
from hub.pages import words

LENGTH_OF_HASH = 64


def event(event: Event, slug: str, *, manages: bool, whole: bool = True) -> SafeString:
    """`words.event`, with links to what this reader may open; asks the database for nothing."""
    said = words.event(event, whole=whole)
    places = list(_places(event, slug, manages=manages))
    if not places:
        return format_html("{}", said)
    parts, at = [], 0
    for match in re.finditer("|".join(f"({pattern})" for pattern, _ in places), said):
        assert match.lastindex
        url = places[match.lastindex - 1][1]
        parts += [said[at : match.start()], format_html('<a href="{}">{}</a>', url, match[0])]
        at = match.end()
    return format_html_join("", "{}", ((part,) for part in [*parts, said[at:]]))


def _places(event: Event, slug: str, *, manages: bool) -> Iterator[tuple[str, str]]:
    """What the words may name, as a pattern without groups, and where it leads."""
    for said in (event.after or {}, event.before or {}):
        if isinstance(number := said.get("round"), int):
            yield rf"\bround {number}\b", reverse("round", args=[slug, number])
        hash_ = said.get("checkpoint")
        if isinstance(hash_, str) and len(hash_) == LENGTH_OF_HASH:
            yield rf"\b{re.escape(hash_[:8])}\b", reverse("checkpoint", args=[slug, hash_])
        if not manages:
            continue
        if isinstance(number := said.get("task"), int):
            yield rf"\btask {number}\b", reverse("task", args=[slug, number])
        if isinstance(number := said.get("job"), int):
            yield r"\ba job\b", reverse("job", args=[slug, number])
        if isinstance(track := said.get("track"), int) and said.get("name"):
            yield rf"(?<=the song ){re.escape(str(said['name']))}", reverse("track", args=[slug, track])
        # Events keep people by the name that they had; the search finds who bears it now.
        if name := said.get("member") if event.what != "member.joined" else None:
            yield rf"(?<!\w){re.escape(str(name))}(?!\w)", f"{reverse('search', args=[slug])}?{urlencode({'q': f'person {name}'})}"
