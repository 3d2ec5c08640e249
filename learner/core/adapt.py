"""Teach a separator from marks, and keep what it knew: one adaptation from parent checkpoint to child checkpoint.

Each step draws patches from the feedback (zero-vocal-targets, synthetic-tracks, or half of each) and from replay songs, and asks
for the truth where it is known and for the parent's output where the parent was right. Batch-norm statistics stay frozen and
dropout is off. Now and then the weights are kept; at the end every kept point on the way, and points on the line from each back to
the parent, are held against songs with stems (`validation`) and against the voice that people let pass. Of those that lose neither
past nor voice, the one with the least left on the marks becomes the child.

Everything drawn at a step depends on the seed and the step's number alone. That makes a run that was killed and resumed from its
`state` the same as one that was not, to the hash on a CPU.
"""

import hashlib
import io
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from learner.core import checkpoint
from learner.core.continual import Weights, copy_weights, distance, freeze_statistics, interpolate
from learner.core.feedback import Feedback, Heard, MarkedSong, NoMarks, prepare
from learner.core.progress import Progress
from learner.core.recipe import BadRecipe, Recipe
from learner.core.replay import NoReplay, Patches, Replay
from learner.core.separate import as_input
from learner.core.separators import Separator, build
from learner.core.songs import Song
from learner.core.streaming import AnySong

DOUBTFUL = 0.15  # of the accepted voice's power, which may be bleed that nobody marked


class Diverged(RuntimeError):
    """The loss is no longer a number; the rate is too high for these songs."""


@dataclass(frozen=True)
class Adapted:
    path: Path
    hash: str
    report: dict[str, Any]  # the chosen point and all that were weighed; plain values
    guard: str = ""  # why this child must not be promoted: even the mildest point loses voice or past; empty when it may be


@dataclass(frozen=True)
class Candidate:
    """A point on the way, or on the line from it back to the parent, and what it costs."""

    step: int
    factor: float
    leak_db: float  # energy left on the marks, re the parent's; NaN without feedback
    kept_db: float  # accepted voice, re the parent's; NaN where no voice was accepted
    past_db: float  # what the validation songs lost in song SDR re the parent's, see `_lost`; NaN without such songs
    past_median_db: float  # the same of the median SDR of their sung seconds


