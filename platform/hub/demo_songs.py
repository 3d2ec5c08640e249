"""The demo's songs from a folder: short excerpts, so that two rounds take minutes, with leads over them where nothing leaks by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from annotation.models import Campaign, Track
from hub.demo import BadRoles, Say, roles_of
from learner.core import checkpoint, metrics, songs
from learner.core.audio import BadAudio
from learner.core.bench import real_material
from learner.core.bench.leads import Generated, Leads, Recordings
from learner.core.files import writing
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.core.songs import Song
from learner.core.songs.streaming import stream
from learner.ingest import ingest

SECONDS = 20.0  # of an excerpt: two clips
CLIPS = 8  # a round
LEAKS = 4.0  # false-positive seconds a minute of the pool, from which on people have something to mark
LEAST = 3  # songs with stems
NONE = "none"  # instead of a folder of leads: the songs stay as they are
OVER = (
    "{} are laid over every other quarter of an excerpt, and the voice is muted there; voices that are more than 3 dB under their band are "
    "raised. Figures are about these excerpts, not about your songs."
)
AS_THEY_ARE = "--leads none (make: LEADS=none) leaves the songs as they are."
USES: dict[tuple[str, str], tuple[str, int]] = {  # use, domain -> whose songs, how many excerpts
    ("pool", "target"): ("pool", 12),
    ("gate", "target"): ("gate", 4),
    ("test", "target"): ("test", 6),
    ("replay", "source"): ("pool", 6),
    ("validation", "source"): ("pool", 3),
    ("gate", "source"): ("gate", 3),
    ("test", "source"): ("test", 4),
}
"""Excerpts with the shift are of the domain target, those without, of the domain source."""


@dataclass(frozen=True)
class Part:
    """Excerpts of one use and domain."""

    use: str
    domain: str
    songs: list[Song]


def add_folder(campaign: Campaign, folder: Path, leads: str | None, base: Path, say: Say, tell: Callable[[str], None]) -> None:
    """Take excerpts of a folder's songs in, unless the campaign has songs; what is worth knowing is told.

    `leads` is a folder of recordings of single instruments, which are laid over every other part of an excerpt with its voice muted;
    without one, generated leads are, where the songs themselves hardly leak; `NONE` leaves the songs as they are.
    Raises `BadRoles`, NotADirectoryError and BadAudio.
    """
    if campaign.tracks.exists():
        return
    shift: Leads | None = None if leads is None or leads == NONE else _recordings(Path(leads))
    found, bad = songs.scan(folder)
    for one in bad:
        tell(f"left out {one}")
    roles = roles_of(folder, [one.name for one in found], [one.name for one in found if one.has_stems])
    separator = checkpoint.load(base)
    rate = real_material.rate_of(separator.sample_rate)
    parts = [] if shift else _excerpts(folder, roles, rate, campaign.seed, "songs")
    if leads is None:
        pool = parts[0].songs
        leaking = leak(separator, pool, say)
        tell(f"The base's false positives in {len(pool)} excerpts that people could listen to: {leaking:.1f} seconds a minute.")
        shift = Generated() if leaking < LEAKS else None
        if shift:
            tell(f"So hardly anything leaks in these songs, and people would mark nothing. {OVER.format('Generated leads')} {AS_THEY_ARE}")
    elif shift:
        tell(OVER.format(f"Recordings of {leads}"))
    if shift:
        generator = np.random.default_rng([campaign.seed, 23])
        mostly_sung = _excerpts(folder, roles, rate, campaign.seed, "recorded")
        parts = [replace(part, songs=list(_shifted(part, shift, generator))) for part in mostly_sung]
    what = (
        "excerpts of your songs" if shift is None else f"{'generated' if leads is None else 'recorded'} leads over excerpts of your songs"
    )
    Campaign.objects.filter(pk=campaign.pk).update(name=f"Demo: {what}", clip_seconds=SECONDS / 2, clips_per_round=CLIPS)
    mixes = [one.name for one in found if not one.has_stems and roles.get(one.name, "replay") in ("pool", "replay")]
    _take(campaign, parts)
    if mixes:
        ingest(campaign=campaign, folder=folder, use=Track.Use.REPLAY, domain="source", only=set(mixes))
        tell(f"Without stems, and so only replayed as they are: {', '.join(mixes)}.")


def leak(separator: Separator, pool: Sequence[Song], say: Say = lambda done, total: None) -> float:
    """False-positive seconds a minute of songs with stems."""
    leaking, seconds = 0.0, 0.0
    for done, song in enumerate(pool, start=1):
        assert song.vocals is not None
        estimate = separate(separator, song.mixture, song.sample_rate)
        leaking += sum(end - start for start, end in metrics.false_positive_regions(estimate, song.vocals, song.sample_rate))
        seconds += song.mixture.shape[1] / song.sample_rate
        say(done, len(pool))
    return float(metrics.per_minute(leaking, seconds)) if seconds else 0.0


def _recordings(folder: Path) -> Leads:
    if not folder.is_dir():
        raise BadAudio(f"There is no folder {folder}; --leads is a folder of recordings of single instruments, or {NONE}.")
    return Recordings([path for path in folder.iterdir() if path.suffix.lower() in (".wav", ".flac", ".mp3", ".ogg", ".m4a")])


def _excerpts(folder: Path, roles: dict[str, str], rate: int, seed: int, shift: real_material.Shift) -> list[Part]:
    """The parts of a demo, pool first, with as much singing as a shift needs; no excerpt is in two of them."""
    experiment = real_material.of_folder(folder, sizes=real_material.Sizes(excerpt=SECONDS), shift=shift)
    generator, taken = np.random.default_rng([seed, 11]), set[tuple[str, float]]()
    files = {one.name: one for one in songs.scan(folder).songs if one.name in experiment.names}
    parts = []
    for (use, domain), (whose, n) in USES.items():
        names = [name for name in experiment.names if roles.get(name) in (whose, use)]
        there = sum(int(stream(files[name]).duration // SECONDS) for name in names)
        asked = sum(one for owner, one in USES.values() if owner == whose)
        some = real_material.excerpts(experiment, names, max(1, n * min(there, asked) // asked), rate, generator, taken)
        parts.append(Part(use, domain, some))
    if lacking := [part.use for part in parts if part.domain == "target" and not part.songs]:
        raise BadRoles(f"No songs with stems are left for {', '.join(lacking)}; at least {LEAST} songs with stems are needed.")
    return parts


def _shifted(part: Part, shift: Leads, generator: np.random.Generator) -> Iterable[Song]:
    for song in part.songs:
        audible = real_material.audible(song)
        yield real_material.over(audible, shift, "lead", generator) if part.domain == Track.Domain.TARGET else audible


def _take(campaign: Campaign, parts: Sequence[Part]) -> None:
    for part in parts:
        with tempfile.TemporaryDirectory() as scratch:
            for song in part.songs:
                folder = Path(scratch) / song.name.replace(":", ",").replace("/", " ")
                folder.mkdir()
                for stem in songs.STEMS:
                    writing.write(folder / f"{stem}.flac", getattr(song, stem), song.sample_rate)
            outcome = ingest(campaign=campaign, folder=Path(scratch), use=part.use, domain=part.domain)
            if outcome.bad:
                raise RuntimeError(f"An excerpt was refused: {outcome.bad[0].path}: {outcome.bad[0].reason}")
