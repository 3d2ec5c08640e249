"""Replay: patches of songs with known stems, remixed voice against band, that keep the past in the model's ears."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import EllipsisType

import torch
from torch import Tensor

from learner.core.separate import as_input
from learner.core.separators import Separator
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong, StemOnDisk

SUNG = 1e-4  # mean square (-40 dBFS) over which a whole patch of vocals, some seconds long, counts as sung


class NoReplay(ValueError):
    """This recipe needs songs with vocals and accompaniment to replay, and none were given."""


@dataclass(frozen=True)
class Patches:
    """Examples of one length, with what is known about each of their spectral frames.

    The loss draws the estimate towards `truth` by `truth_weight` and towards the parent's output by `keep_weight`; a frame
    about which nothing is known has weight 0 in both. Patches of a memory also bring magnitudes that a model gave when they were
    `stored`, which count by `stored_weight`.
    """

    mixture: Tensor  # (batch, channels, samples)
    truth: Tensor  # (batch, channels, samples)
    truth_weight: Tensor  # (batch, frames)
    keep_weight: Tensor  # (batch, frames)
    stored: Tensor | None = None  # (batch, channels, bins, frames)
    stored_weight: Tensor | None = None  # (batch, frames)

    def __len__(self) -> int:
        return len(self.mixture)

    @staticmethod
    def join(parts: Sequence["Patches"]) -> "Patches":
        mixture, truth, truth_weight, keep_weight = (
            torch.cat([getattr(part, name) for part in parts]) for name in ("mixture", "truth", "truth_weight", "keep_weight")
        )
        return Patches(mixture, truth, truth_weight, keep_weight, *_join_stored(parts))

    def to(self, device: torch.device) -> "Patches":
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return Patches(**{name: part.to(device) for name, part in found.items() if part is not None})


def _join_stored(parts: Sequence[Patches]) -> tuple[Tensor | None, Tensor | None]:
    """What some parts have stored, with weight 0 for the others; None where none have."""
    like = next((part.stored for part in parts if part.stored is not None), None)
    if like is None:
        return None, None
    stored = [part.stored if part.stored is not None else like.new_zeros(len(part), *like.shape[1:]) for part in parts]
    weights = [part.stored_weight if part.stored_weight is not None else torch.zeros_like(part.truth_weight) for part in parts]
    return torch.cat(stored), torch.cat(weights)


class Streamed:
    """A stem on disk, cut like a tensor (channels, samples) at the separator's rate and channels: `[..., start:end]` reads that stretch."""

    def __init__(self, stem: StemOnDisk, separator: Separator):
        self.stem, self.separator = stem, separator
        self.shape = (separator.channels, stem.length(separator.sample_rate))

    def __getitem__(self, cut: tuple[EllipsisType, slice]) -> Tensor:
        start, end, _ = cut[1].indices(self.shape[1])
        rate = self.separator.sample_rate
        return as_input(self.separator, self.stem.read(start, end, rate, mono=self.separator.channels == 1), rate)


@dataclass(frozen=True)
class Stems:
    """A song's stems (channels, samples) at the separator's rate and channels: tensors, or read from disk where they are cut."""

    vocals: Tensor | Streamed
    accompaniment: Tensor | Streamed

    @classmethod
    def of(cls, song: AnySong, separator: Separator) -> "Stems":
        assert song.vocals is not None and song.accompaniment is not None
        if not isinstance(song, Song):
            return cls(Streamed(song.vocals, separator), Streamed(song.accompaniment, separator))
        vocals, accompaniment = (as_input(separator, stem, song.sample_rate) for stem in (song.vocals, song.accompaniment))
        return cls(vocals, accompaniment)


