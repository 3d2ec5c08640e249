"""A dataset release: what was frozen, without whoever may not be in it, the same bytes again. Real rows, real sound."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from annotation.models import Campaign, FirstVisit, Membership, Task
from annotation.services.first_visit import withdraw_consent
from annotation.services.reviews import edit_review
from learner import services
from learner.exports import folders, making
from learner.exports.names import code
from learner.models import Export
from tests import worlds

pytestmark = pytest.mark.django_db
RATE = 4000  # Hz


def sound(seed: int) -> bytes:
    return worlds.flac(np.random.default_rng(seed).uniform(-0.3, 0.3, 60 * RATE), RATE)


@pytest.fixture
def campaign(settings: Any, tmp_path: Path) -> Campaign:
    """Two songs, one with a licence; of each a clip that ann and bob answered, one of them decided by a reviewer; frozen."""
    settings.HOME = tmp_path
    model = worlds.checkpoint("c" * 8)
    campaign = worlds.with_model(worlds.campaign("bleed", min_overlap=2, max_overlap=2, certainty=0.0), model)
    for seed, (name, licence) in enumerate([("free", "CC-BY-4.0"), ("a|b", "")]):
        track = worlds.song(campaign, {"mixture": sound(seed)}, sound(seed + 5), name=name, licence=licence)
        track.estimates.update(checkpoint=model.hash)
    round_ = worlds.listening_round(campaign, 2)
    ann, bob, rita = (
        worlds.member(campaign, name, role) for name, role in (("ann", "annotator"), ("bob", "annotator"), ("rita", "reviewer"))
    )
    for task in campaign.tasks.order_by("pk"):
        worlds.answer(task, ann, (task.start + 1.0, task.start + 3.0))
        worlds.answer(task, bob, (task.start + 1.0, task.start + 2.5))
        worlds.agreed(task)
    last = campaign.tasks.latest("pk")
    Task.objects.filter(pk=last.pk).update(state=Task.State.IN_REVIEW, contested=True)
    edit_review(task=last, by=rita, result=worlds.marks(last, (last.start + 1.0, last.start + 2.0)), note="")
    assert services.freeze_feedback(round_=round_)
    return campaign


def written(campaign: Campaign, folder: Path, format: str = "dataset", **about: Any) -> Path:
    making.write(Export(campaign=campaign, format=format, **about), folder)
    return folder


def rows(folder: Path, name: str = "clips/train.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_each_clip_has_what_people_said_and_agreed_on_under_codes(campaign: Campaign, tmp_path: Path) -> None:
    folder = written(campaign, tmp_path / "out")
    first, second = rows(folder)
    ann = code(Membership.objects.get(pseudonym="ann").pk)
    start = first["clip_start"]
    assert (first["track"], first["licence"], first["decided_by"], second["decided_by"]) == ("free", "CC-BY-4.0", "people", "reviewer")
    assert [one["wrong"] for one in first["answers"] if one["person"] == ann] == [[{"start": start + 1, "end": start + 3, "tag": ""}]]
    assert first["answers"][0]["heard"] == [{"start": start, "end": start + 15}]
    (region,) = first["wrong"]
    assert start + 0.7 < region["start"] < region["end"] < start + 3.3 and 0.5 < region["probability"] <= 1
    (decision,) = rows(folder, "decisions.jsonl")
    assert decision["reviewer"] == code(Membership.objects.get(pseudonym="rita").pk) and decision["id"] == second["id"]
    whole = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert not [name for name in ("ann", "bob", "rita") if f'"{name}"' in whole]


def test_words_go_with_it(campaign: Campaign, tmp_path: Path) -> None:
    folder = written(campaign, tmp_path / "out")
    sheet = (folder / "DATASHEET.md").read_text()
    for said in (
        "2 clips of 2 songs, 0.5 minutes, with 4 answers of 2 people",
        "Splits: train: 2 clips",
        "Reviewers decided 1 time",
        "frame F1 0.86",
    ):
        assert said in sheet
    assert [line for line in sheet.splitlines() if line.startswith("## ")] == [
        f"## {title}"
        for title in (
            "Motivation", "Composition", "Collection process", "Preprocessing, cleaning, labelling", "Uses", "Distribution", "Maintenance",
        )
    ]  # fmt: skip
    assert "| a\\|b |  | not said" in (folder / "LICENCES.md").read_text()
    sums = {line.partition("  ")[2]: line.partition("  ")[0] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert sums["clips/train.jsonl"] == folders.digest(folder / "clips/train.jsonl") and "README.md" in sums


@pytest.mark.parametrize("format", Export.RELEASES)
def test_made_again_it_is_the_same_to_the_last_byte(campaign: Campaign, tmp_path: Path, format: str) -> None:
    made = [folders.packed(written(campaign, tmp_path / name, format, with_audio=True), tmp_path / f"{name}.zip") for name in "ab"]
    assert made[0].read_bytes() == made[1].read_bytes()


def test_sound_goes_along_where_a_song_has_a_licence(campaign: Campaign, tmp_path: Path) -> None:
    folder = written(campaign, tmp_path / "out", with_audio=True)
    (heard,) = rows(folder, "sound/train/metadata.jsonl")
    samples, rate = soundfile.read(folder / "sound/train" / heard["file_name"])
    mix, _ = soundfile.read(folder / "sound/train" / heard["mix"])
    assert (heard["track"], rate, len(samples), len(mix)) == ("free", RATE, 15 * RATE, 15 * RATE)
    assert not (written(campaign, tmp_path / "silent") / "sound").exists()


def test_a_shard_has_json_and_sound_of_one_key_and_no_time(campaign: Campaign, tmp_path: Path) -> None:
    folder = written(campaign, tmp_path / "out", "webdataset", with_audio=True)
    with tarfile.open(folder / "train-000000.tar") as shard:
        names = shard.getnames()
        key = names[0].partition(".")[0]
        assert names == [f"{key}.json", f"{key}.flac", f"{key}.mix.flac"] and (folder / "train-no-sound-000000.tar").exists()
        assert {(one.mtime, one.uid, one.uname) for one in shard.getmembers()} == {(0, 0, "")}
        file = shard.extractfile(names[0])
        assert file and json.load(io.TextIOWrapper(file))["id"] == key


def test_who_withdrew_and_what_rests_on_them_is_not_published(campaign: Campaign, tmp_path: Path) -> None:
    withdraw_consent(by=Membership.objects.get(pseudonym="bob"), with_answers=False)
    folder = written(campaign, tmp_path / "out")
    assert not (folder / "clips").exists()
    assert json.loads((folder / "snapshot.json").read_text())["left_out"] == 2
    assert "(2 clips of the snapshot)" in (folder / "DATASHEET.md").read_text()


def test_where_consent_is_asked_for_only_who_gave_it_is_published(campaign: Campaign, tmp_path: Path) -> None:
    Campaign.objects.update(onboarding=True)
    assert not (written(campaign, tmp_path / "none") / "clips").exists()
    for member in Membership.objects.all():
        FirstVisit.objects.update_or_create(membership=member, defaults={"consent": "given"})
    assert len(rows(written(campaign, tmp_path / "both"))) == 2
