"""Whether a member may get tasks now, and what comes first: the first visit, a pause, or that all was done that was asked of them."""

from __future__ import annotations

from http import HTTPStatus

from django.db.models import Q

from annotation.core.errors import DomainError
from annotation.models import Assignment, Campaign, FirstVisit, Membership, Pause, Reliability, Submission
from annotation.models.people import Right, holders
from annotation.selectors.prepared import Prepared


def must_qualify(member: Membership) -> bool:
    """Whether this member may go on only once they have qualified on gold tasks; who steers the campaign need not."""
    return member.campaign.qualification > 0 and not member.manages


def qualifies(member: Membership) -> bool:
    """Whether this member has still to qualify."""
    return must_qualify(member) and Membership.objects.filter(pk=member.pk, qualified=None).exists()


def pause_of(member: Membership) -> Pause | None:
    """The pause that this member is in."""
    return Pause.objects.filter(membership=member, ended=None).first()


def next_step(member: Membership, visit: FirstVisit | None = None) -> str | None:
    """The step of the first visit that this member has before them: consent, questions, sound, instructions or practice; None: it is over.

    A new version of the consent or of the instructions brings its step back. `visit` where the caller knows it already.
    """
    campaign = member.campaign
    visit = visit or FirstVisit.objects.filter(membership=member).first() or FirstVisit(membership=member)
    if visit.consent != FirstVisit.Consented.GIVEN or member.consent_version != campaign.consent_version:
        return "consent"
    if campaign.questionnaire and visit.questions is None:
        return "questions"
    if not visit.sound:
        return "sound"
    if (visit.instructions_version or 0) < campaign.instruction_version:
        return "instructions"
    return None if visit.finished else "practice"


_withdrew = Prepared(
    lambda member: FirstVisit.objects.filter(membership=member, consent=FirstVisit.Consented.WITHDRAWN).only("pk"), member=-1
)


def has_withdrawn(member: Membership) -> bool:
    """Whether this member has taken their consent back, and not given it again."""
    return bool(_withdrew(member=member.pk))


def must_finish_first_visit(member: Membership, visit: FirstVisit | None = None) -> bool:
    """Whether a person must pass (or pass again) the first visit before they get tasks; without that rule, who withdrew consent must.

    `visit` where the caller knows it already.
    """
    if member.kind != Membership.Kind.HUMAN:
        return False
    if member.campaign.onboarding:
        return next_step(member, visit) is not None
    return visit.consent == FirstVisit.Consented.WITHDRAWN if visit else has_withdrawn(member)


def gets_no_tasks(member: Membership) -> bool:
    """Whether this member gets no new tasks now: paused, not asked, on their first visit, or done with all that was asked.

    Nobody gets any where the campaign has ended.
    """
    held = member.campaign.ended is not None or is_paused(member) or is_left_out(member) or is_passed_over(member)
    return held or must_finish_first_visit(member) or still_asked(member) == 0


def is_passed_over(member: Membership) -> bool:
    """Whether this member has proved too unreliable for a campaign that asks reliable people only."""
    return member.campaign.reliable_only and Reliability.objects.filter(membership=member, settles=False).exists()


def still_asked(member: Membership) -> int | None:
    """How many more tasks may be handed to this member, who came by a link that asks for so many; None: no end."""
    if member.tasks_asked is None:
        return None
    held = Assignment.objects.filter(by=member, state=Assignment.State.LEASED).count()
    return max(0, member.tasks_asked - n_accepted(member) - held)


def n_accepted(member: Membership) -> int:
    """How many answers of this member count."""
    return Submission.objects.filter(by=member, status=Submission.Status.ACCEPTED).count()


def has_done_all(member: Membership) -> bool:
    """Whether this member has given as many answers as were asked of them, or is asked for none any more."""
    return member.tasks_asked is not None and n_accepted(member) >= member.tasks_asked


def pauses(campaign: Campaign) -> bool:
    """Whether this campaign pauses people."""
    return campaign.pause_below is not None or campaign.qualification > 0


def is_paused(member: Membership) -> bool:
    """Whether this member gets no new tasks for now, by a manager's word or their gold answers."""
    return member.paused is not None or (pauses(member.campaign) and pause_of(member) is not None)


def is_left_out(member: Membership) -> bool:
    """Whether the campaign asks only others: people with a tag that this member has not, or who may review."""
    campaign = member.campaign
    return (campaign.only_reviewers and not member.reviews) or bool(campaign.only_tags and not {*campaign.only_tags} & {*member.tags})


def who_is_asked(campaign: Campaign) -> Q:
    """Members who get tasks by these rules, whatever else holds them up, for a query on memberships."""
    asked = Q(active=True, paused=None)
    if campaign.only_reviewers:
        asked &= holders(Right.REVIEW)
    if campaign.only_tags:
        asked &= Q(*[("tags__contains", [tag]) for tag in campaign.only_tags], _connector=Q.OR)
    return asked


class Archived(DomainError):
    """This campaign is in the archive: it can be read, and nothing in it changes. Its owners can take it out."""


class NotReady(DomainError):
    """Something comes before the queue."""

    status = HTTPStatus.FORBIDDEN

    def __init__(self, message: str, go: str) -> None:
        """`go` is the address of the page that says what."""
        super().__init__(message)
        self.go = go
