"""One adaptation, on seconds of generated audio and a model of a few hundred weights."""

import gc
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from learner.core import checkpoint
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import build
from learner.core.separators.unet import UNetSeparator
from learner.core.songs import Song
from learner.core.songs.streaming import OnDemand
from learner.core.songs.synth import make_song
from learner.core.teaching.adapt import BadRecipe, Diverged, MarkedSong, NoMarks, NoReplay, Recipe, adapt
from learner.core.teaching.child import voice_kept
from learner.core.teaching.continual import copy_weights, distance, interpolate
from learner.core.teaching.material import gather
from learner.core.teaching.progress import Progress
from learner.core.teaching.recipe import Algorithm
from learner.core.teaching.train import train
from learner.core.teaching.trainer import Trainer
from tests.present import present

TINY = Recipe(
    steps=6,
    n_frames=16,
    new_patches=2,
    replay_patches=2,
    keep_every=2,
    factors=(0.5, 1.0),
    half_way=0.0,
    voice_kept_db=-60,
    past_lost_db=60,
)


@pytest.fixture(scope="module")
def source() -> list[Song]:
    return [make_song(seed, "source", 6.0) for seed in range(3)]


@pytest.fixture(scope="module")
def parent(source: list[Song], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    return train(source, out=folder, seed=1, steps=30, batch=4, n_frames=16, config={"widths": [4, 4, 4]}).path


@pytest.fixture(scope="module")
def marked() -> list[MarkedSong]:
    song = make_song(1, "target", 8.0)
    return [MarkedSong(song.name, song.sample_rate, song.mixture, [(0.2, 2.0, 0.9)], [(0.0, 6.0)])]


class Killed(Exception):
    """Stands for the process's end."""


def kill_at(step: int) -> Callable[[Progress], None]:
    def progress(now: Progress) -> None:
        if now.step >= step:
            raise Killed

    return progress


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


def test_where_the_past_has_lost_enough_the_child_is_refused(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path)
    spent = replace(TINY, all_lost_db=-1.0)
    held = adapt(child.path, marked, source, source[:1], recipe=spent, seed=6, out=tmp_path, base=parent)
    assert "since the base by" in held.refused_because


def test_a_first_checkpoint_of_another_build_is_refused(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    other = checkpoint.save(build("unet", {"widths": [8, 16]}).eval(), tmp_path, recipe={}, parent=None)
    with pytest.raises(BadCheckpoint, match="not of the build"):
        adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path, base=other.path)


def test_earlier_points_are_weighed_where_no_later_one_keeps_voice_and_past(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=replace(TINY, voice_kept_db=60), seed=5, out=tmp_path)
    assert {c["step"] for c in child.report["candidates"]} == {2, 4, 6}


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


def test_a_run_killed_and_resumed_gives_the_same_hash(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, state = replace(TINY, steps=10), tmp_path / "state"
    whole = adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path)
    with pytest.raises(Killed):
        adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path, state=state, progress=kill_at(5))
    assert state.exists()
    learnt = []
    learn = Trainer.learn

    def noted(trainer: Trainer, step: int) -> float:
        learnt.append(step)
        return learn(trainer, step)

    monkeypatch.setattr(Trainer, "learn", noted)
    resumed = adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path, state=state)
    assert learnt == [5, 6, 7, 8, 9, 10], "what was kept after step 4 is not learnt again"
    assert resumed.hash == whole.hash
    assert not state.exists()


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_state_that_cannot_be_read_means_beginning_again(
    content: bytes, parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.write_bytes(content)
    resumed = adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path, state=state)
    assert resumed.hash == adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path).hash


def test_a_state_of_another_run_is_not_resumed(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(Killed):
        adapt(parent, marked, source, [], recipe=TINY, seed=6, out=tmp_path, state=state, progress=kill_at(5))
    resumed = adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path, state=state)
    assert resumed.hash == adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path).hash


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


