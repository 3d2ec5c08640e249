"""Marks of a file as known answers: gold clips of what was extracted from a song, whose truth is what the file says leaks there.

Only where something is heard in what is played can a mark be true: marks where the estimate is silent are left out.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import soundfile
from django.db import transaction

from annotation.core import leak
from annotation.core.formats.reading.faults import Fault
from annotation.core.formats.reading.label_studio import Given, TaskRead
from annotation.core.imported import Report
from annotation.core.regions import Region, merge
from annotation.files import sounds, storage
from annotation.models import Campaign, Estimate, GoldTruth, Task, Track
from annotation.selectors.imports import Planned, Song
from annotation.services.gold import gold_rows
from annotation.services.gold_sounds import Gold
from annotation.services.imports import OUT, Import

LEVEL = "imported"  # stands in `GoldTruth.level`, where made clips have the name of the level at which they leak


def one_truth(done: Import, matched: Sequence[tuple[TaskRead, Song]]) -> list[tuple[TaskRead, Song]]:
    """The tasks with the one answer of each that is its truth; tasks with several, of people who are not left out, are refused."""
    found = []
    for read, song in matched:
        given: list[Given] = [one for one in read.annotations if done.people.get(one.person) != OUT]
        checked = [one for one in given if one.said.get("ground_truth") is True]
        given = checked or given
        if len(given) > 1:
            said = f"has answers of {len(given)} people: a known clip has one truth. Leave the others out."
            done.report.fault(Fault(read.where, "annotations", said))
        elif given:
            found.append((_only(read, given[0]), song))
    return found


def _only(read: TaskRead, given: Given) -> TaskRead:
    return TaskRead(read.where, read.names, read.clip, read.checkpoint, annotations=(given,))


def look(done: Import, planned: Sequence[Planned]) -> None:
    """Count the known clips that would be made."""
    for one in planned:
        done.report.gold += _estimate(done, one) is not None and not _is_there(done.campaign, one, done.report)


def write(done: Import, planned: Sequence[Planned]) -> None:
    """Make them, each in a transaction of its own. Slow: sound is read and kept."""
    for one in planned:
        estimate = _estimate(done, one)
        if estimate is None or _is_there(done.campaign, one, done.report):
            continue
        _make(done, one, estimate)


def _estimate(done: Import, one: Planned) -> Estimate | None:
    """What is heard in the clip: what the file says was, where it is kept, else what the current checkpoint extracts."""
    found = Estimate.objects.filter(track=one.song.pk, stem=done.campaign.stem)
    for checkpoint in (one.checkpoint, done.current):
        if checkpoint and (estimate := found.filter(checkpoint=checkpoint).first()):
            return estimate
    done.report.leave_out("the current model has extracted nothing from their songs yet: import them when its first clips are there.")
    return None


def _is_there(campaign: Campaign, one: Planned, report: Report) -> bool:
    golds = Task.objects.filter(campaign=campaign, track=one.song.pk, kind=Task.Kind.GOLD, start=one.clip.start)
    known = golds.exclude(state=Task.State.WITHDRAWN).exists()
    report.known += known
    return known


def _make(done: Import, one: Planned, estimate: Estimate) -> None:
    samples, rate = sounds.read(storage.intact(estimate.file), one.clip.start, one.clip.end)
    sound = np.ascontiguousarray(samples.T)
    heard: list[Region] = []
    for region in merge((mark.start, mark.end) for mark in one.marks.wrong):
        inside = Region(region.start - one.clip.start, region.end - one.clip.start)
        if leak.level_of(sound, [inside], rate) > leak.SILENCE_DBFS:
            heard.append(region)
        else:
            said = f"{region.start:.2f}-{region.end:.2f} s: nothing is heard there in what is extracted from {one.song.name}."
            done.report.fault(Fault(one.where, "", said))
    if one.marks.wrong and not heard:
        return
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1.0, 1.0), rate, format="FLAC", subtype="PCM_16")
    key = storage.keep(file.getvalue(), ".flac")
    track = Track.objects.get(pk=one.song.pk)
    gold = Gold(track, one.clip, heard, None, key)
    with transaction.atomic():
        (row,) = gold_rows(campaign=done.campaign, golds=[gold])
        row.reason = f"gold: its truth was imported{f' from {done.file}' if done.file else ''}"[:200]
        row.save()
        GoldTruth.objects.create(task=row, file=key, regions=[list(region) for region in heard], level=LEVEL if heard else "")
    done.report.gold += 1
    done.report.marks += len(heard)
