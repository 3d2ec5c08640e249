"""Which listening tests wait for whom, which side is which for a listener, and what came of a test."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotation.core.preference import Answer, Preferred, preferred
from annotation.models import Campaign, Estimate, Link, ListeningClip, ListeningTest, Membership, Participation, Preference, Track

MOST_HEARD = 5  # ended tests that the page of a checkpoint tells of
SIDES, ORDER = 1, 2  # keep the draws by one seed apart
PANELS = (Link.Kind.EXTERNAL, Link.Kind.PROLIFIC)
Which = Preference.Which
NAMES = {True: (Which.CHECKPOINT, Which.OTHER), False: (Which.OTHER, Which.CHECKPOINT)}
"""Whether the checkpoint in question is A -> what A and B are."""
SCORES = {Which.CHECKPOINT.value: 1.0, Which.OTHER.value: 0.0, Which.NONE.value: 0.5}
"""For the checkpoint in question; no difference is half of it."""


def is_first(clip: ListeningClip, by: Membership) -> bool:
    """Whether this listener hears the checkpoint in question as A: drawn for each person and clip, and told to nobody."""
    return bool(np.random.default_rng([clip.test.seed, SIDES, clip.pk, by.pk]).random() < 0.5)


def which_is(clip: ListeningClip, by: Membership, side: str) -> str:
    """What a listener hears as "a" or "b" -> `Which`; "none" stays what it is."""
    return Which.NONE if side == "none" else NAMES[is_first(clip, by)]["ab".index(side)]


def came_by_panel(member: Membership) -> bool:
    """Whether somebody is here by a panel's link, which pays for a number of tasks."""
    return Participation.objects.filter(membership=member, link__kind__in=PANELS).exists()


def is_asked(test: ListeningTest, member: Membership) -> bool:
    """Whether a test is for this member; by the campaign's rules they may be held up all the same."""
    return test.campaign_id == member.campaign_id and (test.by_links or not came_by_panel(member))


def asked(test: ListeningTest) -> QuerySet[Membership]:
    """All members for whom a test is: see `is_asked`."""
    by_panel = Participation.objects.filter(membership=OuterRef("pk"), link__kind__in=PANELS)
    members = test.campaign.memberships.filter(active=True, user__isnull=False)
    return members if test.by_links else members.filter(~Exists(by_panel))


@dataclass(frozen=True)
class ToHear:
    """A clip in the order in which one listener hears them."""

    clip: ListeningClip
    answered: bool


def to_hear(test: ListeningTest, by: Membership) -> list[ToHear]:
    """The clips that are ready, in this listener's order; a clip that comes later takes its place among those not heard yet."""
    mine = Exists(Preference.objects.filter(clip=OuterRef("pk"), by=by))
    clips = test.clips.exclude(start=None).annotate(answered=mine)
    key = {one.pk: float(np.random.default_rng([test.seed, ORDER, one.pk, by.pk]).random()) for one in clips}
    ordered = sorted(clips, key=lambda one: key[one.pk])
    return [ToHear(one, one.answered) for one in ordered]


@dataclass(frozen=True)
class Waiting:
    """An open test and how many of its clips a member has not answered."""

    test: ListeningTest
    left: int


def waiting_for(user: Any) -> dict[int, list[Waiting]]:
    """Campaign -> the open tests of it that ask this user, and have clips that are ready. In one query."""
    members = Membership.objects.filter(user=user, active=True, campaign=OuterRef("campaign"))
    by_panel = Participation.objects.filter(membership__user=user, membership__campaign=OuterRef("campaign"), link__kind__in=PANELS)
    tests = (
        ListeningTest.objects.filter(ended=None, campaign__ended=None, campaign__archived=None, campaign__deleted=None)
        .filter(Exists(members), Q(by_links=True) | ~Exists(by_panel))
        .annotate(
            ready=Count("clips", filter=Q(clips__start__isnull=False), distinct=True),
            done=Count("clips__preferences", filter=Q(clips__preferences__by__user=user), distinct=True),
        )
    )
    found: dict[int, list[Waiting]] = {}
    for test in tests.filter(ready__gt=0).order_by("pk"):
        found.setdefault(test.campaign_id, []).append(Waiting(test, test.ready - test.done))
    return found


