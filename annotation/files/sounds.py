"""Samples of stored files, decoded by what `AUDIO_READER` names: the same that the learner reads with, whoever it is.

So a clip, the estimate beside it and the marks on it are in step to the sample, whatever kind of file a track came as. (samples,
channels), float32, full scale at plus and minus 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.utils.module_loading import import_string

Samples = npt.NDArray[np.float32]  # (samples, channels)


def read(file: Path, start: float = 0.0, end: float | None = None) -> tuple[Samples, int]:
    """Read a file, or the stretch from `start` to `end` seconds of it: samples, and their rate in Hz. An end past the end is the end."""
    sound = import_string(settings.AUDIO_READER)(file, start=start, end=end)
    return sound.samples.T, sound.sample_rate
