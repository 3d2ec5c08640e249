"""`python -m learner.core bench real`: adaptations on folders of real songs, measured, printed, written and drawn."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learner.core.bases import NAMES, SHIPPED, base_file
from learner.core.cli.arguments import json_object, positive, share

if TYPE_CHECKING:
    from learner.core.bench.material import Base
    from learner.core.bench.real_material import Experiment
    from learner.core.teaching.recipe import Recipe

Bar = Callable[[str, str], Any]
ONE_SONG = "one-song"


def add_to(commands: Any, bar: Bar) -> None:
    real = commands.add_parser(
        "real",
        help="What one adaptation changes on real songs, from several bases, with leads laid over them on wish.",
        description="A fifth of the songs in --songs is tested on, a fifth validates, the others are marked; with each seed they take "
        "turns. Several experiments are done one after another: the songs as they are, and, where --soundfont or --leads are given, "
        "leads over them while the voice is muted; then, for each kind of leads, three marks in one song. Every finished run is a file "
        "in --out; started again, it goes on.",
    )
    real.add_argument("--songs", type=Path, required=True, metavar="DIR", help="songs with stems, three at least")
    real.add_argument("--source", type=Path, metavar="DIR", help="songs with stems that the base knows; they are replayed and tested on")
    real.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="NAME-OR-FILE",
        help=f"{', '.join(NAMES)} (fetched where needed) or a checkpoint; several may be given; default: trained on --source, or {SHIPPED}",
    )
    real.add_argument("--bases", type=int, default=2, metavar="N", help="how many to train on --source (default: 2)")
    real.add_argument("--base-steps", type=int, default=1500, help="of each that is trained (default: 1500)")
    real.add_argument(
        "--soundfont",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="given twice: one plays in marked songs, the other in tested ones",
    )
    real.add_argument(
        "--leads", type=Path, nargs="+", default=[], metavar="FILE", help="recordings of instruments; every other one is marked"
    )
    real.add_argument("--voices", type=Path, nargs="+", default=[], metavar="FILE", help="recordings of voices alone, that must stay")
    real.add_argument("--only", nargs="+", choices=("songs", "recorded", "bowed", "blown", ONE_SONG), help="these experiments alone")
    real.add_argument("--seconds", type=positive, default=45.0, help="marked seconds (default: 45)")
    real.add_argument("--marked", type=int, default=6, metavar="N", help="excerpts in which marks are looked for (default: 6)")
    real.add_argument("--poison", type=share, default=0.0, metavar="SHARE", help="of marked seconds that lie on singing, 0 ... 0.9")
    real.add_argument("--excerpt", type=positive, default=20.0, metavar="SECONDS", help="of each excerpt of a song (default: 20)")
    real.add_argument("--recipe", type=json_object, default={}, metavar="JSON", help="changes to the default recipe")
    real.add_argument(
        "--row", nargs=2, action="append", default=[], metavar=("NAME", "JSON"), help="one more row: the recipe with these changes"
    )
    real.add_argument("--seeds", type=int, default=2, metavar="N", help="seeds 1 ... N (default: 2)")
    real.add_argument("--first-seed", type=int, default=1, metavar="N", help="seeds from here on (default: 1)")
    real.add_argument("--quick", action="store_true", help="without the rows of replay alone and of true stems: a third of the time")
    real.add_argument("--out", type=Path, default=Path("bench-real"), help="folder for runs, tables and pictures (default: bench-real)")
    real.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of one thread (default: one a core)")
    real.set_defaults(run=lambda options: _real(options, bar))


def _real(options: argparse.Namespace, bar: Bar) -> int:
    from learner.core.bench import comparison, one_song, real, real_report
    from learner.core.bench.runs import write_whole

    seeds, texts = range(options.first_seed, options.first_seed + options.seeds), []
    experiments = experiments_of(options)
    bases: list[Base] = []
    for experiment in experiments:
        if options.only and experiment.shift not in options.only:
            continue
        out = options.out / experiment.shift
        with bar(f"adapting ({experiment.shift})", "runs") as tell:
            bases = bases or bases_of(options, experiment, tell)
            extra = {name: _recipe(options.recipe | json_object(text)) for name, text in options.row}
            results = real.run_real(
                experiment,
                bases,
                _recipe(options.recipe),
                seeds=seeds,
                out=out,
                workers=options.workers,
                extra=extra,
                quick=options.quick,
                tell=tell,
            )
        names = names_of(options, bases)
        texts.append(real_report.write(experiment, names, results, out))
        print(texts[-1])
    for experiment in experiments:
        if experiment.shift == "songs" or (options.only and ONE_SONG not in options.only):
            continue
        out = options.out / f"{ONE_SONG}-{experiment.shift}"
        with bar(f"adapting to one song ({experiment.shift})", "runs") as tell:
            bases = bases or bases_of(options, experiment, tell)
            rows: dict[str, dict[str, Any]] = {comparison.OURS: {}, **({} if options.quick else {one_song.WITH_OTHERS: {}})}
            rows |= {name: json_object(text) for name, text in options.row}
            results = one_song.run_one_song(
                experiment,
                bases,
                {row: options.recipe | changes for row, changes in rows.items()},
                seeds=seeds,
                out=out,
                workers=options.workers,
                tell=tell,
            )
        texts.append(one_song.write(experiment, names_of(options, bases), results, out))
        print(texts[-1])
    write_whole(options.out / "real.md", "\n".join(texts))
    return 0


def names_of(options: argparse.Namespace, bases: list[Base]) -> dict[int, str]:
    """How the report calls the bases, by number."""
    named = options.base or ([] if options.source else [SHIPPED])
    names = {base.number: named[base.number - 1] if named else f"base {base.number}" for base in bases}
    return {number: Path(name).stem[:16] for number, name in names.items()}


def _recipe(changes: dict[str, Any]) -> Callable[[Base], Recipe]:
    from learner.core import checkpoint
    from learner.core.teaching.recipe import Recipe

    return lambda base: Recipe.changed(changes, checkpoint.about(Path(base.path)).architecture, real_songs=True)


def bases_of(options: argparse.Namespace, experiment: Experiment, tell: Callable[[int, int, str], None]) -> list[Base]:
    """Those that are named, or trained on the source songs. Raises FileNotFoundError, NotFetched."""
    from learner.core import checkpoint
    from learner.core.bench import real
    from learner.core.bench.material import Base

    if options.source and not options.base:
        return real.trained(experiment, options.bases, out=options.out, steps=options.base_steps, workers=options.workers, tell=tell)

    paths = [base_file(name, options.out / "bases") for name in options.base or [SHIPPED]]
    return [Base(number, str(path), checkpoint.file_hash(path)) for number, path in enumerate(paths, start=1)]


def experiments_of(options: argparse.Namespace) -> list[Experiment]:
    """One for each shift that the options have sounds for. Raises TooFewSongs, BadAudio."""
    from learner.core import checkpoint
    from learner.core.audio import BadAudio
    from learner.core.bench.real_material import Sizes, Sounds, of_folder

    if len(options.soundfont) not in (0, 2):
        raise BadAudio("--soundfont must be given twice: one plays in marked songs, the other in tested ones.")
    if len(options.leads) == 1:
        raise BadAudio("--leads needs at least two recordings: some are marked, the others tested.")
    files = [*options.soundfont, *options.leads, *options.voices]
    known = tuple(checkpoint.file_hash(path) for path in files)
    names = {"leads": sorted(map(str, options.leads)), "fonts": list(map(str, options.soundfont))}
    voices = tuple(map(str, options.voices))
    sounds = {"songs": Sounds(voices=voices)}
    if options.leads:
        sounds["recorded"] = Sounds(tuple(names["leads"][::2]), tuple(names["leads"][1::2]), voices)
    if options.soundfont:
        sounds |= dict.fromkeys(("bowed", "blown"), Sounds((names["fonts"][0],), (names["fonts"][1],), voices))
    return [
        of_folder(
            options.songs,
            shift=shift,
            sounds=own,
            source=str(options.source) if options.source else None,
            sizes=Sizes(excerpt=options.excerpt, marked=options.marked),
            seconds=options.seconds,
            poison=options.poison,
            known_by=known,
        )
        for shift, own in sounds.items()
        if not options.only or shift in options.only or (ONE_SONG in options.only and shift != "songs")
    ]
