"""What the sound says, without truth, of one track by one checkpoint: a table of figures for each 0.1 s, and of each second a short vector.

One pass measures it together with the separation, in memory that does not grow with the track, but for `spread` and `change`, which
need the separator more than once.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from learner.core import metrics
from learner.core.audio import Samples
from learner.core.choosing.clips import frames_of
from learner.core.choosing.frames import FRAME, PER_SECOND, LogMels, Means, Periods, Powers
from learner.core.choosing.uncertainty import change, has_dropout, uncertainty
from learner.core.separate import Piece, Recut, stem_blocks
from learner.core.separators import Inside, Separator

COLUMNS = {
    "level": "level of the estimate, dBFS",
    "share": "amplitude of the estimate relative to the mix's",
    "rests": "10th percentile of `share` within 5 s before and after, where the mix sounds: high where the estimate never rests",
    "spread": "standard deviation of `share` from one dropout to the next",
    "change": "standard deviation of `share` from one small change of the mix to the next",
    "entropy": "binary entropy of the mask, bits, mean over bins weighed by the mix's magnitudes",
    "nets": "by how much the masks of a separator's networks miss to add up to 1, mean weighed by the mix's magnitudes",
    "periodic": "how periodic the estimate is, 0 ... 1: high where it holds a pitch, as leads do longer than voices",
    "parent": "amplitude of the difference to the parent's estimate relative to the mix's",
    "mix": "level of the mix, dBFS",
}
"""Each (frames,), NaN where it was not measured or does not exist for this kind of separator. What is relative to the mix is 0 where that
is silent (at most -50 dBFS)."""

AROUND = 5.0  # seconds before and after that `rests` looks at
DIMS = 64  # of the embedding, at most
DEAR_PIECE = 20.0  # seconds that are measured at once by passes of their own


class NoSound(ValueError):
    """What was extracted holds NaN or infinity."""


@dataclass(frozen=True)
class Signals:
    """What the sound says of one track by one checkpoint; frames are 0.1 s, the last may be shorter."""

    columns: dict[str, NDArray[np.float32]]  # those of COLUMNS, in that order
    embedding: NDArray[np.float32]  # (seconds, dims): of the network's bottleneck where it has one, else of log mel levels of the mix

    def __post_init__(self) -> None:
        if list(self.columns) != list(COLUMNS) or len({column.shape for column in self.columns.values()}) != 1:
            raise ValueError(f"wanted are the columns {', '.join(COLUMNS)}, in this order and equally long; got {', '.join(self.columns)}")

    @property
    def n_frames(self) -> int:
        return len(self.columns["mix"])

    def between(self, start: float, end: float) -> dict[str, NDArray[np.float32]]:
        """The columns' frames from `start` to `end` seconds of the track."""
        frames = frames_of((start, end), self.n_frames)
        return {name: column[frames] for name, column in self.columns.items()}

    def save(self, path: Path) -> None:
        """Write them as .npz of half precision; the same signals give the same bytes."""
        half = {name: np.clip(array, -6e4, 6e4).astype(np.float16) for name, array in self._arrays().items()}
        with path.open("wb") as file:
            np.savez(file, names=np.array(list(self.columns)), columns=half["columns"], embedding=half["embedding"])

    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        return {"columns": np.stack(list(self.columns.values())), "embedding": self.embedding}


def load(path: Path) -> Signals:
    """Read what `Signals.save` wrote; a column that it does not have is NaN. Raises ValueError for another file."""
    with np.load(path, allow_pickle=False) as file:
        if not {"names", "columns", "embedding"} <= set(file.files):
            raise ValueError(f"{path.name} holds no signals")
        columns = file["columns"].astype(np.float32)
        known = dict(zip(file["names"].tolist(), columns, strict=True))
        unknown = np.full(columns.shape[1], np.nan, np.float32)
        return Signals({name: known.get(name, unknown) for name in COLUMNS}, file["embedding"].astype(np.float32))


