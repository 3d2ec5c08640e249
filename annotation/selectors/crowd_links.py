"""Questions about who came by which link, and what they did since."""

from __future__ import annotations

from django.db.models import QuerySet

from annotation.models import Membership, Participation, Submission


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


def n_done(participation: Participation) -> int:
    """How many of its answers count; what was imported was not done by this link."""
    return answers_of(participation).filter(status=Submission.Status.ACCEPTED, provenance=None).count()


def has_done(participation: Participation) -> bool:
    """Whether as many answers count as the link asks for; of a campaign that has ended no more is asked than one."""
    asked = participation.link.tasks_asked
    if asked is not None and participation.membership.campaign.ended:
        asked = 1
    return asked is not None and n_done(participation) >= asked
