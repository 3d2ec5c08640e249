"""`songs` and `generate`."""

from __future__ import annotations

import argparse

from rich.table import Table
from rich.text import Text

from learner.core import songs
from learner.core.cli.output import console, progress_bar, say_bad, say_notes
from learner.core.songs import splits


def list_songs(options: argparse.Namespace) -> int:
    found, bad = songs.scan(options.folder, options.layout)
    table = Table("song", "stems", "part", "seconds", "Hz", "channels", box=None, header_style="bold")
    part_of = {files.name: part for part, inside in splits.split(found).items() for files in inside}
    n_stems = 0
    notes: list[songs.Note] = []
    with progress_bar("checking", "songs") as tell:
        for number, files in enumerate(found, start=1):
            try:
                infos = songs.check(files)
            except songs.BadSong as error:
                bad.append(songs.Bad(error.path, str(error)))
            else:
                info = next(iter(infos.values()))
                notes += songs.notes(files, infos)
                with_stems = len(files.stems) > 1
                stems = ", ".join(files.stems) if with_stems else "none (a mix)"
                n_stems += with_stems
                table.add_row(
                    Text(files.name),  # as it is: [b] in a name is no markup
                    stems,
                    part_of[files.name] if with_stems else "",
                    f"{info.duration:.1f}",
                    str(info.sample_rate),
                    str(info.channels),
                )
            tell(number, len(found), files.name)
    if table.rows:
        console().print(table)
    say_notes(notes)
    say_bad(bad)
    print(f"{len(table.rows)} songs, {n_stems} with stems; {len(bad)} left out")
    return 0 if table.rows else 1


def generate_songs(options: argparse.Namespace) -> int:
    from learner.core.songs.parts import write_songs

    with progress_bar("writing", "songs") as tell:
        for done, seed in enumerate(options.seeds, start=1):
            write_songs(options.folder, options.domain, [seed], options.duration, options.stem)
            tell(done, len(options.seeds), f"{options.domain}-{seed}")
    print(f"{len(options.seeds)} songs in {options.folder}")
    return 0