def adapt(
    parent: Path,
    feedback: Sequence[MarkedSong],
    replay: Sequence[AnySong],
    validation: Sequence[Song],
    *,
    recipe: Recipe,
    seed: int,
    out: Path,
    state: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Adapted:
    """Adapt the checkpoint `parent` and save the child into the folder `out`.

    With no feedback at all, the same steps go to replay alone (the baseline "replay without feedback"). `state` is a file that
    a killed run resumes from; it is removed at the end. `progress` is called every few steps; what it raises stops the run.
    Raises NoMarks, BadMark, NoReplay, BadRecipe, BadCheckpoint before anything is computed; Diverged after.
    """
    recipe.check()
    run = _Run(parent, feedback, replay, validation, recipe, seed)
    run.train(state, progress)
    chosen, weights, weighed, guard = run.choose()
    run.student.load_state_dict(weights)
    saved = checkpoint.save(
        run.student, out, recipe={**recipe.settings(), "step": chosen.step, "factor": chosen.factor}, parent=run.parent_hash, seed=seed
    )
    if state is not None:
        state.unlink(missing_ok=True)
    report = {"chosen": asdict(chosen), "candidates": [asdict(c) for c in weighed], "loss": run.losses[-1]}
    return Adapted(saved.path, saved.hash, report, guard)


class _Run:
    """One adaptation under way."""

    def __init__(
        self, parent: Path, feedback: Sequence[MarkedSong], replay: Sequence[AnySong], validation: Sequence[Song], recipe: Recipe, seed: int
    ):
        self.recipe, self.seed = recipe, seed
        self.parent_hash = checkpoint.file_hash(parent)
        self.teacher = checkpoint.load(parent).requires_grad_(False)
        self.student = checkpoint.load(parent)
        freeze_statistics(self.student)
        spectra = self.teacher.spectra
        n_samples = (recipe.n_frames - 1) * spectra.hop
        self.heard = [prepare(song, self.teacher, margin=recipe.margin) for song in feedback]
        self.feedback: Feedback | None = None
        if feedback:
            self.feedback = Feedback(
                self.heard,
                sample_rate=self.teacher.sample_rate,
                hop=spectra.hop,
                n_samples=n_samples,
                n_frames=recipe.n_frames,
                stretch_pitch=recipe.stretch_pitch,
            )
        self.replay: Replay | None = None  # what is replayed
        self.voices: Replay | None = None  # what synthetic tracks take voices of
        synthetic = bool(feedback) and recipe.algorithm != "zero-vocal-targets"
        draw = partial(Replay, replay, self.teacher, n_samples=n_samples, n_frames=recipe.n_frames, pitch_shift=recipe.pitch_shift)
        if recipe.replay_patches > 0 or not feedback or (synthetic and not recipe.all_voices):
            self.replay = draw(share=recipe.replay_share, generator=torch.Generator().manual_seed(seed))
        if synthetic:
            apart = recipe.all_voices and (self.replay is None or recipe.replay_share < 1)
            self.voices = draw(share=1.0, generator=torch.Generator().manual_seed(seed)) if apart else self.replay
        self.references = [(song, *self._reference(song)) for song in self.heard]
        self.validation = [
            (
                as_input(self.teacher, song.mixture, song.sample_rate),
                spectra(as_input(self.teacher, song.vocals, song.sample_rate)[None]),
            )
            for song in validation
            if song.vocals is not None
        ]
        self.optimiser = torch.optim.Adam(self.student.parameters(), lr=recipe.rate)
        self.step = 0
        self.losses: list[float] = []
        self.kept: dict[int, Weights] = {}
        self.fingerprint = _fingerprint(self.parent_hash, feedback, replay, recipe, seed)

    @torch.no_grad()
    def _reference(self, song: Heard) -> tuple[Tensor, Tensor]:
        """The parent's spectrum of a marked song, and the mean power of its loud frames, in which powers are measured."""
        spectrum = self.teacher.spectrum(song.mixture[None])
        unit = (spectrum.abs().square().mean(dim=(0, 1, 2)) * song.loud).sum() / song.loud.sum().clamp(min=1)
        return spectrum, unit if float(unit) > 0 else torch.ones(())

    # ---- learning

    def train(self, state: Path | None, progress: Callable[[Progress], None]) -> None:
        if state is not None:
            self._resume(state)
        recipe = self.recipe
        first, began = self.step, time.monotonic()
        while self.step < recipe.steps:
            self.step += 1
            self.losses.append(self._learn(self.step))
            if self.step == recipe.steps or (recipe.keep_every and self.step % recipe.keep_every == 0):
                self.kept[self.step] = copy_weights(self.student)
                if state is not None:
                    self._write(state)
            if self.step % 5 == 0 or self.step == recipe.steps:
                progress(Progress.at(self.step, recipe.steps, self.losses[-1], began, first))

    def _learn(self, step: int) -> float:
        """One step of descent; returns the loss. Raises Diverged."""
        parts = self._patches(torch.Generator().manual_seed(self.seed * 1_000_003 + step))
        patches = Patches.join([part for part, _ in parts])
        missing = torch.cat([torch.full((len(part),), factor) for part, factor in parts])
        with torch.no_grad():
            spectra = self.teacher.spectra
            truth = spectra(patches.truth).abs()
            keep = torch.zeros_like(truth)
            taught = patches.keep_weight.any(dim=1)
            if bool(taught.any()):
                keep[taught] = self.teacher.spectrum(patches.mixture[taught]).abs()
            scale = spectra(patches.mixture).abs().mean() * (patches.truth_weight + patches.keep_weight).sum().clamp(min=1)
        estimate = self.student.spectrum(patches.mixture).abs()
        loss = (distance(estimate, truth, patches.truth_weight, missing) + distance(estimate, keep, patches.keep_weight, missing)) / scale
        if not bool(torch.isfinite(loss)):
            raise Diverged(f"the loss is {float(loss.detach())} at step {step}")
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate * _schedule(step, self.recipe.steps)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())

    def _patches(self, generator: torch.Generator) -> list[tuple[Patches, float]]:
        """Draw what one step learns from; with each part, how much what is missing counts in it."""
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
        n_replay = recipe.replay_patches if self.feedback is not None else max(1, recipe.replay_patches)
        if n_replay:
            assert self.replay is not None
            parts.append((self.replay.patches(n_replay, generator, remixed=recipe.remixed, keep=recipe.keep_past), recipe.missing))
        return parts

    # ---- choosing

    @torch.no_grad()
    def choose(self) -> tuple[Candidate, Weights, list[Candidate], str]:
        """Weigh every kept point at every factor, and return the best; where none keeps voice and past, the mildest, and why."""
        before = copy_weights(self.teacher)
        parents = self._judge(self.teacher)
        weighed, best, best_weights = [], None, before
        judge = build(self.teacher.architecture, self.teacher.config).eval()
        for step, factor in self._points():
            weights = interpolate(before, self.kept[step], factor)
            judge.load_state_dict(weights)
            found = self._judge(judge)
            candidate = Candidate(
                step,
                factor,
                found.leak_db - parents.leak_db,
                found.kept_db - parents.kept_db,
                _lost(parents.songs, found.songs),
                _lost(parents.medians, found.medians),
            )
            weighed.append(candidate)
            if self._sound(candidate) and (best is None or self._rank(candidate) < self._rank(best)):
                best, best_weights = candidate, weights
        if best is None:
            mildest = max(weighed, key=lambda c: (0 if math.isnan(c.kept_db) else c.kept_db) + (0 if math.isnan(c.past_db) else c.past_db))
            guard = (
                f"even at factor {mildest.factor} after {mildest.step} steps the accepted voice changes by {mildest.kept_db:.1f} dB "
                f"(allowed {self.recipe.voice_kept_db}) and the validation songs by {mildest.past_db:.2f} dB "
                f"(allowed {-self.recipe.past_lost_db})"
            )
            return mildest, interpolate(before, self.kept[mildest.step], mildest.factor), weighed, guard
        return best, best_weights, weighed, ""

    def _points(self) -> Iterator[tuple[int, float]]:
        return ((step, factor) for step in sorted(self.kept) for factor in self.recipe.factors)

    def _sound(self, candidate: Candidate) -> bool:
        """A figure that could not be taken (NaN) forbids nothing."""
        return not (
            candidate.kept_db < self.recipe.voice_kept_db
            or candidate.past_db < -self.recipe.past_lost_db
            or candidate.past_median_db < -self.recipe.median_lost_db
        )

    def _rank(self, candidate: Candidate) -> float:
        """The lower the better: what is left on the marks; without feedback, what the past lost."""
        figure = candidate.leak_db if self.feedback is not None else -(candidate.past_db + candidate.past_median_db)
        return 0.0 if math.isnan(figure) else figure

    def _judge(self, separator: Separator) -> "_Judged":
        leak, n_marked = 0.0, 0.0
        kept, voices = [], []
        for song, reference, unit in self.references:
            estimate = separator.spectrum(song.mixture[None])
            leak += float((estimate.abs().square().mean(dim=(0, 1, 2)) * song.marked).sum() / unit)
            n_marked += float(song.marked.sum())
            loud = song.loud > 0
            kept.append((estimate * reference.conj()).real.mean(dim=(0, 1, 2))[loud] / unit)
            voices.append(reference.abs().square().mean(dim=(0, 1, 2))[loud] / unit)
        past = []
        for mixture, truth in self.validation:
            error = (separator.spectrum(mixture[None]) - truth).abs().square().sum(dim=(0, 1, 2))
            past.append(_sdr(truth.abs().square().sum(dim=(0, 1, 2)), error, n_second=self.teacher.sample_rate // self.teacher.spectra.hop))
        return _Judged(
            10 * math.log10(leak / n_marked + 1e-9) if n_marked else math.nan,
            _kept(torch.cat(kept), torch.cat(voices)) if voices else math.nan,
            [song for song, _ in past],
            [median for _, median in past],
        )

    # ---- resuming

    def _write(self, state: Path) -> None:
        content = io.BytesIO()
        torch.save(
            {
                "fingerprint": self.fingerprint,
                "step": self.step,
                "losses": self.losses,
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
        if not state.exists():
            return
        digest, written = (content := state.read_bytes())[:32], content[32:]
        if hashlib.sha256(written).digest() != digest:
            return
        found = torch.load(io.BytesIO(written), weights_only=True)
        if found["fingerprint"] != self.fingerprint:
            return
        self.step, self.losses, self.kept = found["step"], found["losses"], found["kept"]
        self.student.load_state_dict(found["student"])
        self.optimiser.load_state_dict(found["optimiser"])


@dataclass(frozen=True)
class _Judged:
    """What one separator does; dB, absolute. NaN, or no figures, where there is nothing to measure."""

    leak_db: float  # on the marks
    kept_db: float  # accepted voice
    songs: list[float]  # song SDR of each validation song
    medians: list[float]  # median SDR of its sung seconds


def _lost(before: list[float], after: list[float]) -> float:
    """Mean over songs of what each lost, dB, at most 0; a song that gains does not pay for one that loses. NaN without songs."""
    losses = [min(0.0, new - old) for old, new in zip(before, after, strict=True)]
    return sum(losses) / len(losses) if losses else math.nan


def _kept(projections: Tensor, powers: Tensor) -> float:
    """How much of the accepted voice is left, dB, given each frame's projection on the parent's output and that output's power.

    The frames that lose most, up to `DOUBTFUL` of the power, do not count: people miss some of the bleed, and to take that out is
    no loss. NaN without frames.
    """
    if not len(powers):
        return math.nan
    order = torch.argsort(projections / powers.clamp(min=1e-12))
    share = torch.cumsum(powers[order], 0) / powers.sum().clamp(min=1e-12)
    sure = order[share > DOUBTFUL]
    return 20 * math.log10(max(float(projections[sure].sum() / powers[sure].sum()), 1e-6))


def _sdr(truth: Tensor, error: Tensor, *, n_second: int) -> tuple[float, float]:
    """Song SDR, and the median SDR of sung stretches of `n_second` frames, from the energies of spectral frames; dB."""
    n = max(1, len(truth) // n_second)
    voice, wrong = (energy[: n * n_second].reshape(n, -1).sum(dim=1) for energy in (truth, error))
    sung = voice > 0.03 * voice.mean()
    song = 10 * math.log10((float(truth.sum()) + 1e-7) / (float(error.sum()) + 1e-7))
    return song, float((10 * torch.log10((voice[sung] + 1e-7) / (wrong[sung] + 1e-7))).median()) if bool(sung.any()) else song


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first tenth, then fall as half a cosine to a tenth."""
    warm = max(1, steps // 10)
    if step <= warm:
        return step / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _fingerprint(parent: str, feedback: Sequence[MarkedSong], replay: Sequence[AnySong], recipe: Recipe, seed: int) -> str:
    """What makes two runs the same run."""
    digest = hashlib.sha256(json.dumps([parent, recipe.settings(), seed], sort_keys=True).encode())
    for song in feedback:
        digest.update(json.dumps([song.song_name, song.sample_rate, [list(m) for m in song.marks], [list(h) for h in song.heard]]).encode())
        digest.update(song.mixture.tobytes())
    for known in replay:
        digest.update(json.dumps([known.name, known.sample_rate, known.mixture.shape]).encode())
    return digest.hexdigest()


__all__ = ["Adapted", "BadRecipe", "Candidate", "Diverged", "MarkedSong", "NoMarks", "NoReplay", "Recipe", "adapt"]
