"""How loud a clip is, frame by frame: kept beside its previews, since consensus asks for it again and again."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotation.core.errors import DomainError
from annotation.core.regions import FRAME, frame_count
from annotation.files import previews
from annotation.files.sounds import Samples
from annotation.models import Estimate, Stem, Task

Levels = NDArray[np.float64]

FAINTEST = 1e-12  # power; -120 dBFS

log = logging.getLogger(__name__)


def of_clip(task: Task) -> Levels | None:
    """Return (frames of `FRAME` seconds, 2): levels in dBFS of what was extracted and of the mix; None where they cannot be read.

    Measured once, from the files of estimate and mixture, in some 20 ms of the processor; afterwards it is a file of 2 bytes a level.
    A frame that one of the files does not reach is NaN.
    """
    try:
        content = previews.kept(previews.name_of_levels(task), lambda target: _write(target, _measured(task)))
        return np.asarray(np.load(io.BytesIO(content)), dtype=np.float64)
    except (Estimate.DoesNotExist, Stem.DoesNotExist, OSError, ValueError, DomainError) as reason:
        log.info("The sound of task %s is not known: %s", task.pk, reason)
        return None


def _measured(task: Task) -> NDArray[np.float16]:
    extracted, mix = previews.extracted(task), previews.mix(task)
    n_frames = frame_count(task.end - task.start, FRAME)
    levels = np.full((n_frames, 2), np.nan, dtype=np.float16)
    for column, (samples, rate) in enumerate((extracted, mix)):
        part = _dbfs(samples, rate)[:n_frames]
        levels[: len(part), column] = part
    return levels


def _dbfs(samples: Samples, rate: int) -> Levels:
    """Return (frames) the level of each; samples of no whole frame at the end are left out."""
    edges = np.round(np.arange(0, len(samples) / rate / FRAME + 1e-6) * FRAME * rate).astype(np.intp)
    if len(edges) < 2:
        return np.zeros(0)
    power = np.square(samples[: edges[-1]], dtype=np.float64).mean(axis=1)
    mean = np.add.reduceat(power, edges[:-1]) / np.diff(edges)
    return np.asarray(10 * np.log10(mean + FAINTEST))


def _write(target: Path, levels: NDArray[np.float16]) -> None:
    content = io.BytesIO()
    np.save(content, levels, allow_pickle=False)
    target.write_bytes(content.getvalue())
