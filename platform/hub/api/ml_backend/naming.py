"""Which of our clips a task of Label Studio is about.

It names one by the address of its sound, as our exports and syncs write it (`/media/tasks/7/vocals.ogg`, `/media/for-a-while/….ogg`), or
by `track` with `clip_start` and `clip_end`, the name of a song of the pool and seconds of it; `checkpoint` says which one's estimate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.core.stems import STEMS
from annotation.models import Campaign, Task, Track
from hub.api.ml_backend import for_a_while

HASH = re.compile("[0-9a-f]{64}")
ADDRESS = re.compile(r"/media/tasks/([0-9]{1,18})/[a-z]{1,20}\.ogg(?:$|[?#])")


@dataclass(frozen=True)
class Named:
    """A stretch of a song of the campaign, and the task that it is, where it is one."""

    track: Track
    start: float  # seconds of the track
    end: float
    checkpoint: str = ""  # hash of the one that is heard; empty: not said
    task: Task | None = None


def named(campaign: Campaign, tasks: Iterable[Mapping[str, Any]]) -> list[Named | None]:
    """What each of these tasks, as Label Studio sends them, is about; None: no clip of this campaign."""
    datas = [data if isinstance(data := task.get("data"), Mapping) else {} for task in tasks]
    numbers = [_number(data) for data in datas]
    found = Task.objects.filter(campaign=campaign, pk__in={one for one in numbers if one is not None})
    ours = {task.pk: task for task in found.select_related("track", "proposal")}
    songs = _songs(campaign, [data for data, number in zip(datas, numbers, strict=True) if number is None])
    return [
        _of_task(ours.get(number)) if number is not None else _of_song(data, songs) for data, number in zip(datas, numbers, strict=True)
    ]


def _number(data: Mapping[str, Any]) -> int | None:
    """The task whose sound it is; None: it names none."""
    for value in (data.get(stem) for stem in STEMS):
        if isinstance(value, str) and (found := ADDRESS.search(value)):
            return int(found[1])
        if isinstance(value, str) and (task := for_a_while.task_of(value)):
            return task
    return None


def _of_task(task: Task | None) -> Named | None:
    return Named(task.track, task.start, task.end, task.checkpoint, task) if task else None


def _songs(campaign: Campaign, datas: Iterable[Mapping[str, Any]]) -> dict[str, Track]:
    names = {name for data in datas if isinstance(name := data.get("track"), str)}
    found = Track.objects.filter(campaign=campaign, use=Track.Use.POOL, name__in=names, set_aside=None) if names else []
    return {track.name: track for track in found}


def _of_song(data: Mapping[str, Any], songs: Mapping[str, Track]) -> Named | None:
    track = songs.get(name) if isinstance(name := data.get("track"), str) else None
    start, end = _seconds(data.get("clip_start")), _seconds(data.get("clip_end"))
    if track is None or not 0 <= start < end <= track.duration:
        return None
    said = data.get("checkpoint")
    checkpoint = said if isinstance(said, str) and HASH.fullmatch(said) else ""
    same = Task.objects.filter(track=track, start=start, end=end, kind=Task.Kind.POOL, checkpoint=checkpoint)
    if task := same.exclude(state=Task.State.WITHDRAWN).select_related("proposal").first():
        return Named(track, start, end, checkpoint, task)
    return Named(track, start, end, checkpoint)


def _seconds(value: object) -> float:
    """A time; -1 where it is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else -1.0
