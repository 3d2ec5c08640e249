"""A new clip, or one more opinion on one that was heard: what either finds, over rounds of a simulated campaign."""

from dataclasses import dataclass, field

import numpy as np

from annotation.core.bench.crowd import CLIP, Answer, Everybody
from annotation.core.bench.figures import Floats
from annotation.core.bench.sound import levels
from annotation.core.consensus import Agreement, Key, agree, not_tie_breakers
from annotation.core.consensus.opinions import n_giving_way, worth_of_more, worth_of_new
from annotation.core.regions import FRAME, Region, to_frames

ROUNDS, A_ROUND, CLIPS = 5, 12, 150
LEAST, MOST, CERTAIN = 3, 5, 0.9  # answers to a clip, and when it is certain enough: a campaign's defaults
SPREAD = 1.0  # of the logarithm of how many seconds clips leak
TOLD = 0.6  # correlation of that with what is expected of them
MINUTES = CLIP / 60


@dataclass
class Campaign:
    """Clips whose truth is known, what is expected of each, and the answers so far."""

    everybody: Everybody
    truth: list[list[Region]]
    expected: Floats  # seconds
    sound: dict[Key, Floats]
    rng: np.random.Generator
    answers: list[Answer] = field(default_factory=list)
    told: list[float] = field(default_factory=list)  # what opinions were expected to set right, and what they did
    did: list[float] = field(default_factory=list)

    @classmethod
    def draw(cls, seed: int, leak: float) -> "Campaign":
        """Clips leak `leak` seconds on average, some of them much more than others."""
        rng = np.random.default_rng([seed, 6])
        everybody = Everybody.draw(rng, spam=0.25)
        size, noise = rng.standard_normal((2, CLIPS))
        middle = np.log(leak) - SPREAD**2 / 2
        hint = TOLD * size + np.sqrt(1 - TOLD**2) * noise
        truth = [_regions(seconds, rng) for seconds in np.exp(middle + SPREAD * size)]
        expected = np.exp(middle + SPREAD * TOLD * hint + (1 - TOLD**2) * SPREAD**2 / 2)
        sound: dict[Key, Floats] = {_name(clip): levels(regions, CLIP, rng) for clip, regions in enumerate(truth)}
        return cls(everybody, truth, expected, sound, rng)

    def ask(self, clip: int, passed_over: set[Key]) -> None:
        """Let one more person answer, who has not yet."""
        done = {name for of, name, *_ in self.answers if of == _name(clip)}
        free = [name for name in self.everybody.names if name not in done | passed_over]
        name = free[int(self.rng.integers(len(free)))]
        self.answers.append((_name(clip), name, CLIP, self.everybody.answer(name, self.truth[clip], self.rng)))

    def n_answers(self, clip: int) -> int:
        return sum(of == _name(clip) for of, *_ in self.answers)

    def agreed(self) -> Agreement:
        return agree(self.answers, frame=FRAME, sound={key: self.sound[key] for key in {of for of, *_ in self.answers}})

    def right(self, found: Agreement) -> dict[int, float]:
        """Of each heard clip, seconds of bleed that were found less clean seconds that were taken for bleed."""
        values = {}
        for clip, regions in enumerate(self.truth):
            if _name(clip) in found.posterior:
                true, mine = to_frames(regions, CLIP, FRAME), found.posterior[_name(clip)] > 0.5
                values[clip] = FRAME * float((true & mine).sum() - (~true & mine).sum())
        return values


def run(seed: int, leak: float, *, opinions: bool, rounds: int = ROUNDS) -> dict[str, float]:
    """One campaign: seconds rightly found per minute of annotation, opinions asked for, and what these were worth, told and true."""
    campaign, people = Campaign.draw(seed, leak), set[Key]()
    order = [int(clip) for clip in np.argsort(-campaign.expected)]
    heard: list[int] = []
    found: Agreement | None = None
    n_opinions = 0
    for _ in range(rounds):
        new, more = order[:A_ROUND], list[int]()
        if found is not None and opinions:
            worth = {clip: worth_of_more(found.posterior[_name(clip)], FRAME, MINUTES) for clip in heard if campaign.n_answers(clip) < MOST}
            new, more = _swapped(new, campaign.expected, worth)
            campaign.told += [worth[clip] * MINUTES for clip in more]
        order = [clip for clip in order if clip not in new]
        heard += new
        n_opinions += len(more)
        for clip in [clip for clip in new for _ in range(LEAST)]:
            campaign.ask(clip, set())
        before = campaign.right(campaign.agreed()) if more else {}
        for clip in more:
            campaign.ask(clip, people)
        found = campaign.agreed()
        after = campaign.right(found) if more else {}
        campaign.did += [after[clip] - before[clip] for clip in more]
        while True:
            people = not_tie_breakers(found.people)
            uncertain = [clip for clip in new if found.certainty[_name(clip)] < CERTAIN and campaign.n_answers(clip) < MOST]
            if not uncertain:
                break
            for clip in uncertain:
                campaign.ask(clip, people)
            found = campaign.agreed()
    assert found is not None
    seconds, minutes = sum(campaign.right(found).values()), MINUTES * len(campaign.answers)
    told, did = (float(np.mean(values)) if values else float("nan") for values in (campaign.told, campaign.did))
    return {"found": seconds / minutes, "minutes": minutes, "opinions": n_opinions, "told": told, "did": did}


def _swapped(new: list[int], expected: Floats, worth: dict[int, float]) -> tuple[list[int], list[int]]:
    """New clips that remain, and heard ones to ask one more person about."""
    best, left = sorted(new, key=lambda clip: -expected[clip]), sorted(worth, key=lambda clip: -worth[clip])
    of_new = [worth_of_new(float(expected[clip]), MINUTES, LEAST) for clip in new]
    n = n_giving_way(of_new, list(worth.values()), LEAST)
    return best[: len(best) - n], left[: n * LEAST]


def _regions(seconds: float, rng: np.random.Generator) -> list[Region]:
    """Stretches of 0.6-4 s that add up to about so many."""
    found, left = [], seconds
    while left > 0.6 or rng.random() < left / 0.6:
        length = min(float(rng.uniform(0.6, 4.0)), max(left, 0.6), CLIP / 3)
        start = float(rng.uniform(0, CLIP - length))
        found.append(Region(start, start + length))
        left -= length
    return sorted(found)


def _name(clip: int) -> str:
    return f"clip {clip:04}"
