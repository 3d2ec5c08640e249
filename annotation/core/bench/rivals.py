"""What the field would use for the same answers, on frames, in code of our own: for comparison, not for use."""

import time

import numpy as np

from annotation.core.bench.crowd import CLIP, Crowd
from annotation.core.bench.figures import N_FRAMES, Floats, Found
from annotation.core.regions import FRAME, from_frames, to_frames

ITERATIONS = 30
FOLDS = 5
RIDGE = 1.0
AROUND = (0.25, 1.0)  # seconds on both sides; mean levels that the classifier sees
QUIETEST = -80.0  # dBFS


def bsc_seq(crowd: Crowd) -> Found:
    """BSC-seq (Simpson and Gurevych 2019, "A Bayesian Approach for Sequence Tagging with Crowds", arXiv 1811.00780), without words.

    What a person says of a frame depends on what is true and on what they said of the frame before; true labels are a chain. Both have
    Dirichlet priors; variational Bayes with forward-backward (sections 3 and 4). Labels are in and out of a region: at 50 ms a frame,
    beginnings are changes. A person is believed by Youden's index of their expected labels after their own last one.
    """
    before = time.process_time()
    clips, names = sorted(crowd.truth), sorted({name for _, name, *_ in crowd.answers})
    clip = np.array([clips.index(clip) for clip, *_ in crowd.answers])
    who = np.array([names.index(name) for _, name, *_ in crowd.answers])
    said = np.array([to_frames(marks, CLIP, FRAME) for *_, marks in crowd.answers]).astype(np.intp)
    last = np.concatenate([np.zeros((len(said), 1), dtype=np.intp), said[:, :-1]], axis=1)

    believed = np.ones((2, 2, 2)) + np.eye(2)[:, :, None]  # (true, said, said before)
    prior_of_changes = 1.0 + 9.0 * np.eye(2)
    share = np.zeros((len(clips), N_FRAMES))
    np.add.at(share, clip, said)
    share /= np.bincount(clip)[:, None]
    on = 0.02 + 0.9 * share
    pairs = prior_of_changes * [[10.0, 1.0], [1.0, 10.0]]
    for _ in range(ITERATIONS):
        counts = np.tile(believed, (len(names), 1, 1, 1))
        for true, chance in ((0, 1 - on), (1, on)):
            np.add.at(counts[:, true], (who[:, None], said, last), chance[clip])
        log_said = _expected_log(counts, axis=2)
        evidence = np.zeros((2, len(clips), N_FRAMES))
        for true in (0, 1):
            np.add.at(evidence[true], clip, log_said[who[:, None], true, said, last])
        on, pairs_seen = _smooth(evidence, _expected_log(pairs, axis=1))
        pairs = prior_of_changes + pairs_seen
    rates = counts / counts.sum(axis=2, keepdims=True)
    right = rates[:, 1, 1].mean(axis=1) + rates[:, 0, 0].mean(axis=1) - 1
    return _found(dict(zip(clips, on, strict=True)), dict(zip(names, right.tolist(), strict=True)), before)


def _expected_log(counts: Floats, axis: int) -> Floats:
    """Return the expected logarithm under Dirichlet distributions along an axis."""
    expected: Floats = _digamma(counts) - _digamma(counts.sum(axis=axis, keepdims=True))
    return expected


def _digamma(x: Floats) -> Floats:
    """Return the digamma function of positive numbers (Abramowitz and Stegun 1964, 6.3.5 and 6.3.18)."""
    below = np.zeros_like(x)
    x = x.copy()
    for _ in range(6):
        small = x < 6
        below -= np.where(small, 1 / x, 0)
        x += small
    square = 1 / x**2
    value: Floats = below + np.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square / 252))
    return value


def _smooth(evidence: Floats, log_change: Floats) -> tuple[Floats, Floats]:
    """Return (clips, frames) the probability of on, and (2, 2) expected changes from a state to another, by forward-backward."""
    likely = np.exp(evidence - evidence.max(axis=0))
    change = np.exp(log_change)
    ahead, behind = np.empty_like(likely), np.ones_like(likely)
    ahead[:, :, 0] = likely[:, :, 0] * np.array([[0.9], [0.1]])
    ahead[:, :, 0] /= ahead[:, :, 0].sum(axis=0)
    n_frames = likely.shape[2]
    for t in range(1, n_frames):
        step = (change.T @ ahead[:, :, t - 1]) * likely[:, :, t]
        ahead[:, :, t] = step / step.sum(axis=0)
    for t in range(n_frames - 2, -1, -1):
        step = change @ (behind[:, :, t + 1] * likely[:, :, t + 1])
        behind[:, :, t] = step / step.sum(axis=0)
    both = ahead * behind
    on: Floats = both[1] / both.sum(axis=0)
    later = likely[:, :, 1:] * behind[:, :, 1:]
    joint = ahead[:, None, :, :-1] * change[:, :, None, None] * later[None]
    return on, (joint / joint.sum(axis=(0, 1))).sum(axis=(2, 3))


