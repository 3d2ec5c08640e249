"""Rounds of the demo, without the platform: do marks teach the model, and what do they cost?

    python -m learner.core.bench.rounds --seeds 1 2 3 4 5

Per seed: generated target songs are the pool; in each round a few clips are marked as three people's consensus would mark them (some
false positives missed, edges off); the last promoted checkpoint is adapted on all marks so far; a plain gate lets the child through or
not. At the end the last child is held against the base on songs that nobody trained on, beside replay without feedback.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from learner.core import checkpoint, metrics
from learner.core.bases import SHIPPED, base_file
from learner.core.separate import separate
from learner.core.songs import Song, find, load
from learner.core.songs.synth import make_song
from learner.core.teaching.adapt import Adapted, MarkedSong, Recipe, adapt
from learner.core.teaching.train import base_songs

Samples = NDArray[np.float32]

CLIP = 15.0  # seconds
N_POOL, N_TARGET, N_SOURCE, N_VALIDATION, N_CLIPS = 12, 6, 4, 12, 6
MISSED = 0.1  # of false positives
EDGE = 0.15  # seconds, standard deviation of a mark's edges
FIGURES = ("false_positive_seconds_per_minute", "voice_kept_db", "si_sdr", "song_sdr", "sdr_median", "sdr_mean", "pes_dbfs")


@dataclass(frozen=True)
class Thresholds:
    """What a seed must show to pass, last child against base (dB unless said)."""

    false_positives: float = -0.20  # change, as a share of the base's
    voice_kept: float = -1.5
    si_sdr: float = -0.5
    source_lost: float = 0.5


@dataclass(frozen=True)
class Corpus:
    pool: list[Song]
    validation: list[Song]
    target: list[Song]
    source: list[Song]


def corpus(seed: int) -> Corpus:
    """Songs of one run; no seed is used twice, nor one of the base's."""
    first = 1000 * seed
    return Corpus(
        pool=[make_song(first + i, "target") for i in range(N_POOL)],
        validation=[make_song(first + 100 + i, "source", 15.0) for i in range(N_VALIDATION)],
        target=[make_song(first + 200 + i, "target") for i in range(N_TARGET)],
        source=[make_song(first + 200 + i, "source") for i in range(N_SOURCE)],
    )


def mark(song: Song, estimate: Samples, clip: tuple[float, float], generator: np.random.Generator) -> list[tuple[float, float, float]]:
    """Mark false positives inside a clip as a consensus of three would: some missed, edges off, close ones joined."""
    return marks_of(metrics.false_positive_regions(estimate, vocals_of(song), song.sample_rate), clip, generator)


def marks_of(
    regions: Iterable[tuple[float, float]], clip: tuple[float, float], generator: np.random.Generator
) -> list[tuple[float, float, float]]:
    """The same of known false positives, in seconds: (start, end, probability) of each mark."""
    joined: list[list[float]] = []
    for start, end in regions:
        start, end = max(start, clip[0]), min(end, clip[1])
        if end - start < 0.2:
            continue
        if joined and start - joined[-1][1] < 0.4:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    marks = []
    for start, end in joined:
        if generator.random() < MISSED:
            continue
        start, end = (float(np.clip(t + generator.normal(0.05, EDGE), *clip)) for t in (start, end))
        if end - start > 0.2:
            marks.append((start, end, float(generator.uniform(0.75, 1.0))))
    return marks


def measure(path: Path, songs: Sequence[Song]) -> tuple[list[Samples], dict[str, float]]:
    """Estimates of all songs, and the figures over them."""
    separator = checkpoint.load(path)
    estimates = [separate(separator, song.mixture, song.sample_rate) for song in songs]
    return estimates, figures(estimates, songs)


def figures(estimates: Sequence[Samples], songs: Sequence[Song]) -> dict[str, float]:
    return metrics.summary([metrics.evaluate(e, vocals_of(s), s.mixture, s.sample_rate) for e, s in zip(estimates, songs, strict=True)])


