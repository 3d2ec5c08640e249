"""The page of tracks: managers take tracks out and put them back; everything that happened is told. Real rows."""

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation import services as annotating
from annotation.models import Campaign, Event, Membership, Task, Track
from learner import services
from learner.models import Checkpoint, Round
from tests import worlds
from tests.hub import reading


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.with_model(worlds.campaign("bleed", min_overlap=1, max_overlap=1), worlds.checkpoint("base"))


def song(campaign: Campaign, name: str, use: str = "pool", **about: object) -> Track:
    return worlds.track(campaign, name, use=use, duration=187.4, **about)


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def text(client: Client, url: str = "/c/bleed/tracks/") -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return reading.main(response.content.decode())


def names(client: Client, query: str = "") -> list[str]:
    return re.findall(r'<td class="name"><a [^>]*>([^<]*)', client.get(f"/c/bleed/tracks/{query}").content.decode())


class TestWhoMay:
    @pytest.mark.parametrize("role", ["annotator", "reviewer"])
    def test_only_owners_and_managers_see_it_and_press_its_buttons(self, campaign: Campaign, role: str) -> None:
        track = song(campaign, "one")
        somebody = worlds.client(campaign, "somebody", role)
        assert somebody.get("/c/bleed/tracks/").status_code == 403
        for path in (f"{track.pk}/set-aside/", f"{track.pk}/put-back/", "put-back/"):
            assert somebody.post(f"/c/bleed/tracks/{path}").status_code == 403
            assert worlds.signed_in(worlds.user(f"a stranger to {path}")).post(f"/c/bleed/tracks/{path}").status_code == 404
            assert worlds.client(campaign, f"manager at {path}", "manager").get(f"/c/bleed/tracks/{path}").status_code == 405
        assert not Track.objects.exclude(set_aside=None).exists()
        assert "Tracks" not in reading.main(somebody.get("/c/bleed/").content.decode())

    def test_a_page_of_another_site_takes_nothing_out(self, campaign: Campaign) -> None:
        track = song(campaign, "one")
        manager = worlds.signed_in(worlds.member(campaign, "m", "manager"), enforce_csrf_checks=True)
        assert manager.post(f"/c/bleed/tracks/{track.pk}/set-aside/").status_code == 403

    def test_tracks_of_other_campaigns_are_out_of_reach(self, campaign: Campaign, owner: Client) -> None:
        other = song(worlds.campaign("other"), "theirs")
        assert owner.post(f"/c/bleed/tracks/{other.pk}/set-aside/").status_code == 404
        assert owner.get("/c/other/tracks/").status_code == 404
        assert "theirs" not in owner.get(f"/c/bleed/tracks/?changed={other.pk}").content.decode()


