"""People who come by crowd links, and what they do then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotation.core.panels import Visit
from annotation.models import Link, Membership, Participation
from annotation.services import crowd_links
from annotation.services.crowd_links import LinkClosed
from tests import worlds


def owner() -> Membership:
    """Of a new campaign."""
    return worlds.campaign(owner=worlds.user("owner")).memberships.get()


def invitation(owner: Membership, **rules: Any) -> Link:
    return crowd_links.create_link(campaign=owner.campaign, who=owner, kind="invitation", **rules)


def prolific(owner: Membership, **rules: Any) -> Link:
    """Two answers are asked for unless `rules` say otherwise."""
    return crowd_links.create_link(campaign=owner.campaign, who=owner, kind="prolific", **{"tasks_asked": 2, **rules})


def come(link: Link, pid: str = "a" * 24, session: str = "s1", study: str = "study1") -> Participation:
    return crowd_links.enter_from_panel(link=link, visit=Visit(pid, study, session))


def member_of(participation: Participation) -> Membership:
    return worlds.again(participation.membership)


def answer(participation: Participation, n: int = 1) -> None:
    """Answer the next `n` clips, in half a minute each."""
    for _ in range(n):
        member = member_of(participation)
        worlds.answer(worlds.given(member), member, lead_time=30.0)


def why(attempt: Callable[[], object]) -> str:
    """The reason that somebody is not let in for."""
    with pytest.raises(LinkClosed) as closed:
        attempt()
    return closed.value.why
