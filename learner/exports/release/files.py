"""A release as files: a folder that Hugging Face's `datasets` loads, or WebDataset shards."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from annotation.core.panels import csv_table
from annotation.files import previews
from annotation.models import Campaign, Estimate, Stem
from learner.exports.folders import write_csv, write_json_lines, write_sums, write_text
from learner.exports.release.datasheet import card, datasheet, licences
from learner.exports.release.rows import Clip, Release, release_of
from learner.models import Export

SHARD = 500  # clips in one
Step = tuple[str, Callable[[], None]]  # what it is at, in words


def write_release(export: Export, campaign: Campaign, folder: Path) -> list[Step]:
    """Write what needs the rows, and return the steps that need sound alone."""
    release, shards = release_of(export, campaign), export.format == Export.Format.WEBDATASET
    write_text(folder / "README.md", [card(release, shards=shards)])
    write_text(folder / "DATASHEET.md", [datasheet(release)])
    write_text(folder / "LICENCES.md", [licences(release)])
    write_text(folder / "snapshot.json", [json.dumps(_snapshot(release), indent=1, ensure_ascii=False) + "\n"])
    write_json_lines(folder / "people.jsonl", release.people)
    write_json_lines(folder / "decisions.jsonl", release.decisions)
    write_csv(folder / "agreement.csv", csv_table(list(release.agreement[0]), release.agreement))
    steps = _shards(release, folder) if shards else _folder(release, folder)
    return [*steps, ("adding up checksums", lambda: write_sums(folder))]


def _snapshot(release: Release) -> dict[str, object]:
    campaign = release.campaign
    rules = ("stem", "clip_seconds", "min_overlap", "max_overlap", "certainty", "choosing", "random_share", "instruction_version")
    return {
        "campaign": campaign.name,
        "round": release.snapshot.round.number,
        "feedback": release.snapshot.content_hash,
        "clips": len(release.clips),
        "left_out": release.n_left_out,
        "rules": {name: getattr(campaign, name) for name in rules},
    }


def _folder(release: Release, folder: Path) -> list[Step]:
    steps: list[Step] = []
    for split, clips in release.splits.items():
        write_json_lines(folder / "clips" / f"{split}.jsonl", (clip.row for clip in clips))
        if heard := [clip for clip in clips if release.with_audio and may_be_heard(clip)]:
            sound = folder / "sound" / split
            named = ({"file_name": f"{clip.key}.flac", "mix": f"mix/{clip.key}.flac", **clip.row} for clip in heard)
            write_json_lines(sound / "metadata.jsonl", named)
            steps += [(f"the sound of clip {clip.key}", _sound_of(clip, sound)) for clip in heard]
    return steps


def _sound_of(clip: Clip, sound: Path) -> Callable[[], None]:
    def write() -> None:
        (sound / "mix").mkdir(parents=True, exist_ok=True)
        (sound / f"{clip.key}.flac").write_bytes(flac(*previews.extracted(clip.task)))
        (sound / "mix" / f"{clip.key}.flac").write_bytes(flac(*previews.mix(clip.task)))

    return write


def may_be_heard(clip: Clip) -> bool:
    """Whether its sound is there and may be passed on: its song has a licence."""
    task = clip.task
    extracted = Estimate.objects.filter(track=task.track_id, stem=task.stem, checkpoint=task.checkpoint)
    return bool(task.track.licence) and extracted.exists() and Stem.objects.filter(track=task.track_id, name="mixture").exists()


def _shards(release: Release, folder: Path) -> list[Step]:
    """Clips with and without sound in shards of their own: readers want the same files for each clip of a shard."""
    steps: list[Step] = []
    for split, clips in release.splits.items():
        heard = [clip for clip in clips if release.with_audio and may_be_heard(clip)]
        keys = {clip.key for clip in heard}
        others = [clip for clip in clips if clip.key not in keys]
        for name, some, sounds in ((split, heard, True), (f"{split}-no-sound" if heard else split, others, False)):
            for number, first in enumerate(range(0, len(some), SHARD)):
                target = folder / f"{name}-{number:06}.tar"
                steps.append((f"shard {target.name}", _shard(target, some[first : first + SHARD], sounds)))
    return steps


def _shard(target: Path, clips: list[Clip], sounds: bool) -> Callable[[], None]:
    def write() -> None:
        with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
            for clip in clips:
                _add(archive, f"{clip.key}.json", json.dumps(clip.row, ensure_ascii=False).encode())
                if sounds:
                    _add(archive, f"{clip.key}.flac", flac(*previews.extracted(clip.task)))
                    _add(archive, f"{clip.key}.mix.flac", flac(*previews.mix(clip.task)))

    return write


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Without time and owner, which `TarInfo` leaves at nothing."""
    about = tarfile.TarInfo(name)
    about.size = len(content)
    archive.addfile(about, io.BytesIO(content))


def flac(samples: previews.Samples, rate: int) -> bytes:
    """(samples, channels) as FLAC of 16 bits; what is over full scale is cut to it."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1.0, 1.0), rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()
