"""How well simulated crowds are understood.

    python -m annotation.core.bench [--seeds 5] [--crowd FILE] [--crowd-kit PYTHON] [--only PART ...]

Prints, as means over seeds: figures of every way to agree; how near people's fitted rates and lags come to what they did; how many
answers dynamic overlap needs for the frame F1 of five each; what one more opinion instead of a new clip finds; and times. Times are of
the processor, so that a busy machine changes them little. The same seeds print the same figures.
"""

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from annotation.core.bench import figures as measuring
from annotation.core.bench import opinions as asking
from annotation.core.bench import quick, rivals
from annotation.core.bench.crowd import CLIP, Answer, Crowd, Source, from_file, generated
from annotation.core.bench.figures import N_FRAMES, Found, figures, frame_f1, run_crowd_kit
from annotation.core.consensus import Agreement, Closed, Key, Person, agree, close_one, not_tie_breakers
from annotation.core.regions import FRAME, Region, clamp, shift, to_frames

REGIMES = ((3, 0.25), (5, 0.25), (5, 0.40))  # answers to each clip, share of spammers
THRESHOLDS = (0.9, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99)
LEAST, MOST, MOST_DRAWN = 2, 7, 10  # answers to a clip with dynamic overlap, and people drawn who could give them
ITERATIONS = 20
LEAKS = (0.3, 1.0, 2.0, 4.0)  # mean seconds that clips of a pool leak
GLAD_FRAMES, GLAD_ITERATIONS, GLAD_LIMIT = 10, 5, 120.0  # frames that are one vote to it; iterations; seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m annotation.core.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--crowd", type=Path, metavar="FILE", help="a Python file with crowd(seed, clips, people, answers, spam)")
    parser.add_argument("--crowd-kit", type=Path, metavar="PYTHON", help="a Python that has crowd-kit, to compare with")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"--seeds is {options.seeds}; it must be at least 1")
    source = from_file(options.crowd) if options.crowd else generated
    for part in options.only:
        PARTS[part](source, options.seeds, options.crowd_kit)
        print(flush=True)


def compare(source: Source, seeds: int, crowd_kit: Path | None) -> None:
    """Print the figures of every way to agree, for every regime."""
    ways: dict[str, Callable[[Crowd], Found]] = {
        "one annotator": measuring.one_annotator,
        "majority": measuring.majority,
        "BSC-seq": rivals.bsc_seq,
        "CROWDLAB, with sound": rivals.crowdlab,
        "ours": measuring.ours,
        "ours, with sound": measuring.with_witness,
    }
    if crowd_kit:
        ways |= {f"crowd-kit {method}": measuring.crowd_kit(crowd_kit, method, ITERATIONS) for method in ("DawidSkene", "OneCoin", "MACE")}
        # One step of it is an optimisation over every vote, minutes long on frames as fine as the others'.
        glad = f"crowd-kit GLAD, {GLAD_FRAMES * FRAME:g} s frames"
        ways[glad] = measuring.crowd_kit(crowd_kit, "GLAD", GLAD_ITERATIONS, coarse=GLAD_FRAMES, limit=GLAD_LIMIT)
    for answers, spam in REGIMES:
        print(f"{answers} answers, {spam:.0%} spam, {seeds} seeds  frame F1  event F1  calibration  AUROC  seconds")
        crowds = [source(seed, answers=answers, spam=spam).with_sound(seed) for seed in range(seeds)]
        for name, way in ways.items():
            try:
                row = np.mean([figures(crowd, crowd.answers, way(crowd)) for crowd in crowds], axis=0)
            except subprocess.TimeoutExpired as late:
                print(f"  {name:<30}not done within {late.timeout:.0f} s a crowd", flush=True)
                continue
            print(f"  {name:<30}{row[0]:8.3f}  {row[1]:8.3f}  {row[2]:11.3f}  {row[3]:5.3f}  {row[4]:7.2f}", flush=True)


