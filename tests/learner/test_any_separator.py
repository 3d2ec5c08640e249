"""One small round with each architecture: shared, scored, chosen from, adapted with the default recipe, judged, compared. Real models."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import load_file, save_file

from annotation.files.storage import local
from annotation.models import Campaign, Estimate, Event, Task
from learner import services
from learner.core import checkpoint
from learner.core.choosing import pool
from learner.core.choosing.signals import load
from learner.core.separators import ARCHITECTURES, PRESETS, Separator
from learner.core.songs import synth
from learner.ingest import ingest
from learner.models import (
    Adaptation,
    Checkpoint,
    Evaluation,
    FeedbackItem,
    Job,
    JudgedSong,
    Round,
    Score,
    SharedModel,
    Signals,
    UnfitCheckpoint,
)
from learner.work import adapting, measuring, scoring
from learner.work.tracks import sound_of
from tests import worlds
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db

NARROW = {"widths": [2, 2, 2]}  # of the U-Net's presets: their rates, frames and kernels with few weights; so "medium" is "small"
# Those of other projects at a low rate, where a step takes a third of the time.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {"sample_rate": 16_000}) for name in ARCHITECTURES} | {
    name: ("unet", PRESETS[name] | NARROW) for name in PRESETS if "medium" not in name
}
RECIPE = {"steps": 1, "n_frames": 48, "factors": [0.5, 1.0]}
SONGS = (("pool", "target", 2), ("replay", "source", 1), ("validation", "source", 1), ("gate", "target", 1), ("test", "target", 1))
SECONDS = 4.0
ALWAYS = {"level", "share", "rests", "periodic", "mix"}


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for number, (use, domain, n) in enumerate(SONGS):
        (folder / use).mkdir()
        first = 930_000 + 10 * number
        synth.write_songs(folder / use, domain, range(first, first + n), SECONDS)  # type: ignore[arg-type]
    return folder


@pytest.fixture(autouse=True)
def any_song_may_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """What networks leak that were never trained is chance; people are asked all the same."""
    for least in ("LEAKS", "UNSURE"):
        monkeypatch.setattr(pool, least, 0.0)


@pytest.fixture
def campaign(songs: Path) -> Campaign:
    rules: dict[str, Any] = {"min_overlap": 1, "max_overlap": 1, "clips_per_round": 2, "random_share": 0.0, "gold_share": 0.3}
    campaign = worlds.campaign("c", recipe=RECIPE, **rules)
    for use, domain, _ in SONGS:
        assert not ingest(campaign=campaign, folder=songs / use, use=use, domain=domain).bad
    return campaign


def saved(separator: Separator, folder: Path) -> Path:
    return checkpoint.save(separator, folder, recipe={}, parent=None).path


def claimed(kind: str) -> Job:
    job = Job.claim(Job.objects.get(kind=kind, state=Job.State.QUEUED).pk)
    assert job
    return job


def turned(campaign: Campaign) -> Adaptation:
    """The campaign's next round from its clips to its verdict and the comparison, one listener marking the middle of each clip."""
    round_ = services.start_round(campaign=campaign)
    assert round_
    scoring.score_pool(claimed("score"))
    worlds.answer_all(campaign.memberships.first() or worlds.member(campaign), (1.0, 2.5))
    adaptation = services.freeze_feedback(round_=Round.objects.get(pk=round_.pk))
    assert adaptation
    adapting.run_adaptation(claimed("adapt"))
    adapting.run_baseline(claimed("baseline"))
    adaptation.refresh_from_db()
    return adaptation


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_round_turns_with_every_separator(name: str, campaign: Campaign, tmp_path: Path) -> None:
    architecture, settings = MODELS[name]
    separator = tiny(architecture, **settings)
    services.share_file(campaign=campaign, file=saved(separator, tmp_path))
    adaptation = turned(campaign)
    assert adaptation.verdict in ("promoted", "refused") and adaptation.reasons
    assert adaptation.child and adaptation.replay_only
    child = checkpoint.about(local(adaptation.child.file))
    assert (child.architecture, child.sample_rate, child.channels) == (architecture, separator.sample_rate, separator.channels)
    assert Estimate.objects.filter(checkpoint=adaptation.parent.hash).count() == 2
    of_child = Evaluation.objects.filter(checkpoint=adaptation.child, subject="checkpoint", metric="song_sdr")
    assert [one.value is not None for one in of_child] == [True]
    judged = {one.kind: one for one in JudgedSong.objects.filter(adaptation=adaptation)}
    assert set(judged) == {"gate", "test"}, "also of a refused child"
    for one in judged.values():
        assert all("false_positives_at_parent_level" in one.figures[subject] for subject in ("parent", "child", "replay only"))
        assert (one.start, one.end) == (0.0, SECONDS)
        kept = soundfile.info(local(one.file))
        assert (kept.channels % 2, kept.samplerate) == (0, separator.sample_rate)
    assert adaptation.advice and set(adaptation.rests_on) <= set(adaptation.reasons)
    assert all(score.uncertainty is not None for score in Score.objects.all())
    names = {"unet": {"spread", "entropy"}, "spleeter": {"spread", "entropy", "nets"}}.get(architecture, {"change"})
    assert Signals.objects.count() == 2
    for signals in Signals.objects.all():
        columns = load(local(signals.file)).columns
        assert {name for name, column in columns.items() if not np.isnan(column).any()} == ALWAYS | names


