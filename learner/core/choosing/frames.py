"""Figures for each frame of a recording, gathered while it goes by in blocks."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learner.core import metrics
from learner.core.audio import Samples
from learner.core.spectral import mel_bands

FRAME = metrics.SHORT_FRAME  # seconds
PER_SECOND = round(1 / FRAME)
N_MELS = 32  # bands
LOW, TOP = 30.0, 8000.0  # Hz
LOWEST, HIGHEST = 80.0, 1000.0  # Hz, of the pitches that `Periods` looks for
WINDOW, HOP = 0.05, 0.02  # seconds: four periods of the lowest pitch, and from one window to the next


class Powers:
    """The mean square of each frame of a recording, over its channels; the last frame may be shorter."""

    def __init__(self, sample_rate: int):
        self.sample_rate, self.n_samples = sample_rate, 0
        self.sums: list[tuple[int, NDArray[np.float64]]] = []

    def add(self, block: Samples) -> None:
        """Take the next (channels, samples)."""
        start, end = self.n_samples, self.n_samples + block.shape[1]
        self.n_samples = end
        if start == end:
            return
        first = start * PER_SECOND // self.sample_rate
        starts = np.maximum(self._starts(first, (end - 1) * PER_SECOND // self.sample_rate + 1) - start, 0)
        power = np.square(block, dtype=np.float64).mean(axis=0)
        self.sums.append((first, np.add.reduceat(power, starts)))

    def mean_squares(self) -> NDArray[np.float64]:
        """(frames,)"""
        n_frames = -(-self.n_samples * PER_SECOND // self.sample_rate)
        total = np.zeros(n_frames)
        for first, part in self.sums:
            total[first : first + len(part)] += part
        edges = np.append(self._starts(0, n_frames), self.n_samples)
        return np.asarray(total / np.diff(edges))

    def _starts(self, first: int, last: int) -> NDArray[np.int64]:
        """The first sample of each frame from `first` to before `last`."""
        return -(-np.arange(first, last) * self.sample_rate // PER_SECOND)


class Means:
    """Weighted means over frames of equal length of what comes at any times; where nothing comes, it is as at the nearest time."""

    def __init__(self, length: float):
        self.length = length  # seconds of a frame
        self.parts: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []

    def add(self, seconds: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Take (n,) times, (n, dims) values and (n,) weights."""
        self.parts.append((seconds, values, weights))

    def of(self, n_frames: int) -> NDArray[np.float64] | None:
        """(n_frames, dims); None where nothing came at all."""
        if not self.parts or not n_frames:
            return None
        seconds, values, weights = (np.concatenate(each) for each in zip(*self.parts, strict=True))
        at = np.clip(seconds / self.length, 0, n_frames - 1).astype(int)
        total, weight, count = np.zeros((n_frames, values.shape[1])), np.zeros(n_frames), np.bincount(at, minlength=n_frames)
        np.add.at(total, at, values * weights[:, None])
        np.add.at(weight, at, weights)
        known = np.flatnonzero(count)
        means = total[known] / np.maximum(weight[known], 1e-30)[:, None]
        nearest = np.rint(np.interp(np.arange(n_frames), known, np.arange(len(known)))).astype(int)
        return np.asarray(means[nearest])


class LogMels:
    """The mean and the spread of log mel levels of each second of a recording, its channels together: 2 x 32 figures in nepers."""

    def __init__(self, sample_rate: int):
        self.sample_rate, self.n_fft = sample_rate, 2 ** round(math.log2(sample_rate / 21.5))
        self.bands = mel_bands(self.n_fft, N_MELS, LOW, min(TOP, sample_rate / 2), sample_rate)
        self.window = torch.hann_window(self.n_fft)
        self.held: Samples = np.zeros(0, np.float32)
        self.seconds: list[NDArray[np.float32]] = []

    def add(self, block: Samples) -> None:
        """Take the next (channels, samples)."""
        self.held = np.concatenate([self.held, block.mean(axis=0)])
        n_whole = len(self.held) // self.sample_rate
        for at in range(n_whole):
            self._take(self.held[at * self.sample_rate : (at + 1) * self.sample_rate])
        self.held = self.held[n_whole * self.sample_rate :]

    def of_seconds(self) -> NDArray[np.float32]:
        """(seconds, dims); the last may be shorter. Call it once, at the end."""
        if len(self.held):
            self._take(self.held)
        return np.stack(self.seconds) if self.seconds else np.zeros((0, 2 * N_MELS), np.float32)

    def _take(self, second: Samples) -> None:
        sound = torch.from_numpy(np.ascontiguousarray(second))
        sound = torch.nn.functional.pad(sound, (0, max(0, self.n_fft - len(sound))))
        power = torch.stft(sound, self.n_fft, self.n_fft // 2, window=self.window, center=False, return_complex=True).abs().square()
        mels = ((power.T @ self.bands) + 1e-6).log()  # (frames, bands)
        self.seconds.append(torch.cat([mels.mean(dim=0), mels.std(dim=0, correction=0)]).numpy())


class Periods:
    """How periodic each frame of a recording is, its channels together: 0 for noise, near 1 for a tone that holds its pitch.

    The highest autocorrelation of a window at the periods of pitches, divided by that at 0 and by the window's own (Boersma 1993,
    "Accurate short-term analysis of the fundamental frequency"), mean over the windows of a frame.
    """

    def __init__(self, sample_rate: int):
        self.every = max(1, sample_rate // 16_000)  # samples of which the mean is taken: pitches need no more
        rate = sample_rate / self.every
        self.sample_rate, self.n_window, self.hop = rate, round(WINDOW * rate), round(HOP * rate)
        self.window = torch.hann_window(self.n_window)
        self.lags = slice(int(rate / HIGHEST), int(rate / LOWEST) + 1)
        self.of_window = self._correlation(self.window)
        self.held: Samples = np.zeros(0, np.float32)
        self.n_windows, self.means = 0, Means(FRAME)

    def add(self, block: Samples) -> None:
        """Take the next (channels, samples)."""
        self.held = np.concatenate([self.held, block.mean(axis=0)])
        if len(self.held) > self.sample_rate * self.every:
            self._take()

    def of(self, n_frames: int) -> NDArray[np.float64]:
        """(n_frames,). Call it once, at the end."""
        self.held = np.pad(self.held, (0, max(0, self.n_window * self.every - len(self.held))))
        self._take()
        found = self.means.of(n_frames)
        return np.zeros(n_frames) if found is None else found[:, 0]

    def _take(self) -> None:
        low = self.held[: len(self.held) // self.every * self.every].reshape(-1, self.every).mean(axis=1)
        windows = torch.from_numpy(low).unfold(0, self.n_window, self.hop)
        correlation = self._correlation(windows * self.window)
        relative = correlation[:, self.lags] / (correlation[:, :1] + 1e-9) / (self.of_window / self.of_window[0])[self.lags]
        at = (self.n_windows + np.arange(len(windows), dtype=np.float64)) * self.hop + self.n_window / 2
        values = relative.amax(dim=1, keepdim=True).clamp(0, 1).double().numpy()
        self.means.add(at / self.sample_rate, values, np.ones(len(windows)))
        self.n_windows += len(windows)
        self.held = self.held[len(windows) * self.hop * self.every :]

    def _correlation(self, windows: Tensor) -> Tensor:
        """Of (..., samples), circular over twice as many, so that nothing wraps around."""
        found: Tensor = torch.fft.irfft(torch.fft.rfft(windows, 2 * self.n_window).abs().square(), 2 * self.n_window)
        return found
