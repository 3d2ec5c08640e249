"""A model file that comes into a campaign."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from annotation.files.storage import local
from annotation.models import Campaign, Stem, Track
from learner.core import checkpoint
from learner.core.bases import NotFetched
from learner.core.teaching.train import BASE
from learner.models import Checkpoint, ChosenBase, SharedModel
from tests import worlds
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "value"),
    [("sample_rate", 10**9), ("sample_rate", "44100"), ("channels", 700), ("stem", "v" * 1000), ("recipe", {"a": "\0"}), ("seed", 2**70)],
)
def test_an_absurd_header_is_refused_with_the_field_and_nothing_is_kept(tmp_path: Path, field: str, value: object) -> None:
    worlds.campaign("c")
    with safe_open(BASE, framework="pt") as file:
        header = json.loads(file.metadata()[checkpoint.ENTRY]) | {field: value}
    save_file(load_file(BASE), tmp_path / "odd.safetensors", metadata={checkpoint.ENTRY: json.dumps(header)})
    with pytest.raises(CommandError, match="the header holds NUL" if field == "recipe" else f"{field} is "):
        call_command("share", "c", "--base", str(tmp_path / "odd.safetensors"))
    assert not Checkpoint.objects.exists()
    assert not SharedModel.objects.exists()


def test_a_pointer_in_place_of_the_file_is_told_for_what_it_is(tmp_path: Path) -> None:
    worlds.campaign("c")
    (tmp_path / "base.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(CommandError, match="Git LFS pointer"):
        call_command("share", "c", "--base", str(tmp_path / "base.safetensors"))


def test_a_campaign_without_songs_to_replay_is_told_before_a_round_is_opened() -> None:
    worlds.campaign("c")
    with pytest.raises(CommandError, match="ingest c FOLDER --use replay"):
        call_command("share", "c")
    assert not SharedModel.objects.exists()


# ---------------------------------------------------------------- a base for real songs


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of bases that were asked for; each comes as a small network of Spleeter's kind."""
    asked: list[str] = []

    def fetch(name: str, out: Path, *, progress: Any) -> Path:
        asked.append(name)
        assert out == settings.HOME / "bases"
        progress(1, 73, "downloading")
        return checkpoint.save(tiny("spleeter"), tmp_path, recipe={}, parent=None).path

    monkeypatch.setattr("learner.core.bases.fetch", fetch)
    return asked


def campaign_with(rate: int) -> Campaign:
    campaign = Campaign.objects.create(name="C", slug="c")
    for use in ("pool", "replay"):
        track = Track.objects.create(
            campaign=campaign, name=use, fingerprint=use, use=use, domain="target", duration=30, sample_rate=rate, channels=2
        )
        for stem in ("mixture", "vocals"):
            Stem.objects.create(track=track, name=stem, file="x")
    return campaign


def test_a_campaign_of_real_songs_begins_with_a_base_that_knows_them(fetched: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    campaign_with(44_100)
    call_command("share", "c")
    assert fetched == ["spleeter-22k"]
    assert SharedModel.objects.get().current.sample_rate == 44_100
    assert "begins with the base spleeter-22k" in capsys.readouterr().out
    job = ChosenBase.objects.get(campaign__slug="c", name="spleeter-22k").job
    assert (job.state, job.total) == ("done", 73), "which the campaign's page shows while it comes"


def test_a_campaign_of_generated_songs_begins_with_the_shipped_one(fetched: list[str]) -> None:
    campaign_with(16_000)
    call_command("share", "c")
    assert fetched == []
    assert SharedModel.objects.get().current.sample_rate == 16_000


@pytest.mark.parametrize(("name", "rate"), [("shipped", 16_000), ("spleeter", 44_100)])
def test_a_base_may_be_named(fetched: list[str], name: str, rate: int) -> None:
    campaign_with(44_100)
    call_command("share", "c", "--base", name)
    assert fetched == ([] if name == "shipped" else [name])
    assert SharedModel.objects.get().current.sample_rate == rate


def test_a_campaign_that_has_a_checkpoint_fetches_nothing(fetched: list[str]) -> None:
    campaign_with(44_100)
    call_command("share", "c")
    with pytest.raises(CommandError, match="'c' has a checkpoint already"):
        call_command("share", "c")
    assert len(fetched) == 1


def test_a_base_that_cannot_be_brought_is_said_and_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, out: Path, *, progress: Any) -> Path:
        raise NotFetched(f"No network. Run: python -m learner.core fetch {name} --from FILE --out {out}")

    monkeypatch.setattr("learner.core.bases.fetch", fetch)
    campaign_with(44_100)
    with pytest.raises(CommandError, match=r"fetch spleeter-22k --from FILE --out .*bases"):
        call_command("share", "c")
    assert not SharedModel.objects.exists()


def test_what_is_neither_a_base_nor_a_file_is_told_what_is_allowed() -> None:
    campaign_with(44_100)
    with pytest.raises(
        CommandError, match=r"better is no base and no file; allowed are shipped, spleeter-22k, .*, or the path of a checkpoint"
    ):
        call_command("share", "c", "--base", "better")


def test_a_campaign_on_the_accompaniment_begins_with_spleeters_other_network(fetched: list[str], tmp_path: Path) -> None:
    campaign_with(44_100)
    Campaign.objects.update(stem="accompaniment")
    Stem.objects.filter(name="vocals").update(name="accompaniment")
    call_command("share", "c")
    shared = SharedModel.objects.get().current
    assert (fetched, shared.stem) == (["spleeter-22k"], "accompaniment")
    (voice,) = {*tmp_path.glob("*.safetensors")} - {*tmp_path.glob("*-accompaniment.safetensors")}
    weights, same = load_file(voice), load_file(local(shared.file))
    assert weights.keys() == same.keys() and all((weights[name].half() == same[name]).all() for name in weights)


def test_a_base_that_cannot_extract_the_stem_is_not_fetched(fetched: list[str]) -> None:
    campaign_with(44_100)
    Campaign.objects.update(stem="drums")
    with pytest.raises(CommandError, match="The base spleeter-22k extracts vocals; the campaign listens to drums"):
        call_command("share", "c")
    assert fetched == []
