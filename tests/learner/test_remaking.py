"""A checkpoint made again from what is recorded: the same, or what differs. Real models, one small round."""

from pathlib import Path

import pytest

from annotation.files.storage import local
from annotation.models import Campaign, Event, Track
from learner import services
from learner.models import Adaptation, Checkpoint, Evaluation, Job, Remake, Round, SharedModel
from learner.services import remakes
from learner.services.jobs import remake_folder
from learner.work import remaking
from tests import worlds
from tests.hub.reading import words
from tests.learner import test_any_separator as rounds
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db
songs, campaign, any_song_may_leak = rounds.songs, rounds.campaign, rounds.any_song_may_leak


@pytest.fixture
def adaptation(campaign: Campaign, tmp_path: Path) -> Adaptation:
    services.share_file(campaign=campaign, file=rounds.saved(tiny("unet"), tmp_path))
    return rounds.turned(campaign)


def made_again(checkpoint: Checkpoint, campaign: Campaign) -> Remake:
    boss = campaign.memberships.filter(role="manager").first() or worlds.member(campaign, "boss", "manager")
    job = remakes.remake(checkpoint=checkpoint, who=boss)
    assert remakes.remake(checkpoint=checkpoint, who=boss) == job, "asked for twice, it is one job"
    claimed = Job.claim(job.pk)
    assert claimed
    remaking.remake(claimed)
    assert not remake_folder(job.pk).exists()
    return Remake.objects.select_related("checkpoint", "job").get(job=job)


def test_it_gives_the_same_hash_or_says_what_differs(adaptation: Adaptation, campaign: Campaign) -> None:
    assert adaptation.child and adaptation.replay_only
    before = [model.objects.count() for model in (Checkpoint, Round, Evaluation)], SharedModel.objects.get().current
    same = made_again(adaptation.child, campaign)
    assert (same.is_same, same.differences, same.job.state) == (True, [], "done")
    assert made_again(adaptation.replay_only, campaign).is_same
    assert before == ([model.objects.count() for model in (Checkpoint, Round, Evaluation)], SharedModel.objects.get().current)
    assert "same hash" in page_of(adaptation.child, campaign)

    Adaptation.objects.update(seed=adaptation.seed + 1)
    Checkpoint.objects.filter(pk=adaptation.child.pk).update(code_version="0.0.1")
    Track.objects.filter(use="replay").update(added="2100-01-01T00:00Z")
    other = made_again(adaptation.child, campaign)
    assert other.hash and not other.is_same and local(adaptation.child.file).exists()
    said = " ".join(other.differences)
    assert "made by Unbleed 0.0.1" in said and "Added since: 1 song for replay or validation" in said
    assert "The losses differ from step 1 of 1 on" in said and "tensors differ, the most by" in said
    assert "another hash" in page_of(adaptation.child, campaign)
    assert Event.objects.filter(what="checkpoint.compared", after__same=True).count() == 2


def page_of(checkpoint: Checkpoint, campaign: Campaign) -> str:
    boss = worlds.signed_in(campaign.memberships.get(role="manager"))
    return words(boss.get(f"/c/c/checkpoints/{checkpoint.hash}/").content.decode())


def test_what_cannot_be_made_again_is_refused() -> None:
    campaign = worlds.with_model(worlds.campaign("bleed"), worlds.checkpoint("base"))
    boss, base = worlds.member(campaign, "boss", "manager"), Checkpoint.objects.get()
    with pytest.raises(remakes.NotAgain, match="was brought, not made here"):
        remakes.remake(checkpoint=base, who=boss)
    child = worlds.checkpoint("child", base)
    worlds.ended_round(campaign, child, "refused")
    Checkpoint.objects.filter(pk=child.pk).update(withdrawn="2026-01-01T00:00Z")
    child.refresh_from_db()
    with pytest.raises(remakes.NotAgain, match="have withdrawn their consent"):
        remakes.remake(checkpoint=child, who=boss)
    assert not Job.objects.filter(kind="remake").exists()
