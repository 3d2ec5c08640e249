"""Open sound files with libsndfile, whatever they are called: by descriptor, since it takes names as text, of at most 1023 bytes."""

import os
from pathlib import Path

import soundfile


def reading(path: Path) -> soundfile.SoundFile:
    """Raises OSError where the file cannot be opened, soundfile.LibsndfileError where it is no sound that it knows."""
    return soundfile.SoundFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def writing(path: Path, sample_rate: int, channels: int, subtype: str, kind: str) -> soundfile.SoundFile:
    """Raises OSError where the file cannot be made."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    return soundfile.SoundFile(descriptor, "w", sample_rate, channels, subtype, format=kind)
