"""What the page of one track gets of its sounds: parts of them as Ogg and as pictures, their shape, and where two of them differ.

All is made from a stored file when somebody asks, and kept in the cache of `previews`. A track is read part by part: whole it may have
hundreds of megabytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotation.core import spectrogram
from annotation.files import sounds
from annotation.files.previews import kept, ogg
from annotation.files.sounds import Samples
from annotation.files.storage import local

PART = 30.0  # seconds of one part
OVERLAP = 0.05  # seconds that a part goes on into the next, so that one can be faded into the other
COLUMNS = 1500  # of the shape
STRETCH = 3.0  # seconds that are compared
MOST = 6  # stretches that are named
FAINT = 1e-8  # power, -80 dBFS: what is under it is not told from silence


def n_parts(duration: float) -> int:
    """The last is never so short that the overlap of the one before has all of it."""
    return max(1, int(np.ceil((duration - OVERLAP) / PART)))


def part(key: str, number: int) -> bytes:
    """The sound of part `number` of a stored file, and `OVERLAP` more, as Ogg. A file over full scale may be clipped by the listener."""
    return kept(_name(key, f"part-{number}", "ogg"), lambda target: target.write_bytes(part_of(local(key), number)))


def part_of(file: Path, number: int) -> bytes:
    """The same of a file that is not in the storage, made anew."""
    samples, rate = sounds.read(file, number * PART, (number + 1) * PART + OVERLAP)
    return ogg(samples, rate)


def picture(key: str, number: int) -> bytes:
    """The spectrogram of the same part, PNG; its right edge is the end of the sound where that ends before."""
    return kept(_name(key, f"part-{number}-to-12-kHz", "png"), lambda target: target.write_bytes(picture_of(local(key), number)))


def picture_of(file: Path, number: int) -> bytes:
    """The same of a file that is not in the storage, made anew."""
    return spectrogram.png(*sounds.read(file, number * PART, (number + 1) * PART))


def shape(key: str, duration: float) -> bytes:
    """JSON: how far the sound swings in each of `COLUMNS` stretches of the track, hundredths of full scale."""
    return kept(_name(key, f"shape-{duration:.2f}", "json"), lambda target: target.write_bytes(shape_of(local(key), duration)))


def shape_of(file: Path, duration: float) -> bytes:
    """The same of a file that is not in the storage, made anew."""
    peaks = np.zeros(COLUMNS)
    for start, samples, rate in _parts(file, duration):
        swing = np.abs(samples).max(axis=1)
        column = ((start + np.arange(len(swing)) / rate) / duration * COLUMNS).astype(np.intp)
        np.maximum.at(peaks, np.minimum(column, COLUMNS - 1), swing)
    return json.dumps(np.minimum(100, np.ceil(100 * peaks)).astype(int).tolist()).encode()


def differences(before: str, after: str, true: str | None, duration: float) -> bytes:
    """JSON: the stretches of a track where two estimates of a stem differ most, the largest first: [start, end, dB].

    With the `true` stem's key it is what each does wrong that is compared: 10 log10 of the power of (estimate - truth) before over that
    after. Without, 10 log10 of the power of the estimate after over before.
    """
    files = (local(before), local(after), local(true) if true else None)
    names = "-".join(Path(key).stem[:24] for key in (before, after, true or "none"))
    return kept(f"track-{names}-differences.json", lambda target: target.write_bytes(differences_of(*files, duration)))


def differences_of(before: Path, after: Path, true: Path | None, duration: float) -> bytes:
    """The same of files that are not in the storage, made anew."""
    powers = np.concatenate([_powers(before, after, true, number) for number in range(n_parts(duration))])
    first, second = powers.T
    order = np.argsort(-np.abs(first - second), kind="stable")[:MOST]
    over = (first, second) if true else (second, first)
    found = [
        [
            float(n * STRETCH),
            float(min(duration, (n + 1) * STRETCH)),
            round(float(10 * np.log10((over[0][n] + FAINT) / (over[1][n] + FAINT))), 1),
        ]
        for n in order
    ]
    return json.dumps([one for one in found if abs(one[2]) >= 0.5]).encode()


def _powers(before: Path, after: Path, true: Path | None, number: int) -> NDArray[np.float64]:
    """(stretches of a part, 2): mean power of each estimate, or of what is wrong in it, in stretches of `STRETCH` seconds."""
    span = (number * PART, (number + 1) * PART)
    truth = sounds.read(true, *span)[0] if true else None
    found = []
    for file in (before, after):
        samples, rate = sounds.read(file, *span)
        if truth is not None:
            n = min(len(samples), len(truth))
            samples = samples[:n] - truth[:n]
        power = np.square(samples, dtype=np.float64).mean(axis=1)
        edges = np.arange(0, len(power), round(STRETCH * rate))
        found.append(np.add.reduceat(power, edges) / np.diff([*edges, len(power)]))
    n = min(len(one) for one in found)
    return np.stack([one[:n] for one in found], axis=1)


def _parts(file: Path, duration: float) -> Iterator[tuple[float, Samples, int]]:
    for number in range(n_parts(duration)):
        samples, rate = sounds.read(file, number * PART, min(duration, (number + 1) * PART))
        if len(samples):
            yield number * PART, samples, rate


def _name(key: str, what: str, suffix: str) -> str:
    """By the file's content, which never changes: two tracks with the same sound share it."""
    return f"track-{Path(key).stem[:40]}-{what}.{suffix}"
