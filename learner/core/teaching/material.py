"""What an adaptation learns from: songs that people marked and songs with stems, and the patches of each step drawn from both."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from learner.core import checkpoint
from learner.core.separators import Separator
from learner.core.songs.streaming import AnySong
from learner.core.teaching import pseudo
from learner.core.teaching.feedback import Feedback, MarkedSong, PreparedSong, prepare
from learner.core.teaching.memory import Memory
from learner.core.teaching.recipe import Recipe
from learner.core.teaching.replay import Patches, Replay, share_of
from learner.core.teaching.tensor_store import TensorStore

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Material:
    """The songs of one adaptation, ready to be drawn from."""

    recipe: Recipe
    heard: list[PreparedSong]  # the marked songs, prepared
    feedback: Feedback | None  # draws from them; None where there are none
    replay: Replay | None  # the songs, or the memory, that are replayed; None where nothing is
    voices: Replay | None  # the songs whose voices synthetic tracks take; None where none are made
    n_replayed: int  # patches a step
    fingerprint: str  # of all that decides the child; two runs with the same one give the same child

    def patches(self, generator: torch.Generator) -> list[Patches]:
        """Draw what one step learns from: synthetic tracks, zero-vocal-targets, missed voices, replay, in this order; some are left out."""
        recipe, parts = self.recipe, []
        if self.feedback is not None:
            n_synthetic = {"zero-vocal-targets": 0, "synthetic-tracks": recipe.new_patches, "mixed": recipe.new_patches // 2}[
                recipe.algorithm
            ]
            if n_synthetic:
                assert self.voices is not None
                own_voices, rests = recipe.own_voices, recipe.rests
                parts.append(self.feedback.synthetic_tracks(n_synthetic, generator, self.voices, own_voices=own_voices, rests=rests))
            if n_zero := recipe.new_patches - n_synthetic:
                parts.append(self.feedback.zero_vocal_targets(n_zero, generator, keep=recipe.keep_accepted))
            if self.feedback.missed and recipe.missed_patches:
                about = {"weight": recipe.missed_weight, "keep": recipe.keep_accepted}
                parts.append(self.feedback.missed_voices(recipe.missed_patches, generator, **about))
        if self.n_replayed:
            assert self.replay is not None
            parts.append(self.replay.patches(self.n_replayed, generator, remixed=recipe.remixed, keep=recipe.keep_past))
        return parts


def gather(
    feedback: Sequence[MarkedSong],
    replay: Sequence[AnySong],
    teacher: Separator,
    recipe: Recipe,
    seed: int,
    *,
    checkpoints: str = "",
    world: int = 1,
    base: Separator | None = None,
    memory: Path | None = None,
    store: TensorStore | None = None,
    tell: Tell = lambda _: None,
) -> Material:
    """Read the marked songs, one after another and once, and choose the songs that are replayed.

    `checkpoints` are the hashes of those that the run begins from, and `world` is how many processes learn together: both are for the
    fingerprint. `base` is the checkpoint that the first round began with, where it is not the teacher: then this is a later round.
    `memory` is the file of an earlier adaptation's memory. The sound of the marked songs lies in the `store`. `tell` is told what is
    being done; what it raises stops the reading. Raises NoMarks, BadMark, NoReplay, BadMemory.
    """
    store = store or TensorStore()
    if recipe.pseudo_replay:
        replay = pseudo.with_stems(replay, teacher if base is None else base, tell)
    lengths: dict[str, Any] = {"n_samples": (recipe.n_frames - 1) * teacher.spectra.hop, "n_frames": recipe.n_frames}
    remembered = checkpoint.file_hash(memory) if memory is not None else ""
    same = hashlib.sha256(json.dumps([checkpoints, recipe.settings(), seed, remembered, world], sort_keys=True).encode())
    heard = []
    for song in feedback:
        tell(f"hearing {song.song_name}")
        marks, stretches = ([list(one) for one in part] for part in (song.marks, song.heard))
        same.update(json.dumps([song.song_name, song.sample_rate, marks, stretches, *([list(one) for one in song.missing])]).encode())
        same.update(song.mixture.tobytes())
        heard.append(prepare(song, teacher, margin=recipe.margin, least_probability=recipe.least_probability).on(store))
    marked = None
    if feedback:
        rate, hop = teacher.sample_rate, teacher.spectra.hop
        marked = Feedback(heard, sample_rate=rate, hop=hop, stretch_pitch=recipe.stretch_pitch, grid=teacher.grid, **lengths)
    synthetic = bool(feedback) and recipe.algorithm != "zero-vocal-targets"
    draw = partial(
        Replay, replay, teacher, pitch_shift=recipe.pitch_shift, alone=recipe.alone, sung=recipe.sung, over_band=recipe.over_band, **lengths
    )
    replayed: Replay | None = None
    if recipe.memory:
        replayed = _remember(replay, memory, teacher, recipe, seed, lengths, tell)
    elif recipe.replay_patches > 0 or not feedback or (synthetic and not recipe.all_voices):
        replayed = draw(share=recipe.replay_share, generator=torch.Generator().manual_seed(seed))
    voices = None
    if synthetic:
        apart = recipe.all_voices and (replayed is None or bool(recipe.memory) or recipe.replay_share < 1)
        voices = draw(share=1.0, generator=torch.Generator().manual_seed(seed)) if apart else replayed
    for known in replay:
        same.update(json.dumps([known.name, known.sample_rate, known.mixture.shape]).encode())  # without its sound, which may lie on disk
    # Each round costs the past a little that replay songs do not show: later ones replay more patches.
    times = recipe.later_replay if base is not None else 1.0
    n_replayed = round(times * (recipe.replay_patches if feedback else max(1, recipe.replay_patches)))
    return Material(recipe, heard, marked, replayed, voices, n_replayed, same.hexdigest())


def _remember(
    songs: Sequence[AnySong], file: Path | None, teacher: Separator, recipe: Recipe, seed: int, lengths: dict[str, int], tell: Tell
) -> Memory:
    """The memory that takes the place of the songs: what `file` has, if there is one, and what the memory keeps of these songs."""
    budget = int(recipe.memory_megabytes * 1_000_000)
    memory = Memory(recipe.memory, budget, separator=teacher, pitch_shift=recipe.pitch_shift, **lengths)
    generator = torch.Generator().manual_seed(seed)
    if file is not None:
        memory.resume(file, generator)
    chosen = share_of(songs, recipe.replay_share, generator) if songs or file is None else []
    memory.offer(chosen, teacher, generator, tell)
    return memory
