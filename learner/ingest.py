"""Songs from a folder into a campaign: checked, kept bit for bit, taken once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from annotation import services as annotating
from annotation.core.stems import rest_of
from annotation.files import disk_space
from annotation.models import Campaign, Stem, Track
from learner.core import songs


@dataclass
class Ingested:
    """What came of a folder."""

    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    bad: list[songs.Bad] = field(default_factory=list)
    notes: list[songs.Note] = field(default_factory=list)  # of what was added

    def add(self, other: Ingested) -> None:
        """What came of another folder as well."""
        self.added += other.added
        self.known += other.known
        self.bad += other.bad
        self.notes += other.notes


def ingest(
    *,
    campaign: Campaign,
    folder: Path,
    use: str,
    domain: str,
    progress: Callable[[int, int], None] | None = None,
    licence: str = "",
    only: set[str] | None = None,
    links: bool = True,
) -> Ingested:
    """Take every good song under a folder into a campaign; the bad ones are named with their reasons, and the rest goes on.

    Run twice, it adds nothing twice. `only` limits it to songs of these names; without `links` none is followed.
    Raises NotADirectoryError, and OSError when the disk is full.
    """
    found, bad = songs.scan(folder, links=links)
    wanted = [files for files in found if only is None or files.name in only]
    outcome = Ingested(bad=list(bad) if only is None else [])
    for number, files in enumerate(wanted, start=1):
        try:
            outcome.notes += _add(campaign, files, use, domain, licence)
            outcome.added.append(files.name)
        except annotating.AlreadyThere:
            outcome.known.append(files.name)
        except songs.BadSong as error:
            outcome.bad.append(songs.Bad(error.path, str(error)))
        except OSError as error:
            if disk_space.lack_of_room(error):
                raise
            outcome.bad.append(songs.Bad(Path(error.filename or _first(files)), f"It cannot be read: {error.strerror or error}."))
        if progress:
            progress(number, len(wanted))
    return outcome


def _add(campaign: Campaign, files: songs.SongFiles, use: str, domain: str, licence: str) -> list[songs.Note]:
    """Keep a song; returns what its owner should know."""
    stem = campaign.stem
    if use not in Track.TAKE_MIXES and not files.has(stem):
        needed = stem if stem in songs.BAND else "vocals or accompaniment"
        raise songs.BadSong(
            _first(files), f"A song for {use} needs its {needed} beside the mixture; {', '.join(Track.TAKE_MIXES)} take mixes."
        )
    fingerprint = _fingerprint({part: files.stems[part] for part in files.needed(stem)})
    if known := campaign.tracks.filter(fingerprint=fingerprint).first():
        if known.use != use:
            raise songs.BadSong(_first(files), f"It is in the campaign for {known.use} already, as {known.name}.")
        raise annotating.AlreadyThere(files.name)
    try:
        infos = songs.check(files, stem)
    except songs.StrangeStems as error:
        if use != Track.Use.POOL:
            raise
        # What people listen to is the mixture; its stems are a present that the pool can do without.
        notes = _add(campaign, songs.mix_of(files), use, domain, licence)
        return [*notes, songs.Note(_first(files), f"It is taken as a mix, without its stems. {error}")]
    with songs.unpacked(files, stem, rest_of(stem)) as paths:
        _keep_apart(campaign, paths["mixture"], use)
        first = next(iter(infos.values()))
        annotating.add_track(
            campaign=campaign,
            name=files.name,
            use=use,
            domain=domain,
            stems=[annotating.NewStem(name, path, derived=path != files.stems.get(name)) for name, path in paths.items()],
            fingerprint=fingerprint,
            licence=licence,
            duration=min(info.duration for info in infos.values()),
            sample_rate=first.sample_rate,
            channels=first.channels,
        )
    return songs.notes(files, infos)


def _keep_apart(campaign: Campaign, mixture: Path, use: str) -> None:
    """Raise BadSong where the campaign has this mixture for another use."""
    digest = _digest(mixture)
    same = Stem.objects.filter(track__campaign=campaign, name="mixture", file__startswith=f"{digest[:2]}/{digest}")
    if other := same.exclude(track__use=use).select_related("track").first():
        reason = f"Its mixture is in the campaign for {other.track.use} already, as {other.track.name}; held out once, held out always."
        raise songs.BadSong(mixture, reason)


def _first(files: songs.SongFiles) -> Path:
    return next(iter(files.stems.values()))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fingerprint(files: Mapping[str, Path]) -> str:
    """SHA-256 over the stems' names and those of their files' bytes as they came; the song's own name does not count."""
    digests = {path: _digest(path) for path in set(files.values())}
    whole = hashlib.sha256()
    for name, path in sorted(files.items()):
        whole.update(f"{name}:{digests[path]}\n".encode())
    return whole.hexdigest()
