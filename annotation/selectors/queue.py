"""Questions about annotation that span tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from annotation.models import Assignment, Campaign, ConsensusRegion, Event, Link, Mark, Membership, Participation, Submission, Task, Track
from annotation.selectors.members import gets_no_tasks, gold_to_come, still_asked
from annotation.selectors.prepared import Prepared


def campaigns_of(user: Any) -> QuerySet[Campaign]:
    """Campaigns that this user belongs to."""
    return Campaign.objects.filter(memberships__user=user, memberships__active=True).distinct().order_by("name")


_membership = Prepared(
    lambda user, slug: Membership.objects.select_related("campaign").filter(user=user, campaign__slug=slug, active=True)[:1],
    user=-1,
    slug="a campaign's slug",
)


def membership_of(user: Any, slug: str) -> Membership | None:
    """This user's active membership in the campaign of that slug."""
    return next(iter(_membership(user=user.pk, slug=slug)), None)


def tasks_for(user: Any) -> QuerySet[Task]:
    """Tasks that this user may hear: taken by them once, or any of a campaign that they manage or review."""
    memberships = Membership.objects.filter(user=user, active=True)
    sees_all = memberships.exclude(role=Membership.Role.ANNOTATOR).values("campaign")
    taken = Assignment.objects.filter(task=OuterRef("pk"), by__in=memberships)
    return Task.objects.filter(Q(campaign__in=sees_all) | Q(Exists(taken))).select_related("campaign", "track")


_given = Prepared(
    lambda task, user: Assignment.objects.select_related("task", "by__campaign").filter(task=task, by__user=user, by__active=True)[:1],
    task=-1,
    user=-2,
)


def task_and_member(user: Any, task_id: int) -> tuple[Task, Membership] | None:
    """A task that this user may hear (`tasks_for`) and their membership in its campaign; in one plain query for who was given it."""
    if lease := next(iter(_given(task=task_id, user=user.pk)), None):
        lease.task.campaign = lease.by.campaign
        return lease.task, lease.by
    member = Membership.objects.select_related("campaign").filter(user=user, active=True, campaign__tasks=task_id).first()
    if member is None or not member.reviews:
        return None
    task = Task.objects.get(pk=task_id)
    task.campaign = member.campaign
    return task, member


COUNT_TO = 100  # waiting tasks; to count more of 100,000 would take longer than to fetch one

_OWN_PROGRESS = """
SELECT (SELECT count(*) FROM annotation_submission WHERE by_id = %(by)s AND revision = 1),
       (SELECT count(*) FROM annotation_assignment WHERE by_id = %(by)s AND state = 'leased'),
       (SELECT count(*) FROM (
            SELECT FROM annotation_task AS task
            WHERE campaign_id = %(campaign)s AND state = 'open' AND kind = 'pool' AND taken < overlap
              AND NOT EXISTS (SELECT FROM annotation_assignment WHERE task_id = task.id AND by_id = %(by)s AND state = ANY(%(given)s))
              AND NOT EXISTS (SELECT FROM annotation_submission WHERE task_id = task.id AND by_id = %(by)s)
              AND (overlap <= min_overlap OR NOT EXISTS (SELECT FROM annotation_reliability WHERE membership_id = %(by)s AND NOT settles))
            ORDER BY taken DESC, id
            LIMIT %(most)s) AS waiting)
"""


@dataclass(frozen=True)
class OwnProgress:
    """How far one member is; `open` is counted to `COUNT_TO` at most."""

    done: int
    open: int


def own_progress(member: Membership, *, gets_tasks: bool | None = None) -> OwnProgress:
    """How many answers this member gave, and how many tasks still wait for them; `gets_tasks` where the caller knows that already."""
    given = [str(state) for state in Assignment.GIVEN]
    with connection.cursor() as cursor:  # asked for with every task: one statement instead of three
        cursor.execute(_OWN_PROGRESS, {"by": member.pk, "campaign": member.campaign_id, "given": given, "most": COUNT_TO})
        done, mine, waiting = cursor.fetchone()
    if not gets_tasks and gets_no_tasks(member):
        return OwnProgress(done=done, open=mine)
    waiting += gold_to_come(member, waiting)
    if (asked := still_asked(member)) is not None:
        waiting = min(waiting, asked)
    return OwnProgress(done=done, open=min(COUNT_TO, waiting + mine))


