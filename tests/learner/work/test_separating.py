"""What a checkpoint makes of one track, made when somebody asks. Real models and sound."""

from pathlib import Path

import pytest

from annotation.models import Campaign, Estimate, Event, Membership, Track
from learner import services
from learner.core import checkpoint
from learner.core.songs import synth
from learner.ingest import ingest
from learner.models import Checkpoint, FileRemoved, Job, Separation, SharedModel, SongFigures
from learner.services.separations import separate_track
from learner.work import separating
from tests import worlds
from tests.learner.core.separators.tiny import tiny
from tests.present import present

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    campaign = worlds.campaign("c")
    synth.write_songs(tmp_path / "songs", "target", [970_000], 6.0)
    assert not ingest(campaign=campaign, folder=tmp_path / "songs", use="test", domain="target").bad
    services.share_file(campaign=campaign, file=checkpoint.save(tiny("unet"), tmp_path, recipe={}, parent=None).path)
    return campaign


@pytest.fixture
def who(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "boss", "owner")


def current(campaign: Campaign) -> Checkpoint:
    return SharedModel.objects.get(campaign=campaign).current


def done(job: Job) -> None:
    separating.separate_track(present(Job.claim(job.pk)))


def test_it_is_separated_and_measured_beside_the_trivial_ways(campaign: Campaign, who: Membership) -> None:
    track = Track.objects.get()
    job = separate_track(track=track, checkpoint=current(campaign), who=who)
    assert separate_track(track=track, checkpoint=current(campaign), who=who) == job, "asked for twice, it is one job"
    done(job)
    assert Estimate.objects.get().checkpoint == current(campaign).hash
    found = {one.subject: one.figures for one in SongFigures.objects.all()}
    assert set(found) == {"checkpoint", "silence", "mixture", "gain"}
    assert found["silence"]["sdr_mean"] == pytest.approx(0, abs=0.01)
    assert found["gain"]["song_sdr"] >= found["checkpoint"]["song_sdr"] - 1e-6
    assert Event.objects.get(what="track.separated").who == who


def test_what_is_there_is_only_measured_and_again_replaces_it(campaign: Campaign, who: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    track = Track.objects.get()
    done(separate_track(track=track, checkpoint=current(campaign), who=who))
    monkeypatch.setattr(separating, "separate", None)
    done(separate_track(track=track, checkpoint=current(campaign), who=who))
    assert Estimate.objects.count() == 1 and SongFigures.objects.count() == 4 and Separation.objects.count() == 2


def test_without_its_stem_there_is_sound_and_no_figure(campaign: Campaign, who: Membership) -> None:
    track = Track.objects.get()
    track.stems.filter(name="vocals").delete()
    done(separate_track(track=track, checkpoint=current(campaign), who=who))
    assert Estimate.objects.exists() and not SongFigures.objects.exists()


def test_a_checkpoint_whose_file_went_makes_nothing(campaign: Campaign, who: Membership) -> None:
    Checkpoint.objects.update(file_removed_at="2026-01-01T00:00Z")
    with pytest.raises(FileRemoved):
        separate_track(track=Track.objects.get(), checkpoint=current(campaign), who=who)
    assert not Job.objects.filter(kind="separate").exists()
