"""How many clips must be kept apart for the gate? Drawn alike or by what seems to leak, on figures measured once, in many draws.

    python -m learner.core.bench.active_testing --out bench-active-testing

Children of generated rounds, honest and poisoned as in `bench.gate`, all and part of the way, are measured once: on every clip of a
pool in which nearly half the songs hardly leak, marked as a consensus would, and on 50 songs whose stems are known. Then few clips are
drawn, again and again, and the gate judges by these alone. Goes on where it stopped.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from learner.core import checkpoint
from learner.core.bases import SHIPPED, base_file
from learner.core.bench import gate as poison
from learner.core.bench.rounds import CLIP, mark, vocals_of
from learner.core.choosing import uncertainty
from learner.core.choosing.acquisition import sizes_apart
from learner.core.choosing.strategies.drawing import systematic
from learner.core.judging import active_testing, gate
from learner.core.judging.gate import Figures, MarkLeak, Measured, Rules
from learner.core.judging.kept_apart import leak_changes
from learner.core.judging.measured import accepted_frames
from learner.core.judging.segments import Change
from learner.core.metrics import SHORT_FRAME, Audio, Region
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching.continual import interpolate
from learner.core.teaching.train import base_songs

N_LEAKING, N_PLAIN, N_TRUE = 40, 30, 50  # songs
COUNTS = (1, 2, 4, 8, 16, 32)  # clips that are drawn
FACTORS = (1.0, 0.4)  # of the way from parent to child
HONEST = partial(poison.learnt, "marked", poison.DEFAULT)
POISONED = ["spammed marks", "marks over true vocals", "zero-vocal-targets, 10 % replay, full strength", "only quieter"]
RULES = Rules()


@dataclass(frozen=True)
class Clip:
    """A clip of the pool that people could be asked about."""

    song: str
    seconds: float
    predicted_leak: float  # of the parent's estimate
    accepted_seconds: float  # that people let pass
    marks: list[Region]


@dataclass(frozen=True)
class OfOne:
    """What one checkpoint does on all clips, in their order, and on the songs with stems."""

    leaks: list[list[float]]  # dBFS on each mark
    accepted: list[float]
    songs: list[Figures]

    def on(self, clips: Sequence[Clip], drawn: Sequence[int], weights: Sequence[float]) -> Measured:
        """The gate's evidence, had people heard only these."""
        marks = {
            f"{at}:{number}": MarkLeak(str(at), end - start, self.leaks[at][number], True)
            for at in drawn
            for number, (start, end) in enumerate(clips[at].marks)
        }
        accepted = {str(at): self.accepted[at] for at in drawn}
        seconds = {str(at): clips[at].accepted_seconds for at in drawn}
        return Measured({}, marks, accepted, seconds, {str(at): weight for at, weight in zip(drawn, weights, strict=True)})

    def on_songs(self) -> Measured:
        return Measured({"target": {str(number): figures for number, figures in enumerate(self.songs)}})


# ---------------------------------------------------------------- figures, measured once


def measure_all(out: Path, base: Path, wanted: Mapping[str, tuple[int, poison.Make]]) -> tuple[list[Clip], OfOne, dict[str, OfOne]]:
    """Clips, parent and children (name: seed and how it is made); what lies in `out` is not measured again."""
    out.mkdir(parents=True, exist_ok=True)
    files = {(name, factor): out / f"{name} {factor:.0%}.json" for name in wanted for factor in FACTORS}
    clips_file, parent_file = out / "clips.json", out / "parent.json"
    if not all(path.exists() for path in (clips_file, parent_file, *files.values())):
        songs = Heard.of(base)
        _write(clips_file, [asdict(clip) for clip in songs.clips])
        _write(parent_file, asdict(songs.measured(checkpoint.load(base))))
        replay = base_songs()
        for name, (seed, make) in wanted.items():
            if all(files[name, factor].exists() for factor in FACTORS):
                continue
            with tempfile.TemporaryDirectory() as folder:
                child = checkpoint.load(make(poison.make_round(seed, base, replay), base, Path(folder))[0])
            for factor in FACTORS:
                part = checkpoint.load(base)
                part.load_state_dict(interpolate(part.state_dict(), child.state_dict(), factor))
                _write(files[name, factor], asdict(songs.measured(part)))
            print(f"measured {name}", flush=True)
    clips = [Clip(**one) for one in json.loads(clips_file.read_text())]
    children = {path.stem: OfOne(**json.loads(path.read_text())) for path in files.values()}
    return clips, OfOne(**json.loads(parent_file.read_text())), children