def participation_of(member: Membership) -> Participation | None:
    """The participation that this member came by last."""
    return Participation.objects.filter(membership=member).select_related("link", "membership__campaign").order_by("-began").first()


def answers_of(participation: Participation) -> QuerySet[Submission]:
    """What a person answered in this participation, from its beginning until they came by another link, and changed of that since."""
    later = Participation.objects.filter(membership=participation.membership_id, began__gt=participation.began).order_by("began").first()
    first = Submission.objects.filter(by=participation.membership_id, revision=1, created__gte=participation.began)
    if later:
        first = first.filter(created__lt=later.began)
    return Submission.objects.filter(by=participation.membership_id, task__in=first.values("task"))


def with_given(answers: QuerySet[Submission]) -> QuerySet[Any]:
    """The answers with `given`: when their person was given the clip first, in hand or ahead."""
    first = Assignment.objects.filter(task=OuterRef("task"), by=OuterRef("by")).order_by("taken_at")
    return answers.annotate(given=Subquery(first.values("taken_at")[:1]))


@dataclass(frozen=True)
class Address:
    """An address, as its hash, from which more than one person came by a link, or more than it lets in at once."""

    came_from: str
    people: int
    stopped: datetime | None  # when it was kept from bringing more, the last time


def addresses_of(links: Iterable[Link]) -> dict[int, list[Address]]:
    """Of each link, by its id, those that brought most people, the first ten."""
    links = list(links)
    known = Participation.objects.filter(link__in=links).exclude(came_from="")
    counted = known.order_by().values_list("link", "came_from").annotate(people=Count("pk"))
    people = {(link, came_from): n for link, came_from, n in counted}
    found = {}
    for link in links:
        stopped = {came_from: datetime.fromisoformat(when) for came_from, when in link.stopped.items()}
        several = {came_from for (pk, came_from), n in people.items() if pk == link.pk and n > 1}
        rows = [Address(one, people.get((link.pk, one), 0), stopped.get(one)) for one in several | set(stopped)]
        found[link.pk] = sorted(rows, key=lambda row: (row.people, row.came_from), reverse=True)[:10]
    return found


def n_done(participation: Participation) -> int:
    """How many of its answers count."""
    return answers_of(participation).filter(status=Submission.Status.ACCEPTED).count()


def n_too_soon(participation: Participation) -> int:
    """How many of its answers count nowhere, since they came sooner than their clips can be heard."""
    return answers_of(participation).filter(status=Submission.Status.TOO_SOON).count()


def has_done(participation: Participation) -> bool:
    """Whether as many answers count as the link asks for."""
    asked = participation.link.tasks_asked
    return asked is not None and n_done(participation) >= asked


def tasks_to_review(campaign: Campaign) -> QuerySet[Task]:
    """Contested tasks that wait for a reviewer, longest first, with `n_answers`."""
    accepted = Count("submissions", filter=Q(submissions__status=Submission.Status.ACCEPTED))
    return (
        Task.objects.filter(campaign=campaign, state=Task.State.IN_REVIEW)
        .select_related("track")
        .annotate(n_answers=accepted)
        .order_by("pk")
    )


def waiting_reviews(user: Any) -> list[tuple[Campaign, int]]:
    """The campaigns whose contested tasks this user may decide, and how many wait in each; most first."""
    campaigns = Campaign.objects.filter(
        Exists(Membership.objects.filter(campaign=OuterRef("pk"), user=user, active=True).exclude(role=Membership.Role.ANNOTATOR))
    )
    in_review = Task.objects.filter(campaign=OuterRef("pk"), state=Task.State.IN_REVIEW)  # few, and an index holds just these
    waiting = in_review.order_by().values("campaign").annotate(n=Count("pk")).values("n")
    counted = campaigns.annotate(waiting=Coalesce(Subquery(waiting), 0))
    return [(campaign, campaign.waiting) for campaign in counted.order_by("-waiting", "name")]


