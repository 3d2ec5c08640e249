"""`adapt`: a checkpoint, marks, and songs for replay."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learner.core import songs
from learner.core.cli.marks import BadMarks, of_song, read_json
from learner.core.cli.output import in_steps, progress_bar, say_bad, write_json
from learner.core.cli.reading import base_or, checked_song, load_songs, open_songs, use_threads

if TYPE_CHECKING:
    from learner.core.teaching.feedback import MarkedSong

VALIDATION_SEEDS = range(20_000, 20_006)  # of generated source songs; no song of the shipped base is among them


def adapt_parent(options: argparse.Namespace) -> int:
    from learner.core.teaching.ranks import together

    with together(options.device):
        return _adapt_once(options)


def _adapt_once(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.judging.stem_words import said_of
    from learner.core.songs.parts import make_song
    from learner.core.teaching.adapt import Recipe, adapt
    from learner.core.teaching.ranks import Ranks
    from learner.core.teaching.train import base_songs

    parent = base_or(options.parent)
    about = checkpoint.about(parent)
    rate, stem = about.sample_rate, about.stem
    named = {name: value for name in ("algorithm", "replay_share", "steps", "rate") if (value := getattr(options, name)) is not None}
    settings: dict[str, Any] = options.recipe | named
    recipe = Recipe.changed(settings, about.architecture, real_songs=_has_real_songs(options.folder))
    feedback = marked_songs(options.folder, options.marks, rate)
    replay = open_songs(options.replay, rate, stem, "not held out") if options.replay else base_songs(stem)
    validation = (
        load_songs(options.validation, rate, stem)
        if options.validation
        else [make_song(seed, "source", stem=stem) for seed in VALIDATION_SEEDS]
    )
    with progress_bar("adapting", "steps", shown=Ranks.current().first) as tell:
        adapted = adapt(
            parent,
            feedback,
            replay,
            validation,
            recipe=recipe,
            seed=options.seed,
            out=options.out,
            base=options.first,
            state=options.state,
            memory=options.memory,
            device=options.device,
            progress=in_steps(tell),
        )
    if not Ranks.current().first:
        return 0
    chosen = adapted.report["chosen"]
    print(f"{adapted.path}\nsha256 {adapted.hash}")
    if adapted.memory:
        print(f"memory {adapted.memory}")
    if adapted.refused_because:
        print(said_of(stem, f"Not fit to be used: {adapted.refused_because}."), file=sys.stderr)
    print(said_of(stem, adapted.report["held_back"]))
    kept = said_of(stem, "accepted voice")
    print(
        f"from step {chosen['step']}, interpolated {chosen['factor']:g}: leak on the marks {chosen['leak_db']:+.2f} dB, "
        f"{kept} {chosen['kept_db']:+.2f} dB, validation songs {chosen['past_db']:+.2f} dB against the parent"
    )
    if options.json:
        write_json(options.json, {"path": str(adapted.path), "hash": adapted.hash, **adapted.report})
    return 0


def _has_real_songs(folder: Path) -> bool:
    from learner.core.teaching.recipe import GENERATED_RATE

    for files in songs.scan(folder).songs:
        with suppress(songs.BadSong):  # named where it is loaded
            if songs.headers(files)[1] > GENERATED_RATE:
                return True
    return False


def marked_songs(folder: Path, marks: Path, sample_rate: int) -> list[MarkedSong]:
    """Load the songs that the file of marks names. Raises BadMarks, naming the song and what is allowed."""
    from learner.core.teaching.feedback import MarkedSong

    content = read_json(marks)
    known = {files.name: files for files in songs.scan(folder).songs}
    marked, bad = [], list[songs.Bad]()
    for name, value in content.items():
        if name not in known:
            raise BadMarks(f"{marks} names {name!r}, which is not in {folder}; there are: {', '.join(known) or 'none'}")
        files = known[name]
        try:
            song = checked_song(songs.mix_of(files) if files.mixture else files, sample_rate)
        except songs.BadSong as error:
            bad.append(songs.Bad(error.path, str(error)))
            continue
        stretches, heard = of_song(value, song.duration, f"{marks}, {name}")
        song_marked = MarkedSong(name, song.sample_rate, song.mixture, stretches, heard)
        song_marked.check()
        marked.append(song_marked)
    say_bad(bad)
    if bad and not marked:
        raise BadMarks(f"None of the songs that {marks} names can be used")
    return marked
