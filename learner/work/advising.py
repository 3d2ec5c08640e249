"""What all figures of a round say together, kept beside its verdict."""

from __future__ import annotations

import numpy as np

from annotation.models import Track
from annotation.selectors.gold import seconds_on_gold
from learner import selectors
from learner.core.judging import advice
from learner.core.judging.stem_words import said_of
from learner.models import Adaptation, JudgedSong
from learner.work.plan import Plan

Kind = JudgedSong.Kind


def advise(plan: Plan) -> None:
    """Keep what the figures of the round say together, as far as they are there."""
    if selectors.is_judged_by_ear(plan.campaign):
        return
    adaptation = Adaptation.objects.get(pk=plan.adaptation.pk)
    rows = list(JudgedSong.objects.filter(adaptation=adaptation).select_related("track"))
    songs = [
        advice.Song(one.figures, gate=one.kind == Kind.GATE, target=one.track.domain == Track.Domain.TARGET)
        for one in rows
        if not one.is_clip
    ]
    learned_from = plan.adaptation.feedback_set.items.filter(clip__kept_apart=False)
    told = advice.RoundTold(
        songs,
        promoted=adaptation.verdict != Adaptation.Verdict.REFUSED,
        marked_seconds=sum(end - start for start, end in learned_from.values_list("start", "end")),
        half_way=plan.recipe.half_way,
        doubted=bool(adaptation.report.get("doubted")),
        random_marks=sum(len(one.marks) for one in rows if one.kind == Kind.RANDOM),
        gold=advice.on_gold(seconds_on_gold(plan.campaign), generator=np.random.default_rng(0)),
    )
    sentences = advice.advise(told).sentences
    Adaptation.objects.filter(pk=adaptation.pk).update(advice=[said_of(plan.campaign.stem, sentence) for sentence in sentences])
