"""All that one member has answered: found again, and what became of it once its round is closed.

Before that nothing tells clips whose truth is known from others: these belong to no round, and to songs with known stems. So songs,
rounds and outcomes are there for answers alone that are frozen, and the round is that of the freeze and not of the task.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from annotation.core.regions import Region
from annotation.models import Campaign, Consensus, Event, Membership, Submission, Task
from annotation.selectors.answers import is_frozen

OPEN, FROZEN, WITHDRAWN = "open", "frozen", "withdrawn"
FREEZES = ("feedback.frozen", "round.empty")


@dataclass(frozen=True)
class Answer:
    """One answer as its person finds it again; of one that is not frozen, song and round are not told."""

    submission: Submission
    state: str  # OPEN, FROZEN or WITHDRAWN
    song: str
    round_number: int | None  # that was closed with it
    marks: int
    seconds: float  # marked
    is_known: bool  # a gold clip, whose truth can be looked at
    is_decided: bool  # people did not agree, and what a reviewer decided can be looked at

    @property
    def can_be_heard(self) -> bool:
        """Whether it has a page of its own."""
        return self.state == FROZEN and self.submission.status in KEPT


KEPT = (Submission.Status.ACCEPTED, Submission.Status.SURPLUS)


def given_by(member: Membership) -> QuerySet[Submission]:
    """The answer of a member to each clip that counts, or where none does their last one, withdrawn or not; the latest first."""
    same = Submission.objects.filter(task=OuterRef("task"), by=member)
    counts = same.filter(status=Submission.Status.ACCEPTED)
    newer = same.filter(revision__gt=OuterRef("revision")).exclude(status=Submission.Status.SUPERSEDED)
    last = ~Q(status=Submission.Status.SUPERSEDED) & ~Exists(counts) & ~Exists(newer)
    return Submission.objects.filter(Q(status=Submission.Status.ACCEPTED) | last, by=member).order_by("-pk")


def found_again(member: Membership, words: str = "", state: str = "") -> QuerySet[Submission]:
    """Those of a state, or with all `words` in the song's name, which finds frozen ones alone."""
    found, withdrawn, frozen = given_by(member), Q(status=Submission.Status.WITHDRAWN), _frozen(member.campaign)
    if state in (OPEN, FROZEN, WITHDRAWN):
        found = found.filter({OPEN: ~withdrawn & ~frozen, FROZEN: ~withdrawn & frozen, WITHDRAWN: withdrawn}[state])
    for word in words.split():
        found = found.filter(frozen, task__track__name__icontains=word)
    return found


def _frozen(campaign: Campaign) -> Q:
    return Q(created__lte=campaign.frozen) if campaign.frozen else Q(pk__in=[])


def decisions(campaign: Campaign) -> QuerySet[Consensus]:
    """What reviewers decided and a round was frozen with, the latest first."""
    reviewed = Consensus.objects.filter(task__campaign=campaign, task__state=Task.State.CLOSED, by__isnull=False)
    return reviewed.filter(made__lte=campaign.frozen).order_by("-version") if campaign.frozen else reviewed.none()


def for_list(member: Membership, found: QuerySet[Submission]) -> QuerySet[Submission]:
    """With all that `listed` needs of them."""
    decided = Exists(decisions(member.campaign).filter(task=OuterRef("task")))
    marked = Sum(F("marks__end") - F("marks__start"), default=0.0)
    return found.select_related("task__track").annotate(n_marks=Count("marks"), marked=marked, decided=decided)


def listed(member: Membership, page: Iterable[Submission]) -> list[Answer]:
    """Answers of `for_list` as their person reads them."""
    freezes = _freezes(member.campaign)
    return [_answer(member.campaign, one, freezes) for one in page]


def _answer(campaign: Campaign, one: Submission, freezes: list[tuple[float, int]]) -> Answer:
    frozen, withdrawn = is_frozen(one.created, campaign.frozen), one.status == Submission.Status.WITHDRAWN
    told = frozen and one.status == Submission.Status.ACCEPTED
    return Answer(
        submission=one,
        state=WITHDRAWN if withdrawn else FROZEN if frozen else OPEN,
        song=one.task.track.name if frozen else "",
        round_number=_round(one, freezes) if frozen else None,
        marks=one.n_marks,  # type: ignore[attr-defined]
        seconds=one.marked,  # type: ignore[attr-defined]
        is_known=told and one.task.kind == Task.Kind.GOLD,
        is_decided=told and one.decided,  # type: ignore[attr-defined]
    )


def _freezes(campaign: Campaign) -> list[tuple[float, int]]:
    """When rounds were closed, as seconds, and which."""
    events = Event.objects.filter(campaign=campaign, what__in=FREEZES).order_by("pk").values_list("when", "after__round")
    return [(when.timestamp(), number) for when, number in events]


def _round(answer: Submission, freezes: list[tuple[float, int]]) -> int | None:
    """The first that was closed after the answer."""
    n = bisect_left(freezes, answer.created.timestamp(), key=lambda one: one[0])
    return freezes[n][1] if n < len(freezes) else None


# ---------------------------------------------------------------- one of them


@dataclass(frozen=True)
class Became:
    """What became of one frozen answer; `truth` is what is known, else what a reviewer decided, else None; in track seconds."""

    answer: Answer
    marks: list[Region]
    truth: list[Region] | None


def became(member: Membership, submission_id: int) -> Became | None:
    """None: it is not theirs, is not frozen, or counts as nobody's answer any more."""
    one = for_list(member, given_by(member)).filter(pk=submission_id, status__in=KEPT).first()
    if one is None or not is_frozen(one.created, member.campaign.frozen):
        return None
    answer = _answer(member.campaign, one, _freezes(member.campaign))
    truth: list[Region] | None = None
    if answer.is_known:
        truth = [Region(start, end) for start, end in one.task.gold.regions]
    elif answer.is_decided:
        regions = decisions(member.campaign).filter(task=one.task)[0].regions.order_by("start")
        truth = [Region(region.start, region.end) for region in regions]
    return Became(answer, [mark.region for mark in one.marks.order_by("start")], truth)
