"""Train a separator from nothing on songs with stems; how the shipped base is made."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from learner.core import checkpoint
from learner.core.bases import SHIPPED_FILE
from learner.core.checkpoint import Saved
from learner.core.separators import Separator, build
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong
from learner.core.teaching.continual import distance
from learner.core.teaching.progress import Progress
from learner.core.teaching.replay import Replay

# The songs of the shipped base: generated, so that whoever has the base can make its replay songs again.
BASE_SEEDS = tuple(range(10_000, 10_096))
QUIET = 1e-4  # mean magnitude under which patches count no more for being quieter
BASE_DURATION = 12.0  # seconds; many short songs teach more than few long ones
BASE = SHIPPED_FILE


@dataclass(frozen=True)
class Course:
    """How to train. The default is how the shipped base was; `REAL` is for real songs, see docs/figures.md."""

    steps: int = 2000
    batch: int = 8  # patches a step
    rate: float = 2e-3  # highest of one cycle (Smith 2018, arXiv 1803.09820)
    n_frames: int = 128  # spectral frames a patch
    remixed: float = 0.5  # of the patches: one song's vocals over another's accompaniment
    pitch_shift: float = 0.0  # semitones, up or down, of remixed voices and accompaniments
    over_band: tuple[float, ...] = ()  # least and most dB of a remixed voice over its accompaniment; none: as in its song, within 4 dB
    sung: float = 0.0  # of remixed patches: several tries for a stretch in which somebody sings
    patch_levels: bool = False  # each patch counts relative to its own mixture's level, not to the mean of a step's

    def settings(self) -> dict[str, Any]:
        """Plain values as a checkpoint keeps them; those that came later, only where they differ, so that the base keeps its hash."""
        first = {"steps", "batch", "rate", "n_frames"}
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name in first or getattr(self, one.name) != one.default}


# Some real songs bury their voice 6 to 19 dB under the band and are silent for minutes, from which L1 learns to mute. So remixed voices
# lie about the band's level, most of their stretches are sung, and a quiet patch counts like a loud one.
REAL = Course(steps=2200, remixed=0.7, pitch_shift=3.0, over_band=(-8.0, 8.0), sung=0.5, patch_levels=True)
REAL_PRESET = "medium-16k"


def base_songs(stem: str = "vocals") -> list[Song]:
    """Generate the songs that the shipped base was trained on (about 10 s of computing); the like of them for another stem."""
    from learner.core.songs.parts import make_song

    return [make_song(seed, "source", BASE_DURATION, stem) for seed in BASE_SEEDS]


def train(
    songs: Sequence[AnySong],
    *,
    out: Path,
    seed: int = 0,
    course: Course | None = None,
    architecture: str = "unet",
    config: dict[str, object] | None = None,
    card: Mapping[str, object] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Saved:
    """Train on patches and save the checkpoint into the folder `out`; its recipe says how, and what the `card` adds.

    Raises NoReplay where no song has both stems.
    """
    course = course or Course()
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # initial weights and dropout draw from the global generator
        separator = build(architecture, config or {})
        source = Replay(
            songs,
            separator,
            n_samples=(course.n_frames - 1) * separator.spectra.hop,
            n_frames=course.n_frames,
            share=1.0,
            generator=generator,
            pitch_shift=course.pitch_shift,
            sung=course.sung,
            over_band=course.over_band,
        )
        _optimise(separator, source, course, generator, progress)
    recipe = {"algorithm": "train", **course.settings(), "songs": len(songs), **(card or {})}
    return checkpoint.save(separator, out, recipe=recipe, parent=None, seed=seed)


def _optimise(
    separator: Separator, source: Replay, course: Course, generator: torch.Generator, progress: Callable[[Progress], None]
) -> None:
    steps, ones = course.steps, torch.ones(course.batch)
    optimiser = torch.optim.Adam(separator.parameters(), lr=course.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=course.rate, total_steps=steps, pct_start=0.1)
    separator.train()
    began = time.monotonic()
    for step in range(1, steps + 1):
        patches = source.patches(course.batch, generator, remixed=course.remixed, keep=0.0)
        estimate = separator.spectrum(patches.mixture).abs()
        with torch.no_grad():
            target = separator.spectra(patches.truth).abs()
            magnitudes = separator.spectra(patches.mixture).abs()
            weight = patches.truth_weight
            if course.patch_levels:
                levels = magnitudes.mean(dim=(1, 2, 3))
                weight = weight * (levels.mean() / levels.clamp(min=QUIET))[:, None]
            scale = magnitudes.mean() * patches.truth_weight.numel()
        loss = distance(estimate, target, weight, ones) / scale
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(separator.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 20 == 0 or step == steps:
            progress(Progress.at(step, steps, float(loss.detach()), began))
    separator.eval()
