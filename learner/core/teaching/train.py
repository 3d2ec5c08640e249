"""Train a separator from nothing on songs with stems; how the shipped base is made."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from learner.core import checkpoint
from learner.core.checkpoint import Saved
from learner.core.separators import Separator, build
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong
from learner.core.teaching.continual import distance
from learner.core.teaching.progress import Progress
from learner.core.teaching.replay import Replay

# The songs of the shipped base: generated, so that whoever has the base can make its replay songs again.
BASE_SEEDS = tuple(range(10_000, 10_096))
BASE_DURATION = 12.0  # seconds; many short songs teach more than few long ones
BASE = Path(__file__).parents[1] / "bases" / "shipped.safetensors"


def base_songs(stem: str = "vocals") -> list[Song]:
    """Generate the songs that the shipped base was trained on (about 10 s of computing); the like of them for another stem."""
    from learner.core.songs.parts import make_song

    return [make_song(seed, "source", BASE_DURATION, stem) for seed in BASE_SEEDS]


def train(
    songs: Sequence[AnySong],
    *,
    out: Path,
    seed: int = 0,
    steps: int = 2000,
    batch: int = 8,
    rate: float = 2e-3,
    n_frames: int = 128,
    architecture: str = "unet",
    config: dict[str, object] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Saved:
    """Train on patches of `n_frames` spectral frames and save the checkpoint into the folder `out`.

    Half of the patches lay one song's vocals over another's accompaniment. Raises NoReplay where no song has
    both stems.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # initial weights and dropout draw from the global generator
        separator = build(architecture, config or {})
        n_samples = (n_frames - 1) * separator.spectra.hop
        source = Replay(songs, separator, n_samples=n_samples, n_frames=n_frames, share=1.0, generator=generator)
        _optimise(separator, source, steps=steps, batch=batch, rate=rate, generator=generator, progress=progress)
    recipe = {"algorithm": "train", "steps": steps, "batch": batch, "rate": rate, "n_frames": n_frames, "songs": len(songs)}
    return checkpoint.save(separator, out, recipe=recipe, parent=None, seed=seed)


def _optimise(
    separator: Separator,
    source: Replay,
    *,
    steps: int,
    batch: int,
    rate: float,
    generator: torch.Generator,
    progress: Callable[[Progress], None],
) -> None:
    optimiser = torch.optim.Adam(separator.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=steps, pct_start=0.1)
    separator.train()
    began = time.monotonic()
    for step in range(1, steps + 1):
        patches = source.patches(batch, generator, remixed=0.5, keep=0.0)
        estimate = separator.spectrum(patches.mixture).abs()
        with torch.no_grad():
            target = separator.spectra(patches.truth).abs()
            scale = separator.spectra(patches.mixture).abs().mean() * patches.truth_weight.numel()
        loss = distance(estimate, target, patches.truth_weight, torch.ones(batch)) / scale
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(separator.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 20 == 0 or step == steps:
            progress(Progress.at(step, steps, float(loss.detach()), began))
    separator.eval()