def test_zero_vocal_targets_alone_collapse_and_the_guard_says_so(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    reckless = Recipe(
        algorithm="zero-vocal-targets", steps=40, rate=0.05, n_frames=16, new_patches=2, replay_patches=0, keep_accepted=0, factors=(1.0,)
    )
    child = adapt(parent, marked, source, source, recipe=reckless, seed=5, out=tmp_path)
    assert "accepted voice changes by -" in child.refused_because


def test_marks_on_true_voice_give_a_child_that_the_guard_refuses(parent: Path, source: list[Song], tmp_path: Path) -> None:
    sung = MarkedSong("sung", source[1].sample_rate, source[1].mixture, [(0.0, 6.0, 1.0)], [(0.0, 6.0)])
    recipe = replace(TINY, algorithm="zero-vocal-targets", steps=40, rate=0.05, keep_past=0.0, past_lost_db=0.2)
    child = adapt(parent, [sung], source, source, recipe=recipe, seed=5, out=tmp_path)
    assert "the validation songs by -" in child.refused_because


def test_where_everything_is_marked_nothing_shows_that_voices_stay(parent: Path, source: list[Song], tmp_path: Path) -> None:
    spam = MarkedSong("spam", source[1].sample_rate, source[1].mixture, [(0.0, 6.0, 1.0)], [(0.0, 6.0)])
    child = adapt(parent, [spam], source, [], recipe=TINY, seed=5, out=tmp_path)
    assert "100% of what people heard is marked" in child.refused_because


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


def test_interpolation_goes_from_parent_to_child() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parent, child = (copy_weights(UNetSeparator(widths=(2, 2, 2))) for _ in range(2))
    name = "net.last.weight"
    assert torch.equal(interpolate(parent, child, 0.0)[name], parent[name])
    assert torch.equal(interpolate(parent, child, 1.0)[name], child[name])
    assert torch.allclose(interpolate(parent, child, 0.5)[name], (parent[name] + child[name]) / 2)


def test_training_is_the_same_for_the_same_seed(source: list[Song], tmp_path: Path) -> None:
    hashes = {train(source, out=tmp_path, seed=2, steps=3, batch=2, n_frames=16, config={"widths": [2, 2]}).hash for _ in range(2)}
    assert len(hashes) == 1


def test_what_is_missing_can_count_more_than_what_is_too_much() -> None:
    target, weight, plain, strict = torch.ones(1, 1, 1, 2), torch.ones(1, 2), torch.ones(1), torch.full((1,), 3.0)
    missing, too_much = torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[1.5, 1.0]]]])
    assert float(distance(missing, target, weight, plain)) == float(distance(too_much, target, weight, plain)) == 0.5
    assert float(distance(missing, target, weight, strict)) == 1.5
    assert float(distance(too_much, target, weight, strict)) == 0.5


def test_frames_of_weight_zero_cost_nothing() -> None:
    assert float(distance(torch.ones(1, 1, 4, 2), torch.zeros(1, 1, 4, 2), torch.tensor([[0.0, 0.5]]), torch.ones(1))) == 0.5


def test_bleed_that_nobody_marked_is_no_lost_voice() -> None:
    powers = torch.ones(20)
    assert voice_kept(powers * 0.5, powers) == pytest.approx(-6.02, abs=0.01)
    without_some_bleed = powers.clone()
    without_some_bleed[:3] = 0.0
    assert voice_kept(without_some_bleed, powers) == pytest.approx(0.0, abs=0.01)


def test_few_marks_go_less_far_from_the_parent(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    reach = {}
    for half_way in (0.0, 2.0, 200.0):
        child = adapt(parent, marked, source, [], recipe=replace(TINY, half_way=half_way), seed=5, out=tmp_path)
        reach[half_way] = max(candidate["factor"] for candidate in child.report["candidates"])
    assert reach[0.0] == 1.0
    assert 0.3 < reach[2.0] < 0.5  # one stretch of 1.8 s, its margins off, by nine tenths sure
    assert reach[200.0] < 0.01
    child = adapt(parent, marked, source, [], recipe=replace(TINY, half_way=2.0, strength=0.5), seed=5, out=tmp_path)
    assert max(candidate["factor"] for candidate in child.report["candidates"]) == pytest.approx(reach[2.0] / 2)


def test_replay_alone_goes_all_the_way(parent: Path, source: list[Song], tmp_path: Path) -> None:
    child = adapt(parent, [], source, source[:1], recipe=replace(TINY, half_way=200.0), seed=5, out=tmp_path)
    assert max(candidate["factor"] for candidate in child.report["candidates"]) == 1.0


def test_marks_that_cannot_be_learnt_away_are_no_bleed(parent: Path, source: list[Song], tmp_path: Path) -> None:
    """Half of what is marked is voice that replay keeps alive."""
    sung = MarkedSong("sung", source[1].sample_rate, source[1].mixture, [(0.0, 3.0, 1.0)], [(0.0, 6.0)])
    child = adapt(parent, [sung], source, source[:1], recipe=TINY, seed=5, out=tmp_path)
    assert "too many of the marks are no bleed" in child.refused_because
    unasked = replace(TINY, marks_fall_db=0)
    assert adapt(parent, [sung], source, source[:1], recipe=unasked, seed=5, out=tmp_path).refused_because == ""
