"""Listening tests made: two checkpoints, songs drawn or chosen, separated by jobs where that lacks, and clips placed by the worker."""

from pathlib import Path
from typing import Any

import pytest

from annotation.models import Campaign, Estimate, Event, ListeningTest, Membership, Track
from learner import services
from learner.core import checkpoint
from learner.core.songs import synth
from learner.ingest import ingest
from learner.models import Checkpoint, Job
from learner.selectors.listening import songs_to_draw, usual_pair
from learner.services.leftovers import unused_estimates
from learner.services.listening import NobodyListens, NoSongLeft, NothingToCompare, ask_again, begin_test
from learner.work import separating
from tests import worlds
from tests.learner.core.separators.tiny import tiny
from tests.present import present

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """With two songs and a promoted child, both of which are real."""
    campaign = worlds.campaign("c")
    synth.write_songs(tmp_path / "songs", "target", [970_000, 970_001], 6.0)
    assert not ingest(campaign=campaign, folder=tmp_path / "songs", use="pool", domain="target").bad
    base, child = tiny("unet"), tiny("unet")
    for one in child.parameters():
        one.data.mul_(0.9)
    files = [checkpoint.save(one, tmp_path, recipe={"n": n}, parent=None).path for n, one in enumerate((base, child))]
    services.share_file(campaign=campaign, file=files[0])
    old = Checkpoint.objects.get()
    new = services.keep_checkpoint(file=files[1], parent=old)
    worlds.ended_round(campaign, new, "promoted")
    return campaign


@pytest.fixture
def who(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "boss", "owner")


def pair(campaign: Campaign) -> dict[str, Any]:
    found = usual_pair(campaign)
    assert found
    return {"checkpoint": found[0], "other": found[1]}


def work() -> None:
    for job in Job.objects.filter(kind=Job.Kind.SEPARATE, state=Job.State.QUEUED).order_by("pk"):
        separating.separate_track(present(Job.claim(job.pk)))


def test_the_usual_pair_is_the_current_checkpoint_and_its_parent(campaign: Campaign) -> None:
    new, old = Checkpoint.objects.order_by("-pk")
    assert usual_pair(campaign) == (new, old)
    assert usual_pair(worlds.with_model(worlds.campaign("first"), worlds.checkpoint("alone"))) is None


def test_jobs_make_what_lacks_and_then_its_clips_have_a_place(campaign: Campaign, who: Membership) -> None:
    test = begin_test(campaign=campaign, who=who, **pair(campaign), seconds=4.0)
    assert Job.objects.filter(kind="separate").count() == 4 and Estimate.objects.count() == 0
    assert Event.objects.get(what="listening.begun").who == who and not Event.objects.filter(what="track.separated").exists()
    work()
    assert Estimate.objects.count() == 4 and not Job.objects.filter(kind="separate").exclude(state="done").exists()
    assert [(clip.end or 0) - (clip.start or 0) for clip in test.clips.all()] == pytest.approx([4.0, 4.0])
    again = begin_test(campaign=campaign, who=who, **pair(campaign), seconds=4.0, n_each=2, place="random")
    assert Job.objects.filter(kind="separate", state="queued").count() == 2, "one each, to find the places"
    work()
    assert not again.clips.filter(start=None).exists()


def test_songs_are_drawn_among_those_that_nobody_has_marked(campaign: Campaign, who: Membership) -> None:
    marked, other = Track.objects.order_by("pk")
    worlds.answer(worlds.opened([worlds.clip(marked, end=6.0)])[0], worlds.member(campaign), (1, 2))
    assert list(songs_to_draw(campaign)) == [other]
    test = begin_test(campaign=campaign, who=who, **pair(campaign))
    assert test.drawn and [clip.track for clip in test.clips.all()] == [other]
    by_hand = begin_test(campaign=campaign, who=who, **pair(campaign), tracks=[marked])
    assert not by_hand.drawn and [clip.track for clip in by_hand.clips.all()] == [marked]
    Track.objects.update(use="replay")
    with pytest.raises(NoSongLeft):
        begin_test(campaign=campaign, who=who, **pair(campaign))


def test_two_different_checkpoints_of_the_stem_are_compared_while_the_campaign_goes_on(campaign: Campaign, who: Membership) -> None:
    new = pair(campaign)["checkpoint"]
    for other in (new, worlds.checkpoint("drums", stem="drums")):
        with pytest.raises(NothingToCompare):
            begin_test(campaign=campaign, who=who, checkpoint=new, other=other)
    campaign.ended = worlds.again(who).joined
    with pytest.raises(NobodyListens):
        begin_test(campaign=campaign, who=who, **pair(campaign))
    assert not ListeningTest.objects.exists()


def test_what_failed_is_asked_for_again(campaign: Campaign, who: Membership) -> None:
    test = begin_test(campaign=campaign, who=who, **pair(campaign))
    for job in Job.objects.filter(kind="separate"):
        services.fail(job=present(Job.claim(job.pk)), reason="no room")
    assert ask_again(test=test, who=who) == 2
    work()
    assert not test.clips.filter(start=None).exists() and ask_again(test=test, who=who) == 0


def test_estimates_of_an_open_test_are_not_let_go(campaign: Campaign, who: Membership) -> None:
    old = worlds.checkpoint("older")
    track = Track.objects.order_by("pk")[0]
    for hash_ in (old.hash, pair(campaign)["checkpoint"].hash):
        worlds.estimate(track, hash_)
    Estimate.objects.update(made="2020-01-01T00:00Z")
    assert [one.checkpoint for one in unused_estimates(30)] == [old.hash]
    test = begin_test(campaign=campaign, who=who, checkpoint=pair(campaign)["checkpoint"], other=old, tracks=[track])
    assert not unused_estimates(30).exists()
    ListeningTest.objects.filter(pk=test.pk).update(ended="2026-01-01T00:00Z")
    assert unused_estimates(30).exists()
