"""One adaptation, on seconds of generated audio and a model of a few hundred weights."""

import gc
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from learner.core import checkpoint
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import build
from learner.core.songs import Song
from learner.core.songs.streaming import OnDemand
from learner.core.teaching.adapt import BadRecipe, Diverged, MarkedSong, NoMarks, NoReplay, Recipe, adapt
from learner.core.teaching.material import gather
from learner.core.teaching.progress import Progress
from learner.core.teaching.recipe import Algorithm
from learner.core.teaching.trainer import Trainer
from tests.learner.core.teaching.tiny import TINY, Killed
from tests.present import present


def test_a_child_knows_its_parent_and_its_recipe(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path)
    assert child.memory is None
    about = checkpoint.about(child.path)
    assert about.parent == checkpoint.file_hash(parent)
    assert about.seed == 5
    assert about.recipe["algorithm"] == "mixed"
    assert child.report["chosen"] in child.report["candidates"]
    assert [(c["step"], c["factor"]) for c in child.report["candidates"]] == [(6, 0.5), (6, 1.0)]


def test_what_the_first_checkpoint_knew_is_kept(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path)
    plain = adapt(child.path, marked, source, source[:1], recipe=TINY, seed=6, out=tmp_path)
    assert math.isnan(plain.report["chosen"]["all_db"])
    held = [adapt(child.path, marked, source, source[:1], recipe=TINY, seed=6, out=tmp_path, base=parent) for _ in range(2)]
    assert held[0].hash == held[1].hash != plain.hash
    assert held[0].report["chosen"]["all_db"] <= 0
    itself = adapt(child.path, marked, source, source[:1], recipe=TINY, seed=6, out=tmp_path, base=child.path)
    assert itself.hash == plain.hash


def test_rounds_after_the_first_promoted_one_replay_more(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path).path
    replayed = []

    def draw(trainer: Trainer, step: int) -> float:
        replayed.append(len(trainer.material.patches(torch.Generator().manual_seed(step))[-1]))
        return 1.0

    monkeypatch.setattr(Trainer, "learn", draw)
    for first, times in ((child, 1), (parent, TINY.later_replay)):
        replayed.clear()
        adapt(child, marked, source, [], recipe=TINY, seed=5, out=tmp_path, base=first)
        assert replayed == [times * TINY.replay_patches] * TINY.steps


def test_a_first_checkpoint_of_another_build_is_refused(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    other = checkpoint.save(build("unet", {"widths": [8, 16]}).eval(), tmp_path, recipe={}, parent=None)
    with pytest.raises(BadCheckpoint, match="not of the build"):
        adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path, base=other.path)


