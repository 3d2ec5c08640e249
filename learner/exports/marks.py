"""Marks as files of other tools: Label Studio's, and one file for each song of those that know sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from annotation.core.formats import Span
from annotation.core.formats.audacity import audacity_labels
from annotation.core.formats.jams import About, jams
from annotation.core.formats.label_studio import csv_min, json_min
from annotation.core.formats.raven import raven_table
from annotation.core.formats.rttm import rttm
from annotation.core.formats.textgrid import textgrid
from annotation.models import Campaign
from annotation.selectors.label_studio import controls_of, label_studio_json
from learner.exports.answers import OfTrack, of_tracks, tasks_of
from learner.exports.folders import file_name, write_text
from learner.exports.names import names_of
from learner.models import Export

Format = Export.Format
File = tuple[str, str]  # a name below the folder, and text


def write_label_studio(export: Export, campaign: Campaign, folder: Path) -> None:
    """One file of tasks with answers, as JSON, JSON_MIN or CSV."""
    names = names_of(campaign, export.names)

    def tasks() -> Iterator[dict[str, Any]]:
        for task in label_studio_json(campaign, tasks=tasks_of(export, campaign), site=export.site):
            for annotation in task["annotations"]:
                annotation["pseudonym"] = names[annotation["completed_by"]]
            yield task

    if export.format == Format.LABEL_STUDIO_CSV:
        write_text(folder / "annotations.csv", csv_min(tasks, controls_of(campaign)))
    elif export.format == Format.LABEL_STUDIO_MIN:
        write_text(folder / "annotations.json", _array(json_min(tasks(), controls_of(campaign))))
    else:
        write_text(folder / "annotations.json", _array(tasks()))


def _array(rows: Iterable[Any]) -> Iterator[str]:
    """A JSON array, row by row."""
    yield "["
    for number, row in enumerate(rows):
        yield f"{',' if number else ''}\n{json.dumps(row, ensure_ascii=False)}"
    yield "\n]\n"


def write_songs(export: Export, campaign: Campaign, folder: Path) -> None:
    """Files for each song in a format that knows times in sound; songs about which nobody said anything have none."""
    write = FILES[Format(export.format)]
    for one in of_tracks(export, campaign):
        for name, text in write(one, campaign):
            write_text(folder / name, [text])


def _audacity(one: OfTrack, campaign: Campaign) -> Iterator[File]:
    for by, spans in one.spans.items():
        yield f"{_folder(by)}/{file_name(one.track.pk, one.track.name, '.txt')}", audacity_labels(spans)


def _rttm(one: OfTrack, campaign: Campaign) -> Iterator[File]:
    for by, spans in one.spans.items():
        yield f"{_folder(by)}/{file_name(one.track.pk, one.track.name, '.rttm')}", rttm(one.track.name, spans)


def _jams(one: OfTrack, campaign: Campaign) -> Iterator[File]:
    track = one.track
    about = About(track.name, track.duration, track.artist, track.album, campaign.name, campaign.instructions)
    yield file_name(track.pk, track.name, ".jams"), jams(about, one.answers)


def _textgrid(one: OfTrack, campaign: Campaign) -> Iterator[File]:
    spans: dict[str, list[Span]] = {answer.by: [] for answer in one.answers} | one.spans
    yield file_name(one.track.pk, one.track.name, ".TextGrid"), textgrid(spans, one.track.duration)


def _raven(one: OfTrack, campaign: Campaign) -> Iterator[File]:
    said = [(by, span) for by, spans in one.spans.items() for span in spans]
    yield file_name(one.track.pk, one.track.name, ".selections.txt"), raven_table(said, one.track.sample_rate)


def _folder(by: str) -> str:
    """A name of its own: where the plain one is not what they are called, letters of a checksum tell it from others like it."""
    plain = file_name(0, by, "").partition("-")[2]
    return plain if plain == by else f"{plain}-{hashlib.sha256(by.encode()).hexdigest()[:8]}"


FILES: dict[Export.Format, Callable[[OfTrack, Campaign], Iterator[File]]] = {
    Format.AUDACITY: _audacity,
    Format.RTTM: _rttm,
    Format.JAMS: _jams,
    Format.TEXTGRID: _textgrid,
    Format.RAVEN: _raven,
}
