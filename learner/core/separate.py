"""Take a stem out of a recording of any length, piece by piece: an array, or a file of any length in constant memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from learner.core import audio
from learner.core.audio import Samples, resample, resample_blocks
from learner.core.files.names import readable
from learner.core.files.writing import Writing
from learner.core.separators import Inside, Separator

BLOCK = 10.0  # seconds of a recording that are read and resampled at once


@dataclass(frozen=True)
class Piece:
    """Where a piece lies in the recording, in samples at the separator's rate: it is heard from `first` on, for `start` to `end`."""

    first: int
    start: int
    end: int


def separate(separator: Separator, samples: NDArray[np.floating], sample_rate: int) -> Samples:
    """Return the stem in the shape of `samples`, (channels, samples), at their sample rate.

    Resamples where the separator wants another rate. A separator of one channel hears each channel by itself; one of two hears a
    mono recording twice. The separator may be on any device; it is left in the mode (training or not) that it was in, and inside
    dropout is off.
    """
    if samples.ndim != 2:
        raise ValueError(f"samples have shape {samples.shape}; (channels, samples) is wanted")
    n_block = round(BLOCK * sample_rate)
    blocks = (np.asarray(samples[:, at : at + n_block], np.float32) for at in range(0, samples.shape[1], n_block))
    return np.concatenate([np.zeros((len(samples), 0), np.float32), *stem_blocks(separator, blocks, sample_rate)], axis=1)


def separate_file(
    separator: Separator,
    source: Path,
    target: Path,
    progress: Callable[[float, float], None] = lambda done, total: None,
    *,
    rest: Path | None = None,
) -> audio.Info:
    """Write the stem of the recording `source` to `target`, a FLAC with as many channels and samples at the same rate.

    Memory does not grow with the recording's length. `progress` is told (seconds done, seconds in all). What is left of the mix
    goes to `rest`, where given. Both files are written whole or not at all; one that is over full scale becomes a float WAV, so that
    they still add up to the mix. Returns what `audio.check` found, with a note on that; raises BadAudio for a recording that cannot be
    used.
    """
    info = audio.check(source)
    n_block = round(BLOCK * info.sample_rate)
    target.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stem_file = stack.enter_context(Writing(target, info.sample_rate, info.channels))
        rest_file = stack.enter_context(Writing(rest, info.sample_rate, info.channels)) if rest else None
        # Read a second time, in step with what comes out, which is later than what went in.
        again = Recut(audio.blocks(source, n_block), info.channels)
        n_done = 0
        for stem in stem_blocks(separator, audio.blocks(source, n_block), info.sample_rate):
            stem_file.write(stem)
            if rest_file:
                rest_file.write(again.read(stem.shape[1]) - stem)
            n_done += stem.shape[1]
            progress(n_done / info.sample_rate, info.duration)
    over = [file.path for file in (stem_file, rest_file) if file and file.path.suffix == ".wav"]
    return replace(info, notes=(*info.notes, *(f"Over full scale, and kept so as float wav: {readable(path)}" for path in over)))


def as_input(separator: Separator, samples: NDArray[np.floating], sample_rate: int) -> torch.Tensor:
    """Return (channels, samples) at the separator's own rate and number of channels, as it is trained on; on the CPU."""
    own = samples if sample_rate == separator.sample_rate else resample(samples.astype(np.float32), sample_rate, separator.sample_rate)
    return _with_channels(torch.from_numpy(np.ascontiguousarray(own, dtype=np.float32)), separator.channels)


@torch.no_grad()
def stem_of(separator: Separator, mixture: torch.Tensor) -> torch.Tensor:
    """(channels, samples) of a mix at the separator's own rate and channels -> the same of the stem, on the separator's device.

    A mix longer than what a network hears as a whole goes through it in pieces, as in `separate`: what people heard.
    """
    if not _in_one(separator, mixture):
        pieces = list(_in_pieces(separator, iter([mixture.cpu().numpy()])))
        return torch.from_numpy(np.concatenate(pieces, axis=1)).to(separator.device)
    return separator.as_function()(mixture[None].to(separator.device))[0].clone()  # a clone may go through a network that learns


@torch.no_grad()
def spectrum_of(separator: Separator, mixture: torch.Tensor, other: torch.Tensor | None = None) -> torch.Tensor:
    """The spectrum of `stem_of`, (1, channels, bins, frames); of what goes through in one it is the separator's own.

    `other` is what `other_of` gave for this mix.
    """
    if not _in_one(separator, mixture):
        spectrum: torch.Tensor = separator.spectra(stem_of(separator, mixture)[None])
        return spectrum
    return separator.spectrum_with(mixture[None].to(separator.device), None if other is None else other.to(separator.device))


@torch.no_grad()
def other_of(separator: Separator, mixture: torch.Tensor) -> torch.Tensor | None:
    """What of a mix need not be worked out again while the separator learns; None where that is nothing."""
    return separator.other(mixture[None].to(separator.device)) if _in_one(separator, mixture) else None


