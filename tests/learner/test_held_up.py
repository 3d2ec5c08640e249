"""No round begins, or is learned from, that would fail for want of something: it waits, and says what to do. Real rows."""

import pytest

from annotation import services as annotating
from annotation.files import storage
from annotation.models import Campaign, Stem, Track
from hub.notices.gathering import gather
from hub.notices.models import Kind, Notice
from learner import services
from learner.core.teaching.train import BASE
from learner.models import Job, Round
from learner.services.checkpoints import keep_checkpoint
from tests import worlds
from tests.hub.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """With the shipped base, which replays songs with stems, and one song of each kind; one answer closes a clip."""
    campaign = worlds.campaign("c", min_overlap=1, max_overlap=1, owner=worlds.user("olga"))
    worlds.track(campaign, "song")
    replayed = worlds.track(campaign, "replayed", use="replay", domain="source")
    Stem.objects.create(track=replayed, name="vocals", file="x")
    return worlds.with_model(campaign, keep_checkpoint(file=BASE))


def put_aside() -> Track:
    track = Track.objects.get(use="replay")
    annotating.set_aside(track=track, reason="damaged")
    return track


def test_without_songs_to_replay_no_round_begins_until_they_are_there_again(campaign: Campaign) -> None:
    gather()  # of what is from now on
    track = put_aside()
    for _ in range(2):
        services.advance(campaign=campaign)
    assert not Round.objects.exists() and not Job.objects.exists()
    assert "put back those that were set aside" in Campaign.objects.get().held_up
    assert campaign.events.filter(what="campaign.held_up").count() == 1
    boss = worlds.signed_in(campaign.memberships.get())
    assert "The first round waits. " in text(boss, "/c/c/")
    gather()
    assert Notice.objects.get(kind=Kind.JOB).values["reason"] == Campaign.objects.get().held_up
    Track.objects.filter(pk=track.pk).update(set_aside=None, set_aside_reason="")
    services.advance(campaign=campaign)
    assert Round.objects.get().state == Round.State.SCORING and Campaign.objects.get().held_up == ""


def test_a_round_that_was_answered_waits_with_its_answers(campaign: Campaign) -> None:
    round_ = worlds.listening_round(campaign, n_tasks=1)
    worlds.answer_all(worlds.member(campaign), (1.0, 4.0))
    track = put_aside()
    services.advance(campaign=campaign)
    round_.refresh_from_db()
    assert round_.state == Round.State.ANNOTATING and not round_.finished
    boss = worlds.signed_in(campaign.memberships.get(role="owner"))
    assert "the model cannot learn from it now" in text(boss, "/c/c/")
    assert "Not frozen" in boss.post("/c/c/rounds/1/freeze/", follow=True).content.decode()
    Track.objects.filter(pk=track.pk).update(set_aside=None, set_aside_reason="")
    services.advance(campaign=campaign)
    round_.refresh_from_db()
    assert round_.state == Round.State.ADAPTING


def test_a_checkpoint_whose_file_is_gone_is_named(campaign: Campaign) -> None:
    storage.local(keep_checkpoint(file=BASE).file).unlink()
    services.advance(campaign=campaign)
    assert not Round.objects.exists()
    assert "is missing in the storage: restore it from a backup" in Campaign.objects.get().held_up


def test_a_recipe_that_nothing_can_follow_is_named(campaign: Campaign) -> None:
    Campaign.objects.update(recipe={"stepz": 3})  # as an older version of the product may have let through
    services.advance(campaign=Campaign.objects.get())
    assert not Round.objects.exists() and "stepz" in Campaign.objects.get().held_up
