"""What a simulated crowd's consensus is worth: figures of one, and the ways to reach it that are compared."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotation.core.agreement import event_f1
from annotation.core.bench.crowd import CLIP, Answer, Crowd
from annotation.core.consensus import Key, agree
from annotation.core.regions import FRAME, Region, frame_count, from_frames, merge, to_frames

Floats = NDArray[np.float64]

N_FRAMES = frame_count(CLIP, FRAME)
BINS = 10  # of the calibration error


@dataclass(frozen=True)
class Found:
    """What one way of agreeing made of the answers."""

    posterior: dict[str, Floats]  # per frame of each clip
    regions: Mapping[str, Sequence[Region]]
    right: dict[str, float]  # of people, more for those who are believed more
    cpu: float  # seconds


class Figures(NamedTuple):
    frame_f1: float
    event_f1: float  # of all clips' events together
    calibration: float  # expected error of the posterior on frames that somebody marked
    auroc: float  # chance that an honest person is believed more than a spammer
    cpu: float  # seconds


def figures(crowd: Crowd, answers: Sequence[Answer], found: Found) -> Figures:
    true = np.concatenate([to_frames(regions, CLIP, FRAME) for regions in crowd.truth.values()])
    probability = np.concatenate([found.posterior[clip] for clip in crowd.truth])
    marked: dict[str, NDArray[np.bool_]] = {clip: np.zeros(N_FRAMES, dtype=np.bool_) for clip in crowd.truth}
    for clip, _, _, marks in answers:
        marked[clip] = marked[clip] | to_frames(marks, CLIP, FRAME)
    n_right, n_events = 0.0, 0
    for clip, regions in crowd.truth.items():
        truth, mine = merge(regions), merge(found.regions[clip])
        n_right += event_f1(truth, mine).recall * len(truth)
        n_events += len(truth) + len(mine)
    of = np.concatenate([marked[clip] for clip in crowd.truth])
    return Figures(
        frame_f1(true, probability > 0.5),
        2 * n_right / n_events,
        calibration(true[of], probability[of]),
        auroc(crowd, found.right),
        found.cpu,
    )


def frame_f1(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    return 2 * float((true & found).sum()) / max(1.0, float(true.sum() + found.sum()))


def calibration(true: NDArray[np.bool_], probability: Floats) -> float:
    """Return the expected calibration error over ten equal bins of probability (Guo et al. 2017, arXiv 1706.04599)."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, probability - true, BINS)).sum() / max(1, len(true)))


def auroc(crowd: Crowd, right: Mapping[str, float]) -> float:
    spam = np.array([score for name, score in right.items() if name in crowd.spammers])
    honest = np.array([score for name, score in right.items() if name not in crowd.spammers])
    if not len(spam) or not len(honest):
        return float("nan")
    return float(((honest[:, None] > spam).mean() + (honest[:, None] >= spam).mean()) / 2)


# -- ways to agree


def one_annotator(crowd: Crowd) -> Found:
    """Believe whoever answered first."""
    first = {clip: marks for clip, _, _, marks in reversed(crowd.answers)}
    return Found({clip: to_frames(marks, CLIP, FRAME).astype(np.float64) for clip, marks in first.items()}, first, {}, 0.0)


def majority(crowd: Crowd) -> Found:
    """Count votes; people are believed by the frame F1 of their votes with the majority's."""
    before = time.process_time()
    votes = [(clip, name, to_frames(marks, CLIP, FRAME)) for clip, name, _, marks in crowd.answers]
    of_clip: dict[str, list[NDArray[np.bool_]]] = {}
    for clip, _, frames in votes:
        of_clip.setdefault(clip, []).append(frames)
    share = {clip: np.mean(frames, axis=0) for clip, frames in of_clip.items()}
    agreed = {clip: part > 0.5 for clip, part in share.items()}
    pairs: dict[str, list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]] = {}
    for clip, name, frames in votes:
        pairs.setdefault(name, []).append((agreed[clip], frames))
    right = {name: frame_f1(*(np.concatenate(side) for side in zip(*both, strict=True))) for name, both in pairs.items()}
    regions = {clip: from_frames(frames, FRAME, CLIP) for clip, frames in agreed.items()}
    return Found(share, regions, right, time.process_time() - before)


def ours(crowd: Crowd) -> Found:
    return _ours(crowd, None)


def with_witness(crowd: Crowd) -> Found:
    """Ours, with the simulated sound as a witness."""
    return _ours(crowd, crowd.sound)


def _ours(crowd: Crowd, sound: Mapping[Key, Floats] | None) -> Found:
    before = time.process_time()
    found = agree(crowd.answers, frame=FRAME, sound=sound)
    cpu = time.process_time() - before
    return Found(
        {str(clip): posterior for clip, posterior in found.posterior.items()},
        {str(clip): [Region(start, end) for start, end, _ in regions] for clip, regions in found.regions.items()},
        {str(name): person.reliability for name, person in found.people.items()},
        cpu,
    )


def crowd_kit(python: Path, method: str, iterations: int, *, coarse: int = 1, limit: float | None = None) -> Callable[[Crowd], Found]:
    """Return one of crowd-kit's aggregators, run by another Python that has it; `coarse` frames are one vote.

    Raises `subprocess.TimeoutExpired` when called, if that takes more than `limit` seconds.
    """
    frame, n_frames = FRAME * coarse, N_FRAMES // coarse

    def agree_there(crowd: Crowd) -> Found:
        answers = crowd.answers
        clips, names = sorted({answer[0] for answer in answers}), sorted({answer[1] for answer in answers})
        there = run_crowd_kit(python, method, iterations, votes(answers, frame), limit=limit)
        on = np.repeat(there["on"], coarse)
        posterior = {clip: on[i * n_frames * coarse : (i + 1) * n_frames * coarse] for i, clip in enumerate(clips)}
        regions = {clip: from_frames(frames > 0.5, FRAME, CLIP) for clip, frames in posterior.items()}
        return Found(posterior, regions, dict(zip(names, there["right"].tolist(), strict=True)), float(there["cpu"]))

    return agree_there


def votes(answers: Sequence[Answer], frame: float) -> dict[str, NDArray[np.int64]]:
    """Return answers as crowd-kit takes them: `task` (a frame), `worker` and `label`, one of each for every vote."""
    clips, names = sorted({answer[0] for answer in answers}), sorted({answer[1] for answer in answers})
    row, who, n_frames = {clip: i for i, clip in enumerate(clips)}, {name: i for i, name in enumerate(names)}, frame_count(CLIP, frame)
    return {
        "task": np.concatenate([row[clip] * n_frames + np.arange(n_frames) for clip, *_ in answers]),
        "worker": np.repeat([who[name] for _, name, *_ in answers], n_frames),
        "label": np.concatenate([to_frames(marks, CLIP, frame) for *_, marks in answers]).astype(np.int64),
    }


def run_crowd_kit(
    python: Path, method: str, iterations: int, given: dict[str, NDArray[np.int64]], *, limit: float | None = None
) -> dict[str, Floats]:
    with tempfile.TemporaryDirectory() as folder:
        given_file, found_file = Path(folder, "votes.npz"), Path(folder, "found.npz")
        np.savez(given_file, **given)  # type: ignore[arg-type]
        command = [str(python), str(Path(__file__).with_name("crowd_kit.py")), str(given_file), str(found_file), method, str(iterations)]
        subprocess.run(command, check=True, stdout=sys.stderr, timeout=limit)
        return dict(np.load(found_file))
