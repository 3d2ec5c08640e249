"""`python -m learner.core bench choosing`: how much leak each way of choosing finds, and how long choosing takes."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learner.core.bases import NAMES, SHIPPED, base_file
from learner.core.cli.arguments import json_object, positive

if TYPE_CHECKING:
    from learner.core.bench.choosing.material import Pool

Bar = Callable[[str, str], Any]
MANY, CHOSEN = 20_000, 200  # clips of a large pool, and of a large round
CLIPS_A_TRACK, CLIP = 16, 15.0  # of that pool; seconds


def add_to(commands: Any, bar: Bar) -> None:
    choosing = commands.add_parser(
        "choosing",
        help="How much leak each way of choosing clips finds in the same minutes, on generated songs and on real ones.",
        description="Separate and measure pools of songs with stems once; then, many times, let each strategy choose a few rounds of "
        "clips, simulate what people agree on of them, and learn from it. Nothing is trained, but with --curves: then the base is adapted "
        "to what each strategy found, again and again, and measured on songs that nobody marked. With --songs, real songs come first: as "
        "they are, and, where --leads or --soundfont are given, with leads over them. Every finished run is a file in --out; started "
        "again, it goes on.",
    )
    choosing.add_argument("--seeds", type=int, default=20, metavar="N", help="runs on each pool; 0: none (default: 20)")
    choosing.add_argument(
        "--curves", type=int, default=0, metavar="N", help="learning curves of N runs on each pool: many adaptations (default: 0)"
    )
    choosing.add_argument(
        "--rows",
        nargs="+",
        default=[],
        metavar="NAME",
        help="ways of choosing and limits that have curves (default: random leak-aware expected 'one-shot oracle' 'greedy oracle')",
    )
    choosing.add_argument("--recipe", type=json_object, default={}, metavar="JSON", help="changes to the curves' short recipe")
    choosing.add_argument("--sizes", type=json_object, default={}, metavar="JSON", help='changes to `Sizes` of curves, as {"tracks": 8}')
    choosing.add_argument("--only", nargs="+", default=[], metavar="SHIFT", help="these shifts alone, such as 'mixed pool'")
    choosing.add_argument("--songs", type=Path, metavar="DIR", help="songs with stems")
    choosing.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="NAME-OR-FILE",
        help=f"{', '.join(NAMES)} or a checkpoint, for real songs; several may be given (default: {SHIPPED})",
    )
    choosing.add_argument(
        "--unheard",
        action="append",
        nargs=2,
        default=[],
        metavar=("NUMBER", "SONGS"),
        help="base NUMBER was trained on other songs than these (commas between names); it chooses from these alone",
    )
    choosing.add_argument(
        "--source", type=Path, metavar="DIR", help="songs with stems that the bases know; curves replay them (default: mixes of --songs)"
    )
    choosing.add_argument(
        "--leads", type=Path, nargs="+", default=[], metavar="FILE", help="recordings of instruments, laid over real songs"
    )
    choosing.add_argument("--soundfont", type=Path, metavar="FILE", help="bowed and blown instruments of it are laid over real songs")
    choosing.add_argument("--seconds", type=positive, default=300.0, help="of each real song, its middle (default: 300)")
    choosing.add_argument("--generated", type=int, default=30, metavar="N", help="songs of each generated pool; 0: none (default: 30)")
    choosing.add_argument(
        "--prior", type=Path, metavar="FILE", help="what `expected` believes before anybody answered, by `bench prior` (default: its own)"
    )
    choosing.add_argument("--out", type=Path, default=Path("bench-choosing"), help="folder for runs and tables (default: bench-choosing)")
    choosing.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of one thread (default: one a core)")
    choosing.set_defaults(run=lambda options: _choosing(options, bar))
    prior = commands.add_parser(
        "prior",
        help="What `expected` may believe before anybody answered, learned from pools that `bench choosing` measured.",
        description="Fit the weights of each pool's signals to where it truly leaks; write their means and how they differ. To see what "
        "it finds on songs it did not learn from, learn it from other folders than those that `bench choosing --prior` is given.",
    )
    prior.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="what --out of `bench choosing` was, or copies")
    prior.add_argument("--out", type=Path, default=Path("prior.json"), help="default: prior.json")
    prior.set_defaults(run=_prior)


def _prior(options: argparse.Namespace) -> int:
    from learner.core.bench.choosing import prior
    from learner.core.bench.runs import write_whole

    text = prior.as_json(prior.learn([folder / "signals" for folder in options.folders]))
    write_whole(options.out, text)
    print(text, end="")
    return 0


def _choosing(options: argparse.Namespace, bar: Bar) -> int:
    from learner.core.bench.choosing import report
    from learner.core.bench.choosing.finding import Finding
    from learner.core.bench.choosing.material import hearings
    from learner.core.bench.runs import finish
    from learner.core.choosing import expected

    pools = [pool for pool in pools_of(options) if not options.only or pool.shift in options.only]
    kept = options.out / "signals"
    with bar("measuring songs", "songs") as tell:
        heard = {one.key: one for pool in pools for one in hearings(pool, kept)}
        finish(list(heard.values()), kept, workers=options.workers, tell=tell)
    names = {number: Path(name).stem[:16] for number, name in enumerate(options.base or [SHIPPED], start=1)}
    believed = expected.Prior.read(options.prior) if options.prior else expected.PRIOR
    if options.seeds:
        runs = [Finding(pool, seed, str(kept), prior=believed) for pool in pools for seed in range(1, options.seeds + 1)]
        with bar("choosing", "runs") as tell:
            results = finish(runs, options.out, workers=options.workers, tell=tell)
        print(report.write(runs, results, names, options.out))
    if options.curves:
        _curves(options, bar, pools, names)
    print(f"Choosing {CHOSEN} of {MANY} clips takes {time_of_choosing():.1f} s of computing.")
    return 0


def _curves(options: argparse.Namespace, bar: Bar, pools: Sequence[Pool], names: Mapping[int, str]) -> None:
    from learner.core.bench.choosing import curves, curves_report
    from learner.core.bench.runs import finish

    seeds = range(1, options.curves + 1)
    rows, sizes = options.rows or (*curves.SHOWN, *curves.LIMITS), curves.Sizes.changed(options.sizes)
    runs = curves.curves(pools, seeds, rows, options.recipe, options.out / "signals", sizes)
    with bar("adapting", "curves") as tell:
        results = finish(runs, options.out / "curves", workers=options.workers, tell=tell)
    print(curves_report.write(runs, results, names, options.out))


def pools_of(options: argparse.Namespace) -> list[Pool]:
    """Real songs under every base, then generated ones under the shipped base. Raises TooFewSongs, NotFetched."""
    from learner.core import checkpoint
    from learner.core.bench.choosing.material import GENERATED, REAL, Pool, Sounds
    from learner.core.bench.material import Base
    from learner.core.bench.real_material import of_folder

    pools: list[Pool] = []
    if options.songs:
        names = of_folder(options.songs).names
        only = {int(number): tuple(listed.split(",")) for number, listed in options.unheard}
        sounds = Sounds(tuple(sorted(map(str, options.leads))), str(options.soundfont or ""))
        source = str(options.source or "")
        with_leads = bool(options.leads or options.soundfont)
        for number, base in enumerate(options.base or [SHIPPED], start=1):
            path = base_file(base, options.out / "bases")
            known = Base(number, str(path), checkpoint.file_hash(path))
            for shift in REAL if with_leads else REAL[:1]:
                pools.append(
                    Pool(shift, known, str(options.songs), only.get(number, names), sounds, seconds=options.seconds, source=source)
                )
    if options.generated:
        pools += [Pool(shift, Base.at(), n_songs=options.generated) for shift in GENERATED]
    return pools


def time_of_choosing(n: int = MANY, chosen: int = CHOSEN) -> float:
    """Seconds of computing that the default strategy takes for a large pool: signals are read, leak is foretold, clips are taken."""
    import tempfile

    import numpy as np

    from learner.core.choosing import expected, signals
    from learner.core.choosing.clips import Clips, means, seconds
    from learner.core.choosing.strategies import BY_NAME, DEFAULT, Quota

    generator, n_tracks = np.random.default_rng(0), n // CLIPS_A_TRACK
    spans = [(at * CLIP, (at + 1) * CLIP) for at in range(CLIPS_A_TRACK)]
    n_frames = round(10 * CLIP * CLIPS_A_TRACK)
    columns = {name: generator.normal(size=n_frames).astype(np.float32) for name in signals.COLUMNS}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signals.npz"
        signals.Signals(columns, generator.normal(size=(n_frames // 10, signals.DIMS)).astype(np.float32)).save(file)
        began = time.process_time()
        knots = expected.knots_of(signals.load(file).columns for _ in range(n_tracks))
        model, leak, embedding = expected.fit(knots, []), [], []
        for _ in range(n_tracks):
            track = signals.load(file)
            predicted = model.predict(track.columns)
            leak += [seconds(predicted, span) for span in spans]
            embedding.append(means(track.embedding, spans))
    vectors = np.concatenate(embedding) + 0.1 * generator.normal(size=(len(leak), signals.DIMS))
    tracks, minutes = np.arange(len(leak)) // CLIPS_A_TRACK, np.full(len(leak), CLIP / 60)
    clips = Clips(tracks, tracks // 10, vectors, minutes, np.array(leak), np.array(leak), vectors[:1000])
    BY_NAME[DEFAULT].pick(clips, chosen, Quota(2, 10), generator)
    return time.process_time() - began
