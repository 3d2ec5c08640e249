"""Which point of an adaptation becomes the child: every kept point, and points on the line from it back to the parent, are weighed.

The chosen one is saved.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from learner.core import checkpoint
from learner.core.checkpoint import Saved
from learner.core.separate import as_input, other_of, spectrum_of
from learner.core.separators import Separator, build
from learner.core.songs import Song
from learner.core.teaching import solos
from learner.core.teaching.continual import Weights, copy_weights, interpolate
from learner.core.teaching.feedback import PreparedSong
from learner.core.teaching.limits import GRACE, Candidate, broken, within
from learner.core.teaching.recipe import BadRecipe, Recipe
from learner.core.teaching.tensor_store import OnDisk, TensorStore

FAINT_DB = -20.0  # level on the marks, re the accepted voice, at which hardly anything leaks there
FEW_SECONDS = 15.0
DOUBTFUL = 0.15  # of the accepted voice's power, which may be bleed that nobody marked
SURELY = 3.0  # dB over the limit at which a parent lets a held voice through; else it is no measure of the child
SUNG_SHARE = 0.03  # of the mean energy of a song's seconds, 15 dB under it; see `learner.core.metrics`
SPAM = 0.5  # share of what people heard; where more is marked, and no voice is accepted, nothing shows what the child keeps


@dataclass(frozen=True)
class Chosen:
    candidate: Candidate
    weights: Weights
    weighed: list[Candidate]
    refused_because: str  # why it must not be promoted; empty when it may be
    held_back: str  # how far it went, and what kept it from going farther; a sentence
    doubt: bool = False  # whether that is but a doubt of what people marked


@dataclass(frozen=True)
class _Mix:
    """A mix as the separator wants it, and what of it is the same for parent and child, where that can be told."""

    samples: Tensor | OnDisk  # (channels, samples)
    other: Tensor | OnDisk | None


@dataclass(frozen=True)
class _Reference:
    """What the parent makes of a marked song."""

    song: PreparedSong
    mix: _Mix
    loud: Tensor  # (frames,), whether the song is loud there
    spectrum: Tensor | OnDisk  # complex (1, channels, bins, loud frames)
    voice: Tensor  # (loud frames,), mean power
    unit: Tensor  # mean power of the loud frames, in which powers are measured; 1 where there are none

    def projection(self, estimate: Tensor) -> Tensor:
        """The part of an estimate's spectrum (1, channels, bins, frames) that is this, as mean power of each loud frame."""
        whole = torch.zeros_like(estimate)
        whole[..., self.loud] = self.spectrum[..., :]
        return (estimate * whole.conj()).real.mean(dim=(0, 1, 2))[self.loud]