def vocals_of(song: Song) -> Samples:
    assert song.vocals is not None, f"{song.name} has no known vocals"
    return song.vocals


def level_false_positives(estimates: Sequence[Samples], references: Sequence[Samples], songs: Sequence[Song]) -> float:
    """False-positive seconds per minute with each song's estimate brought to the reference's voice level."""
    levelled = [metrics.equal_voice_level(e, vocals_of(s), r) for e, s, r in zip(estimates, songs, references, strict=True)]
    return figures(levelled, songs)["false_positive_seconds_per_minute"]


def run(seed: int, *, base: Path, recipe: Recipe, rounds: int, replay: Sequence[Song], songs: Corpus, out: Path) -> dict[str, object]:
    """All rounds of one seed; returns the figures and prints a line a round."""
    generator = np.random.default_rng([seed, 7])
    clips = [(song, start) for song in range(len(songs.pool)) for start in np.arange(0, songs.pool[song].duration - CLIP / 2, CLIP)]
    order = generator.permutation(len(clips))
    marked: dict[int, MarkedSong] = {}
    current, last_child, parent = base, base, base
    n_marked = 0.0
    for number in range(rounds):
        separator = checkpoint.load(current)
        for index in order[number * N_CLIPS : (number + 1) * N_CLIPS]:
            which, start = clips[index]
            song = songs.pool[which]
            clip = (float(start), float(min(start + CLIP, song.duration)))
            estimate = separate(separator, song.mixture, song.sample_rate)
            marks = mark(song, estimate, clip, generator)
            n_marked += sum(e - s for s, e, _ in marks)
            known = marked.get(which, MarkedSong(song.name, song.sample_rate, song.mixture, [], []))
            marked[which] = replace(known, marks=[*known.marks, *marks], heard=[*known.heard, clip])
        began = time.process_time()
        parent = current
        child = adapt(parent, list(marked.values()), replay, songs.validation, recipe=recipe, seed=seed + number, out=out)
        last_child = child.path
        passed = not child.refused_because and gate(parent, child, songs)
        current = child.path if passed else base
        print(
            f"  round {number + 1}: {n_marked:.0f} s marked, {describe(child)}, {time.process_time() - began:.0f} s of computing,",
            "passed" if passed else "REFUSED",
            flush=True,
        )
    without = adapt(parent, [], replay, songs.validation, recipe=recipe, seed=seed + rounds, out=out).path
    return compare(base, parent, last_child, without, songs)


def gate(parent: Path, child: Adapted, songs: Corpus) -> bool:
    """A plain stand-in for the gate: the validation songs lose no more than 0.3 dB."""
    (_, before), (_, after) = measure(parent, songs.validation), measure(child.path, songs.validation)
    return after["song_sdr"] > before["song_sdr"] - 0.3


def describe(child: Adapted) -> str:
    chosen = child.report["chosen"]
    costs = f"leak {chosen['leak_db']:+.1f}, kept {chosen['kept_db']:+.2f}, past {chosen['past_db']:+.2f} dB"
    return f"step {chosen['step']} factor {chosen['factor']}: {costs}"


def compare(base: Path, parent: Path, child: Path, without: Path, songs: Corpus) -> dict[str, object]:
    result: dict[str, object] = {}
    first, target_base = measure(base, songs.target)
    estimates, target_child = measure(child, songs.target)
    before, _ = measure(parent, songs.target)
    replayed, target_without = measure(without, songs.target)
    result["target"] = {"base": target_base, "child": target_child, "without": target_without}
    result["level"] = {
        "base": target_base["false_positive_seconds_per_minute"],
        "parent": level_false_positives(before, first, songs.target),
        "child": level_false_positives(estimates, first, songs.target),
        "without": level_false_positives(replayed, first, songs.target),
    }
    if songs.source:
        result["source"] = {"base": measure(base, songs.source)[1], "child": measure(child, songs.source)[1]}
    return result