def _in_one(separator: Separator, mixture: torch.Tensor) -> bool:
    """Whether a mix is no longer than a piece, or length is no matter: where pieces need no fading, the network's reach is short."""
    cut = separator.cut
    return cut.n_fade == 0 or mixture.shape[-1] <= cut.n_core + cut.n_context


def stem_blocks(
    separator: Separator, mixture: Iterable[Samples], sample_rate: int, look: Callable[[Inside, Piece], None] | None = None
) -> Iterator[Samples]:
    """Blocks (channels, samples) of a mix -> blocks of the stem, of other lengths but as many samples in all.

    `look` sees what the network had inside, piece by piece; see `Separator.as_function`.
    """
    n_in, n_out = 0, 0

    def counted() -> Iterator[Samples]:
        nonlocal n_in
        for block in mixture:
            n_in += block.shape[1]
            yield block

    own = resample_blocks(counted(), sample_rate, separator.sample_rate)
    n_channels = 0
    for block in resample_blocks(_in_pieces(separator, own, look), separator.sample_rate, sample_rate):
        n_channels, n_new = len(block), min(block.shape[1], n_in - n_out)  # resampling there and back may miss by a few samples
        n_out += n_new
        yield block[:, :n_new]
    if n_out < n_in:
        yield np.zeros((n_channels, n_in - n_out), np.float32)


def _in_pieces(separator: Separator, mixture: Iterator[Samples], look: Callable[[Inside, Piece], None] | None = None) -> Iterator[Samples]:
    """Blocks of a mix at the separator's rate -> blocks of the stem, cut as `separator.cut` says.

    What fits into one piece with its context is separated whole.
    """
    cut = separator.cut
    at: list[Piece] = []  # the piece that goes through now
    function = separator.as_function(None if look is None else lambda inside: look(inside, at[0]))
    ramp = np.linspace(0, 1, cut.n_fade, dtype=np.float32)
    held: list[Samples] = []  # of the mix, `n_held` samples from `first` on
    tail: Samples | None = None  # of the piece before, past its end
    first, n_held, start = 0, 0, 0  # `start` is where the next piece's core does
    n_whole = cut.n_core + cut.n_context
    for block in chain(mixture, (None,)):
        if block is not None:
            held.append(block)
            n_held += block.shape[1]
        if n_held == 0:
            continue
        while (n_left := first + n_held - start) > n_whole or block is None:
            whole = np.concatenate(held, axis=1) if len(held) > 1 else held[0]
            at[:] = [Piece(first, start, start + (n_left if n_left <= n_whole else cut.n_core))]
            stem = _one_piece(separator, function, whole[:, : start + n_whole - first])[:, start - first :]
            if tail is not None:
                stem[:, : cut.n_fade] = (1 - ramp) * tail + ramp * stem[:, : cut.n_fade]
            if n_left <= n_whole:
                yield stem
                return
            yield stem[:, : cut.n_core]
            tail = stem[:, cut.n_core : cut.n_core + cut.n_fade]
            start += cut.n_core
            needed = max(0, start - cut.n_context)
            held, first = [whole[:, needed - first :]], needed
            n_held = held[0].shape[1]


def _one_piece(separator: Separator, function: Callable[[torch.Tensor], torch.Tensor], mixture: Samples) -> Samples:
    """(channels, samples) -> the stem. A piece shorter than a spectral frame is filled up with silence, which is cut off again."""
    n_channels, n_samples = mixture.shape
    piece = torch.from_numpy(np.ascontiguousarray(mixture)).to(separator.device)
    batch = piece[:, None] if separator.channels == 1 else _with_channels(piece, separator.channels)[None]
    short = max(0, separator.spectra.n_fft - n_samples)
    stem = function(torch.nn.functional.pad(batch, (0, short)) if short else batch)[..., :n_samples]
    found = stem[:, 0] if separator.channels == 1 else _with_channels(stem[0], n_channels)
    out: Samples = found.cpu().contiguous().numpy()  # torch may have shared one channel among several
    return out


def _with_channels(samples: torch.Tensor, channels: int) -> torch.Tensor:
    """The mean of all channels takes the place of each, where their number is not the one wanted."""
    return samples if len(samples) == channels else samples.mean(0, keepdim=True).expand(channels, -1)


class Recut:
    """Blocks of a recording, (channels, samples), cut anew."""

    def __init__(self, blocks: Iterator[Samples], channels: int):
        self.blocks = blocks
        self.held: Samples = np.zeros((channels, 0), np.float32)

    def read(self, n_samples: int) -> Samples:
        """The next so many samples, (channels, samples). Raises ValueError where the recording has fewer."""
        while self.held.shape[1] < n_samples:
            block = next(self.blocks, None)
            if block is None:
                raise ValueError(f"a recording ends {n_samples - self.held.shape[1]} samples before what it goes with")
            self.held = np.concatenate([self.held, block], axis=1)
        found, self.held = self.held[:, :n_samples], self.held[:, n_samples:]
        return found
