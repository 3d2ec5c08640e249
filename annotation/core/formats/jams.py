"""JAMS: annotations of one track as JSON (Humphrey, Salamon, Nieto, Forsyth, Bittner, Bello, "JAMS", ISMIR 2014; schema of jams 0.3).

Each answer is an annotation of its own in the namespace `segment_open`: its time and duration say which clip was heard, so that one
without data says "nothing is wrong here".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.core.formats.rows import Answer

VERSION = "0.3.5"
"""Of the schema."""


@dataclass(frozen=True)
class About:
    """What JAMS wants to know of a track and of the collection; `duration` in seconds."""

    title: str
    duration: float
    artist: str = ""
    album: str = ""
    corpus: str = ""
    rules: str = ""


def jams(about: About, answers: Iterable[Answer]) -> str:
    """One file of JSON for one track."""
    metadata = {"title": about.title, "artist": about.artist, "release": about.album, "duration": about.duration}
    whole = {
        "file_metadata": {**metadata, "identifiers": {}, "jams_version": VERSION},
        "annotations": [_annotation(answer, about) for answer in answers],
        "sandbox": {},
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _annotation(answer: Answer, about: About) -> dict[str, Any]:
    return {
        "namespace": "segment_open",
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {"name": answer.by},
            "version": "",
            "corpus": about.corpus,
            "annotation_tools": "Unbleed",
            "annotation_rules": about.rules,
            "validation": "",
            "data_source": "",
        },
        "data": [
            {"time": span.start, "duration": span.duration, "value": span.text, "confidence": span.probability}
            for span in sorted(answer.spans, key=lambda one: (one.start, one.end))
        ],
        "sandbox": {} if answer.task is None else {"task": answer.task},
        "time": answer.clip.start,
        "duration": answer.clip.duration,
    }