def measure(
    separator: Separator,
    mixture: Iterable[Samples],
    sample_rate: int,
    *,
    parent: Iterator[Samples] | None = None,
    dear: bool = False,
    seed: int = 0,
    sink: Callable[[Samples], None] = lambda stem: None,
) -> Signals:
    """Separate a mix that comes in blocks, (channels, samples) each, and return its signals.

    `sink` is given the stem, block after block, as `separate_file` would write it. `parent` are blocks of the parent's estimate, as
    many samples. `dear`: also what takes passes of its own, `spread` or `change`; of all else the cost is small beside separation.
    Raises `NoSound`.
    """
    of_mix, of_stem, of_difference = Powers(sample_rate), Powers(sample_rate), Powers(sample_rate)
    inside, mels, dearly = _Within(separator), LogMels(sample_rate), _Dearly(separator, sample_rate, seed) if dear else None
    periods = Periods(sample_rate)
    before: Recut | None = None

    def heard() -> Iterator[Samples]:
        for block in mixture:
            of_mix.add(block)
            mels.add(block)
            if dearly:
                dearly.add(block)
            yield block

    for stem in stem_blocks(separator, heard(), sample_rate, inside.look):
        if not np.isfinite(stem).all():
            raise NoSound("what was extracted is no sound: it holds NaN or infinity")
        of_stem.add(stem)
        periods.add(stem)
        if parent is not None:
            before = before or Recut(parent, len(stem))
            of_difference.add(stem - before.read(stem.shape[1]))
        sink(stem)
    mix, own = of_mix.mean_squares(), of_stem.mean_squares()
    sounds, n_frames = _dbfs(mix) > metrics.SILENCE_DBFS, len(mix)
    columns: dict[str, NDArray[np.float64]] = dict.fromkeys(COLUMNS, np.full(n_frames, np.nan))
    columns |= {"level": _dbfs(own), "mix": _dbfs(mix), "share": _relative(own, mix, sounds)}
    columns["periodic"] = np.where(sounds, periods.of(n_frames), 0.0)
    columns["rests"] = _low(np.where(sounds, columns["share"], np.nan), round(AROUND / FRAME))
    if parent is not None:
        columns["parent"] = _relative(of_difference.mean_squares(), mix, sounds)
    columns |= {name: np.where(sounds, column, 0.0) for name, column in inside.columns(n_frames).items()}
    if dearly:
        columns[dear_column(separator)] = np.where(sounds, dearly.column(), 0.0)
    embedding = inside.embedding(of_mix.n_samples / sample_rate)
    vectors = mels.of_seconds() if embedding is None else embedding.astype(np.float32)
    return Signals({name: column.astype(np.float32) for name, column in columns.items()}, vectors)


def dear_column(separator: Separator) -> str:
    """Which column of `COLUMNS` takes passes of its own for a separator of this kind."""
    return "spread" if has_dropout(separator) else "change"


