"""What managers say of tracks: by row, many at once, by CSV; what of it may not change any more; and its history. Real rows."""

import csv
import io
from collections.abc import Mapping
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation import services as annotating
from annotation.models import Campaign, Event, Membership, Stem, Track, TrackChange
from learner import services
from learner.models import Job
from learner.services.tracks import change_tracks
from tests import worlds
from tests.hub import reading, rounds


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def me(campaign: Campaign, owner: Client) -> Membership:
    return Membership.objects.get(role="owner")


def song(campaign: Campaign, name: str = "song", **about: object) -> Track:
    return worlds.track(campaign, name, duration=187.4, **about)


def said(client: Client, url: str, data: Mapping[str, object]) -> str:
    """What the page says after a form was sent."""
    return reading.main(client.post(f"/c/bleed/tracks/{url}", dict(data), follow=True).content.decode())


class TestByRow:
    def test_what_is_said_of_a_track_changes_and_its_history_tells_by_whom(self, campaign: Campaign, owner: Client) -> None:
        track = song(campaign)
        form = {"use": "pool", "domain": "source", "artist": " Ella ", "album": "", "licence": "CC0-1.0", "back": "q=song"}
        assert "Changed: 1 track." in said(owner, f"{track.pk}/edit/", form)
        track.refresh_from_db()
        assert (track.domain, track.artist, track.licence) == ("source", "Ella", "CC0-1.0")
        page = reading.text(owner, f"/c/bleed/tracks/{track.pk}/")
        assert "you changed domain from target to source, artist from nothing to Ella, licence from nothing to CC0-1.0" in page
        assert "you changed the song song: domain to source, artist to Ella" in reading.text(owner, "/c/bleed/")
        assert "all is as you say already" in said(owner, f"{track.pk}/edit/", form)
        assert TrackChange.objects.count() == 3

    def test_the_row_is_a_form_when_asked_for(self, campaign: Campaign, owner: Client) -> None:
        track, other = song(campaign, "one", artist="<b>Ella</b>"), song(campaign, "two")
        html = owner.get(f"/c/bleed/tracks/?edit={track.pk}").content.decode()
        assert f'action="/c/bleed/tracks/{track.pk}/edit/"' in html and f"/{other.pk}/edit/" not in html
        assert "&lt;b&gt;Ella" in html and "<b>Ella" not in html
        assert 'hx-select="#track-list"' not in html, "what is typed is not swept away"

    @pytest.mark.parametrize(("field", "value"), [("use", "fun"), ("domain", ""), ("artist", "x" * 201), ("name", "mine")])
    def test_what_no_track_may_have_is_refused(self, campaign: Campaign, owner: Client, field: str, value: str) -> None:
        track = song(campaign)
        page = said(owner, f"{track.pk}/edit/", {field: value})
        assert "Nothing changed" in page
        assert not TrackChange.objects.exists() and Track.objects.get().name == "song"

    def test_only_managers_change_and_only_their_campaigns_tracks(self, campaign: Campaign, owner: Client) -> None:
        other = song(worlds.campaign("other"), "theirs")
        assert owner.post(f"/c/bleed/tracks/{other.pk}/edit/", {"artist": "me"}).status_code == 404
        owner.post("/c/bleed/tracks/edit/", {"track": other.pk, "do": "artist", "value": "me"})
        assert not TrackChange.objects.exists()


