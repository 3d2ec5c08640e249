"""What a replay memory keeps under its budget, and that it can stand in for the songs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import songs
from learner.core.separators.unet import UNetSeparator
from learner.core.songs import Song
from learner.core.songs.streaming import stream
from learner.core.songs.synth import write_songs
from learner.core.teaching import memory as module
from learner.core.teaching.memory import BadMemory, Memory, herd, spread
from learner.core.teaching.replay import NoReplay, Patches
from tests.present import present

N_FRAMES = 8
N_SAMPLES = 7 * 512
PATCH = 4 * N_SAMPLES + 2 * 513 * N_FRAMES + 4  # bytes: two stems in 16 bits, magnitudes in 16 bits, a scale
KINDS = ["reservoir", "herding", "diverse"]


@pytest.fixture(scope="module")
def separator() -> UNetSeparator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UNetSeparator(widths=(2, 2)).eval()


def song(seed: int, n_patches: int = 6) -> Song:
    stems = 0.1 * np.random.default_rng(seed).standard_normal((2, 1, n_patches * N_SAMPLES)).astype(np.float32)
    return Song(f"song {seed}", 16_000, stems.sum(0), stems[0], stems[1])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def memory(separator: UNetSeparator, kind: str = "reservoir", patches: float = 4.0, **settings: Any) -> Memory:
    budget = round(module.HEADER + 600 + patches * PATCH)
    return Memory(kind, budget, separator=separator, n_samples=N_SAMPLES, n_frames=N_FRAMES, **settings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("patches", [1.0, 2.5, 4.0, 100.0])
def test_the_file_never_outgrows_the_budget_and_uses_it(kind: str, patches: float, separator: UNetSeparator) -> None:
    kept = memory(separator, kind, patches)
    kept.offer([song(seed) for seed in range(2)], separator, generator())
    size = len(kept.to_bytes())
    assert size <= kept.budget
    assert len(kept.kept) == min(int(patches), 12)
    if len(kept.kept) < 12:
        assert size + PATCH > kept.budget - module.HEADER, "another patch would not fit"


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_goes_on_from_its_file(kind: str, separator: UNetSeparator, tmp_path: Path) -> None:
    whole, first, second = (memory(separator, kind) for _ in range(3))
    chance = generator(1)
    whole.offer([song(0), song(1)], separator, chance)
    chance = generator(1)
    first.offer([song(0)], separator, chance)
    first.save(tmp_path / "memory")
    second.resume(tmp_path / "memory", chance)
    second.offer([song(0), song(1)], separator, chance)
    assert second.to_bytes() == whole.to_bytes(), "and a song that went by before is passed over"


def test_a_smaller_budget_keeps_what_fits(separator: UNetSeparator, tmp_path: Path) -> None:
    large, small = memory(separator, "herding", 5), memory(separator, "herding", 2)
    large.offer([song(0)], separator, generator())
    large.save(tmp_path / "memory")
    small.resume(tmp_path / "memory", generator())
    assert len(small.to_bytes()) <= small.budget
    assert [torch.equal(a.vocals, b.vocals) for a, b in zip(large.kept[:2], small.kept, strict=True)] == [True, True], "the best stay"


def test_a_reservoir_keeps_each_patch_with_the_same_chance(separator: UNetSeparator) -> None:
    n_kept = np.zeros(12)
    patches = [module.StoredPatch(torch.tensor([n]), torch.tensor([n]), 1.0, torch.zeros(1)) for n in range(12)]
    chance = generator()
    for _ in range(600):
        kept = memory(separator, "reservoir", 3)
        kept.store(patches, chance)
        for one in kept.kept:
            n_kept[int(one.vocals)] += 1
    # 150 each on average, with a standard deviation of 10.6
    assert n_kept.sum() == 1800
    assert abs(n_kept - 150).max() < 45


def test_herding_follows_the_mean() -> None:
    features = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    assert herd(features, torch.tensor([1.0]), 3) == [1, 0, 2]
    assert sorted(herd(features, torch.tensor([1.0]), 9)) == [0, 1, 2, 3]


def test_diversity_goes_to_the_farthest() -> None:
    features = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    assert spread(features, torch.tensor([2.0]), 3) == [2, 3, 0]
    assert sorted(spread(torch.zeros(3, 1), torch.zeros(1), 3)) == [0, 1, 2]


def test_diverse_keeps_the_odd_song_that_herding_leaves_out(separator: UNetSeparator) -> None:
    loud = song(9, n_patches=1)
    odd = replace(loud, vocals=0 * present(loud.vocals), accompaniment=np.float32(0.001) * present(loud.accompaniment))
    offered = [song(0), song(1), odd]
    quiet = {}
    for kind in ("herding", "diverse"):
        kept = memory(separator, kind, 2)
        kept.offer(offered, separator, generator())
        quiet[kind] = sum(float(one.samples[0].abs().max()) == 0 for one in kept.kept)
    assert quiet == {"herding": 0, "diverse": 1}


def test_patches_are_remembered_from_the_separators_grid_on(monkeypatch: pytest.MonkeyPatch, separator: UNetSeparator) -> None:
    monkeypatch.setattr(UNetSeparator, "grid", 4 * 512)
    ramp = (np.arange(30_000)[None] / 30_000).astype(np.float32)
    kept = memory(separator, patches=20.0)
    kept.offer([Song("ramp", 16_000, ramp, ramp, 0 * ramp)], separator, generator())
    starts = sorted(round(float(one.samples[0][0, 0]) * 30_000) for one in kept.kept)
    assert len(starts) > 5 and all(abs(start - 8 * 512 * number) < 2 for number, start in enumerate(starts))


def test_it_draws_like_replay_and_brings_what_was_stored(separator: UNetSeparator) -> None:
    kept = memory(separator)
    kept.offer([song(0)], separator, generator())
    assert kept.vocals(generator(), sung=True).shape == (1, N_SAMPLES)
    plain = kept.patches(3, generator(), remixed=0.0, keep=0.5)
    assert plain.mixture.shape == plain.truth.shape == (3, 1, N_SAMPLES)
    assert plain.stored is not None and plain.stored.shape == (3, 1, 513, N_FRAMES)
    with torch.no_grad():
        assert torch.allclose(plain.stored, separator.spectrum(plain.mixture).abs(), rtol=1e-3, atol=1e-4)
    assert (present(plain.stored_weight) == 1).all() and (plain.keep_weight == 0.5).all()
    remixed = kept.patches(3, generator(), remixed=1.0, keep=0.5)
    assert not present(remixed.stored_weight).any(), "of a new mix nothing is stored"


def test_what_is_kept_sounds_as_it_did(separator: UNetSeparator) -> None:
    kept = memory(separator, "reservoir", 100)
    kept.offer([song(0)], separator, generator())
    first = kept.songs[0].vocals[..., :].numpy()
    assert abs(first - present(song(0).vocals)[:, :N_SAMPLES]).max() < 2e-5


def test_songs_that_stay_on_disk_are_remembered_as_those_in_memory(separator: UNetSeparator, tmp_path: Path) -> None:
    write_songs(tmp_path, "source", [3], 4.0)
    (files,), _ = songs.scan(tmp_path)
    of_disk, of_memory = (memory(separator, patches=100) for _ in range(2))
    of_disk.offer([stream(files)], separator, generator())
    of_memory.offer([songs.load(files, 16_000)], separator, generator())
    assert of_disk.to_bytes() == of_memory.to_bytes()


def test_patches_with_and_without_stored_outputs_can_be_joined(separator: UNetSeparator) -> None:
    kept = memory(separator)
    kept.offer([song(0)], separator, generator())
    with_stored = kept.patches(2, generator(), remixed=0.0, keep=0.0)
    joined = Patches.join([replace(with_stored, stored=None, stored_weight=None), with_stored])
    assert present(joined.stored_weight)[:, 0].tolist() == [0, 0, 1, 1]
    assert torch.equal(present(joined.stored)[2:], present(with_stored.stored))


def test_a_memory_of_other_lengths_or_kind_is_refused(separator: UNetSeparator, tmp_path: Path) -> None:
    kept = memory(separator)
    kept.offer([song(0)], separator, generator())
    kept.save(tmp_path / "memory")
    with pytest.raises(BadMemory, match="kind 'reservoir', not 'diverse'"):
        memory(separator, "diverse").resume(tmp_path / "memory", generator())
    (tmp_path / "broken").write_bytes((tmp_path / "memory").read_bytes()[:100])
    with pytest.raises(BadMemory, match="broken: not a replay memory"):
        memory(separator).resume(tmp_path / "broken", generator())


def test_a_budget_without_room_for_a_patch_is_refused(separator: UNetSeparator) -> None:
    with pytest.raises(BadMemory, match="one patch takes"):
        memory(separator, patches=0.5)


def test_a_memory_with_nothing_in_it_cannot_be_drawn_from(separator: UNetSeparator) -> None:
    with pytest.raises(NoReplay):
        memory(separator).offer([], separator, generator())
