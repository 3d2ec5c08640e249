"""What leaks: people's tags as votes, and what consensus says of a campaign."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, Max, OuterRef, Subquery, Sum

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


def seconds_of_tags(campaign: Campaign, round_number: int | None = None) -> list[tuple[str, float]]:
    """How many agreed seconds each tag has, by the latest consensus of every clip, most first; "" is what nobody gave a tag."""
    tasks = Task.objects.filter(campaign=campaign, kind=Task.Kind.POOL, state=Task.State.CLOSED)
    if round_number is not None:
        tasks = tasks.filter(round_number=round_number)
    latest = Consensus.objects.filter(task=OuterRef("consensus__task")).values("task").annotate(last=Max("version")).values("last")
    regions = ConsensusRegion.objects.filter(consensus__task__in=tasks, consensus__version=Subquery(latest))
    return list(regions.values("tag").annotate(s=Sum(F("end") - F("start"))).order_by("-s", "tag").values_list("tag", "s"))