class TestMany:
    def test_those_chosen_change_and_the_others_do_not(self, campaign: Campaign, owner: Client) -> None:
        first, second, third = (song(campaign, name) for name in "abc")
        page = said(owner, "edit/", {"track": [first.pk, third.pk], "which": "chosen", "do": "album", "value": "Evenings"})
        assert "Changed: 2 tracks." in page
        assert set(Track.objects.filter(album="Evenings")) == {first, third}
        assert "you changed 2 songs: album to Evenings" in reading.text(owner, "/c/bleed/")
        assert "changed album from nothing to Evenings" in reading.text(owner, f"/c/bleed/tracks/{first.pk}/")
        assert "changed album" not in reading.text(owner, f"/c/bleed/tracks/{second.pk}/")

    def test_all_that_the_filter_finds_change_however_many_pages_they_fill(
        self, campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        Track.objects.bulk_create(
            Track(
                campaign=campaign,
                name=f"n{n:04}",
                use="pool",
                domain="target",
                duration=9,
                sample_rate=8000,
                channels=1,
                fingerprint=f"{n}",
            )
            for n in range(300)
        )
        song(campaign, "another")
        with django_assert_max_num_queries(35):
            page = said(owner, "edit/", {"which": "all", "back": "q=n0", "do": "domain source"})
        assert "Changed: 300 tracks." in page
        assert Track.objects.filter(domain="source").count() == 300
        assert Event.objects.filter(what="track.changed").count() == 1
        assert Event.objects.get(what="track.changed").after == {"n": 300, "fields": ["domain"], "to": {"domain": "source"}}

    def test_they_are_set_aside_and_put_back_with_a_reason(self, campaign: Campaign, owner: Client) -> None:
        tracks = [song(campaign, name) for name in "ab"]
        chosen = {"track": [one.pk for one in tracks]}
        assert "Set aside: 2 tracks." in said(owner, "edit/", chosen | {"do": "set aside", "value": "not ours"})
        assert set(Track.objects.values_list("set_aside_reason", flat=True)) == {"not ours"}
        assert "Put back: 2 tracks." in said(owner, "edit/", chosen | {"do": "put back"})

    def test_nothing_chosen_is_said(self, campaign: Campaign, owner: Client) -> None:
        song(campaign)
        assert "say first what to change" in said(owner, "edit/", {"which": "all", "do": ""})
        assert "say first what to change" in said(owner, "edit/", {"which": "all", "do": "fingerprint 1"})
        assert "Nothing changed" in said(owner, "edit/", {"which": "chosen", "do": "artist", "value": "me"})


class TestWhatStays:
    """Held out once, held out always."""

    def test_a_song_that_nothing_was_made_of_goes_to_another_use(self, campaign: Campaign, me: Membership) -> None:
        track = song(campaign, kept_apart=True)
        assert change_tracks(campaign=campaign, who=me, wanted={track.pk: {"use": "replay"}}).n == 1
        track.refresh_from_db()
        assert (track.use, track.kept_apart) == ("replay", False)

    def test_what_people_were_given_stays_in_the_pool(self, campaign: Campaign, owner: Client) -> None:
        heard, unheard = song(campaign, "heard"), song(campaign, "unheard")
        Stem.objects.bulk_create(Stem(track=one, name="vocals", file=one.name) for one in (heard, unheard))
        worlds.opened([worlds.clip(heard)])
        page = said(owner, "edit/", {"track": [heard.pk, unheard.pk], "do": "use test"})
        assert "Changed: 1 track." in page
        assert "Left as it is: heard: People were given clips of it, so it stays in the pool" in page
        assert dict(Track.objects.values_list("name", "use")) == {"heard": "pool", "unheard": "test"}

    def test_a_job_at_work_with_the_songs_forbids_it_and_says_so(self, campaign: Campaign, owner: Client, me: Membership) -> None:
        rounds.scoring(campaign)
        track = song(campaign, "new")
        page = said(owner, f"{track.pk}/edit/", {"use": "replay", "artist": "Ella"})
        assert "A job works with the songs just now: change what they are for when it has ended." in page
        assert Track.objects.get(pk=track.pk).artist == "", "all of a row, or nothing"
        assert "Changed: 1 track." in said(owner, f"{track.pk}/edit/", {"use": "pool", "artist": "Ella"})
        Job.objects.update(state="done")
        assert change_tracks(campaign=campaign, who=me, wanted={track.pk: {"use": "replay"}}).n == 1

    def test_what_a_model_was_taught_or_judged_with_stays_what_it_was(self, campaign: Campaign, me: Membership) -> None:
        before = {use: song(campaign, use, use=use) for use in ("replay", "test", "pool")}
        worlds.ended_round(campaign, worlds.checkpoint("child"), "refused")
        after = song(campaign, "late", use="replay")
        change = {one.pk: {"domain": "source"} for one in (*before.values(), after)}
        done = change_tracks(campaign=campaign, who=me, wanted=change)
        assert set(done.refused) == {"replay", "test"} and done.n == 2
        assert "A model was taught or judged while it was for test, target: its domain stays" in done.refused["test"]
        done = change_tracks(campaign=campaign, who=me, wanted={one.pk: {"use": "validation"} for one in (*before.values(), after)})
        assert set(done.refused) == {"replay", "test", "pool"} and done.n == 1

    def test_a_mix_without_stems_decides_nothing(self, campaign: Campaign, me: Membership) -> None:
        done = change_tracks(campaign=campaign, who=me, wanted={song(campaign).pk: {"use": "gate"}})
        assert done.refused == {"song": "It is a mix without its vocals: songs for gate need it."}

    def test_one_mixture_is_never_for_two_uses(self, campaign: Campaign, me: Membership) -> None:
        one, two = song(campaign, "one"), song(campaign, "two")
        Stem.objects.bulk_create(Stem(track=track, name="mixture", file="aa/same.flac") for track in (one, two))
        done = change_tracks(campaign=campaign, who=me, wanted={one.pk: {"use": "replay"}})
        assert done.refused == {"one": "Its mixture is in the campaign for pool too, as two."}
        assert change_tracks(campaign=campaign, who=me, wanted={track.pk: {"use": "replay"} for track in (one, two)}).n == 2


class TestTheFilters:
    def test_domain_stems_artist_and_album(self, campaign: Campaign, owner: Client) -> None:
        one = song(campaign, "one", artist="Ella & Louis", album="Again")
        song(campaign, "two", domain="source", artist="Ella")
        Stem.objects.create(track=one, name="vocals", file="a")

        def names(query: str) -> set[str]:
            html = owner.get(f"/c/bleed/tracks/?{query}").content.decode()
            return {name for name in ("one", "two") if f">{name}</a>" in html}

        assert names("domain=source") == {"two"}
        assert names("stems=yes") == {"one"} and names("stems=no") == {"two"}
        assert names("artist=Ella") == {"two"} and names("artist=Ella+%26+Louis&album=Again") == {"one"}
        html = owner.get("/c/bleed/tracks/").content.decode()
        assert unescape(reading.found(r'href="\?(artist=Ella%20[^"]*)"', html)) == "artist=Ella%20%26%20Louis"

    @pytest.mark.parametrize(("order", "found"), [("name", "abc"), ("longest", "cab"), ("newest", "bca"), ("artist", "bca")])
    def test_the_order_is_chosen(self, campaign: Campaign, owner: Client, order: str, found: str) -> None:
        for name, seconds, artist in (("a", 2.0, "z"), ("c", 3.0, "y"), ("b", 1.0, "x")):
            worlds.track(campaign, name, duration=seconds, artist=artist)
        html = owner.get(f"/c/bleed/tracks/?order={order}").content.decode()
        assert "".join(sorted("abc", key=lambda name: html.index(f">{name}</a>"))) == found


class TestAsATable:
    def test_what_goes_out_comes_back_and_changes_nothing(self, campaign: Campaign, owner: Client) -> None:
        song(campaign, "one", artist="=Ella()", album="A, B"), song(campaign, "two", use="replay")
        sent = b"".join(owner.get("/c/bleed/tracks/tracks.csv").streaming_content)  # type: ignore[attr-defined]
        rows = list(csv.DictReader(io.StringIO(sent.decode())))
        assert [(row["name"], row["use"], row["artist"]) for row in rows] == [("one", "pool", "'=Ella()"), ("two", "replay", "")]
        page = said(owner, "import/", {"file": SimpleUploadedFile("tracks.csv", sent)})
        assert "all is as you say already" in page

    def test_the_filter_holds_for_it(self, campaign: Campaign, owner: Client) -> None:
        song(campaign, "one"), song(campaign, "two", use="replay")
        sent = b"".join(owner.get("/c/bleed/tracks/tracks.csv?use=replay").streaming_content).decode()  # type: ignore[attr-defined]
        assert "two" in sent and "one" not in sent

    def test_lines_change_what_they_name(self, campaign: Campaign, owner: Client) -> None:
        song(campaign, "one"), song(campaign, "two", artist="Ella")
        file = SimpleUploadedFile("t.csv", "name,artist\none,Björk\ntwo,\nthree,Nobody\n".encode())
        page = said(owner, "import/", {"file": file})
        assert "Changed: 2 tracks." in page and "1 line of the file named no track of the campaign, first 'three'" in page
        assert dict(Track.objects.values_list("name", "artist")) == {"one": "Björk", "two": ""}

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "must name the column"),
            (b"artist\nme\n", "must name the column"),
            (b"\xff\xfe", "no CSV in UTF-8"),
            (b"name,use\none,fun\n", "Use:"),
        ],
    )
    def test_what_cannot_be_read_changes_nothing(self, campaign: Campaign, owner: Client, content: bytes, words: str) -> None:
        song(campaign, "one")
        page = said(owner, "import/", {"file": SimpleUploadedFile("t.csv", content or b"\n")})
        assert "Nothing changed" in page and words in page
        assert "choose a file first" in said(owner, "import/", {})


def test_its_own_page_has_the_buttons_and_all_that_happened(campaign: Campaign, owner: Client) -> None:
    track = annotating.add_track(
        campaign=campaign, name="one", use="pool", domain="target", stems=[], fingerprint="f", duration=61.0, sample_rate=44100, channels=2
    )
    page = said(owner, f"{track.pk}/set-aside/", {"reason": "its singer asked", "back": "track"})
    assert "set aside by you" in page and "you set the song one (pool) aside: its singer asked" in page
    page = said(owner, f"{track.pk}/put-back/", {"back": "track"})
    assert "in use" in page and "you put the song one (pool) back" in page and "the platform added the song one" in page
    assert "1:01" in page and "44100 Hz, stereo" in page
    services.advance(campaign=campaign)
    annotator = worlds.client(campaign, "ann")
    assert annotator.get(f"/c/bleed/tracks/{track.pk}/").status_code == 403