def recover(source: Source, seeds: int, crowd_kit: Path | None) -> None:
    """Print how far people's fitted rates and lags lie from what they did, at 100 answers each, and who is told to spam at 10."""
    for seed in range(min(seeds, 3)):
        crowd = source(seed, clips=1000)
        if not crowd.lag:
            print("rates and lags: not known of this crowd")
            return
        gold: dict[Key, list[Region]] = dict(list(crowd.truth.items())[::4])
        for truth in ({}, gold):
            people = {str(name): person for name, person in agree(crowd.answers, truth=truth).people.items()}
            did = _rates(crowd)
            honest = sorted(crowd.lag)
            sensitivity, specificity = (
                max(abs(getattr(people[name], rate) - did[name][i]) for name in people)
                for i, rate in enumerate(("sensitivity", "specificity"))
            )
            late = np.array([[people[name].onset_lag - crowd.lag[name], people[name].offset_lag - crowd.lag[name]] for name in honest])
            print(
                f"seed {seed}, {len(truth)} of {len(crowd.truth)} tasks gold; the worst person is off by: sensitivity {sensitivity:.3f}, "
                f"specificity {specificity:.3f}, lag {np.abs(late - late.mean(axis=0)).max():.3f} s among the crowd, "
                f"{np.abs(late).max():.3f} s by itself (all together {late.mean():+.3f} s)",
                flush=True,
            )
    for answers, clips in ((5, 80), (3, 134)):
        scores = []
        for seed in range(seeds):
            crowd = source(seed, clips=clips, answers=answers)
            scores.append(measuring.auroc(crowd, measuring.ours(crowd).right))
        told = f"AUROC {np.mean(scores):.4f}, worst seed {min(scores):.4f}"
        print(f"spammers told from honest people at 10 answers each, {answers} to a clip: {told}", flush=True)


def _rates(crowd: Crowd) -> dict[str, tuple[float, float]]:
    """Return what share of bleeding frames people marked, and what share of clean frames they left, their own lag taken off."""
    counts: dict[str, measuring.Floats] = {}
    for clip, name, _, marks in crowd.answers:
        true = to_frames(crowd.truth[clip], CLIP, FRAME)
        mine = to_frames(clamp(shift(marks, -crowd.lag.get(name, 0.0)), (0.0, CLIP)), CLIP, FRAME)
        here = np.array([(true & mine).sum(), true.sum(), (~true & ~mine).sum(), (~true).sum()])
        counts[name] = counts.get(name, np.zeros(4)) + here
    return {name: (float(n[0] / n[1]), float(n[2] / n[3])) for name, n in counts.items()}


def overlap(source: Source, seeds: int, crowd_kit: Path | None) -> None:
    """Print what dynamic overlap reaches with how many answers, beside fixed overlaps: without sound, and with it as a witness."""
    drawn = [source(seed, answers=MOST_DRAWN) for seed in range(seeds)]
    of_five = float(np.mean([_agreed_f1(crowd, crowd.first(5))[0] for crowd in drawn]))
    _overlap("without sound", drawn, of_five)
    _overlap("with sound", [crowd.with_sound(seed) for seed, crowd in enumerate(drawn)], of_five)


def _overlap(name: str, crowds: Sequence[Crowd], of_five: float) -> None:
    fixed = {n: float(np.mean([_agreed_f1(crowd, crowd.first(n))[0] for crowd in crowds])) for n in (3, 4, 5, 6)}
    print(f"{name}, fixed overlap: " + ", ".join(f"{n} answers {f1:.3f}" for n, f1 in fixed.items()), flush=True)
    wanted = {"five answers each without sound": of_five}
    if fixed[5] != of_five:
        wanted["five answers each with sound"] = fixed[5]
    n_before, f1_before = np.nan, np.nan
    for threshold in THRESHOLDS:
        n_answers, f1 = np.mean([ask_while_uncertain(crowd, threshold) for crowd in crowds], axis=0)
        print(f"from {LEAST} to {MOST} answers, while certainty is below {threshold}: {n_answers:.2f} answers {f1:.3f}", flush=True)
        for of, least in [pair for pair in wanted.items() if f1 >= pair[1]]:
            reached = n_answers - (n_answers - n_before) * (f1 - least) / (f1 - f1_before)
            print(f"  the frame F1 of {of} is reached with {reached:.2f} on average (between the last two)", flush=True)
            del wanted[of]
        if not wanted:
            break
        n_before, f1_before = n_answers, f1


def ask_while_uncertain(crowd: Crowd, certain_enough: float) -> tuple[float, float]:
    """Return mean answers to a clip, and frame F1, when uncertain clips are asked once more as `annotation.services` does.

    A clip closes on people's reliability as it was last fitted, by `close_one`; at first nothing is known of them, and it closes on
    its least answers. When all are closed, all are agreed on together, and those that prove uncertain are opened for one more, until
    none does. People who are too unreliable (`not_tie_breakers`) are not asked for the extra answer; the others come in the order drawn.
    """
    asked, left = ({clip: answers[part] for clip, answers in crowd.by_clip().items()} for part in (slice(LEAST), slice(LEAST, None)))
    people: dict[Key, Person] = {}
    passed_over: set[Key] = set()

    def close(clip: str) -> Closed:
        sound: dict[Key, measuring.Floats] | None = {clip: crowd.sound[clip]} if crowd.sound else None
        return close_one(asked[clip], people, frame=FRAME, certain_enough=certain_enough, sound=sound)

    def one_more(clip: str) -> bool:
        could = [i for i, (_, name, *_) in enumerate(left[clip]) if name not in passed_over]
        if len(asked[clip]) == MOST or not could:
            return False
        asked[clip].append(left[clip].pop(could[0]))
        return True

    uncertain = list(asked)
    while uncertain:
        for clip in uncertain:
            while (closed := close(clip)).needs_more:
                if not closed.all_known or not one_more(clip):
                    break
        f1, found = _agreed_f1(crowd, [answer for answers in asked.values() for answer in answers])
        people, passed_over = found.people, not_tie_breakers(found.people)
        uncertain = [clip for clip in asked if found.certainty[clip] < certain_enough and one_more(clip)]
    return sum(map(len, asked.values())) / len(asked), f1


