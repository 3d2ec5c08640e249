"""One search box over a campaign."""

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Campaign, Task, Track
from annotation.selectors.search import tracks_like
from learner.models import Job
from tests import worlds
from tests.hub import reading, rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    campaign = rounds.campaign()
    rounds.listening(campaign, 1)
    return campaign


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def goes_to(client: Client, text: str) -> str:
    """Where the search leads; empty: it shows a page."""
    answer = client.get("/c/bleed/search/", {"q": text})
    return str(answer.headers.get("Location", ""))


def test_what_is_called_just_so_comes_at_once(campaign: Campaign, owner: Client) -> None:
    task, job, person = Task.objects.get(), Job.objects.get(), worlds.member(campaign, "Ann-1")
    worlds.member(campaign, "Ann-12")
    assert goes_to(owner, f"task {task.pk}") == f"/c/bleed/tasks/{task.pk}/"
    assert goes_to(owner, "round 1") == "/c/bleed/rounds/1/"
    assert goes_to(owner, f"job {job.pk}") == f"/c/bleed/jobs/{job.pk}/"
    assert goes_to(owner, "ann-1") == goes_to(owner, "person Ann-1") == f"/c/bleed/people/{person.pk}/about/"
    assert goes_to(owner, "ba5e") == "", "no such hash"
    assert goes_to(owner, "A song") == f"/c/bleed/tracks/{task.track_id}/"


def test_a_checkpoint_by_the_beginning_of_its_hash(campaign: Campaign, owner: Client) -> None:
    child = worlds.checkpoint("abcd1234", campaign.shared_model.current)
    worlds.ended_round(campaign, child, "promoted")
    assert goes_to(owner, "ABCD") == f"/c/bleed/checkpoints/{child.hash}/"


def test_several_stand_in_groups(campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    worlds.track(campaign, "songs/evening star.wav", artist="Ella")
    worlds.track(campaign, "songs/evening-moon.wav")
    worlds.member(campaign, "evening-fan")
    with django_assert_max_num_queries(15):
        page = reading.text(owner, "/c/bleed/search/?q=even")
    assert "Songs songs/evening star.wav Ella, pool" in page and "People evening-fan annotator" in page
    assert goes_to(owner, "ella eve") == f"/c/bleed/tracks/{Track.objects.get(artist='Ella').pk}/"


@pytest.mark.parametrize("text", ["nothing so", "'", "a:* | b", "%", "\\", "9" * 30, "task", "task 99999", "x" * 5000, "_"])
def test_whatever_is_typed_finds_nothing_and_breaks_nothing(campaign: Campaign, owner: Client, text: str) -> None:
    assert owner.get("/c/bleed/search/", {"q": text}).status_code == 200


def test_other_campaigns_stay_out(campaign: Campaign, owner: Client) -> None:
    other = worlds.task(worlds.campaign("other"))
    assert goes_to(owner, f"task {other.pk}") == ""
    assert goes_to(owner, "song") == "/c/bleed/tracks/" + f"{campaign.tracks.get().pk}/"


def test_the_box_is_on_pages_of_those_who_may_use_it(campaign: Campaign, owner: Client) -> None:
    assert 'id="search-all"' in owner.get("/c/bleed/").content.decode()
    assert 'id="search-all"' not in worlds.client(campaign, "ann").get("/c/bleed/").content.decode()


def test_words_of_many_tracks_are_found_by_an_index(campaign: Campaign) -> None:
    Track.objects.bulk_create(
        Track(
            campaign=campaign, name=f"a/{n:05} this.wav", use="pool", domain="target", duration=1, sample_rate=1, channels=1, fingerprint=n
        )
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_track")
    assert "words_of_tracks" in tracks_like(campaign, "01234").explain()
    assert [one.name for one in tracks_like(campaign, "this 01234")] == ["a/01234 this.wav"]
