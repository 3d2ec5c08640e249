"""`train` and `import`: checkpoints from songs, or from weights of elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from learner.core.cli.output import in_steps, progress_bar
from learner.core.cli.reading import open_songs, use_threads
from learner.core.files import names
from learner.core.teaching.presets import PRESETS


def train_separator(options: argparse.Namespace) -> int:
    use_threads(options)
    from learner.core.teaching.train import BASE, base_songs, train

    given = {name: value for name in ("steps", "batch", "rate") if (value := getattr(options, name)) is not None}
    is_base = not (options.folder or options.out or options.preset or options.channels or options.stem)
    config = PRESETS[options.preset or "small-16k"] | {name: value for name in ("channels", "stem") if (value := getattr(options, name))}
    stem = options.stem or "vocals"
    part = options.part or "not held out"
    with_stems = open_songs(options.folder, config["sample_rate"], stem, part) if options.folder else base_songs(stem)
    out = options.out or (BASE.parent if is_base else Path("checkpoints"))
    with progress_bar("training", "steps") as tell:
        saved = train(with_stems, out=out, seed=options.seed, config=config, progress=in_steps(tell), **given)
    path = saved.path
    if is_base:
        path = saved.path.replace(BASE)
    print(f"{path}\nsha256 {saved.hash}")
    return 0


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
