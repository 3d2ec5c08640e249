"""What the browser gets of a clip: sounds as Ogg and a picture, in a cache beside the storage that is made again when it is gone."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr
from django.conf import settings

from annotation.core import spectrogram
from annotation.files import disk_space, sounds
from annotation.files.sounds import Samples
from annotation.files.storage import local
from annotation.models import Estimate, Stem, Task

MAKING = [threading.Lock() for _ in range(16)]
"""Held while a file is made, by its name: who asks for it meanwhile (a player asks for parts at once) waits for it."""

DAY = 24 * 3600.0  # seconds

BLOCK = 65_536  # libsndfile's Vorbis encoder has crashed on one huge write


def preview(task: Task, which: str, checkpoint: str = "") -> bytes:
    """The Ogg of a task's clip, `which` being its stem (what was extracted), "mix" or "removed" (mix minus stem).

    With the hash of another `checkpoint`, what that one extracted from the same clip. Made when it is not there. All have the
    clip's length; "removed" is subtracted before anything is encoded. A mix over full scale is turned down, and the others with it, so
    that nothing is clipped that was not. Raises `Estimate.DoesNotExist` or `Stem.DoesNotExist`
    when there is nothing to hear.
    """
    if which == "mix":
        return kept(_name(task, "mix", "ogg"), lambda target: encode(target, *mix(task)))
    heard = _heard(task, checkpoint)
    if which != "removed":
        return kept(_name(task, heard, "ogg"), lambda target: encode(target, *_turned_down(task, *extracted(task, checkpoint))))
    return kept(_name(task, f"{heard}-removed", "ogg"), lambda target: encode(target, *_turned_down(task, *_removed(task, checkpoint))))


def picture(task: Task) -> bytes:
    """The spectrogram of what was extracted from a clip, as PNG: its left edge is the clip's start, its right edge the clip's end."""
    return kept(_name(task, f"{_heard(task)}-to-12-kHz", "png"), lambda target: target.write_bytes(spectrogram.png(*extracted(task))))


def _heard(task: Task, checkpoint: str = "") -> str:
    """What the extracted stem of a clip is known by: the checkpoint that extracted it, or the gold task that it was made for."""
    return f"{task.kind}{task.pk}" if task.kind == Task.Kind.GOLD else checkpoint or task.checkpoint


def name_of_levels(task: Task) -> str:
    """What the file with a clip's levels is called in the cache."""
    return _name(task, f"{_heard(task)}-levels", "npy")


def _name(task: Task, what: str, suffix: str) -> str:
    return f"{task.track_id}-{task.stem}-{what}-{task.start:.3f}-{task.end:.3f}.{suffix}"


def kept(name: str, make: Callable[[Path], object]) -> bytes:
    """What the file of this name in the cache holds, made first if need be: under another name, so that nobody reads half a file."""
    return kept_at(_folder() / name, make)


def kept_at(file: Path, make: Callable[[Path], object]) -> bytes:
    """The same of a file anywhere."""
    try:
        return _opened(file)
    except FileNotFoundError:  # never made, or removed since, be it in this moment
        with MAKING[hash(file) % len(MAKING)]:
            if not file.exists():
                _make(file, make)
        return file.read_bytes()


def is_kept(name: str) -> bool:
    """Whether that file is in the cache."""
    return (_folder() / name).exists()


def _opened(file: Path) -> bytes:
    """What a file holds; its time says when it was opened last, to the day, so that not every look is a write."""
    content = file.read_bytes()
    with suppress(OSError):  # on a disk that cannot be written it is heard all the same
        if file.stat().st_mtime < time.time() - DAY:
            os.utime(file)
    return content


def unopened(days: int) -> Iterator[Path]:
    """Files of the cache that nobody opened for so many days. Whoever asks for one that was removed has it made again."""
    before = time.time() - days * DAY
    with suppress(FileNotFoundError), os.scandir(_folder()) as files:
        for file in files:
            with suppress(FileNotFoundError):  # somebody else removed it
                if file.is_file() and file.stat().st_mtime < before:
                    yield Path(file.path)


def of_tracks(tracks: Collection[int]) -> Iterator[Path]:
    """Files of the cache that were made of these tracks, by their primary keys."""
    wanted = {str(track) for track in tracks}
    with suppress(FileNotFoundError), os.scandir(_folder()) as files:
        for file in files:
            if file.name.partition("-")[0] in wanted:
                yield Path(file.path)


def _folder() -> Path:
    return Path(settings.HOME) / "previews"


def _make(final: Path, make: Callable[[Path], object]) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=final.parent, suffix=".part")
    os.close(handle)
    try:
        with disk_space.naming(final.parent):
            make(Path(unfinished))
        os.replace(unfinished, final)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def extracted(task: Task, checkpoint: str = "") -> tuple[Samples, int]:
    """Samples of what was extracted from a clip, and their rate in Hz. Raises `Estimate.DoesNotExist`."""
    if task.kind == Task.Kind.GOLD:
        return sounds.read(local(task.gold.file), 0.0, task.end - task.start)  # the file begins with the clip
    key = Estimate.objects.get(track=task.track_id, stem=task.stem, checkpoint=checkpoint or task.checkpoint).file
    return sounds.read(local(key), task.start, task.end)


def mix(task: Task) -> tuple[Samples, int]:
    """Samples of a clip's mix, and their rate in Hz. Raises `Stem.DoesNotExist`."""
    return sounds.read(local(Stem.objects.get(track=task.track_id, name="mixture").file), task.start, task.end)


def _removed(task: Task, checkpoint: str = "") -> tuple[Samples, int]:
    """The mix minus what was extracted, at the mix's rate and in its channels."""
    (whole, rate), (part, own_rate) = mix(task), extracted(task, checkpoint)
    if own_rate != rate:
        part = soxr.resample(part, own_rate, rate)
    if part.shape[1] > whole.shape[1]:
        part = part.mean(axis=1, keepdims=True)
    removed = whole.copy()
    n = min(len(whole), len(part))
    removed[:n] -= part[:n]
    return removed, rate


def _turned_down(task: Task, samples: Samples, rate: int) -> tuple[Samples, int]:
    """By as much as the mix is: its peak stays within full scale."""
    return samples / max(1.0, _peak(mix(task)[0])), rate


def _peak(samples: Samples) -> float:
    return float(np.abs(samples).max(initial=0.0))


def ogg_of(task: Task, samples: Samples, rate: int) -> bytes:
    """Something else that was extracted from a clip, as Ogg: beside its mix as loud as the clip's own stem is."""
    return _ogg(*_turned_down(task, samples, rate))


def encode(target: Path, samples: Samples, rate: int) -> None:
    """Samples as an Ogg file, turned down where they are over full scale."""
    target.write_bytes(_ogg(samples, rate))


def _ogg(samples: Samples, rate: int) -> bytes:
    return ogg(samples / max(1.0, _peak(samples)), rate)


def ogg(samples: Samples, rate: int) -> bytes:
    """Samples (samples, channels) as Ogg Vorbis. In memory first: libsndfile cannot say that a disk is full."""
    encoded = io.BytesIO()
    with soundfile.SoundFile(encoded, "w", rate, samples.shape[1], format="OGG", subtype="VORBIS") as file:
        for first in range(0, len(samples), BLOCK):
            file.write(samples[first : first + BLOCK])
    return encoded.getvalue()