class Replay:
    """Draws patches from songs with stems, in memory or on disk. `share` of the songs (at least one) is used, chosen by `generator`.

    Voices, and the accompaniments that they are remixed with, are played up to `pitch_shift` semitones higher or lower: a few songs
    then hold more voices than they have singers.
    """

    alone: float = 0.0  # share of the patches that are a voice without a band
    grid: int = 1  # samples; patches of a song as it is begin at multiples of it
    over_band: tuple[float, ...] = ()  # least and most dB that remixed voices lie over their accompaniment; none: as in their song
    sung: float = 0.0  # share of remixed patches for whose voice a stretch is sought in which somebody sings

    def __init__(
        self,
        songs: Sequence[AnySong],
        separator: Separator,
        *,
        n_samples: int,
        n_frames: int,
        share: float,
        generator: torch.Generator,
        pitch_shift: float = 0.0,
        alone: float = 0.0,
        sung: float = 0.0,
        over_band: tuple[float, ...] = (),
    ):
        self.alone, self.sung, self.over_band, self.grid = alone, sung, over_band, separator.grid
        self.songs: Sequence[Stems] = [Stems.of(song, separator) for song in share_of(songs, share, generator)]
        self.n_samples, self.n_frames, self.pitch_shift = n_samples, n_frames, pitch_shift

    def vocals(self, generator: torch.Generator, *, sung: bool = False) -> Tensor:
        """Return a random stretch of some song's vocals; with `sung`, try a few times for one that is not silent."""
        piece = self._stretch(self._any(generator).vocals, generator)
        for _ in range(4 if sung else 0):
            if piece.square().mean() > SUNG:
                break
            piece = self._stretch(self._any(generator).vocals, generator)
        return piece

    def patches(self, n: int, generator: torch.Generator, *, remixed: float, keep: float) -> Patches:
        """Draw `n` patches; a share `remixed` of them lays one song's vocals over another's accompaniment.

        `keep` is the weight of the parent's own output (distillation, as in Learning without Forgetting: Li and Hoiem 2017,
        arXiv 1606.09282). Voice and band move up to 4 dB against each other.
        """
        return self._draw(n, generator, remixed=remixed, keep=keep)[0]

    def _draw(self, n: int, generator: torch.Generator, *, remixed: float, keep: float) -> tuple[Patches, list[int | None]]:
        """The patches, and which song each is of; None for a remixed one."""
        mixtures, truths = [], []
        sources: list[int | None] = []
        for _ in range(n):
            if self.alone and torch.rand((), generator=generator) < self.alone:
                mixtures.append(vocals := self.vocals(generator, sung=True))
                truths.append(vocals)
                sources.append(None)
                continue
            number = self._number(generator)
            song = self.songs[number]
            if torch.rand((), generator=generator) < remixed:
                if self.sung and torch.rand((), generator=generator) < self.sung:
                    vocals = self.vocals(generator, sung=True)
                else:
                    vocals = self._stretch(song.vocals, generator)
                accompaniment = self._stretch(self._any(generator).accompaniment, generator)
                gain_v, gain_a = (10 ** ((torch.rand(2, generator=generator) * 8 - 4) / 20)).tolist()
                if self.over_band:
                    gain_v = gain_a * self._raised(vocals, accompaniment, generator) or gain_v
                vocals, accompaniment = gain_v * vocals, gain_a * accompaniment
                sources.append(None)
            else:
                start = int(torch.randint(max(1, song.vocals.shape[-1] - self.n_samples + 1), (), generator=generator))
                start -= start % self.grid
                vocals, accompaniment = (
                    fit(s[..., start : start + self.n_samples], self.n_samples) for s in (song.vocals, song.accompaniment)
                )
                sources.append(number)
            mixtures.append(vocals + accompaniment)
            truths.append(vocals)
        ones = torch.ones(n, self.n_frames)
        return Patches(torch.stack(mixtures), torch.stack(truths), ones, keep * ones), sources

    def _raised(self, vocals: Tensor, accompaniment: Tensor, generator: torch.Generator) -> float:
        """The gain that brings a voice to a level over the band that is drawn; 0 where either is too quiet to be brought anywhere."""
        voice, band = (float(part.square().mean()) for part in (vocals, accompaniment))
        if min(voice, band) <= SUNG:
            return 0.0
        least, most = self.over_band
        decibels = least + (most - least) * float(torch.rand((), generator=generator))
        return float(10 ** (decibels / 20) * (band / voice) ** 0.5)

    def _number(self, generator: torch.Generator) -> int:
        return int(torch.randint(len(self.songs), (), generator=generator))

    def _any(self, generator: torch.Generator) -> Stems:
        return self.songs[self._number(generator)]

    def _stretch(self, samples: Tensor | Streamed, generator: torch.Generator) -> Tensor:
        if not self.pitch_shift:
            start = int(torch.randint(max(1, samples.shape[-1] - self.n_samples + 1), (), generator=generator))
            return fit(samples[..., start : start + self.n_samples], self.n_samples)
        semitones = self.pitch_shift * (2 * float(torch.rand((), generator=generator)) - 1)
        n = round(self.n_samples * 2 ** (semitones / 12))
        start = int(torch.randint(max(1, samples.shape[-1] - n + 1), (), generator=generator))
        return torch.nn.functional.interpolate(fit(samples[..., start : start + n], n)[None], size=self.n_samples, mode="linear")[0]


def share_of(songs: Sequence[AnySong], share: float, generator: torch.Generator) -> list[AnySong]:
    """Choose a share of the songs that have both stems, at least one, in their order. Raises NoReplay where there are none to choose."""
    usable = [song for song in songs if song.vocals is not None and song.accompaniment is not None]
    if not usable or share <= 0:
        raise NoReplay
    order = torch.randperm(len(usable), generator=generator).tolist()
    return [usable[i] for i in sorted(order[: max(1, round(share * len(usable)))])]


def fit(samples: Tensor, n_samples: int) -> Tensor:
    """Fill up with silence to `n_samples`, or cut."""
    return torch.nn.functional.pad(samples, (0, max(0, n_samples - samples.shape[-1])))[..., :n_samples]
