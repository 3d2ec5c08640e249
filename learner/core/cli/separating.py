"""`separate`: the voice, or another stem, out of recordings."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learner.core import audio, songs
from learner.core.cli.output import in_seconds, progress_bar, say_bad, say_notes
from learner.core.cli.reading import base_or, checked_song, recordings_in, use_threads
from learner.core.files import names, writing
from learner.core.files.disk_space import NO_ROOM


def separate_recordings(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.separate import separate_file

    separator = checkpoint.load(base_or(options.checkpoint), options.device)
    rest = rest_of(separator.stem) if options.rest else None
    found, bad = recordings_in(options.recordings)
    notes: list[songs.Note] = []
    n_done = 0
    for files in found:
        home = options.out / names.fitting(files.name)
        source = next(iter(files.stems.values()))
        with progress_bar(files.name, "s") as tell:
            try:
                with mixture_of(files) as path:
                    target = home / f"{separator.stem}.flac"
                    info = separate_file(separator, path, target, in_seconds(tell), rest=home / rest if rest else None)
                notes += [songs.Note(source, text) for text in info.notes]
                n_done += 1
            except audio.BadAudio as error:
                bad.append(songs.Bad(getattr(error, "path", source), str(error)))
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise
                bad.append(songs.Bad(source, f"It cannot be read, or {names.readable(home)} cannot be written: {error.strerror}."))
    say_notes(notes)
    say_bad(bad)
    print(f"{n_done} of {len(found)} recordings in {options.out}")
    return 0 if n_done else 1


def rest_of(stem: str) -> str:
    """The name of the file with what is left of a mix."""
    return {"vocals": "accompaniment.flac", "accompaniment": "vocals.flac"}.get(stem, "rest.flac")


@contextmanager
def mixture_of(files: songs.SongFiles) -> Iterator[Path]:
    """The file of a song's mix, or one made for the while where the mix lies in its stems or a packed file. Raises BadSong."""
    if files.mixture and not files.packing:
        yield files.mixture
        return
    song = checked_song(songs.mix_of(files) if files.mixture else files)
    with tempfile.TemporaryDirectory() as folder:
        yield writing.write(Path(folder) / "mixture.flac", song.mixture, song.sample_rate)
