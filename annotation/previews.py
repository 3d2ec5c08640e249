"""Clips as Ogg for the browser: a cache beside the storage that can be thrown away and is made again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import soundfile
from django.conf import settings

from annotation.models import Estimate, Stem, Task
from annotation.storage import local

BLOCK = 65_536  # libsndfile's Vorbis encoder has crashed on one huge write


def preview(task: Task, which: str, checkpoint: str = "") -> Path:
    """The file of a task's clip, `which` being "vocals" (what was extracted) or "mix"; made when it is not there.

    With the hash of another `checkpoint`, what that one extracted from the same clip.
    Raises `Estimate.DoesNotExist` or `Stem.DoesNotExist` when there is nothing to hear.
    """
    name = "mix" if which != "vocals" else checkpoint or task.checkpoint if task.kind == Task.Kind.POOL else f"{task.kind}{task.pk}"
    final = Path(settings.HOME) / "previews" / f"{task.track_id}-{task.stem}-{name}-{task.start:.3f}-{task.end:.3f}.ogg"
    if final.exists():
        return final
    start, end = task.start, task.end
    if which == "vocals" and task.kind == Task.Kind.GOLD:
        key, start, end = task.gold.file, 0.0, task.end - task.start  # the file begins with the clip
    elif which == "vocals":
        key = Estimate.objects.get(track=task.track_id, stem=task.stem, checkpoint=checkpoint or task.checkpoint).file
    else:
        key = Stem.objects.get(track=task.track_id, name="mixture").file
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=final.parent, suffix=".part")
    os.close(handle)
    try:
        _encode(local(key), Path(unfinished), start, end)
        os.replace(unfinished, final)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    return final


def _encode(source: Path, target: Path, start: float, end: float) -> None:
    with soundfile.SoundFile(source) as sound:
        sound.seek(min(round(start * sound.samplerate), sound.frames))
        left = round((end - start) * sound.samplerate)
        with soundfile.SoundFile(target, "w", sound.samplerate, sound.channels, format="OGG", subtype="VORBIS") as ogg:
            while left > 0 and len(block := sound.read(min(BLOCK, left), dtype="float32")):
                ogg.write(block.clip(-1.0, 1.0))
                left -= len(block)
