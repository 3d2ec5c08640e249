"""Teach a separator from marks, and keep what it knew: one adaptation from parent checkpoint to child checkpoint.

Each step draws patches from the feedback (zero-vocal-targets, synthetic-tracks, or half of each) and from replay songs, and asks
for the truth where it is known and for the parent's output where the parent was right. Batch-norm statistics stay frozen and
dropout is off. Now and then the weights are kept; at the end every kept point on the way, and points on the line from each back to
the parent, are held against songs with stems (`validation`) and against the voice that people let pass. Of those that lose neither
past nor voice, the one with the least left on the marks becomes the child.

Everything drawn at a step depends on the seed and the step's number alone. That makes a run that was killed and resumed from its
`state` the same as one that was not, to the hash on a CPU. Started by torchrun, several processes draw different patches each and
take every step together, by the mean of their gradients.
"""

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from learner.core import checkpoint
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import Separator, difference_of_build
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong
from learner.core.teaching import lora
from learner.core.teaching.child import Candidate, Chosen, Jury
from learner.core.teaching.continual import Weights, copy_weights, distance, fisher, freeze_statistics, in_decibels, pull
from learner.core.teaching.feedback import Feedback, MarkedSong, NoMarks, prepare
from learner.core.teaching.memory import Memory
from learner.core.teaching.progress import Course, Progress
from learner.core.teaching.ranks import Ranks, device_of
from learner.core.teaching.recipe import BadRecipe, Recipe
from learner.core.teaching.replay import NoReplay, Patches, Replay, share_of
from learner.core.teaching.shelf import Shelf

N_EXAMPLES = 32  # replay patches by which the weights' importance is told
IN_MEMORY = 512_000_000  # bytes of sound and spectra


class Diverged(RuntimeError):
    """The loss is no longer a number; the rate is too high for these songs."""


@dataclass(frozen=True)
class Adapted:
    path: Path
    hash: str
    report: dict[str, Any]  # the chosen point and all that were weighed; plain values
    guard: str = ""  # why this child must not be promoted: even the mildest point loses voice or past; empty when it may be
    memory: Path | None = None  # the replay memory as it is now, for the next adaptation; None where the recipe has none