@dataclass(frozen=True)
class Progress:
    """How far the tasks of one round are."""

    open: int
    in_review: int
    closed: int
    withdrawn: int
    answers: int
    wanted: int
    contested: int

    @property
    def tasks(self) -> int:
        return self.open + self.in_review + self.closed

    @property
    def percent(self) -> int:
        return round(100 * min(1.0, self.answers / self.wanted)) if self.wanted else 0


def progress(campaign: Campaign, round_number: int) -> Progress:
    """Tasks and answers of a round."""
    tasks = Task.objects.filter(campaign=campaign, round_number=round_number)
    counted = tasks.aggregate(
        open=Count("pk", filter=Q(state=Task.State.OPEN)),
        in_review=Count("pk", filter=Q(state=Task.State.IN_REVIEW)),
        closed=Count("pk", filter=Q(state=Task.State.CLOSED)),
        withdrawn=Count("pk", filter=Q(state=Task.State.WITHDRAWN)),
        contested=Count("pk", filter=Q(contested=True)),
        wanted=Sum("overlap", filter=~Q(state=Task.State.WITHDRAWN), default=0),
    )
    answers = Submission.objects.filter(task__in=tasks.exclude(state=Task.State.WITHDRAWN), status=Submission.Status.ACCEPTED).count()
    return Progress(answers=answers, **counted)


def people(campaign: Campaign) -> QuerySet[Any]:
    """Members with `answers`, `too_soon`, `n_marks` and their stored reliability, most active first."""
    return (
        campaign.memberships.select_related("reliability", "user")
        .annotate(
            answers=Count("submissions", filter=Q(submissions__status=Submission.Status.ACCEPTED), distinct=True),
            too_soon=Count("submissions", filter=Q(submissions__status=Submission.Status.TOO_SOON), distinct=True),
            n_marks=Count("submissions__marks", filter=Q(submissions__status=Submission.Status.ACCEPTED), distinct=True),
        )
        .order_by("-answers", "pseudonym")
    )


def marked_seconds(campaign: Campaign, up_to_round: int) -> float:
    """Seconds in all accepted marks of the rounds so far, people added up."""
    marks = Mark.objects.filter(
        submission__task__campaign=campaign,
        submission__task__round_number__lte=up_to_round,
        submission__task__kind=Task.Kind.POOL,
        submission__status=Submission.Status.ACCEPTED,
    )
    return marks.aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"]


def consensus_seconds(consensuses: QuerySet) -> float:
    """Seconds in the regions of these consensuses."""
    return ConsensusRegion.objects.filter(consensus__in=consensuses).aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"]


@dataclass(frozen=True)
class TrackCounts:
    """How many tracks of a campaign wait: in the pool, for rounds; to be looked at, for a manager (`tracks_to_look_at`)."""

    in_pool: int
    to_look_at: int


def track_counts(campaign: Campaign) -> TrackCounts:
    counted = campaign.tracks.aggregate(
        in_pool=Count("pk", filter=Q(use=Track.Use.POOL, set_aside=None)),
        to_look_at=Count("pk", filter=Q(set_aside__isnull=False, set_aside_by=None)),
    )
    return TrackCounts(**counted)


def tracks_to_look_at(campaign: Campaign) -> QuerySet[Track]:
    """What the platform set aside and no manager has looked at since, the latest first."""
    return campaign.tracks.filter(set_aside__isnull=False, set_aside_by=None).order_by("-set_aside", "pk")


def latest_events(campaign: Campaign, n: int = 20) -> QuerySet[Event]:
    """What happened last."""
    return campaign.events.select_related("who").order_by("-id")[:n]
