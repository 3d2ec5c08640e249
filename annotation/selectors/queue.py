"""Questions about annotation that span tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from annotation.models import Assignment, Campaign, Link, Membership, Participation, Submission, Task
from annotation.models.people import Right, holders
from annotation.selectors.access import gets_no_tasks, still_asked
from annotation.selectors.consensus import stored_not_tie_breakers
from annotation.selectors.crowd_links import answers_of
from annotation.selectors.gold import gold_to_come
from annotation.selectors.prepared import Prepared


def campaigns_of(user: Any) -> QuerySet[Campaign]:
    """Campaigns that this user belongs to, without those in the archive."""
    own = Campaign.objects.filter(memberships__user=user, memberships__active=True, archived=None, deleted=None)
    return own.distinct().order_by("name")


def managed_by(user: Any) -> QuerySet[Campaign]:
    """Campaigns that this user manages, those in the archive too."""
    managed = Membership.objects.filter(holders(Right.MANAGE), user=user)
    return Campaign.objects.filter(memberships__in=managed, deleted=None).order_by("name")


def put_away_by(user: Any) -> QuerySet[Campaign]:
    """Campaigns that this user finds in no list: managed ones in the archive, and own ones that were deleted and are not removed yet."""
    managed, owned = (Membership.objects.filter(holders(right), user=user) for right in (Right.MANAGE, Right.CLOSE))
    archived = Q(archived__isnull=False, deleted=None, memberships__in=managed)
    return Campaign.objects.filter(archived | Q(deleted__isnull=False, memberships__in=owned)).order_by("name")


_membership = Prepared(
    lambda user, slug: Membership.objects.select_related("campaign").filter(
        user=user, campaign__slug=slug, active=True, campaign__deleted=None
    )[:1],
    user=-1,
    slug="a campaign's slug",
)


def membership_of(user: Any, slug: str) -> Membership | None:
    """This user's active membership in the campaign of that slug; in one that was deleted nobody has any."""
    return next(iter(_membership(user=user.pk, slug=slug)), None)


def owner_of(user: Any, slug: str) -> Membership | None:
    """This user's membership in the campaign of that slug, deleted or not, where they may end, archive and delete it."""
    own = Membership.objects.select_related("campaign").filter(holders(Right.CLOSE), user=user.pk)
    return own.filter(campaign__slug=slug).first()


def tasks_for(user: Any) -> QuerySet[Task]:
    """Tasks that this user may hear: taken by them once, or any of a campaign in which they review."""
    memberships = Membership.objects.filter(user=user, active=True, campaign__deleted=None)
    sees_all = memberships.filter(holders(Right.REVIEW)).values("campaign")
    taken = Assignment.objects.filter(task=OuterRef("pk"), by__in=memberships)
    return Task.objects.filter(Q(campaign__in=sees_all) | Q(Exists(taken))).select_related("campaign", "track")


_given = Prepared(
    lambda task, user: Assignment.objects.select_related("task", "by__campaign").filter(
        task=task, by__user=user, by__active=True, by__campaign__deleted=None
    )[:1],
    task=-1,
    user=-2,
)


def task_and_member(user: Any, task_id: int) -> tuple[Task, Membership] | None:
    """A task that this user may hear (`tasks_for`) and their membership in its campaign; in one plain query for who was given it."""
    if lease := next(iter(_given(task=task_id, user=user.pk)), None):
        lease.task.campaign = lease.by.campaign
        return lease.task, lease.by
    members = Membership.objects.select_related("campaign").filter(user=user, active=True, campaign__deleted=None)
    member = members.filter(campaign__tasks=task_id).first()
    if member is None or not member.reviews:
        return None
    task = Task.objects.get(pk=task_id)
    task.campaign = member.campaign
    return task, member


FREE_FOR = """
    state = 'open' AND kind = 'pool' AND question = %(question)s AND taken < overlap
    AND NOT EXISTS (SELECT FROM annotation_assignment WHERE task_id = task.id AND by_id = %(by)s AND state = ANY(%(given)s))
    AND NOT EXISTS (SELECT FROM annotation_submission WHERE task_id = task.id AND by_id = %(by)s)
    AND (overlap <= min_overlap OR NOT EXISTS (SELECT FROM annotation_reliability WHERE membership_id = %(by)s AND NOT settles))
"""
"""Which rows `task` that ask `question` may be given to the member `by` now: for the statements that are asked with every task.

In the ORM the same is `unseen_by` and `for_tie_breakers`.
"""


def unseen_by(task: Any, by: Any) -> Q:
    """That `by` was not given this task, nor answered it; each an id, a row or an `OuterRef`."""
    given = Assignment.objects.filter(task=task, by=by, state__in=Assignment.GIVEN)
    return ~Q(Exists(given)) & ~Q(Exists(Submission.objects.filter(task=task, by=by)))


def for_tie_breakers(by: Membership) -> Q:
    """Past a task's least answers only people are asked who are reliable enough to decide between the others."""
    return Q(overlap__lte=F("min_overlap")) if stored_not_tie_breakers().filter(membership=by).exists() else Q()


COUNT_TO = 100  # waiting tasks; to count more of 100,000 would take longer than to fetch one

_OWN_PROGRESS = f"""
SELECT (SELECT count(*) FROM annotation_submission WHERE by_id = %(by)s AND revision = 1),
       (SELECT count(*) FROM annotation_assignment AS lease JOIN annotation_task AS task ON task.id = lease.task_id
        WHERE by_id = %(by)s AND lease.state = 'leased' AND question = %(question)s),
       (SELECT count(*) FROM (
            SELECT FROM annotation_task AS task
            WHERE campaign_id = %(campaign)s AND {FREE_FOR}
            ORDER BY taken DESC, id
            LIMIT %(most)s) AS waiting)
"""


@dataclass(frozen=True)
class OwnProgress:
    """How far one member is; `open` is counted to `COUNT_TO` at most."""

    done: int
    open: int


def own_progress(member: Membership, *, gets_tasks: bool | None = None, question: str = Task.Question.DRAW) -> OwnProgress:
    """How many answers this member gave, and how many tasks that ask `question` still wait for them.

    `gets_tasks` where the caller knows that already.
    """
    given = [str(state) for state in Assignment.GIVEN]
    with connection.cursor() as cursor:  # asked for with every task: one statement instead of three
        cursor.execute(
            _OWN_PROGRESS, {"by": member.pk, "campaign": member.campaign_id, "given": given, "question": str(question), "most": COUNT_TO}
        )
        done, mine, waiting = cursor.fetchone()
    if gets_no_tasks(member) if gets_tasks is None else not gets_tasks:
        return OwnProgress(done=done, open=mine)
    waiting += gold_to_come(member, waiting, question)
    if (asked := still_asked(member)) is not None:
        waiting = min(waiting, asked)
    return OwnProgress(done=done, open=min(COUNT_TO, waiting + mine))


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


def n_too_soon(participation: Participation) -> int:
    """How many of its answers count nowhere, since they came sooner than their clips can be heard."""
    return answers_of(participation).filter(status=Submission.Status.TOO_SOON).count()


def waits_for_nobody() -> Q:
    """Tasks that nobody is working on, as a filter."""
    return ~Q(Exists(Assignment.objects.filter(task=OuterRef("pk"), state=Assignment.State.LEASED)))