class Selection:
    """Weighs points on marks, on accepted voice and on validation songs, each in comparison with the parent, and chooses one."""

    @torch.no_grad()
    def __init__(
        self,
        parent: Separator,
        heard: Sequence[PreparedSong],
        validation: Sequence[Song],
        recipe: Recipe,
        alive: Callable[[str], None] = lambda _: None,
        base: Separator | None = None,
        store: TensorStore | None = None,
    ):
        """`base` is the checkpoint that the campaign began with, where it is not the parent.

        `alive` is told what is being done, at least once a song; what it raises stops the weighing. Spectra lie in the `store`.
        """
        self.store = store or TensorStore()
        self.recipe, self.alive, self.base = recipe, alive, base
        self.parent, self.before = parent, _on_cpu(copy_weights(parent))
        self.device = next(parent.parameters()).device
        self.still = _still(parent, recipe)
        self.references = [self._reference(song) for song in heard]
        self.factors = [factor * self._reach() * recipe.strength for factor in recipe.factors]
        self.validation = [
            (self._mix(self.store.put(mixture)), self.store.put(parent.spectra(truth[None].to(self.device)).cpu()))
            for mixture, truth in (
                (as_input(parent, song.mixture, song.sample_rate), as_input(parent, song.vocals, song.sample_rate))
                for song in validation
                if song.vocals is not None
            )
        ]
        self.candidate = build(parent.architecture, parent.config).eval().to(self.device)
        self.solos = self._known_solos() if recipe.solo_sdr_db else []
        self.weighed: dict[int, list[Candidate]] = {}
        self.parents: _Judged | None = None
        self.base_songs = self._past(base, "the base")[0] if base is not None else []

    def _reach(self) -> float:
        """With few marks, shrink the step away from the parent: n / (n + half_way), 0 ... 1, with n marked seconds.

        Few marks show few of the sounds that could be taken for a voice. The same shrinks an estimate from n observations towards
        what was known before.
        """
        if not self.references or not self.recipe.half_way:
            return 1.0
        seconds = self._marked_seconds()
        return seconds / (seconds + self.recipe.half_way)

    def _marked_seconds(self) -> float:
        return sum(float(one.song.marked.sum()) for one in self.references) * self.parent.spectra.hop / self.parent.sample_rate

    def _known_solos(self) -> list[_Mix]:
        """Held voices, alone, that the parent lets through."""
        found = [self._mix(as_input(self.parent, solo.mixture, solo.sample_rate)) for solo in solos.alone(self.parent.stem)]
        return [voice for voice in found if self._solo_sdr(self.parent, voice) >= self.recipe.solo_sdr_db + SURELY]

    def _solo_sdr(self, separator: Separator, voice: _Mix) -> float:
        truth = self.parent.spectra(voice.samples[..., :][None].to(self.device)).cpu()
        return _song_sdr(truth.abs().square(), (self._spectrum(separator, voice) - truth).abs().square())

    def _between(self, weights: Mapping[str, Tensor], factor: float) -> Weights:
        """A point on the way from the parent; the layers that are to stay are the parent's there too."""
        return interpolate(self.before, {**weights, **{name: self.before[name] for name in self.still}}, factor)

    def _mix(self, samples: Tensor | OnDisk) -> _Mix:
        other = other_of(self.parent, samples[..., :])
        return _Mix(samples, None if other is None else self.store.put(other.cpu()))

    def _spectrum(self, separator: Separator, mix: _Mix) -> Tensor:
        other = None if mix.other is None or separator is self.base else mix.other[..., :]
        return spectrum_of(separator, mix.samples[..., :], other).cpu()

    def _reference(self, song: PreparedSong) -> _Reference:
        self.alive(f"hearing the parent on {song.name}")
        mix = self._mix(song.mixture)
        spectrum = self._spectrum(self.parent, mix)
        power = spectrum.abs().square().mean(dim=(0, 1, 2))
        unit, loud = (power * song.loud).sum() / song.loud.sum().clamp(min=1), song.loud > 0
        unit = unit if float(unit) > 0 else torch.ones(())
        return _Reference(song, mix, loud, self.store.put(spectrum[..., loud]), power[loud], unit)

    @torch.no_grad()
    def weigh(self, step: int, weights: Mapping[str, Tensor]) -> list[Candidate]:
        """Weigh the point kept after `step` at every factor of the recipe; asked again, the answer is the same."""
        if step not in self.weighed:
            if self.parents is None:
                self.parents = self._judge(self.parent, "the parent")
            found = []
            for factor in self.factors:
                self.candidate.load_state_dict(self._between(weights, factor))
                judged = self._judge(self.candidate, f"step {step} at factor {factor:g}")
                found.append(
                    Candidate(
                        step,
                        factor,
                        judged.leak_db - self.parents.leak_db,
                        judged.kept_db - self.parents.kept_db,
                        _lost(_differences(self.parents.songs, judged.songs)),
                        _lost(self._sung(self.parents.seconds, judged.seconds)),
                        _lost(_differences(self.base_songs, judged.songs)) if self.base_songs else math.nan,
                        min((self._solo_sdr(self.candidate, voice) for voice in self.solos), default=math.nan),
                    )
                )
            self.weighed[step] = found
        return self.weighed[step]

    def best(self) -> Candidate | None:
        """Of the points weighed so far that keep voice and past, the one with the least on the marks; None where none keeps them."""
        sound = [candidate for step in sorted(self.weighed) for candidate in self.weighed[step] if within(candidate, self.recipe)]
        return min(sound, key=self._rank, default=None)

    def choose(self, kept: Mapping[int, Weights]) -> Chosen:
        """Weigh the last point, and the ones before it only until one keeps voice and past; return the best of that point.

        An earlier point reaches the same leak at a greater cost to the past; a recipe with patience has weighed them all, and takes the
        best of all. Where none keeps voice and past, the mildest is returned, and why where it is far off.
        """
        weighed: list[Candidate] = []
        best = None
        for step in sorted(kept, reverse=True):
            weighed += self.weigh(step, kept[step])
            best = self.best()
            if best is not None and not self.recipe.patience:
                break
        if best is None:
            best = max(weighed, key=lambda c: (0 if math.isnan(c.kept_db) else c.kept_db) + (0 if math.isnan(c.past_db) else c.past_db))
        held_back, doubt = self._held_back(best, weighed), False
        if within(best, self.recipe, GRACE):  # else not even the gate, whose songs decide, needs to look at it
            refused_because = self._cannot_be_judged(best)
            if not refused_because:
                doubt = bool(refused_because := self._voices_were_marked(kept[max(kept)]))
        else:
            refused_because = (
                f"even at factor {best.factor:.2g} after {best.step} steps the accepted voice changes by {best.kept_db:.1f} dB "
                f"(allowed {GRACE * self.recipe.voice_kept_db:g}) and the validation songs by {best.past_db:.2f} dB "
                f"(allowed {-GRACE * self.recipe.past_lost_db:g})"
            )
            if not math.isnan(best.all_db):
                refused_because += f", since the base by {best.all_db:.2f} dB (allowed {-GRACE * self.recipe.all_lost_db:g})"
            if best.solo_db < self.recipe.solo_sdr_db / GRACE:
                refused_because += f", held voices that sing alone to {best.solo_db:.0f} dB (allowed {self.recipe.solo_sdr_db / GRACE:g})"
        return Chosen(best, self._between(kept[best.step], best.factor), weighed, refused_because, held_back, doubt)

    def _held_back(self, best: Candidate, weighed: Sequence[Candidate]) -> str:
        """How far the child went, of the way from its parent, and why no farther; a sentence."""
        told = f"The child went {best.factor:.0%} of the way that its marks showed"
        if not within(best, self.recipe):
            return f"{told}, the mildest point that was weighed, though there {' and '.join(broken(best, self.recipe))}."
        further = [one for one in weighed if one.step == best.step and one.factor > best.factor]
        reasons = broken(min(further, key=lambda one: one.factor), self.recipe) if further else []
        if reasons:
            return f"{told}; farther, {' and '.join(reasons)}."
        reach, seconds = self._reach(), self._marked_seconds()
        if reach < 1 and best.factor >= max(self.factors):
            strength = f", and after a promotion {self.recipe.strength:.0%} of that" if self.recipe.strength < 1 else ""
            return f"{told}: {seconds:.0f} marked seconds allow {reach:.0%} of it{strength}."
        if self.recipe.strength < 1 and best.factor >= max(self.factors):
            return f"{told}: this round allows {self.recipe.strength:.0%} of it."
        return f"{told}."

    def save(self, chosen: Chosen, out: Path, *, parent: str, seed: int) -> Saved:
        """Save what was chosen as a checkpoint into the folder `out`; `parent` is the hash of the parent's file."""
        self.alive("saving the child")
        self.candidate.load_state_dict(chosen.weights)
        how = {**self.recipe.settings(), "step": chosen.candidate.step, "factor": chosen.candidate.factor}
        return checkpoint.save(self.candidate, out, recipe=how, parent=parent, seed=seed)

    def _rank(self, candidate: Candidate) -> float:
        """The lower the better: what is left on the marks; without feedback, what the past lost."""
        figure = candidate.leak_db if self.references else -(candidate.past_db + candidate.past_median_db)
        return 0.0 if math.isnan(figure) else figure

    def _cannot_be_judged(self, candidate: Candidate) -> str:
        """Why this candidate cannot be judged, where people marked most of what they heard and accepted no voice; else empty."""
        n_marked = sum(float((one.song.marked > 0).sum()) for one in self.references)
        n_heard = n_marked + sum(float((one.song.accepted > 0).sum()) for one in self.references)
        if not self.references or not math.isnan(candidate.kept_db) or n_marked <= SPAM * n_heard:
            return ""
        return f"{n_marked / n_heard:.0%} of what people heard is marked and they accepted no voice, so nothing shows that voices stay"

    @torch.no_grad()
    def _voices_were_marked(self, weights: Mapping[str, Tensor]) -> str:
        """Why the marks look as if people had marked voices, or anything: not even the whole child could take them out; else empty.

        What is a voice stays a voice while replay teaches voices, however long silence is taught in the same place.
        """
        if not self.references or not self.recipe.marks_fall_db or self.parents is None:
            return ""
        self.candidate.load_state_dict(self._between(weights, 1.0))
        before = self._heard(self.base, "the base") if self.base is not None else (self.parents.leak_db, self.parents.kept_db)
        (marks_before, voice_before), (marks, voice) = before, self._heard(self.candidate, "the whole child")
        fall, lost = marks_before - marks, 0.0 if math.isnan(voice) else max(0.0, voice_before - voice)
        if not fall - lost < self.recipe.marks_fall_db:
            return ""
        told = (
            f"even the whole child takes only {fall:.1f} dB off what people marked, and {lost:.1f} dB off the voice that they accepted "
            f"(the difference must be {self.recipe.marks_fall_db:g} dB), so "
        )
        if fall >= self.recipe.marks_fall_db:
            return (
                told + "what they marked and what they accepted are too much alike to the network: bleed was missed, or voices were marked"
            )
        if marks_before < FAINT_DB:
            return told + f"there is little to take out: on the marks the parent is {-marks_before:.0f} dB under the accepted voice"
        # Right marks look the same where the base does not fit; all figures of the round tell more: `judging.advice`.
        alike = "too many of them are no bleed, or the model cannot tell bleed from the rest of these songs"
        if (seconds := self._marked_seconds()) < FEW_SECONDS:
            return told + f"{seconds:.0f} marked seconds are too few to learn from, {alike}"
        return told + f"either {alike}"

    def _judge(self, separator: Separator, which: str) -> "_Judged":
        return _Judged(*self._heard(separator, which), *self._past(separator, which))

    def _heard(self, separator: Separator, which: str) -> tuple[float, float]:
        """Level on the marks, and of the accepted voice; dB, NaN where there is nothing to measure."""
        leak, n_marked = 0.0, 0.0
        kept, voices = [], []
        for reference in self.references:
            self.alive(f"weighing {which}")
            song, unit = reference.song, reference.unit
            estimate = self._spectrum(separator, reference.mix)
            leak += float((estimate.abs().square().mean(dim=(0, 1, 2)) * song.marked).sum() / unit)
            n_marked += float(song.marked.sum())
            kept.append(reference.projection(estimate) / unit)
            voices.append(reference.voice / unit)
        level = 10 * math.log10(leak / n_marked + 1e-9) if n_marked else math.nan
        return level, voice_kept(torch.cat(kept), torch.cat(voices), half=self.recipe.voice_median) if voices else math.nan

    def _sung(self, before: list[Tensor], after: list[Tensor]) -> list[float]:
        """By how much the sung seconds of each validation song changed, dB: in their median, or in the median of what each changed."""
        if self.recipe.second_by_second:
            return [float((new - old).median()) for old, new in zip(before, after, strict=True)]
        return _differences(*([float(seconds.median()) for seconds in songs] for songs in (before, after)))

    def _past(self, separator: Separator, which: str) -> tuple[list[float], list[Tensor]]:
        """Song SDR, and SDR of sung seconds, of each validation song; dB."""
        past = []
        for mixture, stored in self.validation:
            self.alive(f"weighing {which}")
            truth = stored[..., :]
            error = (self._spectrum(separator, mixture) - truth).abs().square().sum(dim=(0, 1, 2))
            past.append(_sdr(truth.abs().square().sum(dim=(0, 1, 2)), error, n_second=self.parent.sample_rate // self.parent.spectra.hop))
        return [song for song, _ in past], [seconds for _, seconds in past]


@dataclass(frozen=True)
class _Judged:
    """What one separator does; dB, absolute. NaN, or no figures, where there is nothing to measure."""

    leak_db: float  # on the marks
    kept_db: float  # accepted voice
    songs: list[float]  # song SDR of each validation song
    seconds: list[Tensor]  # SDR of its sung seconds


def _differences(before: list[float], after: list[float]) -> list[float]:
    return [new - old for old, new in zip(before, after, strict=True)]


def _lost(changes: list[float]) -> float:
    """Mean over songs of what each lost, dB, at most 0; a song that gains does not pay for one that loses. NaN without songs."""
    losses = [min(0.0, change) for change in changes]
    return sum(losses) / len(losses) if losses else math.nan


def voice_kept(projections: Tensor, powers: Tensor, *, half: bool = False) -> float:
    """How much of the accepted voice is left, dB, given each frame's projection on the parent's output and that output's power.

    The frames that lose most, up to `DOUBTFUL` of the power, do not count: people miss some of the bleed, and to take that out is
    no loss. On real songs they miss more, and bleed sounds on under voices: with `half`, what the frame in the middle of the power has
    left is the answer, whatever happens to up to half of it. NaN without frames.
    """
    if not len(powers):
        return math.nan
    order = torch.argsort(projections / powers.clamp(min=1e-12))
    power = torch.cumsum(powers[order], 0)
    if half:
        middle = order[int((power < powers.sum() / 2).sum().clamp(max=len(order) - 1))]
        return 20 * math.log10(max(float(projections[middle] / powers[middle].clamp(min=1e-12)), 1e-6))
    sure = order[power / powers.sum().clamp(min=1e-12) > DOUBTFUL]
    return 20 * math.log10(max(float(projections[sure].sum() / powers[sure].sum()), 1e-6))


def _song_sdr(truth: Tensor, error: Tensor) -> float:
    """Song SDR from energies of any shape; dB."""
    return 10 * math.log10((float(truth.sum()) + 1e-7) / (float(error.sum()) + 1e-7))


def _sdr(truth: Tensor, error: Tensor, *, n_second: int) -> tuple[float, Tensor]:
    """Song SDR, and SDR of each sung stretch of `n_second` frames (of the song where nobody sings), from the energies of frames; dB."""
    n = max(1, len(truth) // n_second)
    voice, wrong = (energy[: n * n_second].reshape(n, -1).sum(dim=1) for energy in (truth, error))
    sung = voice > SUNG_SHARE * voice.mean()
    song = _song_sdr(truth, error)
    if not bool(sung.any()):
        return song, torch.tensor([song], dtype=torch.float64)
    return song, 10 * torch.log10((voice[sung] + 1e-7) / (wrong[sung] + 1e-7))


def _still(parent: Separator, recipe: Recipe) -> set[str]:
    """The weights that the child has from its parent. Raises BadRecipe where the recipe names layers that the parent has not."""
    try:
        return parent.outer_weights(recipe.still_layers) if recipe.still_layers else set()
    except ValueError as problem:
        raise BadRecipe(f"still_layers is {recipe.still_layers}: {problem}") from problem


def _on_cpu(weights: Weights) -> Weights:
    return {name: value.cpu() for name, value in weights.items()}
