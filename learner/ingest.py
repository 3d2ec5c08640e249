"""Songs from a folder into a campaign: checked, kept bit for bit, taken once."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from annotation import services as annotating
from annotation.models import Campaign, Stem, Track
from learner.core import songs

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass
class Ingested:
    """What came of a folder."""

    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    bad: list[songs.Bad] = field(default_factory=list)
    notes: list[songs.Note] = field(default_factory=list)  # of what was added


def ingest(
    *,
    campaign: Campaign,
    folder: Path,
    use: str,
    domain: str,
    progress: Callable[[int, int], None] | None = None,
    licence: str = "",
    only: set[str] | None = None,
) -> Ingested:
    """Take every good song under a folder into a campaign; the bad ones are named with their reasons, and the rest goes on.

    Run twice, it adds nothing twice. `only` limits it to songs of these names. Raises NotADirectoryError, and OSError when the disk
    is full.
    """
    found, bad = songs.scan(folder)
    wanted = [files for files in found if only is None or files.name in only]
    outcome = Ingested(bad=list(bad) if only is None else [])
    for number, files in enumerate(wanted, start=1):
        try:
            with songs.unpacked(files) as single:
                outcome.notes += _take(campaign, single, use, domain, licence)
            outcome.added.append(files.name)
        except annotating.AlreadyThere:
            outcome.known.append(files.name)
        except songs.BadSong as error:
            outcome.bad.append(songs.Bad(error.path, str(error)))
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            outcome.bad.append(songs.Bad(Path(error.filename or _first(files)), f"It cannot be read: {error.strerror or error}."))
        if progress:
            progress(number, len(wanted))
    return outcome


def _take(campaign: Campaign, files: songs.SongFiles, use: str, domain: str, licence: str) -> list[songs.Note]:
    if use != Track.Use.POOL and not files.has_stems:
        raise songs.BadSong(
            _first(files), f"A song for {use} needs its vocals or accompaniment beside the mixture; only the pool takes mixes."
        )
    digests = {name: _digest(path) for name, path in files.paths.items()}
    fingerprint = _fingerprint(digests)
    if known := campaign.tracks.filter(fingerprint=fingerprint).first():
        if known.use != use:
            raise songs.BadSong(
                _first(files), f"It is in the campaign for {known.use} already, as {known.name}; a song's use never changes."
            )
        raise annotating.AlreadyThere(files.name)
    if mixture := digests.get("mixture"):
        stems_of_others = Stem.objects.filter(track__campaign=campaign, name="mixture", file__startswith=f"{mixture[:2]}/{mixture}")
        if other := stems_of_others.exclude(track__use=use).select_related("track").first():
            reason = f"Its mixture is in the campaign for {other.track.use} already, as {other.track.name}; held out once, held out always."
            raise songs.BadSong(_first(files), reason)
    infos = songs.check(files)
    first = next(iter(infos.values()))
    stems = [annotating.NewStem(name, path) for name, path in files.paths.items()]
    with tempfile.TemporaryDirectory() as scratch:
        if files.has_stems and len(files.paths) < len(songs.STEMS):
            song = songs.load(files)
            missing = next(name for name in songs.STEMS if name not in files.paths)
            stems.append(
                annotating.NewStem(missing, _write(Path(scratch), missing, getattr(song, missing), song.sample_rate), derived=True)
            )
        annotating.add_track(
            campaign=campaign,
            name=files.name,
            use=use,
            domain=domain,
            stems=stems,
            fingerprint=fingerprint,
            licence=licence,
            duration=min(info.duration for info in infos.values()),
            sample_rate=first.sample_rate,
            channels=first.channels,
        )
    return songs.notes(files, infos)


def _first(files: songs.SongFiles) -> Path:
    return next(iter(files.paths.values()))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fingerprint(digests: Mapping[str, str]) -> str:
    """SHA-256 over the stems' names and those of their bytes; the song's own name does not count."""
    whole = hashlib.sha256()
    for name, digest in sorted(digests.items()):
        whole.update(f"{name}:{digest}\n".encode())
    return whole.hexdigest()


def _write(folder: Path, name: str, samples: np.ndarray, sample_rate: int) -> Path:
    """A stem that was computed: 24-bit FLAC, or float WAV where it is over full scale, so that the sum of the stems stays true."""
    if np.abs(samples).max(initial=0.0) < 1.0:
        path = folder / f"{name}.flac"
        soundfile.write(path, samples.T, sample_rate, subtype="PCM_24")
    else:
        path = folder / f"{name}.wav"
        soundfile.write(path, samples.T, sample_rate, subtype="FLOAT")
    return path
