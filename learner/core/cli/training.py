"""`train` and `import`: checkpoints from songs, or from weights of elsewhere."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from learner.core import audio
from learner.core.bases import base_file
from learner.core.cli.evaluating import measure, show
from learner.core.cli.output import in_steps, progress_bar
from learner.core.cli.reading import open_each, open_songs, songs_of_part, use_threads
from learner.core.cli.taught import taken_apart
from learner.core.files import names
from learner.core.songs import SongFiles
from learner.core.songs.streaming import AnySong
from learner.core.teaching.presets import PRESETS


def train_separator(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.teaching.train import BASE, REAL, REAL_PRESET, Course, base_songs, train

    given = {name: value for name in ("steps", "batch", "rate") if (value := getattr(options, name)) is not None}
    is_base = not (options.folder or options.out or options.preset or options.channels or options.stem)
    preset = options.preset or (REAL_PRESET if options.folder else "small-16k")
    config = PRESETS[preset] | {name: value for name in ("channels", "stem") if (value := getattr(options, name))}
    stem = options.stem or "vocals"
    out = options.out or (BASE.parent if is_base else Path("checkpoints"))
    if not options.folder:
        for name, why in (("teacher", "to learn from it"), ("test", "to be left out of what is learnt from")):
            if getattr(options, name):
                raise audio.BadAudio(f"--{name} needs a folder of songs {why}; generated songs have their stems.")
    if options.without_stems and not options.teacher:
        raise audio.BadAudio("--without-stems needs a --teacher, whose outputs stand for the stems.")
    teacher = None
    if options.teacher:
        with progress_bar("fetching", "MB") as tell:
            teacher = base_file(options.teacher, out, tell)
    tested = open_songs(options.test, config["sample_rate"], stem) if options.test else []
    learnt, card = _songs(options, teacher, out, config["sample_rate"], stem) if options.folder else (base_songs(stem), {})
    course = replace(REAL if options.folder else Course(), **given)
    with progress_bar("training", "steps") as tell:
        saved = train(learnt, out=out, seed=options.seed, course=course, config=config, card=card, progress=in_steps(tell))
    path = saved.path
    if is_base:
        path = saved.path.replace(BASE)
    if tested:
        separators = {"trained": checkpoint.load(path)} | ({"teacher": checkpoint.load(teacher)} if teacher else {})
        with progress_bar("measuring", "songs") as tell:
            show(measure(separators, tested, tell), stem)
    print(f"{path}\nsha256 {saved.hash}")
    return 0


def _songs(
    options: argparse.Namespace, teacher: Path | None, out: Path, sample_rate: int, stem: str
) -> tuple[list[AnySong], dict[str, object]]:
    """The songs of the folder but for those to test on, the teacher's outputs where they have no stems; and what the card says of that."""
    folder = options.folder
    found = [files for files in songs_of_part(folder, options.part or "not held out") if not _lies_in(files, options.test)]
    with_stem = [] if options.without_stems else [files for files in found if files.has(stem)]
    mixes = [files for files in found if files not in with_stem and (files.mixture or files.has("vocals"))]
    if teacher is None:
        if mixes:
            print(f"{len(mixes)} plain mixes in {folder} are left out: they have no stems", file=sys.stderr)
        return open_each(folder, with_stem, sample_rate, stem), {}
    from learner.core import checkpoint

    known, name = checkpoint.file_hash(teacher), names.readable(teacher)
    separator = checkpoint.load(teacher)
    if separator.stem != stem:
        raise audio.BadAudio(f"The teacher {name} takes out {separator.stem}, and {stem} is to be learnt.")
    home = out / f"taught-by-{known[:10]}"
    taught = taken_apart(separator, mixes, home)
    if taught:
        print(f"what {name} made of {len(taught)} songs is kept in {home}, for other trainings", file=sys.stderr)
    opened = open_each(folder, with_stem, sample_rate, stem) if with_stem else []
    opened += open_each(folder, taught, sample_rate) if taught or not opened else []
    return opened, {"teacher": known, "taught": len(taught)}


def _lies_in(files: SongFiles, folder: Path | None) -> bool:
    return folder is not None and any(path.resolve().is_relative_to(folder.resolve()) for path in files.stems.values())


def import_weights_of(options: argparse.Namespace) -> int:
    from learner.core.separators.importing import import_weights

    config = options.config | {"stem": options.stem}
    saved = import_weights(options.weights, architecture=options.architecture, config=config, out=options.out)
    if saved.prefix:
        print(f"taken from under {names.readable(saved.prefix)}")
    if saved.passed_over:
        print(f"passed over, since the network has no such part: {', '.join(map(names.readable, saved.passed_over))}")
    print(f"{saved.path}\nsha256 {saved.hash}")
    return 0