def adapt(
    parent: Path,
    feedback: Sequence[MarkedSong],
    replay: Sequence[AnySong],
    validation: Sequence[Song],
    *,
    recipe: Recipe,
    seed: int,
    out: Path,
    first: Path | None = None,
    state: Path | None = None,
    memory: Path | None = None,
    device: str = "cpu",
    in_memory: int = IN_MEMORY,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Adapted:
    """Adapt the checkpoint `parent` and save the child into the folder `out`.

    With no feedback at all, the same steps go to replay alone (the baseline "replay without feedback"). `first` is the checkpoint that
    all rounds began from: what it knew of the past is what is kept, so that small losses do not add up over rounds. `state` is a file that
    a killed run resumes from; it is removed at the end. `memory` is the file of an earlier adaptation's memory, which goes on with
    these replay songs; the grown one lies beside the child. `device` is cpu, cuda or auto; the promise of equal hashes is for cpu.
    Of the marked and the validation songs, `in_memory` bytes are held; what is more lies in a nameless file in `out` while the run
    lasts, and changes nothing but that. `feedback` is read one song after another, once: it may be one that reads them as it is asked.
    `progress` is called at every step, and for every song that is prepared or weighed; what it raises stops the run. As one of
    several processes, each reads the same files, the first alone writes and tells progress, and all return the same.
    Raises NoMarks, BadMark, NoReplay, BadRecipe, BadMemory, NoDevice, BadCheckpoint before anything is learnt; Diverged after.
    """
    recipe.check()
    with Shelf(in_memory, out) as shelf:
        run = _Run(
            *(parent, feedback, replay, validation, recipe, seed),
            device=device_of(device),
            memory=memory,
            first=first,
            shelf=shelf,
            progress=progress,
        )
        run.train(state)
        adapted = run.finish(out) if run.ranks.first else None
    if state is not None and run.ranks.first:
        state.unlink(missing_ok=True)
    adapted = run.ranks.share(adapted)
    assert adapted is not None
    return adapted


class _Run:
    """One adaptation under way."""

    def __init__(
        self,
        parent: Path,
        feedback: Sequence[MarkedSong],
        replay: Sequence[AnySong],
        validation: Sequence[Song],
        recipe: Recipe,
        seed: int,
        *,
        device: torch.device = torch.device("cpu"),  # noqa: B008 - never changed
        memory: Path | None = None,
        first: Path | None = None,
        shelf: Shelf | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ):
        self.recipe, self.seed, self.device = recipe, seed, device
        self.ranks = Ranks.current()
        self.course = Course(recipe.steps, progress if self.ranks.first else lambda _: None)
        shelf = shelf or Shelf()
        self.kept: dict[int, Weights] = {}
        self.parent_hash = checkpoint.file_hash(parent)
        self.teacher = checkpoint.load(parent).requires_grad_(False).to(device)
        self.student = checkpoint.load(parent).to(device)
        self.origin: Separator | None = None  # what the past is held against, where that is not the parent
        if first is not None and checkpoint.file_hash(first) != self.parent_hash:
            self.origin = checkpoint.load(first).requires_grad_(False).to(device)
            if difference := difference_of_build(self.origin, self.teacher):
                raise BadCheckpoint(f"{first} is not of the build of {parent}, so no round from it can have led there: {difference}")
        freeze_statistics(self.student)
        spectra = self.teacher.spectra
        remembered = checkpoint.file_hash(memory) if memory is not None else ""
        began = checkpoint.file_hash(first) if self.origin is not None and first is not None else ""
        same = _same_run(self.parent_hash + began, recipe, seed, remembered, self.ranks.world)
        lengths: dict[str, Any] = {"n_samples": (recipe.n_frames - 1) * spectra.hop, "n_frames": recipe.n_frames}
        heard = []
        for song in feedback:
            self.course.tell(f"hearing {song.song_name}")
            same.update(
                json.dumps([song.song_name, song.sample_rate, *([list(one) for one in part] for part in (song.marks, song.heard))]).encode()
            )
            same.update(song.mixture.tobytes())
            heard.append(prepare(song, self.teacher, margin=recipe.margin, least_probability=recipe.least_probability).on(shelf))
        self.feedback: Feedback | None = None
        if feedback:
            self.feedback = Feedback(
                heard, sample_rate=self.teacher.sample_rate, hop=spectra.hop, stretch_pitch=recipe.stretch_pitch, **lengths
            )
        self.replay: Replay | None = None  # what is replayed
        self.voices: Replay | None = None  # what synthetic tracks take voices of
        synthetic = bool(feedback) and recipe.algorithm != "zero-vocal-targets"
        draw = partial(Replay, replay, self.teacher, pitch_shift=recipe.pitch_shift, **lengths)
        if recipe.memory:
            self.replay = self._remember(replay, memory, lengths)
        elif recipe.replay_patches > 0 or not feedback or (synthetic and not recipe.all_voices):
            self.replay = draw(share=recipe.replay_share, generator=torch.Generator().manual_seed(seed))
        if synthetic:
            apart = recipe.all_voices and (self.replay is None or bool(recipe.memory) or recipe.replay_share < 1)
            self.voices = draw(share=1.0, generator=torch.Generator().manual_seed(seed)) if apart else self.replay
        self.jury = Jury(self.teacher, heard, validation, recipe, self.course.tell, self.origin, shelf)
        self.parents_weights = copy_weights(self.teacher)
        self.importance = fisher(self.student, self._past()) if recipe.ewc else None
        if recipe.lora_rank:
            try:
                lora.attach(self.student, recipe.lora_rank, torch.Generator().manual_seed(seed))
            except ValueError as problem:
                raise BadRecipe(f"lora_rank is {recipe.lora_rank}: {problem}") from problem
        self.learning = [parameter for parameter in self.student.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.Adam(lora.groups(self.student, recipe.lora_times), lr=recipe.rate)
        for known in replay:
            same.update(json.dumps([known.name, known.sample_rate, known.mixture.shape]).encode())
        self.fingerprint = same.hexdigest()

    def _remember(self, songs: Sequence[AnySong], file: Path | None, lengths: dict[str, int]) -> Memory:
        """The memory that stands in for the songs: as `file` has it, if there is one, and what it keeps of these songs."""
        recipe = self.recipe
        budget = int(recipe.memory_megabytes * 1_000_000)
        memory = Memory(recipe.memory, budget, separator=self.teacher, pitch_shift=recipe.pitch_shift, **lengths)
        generator = torch.Generator().manual_seed(self.seed)
        if file is not None:
            memory.resume(file, generator)
        memory.offer(
            share_of(songs, recipe.replay_share, generator) if songs or file is None else [], self.teacher, generator, self.course.tell
        )
        return memory

    def _past(self) -> Iterator[Tensor]:
        """The parent's loss on replay patches, one at a time."""
        assert self.replay is not None
        generator = torch.Generator().manual_seed(self.seed)
        for number in range(N_EXAMPLES):
            self.course.tell(f"what matters for the past: {number + 1} of {N_EXAMPLES}")
            patches = self.replay.patches(1, generator, remixed=0.0, keep=0.0).to(self.device)
            truth = self.teacher.spectra(patches.truth).abs()
            estimate = self.student.spectrum(patches.mixture).abs()
            missing = torch.full((1,), self.recipe.missing, device=self.device)
            yield distance(estimate, truth, patches.truth_weight, missing) / patches.truth_weight.sum()

    # ---- learning

    def train(self, state: Path | None) -> None:
        if state is not None:
            self._resume(state)
        recipe, course = self.recipe, self.course
        course.start(course.step)
        while course.step < recipe.steps and not self._no_better():
            course.step += 1
            course.losses.append(self._learn(course.step))
            if course.step == recipe.steps or (recipe.keep_every and course.step % recipe.keep_every == 0):
                self.kept[course.step] = {name: value.cpu() for name, value in lora.merged(self.student).items()}
                if state is not None and self.ranks.first:
                    self._write(state)
            course.tell()

    def _no_better(self) -> bool:
        """Whether the recipe's patience is at its end: so many points were kept, and none since is better by the candidates' weighing."""
        if not self.recipe.patience or self.course.step not in self.kept:
            return False
        enough = False
        if self.ranks.first:
            for step in sorted(self.kept):
                self.jury.weigh(step, self.kept[step])
            best = self.jury.best()
            enough = sum(step > (best.step if best else 0) for step in self.kept) >= self.recipe.patience
        return self.ranks.share(enough)

    def _learn(self, step: int) -> float:
        """One step of descent; returns the loss, its mean over all processes. Raises Diverged."""
        parts = self._patches(torch.Generator().manual_seed((self.seed + self.ranks.rank) * 1_000_003 + step))
        patches = Patches.join([part for part, _ in parts]).to(self.device)
        missing = torch.cat([torch.full((len(part),), factor) for part, factor in parts]).to(self.device)
        narrow = partial(torch.autocast, self.device.type, dtype=torch.bfloat16, enabled=self.recipe.bf16)
        with torch.no_grad():
            spectra = self.teacher.spectra
            truth = spectra(patches.truth).abs()
            keep = torch.zeros_like(truth)
            n_replayed = len(parts[-1][0]) if self.recipe.replay_patches else 0
            taught = patches.keep_weight.any(dim=1)
            past = torch.arange(len(patches), device=self.device) >= len(patches) - n_replayed
            if self.recipe.in_decibels:
                taught |= past
            teachers = [(taught, self.teacher)]
            if self.origin is not None:  # what the parent forgot of the past is not to be kept
                teachers = [(taught & ~past, self.teacher), (taught & past, self.origin)]
            for which, teacher in teachers:
                if bool(which.any()):
                    with narrow():
                        keep[which] = teacher.spectrum(patches.mixture[which]).abs().to(keep.dtype)
            if n_replayed and self.recipe.in_decibels:
                worth = in_decibels(keep[-n_replayed:], truth[-n_replayed:], self.recipe.in_decibels)[:, None]
                patches.truth_weight[-n_replayed:] *= worth
                patches.keep_weight[-n_replayed:] *= worth
            weight = (patches.truth_weight + patches.keep_weight).sum()
            scale = spectra(patches.mixture).abs().mean() * weight.clamp(min=1)
        with narrow():
            estimate = self.student.spectrum(patches.mixture).abs()
        loss = (distance(estimate, truth, patches.truth_weight, missing) + distance(estimate, keep, patches.keep_weight, missing)) / scale
        if self.recipe.stored_outputs and patches.stored is not None and patches.stored_weight is not None:
            loss = loss + self.recipe.stored_outputs * distance(estimate, patches.stored, patches.stored_weight, missing) / scale
        if self.recipe.l2_sp:
            loss = loss + self.recipe.l2_sp * pull(lora.learnt(self.student), self.parents_weights)
        if self.recipe.ewc:
            loss = loss + self.recipe.ewc * pull(lora.learnt(self.student), self.parents_weights, self.importance)
        mean = loss.detach().clone()
        self.ranks.average([mean])
        if not bool(torch.isfinite(mean)):
            raise Diverged(f"the loss is {float(mean)} at step {step}")
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate * group["times"] * _schedule(step, self.recipe.steps)
        self.optimiser.zero_grad()
        loss.backward()
        self.ranks.average([parameter.grad for parameter in self.learning if parameter.grad is not None])
        torch.nn.utils.clip_grad_norm_(self.learning, 1.0)
        self.optimiser.step()
        return float(mean)

    def _patches(self, generator: torch.Generator) -> list[tuple[Patches, float]]:
        """Draw what one step learns from, replay last; with each part, how much what is missing counts in it."""
        recipe = self.recipe
        parts: list[tuple[Patches, float]] = []
        if self.feedback is not None:
            n_synthetic = {"zero-vocal-targets": 0, "synthetic-tracks": recipe.new_patches, "mixed": recipe.new_patches // 2}[
                recipe.algorithm
            ]
            if n_synthetic:
                assert self.voices is not None
                made = self.feedback.synthetic_tracks(n_synthetic, generator, self.voices, own_voices=recipe.own_voices, rests=recipe.rests)
                parts.append((made, recipe.missing))
            if n_zero := recipe.new_patches - n_synthetic:
                parts.append((self.feedback.zero_vocal_targets(n_zero, generator, keep=recipe.keep_accepted), recipe.missing))
        # Each round costs the past a little that replay songs do not show: later ones hold on to it with more of them.
        later = 1.0 if self.origin is None else recipe.later_replay
        n_replay = round(later * (recipe.replay_patches if self.feedback is not None else max(1, recipe.replay_patches)))
        if n_replay:
            assert self.replay is not None
            parts.append((self.replay.patches(n_replay, generator, remixed=recipe.remixed, keep=recipe.keep_past), recipe.missing))
        return parts

    # ---- the end

    def finish(self, out: Path) -> Adapted:
        """Choose the child and save it into `out`, with the memory beside it."""
        chosen: Chosen = self.jury.choose(self.kept)
        self.course.tell("saving the child")
        child = self.jury.candidate
        child.load_state_dict(chosen.weights)
        how = {**self.recipe.settings(), "step": chosen.candidate.step, "factor": chosen.candidate.factor}
        saved = checkpoint.save(child, out, recipe=how, parent=self.parent_hash, seed=self.seed)
        memory = None
        if isinstance(self.replay, Memory):
            self.replay.save(memory := out / f"{saved.hash}.memory")
        report = {
            "chosen": asdict(chosen.candidate),
            "candidates": [asdict(c) for c in chosen.weighed],
            "loss": self.course.losses[-1],
            "steps": self.course.step,
        }
        return Adapted(saved.path, saved.hash, report, chosen.guard, memory)

    # ---- resuming

    def _write(self, state: Path) -> None:
        content = io.BytesIO()
        torch.save(
            {
                "fingerprint": self.fingerprint,
                "step": self.course.step,
                "losses": self.course.losses,
                "student": self.student.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "kept": self.kept,
            },
            content,
        )
        written = content.getvalue()
        checkpoint.write_whole(state, hashlib.sha256(written).digest() + written)

    def _resume(self, state: Path) -> None:
        """Go on from `state` if it is there, whole, and of this very run; else begin at the beginning."""
        content = self.ranks.share(state.read_bytes() if self.ranks.first and state.exists() else b"")
        digest, written = content[:32], content[32:]
        if hashlib.sha256(written).digest() != digest:
            return
        found = torch.load(io.BytesIO(written), map_location="cpu", weights_only=True)
        if found["fingerprint"] != self.fingerprint:
            return
        self.course.step, self.course.losses, self.kept = found["step"], found["losses"], found["kept"]
        self.student.load_state_dict(found["student"])
        self.optimiser.load_state_dict(found["optimiser"])


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first tenth, then fall as half a cosine to a tenth."""
    warm = max(1, steps // 10)
    if step <= warm:
        return step / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _same_run(parent: str, recipe: Recipe, seed: int, memory: str, world: int) -> "hashlib._Hash":
    """The beginning of what makes two runs the same run; its songs come after that."""
    return hashlib.sha256(json.dumps([parent, recipe.settings(), seed, memory, world], sort_keys=True).encode())


__all__ = ["Adapted", "BadRecipe", "Candidate", "Diverged", "MarkedSong", "NoMarks", "NoReplay", "Recipe", "adapt"]