def of_mixes(folder: Path, **n_songs: int) -> Campaign:
    """A campaign of which nobody has any stem, with so many songs for each use, and a small Spleeter."""
    rules: dict[str, Any] = {"min_overlap": 1, "max_overlap": 1, "clips_per_round": 4, "random_share": 0.5}
    campaign, first = worlds.campaign("c", recipe=RECIPE, **rules), 940_000
    for use, n in n_songs.items():
        synth.write_songs(folder / use, "target", range(first, first + n), SECONDS)
        first += n
        for stem in ("vocals", "accompaniment"):
            for file in (folder / use).rglob(f"{stem}.*"):
                file.unlink()
        assert not ingest(campaign=campaign, folder=folder / use, use=use, domain="target").bad
    services.share_file(campaign=campaign, file=saved(tiny("spleeter", sample_rate=16_000), folder))
    return campaign


def test_a_round_turns_without_any_stems(tmp_path: Path) -> None:
    """Mixes alone: the base replays its own outputs, and the gate goes by clips whose marks were kept apart."""
    campaign = of_mixes(tmp_path, pool=4, replay=2, validation=2)
    adaptation = turned(campaign)
    assert adaptation.child and adaptation.verdict in ("promoted", "refused"), adaptation.reasons
    assert adaptation.report["chosen"]["past_db"] is not None, "two mixes, remixed, say what the past loses"
    assert Task.objects.filter(kept_apart=True).exists()
    for clip in JudgedSong.objects.filter(adaptation=adaptation):
        assert clip.is_clip and clip.marks and set(clip.figures) == {"parent", "child", "replay only"}
        assert clip.change("leak_dbfs") is not None
    assert JudgedSong.objects.filter(adaptation=adaptation).exists()


def test_two_rounds_turn_on_a_pool_of_mixes_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Songs of the pool in which nobody marked anything stand for the past; those kept apart for the gate stay apart."""
    campaign = of_mixes(tmp_path, pool=12)
    past: list[tuple[set[str], set[str]]] = []
    adapt = adapting.adapt.adapt

    def seen(parent: Path, feedback: Any, replay: Any, validation: Any, **how: Any) -> Any:
        past.append(({song.name for song in replay}, {song.name for song in validation}))
        return adapt(parent, feedback, replay, validation, **how)

    monkeypatch.setattr(adapting.adapt, "adapt", seen)
    first, second = turned(campaign), turned(campaign)
    apart = set(campaign.tracks.filter(kept_apart=True).values_list("name", flat=True))
    marked = set(FeedbackItem.objects.filter(feedback_set=first.feedback_set).values_list("clip__track__name", flat=True))
    replay, validation = past[0]
    assert (len(apart), len(validation)) == (3, 2) and len(replay) >= 2 and not replay & validation
    assert not (replay | validation) & (marked | apart)
    assert first.report["chosen"]["past_db"] is not None
    assert "For want of source gate songs" in " ".join(first.reasons), "two more songs that nobody marked are remixed for the gate"
    assert second.child and "what the child forgot is not known" in " ".join(second.reasons), "too few are left for that"
    replay, validation = past[-1]
    assert replay and not validation


# ---------------------------------------------------------------- what is unfit is found before it is shared


def edited(file: Path, folder: Path, about: dict[str, Any] | None = None, **tensors: torch.Tensor) -> Path:
    """A checkpoint's file with another header, or other weights."""
    from safetensors import safe_open

    with safe_open(file, framework="pt") as source:
        said = json.loads(source.metadata()[checkpoint.ENTRY])
    path = folder / "edited.safetensors"
    save_file(load_file(file) | tensors, path, metadata={checkpoint.ENTRY: json.dumps(said | (about or {}))})
    return path