def report(result: dict[str, object], thresholds: Thresholds) -> bool:
    """Print the figures of one seed; returns whether it passes all thresholds."""
    base, child, without = (result["target"][which] for which in ("base", "child", "without"))  # type: ignore[index]
    for figure in FIGURES:
        values = "  ".join(f"{name} {of[figure]:8.2f}" for name, of in (("base", base), ("child", child), ("without", without)))
        print(f"    target {figure:36s} {values}")
    level: dict[str, float] = result["level"]  # type: ignore[assignment]
    print("    false positives at equal voice level  " + "  ".join(f"{k} {v:.2f}" for k, v in level.items()))
    change = child["false_positive_seconds_per_minute"] / base["false_positive_seconds_per_minute"] - 1
    voice = child["voice_kept_db"] - base["voice_kept_db"]
    lost = 0.0
    if "source" in result:
        source = result["source"]
        for figure in FIGURES:
            print(f"    source {figure:36s} base {source['base'][figure]:8.2f}  child {source['child'][figure]:8.2f}")  # type: ignore[index]
        lost = max(source["base"][f] - source["child"][f] for f in ("song_sdr", "sdr_median"))  # type: ignore[index]
    held = {
        f"false positives {100 * change:+.0f} %": change <= thresholds.false_positives,
        f"voice {child['voice_kept_db']:+.2f} dB ({voice:+.2f} re base)": min(voice, child["voice_kept_db"]) >= thresholds.voice_kept,
        f"SI-SDR {child['si_sdr'] - base['si_sdr']:+.2f} dB": child["si_sdr"] - base["si_sdr"] >= thresholds.si_sdr,
        f"source lost {lost:.2f} dB": lost <= thresholds.source_lost,
        "fewer than parent and replay alone at equal voice level": level["child"] < min(level["parent"], level["base"], level["without"]),
    }
    print("    " + "; ".join(f"{text}{'' if good else ' **FAILS**'}" for text, good in held.items()), flush=True)
    return all(held.values())


def real_songs(folder: Path, pool: Sequence[str], test: Sequence[str], seed: int) -> Corpus:
    """The same rounds on a folder of real songs; validation songs are generated."""
    known = {files.name: load(files, 16_000) for files in find(folder).songs if files.name in {*pool, *test}}
    mono = {
        name: replace(song, **{stem: getattr(song, stem).mean(0, keepdims=True) for stem in ("mixture", "vocals", "accompaniment")})
        for name, song in known.items()
    }
    generated = corpus(seed)
    return Corpus([mono[n] for n in pool], generated.validation, [mono[n] for n in test], generated.source)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m learner.core.bench.rounds", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--base", metavar="NAME-OR-FILE", default=SHIPPED, help="what to begin with (default: %(default)s)")
    parser.add_argument("--recipe", type=json.loads, default={}, help='changes to the default recipe, as JSON, such as {"rate": 1e-4}')
    parser.add_argument("--songs", type=Path, help="folder of real songs, instead of generated ones; with --pool and --test")
    parser.add_argument("--pool", nargs="+", default=[], help="names of the songs to mark")
    parser.add_argument("--test", nargs="+", default=[], help="names of the songs to test on")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    recipe = replace(Recipe.default(), **options.recipe)
    replay = base_songs()
    base, good = base_file(options.base, Path("checkpoints")), []
    for seed in options.seeds:
        songs = real_songs(options.songs, options.pool, options.test, seed) if options.songs else corpus(seed)
        print(f"seed {seed}", flush=True)
        with tempfile.TemporaryDirectory() as out:
            result = run(seed, base=base, recipe=recipe, rounds=options.rounds, replay=replay, songs=songs, out=Path(out))
        good.append(report(result, Thresholds()))
    print(f"{sum(good)} of {len(good)} seeds pass every threshold")
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
