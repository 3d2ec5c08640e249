"""How far a member is with the practice: runs through all of its clips, of which one must reach the campaign's mark."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.core.first_visit_sounds import PRACTICE
from annotation.core.grading import mean
from annotation.models import Campaign, FirstVisit, Membership, PracticeAnswer

CLIPS = len(PRACTICE)  # of a run

Scores = dict[int, dict[int, float]]  # run -> practice task -> the score of its first answer


@dataclass(frozen=True)
class Practice:
    """How far somebody is. Of each clip the first answer counts: after it the truth is shown."""

    scores: Scores
    wanted: float  # the mean score that is asked for
    tries: int | None  # runs that they have; None: as many as they like
    finished: bool  # their first visit is over: whatever they practise now decides nothing

    @property
    def run(self) -> int:
        """The run that they are in (from 1): the first that is not complete."""
        last = max(self.scores, default=1)
        return last + (len(self.scores.get(last, {})) == CLIPS)

    def score(self, run: int) -> float | None:
        """The mean score of a run; None: it is not over."""
        scores = self.scores.get(run, {})
        return mean(list(scores.values())) if len(scores) == CLIPS else None

    @property
    def passed(self) -> bool:
        return any((score := self.score(run)) is not None and score >= self.wanted for run in self.scores)

    @property
    def left(self) -> int | None:
        """Runs that they can still begin, with the one that they are in; None: no end."""
        return None if self.tries is None else max(0, self.tries - (self.run - 1))

    @property
    def is_spent(self) -> bool:
        """Whether they have used up their tries, and wait for somebody to give them more."""
        return not self.finished and self.left == 0

    @property
    def next(self) -> int:
        """The clip that comes next, counted from 1 over all runs."""
        done = self.scores.get(self.run, {})
        return place(self.run, next(number for number in range(1, CLIPS + 1) if number not in done))


def place(run: int, number: int) -> int:
    """The clip of a run, both from 1, as one count over all runs."""
    return (run - 1) * CLIPS + number


def run_of(n: int) -> tuple[int, int]:
    """Run and number of the n-th clip, all from 1."""
    return (n - 1) // CLIPS + 1, (n - 1) % CLIPS + 1


def practice_of(member: Membership) -> Practice:
    """How far this member is."""
    visit = FirstVisit.objects.filter(membership=member).first()
    return _practice(member.campaign, visit, _scores(PracticeAnswer.objects.filter(membership=member))[member.pk])


def _practice(campaign: Campaign, visit: FirstVisit | None, scores: Scores) -> Practice:
    return Practice(scores, campaign.practice_score, _tries(campaign, visit), bool(visit and visit.finished))


def _scores(answers: QuerySet[PracticeAnswer]) -> dict[int, Scores]:
    """Of each member, the scores of these answers; whoever gave none has none."""
    found: dict[int, Scores] = defaultdict(dict)
    for member, run, number, score in answers.order_by("pk").values_list("membership", "run", "number", "score"):
        found[member].setdefault(run, {}).setdefault(number, score)
    return found


def _tries(campaign: Campaign, visit: FirstVisit | None) -> int | None:
    return None if campaign.practice_tries is None else campaign.practice_tries + (visit.more_tries if visit else 0)


def spent(campaign: Campaign) -> set[int]:
    """The members who have used up their tries at the practice."""
    if campaign.practice_tries is None:
        return set()
    visits = {one.membership_id: one for one in FirstVisit.objects.filter(membership__campaign=campaign, finished=None)}
    scores = _scores(PracticeAnswer.objects.filter(membership__in=visits))
    return {member for member, theirs in scores.items() if _practice(campaign, visits[member], theirs).is_spent}