def _write(path: Path, content: object) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content))
    beside.rename(path)


@dataclass(frozen=True)
class Heard:
    """The clips of the pool and the songs with stems, and what the parent makes of them."""

    pieces: list[Song]
    true: list[Song]
    estimates: list[Audio]  # of the pieces, and then of the songs
    clips: list[Clip]

    @classmethod
    def of(cls, base: Path) -> "Heard":
        parent, generator = checkpoint.load(base), np.random.default_rng(5)
        pieces, true = list(_pieces()), [make_song(710_000 + number, "target") for number in range(N_TRUE)]
        estimates = [separate(parent, song.mixture, song.sample_rate) for song in (*pieces, *true)]
        clips = []
        for piece, estimate in zip(pieces, estimates, strict=False):
            whole = (0.0, piece.duration)
            marks = [(start, end) for start, end, _ in mark(piece, estimate, whole, generator)]
            leak = uncertainty.predicted_leak(estimate, piece.mixture, piece.sample_rate)
            accepted = SHORT_FRAME * len(accepted_frames(estimate, [whole], marks, piece.sample_rate))
            clips.append(Clip(piece.name.split()[0], piece.duration, leak, accepted, marks))
        return cls(pieces, true, estimates, clips)

    def measured(self, separator: Separator) -> OfOne:
        found = OfOne([], [], [])
        for piece, clip, parents in zip(self.pieces, self.clips, self.estimates, strict=False):
            own = separate(separator, piece.mixture, piece.sample_rate)
            found.leaks.append([gate.mark_leak(own, region, piece.sample_rate) for region in clip.marks])
            found.accepted.append(gate.accepted_level(own, parents, [(0.0, clip.seconds)], clip.marks, piece.sample_rate))
        for song, parents in zip(self.true, self.estimates[len(self.pieces) :], strict=True):
            own = separate(separator, song.mixture, song.sample_rate)
            found.songs.append(gate.measure_song(own, vocals_of(song), song.mixture, song.sample_rate, parents))
        return found


def _pieces() -> Iterator[Song]:
    """Clips of all songs of the pool."""
    songs = [make_song(700_000 + number, "target") for number in range(N_LEAKING)]
    for song in songs + [make_song(700_500 + number, "source") for number in range(N_PLAIN)]:
        for start in np.arange(0, song.duration - CLIP / 2, CLIP).tolist():
            yield poison.cut(song, start, min(start + CLIP, song.duration))


# ---------------------------------------------------------------- draws


@dataclass(frozen=True)
class Found:
    """What so many clips, drawn in one way, say over all draws and children."""

    error: float  # of the leak's change against all clips, as a share of what one clip alone would err with: root mean square
    unheard: float  # share of draws without any mark; the change is then taken for none
    right: float  # share of verdicts that are those of the songs with stems
    good: float  # share of promotions, of children that those songs promote
    bad: float  # share of promotions of the others
    held: float  # share of the intervals that hold the change over all clips


