"""The parts that a recipe may add, each by itself and together, on seconds of generated audio and a small model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from learner.core import checkpoint
from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching.adapt import MarkedSong, Recipe, adapt
from learner.core.teaching.continual import pull
from learner.core.teaching.material import Material, gather
from learner.core.teaching.memory import BadMemory
from learner.core.teaching.progress import Progress, Reporter
from learner.core.teaching.ranks import Ranks
from learner.core.teaching.replay import Patches
from learner.core.teaching.train import Course, train
from learner.core.teaching.trainer import Trainer
from tests.learner.core.teaching.tiny import Killed
from tests.present import present

SMALL = Recipe(
    steps=8,
    n_frames=16,
    new_patches=2,
    replay_patches=2,
    remixed=0.5,
    pitch_shift=3.0,
    keep_every=2,
    factors=(1.0,),
    rate=3e-3,
    in_decibels=0.0,
    half_way=0.0,
    voice_kept_db=-60,
    past_lost_db=60,
)
PARTS: dict[str, dict[str, Any]] = {
    "EWC": {"ewc": 1.0},
    "L2-SP": {"l2_sp": 1.0},
    "LoRA": {"lora_rank": 1},
    "LoRA, slowly": {"lora_rank": 1, "lora_times": 3.0},
    "reservoir": {"memory": "reservoir", "memory_megabytes": 0.5},
    "herding": {"memory": "herding", "memory_megabytes": 0.5},
    "diverse, stored outputs": {"memory": "diverse", "memory_megabytes": 0.5, "stored_outputs": 0.5, "remixed": 0.0},
    "bf16": {"bf16": True},
    "missing in the past": {"missing_past": 4.0},
    "all": {"ewc": 1.0, "l2_sp": 0.1, "lora_rank": 1, "memory": "diverse", "memory_megabytes": 0.5, "stored_outputs": 0.5, "bf16": True},
}


@pytest.fixture(scope="module")
def source() -> list[Song]:
    return [make_song(seed, "source", 4.0) for seed in range(2)]


@pytest.fixture(scope="module")
def parent(source: list[Song], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    return train(source, out=folder, seed=1, course=Course(steps=20, batch=4, n_frames=16), config={"widths": [8, 8, 8]}).path


@pytest.fixture(scope="module")
def marked() -> list[MarkedSong]:
    song = make_song(1, "target", 5.0)
    return [MarkedSong(song.name, song.sample_rate, song.mixture, [(0.2, 2.0, 0.9)], [(0.0, 5.0)])]


@pytest.fixture(scope="module")
def plain(parent: Path, source: list[Song], marked: list[MarkedSong], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapt(parent, marked, source, [], recipe=SMALL, seed=5, out=tmp_path_factory.mktemp("plain")).path


def change(parent: Path, child: Path) -> float:
    """How far the child's weights are from the parent's."""
    before, after = (checkpoint.load(path).state_dict() for path in (parent, child))
    return sum(float((after[name] - before[name]).square().sum()) for name in before if before[name].is_floating_point()) ** 0.5


def material(parent: Path, marked: list[MarkedSong], source: list[Song], recipe: Recipe) -> Material:
    return gather(marked, source, checkpoint.load(parent).requires_grad_(False), recipe, 5)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_gives_another_child_the_same_each_time_also_after_a_kill(
    part: str, parent: Path, plain: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    recipe, state = replace(SMALL, **PARTS[part]), tmp_path / "state"
    child = adapt(parent, marked, source, [], recipe=recipe, seed=5, out=tmp_path / "whole")
    assert {name: checkpoint.about(child.path).recipe[name] for name in PARTS[part]} == PARTS[part]

    def kill(now: Progress) -> None:
        if now.step == 5:
            raise Killed

    with pytest.raises(Killed):
        adapt(parent, marked, source, [], recipe=recipe, seed=5, out=tmp_path, state=state, progress=kill)
    assert state.exists()
    resumed = adapt(parent, marked, source, [], recipe=recipe, seed=5, out=tmp_path, state=state)
    assert resumed.hash == child.hash
    assert change(plain, child.path) > 0, "it is not without effect"


def test_what_is_missing_of_the_past_alone_counts_more(parent: Path, marked: list[MarkedSong], source: list[Song]) -> None:
    losses = []
    for missing_past in (0.0, 2.0, 4.0):
        recipe, teacher = replace(SMALL, missing=2.0, missing_past=missing_past), checkpoint.load(parent).requires_grad_(False)
        drawn, reporter = material(parent, marked, source, recipe), Reporter(recipe.steps, lambda _: None)
        trainer = Trainer(checkpoint.load(parent), teacher, None, drawn, recipe, 5, reporter=reporter, ranks=Ranks())
        trainer.student.get_parameter("net.last.bias").data -= 100.0  # it mutes all, and nothing is too much
        new, replayed = Patches.join(parts := drawn.patches(torch.Generator().manual_seed(0))), len(parts[-1])
        truth, keep = trainer._targets(new, replayed)
        losses.append([float(trainer._loss(new, truth, keep, n).detach()) for n in (0, replayed, len(new))])
    assert losses[0] == losses[1] and losses[0][0] == losses[0][1] == losses[0][2], "2 is what all patches have"
    none, past, every = losses[2]
    assert none == losses[0][0] < past < every == pytest.approx(2 * none)


@pytest.mark.parametrize("part", ["EWC", "L2-SP"])
def test_a_pull_keeps_what_matters_nearer_to_the_parent(
    part: str, parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    importance = None
    if part == "EWC":
        recipe, teacher = replace(SMALL, ewc=1.0), checkpoint.load(parent).requires_grad_(False)
        patches, reporter = material(parent, marked, source, recipe), Reporter(recipe.steps, lambda _: None)
        importance = Trainer(checkpoint.load(parent), teacher, None, patches, recipe, 5, reporter=reporter, ranks=Ranks()).importance
    before, ways = checkpoint.load(parent).state_dict(), []
    for strength in (0.0, 1.0, 30.0):
        settings: dict[str, Any] = dict.fromkeys(PARTS[part], strength)
        recipe = replace(SMALL, **settings)
        after = checkpoint.load(adapt(parent, marked, source, [], recipe=recipe, seed=5, out=tmp_path).path)
        ways.append(float(pull(dict(after.requires_grad_(False).named_parameters()), before, importance)))
    assert ways[0] > ways[1] > ways[2]


def test_with_adapters_the_statistics_of_norms_stay_the_parents(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    child = adapt(parent, marked, source, [], recipe=replace(SMALL, lora_rank=1), seed=5, out=tmp_path)
    before, after = (checkpoint.load(path).state_dict() for path in (parent, child.path))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and not any("running" in name or "batches" in name for name in changed)


def test_the_memory_lies_beside_the_child_and_goes_on(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    recipe = replace(SMALL, memory="reservoir", memory_megabytes=0.5)
    first = adapt(parent, marked, source[:1], [], recipe=recipe, seed=5, out=tmp_path)
    assert first.memory is not None and first.memory.stat().st_size <= 500_000
    second = adapt(first.path, marked, source[1:], [], recipe=recipe, seed=5, out=tmp_path, memory=first.memory)
    third = adapt(first.path, marked, [], [], recipe=recipe, seed=5, out=tmp_path, memory=first.memory)
    assert present(second.memory).read_bytes() != first.memory.read_bytes(), "the second song went by"
    assert present(third.memory).read_bytes() == first.memory.read_bytes(), "without songs the memory is what is replayed"
    with pytest.raises(BadMemory, match="kind"):
        adapt(first.path, marked, source, [], recipe=replace(recipe, memory="diverse"), seed=5, out=tmp_path, memory=first.memory)


def test_patience_ends_a_run_that_gets_no_better(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    strict = replace(SMALL, past_lost_db=-1.0, patience=2)  # not one point is good enough
    child = adapt(parent, marked, source, source[:1], recipe=strict, seed=5, out=tmp_path)
    assert child.report["steps"] == 4
    assert child.refused_because
    patient = adapt(parent, marked, source, source[:1], recipe=replace(strict, patience=9), seed=5, out=tmp_path)
    assert patient.report["steps"] == 8


def test_a_mark_too_doubtful_is_no_material(parent: Path, marked: list[MarkedSong], source: list[Song]) -> None:
    feedback = material(parent, marked, source, replace(SMALL, least_probability=0.95)).feedback
    assert feedback is not None and not feedback.material
    assert present(material(parent, marked, source, SMALL).feedback).material