def to_place(track: Track) -> QuerySet[ListeningClip]:
    """The clips of a song that have no place yet though both of their checkpoints have separated it."""
    there = Estimate.objects.filter(track=track, stem=track.campaign.stem)
    both = [Exists(there.filter(checkpoint=OuterRef(f"test__{name}"))) for name in ("checkpoint", "other")]
    return ListeningClip.objects.filter(*both, track=track, start=None, test__ended=None).select_related("test")


# ---------------------------------------------------------------- what came of it


class Said(NamedTuple):
    """What results are made of in one answer; a test has ten thousands of them, so that they come without the rows around them."""

    test: int
    by: int
    clip: int
    track: int
    better: str
    leaks_less: str
    was_first: bool


@dataclass(frozen=True)
class Result:
    """What listeners said to one question: over all, by song, by listener, and how often they chose A."""

    said: list[Said]
    question: str
    seed: int
    overall: Preferred

    def each(self, part: Literal["track", "by"], among: Collection[int]) -> dict[int, Preferred]:
        """The same of each song ("track") or listener ("by") among these ids, for whom there are answers. Some milliseconds each."""
        parts: dict[int, list[Said]] = {}
        for one in self.said:
            parts.setdefault(getattr(one, part), []).append(one)
        shares = {pk: _share(parts[pk], self.question, self.seed) for pk in among if pk in parts}
        return {pk: share for pk, share in shares.items() if share}

    @property
    def n_clips(self) -> int:
        return len({one.clip for one in self.said})

    @property
    def chose_first(self) -> float | None:
        """Share of A among answers with a difference."""
        which = [(getattr(one, self.question), one.was_first) for one in self.said]
        apart = [(said == Which.CHECKPOINT) == was_first for said, was_first in which if said != Which.NONE]
        return sum(apart) / len(apart) if apart else None


def said_in(*tests: ListeningTest) -> dict[int, list[Said]]:
    """Test -> its answers. In one query."""
    found = {test.pk: list[Said]() for test in tests}
    parts = ("clip__test", "by", "clip", "clip__track", "better", "leaks_less", "was_first")
    for one in map(Said._make, Preference.objects.filter(clip__test__in=found).order_by("by", "clip").values_list(*parts)):
        found[one.test].append(one)
    return found


def result(test: ListeningTest, said: Iterable[Said], question: str = "better") -> Result | None:
    """What is `said_in` an ended test to a question, "better" or "leaks_less"; None: nobody answered it.

    Counted anew each time: who is removed with their answers counts no more.
    """
    said = [one for one in said if getattr(one, question)]
    overall = _share(said, question, test.seed)
    return Result(said, question, test.seed, overall) if overall else None


def _share(said: list[Said], question: str, seed: int) -> Preferred | None:
    return preferred([Answer(one.by, one.track, SCORES[getattr(one, question)]) for one in said], seed=seed)


def all_tests(campaign: Campaign) -> QuerySet[ListeningTest]:
    """Its listening tests, the newest first, with how many clips, listeners and answers each has."""
    return campaign.listening_tests.order_by("-pk").annotate(
        n_clips=Count("clips", distinct=True),
        n_ready=Count("clips", filter=Q(clips__start__isnull=False), distinct=True),
        n_answers=Count("clips__preferences", distinct=True),
        n_listeners=Count("clips__preferences__by", distinct=True),
    )


@dataclass(frozen=True)
class Heard:
    """An ended test as one of its two checkpoints sees it: `result` is its share against the `other`; None: nobody answered."""

    test: ListeningTest
    other: str
    result: Result | None


def heard_blind(campaign: Campaign, checkpoint: str) -> list[Heard]:
    """The ended tests of a campaign with this checkpoint, the newest first."""
    tests = list(
        campaign.listening_tests.filter(Q(checkpoint=checkpoint) | Q(other=checkpoint), ended__isnull=False).order_by("-pk")[:MOST_HEARD]
    )
    said = said_in(*tests)
    return [
        Heard(test, test.other if test.checkpoint == checkpoint else test.checkpoint, _turned(test, checkpoint, said[test.pk]))
        for test in tests
    ]


def _turned(test: ListeningTest, checkpoint: str, said: list[Said]) -> Result | None:
    found = result(test, said)
    return found and (found if test.checkpoint == checkpoint else replace(found, overall=found.overall.turned))
