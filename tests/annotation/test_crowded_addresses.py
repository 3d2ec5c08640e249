"""How many people come by a link from one address. Real rows."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils.timezone import now

from annotation.core.panels import Visit
from annotation.models import Event, Link, Membership, Participation
from annotation.selectors import queue
from annotation.services import crowd_links
from annotation.services.crowd_links import LinkClosed
from hub.accounts.models import User
from tests import worlds
from tests.annotation import comers
from tests.annotation.comers import invitation, prolific

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return comers.owner()


class TestPeopleFromOneAddress:
    def fill(self, link: Link, n: int, came_from: str = "aaaaaaaa", first: int = 0) -> list[str]:
        """How each of `n` people with invented ids fares."""
        fared = []
        for i in range(first, first + n):
            try:
                crowd_links.enter_from_panel(link=link, visit=Visit(f"invented-{i}", "", ""), came_from=came_from)
                fared.append("in")
            except LinkClosed as closed:
                fared.append(closed.why)
        return fared

    def test_invented_ids_do_not_fill_a_study(self, owner: Membership) -> None:
        link = prolific(owner, max_uses=20)
        assert self.fill(link, 14) == ["in"] * 10 + ["crowded"] * 4
        assert Link.objects.get().uses == User.objects.exclude(username="owner").count() == 10
        assert self.fill(link, 2, "bbbbbbbb", first=100) == ["in"] * 2, "others are let in"

    def test_a_class_behind_one_router_comes_in_by_an_invitation(self, owner: Membership) -> None:
        link = invitation(owner)
        for n in range(40):
            crowd_links.join_by_invitation(link=link, user=worlds.user(f"pupil{n}"), came_from="aaaaaaaa")
        with pytest.raises(LinkClosed, match="from your network"):
            crowd_links.join_by_invitation(link=link, user=worlds.user("one more"), came_from="aaaaaaaa")

    def test_who_is_in_comes_back_from_a_crowded_address(self, owner: Membership) -> None:
        link = prolific(owner, hourly_limit=1)
        assert self.fill(link, 2) == ["in", "crowded"] and self.fill(link, 1) == ["in"]

    def test_a_manager_lets_more_in_at_once(self, owner: Membership) -> None:
        link = prolific(owner, hourly_limit=1)
        assert crowd_links.change_limit(link=link, hourly_limit=3, who=owner)
        assert self.fill(link, 4) == ["in"] * 3 + ["crowded"]
        assert crowd_links.change_limit(link=link, hourly_limit=None, who=owner) and not crowd_links.change_limit(
            link=link, hourly_limit=None, who=owner
        )
        assert Link.objects.get().from_one_address == 10
        assert Event.objects.filter(what="link.changed")[0].after == {"link": link.pk, "limit": 3}

    @pytest.mark.parametrize("limit", [0, 10_001])
    def test_a_limit_is_a_number_of_people(self, owner: Membership, limit: int) -> None:
        with pytest.raises(ValidationError, match="Ensure this value"):
            crowd_links.change_limit(link=prolific(owner), hourly_limit=limit, who=owner)

    def test_places_that_are_given_back_let_nobody_more_in(self, owner: Membership) -> None:
        link = prolific(owner, hourly_limit=2)
        assert self.fill(link, 2) == ["in"] * 2
        crowd_links.reclaim(participation=Participation.objects.all()[0], state="returned", who=owner)
        assert self.fill(link, 1, first=5) == ["crowded"]

    def test_an_hour_later_the_next_are_let_in(self, owner: Membership) -> None:
        link = prolific(owner, hourly_limit=2)
        assert self.fill(link, 3) == ["in"] * 2 + ["crowded"]
        Participation.objects.update(began=now() - timedelta(minutes=61))
        assert self.fill(link, 3, first=2) == ["in"] * 2 + ["crowded"]

    def test_what_was_stopped_is_shown_and_noted_once_an_hour(self, owner: Membership) -> None:
        link = prolific(owner, hourly_limit=2)
        self.fill(link, 2)
        self.fill(link, 1, "bbbbbbbb", first=5)
        for _ in range(3):
            crowd_links.note_stopped(link=link, came_from="aaaaaaaa")
        assert Event.objects.filter(what="link.stopped").count() == 1
        link.refresh_from_db()
        (shown,) = queue.addresses_of([link])[link.pk]
        assert (shown.came_from, shown.people) == ("aaaaaaaa", 2) and shown.stopped and now() - shown.stopped < timedelta(minutes=1)
        Link.objects.update(stopped={"aaaaaaaa": (now() - timedelta(hours=1)).isoformat()})
        crowd_links.note_stopped(link=link, came_from="aaaaaaaa")
        assert Event.objects.filter(what="link.stopped").count() == 2

    def test_a_link_keeps_the_latest_stops_only(self, owner: Membership) -> None:
        link = prolific(owner)
        for n in range(60):
            crowd_links.note_stopped(link=link, came_from=f"{n:08}")
        assert list(Link.objects.get().stopped) == [f"{n:08}" for n in range(10, 60)]

    def test_who_came_from_where_is_forgotten(self, owner: Membership) -> None:
        link = prolific(owner)
        self.fill(link, 2)
        Participation.objects.filter(external_id="invented-0").update(began=now() - timedelta(days=31))
        self.fill(link, 1, first=2)
        assert list(Participation.objects.order_by("pk").values_list("came_from", flat=True)) == ["", "aaaaaaaa", "aaaaaaaa"]
