"""Feedback turned into examples: the two algorithms of Gupta et al. (2025, arXiv 2512.02432).

Annotators mark where there is no voice in the mix. **Zero-vocal-targets** asks the model for silence there, and for nothing on
frames that nobody marked. **Synthetic-tracks** takes the marked stretches for what they are, accompaniment, repeats them into an
artificial one, and lays known vocals over it. Stretches that people heard and left unmarked were right as the parent gave them:
there the parent's own output is the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learner.core import metrics
from learner.core.separate import as_input, stem_of
from learner.core.separators import Separator
from learner.core.teaching.missed import Missed, raised
from learner.core.teaching.replay import Patches, Replay, fit
from learner.core.teaching.tensor_store import OnDisk, TensorStore

Mark = tuple[float, float, float]  # start, end in seconds, probability
Stretch = tuple[float, float]  # seconds

SHORTEST = 0.25  # seconds; a marked stretch shorter than this is no material for an accompaniment
CROSS_FADE = 0.03  # seconds; without it the model learns clicks
REST_DB = 25.0  # accepted frames this far under the accepted voice's level are a rest of everything like a voice
SILENT = 10 ** (metrics.SILENCE_DBFS / 10)  # mean square


class NoMarks(ValueError):
    """There is no marked stretch to learn from; pass no feedback at all for replay without feedback."""


class BadMark(ValueError):
    """A mark or a heard stretch of this song is not a stretch of time within it, or its weight is not in 0 ... 1."""


@dataclass(frozen=True)
class MarkedSong:
    """A mix, where people marked it, and which stretches of it they listened to. Heard and unmarked means accepted."""

    song_name: str
    sample_rate: int
    mixture: NDArray[np.float32]  # (channels, samples)
    marks: Sequence[Mark]
    heard: Sequence[Stretch]
    missing: Sequence[Mark] = ()  # where people hear a voice in the mix that the parent left out

    def check(self) -> None:
        """Raise BadMark unless every stretch runs forward, starts within the song, and every weight is a probability."""
        duration = self.mixture.shape[-1] / self.sample_rate
        for name, stretch in [
            *(("marks", m) for m in self.marks),
            *(("heard", h) for h in self.heard),
            *(("missing", m) for m in self.missing),
        ]:
            start, end = stretch[:2]
            if not (np.isfinite(start) and np.isfinite(end) and 0 <= start < end and start < duration):
                raise BadMark(f"{self.song_name}, {name}: {start} ... {end} s; allowed is 0 <= start < end, start before {duration:.2f} s")
        for *_, weight in (*self.marks, *self.missing):
            if not 0 <= weight <= 1:
                raise BadMark(f"{self.song_name}, marks: the weight is {weight}; allowed is 0 ... 1")


def silence(vocals: Tensor, regions: Sequence[Stretch], sample_rate: int) -> Tensor:
    """Return `vocals` with every region set to zero: the paper's zero-vocal target.

    `vocals` is (channels, samples) and is left as it was; a region may reach past the end of the track, since players round up.
    """
    target = vocals.clone()
    for start, end in regions:
        target[:, round(start * sample_rate) : round(end * sample_rate)] = 0
    return target


def frame_weights(regions: Sequence[Mark], n_frames: int, hop: int, sample_rate: int, *, margin: float = 0.0) -> Tensor:
    """One weight a spectral frame: the region's where the frame's centre lies inside it, 0 elsewhere; (n_frames,).

    `margin` seconds are taken off both ends of each region (less for regions that would vanish): people mark late.
    """
    weights = torch.zeros(n_frames)
    for start, end, weight in regions:
        inset = min(margin, (end - start) / 4)
        first = int(np.ceil((start + inset) * sample_rate / hop))
        last = int(np.ceil((end - inset) * sample_rate / hop))
        weights[first:last] = torch.clamp(weights[first:last], min=weight)
    return weights


@dataclass(frozen=True)
class PreparedSong:
    """One marked song, prepared: audio as the separator wants it, and what is known of each spectral frame."""

    name: str
    mixture: Tensor | OnDisk  # (channels, samples)
    marked: Tensor  # (frames,), probability that there is no voice; 0 where unknown
    accepted: Tensor  # (frames,), 1 where people heard the parent's output and let it pass
    stretches: list[Mark]  # marked with a probability that is high enough, margins off
    rests: list[Stretch]  # accepted while the parent's output was quiet: nobody sings and nothing leaks
    estimate: Tensor | OnDisk  # (channels, samples), the parent's
    loud: Tensor  # (frames,), 1 where accepted and the parent's output is as loud as voice
    voice_level: float  # root mean square of the parent's output over the loud frames; 0 where there are none
    missed: Missed | None = None  # where voice is missing, if anywhere

    def on(self, store: TensorStore) -> "PreparedSong":
        """The same with its sound in a store."""
        missed = self.missed and self.missed.on(store)
        return replace(self, mixture=store.put(self.mixture[..., :]), estimate=store.put(self.estimate[..., :]), missed=missed)


@torch.no_grad()
def prepare(song: MarkedSong, parent: Separator, *, margin: float, least_probability: float = 0.5) -> PreparedSong:
    """Bring a song to the separator's rate and channels and work out what is known of each frame. Raises BadMark.

    Marks under `least_probability` are no material for synthetic tracks. All tensors are on the CPU, wherever the separator is.
    """
    song.check()
    mixture = as_input(parent, song.mixture, song.sample_rate)
    hop, rate = parent.spectra.hop, parent.sample_rate
    estimate = stem_of(parent, mixture)
    power = parent.spectra(estimate[None]).abs().square().mean(dim=(0, 1, 2)).cpu()
    estimate = estimate.cpu()
    n_frames = len(power)
    marked = frame_weights(song.marks, n_frames, hop, rate, margin=margin)
    # A frame near a mark's edge is neither marked nor accepted.
    said = [(max(0.0, s - margin), e + margin, 1.0) for s, e, _ in (*song.marks, *song.missing)]
    near = frame_weights(said, n_frames, hop, rate)
    accepted = frame_weights([(s, e, 1.0) for s, e in song.heard], n_frames, hop, rate) * (near == 0)
    sounding = accepted * (power > SILENT * parent.spectra.n_fft * 0.375 / 2)
    level = (power * sounding).sum() / sounding.sum().clamp(min=1)
    loud = sounding * (power > level * 10 ** (-metrics.LEAK_RANGE_DB / 10))
    inside = torch.repeat_interleave(loud, hop)
    inside = fit(inside, mixture.shape[-1])
    voice = float(((estimate.square().mean(0) * inside).sum() / inside.sum().clamp(min=1)).sqrt())
    rests = _runs(accepted * (power < level * 10 ** (-REST_DB / 10)), hop / rate)
    weights = frame_weights(song.missing, n_frames, hop, rate, margin=margin) * (marked == 0)
    missed = Missed(weights, raised(parent.spectra, mixture, estimate)) if bool(weights.any()) else None
    stretches = _stretches(song.marks, margin, least_probability)
    return PreparedSong(song.song_name, mixture, marked, accepted, stretches, rests, estimate, loud, voice, missed)


def _runs(frames: Tensor, seconds: float) -> list[Stretch]:
    """Runs of frames that are not 0, each frame `seconds` long, if they are long enough to be material; in seconds."""
    edges = torch.diff(torch.nn.functional.pad((frames != 0).int(), (1, 1)))
    starts, ends = (torch.nonzero(edges == sign).flatten().tolist() for sign in (1, -1))
    return [(a * seconds, b * seconds) for a, b in zip(starts, ends, strict=True) if (b - a) * seconds >= SHORTEST]


def _stretches(marks: Sequence[Mark], margin: float, least_probability: float) -> list[Mark]:
    inset = [(s + min(margin, (e - s) / 4), e - min(margin, (e - s) / 4), p) for s, e, p in marks if p >= least_probability]
    return [(s, e, p) for s, e, p in inset if e - s >= SHORTEST]


class Feedback:
    """Draws patches from marked songs, by either algorithm.

    Marked stretches are played up to `stretch_pitch` semitones higher or lower where they are repeated. What is cut out of a song as
    it is begins on the separator's `grid` (samples), where people heard it so.
    """

    def __init__(
        self,
        songs: Sequence[PreparedSong],
        *,
        sample_rate: int,
        hop: int,
        n_samples: int,
        n_frames: int,
        stretch_pitch: float = 4.0,
        grid: int = 1,
    ):
        self.songs, self.sample_rate, self.hop, self.stretch_pitch = songs, sample_rate, hop, stretch_pitch
        self.n_samples, self.n_frames, self.grid = n_samples, n_frames, max(1, grid // hop)
        self.marked = [song for song in songs if bool(song.marked.any())]
        self.material = [song for song in songs if song.stretches]
        self.missed = [song for song in songs if song.missed is not None]
        self.voices = [song for song in songs if float(song.loud.sum()) * hop / sample_rate >= 1.0]
        if not self.marked:
            raise NoMarks
        levels = [song.voice_level for song in self.voices]
        self.voice_level = float(np.mean(levels)) if levels else 0.1

    def zero_vocal_targets(self, n: int, generator: torch.Generator, *, keep: float) -> Patches:
        """Patches around marks: silence on marked frames by their probability, the parent's output (times `keep`) on accepted ones."""
        chosen = [self._around_a_mark(self.marked[_pick(len(self.marked), generator)], generator) for _ in range(n)]
        mixture = torch.stack([m for m, _, _ in chosen])
        return Patches(
            mixture, torch.zeros_like(mixture), torch.stack([w for _, w, _ in chosen]), keep * torch.stack([a for _, _, a in chosen])
        )

    def synthetic_tracks(self, n: int, generator: torch.Generator, replay: Replay, *, own_voices: float, rests: float) -> Patches:
        """Known vocals over artificial accompaniments; a share `own_voices` are the parent's accepted ones from these very songs.

        A share `rests` of the accompaniments' stretches are accepted rests, so that voices over a song's ordinary band stay. A frame
        counts by the probability of the mark that its accompaniment was copied from; a rest is certain.
        Where no mark is long enough to make an accompaniment of, zero-vocal-targets take the place.
        """
        if not self.material:
            return self.zero_vocal_targets(n, generator, keep=1.0)
        mixtures, truths, weights = [], [], []
        for _ in range(n):
            song = self.material[_pick(len(self.material), generator)]
            band, weight = self.artificial_accompaniment(song, generator, rests=rests)
            if self.voices and _chance(generator) < own_voices:
                vocals = self._accepted_voice(self.voices[_pick(len(self.voices), generator)], generator)
                level = 0.0
            else:
                vocals = replay.vocals(generator, sung=True)
                level = song.voice_level or self.voice_level
            mixtures.append(band + (vocals := _at_level(vocals, level, generator)))
            truths.append(vocals)
            weights.append(weight)
        known = torch.stack(weights)
        return Patches(torch.stack(mixtures), torch.stack(truths), known, torch.zeros_like(known))

    def missed_voices(self, n: int, generator: torch.Generator, *, weight: float, keep: float) -> Patches:
        """Patches around marks of missing voice: there a raised parent's output by their probability times `weight`."""
        mixtures, truths, weights, kept = [], [], [], []
        for _ in range(n):
            song = self.missed[_pick(len(self.missed), generator)]
            assert song.missed is not None
            first = self._first_frame(song.missed.weights, generator)
            cut = slice(first * self.hop, first * self.hop + self.n_samples)
            mixtures.append(fit(song.mixture[..., cut], self.n_samples))
            truths.append(fit(song.missed.voice[..., cut], self.n_samples))
            frames = slice(first, first + self.n_frames)
            weights.append(fit(song.missed.weights[frames], self.n_frames))
            kept.append(fit(song.accepted[frames], self.n_frames))
        return Patches(torch.stack(mixtures), torch.stack(truths), weight * torch.stack(weights), keep * torch.stack(kept))

    def artificial_accompaniment(self, song: PreparedSong, generator: torch.Generator, *, rests: float = 0.0) -> tuple[Tensor, Tensor]:
        """Repeat marked stretches, each rolled by a random shift, with cross-fades, to (channels, n_samples).

        A share `rests` of them are rests instead, where the song has any. The second tensor, (frames,), is the probability of the
        mark that sounds at each frame's centre; 1 in rests.
        """
        n_fade = round(CROSS_FADE * self.sample_rate)
        fade = torch.linspace(0, 1, n_fade)
        out = torch.zeros(song.mixture.shape[0], self.n_samples + n_fade)
        sure = torch.ones(self.n_samples + n_fade)
        at = 0
        while at < self.n_samples:
            material = [(*rest, 1.0) for rest in song.rests] if song.rests and _chance(generator) < rests else song.stretches
            start, end, probability = material[_pick(len(material), generator)]
            piece = song.mixture[..., round(start * self.sample_rate) : round(end * self.sample_rate)]
            # Played faster or slower, a solo comes in keys and with bodies that nobody happened to mark.
            shift = 2 ** (self.stretch_pitch * (2 * _chance(generator) - 1) / 12)
            piece = torch.nn.functional.interpolate(piece[None], size=max(1, round(piece.shape[1] * shift)), mode="linear")[0]
            if piece.shape[1] <= 2 * n_fade:
                piece = fit(piece, 2 * n_fade + 1)
            piece = _rolled(piece, _pick(piece.shape[1], generator), fade)
            piece[:, :n_fade] *= fade
            piece[:, -n_fade:] *= 1 - fade
            place = out[:, at : at + piece.shape[1]]
            place += piece[:, : place.shape[1]]
            sure[at : at + piece.shape[1]] = probability
            at += piece.shape[1] - n_fade
        return out[:, : self.n_samples], sure[:: self.hop][: self.n_frames]

    def _around_a_mark(self, song: PreparedSong, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A patch with a marked frame somewhere in it: mixture, marked weights, accepted weights."""
        first = self._first_frame(song.marked, generator)
        mixture = fit(song.mixture[..., first * self.hop : first * self.hop + self.n_samples], self.n_samples)
        marked, accepted = (fit(w[first : first + self.n_frames], self.n_frames) for w in (song.marked, song.accepted))
        return mixture, marked, accepted

    def _accepted_voice(self, song: PreparedSong, generator: torch.Generator) -> Tensor:
        """The parent's output around a loud accepted frame; silent where people did not hear it or marked it."""
        first = self._first_frame(song.loud, generator)
        begin = first * self.hop
        accepted = song.accepted[None, None, first : first + self.n_frames]
        gate = torch.nn.functional.interpolate(accepted, size=accepted.shape[-1] * self.hop, mode="linear")[0, 0]
        piece = fit(song.estimate[..., begin : begin + self.n_samples], self.n_samples)
        return piece * fit(gate, self.n_samples)

    def _first_frame(self, wanted: Tensor, generator: torch.Generator) -> int:
        """Where a patch begins that has a wanted frame, one that is not 0, somewhere in it."""
        frames = torch.nonzero(wanted).flatten()
        middle = int(frames[_pick(len(frames), generator)])
        first = min(max(0, middle - _pick(self.n_frames, generator)), max(0, len(wanted) - self.n_frames))
        first -= first % self.grid
        return first if middle < first + self.n_frames else min(first + self.grid, middle)


def _rolled(piece: Tensor, shift: int, fade: Tensor) -> Tensor:
    """Roll in time; the seam where the end meets the beginning is cross-faded, which costs the fade's length."""
    n_fade = len(fade)
    ring = piece[:, n_fade:].clone()
    ring[:, -n_fade:] = ring[:, -n_fade:] * (1 - fade) + piece[:, :n_fade] * fade
    return torch.roll(ring, shift, dims=1)


def _at_level(vocals: Tensor, level: float, generator: torch.Generator) -> Tensor:
    """Bring sung parts to `level` (root mean square; 0 leaves it as it is), give or take 4 dB."""
    gain = 10 ** ((8 * _chance(generator) - 4) / 20)
    power = vocals.square().mean(0)
    sung = power > power.mean() * 0.03
    present = float(power[sung].mean().sqrt()) if bool(sung.any()) else 0.0
    if level > 0 and present > 1e-4:
        gain *= level / present
    return vocals * gain


def _pick(n: int, generator: torch.Generator) -> int:
    return int(torch.randint(n, (), generator=generator))


def _chance(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
