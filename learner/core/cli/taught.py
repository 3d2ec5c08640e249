"""Songs without stems, taken apart by a teacher: its outputs, as files, stand for the stems that nobody has.

Tzinis et al. 2022, "RemixIT" (arXiv 2202.08862): what a teacher takes out of mixes, mixed anew, teaches a student.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from learner.core import audio, songs
from learner.core.cli.output import in_seconds, progress_bar, say_bad
from learner.core.cli.separating import mixture_of
from learner.core.files import names
from learner.core.songs import SongFiles

if TYPE_CHECKING:
    from learner.core.separators import Separator


def taken_apart(teacher: Separator, found: Sequence[SongFiles], home: Path) -> list[SongFiles]:
    """The same songs with the teacher's outputs under `home` as their stems, the one that it takes out called vocals.

    What is there from before stays. A song that cannot be read is named and left out.
    """
    taken: list[SongFiles] = []
    for number, files in enumerate(found, start=1):
        folder = home / f"{names.fitting(files.name)}-{_stamp(files)}"
        with progress_bar(f"taking apart {number} of {len(found)}, {files.name}", "s") as tell:
            try:
                if not (stems := _stems(folder)):
                    from learner.core.separate import separate_file

                    with mixture_of(files) as path:
                        separate_file(teacher, path, folder / "vocals.flac", in_seconds(tell), rest=folder / "accompaniment.flac")
                    stems = _stems(folder)
                taken.append(SongFiles(files.name, vocals=stems["vocals"], accompaniment=stems["accompaniment"]))
            except audio.BadAudio as error:
                say_bad([songs.Bad(getattr(error, "path", next(iter(files.stems.values()))), str(error))])
    return taken


def _stems(folder: Path) -> dict[str, Path]:
    """Both files, FLAC or, over full scale, WAV; nothing where one of them is not there yet."""
    there = {path.stem: path for path in folder.glob("*.*") if path.suffix in (".flac", ".wav")}
    return {stem: there[stem] for stem in ("vocals", "accompaniment")} if {"vocals", "accompaniment"} <= there.keys() else {}


def _stamp(files: SongFiles) -> str:
    """Another one for another recording of the same name."""
    stats = [(path.stat().st_size, path.stat().st_mtime_ns) for path in files.stems.values()]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:8]
