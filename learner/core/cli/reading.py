"""Open what a command works on: folders of songs, recordings, a checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from learner.core import audio, songs
from learner.core.cli.output import progress_bar, say_bad
from learner.core.songs import Song, splits
from learner.core.songs.streaming import AnySong, SongOnDisk, stream

FOLDER = """A folder of songs holds <song>/mixture, vocals and accompaniment as .wav or .flac (any two give the third), or plain mixes as
.wav, .flac, .mp3, .ogg, .oga, .opus, .m4a, .mp4, .aac or .webm. MUSDB18-HQ, MUSDB18 (.stem.mp4), CC-Mixter and MIR-1K (a folder
Wavfile) are read as they come. A bad file is named with its reason, and the rest goes on."""
IN_MEMORY = 1e9  # bytes of decoded songs; more of them stay on disk and are read by stretches


def load_songs(folder: Path, sample_rate: int, stem: str = "vocals") -> list[Song]:
    """Load the songs with that stem under a folder; what cannot be used is named. Raises BadAudio where nothing is left."""
    return _each(folder, _with_stem(folder, stem, None), "loading", lambda files: checked_song(files, sample_rate, stem))


def open_songs(folder: Path, sample_rate: int, stem: str = "vocals", part: str | None = None) -> list[AnySong]:
    """As `load_songs`, but where they would take more than `IN_MEMORY` the songs stay on disk; `part` names the songs that are wanted."""
    return open_each(folder, _with_stem(folder, stem, part), sample_rate, stem)


def open_each(folder: Path, found: Sequence[songs.SongFiles], sample_rate: int, stem: str = "vocals") -> list[AnySong]:
    """Open songs that were found, in memory or on disk; what cannot be used is named. Raises BadAudio where nothing is left."""
    on_disk = _each(folder, found, "opening", lambda files: stream(files, stem))
    n_bytes = sum(song.n_bytes(sample_rate) for song in on_disk)
    if n_bytes > IN_MEMORY:
        print(
            f"{len(on_disk)} songs would take {n_bytes / 1e9:.1f} GB of memory; they are read from disk as they are needed", file=sys.stderr
        )
        opened = {song.name: song for song in on_disk}

        def compared(files: songs.SongFiles) -> SongOnDisk:
            song = opened[files.name]
            songs.check_stems(files, song.mixture.n_samples, song.sample_rate, stem)
            return song

        return list(_each(folder, [files for files in found if files.name in opened], "comparing stems", compared))
    good = {song.name for song in on_disk}
    return list(
        _each(folder, [files for files in found if files.name in good], "loading", lambda files: checked_song(files, sample_rate, stem))
    )


def _with_stem(folder: Path, stem: str, part: str | None) -> list[songs.SongFiles]:
    wanted = songs_of_part(folder, part)
    with_stem = [files for files in wanted if files.has(stem)]
    if len(with_stem) < len(wanted):
        print(f"{len(wanted) - len(with_stem)} plain mixes in {folder} are left out: they have no stems", file=sys.stderr)
    return with_stem


def songs_of_part(folder: Path, part: str | None) -> list[songs.SongFiles]:
    """Find the songs of a part, with stems or without; "not held out" is all but what their corpus keeps for validation and test."""
    found, bad = songs.scan(folder)
    say_bad(bad)
    if part == "not held out":
        wanted = [files for files in found if splits.published(files) in (None, "train")]
        if len(wanted) < len(found):
            print(f"{len(found) - len(wanted)} songs are kept for validation and test", file=sys.stderr)
        return wanted
    return next((inside for name, inside in splits.split(found).items() if name == part), found)


Opened = TypeVar("Opened", Song, SongOnDisk)


def _each(folder: Path, found: Sequence[songs.SongFiles], verb: str, take: Callable[[songs.SongFiles], Opened]) -> list[Opened]:
    bad: list[songs.Bad] = []
    taken: list[Opened] = []
    with progress_bar(verb, "songs") as tell:
        for number, files in enumerate(found, start=1):
            try:
                taken.append(take(files))
            except songs.BadSong as error:
                bad.append(songs.Bad(error.path, str(error)))
            tell(number, len(found), files.name)
    say_bad(bad)
    if not taken:
        raise audio.BadAudio(f"There is no song with stems under {folder}. {FOLDER}".replace("\n", " "))
    return taken


def checked_song(files: songs.SongFiles, sample_rate: int | None = None, stem: str = "vocals") -> Song:
    """Check a song and load it. Raises BadSong."""
    songs.check(files, stem)
    return songs.load(files, sample_rate, stem)


def recordings_in(paths: Sequence[Path]) -> tuple[list[songs.SongFiles], list[songs.Bad]]:
    found: list[songs.SongFiles] = []
    bad: list[songs.Bad] = []
    for path in paths:
        if path.is_dir():
            inside = songs.scan(path)
            found += inside.songs
            bad += inside.bad
        else:
            found.append(songs.of_file(path))
    names = [files.name for files in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise audio.BadAudio(f"Several recordings are called {', '.join(twice)}, and their results would overwrite each other.")
    return found, bad


def base_or(path: Path | None) -> Path:
    from learner.core.teaching.train import BASE

    return path or BASE


def use_threads(options: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(options.threads)
