"""Minutes to equal F1: drawing alone, quick questions alone, and drawing first with quick questions about what is then in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotation.core.bench.crowd import CLIP, Answer, Crowd, Source
from annotation.core.bench.figures import frame_f1
from annotation.core.consensus import Agreement, Key, agree, not_tie_breakers
from annotation.core.regions import FRAME, Region, merge, to_frames
from annotation.core.segments import asked, in_doubt
from annotation.core.simulated import REACTION, judge

# A clip of 15 s with two marks takes 15.5 s of a practised hand at single speed; so much per second of clip.
DRAWING = 15.5 / 15
LEAST, MOST = 2, 8  # answers to a clip, of both kinds together


@dataclass(frozen=True)
class Plan:
    """Who is asked what of a clip."""

    name: str
    drawn: int  # people who draw, whatever they agree on
    draw_below: float = 0.0  # one more draws while the clip's certainty is below
    questions: int = 0  # people who are asked about every segment that sounds
    ask_about_doubt: bool = False  # then one more person about the stretches that are in doubt
    clips: int | None = None  # of a round: people are fitted when each is done, and who is too unreliable is asked no more; None: all


ROUND = 15
PLANS = (
    *(Plan(f"{n} draw", n) for n in (2, 3, 4, 5)),
    *(Plan(f"2 draw, more below {least}", LEAST, least) for least in (0.95, 0.96, 0.97, 0.98)),
    *(Plan(f"{n} answer about all segments", 0, questions=n) for n in (3, 5)),
    Plan("1 draws, 3 answer about all segments", 1, questions=3),
    *(
        Plan(f"2 draw, more below {least}, then questions about doubt", LEAST, least, ask_about_doubt=True)
        for least in (0.0, 0.9, 0.95, 0.96, 0.97, 0.98)
    ),
    *(
        Plan(f"1, below {least}, rounds of {ROUND}, reliable only{', doubt' * doubt}", 1, least, ask_about_doubt=doubt, clips=ROUND)
        for least in (0.97, 0.98, 0.985)
        for doubt in (False, True)
    ),
)


def minutes(source: Source, seeds: int, crowd_kit: Path | None) -> None:
    """Print frame F1 and minutes of people's time an hour of clips for every plan, without sound and with it as a witness."""
    crowds = [source(seed, answers=10).with_sound(seed) for seed in range(seeds)]
    if not crowds[0].habits:
        print("quick questions: how people of this crowd would answer is not known")
        return
    five = 5 * DRAWING
    for name, witness in (("without sound", False), ("with sound", True)):
        print(f"{name:<58}frame F1  seconds a second of clip  of five who draw  drawn  questions a clip", flush=True)
        for plan in PLANS:
            f1, seconds, n_drawn, n_asked = np.mean([carry_out(plan, crowd, seed, witness) for seed, crowd in enumerate(crowds)], axis=0)
            print(f"  {plan.name:<56}{f1:8.3f}  {seconds:24.2f}  {seconds / five:16.0%}  {n_drawn:5.2f}  {n_asked:16.1f}", flush=True)


def carry_out(plan: Plan, crowd: Crowd, seed: int, witness: bool) -> tuple[float, float, float, float]:
    """Return frame F1, seconds of people's time a second of clip, people who drew and questions asked, both a clip.

    Segments are cut by the sound, also where it is no witness. People come in the order in which they were drawn for the clip, each once;
    who is too unreliable to decide between others (`not_tie_breakers`) is passed over once that is known.
    """
    rng = np.random.default_rng([seed, 9])
    left = {clip: list(answers) for clip, answers in crowd.by_clip().items()}
    given: dict[str, list[Sequence[object]]] = {}
    seconds, n_drawn, n_asked = 0.0, 0, 0
    passed_over: set[Key] = set()
    of_doubt: set[str] = set()  # clips about which somebody was asked what is in doubt

    def could(clip: str) -> list[Answer]:
        return [answer for answer in left[clip] if answer[1] not in passed_over]

    def draw(clip: str, answer: Answer) -> None:
        nonlocal seconds, n_drawn
        left[clip].remove(answer)
        given[clip].append(answer)
        seconds, n_drawn = seconds + DRAWING * CLIP, n_drawn + 1

    def ask(clip: str, about: Sequence[Region], name: str) -> None:
        nonlocal seconds, n_asked
        left[clip] = [answer for answer in left[clip] if answer[1] != name]
        said = list(zip(about, judge(crowd.habits[name], crowd.truth[clip], about, rng), strict=True))
        told = merge(segment for segment, word in said if word != "cannot tell")
        given[clip].append((clip, name, CLIP, merge(segment for segment, word in said if word == "yes"), told, True))
        seconds += sum(segment.duration + REACTION for segment in about)
        n_asked += len(about)

    clips, size = list(crowd.truth), plan.clips or len(crowd.truth)
    for begin in range(0, len(clips), size):
        for clip in clips[begin : begin + size]:
            given[clip] = []
            for _ in range(plan.drawn):
                draw(clip, (could(clip) or left[clip])[0])
            for _ in range(plan.questions):
                ask(clip, asked(crowd.sound[clip][:, 0]), left[clip][0][1])
        found = _agree(crowd, given, witness)
        while True:
            passed_over = not_tie_breakers(found.people)
            uncertain = [clip for clip in given if found.certainty[clip] < plan.draw_below and len(given[clip]) < MOST and could(clip)]
            for clip in uncertain:
                draw(clip, could(clip)[0])
            if not uncertain:
                break
            found = _agree(crowd, given, witness)
        for clip in [one for one in given if one not in of_doubt] if plan.ask_about_doubt else ():
            if (about := in_doubt(found.sharp[clip])) and len(given[clip]) < MOST and could(clip):
                of_doubt.add(clip)
                ask(clip, about, could(clip)[0][1])
        found = _agree(crowd, given, witness)
    true = np.concatenate([to_frames(regions, CLIP, FRAME) for regions in crowd.truth.values()])
    mine = np.concatenate([found.posterior[clip] > 0.5 for clip in crowd.truth])
    n = len(given)
    return frame_f1(true, mine), seconds / (n * CLIP), n_drawn / n, n_asked / n


def _agree(crowd: Crowd, given: dict[str, list[Sequence[object]]], witness: bool) -> Agreement:
    return agree([one for answers in given.values() for one in answers], frame=FRAME, sound=crowd.sound if witness else None)
