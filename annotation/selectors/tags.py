"""What leaks: people's tags as votes, and what consensus says of a campaign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from annotation.core.consensus import Person, Prior
from annotation.core.tags import Tagged
from annotation.models import Campaign, Consensus, ConsensusRegion, Mark, Reliability, Submission, Task


def votes_of(submissions: Iterable[Submission]) -> list[tuple[Tagged, float]]:
    """The marks with a tag in these answers, in track seconds, each with its person's stored reliability, or a stranger's."""
    marks = Mark.objects.filter(submission__in=list(submissions)).exclude(tag="").order_by("pk")
    found = list(marks.values_list("submission__by", "start", "end", "tag"))
    fitted = Reliability.objects.filter(membership__in={by for by, *_ in found})
    weights = {one.membership_id: one.sensitivity + one.specificity - 1 for one in fitted}
    stranger = Person.unknown(Prior()).reliability
    return [(Tagged(start, end, tag), weights.get(by, stranger)) for by, start, end, tag in found]


@dataclass(frozen=True)
class OfTag:
    """What leaks with one tag in a round: agreed seconds in all its clips, and in a minute of those drawn at random, before it too.

    Clips that were chosen since much seems to leak there say nothing of the pool; None: none was drawn at random.
    """

    tag: str  # "": nobody gave one
    domain: str
    seconds: float
    per_minute: float | None
    before: float | None  # in the round before


def of_tags(campaign: Campaign, number: int) -> list[OfTag]:
    """Each tag and domain of a round by the latest consensus of its closed clips, most first. In two queries."""
    tasks = Task.objects.filter(
        campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED, round_number__in=(number, number - 1)
    ).order_by()
    lasts = Sum(F("end") - F("start"))
    heard = dict(
        ((round_, domain), seconds)
        for round_, domain, seconds in tasks.filter(arm=Task.Arm.RANDOM)
        .values("round_number", "track__domain")
        .annotate(s=lasts)
        .values_list("round_number", "track__domain", "s")
    )
    latest = Consensus.objects.filter(task=OuterRef("consensus__task")).values("task").annotate(last=Max("version")).values("last")
    regions = ConsensusRegion.objects.filter(consensus__task__in=tasks, consensus__version=Subquery(latest)).order_by()
    rows = (
        regions.values("tag", of=F("consensus__task__round_number"), domain=F("consensus__task__track__domain"))
        .annotate(s=lasts, random=Coalesce(Sum(F("end") - F("start"), filter=Q(consensus__task__arm=Task.Arm.RANDOM)), 0.0))
        .values_list("of", "domain", "tag", "s", "random")
    )
    found = {(of, domain, tag): (seconds, random) for of, domain, tag, seconds, random in rows}

    def rate(of: int, domain: str, tag: str) -> float | None:
        whole = heard.get((of, domain))
        return 60 * found.get((of, domain, tag), (0.0, 0.0))[1] / whole if whole else None

    kinds = {(domain, tag) for _, domain, tag in found}
    these = [
        OfTag(tag, domain, found.get((number, domain, tag), (0.0, 0.0))[0], rate(number, domain, tag), rate(number - 1, domain, tag))
        for domain, tag in kinds
    ]
    return sorted(these, key=lambda one: (-one.seconds, one.tag, one.domain))