def refused(campaign: Campaign, file: Path, reason: str) -> None:
    """Both ways in refuse it with the reason, and no row tells of it."""
    events = Event.objects.count()
    with pytest.raises((UnfitCheckpoint, checkpoint.BadCheckpoint), match=reason):
        services.share_file(campaign=campaign, file=file)
    with pytest.raises(CommandError, match=reason):
        call_command("share", campaign.slug, "--base", str(file))
    assert not Checkpoint.objects.exists() and not SharedModel.objects.exists()
    assert Event.objects.count() == events


def test_a_checkpoint_of_another_stem_is_refused(campaign: Campaign, tmp_path: Path) -> None:
    refused(campaign, saved(tiny("hdemucs", stem="drums"), tmp_path), "extracts drums; the campaign listens to vocals")


def test_a_row_of_another_stem_is_refused_too(campaign: Campaign) -> None:
    row = worlds.checkpoint("d", stem="drums")
    with pytest.raises(UnfitCheckpoint, match="extracts drums"):
        services.share(campaign=campaign, checkpoint=row)


@pytest.mark.parametrize(("name", "said", "true"), [("sample_rate", 44_100, 16_000), ("channels", 2, 1), ("stem", "drums", "vocals")])
def test_a_header_that_differs_from_its_model_is_refused(campaign: Campaign, tmp_path: Path, name: str, said: Any, true: Any) -> None:
    file = edited(saved(tiny("unet"), tmp_path), tmp_path, {name: said})
    refused(campaign, file, f"its header says that {name} is {said!r}, its config makes it {true!r}")


def test_a_model_that_gives_no_numbers_is_refused_at_the_rate_of_the_songs(campaign: Campaign, tmp_path: Path) -> None:
    file = saved(tiny("unet"), tmp_path)
    endless = {name: torch.full_like(value, 1e38) for name, value in load_file(file).items() if "conv.weight" in name}
    refused(campaign, edited(file, tmp_path, None, **endless), r"1 channels at 16000 Hz.*NaN or infinity")


def test_a_network_that_trips_is_refused_with_what_it_said(campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tiny("openunmix"), tmp_path)

    def trip(self: Separator, mixture: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("sizes of tensors must match")

    monkeypatch.setattr(type(checkpoint.load(file)), "forward", trip)
    refused(campaign, file, "RuntimeError: sizes of tensors must match")


def test_a_model_whose_extra_is_missing_says_what_to_install(campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tiny("unet"), tmp_path)
    config = {"sample_rate": 16_000, "channels": 1, "stem": "vocals"}
    monkeypatch.setitem(sys.modules, "openunmix.model", None)
    with pytest.raises(CommandError, match=re.escape("pip install 'unbleed[openunmix]'")):
        call_command("share", campaign.slug, "--base", str(edited(file, tmp_path, {"architecture": "openunmix", "config": config})))


def test_a_second_checkpoint_is_not_even_tried(campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = services.share_file(campaign=campaign, file=saved(tiny("unet"), tmp_path))
    monkeypatch.setattr("learner.readiness.try_checkpoint", None)
    with pytest.raises(CommandError, match=f"'c' has a checkpoint already: {row}"):
        call_command("share", "c")


def test_sharing_says_what_a_lower_rate_leaves_out(campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign.tracks.filter(use="pool").update(sample_rate=44_100)
    call_command("share", "c", "--base", str(saved(tiny("unet"), tmp_path)))
    said = capsys.readouterr().out
    assert "of 2 songs with a higher rate nothing above 8000 Hz" in said


# ---------------------------------------------------------------- a campaign on another stem


def test_a_campaign_on_the_accompaniment_learns_and_measures_that(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Campaign.objects.update(stem="accompaniment")
    campaign.refresh_from_db()
    taught: list[Any] = []
    adapt = adapting.adapt.adapt

    def seen(parent: Path, feedback: Any, replay: Any, validation: Any, **how: Any) -> Any:
        taught.extend([*replay, *validation])
        return adapt(parent, feedback, replay, validation, **how)

    monkeypatch.setattr(adapting.adapt, "adapt", seen)
    services.share_file(campaign=campaign, file=saved(tiny("unet", stem="accompaniment"), tmp_path))
    assert turned(campaign).child
    known = [*campaign.tracks.filter(use="replay"), *campaign.tracks.filter(use="validation")]
    assert len(taught) >= 2
    for track, song in zip(known, taught, strict=False):
        assert np.array_equal(song.vocals, sound_of(track, "accompaniment", 16_000).samples)
        assert np.array_equal(song.accompaniment, sound_of(track, "vocals", 16_000).samples)
    test = campaign.tracks.get(use="test")
    assert np.array_equal(measuring.reference(test, 16_000).vocals, sound_of(test, "accompaniment", 16_000).samples)