def draws(
    clips: Sequence[Clip], parent: OfOne, children: Mapping[str, OfOne], sizes: NDArray[np.float64], n: int, runs: int, seed: int
) -> Found:
    """Draw `n` clips again and again by their sizes, and judge each child by them."""
    generator = np.random.default_rng([seed, n])
    everything = range(len(clips))
    truth = {name: gate.decide(parent.on_songs(), child.on_songs()).promote for name, child in children.items()}
    alike, all_of_parent = [1.0] * len(clips), parent.on(clips, everything, [1.0] * len(clips))
    whole = {
        name: leak_changes(all_of_parent, child.on(clips, everything, alike), True, RULES)[0].change for name, child in children.items()
    }
    scale = {name: _scale(clips, parent, child, whole[name]) for name, child in children.items()}
    errors, unheard, held, verdicts = list[float](), 0, list[bool](), {name: list[bool]() for name in children}
    for _ in range(runs):
        indices, chance = systematic(sizes, n, generator)
        drawn = indices.tolist()
        (weights,) = active_testing.weights([[float(chance[at]) for at in drawn]], len(clips))
        before = parent.on(clips, drawn, weights)
        unheard += not before.marks
        for name, child in children.items():
            after = child.on(clips, drawn, weights)
            verdicts[name].append(gate.decide(before, after, RULES).promote)
            change = leak_changes(before, after, True, RULES)[0] if before.marks else Change(0.0, np.nan, np.nan)
            errors.append((change.change - whole[name]) / scale[name])
            if np.isfinite(change.low):
                held.append(change.low <= whole[name] <= change.high)
    promoted = {wanted: [np.mean(verdicts[name]) for name in children if truth[name] is wanted] for wanted in (True, False)}
    right = [float(np.mean(np.array(verdicts[name]) == truth[name])) for name in children]
    good, bad = (float(np.mean(promoted[wanted])) if promoted[wanted] else np.nan for wanted in (True, False))
    error = float(np.sqrt(np.mean(np.square(errors))))
    return Found(error, unheard / runs, float(np.mean(right)), good, bad, float(np.mean(held)) if held else np.nan)


def _scale(clips: Sequence[Clip], parent: OfOne, child: OfOne, change: float) -> float:
    """How far one clip drawn at random would err, to first order: children that change much do not outweigh the others."""
    floor, off, seconds = RULES.inaudible_dbfs, [], []
    for clip, was, now in zip(clips, parent.leaks, child.leaks, strict=True):
        lengths = np.array([end - start for start, end in clip.marks])
        seconds.append(lengths.sum())
        off.append(float(np.dot(lengths, np.maximum(now, floor) - np.maximum(was, floor) - change)) if clip.marks else 0.0)
    return float(np.sqrt(np.mean(np.square(off))) / np.mean(seconds))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m learner.core.bench.active_testing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5], help="of honest rounds (default: 1-5)")
    parser.add_argument("--poisoned", nargs="*", default=POISONED, choices=POISONED, help="kinds of poisoned rounds, of seed 1")
    parser.add_argument("--runs", type=int, default=300, help="draws of each kind (default: %(default)s)")
    parser.add_argument("--base", metavar="NAME-OR-FILE", default=SHIPPED, help="the parent of all (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("bench-active-testing"), help="figures lie here (default: %(default)s)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    wanted: dict[str, tuple[int, poison.Make]] = {f"honest {seed}": (seed, HONEST) for seed in options.seeds}
    wanted |= {name: (1, poison.POISONED[name]) for name in options.poisoned}
    clips, parent, children = measure_all(options.out, base_file(options.base, Path("checkpoints")), wanted)
    minutes = sum(clip.seconds for clip in clips) / 60
    print(f"{len(clips)} clips, {minutes:.0f} minutes, {sum(not clip.marks for clip in clips)} without marks; {len(children)} children")
    print("| drawn | clips | error | no mark | right verdicts | good promoted | bad promoted | interval holds |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    leak = sizes_apart([clip.predicted_leak * clip.seconds for clip in clips])
    marked = sizes_apart([sum(end - start for start, end in clip.marks) for clip in clips])
    for name, sizes in (("alike", np.ones(len(clips))), ("by predicted leak", leak), ("by the true marks", marked)):
        for n in COUNTS:
            found = draws(clips, parent, children, sizes, n, options.runs, 1)
            shares = (found.unheard, found.right, found.good, found.bad, found.held)
            print(f"| {name} | {n} | {found.error:.2f} |" + "".join(f" {100 * share:.0f} % |" for share in shares), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
