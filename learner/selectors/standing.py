"""How several campaigns stand and what waits in each for who steers them: as many questions for twenty campaigns as for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from annotation.models import Campaign, Membership, Note, Pause, Submission, Task, Track
from annotation.models.people import Right, holders
from annotation.selectors.rounds import Progress
from learner.models import ChosenBase, Job, Round, SharedModel
from learner.selectors.rounds import Turn, turns

COUNTED = ("open", "in_review", "closed", "withdrawn", "contested", "wanted")


@dataclass(frozen=True)
class Standing:
    """One campaign: its last round, how far that is, and the counts of `managed`, which are attributes of the campaign."""

    campaign: Any
    turn: Turn | None
    progress: Progress | None


def managed(user: Any) -> QuerySet[Any]:
    """The campaigns that this user steers, with `role` and what `counted` counts."""
    mine = Membership.objects.filter(holders(Right.MANAGE), campaign=OuterRef("pk"), user=user)
    steered = Campaign.objects.filter(Exists(mine), archived=None, deleted=None)
    return counted(steered.annotate(role=Subquery(mine.values("role")[:1])))


def all_campaigns() -> QuerySet[Any]:
    """Every campaign of the site but those deleted, with what `counted` counts; archived ones, where nothing waits, are among them."""
    return counted(Campaign.objects.filter(deleted=None))


def counted(campaigns: QuerySet[Any]) -> QuerySet[Any]:
    """These campaigns, those in which most waits for a person first.

    With `in_review`, `open_notes`, `appeals`, `set_aside`, `failed`: what waits; `n_people`, `in_pool`, `to_judge`, `has_model`,
    `brings_base`: what a campaign needs.
    """
    tracks = Track.objects.filter(campaign=OuterRef("pk"))
    base = ChosenBase.objects.filter(campaign=OuterRef("pk"), campaign__shared_model=None)
    last = Round.objects.filter(campaign=OuterRef("pk")).order_by("-number")
    campaigns = campaigns.annotate(
        in_review=_count(Task.objects.filter(campaign=OuterRef("pk"), state=Task.State.IN_REVIEW), "campaign"),
        open_notes=_count(Note.objects.filter(task__campaign=OuterRef("pk"), replied=None), "task__campaign"),
        appeals=_count(
            Pause.objects.filter(membership__campaign=OuterRef("pk"), ended=None, appealed__isnull=False, decided=None),
            "membership__campaign",
        ),
        set_aside=_count(tracks.filter(set_aside__isnull=False, set_aside_by=None), "campaign"),
        last_state=Subquery(last.values("state")[:1]),
        failed=Exists(base.filter(job__state=Job.State.FAILED)),
        n_people=_count(Membership.objects.filter(campaign=OuterRef("pk"), active=True), "campaign"),
        in_pool=_count(tracks.filter(use=Track.Use.POOL, set_aside=None), "campaign"),
        to_judge=_count(tracks.filter(use__in=(Track.Use.GATE, Track.Use.TEST), set_aside=None), "campaign"),
        has_model=Exists(SharedModel.objects.filter(campaign=OuterRef("pk"))),
        brings_base=Exists(base.exclude(job__state=Job.State.FAILED)),
    )
    waits = F("in_review") + F("open_notes") + F("appeals") + F("set_aside")
    return campaigns.annotate(waits=waits).order_by("-waits", "name")


def _count(rows: QuerySet[Any], of: str) -> Coalesce:
    of_each = rows.order_by().values(of).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(of_each, output_field=IntegerField()), 0)


def standings(campaigns: Iterable[Any]) -> list[Standing]:
    """How these campaigns of `managed` stand; three questions."""
    campaigns = list(campaigns)
    last = {turn.round.campaign_id: turn for turn in turns(Round.objects.filter(pk__in=_last_rounds(campaigns)))}
    found = _progress(last)
    return [Standing(one, last.get(one.pk), found.get(one.pk)) for one in campaigns]


def _last_rounds(campaigns: Iterable[Campaign]) -> QuerySet[Any]:
    return (
        Round.objects.filter(campaign__in=[one.pk for one in campaigns]).order_by("campaign", "-number").distinct("campaign").values("pk")
    )


def _progress(last: dict[int, Turn]) -> dict[int, Progress]:
    """Of each campaign's last round, as `annotation.selectors.rounds.progress` has it."""
    if not last:
        return {}
    of_rounds = Q()
    for campaign, turn in last.items():
        number = turn.round.number
        of_rounds |= Q(campaign=campaign) & (Q(round_number=number) | Q(asked_again=number))
    tasks = Task.objects.filter(of_rounds)
    stays = tasks.exclude(state=Task.State.WITHDRAWN)
    accepted = Submission.objects.filter(task__in=stays, status=Submission.Status.ACCEPTED)
    answers = dict(accepted.order_by().values_list("task__campaign").annotate(n=Count("pk")))
    counted = (
        tasks.order_by()
        .values("campaign")
        .annotate(
            open=Count("pk", filter=Q(state=Task.State.OPEN)),
            in_review=Count("pk", filter=Q(state=Task.State.IN_REVIEW)),
            closed=Count("pk", filter=Q(state=Task.State.CLOSED)),
            withdrawn=Count("pk", filter=Q(state=Task.State.WITHDRAWN)),
            contested=Count("pk", filter=Q(contested=True)),
            wanted=Sum("overlap", filter=~Q(state=Task.State.WITHDRAWN), default=0),
        )
    )
    rows: list[Any] = list(counted)
    found: dict[int, dict[str, Any]] = {row["campaign"]: {name: row[name] for name in COUNTED} for row in rows}
    none: dict[str, Any] = dict.fromkeys(COUNTED, 0)
    return {pk: Progress(answers=answers.get(pk, 0), **found.get(pk, none)) for pk in last}
