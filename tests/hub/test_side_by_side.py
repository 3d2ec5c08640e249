"""Two checkpoints side by side: which songs, in which order, and how they are heard."""

import re

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from annotation.models import Campaign, Estimate, Track
from learner.models import Checkpoint, Job, SongFigures
from tests import worlds
from tests.hub.reading import main, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.with_model(worlds.campaign("bleed"), worlds.checkpoint("base", file="aa/base"))


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def child(campaign: Campaign) -> Checkpoint:
    """Refused; three songs, of which the second got worse and the third was not measured."""
    base = Checkpoint.objects.get()
    child = worlds.checkpoint("child", base, file="aa/child")
    worlds.ended_round(campaign, child, "refused")
    for name, before, after in (("better", 3.0, 5.0), ("worse", 4.0, 1.5), ("pool", None, None)):
        track = worlds.track(campaign, name)
        for row, sdr in ((base, before), (child, after)):
            if sdr is not None:
                SongFigures.objects.create(track=track, checkpoint=row, figures={"song_sdr": sdr, "false_positive_seconds_per_minute": sdr})
            if name != "better" or row == base:
                Estimate.objects.create(track=track, stem="vocals", checkpoint=row.hash, file=f"{name}{row.hash}")
    return child


def test_the_song_that_lost_most_comes_first(
    child: Checkpoint, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(15):
        html = owner.get(f"/c/bleed/checkpoints/{child.hash}/hear/").content.decode()
    page = main(html)
    assert re.search(
        r"worse pool, target 4.00 1.50 4.00 1.50 worse In step.*better pool, target 3.00 5.00 3.00 5.00 better Make both", page
    )
    assert re.search(r"better pool.*Make both.*pool pool, target [^a-z]* not measured In step", page)
    track = Track.objects.get(name="worse")
    assert f"/c/bleed/tracks/{track.pk}/?before={'base'.ljust(64, '0')}&amp;after={child.hash}#hear" in html
    assert "Hear it beside another" in text(owner, f"/c/bleed/checkpoints/{child.hash}/")


def test_the_other_way_round_the_other_song_is_the_worst(child: Checkpoint, owner: Client) -> None:
    assert child.parent
    page = text(owner, f"/c/bleed/checkpoints/{child.parent.hash}/hear/?beside={child.hash}")
    assert page.index("better pool, target 5.00 3.00") < page.index("worse pool, target 1.50 4.00")


def test_what_is_missing_is_asked_for_once(child: Checkpoint, owner: Client) -> None:
    track = Track.objects.get(name="better")
    for _ in range(2):
        page = owner.post(f"/c/bleed/checkpoints/{child.hash}/hear/", {"track": track.pk}, follow=True).content.decode()
    assert "A worker makes what both extract from better" in page and "being made" in page
    assert Job.objects.filter(kind="separate").count() == 2
    assert owner.post(f"/c/bleed/checkpoints/{child.hash}/hear/", {"track": "x"}).status_code == 404


def test_the_song_opens_with_these_two(child: Checkpoint, owner: Client) -> None:
    base, track = "base".ljust(64, "0"), Track.objects.get(name="worse")
    where = f"/c/bleed/tracks/{track.pk}/"
    assert '"before": null' in owner.get(where).content.decode(), "the current one has no parent"
    html = owner.get(f"{where}?before={base}&after={child.hash}").content.decode()
    assert f'"before": "{base}", "after": "{child.hash}"' in html
    assert f'"differences": "{where}differences/{base}/{child.hash}/"' in html
    assert "changes between the current checkpoint ( base0000 ) and the child of round 1 ( child000 )" in main(html)
    assert '"before": null' in owner.get(f"{where}?before={base}&after=no").content.decode()
