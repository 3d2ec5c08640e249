"""`python -m learner.core bench paper|figures`: the experiments, printed, written and drawn. Long; started again they go on."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from learner.core.bases import SHIPPED, base_file
from learner.core.bench import real_command
from learner.core.bench.choosing import command as choosing_command
from learner.core.cli.arguments import json_object

GENERATED = "generated"

Bar = Callable[[str, str], Any]  # (verb, unit) -> context manager that yields what is told (done, in all, a word)


def add_to(bench: argparse.ArgumentParser, bar: Bar) -> None:
    """Add the benchmarks below the command `bench`."""
    commands = bench.add_subparsers(required=True, metavar="BENCHMARK")
    paper = commands.add_parser(
        "paper",
        help="The paper's experiment: both algorithms and ours, four replay shares, same and shifted domain.",
        description="Adapt one base by zero-vocal-targets, synthetic-tracks and our default recipe, each with 0, 10, 50 and 100 %% of the "
        "exemplars, on marks in its own domain and in a shifted one; measure on songs that nobody marked. Every finished run is a file "
        "in --out; started again, it goes on.",
    )
    _common(paper, Path("bench-paper"))
    where = "folder of songs with stems, or 'generated' (default)"
    paper.add_argument("--songs-source", default=GENERATED, metavar="DIR|generated", help=where + "; half of a folder trains a base")
    paper.add_argument("--songs-target", default=GENERATED, metavar="DIR|generated", help=where)
    paper.add_argument("--excerpt", type=float, default=30.0, metavar="SECONDS", help="of each song in a folder, its middle (default: 30)")
    paper.add_argument("--base", metavar="NAME-OR-FILE", help="default: shipped, or one trained on the source folder")
    paper.add_argument("--base-steps", type=int, default=1200, help="of a base trained on the source folder (default: 1200)")
    paper.add_argument("--quick", action="store_true", help="one seed, fewer and shorter songs, half of the steps: 12 min on two cores")
    paper.set_defaults(run=lambda options: _paper(options, bar))
    figures = commands.add_parser(
        "figures",
        help="What one adaptation by the default recipe changes and costs, beside baselines and a supervised ceiling.",
        description="Adapt several bases on several seeds' songs by the default recipe and measure songs that nobody marked. Every "
        "finished run is a file in --out; started again, it goes on.",
    )
    _common(figures, Path("bench-figures"))
    figures.add_argument(
        "--bases", type=int, default=1, help="1 is the shipped base alone; 2 trains another one first (8 min of computing)"
    )
    figures.add_argument("--base", metavar="NAME-OR-FILE", default=SHIPPED, help="base number 1 (default: shipped)")
    figures.add_argument("--songs", type=Path, metavar="DIR", help="real songs with stems instead of generated ones; then name them:")
    figures.add_argument("--marked", nargs="+", default=[], metavar="SONG", help="the songs that are marked")
    figures.add_argument("--validation", nargs="+", default=[], metavar="SONG", help="the songs that choose the checkpoint and the gain")
    figures.add_argument("--tested", nargs="+", default=[], metavar="SONG", help="the songs that are tested on")
    figures.add_argument("--seconds", type=float, default=140.0, help="marked seconds (default: 140)")
    figures.add_argument(
        "--recipe", type=json_object, default={}, metavar="JSON", help='changes to the default recipe, such as {"rate": 1e-4}'
    )
    figures.add_argument(
        "--row",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "JSON"),
        help="one more row: the recipe with these changes; may be given several times",
    )
    figures.add_argument("--adapters", action="store_true", help="one more row: the recipe that learns a twentieth of the weights")
    figures.add_argument(
        "--rounds", type=int, default=0, metavar="N", help="instead: N rounds in a row, each adapting what the last one promoted"
    )
    figures.set_defaults(run=lambda options: _figures(options, bar))
    real_command.add_to(commands, bar)
    choosing_command.add_to(commands, bar)


def _common(parser: argparse.ArgumentParser, out: Path) -> None:
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 ... N (default: 3)")
    parser.add_argument("--out", type=Path, default=out, help=f"folder for runs, tables and pictures (default: {out})")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of one thread (default: one a core)")


def _paper(options: argparse.Namespace, bar: Bar) -> int:
    from learner.core.bench import paper, report
    from learner.core.bench.claims import Experiment
    from learner.core.bench.material import Base

    source, target = (None if where == GENERATED else where for where in (options.songs_source, options.songs_target))
    setting = paper.Setting(
        steps=paper.QUICK_STEPS if options.quick else None,
        folders=paper.Folders(source, target, options.excerpt),
        sizes=paper.QUICK if options.quick else paper.FULL,
    )
    named = options.base or (SHIPPED if source is None else None)
    base = Base.at(base_file(named, options.out / "bases")) if named else None
    with bar("adapting", "runs") as tell:
        results = paper.run_paper(
            setting,
            base=base,
            seeds=range(1, (1 if options.quick else options.seeds) + 1),
            out=options.out,
            workers=options.workers,
            base_steps=options.base_steps,
            tell=tell,
        )
    print(report.paper(Experiment(results), options.out))
    return 0


def _figures(options: argparse.Namespace, bar: Bar) -> int:
    from learner.core.bench import comparison, in_a_row, report
    from learner.core.bench.figures import Setting, run_figures
    from learner.core.bench.material import Base, RealSongs
    from learner.core.teaching.recipe import Recipe

    real = None
    if options.songs:
        real = RealSongs(str(options.songs), *(tuple(getattr(options, name)) for name in ("marked", "validation", "tested")))
    setting, recipe = Setting(real, seconds=options.seconds), Recipe.changed(options.recipe)
    extra = {name: Recipe.changed(options.recipe | json_object(text)) for name, text in options.row}
    if options.adapters:
        extra[comparison.ADAPTERS] = Recipe.changed(Recipe.adapters().settings() | options.recipe)
    base, seeds, out = Base.at(base_file(options.base, options.out / "bases")), range(1, options.seeds + 1), options.out
    with bar("adapting", "runs") as tell:
        if options.rounds:
            results = in_a_row.run_rounds(
                setting, recipe, options.rounds, base=base, bases=options.bases, seeds=seeds, out=out, workers=options.workers, tell=tell
            )
        else:
            results = run_figures(
                setting, recipe, base=base, bases=options.bases, seeds=seeds, out=out, workers=options.workers, extra=extra, tell=tell
            )
    print(report.in_a_row(results, out) if options.rounds else report.figures(comparison.Table(results), results, out))
    return 0
