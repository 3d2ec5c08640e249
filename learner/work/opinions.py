"""Instead of a round's least valuable new clips, one more opinion on clips that people have agreed on, where that is worth more."""

from __future__ import annotations

from dataclasses import dataclass

from annotation import services as annotating
from annotation.core.consensus.opinions import n_giving_way, worth_of_new
from annotation.models import Campaign, Task
from annotation.selectors.opinions import worth_asking_again
from learner.core.choosing.strategies import DEFAULT
from learner.work.foretelling import EXPECTED, pace_of

LOOKED_AT = 10  # heard clips, the least certain, for each new one


@dataclass(frozen=True)
class Again:
    """Tasks, by their ids, to ask one more person about."""

    worth: dict[int, float]  # of each, seconds a minute that it sets right
    instead: float  # seconds a minute of the most valuable clip that gave way


def instead(campaign: Campaign, clips: list[annotating.Clip]) -> tuple[list[annotating.Clip], Again | None]:
    """The clips that remain, and what comes instead of the others; None: nothing does.

    Clips of the control group stay, and those for the gate; so do all where leak is not foretold.
    """
    pace = pace_of(campaign)

    def worth(clip: annotating.Clip) -> float:
        return worth_of_new(clip.parts[EXPECTED], pace * (clip.end - clip.start) / 60, campaign.min_overlap)

    own = [clip for clip in clips if clip.strategy == DEFAULT and clip.arm == Task.Arm.SCORE and not clip.kept_apart]
    new = sorted(own, key=worth)
    if not (campaign.asks_again and new):
        return clips, None
    more = sorted(worth_asking_again(campaign, pace, LOOKED_AT * len(clips)), key=lambda one: (-one[1], one[0].pk))
    n = n_giving_way([worth(clip) for clip in new], [value for _, value in more], campaign.min_overlap)
    if not n:
        return clips, None
    asked = {task.pk: value for task, value in more[: n * campaign.min_overlap]}
    return [clip for clip in clips if clip not in new[:n]], Again(asked, worth(new[n - 1]))