def measure_dearly(separator: Separator, mix: Samples, sample_rate: int, seed: int) -> NDArray[np.float64]:
    """`dear_column` of a mix, (channels, samples), or of a stretch of one: (frames,)."""
    if has_dropout(separator):
        found = uncertainty(separator, mix, sample_rate, torch.Generator().manual_seed(seed))
    else:
        found = change(separator, mix, sample_rate)
    n_frames = -(-mix.shape[1] * PER_SECOND // sample_rate)  # where a rate is no multiple of ten, theirs may be one more or less
    return np.pad(found, (0, max(0, n_frames - len(found))), mode="edge")[:n_frames]


class _Within:
    """Gathers what a network has inside, by frames and seconds."""

    def __init__(self, separator: Separator):
        self.sample_rate, self.hop = separator.sample_rate, separator.spectra.hop
        self.frames, self.seconds = Means(FRAME), Means(1.0)
        self.names = ["entropy"]

    def look(self, inside: Inside, piece: Piece) -> None:
        weight = inside.mix.sum(dim=(0, 1, 2))
        mask = torch.nan_to_num(inside.mask)  # where it is no number, nor is the stem
        bits = binary_cross_entropy(mask, mask, inside.mix, reduction="none")  # with itself, so its entropy
        parts = {"entropy": bits.sum(dim=(0, 1, 2)) / math.log(2)}
        if inside.nets is not None:
            parts["nets"] = (inside.nets * inside.mix).sum(dim=(0, 1, 2))
        self.names = list(parts)
        means = [part / weight.clamp_min(1e-9) for part in parts.values()]
        self._add(self.frames, piece, torch.stack(means, dim=1), weight, self.hop, 0.0)
        vectors = inside.bottleneck.mean(dim=0).T
        self._add(self.seconds, piece, vectors, torch.ones(len(vectors)), inside.n_step * self.hop, 0.5)

    def _add(self, means: Means, piece: Piece, values: Tensor, weights: Tensor, n_samples: int, centre: float) -> None:
        at = piece.first + (np.arange(len(values)) + centre) * n_samples
        if not (within := (at >= piece.start) & (at < piece.end)).any():
            within[np.abs(at - (piece.start + piece.end) / 2).argmin()] = True  # a step is longer than all that there is
        means.add(at[within] / self.sample_rate, *(one.double().cpu().numpy()[within] for one in (values, weights)))

    def columns(self, n_frames: int) -> dict[str, NDArray[np.float64]]:
        found = self.frames.of(n_frames)
        return {} if found is None else dict(zip(self.names, found.T, strict=True))

    def embedding(self, duration: float) -> NDArray[np.float64] | None:
        """(seconds, dims); None where the network has no bottleneck.

        More than 64 dimensions are projected on so many at random, the same for all, which keeps distances (Achlioptas 2003, doi
        10.1016/S0022-0000(03)00025-4).
        """
        found = self.seconds.of(int(np.ceil(duration)))
        if found is None or found.shape[1] <= DIMS:
            return found
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (found.shape[1], DIMS))
        return np.asarray(found @ signs / np.sqrt(DIMS))


class _Dearly:
    """Measures what `measure_dearly` does of a mix that goes by in blocks."""

    def __init__(self, separator: Separator, sample_rate: int, seed: int):
        self.separator, self.sample_rate, self.seed = separator, sample_rate, seed
        self.held: list[Samples] = []
        self.n_held, self.n_piece = 0, round(DEAR_PIECE * sample_rate)
        self.found: list[NDArray[np.float64]] = []

    def add(self, block: Samples) -> None:
        self.held.append(block)
        self.n_held += block.shape[1]
        if self.n_held >= self.n_piece:
            whole = np.concatenate(self.held, axis=1)
            n_whole = self.n_held - self.n_held % self.n_piece
            for at in range(0, n_whole, self.n_piece):
                self._measure(whole[:, at : at + self.n_piece])
            self.held, self.n_held = [whole[:, n_whole:]], self.n_held - n_whole

    def _measure(self, piece: Samples) -> None:
        self.found.append(measure_dearly(self.separator, piece, self.sample_rate, self.seed + len(self.found)))

    def column(self) -> NDArray[np.float64]:
        if self.n_held:
            self._measure(np.concatenate(self.held, axis=1))
        return np.concatenate(self.found)


def _dbfs(mean_squares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(mean_squares, 10 ** (metrics.FLOOR_DBFS / 10))))


def _relative(power: NDArray[np.float64], mix: NDArray[np.float64], sounds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Amplitude relative to the mix's, of mean squares; 0 where that does not sound."""
    return np.asarray(np.sqrt(np.where(sounds, power, 0.0) / np.where(sounds, mix, 1.0)))


def _low(values: NDArray[np.float64], n_around: int) -> NDArray[np.float64]:
    """The 10th percentile of those within so many frames before and after that are no NaN; 0 where all are."""
    padded = np.pad(values, n_around, constant_values=np.nan)
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * n_around + 1), axis=1)  # NaN comes last
    last = np.maximum((~np.isnan(ordered)).sum(axis=1) - 1, 0)
    at = 0.1 * last
    below = np.floor(at).astype(int)
    lower, upper = (np.take_along_axis(ordered, index[:, None], axis=1)[:, 0] for index in (below, np.minimum(below + 1, last)))
    return np.asarray(np.nan_to_num(lower + (at - below) * (upper - lower)))