def crowdlab(crowd: Crowd) -> Found:
    """CROWDLAB (Goh, Tkachenko and Mueller 2022, arXiv 2210.06812, section 3) with every frame an item.

    People and a classifier vote, each weighed by how much better than the most usual label they agree with others. The classifier is a
    logistic regression on the sound's levels, trained on the majority's labels and asked about clips that it was not trained on; where
    nothing is known of the sound there is none.
    """
    before = time.process_time()
    clips, names = sorted(crowd.truth), sorted({name for _, name, *_ in crowd.answers})
    given = {clip: {name: to_frames(marks, CLIP, FRAME) for _, name, _, marks in answers} for clip, answers in crowd.by_clip().items()}
    majority = {clip: np.mean(list(given[clip].values()), axis=0) > 0.5 for clip in clips}
    everything = np.concatenate([majority[clip] for clip in clips])
    usual = everything.mean() > 0.5
    by_chance = 1 - min(float((everything == usual).mean()), 1 - 1e-6)
    agreed = np.mean([(frames == majority[clip]).mean() for clip in clips for frames in given[clip].values()])
    with_others: dict[str, list[float]] = {name: [] for name in names}
    for clip in clips:
        for name, mine in given[clip].items():
            with_others[name] += [float((mine == frames).mean()) for other, frames in given[clip].items() if other != name]
    weight = {name: max(0.0, 1 - (1 - float(np.mean(shares or [0.0]))) / by_chance) for name, shares in with_others.items()}

    classifier = _classified(crowd, majority) if crowd.sound else {}
    of_classifier = 0.0
    if classifier:
        right = np.mean([((classifier[clip] > 0.5) == majority[clip]).mean() for clip in clips])
        of_classifier = max(0.0, 1 - (1 - float(right)) / by_chance) * np.sqrt(np.mean([len(answers) for answers in given.values()]))
    posterior = {}
    for clip in clips:
        total = of_classifier + sum(weight[name] for name in given[clip]) + 1e-9
        votes = sum(weight[name] * np.where(frames, agreed, 1 - agreed) for name, frames in given[clip].items())
        posterior[clip] = np.asarray((votes + of_classifier * classifier.get(clip, np.zeros(1))) / total)
    return _found(posterior, weight, before)


def _classified(crowd: Crowd, labels: dict[str, np.ndarray]) -> dict[str, Floats]:
    """Return of every clip the classifier's probabilities, by one that was trained on the clips of other folds."""
    clips = sorted(crowd.truth)
    features = {clip: _features(crowd.sound[clip]) for clip in clips}
    found = {}
    for fold in range(FOLDS):
        train = [clip for i, clip in enumerate(clips) if i % FOLDS != fold]
        x, y = np.concatenate([features[clip] for clip in train]), np.concatenate([labels[clip] for clip in train]).astype(np.float64)
        centre, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
        x = np.column_stack([(x - centre) / scale, np.ones(len(x))])
        weights = np.zeros(x.shape[1])
        for _ in range(8):  # Newton's method
            p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
            bend = (x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(weights))
            weights += np.linalg.solve(bend, x.T @ (y - p) - RIDGE * weights)
        for clip in clips[fold::FOLDS]:
            z = np.column_stack([(features[clip] - centre) / scale, np.ones(N_FRAMES)]) @ weights
            found[clip] = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
    return found


def _features(levels: Floats) -> Floats:
    """Return (frames, features): both levels, their means around, and the square of the extracted one's."""
    level, mix = np.maximum(levels, QUIETEST).T
    columns = [level, level**2, mix]
    for seconds in AROUND:
        side = round(seconds / FRAME)
        window = np.ones(2 * side + 1) / (2 * side + 1)
        columns.append(np.convolve(np.pad(level, side, mode="edge"), window, "valid"))
    return np.column_stack(columns)


def _found(posterior: dict[str, Floats], right: dict[str, float], before: float) -> Found:
    regions = {clip: from_frames(chance > 0.5, FRAME, CLIP) for clip, chance in posterior.items()}
    return Found(posterior, regions, right, time.process_time() - before)
