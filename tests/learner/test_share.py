"""A model file at the door of a campaign."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from annotation.models import Campaign
from learner.core import checkpoint
from learner.core.teaching.train import BASE
from learner.models import Checkpoint, SharedModel

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "value"),
    [("sample_rate", 10**9), ("sample_rate", "44100"), ("channels", 700), ("stem", "v" * 1000), ("recipe", {"a": "\0"}), ("seed", 2**70)],
)
def test_an_absurd_header_is_refused_with_the_field_and_nothing_is_kept(tmp_path: Path, field: str, value: object) -> None:
    Campaign.objects.create(name="C", slug="c")
    with safe_open(BASE, framework="pt") as file:
        header = json.loads(file.metadata()[checkpoint.ENTRY]) | {field: value}
    save_file(load_file(BASE), tmp_path / "odd.safetensors", metadata={checkpoint.ENTRY: json.dumps(header)})
    with pytest.raises(CommandError, match="the header holds NUL" if field == "recipe" else f"{field} is "):
        call_command("share", "c", str(tmp_path / "odd.safetensors"))
    assert not Checkpoint.objects.exists()
    assert not SharedModel.objects.exists()


def test_a_pointer_in_place_of_the_file_is_told_for_what_it_is(tmp_path: Path) -> None:
    Campaign.objects.create(name="C", slug="c")
    (tmp_path / "base.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(CommandError, match="Git LFS pointer"):
        call_command("share", "c", str(tmp_path / "base.safetensors"))


def test_a_campaign_without_songs_to_replay_is_told_before_a_round_is_opened() -> None:
    Campaign.objects.create(name="C", slug="c")
    with pytest.raises(CommandError, match="ingest c FOLDER --use replay"):
        call_command("share", "c")
    assert not SharedModel.objects.exists()
