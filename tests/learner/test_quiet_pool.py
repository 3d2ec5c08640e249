"""Where nothing leaks people are not asked to mark nothing, and what a campaign has no songs for is said with what that costs."""

from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from annotation import services as annotating
from annotation.models import Campaign, Task, Track
from learner import services
from learner.core import checkpoint
from learner.core.choosing import pool
from learner.models import Job, Round, Score, Signals
from learner.work import scoring
from tests import worlds
from tests.hub.reading import text
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db


def sung_throughout(campaign: Campaign, name: str, seconds: float = 10.0) -> None:
    """A song in which the voice never rests, so that nothing can be a false positive."""
    time = np.arange(round(seconds * worlds.RATE)) / worlds.RATE
    voice, band = 0.3 * np.sin(2 * np.pi * 220 * time), 0.1 * np.sin(2 * np.pi * 90 * time + len(name))
    stems = {"mixture": voice + band, "vocals": voice, "accompaniment": band}
    worlds.song(campaign, {stem: worlds.flac(samples) for stem, samples in stems.items()}, name=name)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = worlds.campaign("c", min_overlap=1, max_overlap=1)
    for name in ("one", "another"):
        sung_throughout(made, name)
    services.share_file(campaign=made, file=checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path)
    return made


def scored() -> Round:
    round_ = services.start_round(campaign=Campaign.objects.get())
    assert round_
    job = Job.claim(round_.scoring_id)
    assert job
    scoring.score_pool(job)
    return Round.objects.get(pk=round_.pk)


def test_nobody_is_asked_to_mark_songs_that_do_not_leak(campaign: Campaign) -> None:
    owner = worlds.client(campaign, "owner", "owner")
    assert scored().state == Round.State.EXHAUSTED
    assert not Task.objects.exists() and Campaign.objects.get().paused
    page = text(owner, "/c/c/")
    assert "Round 1 asked nobody: hardly any song of the pool leaks. Put others in, and let rounds go on" in page
    assert "Hardly any of 2 songs in the pool leaks, by their stems, so people would mark nothing. Put songs in whose leads" in page


def test_a_manager_lets_rounds_go_on_all_the_same(campaign: Campaign) -> None:
    scored()
    annotating.resume_rounds(campaign=Campaign.objects.get())
    assert scored().state == Round.State.ANNOTATING
    assert Task.objects.count() == 2


def test_songs_that_are_put_in_end_the_quiet(campaign: Campaign) -> None:
    scored()
    mixture = np.random.default_rng(0).normal(0, 0.1, round(10 * worlds.RATE))
    stems = {"mixture": mixture, "vocals": 0 * mixture, "accompaniment": mixture}
    worlds.song(campaign, {name: worlds.flac(samples) for name, samples in stems.items()}, name="nobody sings")
    annotating.resume_rounds(campaign=Campaign.objects.get())
    assert scored().state == Round.State.ANNOTATING


def mixes_alone(architecture: str, folder: Path) -> None:
    """A campaign that begins with such a network, and knows nothing of its songs but how sure that is of them."""
    made = worlds.campaign("c", min_overlap=1, max_overlap=1, recipe={"pseudo_replay": True})
    for name in ("one", "another"):
        mixture = 0.1 * np.sin(2 * np.pi * 90 * np.arange(10 * worlds.RATE) / worlds.RATE + len(name))
        worlds.song(made, {"mixture": worlds.flac(mixture)}, name=name)
    services.share_file(campaign=made, file=checkpoint.save(tiny(architecture), folder, recipe={}, parent=None).path)


@pytest.mark.parametrize(("architecture", "state"), [("spleeter", Round.State.EXHAUSTED), ("unet", Round.State.ANNOTATING)])
def test_how_sure_a_model_is_keeps_songs_from_people_only_where_that_was_measured(
    architecture: str, state: Round.State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "UNSURE", 1e9)
    mixes_alone(architecture, tmp_path)
    assert scored().state == state


def test_the_stems_of_a_song_are_held_against_an_estimate_once(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = scored().parent
    kept = dict(Signals.objects.values_list("track", "leaking"))
    assert set(kept.values()) == {0.0}
    monkeypatch.setattr(scoring, "sound_of", None)  # reads no sound any more
    for track in campaign.tracks.all():
        assert scoring.heard(track, parent, "spleeter") == pool.Heard(track.name, 0.0, unsure(track))


def unsure(track: Track) -> float | None:
    return Score.objects.filter(track=track).order_by("-uncertainty").values_list("uncertainty", flat=True).first()


def test_of_a_large_pool_a_song_that_was_not_looked_at_closely_is_not_called_quiet(tmp_path: Path) -> None:
    mixes_alone("spleeter", tmp_path)
    parent, track = scored().parent, Campaign.objects.get().tracks.all()[0]
    Score.objects.filter(track=track).update(uncertainty=None)
    assert scoring.heard(track, parent, "spleeter") is None
    assert scoring.heard(track, parent, "unet") == pool.Heard(track.name, None, None), "of others nothing is guessed"


def test_what_is_lacking_is_said_with_what_it_costs(campaign: Campaign, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    scored()
    for who, role, told in (("owner", "owner", True), ("ann", "annotator", False)):
        page = text(worlds.client(campaign, who, role), "/c/c/")
        assert ("What this campaign does without, and what that costs (5)" in page) is told
        assert ("No child is promoted before people have marked something there" in page) is told
    other = worlds.campaign("other")
    sung_throughout(other, "alone")
    call_command("share", "other", base=str(checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path))
    assert "with one song in the pool none can be kept apart for the gate, so no child is ever promoted" in capsys.readouterr().out