@pytest.mark.parametrize("algorithm", ["zero-vocal-targets", "synthetic-tracks", "mixed"])
def test_the_same_feedback_and_seed_give_the_same_hash(
    algorithm: Algorithm, parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    recipe = replace(TINY, algorithm=algorithm)
    hashes = {adapt(parent, marked, source, [], recipe=recipe, seed=5, out=tmp_path / str(i)).hash for i in range(2)}
    assert len(hashes) == 1


@pytest.mark.parametrize("algorithm", ["zero-vocal-targets", "synthetic-tracks"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_papers_algorithms_run_and_give_the_last_step(
    algorithm: Algorithm, share: float, parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    recipe = replace(Recipe.paper(algorithm, share), steps=3, n_frames=16, new_patches=2)
    child = adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path)
    assert [(one["step"], one["factor"]) for one in child.report["candidates"]] == [(3, 1.0)]


def test_voices_of_songs_that_are_not_replayed_can_be_sung_over_marked_stretches(
    parent: Path, marked: list[MarkedSong], source: list[Song]
) -> None:
    recipe = replace(TINY, replay_share=0.3, all_voices=True)
    material = gather(marked, source, checkpoint.load(parent), recipe, 5)
    assert (len(present(material.replay).songs), len(present(material.voices).songs)) == (1, 3)


def test_another_seed_gives_another_child(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    assert len({adapt(parent, marked, source, [], recipe=TINY, seed=seed, out=tmp_path).hash for seed in (1, 2)}) == 2


def tensors() -> dict[int, torch.Tensor]:
    return {id(one): one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)}


@pytest.mark.parametrize(
    "settings", [{}, {"patience": 1}, {"ewc": 1.0}, {"memory": "reservoir"}, {"algorithm": "zero-vocal-targets"}], ids=str
)
def test_nothing_of_a_run_outlives_it_though_nobody_collects(
    settings: dict[str, Any], parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path).path
    gc.collect()
    gc.disable()
    try:
        before = tensors()
        adapt(child, marked, source, source[:1], recipe=replace(TINY, **settings), seed=5, out=tmp_path, base=parent)
        left = [one.shape for number, one in tensors().items() if number not in before]
    finally:
        gc.enable()
    assert left == []


def test_sound_and_spectra_over_the_room_in_memory_lie_on_disk_and_change_nothing(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    held, spilled = (adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path, in_memory=n) for n in (10**9, 0))
    assert (held.hash, held.report) == (spilled.hash, spilled.report)
    assert [file.suffix for file in tmp_path.iterdir()] == [".safetensors"]


def test_what_a_run_holds_does_not_grow_with_the_songs_that_were_marked(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    """Counted at the last word of the run; a song's sound and spectra are more than 1 MB."""

    def held(n_songs: int, in_memory: int) -> int:
        found: list[int] = []

        def progress(now: Progress) -> None:
            if now.doing.startswith("saving"):
                storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors().values()}
                found.append(sum(storages.values()))

        songs = OnDemand(n_songs, lambda number: replace(marked[0], mixture=marked[0].mixture * (1 + number / 10)))
        adapt(parent, songs, source, [], recipe=TINY, seed=5, out=tmp_path, in_memory=in_memory, progress=progress)
        return found[-1]

    assert held(7, 10**9) - held(2, 10**9) > 5_000_000
    assert held(7, 2_000_000) - held(2, 2_000_000) < 500_000


def test_progress_tells_step_total_and_loss(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    told: list[Progress] = []
    adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path, progress=told.append)
    learning = [p for p in told if not p.doing]
    assert [(p.step, p.total) for p in learning] == [(step, 6) for step in range(1, 7)]
    assert all(p.loss > 0 and p.eta >= 0 for p in learning)


def test_progress_is_told_for_every_song_that_is_weighed_too(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    told: list[str] = []
    adapt(parent, marked, source, source[:2], recipe=TINY, seed=5, out=tmp_path, progress=lambda now: told.append(now.doing))
    assert f"hearing {marked[0].song_name}" in told
    assert told.count("weighing step 6 at factor 0.5") == 3, "one marked song and two for validation"


@pytest.mark.parametrize("doing", ["hearing", "weighing the parent", "weighing step 6 at factor 1", "saving"])
def test_what_progress_raises_stops_the_run_wherever_it_is(
    doing: str, parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    def progress(now: Progress) -> None:
        if now.doing.startswith(doing):
            raise Killed

    with pytest.raises(Killed):
        adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path, progress=progress)
    assert not list(tmp_path.iterdir()), "no child is written"


def test_batch_norm_statistics_stay_those_of_the_parent(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    child = adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path)
    before, after = (checkpoint.load(path).state_dict() for path in (parent, child.path))
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert all(torch.equal(before[name], after[name]) for name in before if "running" in name or "num_batches" in name)


def test_without_feedback_the_same_steps_go_to_replay(parent: Path, source: list[Song], tmp_path: Path) -> None:
    told: list[Progress] = []
    child = adapt(parent, [], source, source[:1], recipe=TINY, seed=5, out=tmp_path, progress=told.append)
    assert told[-1].step == TINY.steps
    assert child.hash != checkpoint.file_hash(parent)


def test_feedback_in_which_nothing_is_marked_is_refused(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    with pytest.raises(NoMarks):
        adapt(parent, [replace(marked[0], marks=[])], source, [], recipe=TINY, seed=5, out=tmp_path)


def test_a_recipe_that_needs_replay_is_refused_without_songs(parent: Path, marked: list[MarkedSong], tmp_path: Path) -> None:
    with pytest.raises(NoReplay):
        adapt(parent, marked, [], [], recipe=TINY, seed=5, out=tmp_path)


def test_a_loss_that_is_no_number_stops_the_run(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    broken = MarkedSong("broken", 16_000, marked[0].mixture * float("nan"), marked[0].marks, marked[0].heard)
    with pytest.raises(Diverged, match="step 1"):
        adapt(parent, [broken], source, [], recipe=TINY, seed=5, out=tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "magic"},
        {"replay_share": 1.5},
        {"steps": 0},
        {"rate": 0.0},
        {"lora_times": 0.0},
        {"factors": (0.0,)},
        {"replay_patches": -1},
        {"memory": "elephant"},
        {"stored_outputs": 1.0},
        {"ewc": 1.0, "replay_patches": 0},
        {"lora_rank": 64},
        {"least_probability": 2.0},
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(
    change: dict[str, Any], parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    with pytest.raises(BadRecipe, match=next(iter(change))):
        adapt(parent, marked, source, [], recipe=replace(TINY, **change), seed=5, out=tmp_path)