class TestTheList:
    def test_without_songs_it_says_how_they_come_in(self, campaign: Campaign, owner: Client) -> None:
        assert (
            "No songs yet Songs come in by the browser, or from a folder of the server by manage.py ingest bleed FOLDER --use pool"
            in text(owner)
        )

    def test_it_shows_each_use_with_its_counts_and_each_track_with_its_state(self, campaign: Campaign, owner: Client) -> None:
        song(campaign, "one"), song(campaign, "two", artist="Somebody", album="Songs"), song(campaign, "three", use="gate")
        annotating.set_aside(track=Track.objects.get(name="two"), reason="Its mixture is gone.")
        page = text(owner)
        assert "Pool 1 in use, 1 set aside 3 min" in page and "Gate 1 in use 3 min" in page
        assert re.search(
            r"two Somebody, Songs pool target 3:07 set aside by the platform, \d+ \w+ \d{4}, [\d:]+ UTC Its mixture is gone\.", page
        )
        assert "one pool target 3:07 in use" in page

    def test_what_somebody_should_look_at_comes_first_then_use_by_use(self, campaign: Campaign, owner: Client) -> None:
        for name, use in (("b", "pool"), ("a", "pool"), ("t", "test"), ("g", "gate"), ("bad", "test"), ("r", "replay")):
            song(campaign, name, use)
        annotating.set_aside(track=Track.objects.get(name="bad"), reason="gone")
        assert names(owner) == ["bad", "a", "b", "r", "g", "t"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?use=pool", ["out", "blue moon", "red moon"]),
            ("?state=aside", ["out", "mine"]),
            ("?state=look", ["out"]),
            ("?state=used&use=pool", ["blue moon", "red moon"]),
            ("?q=MOON+blue", ["blue moon"]),
            ("?q=ella", ["red moon"]),
            ("?q=nothing+like+it", []),
            ("?use=nonsense&state=nonsense&page=nonsense&changed=nonsense", ["out", "blue moon", "red moon", "mine"]),
        ],
    )
    def test_it_is_searched_and_filtered(self, campaign: Campaign, owner: Client, query: str, found: list[str]) -> None:
        song(campaign, "red moon", artist="Ella"), song(campaign, "blue moon")
        annotating.set_aside(track=song(campaign, "out"), reason="gone")
        annotating.set_aside(track=song(campaign, "mine", use="test"), who=Membership.objects.get())
        assert names(owner, query) == found
        if not found:
            assert "No track is like that. Show all" in text(owner, f"/c/bleed/tracks/{query}")

    def test_thousands_come_in_pages_that_keep_the_filter(
        self, campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for n in range(120):
            song(campaign, f"n{n:04}")
        assert names(owner, "?q=n") == [f"n{n:04}" for n in range(50)]
        assert "120 tracks, 1 to 50" in text(owner, "/c/bleed/tracks/?q=n")
        later = unescape(reading.found(r'rel="next" href="([^"]*)"', owner.get("/c/bleed/tracks/?q=n").content.decode()))
        with django_assert_max_num_queries(12):
            assert names(owner, later) == [f"n{n:04}" for n in range(50, 100)]

    def test_names_and_reasons_are_text(self, campaign: Campaign, owner: Client) -> None:
        annotating.set_aside(track=song(campaign, "<script>alert(1)</script>"), reason="<b>gone</b>")
        for page in ("/c/bleed/tracks/", "/c/bleed/"):
            html = owner.get(page).content.decode()
            assert "<script>alert" not in html and "<b>gone" not in html and "&lt;b&gt;gone" in html
            assert not re.search(r"<style|\sstyle=|\son\w+=", html)


class TestButtons:
    @pytest.fixture
    def task(self, campaign: Campaign) -> Task:
        """An open clip that nobody has touched."""
        base = Checkpoint.objects.get().hash
        return worlds.opened([worlds.clip(song(campaign, "one"))], checkpoint=base)[0]

    def test_set_aside_with_a_reason_it_can_be_undone_at_once(self, campaign: Campaign, owner: Client, task: Task) -> None:
        page = owner.post(f"/c/bleed/tracks/{task.track_id}/set-aside/", {"reason": "not ours", "back": "q=one&use=pool"}, follow=True)
        assert page.redirect_chain[0][0] == f"/c/bleed/tracks/?q=one&use=pool&changed={task.track_id}"
        task.refresh_from_db()
        assert task.state == "withdrawn"
        seen = reading.main(page.content.decode())
        assert "one is set aside: not ours" in seen and "by you" in seen
        undo = reading.found(r'action="([^"]+)">(?:(?!</form>).)*id="undo"', page.content.decode(), re.DOTALL)
        assert "one is in use again." in reading.main(owner.post(undo, follow=True).content.decode())
        task.refresh_from_db()
        assert task.state == "open"
        told = reading.text(owner, "/c/bleed/")
        for words in (
            "you set the song one (pool) aside: not ours",
            "withdrew 1 untouched task of one",
            "you put the song one (pool) back",
        ):
            assert words in told

    def test_leaving_out_what_the_platform_set_aside_settles_it(self, campaign: Campaign, owner: Client) -> None:
        track = song(campaign, "one")
        annotating.set_aside(track=track, reason="Its mixture is gone.")
        assert "1 track the platform set aside by itself" in text(owner)
        owner.post(f"/c/bleed/tracks/{track.pk}/set-aside/")
        page = text(owner)
        assert "the platform set aside by itself" not in page and "Its mixture is gone." in page
        assert Event.objects.get(what="track.left_out").who == Membership.objects.get(role="owner")

    def test_all_that_the_platform_set_aside_is_put_back_at_once(self, campaign: Campaign, owner: Client) -> None:
        mine = song(campaign, "mine")
        annotating.set_aside(track=mine, who=Membership.objects.get())
        for n in range(3):
            annotating.set_aside(track=song(campaign, f"n{n}"), reason="The storage was away.")
        page = owner.post("/c/bleed/tracks/put-back/", {"back": "state=look"}, follow=True)
        assert "Put back: 3 tracks." in reading.main(page.content.decode())
        assert list(Track.objects.exclude(set_aside=None)) == [mine], "what a manager took out stays out"

    def test_who_comes_late_is_told(self, campaign: Campaign, owner: Client) -> None:
        track = song(campaign, "one")
        assert "Nothing changed: one is in use already." in reading.main(
            owner.post(f"/c/bleed/tracks/{track.pk}/put-back/", follow=True).content.decode()
        )
        for _ in range(2):
            page = owner.post(f"/c/bleed/tracks/{track.pk}/set-aside/", follow=True)
        assert "Nothing changed: one is out already." in reading.main(page.content.decode())

    def test_the_way_back_stays_on_the_site(self, campaign: Campaign, owner: Client) -> None:
        answer = owner.post(
            f"/c/bleed/tracks/{song(campaign, 'one').pk}/set-aside/", {"back": "//evil.example/?use=pool", "next": "//evil"}
        )
        assert answer.headers["Location"].startswith("/c/bleed/tracks/?")


class TestTheCampaignsPage:
    def test_it_names_what_was_set_aside_and_leads_there(self, campaign: Campaign, owner: Client) -> None:
        for n in range(5):
            annotating.set_aside(track=song(campaign, f"n{n}"), reason="Its mixture is gone.")
        page = owner.get("/c/bleed/").content.decode()
        assert 'href="/c/bleed/tracks/"' in page and 'href="/c/bleed/tracks/?state=look"' in page
        assert reading.main(page).count("(pool) Its mixture is gone.") == 3
        assert "Set aside by the platform" not in text(worlds.client(campaign, "ann"), "/c/bleed/")

    def test_a_managers_reason_is_for_managers(self, campaign: Campaign, owner: Client) -> None:
        owner.post(f"/c/bleed/tracks/{song(campaign, 'one').pk}/set-aside/", {"reason": "its singer asked us to"})
        assert "you set the song one (pool) aside: its singer asked us to" in reading.text(owner, "/c/bleed/")
        page = reading.text(worlds.client(campaign, "ann"), "/c/bleed/")
        assert "somebody set a song aside" in page and "singer" not in page

    def test_a_pool_with_nothing_left_in_it_is_no_beginning(self, campaign: Campaign, owner: Client) -> None:
        track = song(campaign, "one")
        round_ = services.start_round(campaign=campaign)
        assert round_
        Round.objects.filter(pk=round_.pk).update(state="refused", finished=round_.opened)
        annotating.set_aside(track=track, who=Membership.objects.get())
        assert "No song is left in the pool: put one back, or add some." in text(owner, "/c/bleed/")
