"""What consensus reaches in simulated crowds, for the study designer: `make study-grid` writes the table that lies beside this file.

    python -m annotation.core.study.grid [--seeds 10]

Each cell is a kind of crowd: how much of the bleed its people mark, how many of them do not listen, how much bleeds in what they hear,
and how many answers a clip gets. Crowds are those of `annotation.core.simulated` on clips of 15 s, with the sound as a witness.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from annotation.core.bench.sound import Floats, levels
from annotation.core.consensus import Key, agree
from annotation.core.regions import FRAME, Region, merge, to_frames
from annotation.core.simulated import SPAM, Habits, answer, draw_habits

FILE = Path(__file__).with_name("grid.json")
SENSITIVITY = (0.55, 0.7, 0.85, 0.95)  # mean share of the bleed that people who listen mark
SPAMMERS = (0.0, 0.2, 0.4)  # share of people who do not listen
LEAK = (1.0, 4.0, 16.0)  # seconds a minute that bleed
CLIPS = {1.0: 240, 4.0: 96, 16.0: 48}  # by that leak: so many that each crowd hears some twenty stretches of bleed and more
ANSWERS = tuple(range(1, 8))  # to a clip
CLIP, PEOPLE = 15.0, 20  # seconds, number
LENGTHS = (0.6, 4.0)  # seconds of a stretch of bleed
ALIKE = 15.0  # how alike people's sensitivities are: the sum of a beta distribution's counts


def write(seeds: int, file: Path = FILE) -> None:
    """Simulate every cell, and write means and standard deviations over crowds."""
    cells = [
        {"sensitivity": sensitivity, "spammers": spammers, "leak": leak, "by_answers": _over_seeds(sensitivity, spammers, leak, seeds)}
        for sensitivity in SENSITIVITY
        for spammers in SPAMMERS
        for leak in LEAK
    ]
    lines = ",\n".join(json.dumps(cell) for cell in cells)
    file.write_text(f'{{"seeds": {seeds}, "cells": [\n{lines}\n]}}\n')


def _over_seeds(sensitivity: float, spammers: float, leak: float, seeds: int) -> list[dict[str, float]]:
    found = np.array([list(_one_crowd(sensitivity, spammers, leak, seed)) for seed in range(seeds)])  # (seeds, answers, 2)
    names = {"f1": found[..., 0].mean(axis=0), "f1_sd": found[..., 0].std(axis=0, ddof=1), "found": found[..., 1].mean(axis=0)}
    return [{name: round(float(values[n]), 4) for name, values in names.items()} for n in range(len(ANSWERS))]


def _one_crowd(sensitivity: float, spammers: float, leak: float, seed: int) -> Iterator[tuple[float, float]]:
    """For each number of answers: frame F1 over all clips, and the share of the bleeding time that was agreed on."""
    rng = np.random.default_rng([seed, 1702])
    people = [_person(rng, sensitivity, spam=number < round(spammers * PEOPLE)) for number in range(PEOPLE)]
    clip = Region(0.0, CLIP)
    truth = {f"clip {number:03}": _bleed(rng, leak) for number in range(CLIPS[leak])}
    sound: dict[Key, Floats] = {name: levels(regions, CLIP, rng) for name, regions in truth.items()}
    given = {
        name: [(name, f"person {who:02}", CLIP, answer(people[who], regions, clip, rng)) for who in rng.permutation(PEOPLE)[: max(ANSWERS)]]
        for name, regions in truth.items()
    }
    true = np.concatenate([to_frames(regions, CLIP, FRAME) for regions in truth.values()])
    for n in ANSWERS:
        agreed = agree([one for answers in given.values() for one in answers[:n]], sound=sound)
        found = np.concatenate([agreed.posterior[name] > 0.5 for name in truth])
        hit = float((true & found).sum())
        yield 2 * hit / max(1.0, float(true.sum() + found.sum())), hit / max(1.0, float(true.sum()))


def _person(rng: np.random.Generator, sensitivity: float, *, spam: bool) -> Habits:
    habits = replace(draw_habits(rng, 0.0), sensitivity=float(rng.beta(ALIKE * sensitivity, ALIKE * (1 - sensitivity))))
    return replace(habits, spam=SPAM[rng.integers(len(SPAM))]) if spam else habits


def _bleed(rng: np.random.Generator, leak: float) -> list[Region]:
    """Stretches of bleed in a clip: so many seconds a minute, over clips; many clips have none where little bleeds."""
    n = rng.poisson(leak * CLIP / 60 / np.mean(LENGTHS))
    lengths = rng.uniform(*LENGTHS, n)
    starts = rng.uniform(0, CLIP - lengths)
    return merge(Region(start, start + length) for start, length in zip(starts.tolist(), lengths.tolist(), strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m annotation.core.study.grid", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    write(parser.parse_args().seeds)