def _agreed_f1(crowd: Crowd, answers: Sequence[Answer]) -> tuple[float, Agreement]:
    found = agree(answers, frame=FRAME, sound=crowd.sound)
    true = np.concatenate([to_frames(regions, CLIP, FRAME) for regions in crowd.truth.values()])
    mine = np.concatenate([found.posterior[clip] > 0.5 for clip in crowd.truth])
    return frame_f1(true, mine), found


def opinions(source: Source, seeds: int, crowd_kit: Path | None) -> None:
    """Print what campaigns find a minute that may ask one more person about heard clips instead of new ones, and that may not."""
    for leak in LEAKS:
        without, may = ([asking.run(seed, leak, opinions=whether) for seed in range(seeds)] for whether in (False, True))
        gain = np.array([one["found"] - other["found"] for one, other in zip(may, without, strict=True)])
        found, other, n, minutes = (float(np.mean([run[name] for run in runs])) for runs, name in (
            (may, "found"), (without, "found"), (may, "opinions"), (may, "minutes"),
        ))  # fmt: skip
        told, did = (np.nanmean([run[name] for run in may]) if n else np.nan for name in ("told", "did"))
        print(
            f"clips leak {leak} s of {CLIP:g} s: {other:.2f} s found a minute with new clips alone, {found:.2f} with opinions "
            f"({gain.mean():+.3f}, standard error {gain.std(ddof=min(1, seeds - 1)) / np.sqrt(seeds):.3f}); {n:.0f} opinions "
            f"in {minutes:.0f} minutes, of which each was to set {told:.2f} s right and did {did:.2f} s",
            flush=True,
        )


def times(source: Source, seeds: int, crowd_kit: Path | None) -> None:
    """Print how long a campaign and a task take, and nine million votes beside crowd-kit's Dawid-Skene."""
    crowd = source(0, clips=1000)
    wall, cpu = time.perf_counter(), time.process_time()
    found = agree(crowd.answers, frame=FRAME)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"1,000 tasks x 5 answers x {N_FRAMES} frames, {found.iterations} iterations: {wall:.2f} s, of the processor {cpu:.2f} s")
    one = crowd.first(1)[0][0]
    answers = [answer for answer in crowd.answers if answer[0] == one]
    cpu = time.process_time()
    for _ in range(20):
        close_one(answers, found.people, frame=FRAME)
    print(f"closing one task with the stored fit: {(time.process_time() - cpu) / 20 * 1000:.1f} ms of the processor")

    if crowd_kit:
        race(crowd, crowd_kit)


def race(crowd: Crowd, crowd_kit: Path) -> None:
    """Print how long nine million votes take here and with crowd-kit's Dawid-Skene, one after the other: ours, theirs, and ours again."""
    there: dict[str, measuring.Floats] = {}
    mine = []
    print(
        f"9 million votes, {ITERATIONS} iterations each, on {os.cpu_count()} processors with a load of {os.getloadavg()[0]:.1f}:",
        flush=True,
    )
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        found = agree(crowd.answers, frame=FRAME / 3, iterations=ITERATIONS)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        mine.append((cpu, wall))
        print(f"  ours, {found.iterations} iterations, lags and edges and all: {cpu:.2f} s of the processor, {wall:.2f} s", flush=True)
        if not there:
            there = run_crowd_kit(crowd_kit, "DawidSkene", ITERATIONS, measuring.votes(crowd.answers, FRAME / 3))
            print(
                f"  crowd-kit's DawidSkene, {int(there['iterations'])} iterations: {float(there['cpu']):.1f} s of the processor, "
                f"{float(there['seconds']):.1f} s; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    cpu, wall = np.mean(mine, axis=0)
    by_cpu, by_wall = float(there["cpu"]) / cpu, float(there["seconds"]) / wall
    print(f"  ours is {by_cpu:.0f} times as fast by the processor's time, {by_wall:.0f} times by the clock's")


PARTS: dict[str, Callable[[Source, int, Path | None], None]] = {
    "compare": compare,
    "recover": recover,
    "overlap": overlap,
    "opinions": opinions,
    "times": times,
    "quick": quick.minutes,
}

if __name__ == "__main__":
    main()
