"""A round that has nothing to learn from yet, since people disagreed on its clips, waits for its reviewers a while."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils.timezone import now

from annotation import services as annotating
from annotation.models import Campaign, Event, Membership, Task
from learner import selectors, services
from learner.models import Adaptation, Round
from tests import worlds

pytestmark = pytest.mark.django_db

MARKS = ((4.0, 8.0),), ((1.0, 2.0), (9.0, 14.0))
"""What two people mark who disagree."""


@pytest.fixture
def campaign() -> Campaign:
    """Six songs; two answers to a clip, and none more if they differ."""
    campaign = worlds.campaign("c", max_overlap=2, certainty=0.999)
    for number in range(6):
        worlds.track(campaign, f"song {number}")
    return worlds.with_model(campaign, worlds.checkpoint("a"))


@pytest.fixture
def reviewer(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "rev", Membership.Role.REVIEWER)


@pytest.fixture
def contested(campaign: Campaign, reviewer: Membership) -> Round:
    """A round of two clips that people disagree on."""
    round_, listener = worlds.listening_round(campaign), worlds.member(campaign)
    worlds.answer_all(listener, *MARKS[0])
    worlds.answer_all(reviewer, *MARKS[1])
    return round_


def state_of(round_: Round) -> str:
    services.tick()
    round_.refresh_from_db()
    return round_.state


def in_review() -> list[Task]:
    return list(Task.objects.filter(state=Task.State.IN_REVIEW).order_by("pk"))


def later(round_: Round, **time: float) -> None:
    Round.objects.filter(pk=round_.pk).update(waiting_since=now() - timedelta(**time))


def test_it_does_not_end_as_empty(contested: Round) -> None:
    assert len(in_review()) == 2
    assert [state_of(contested) for _ in range(3)] == ["annotating"] * 3
    assert contested.reviewers_until is not None
    assert abs(contested.reviewers_until - now() - timedelta(hours=48)) < timedelta(minutes=1)
    assert Event.objects.filter(what="round.waits").count() == 1, "said once"


def test_all_that_its_reviewers_decide_is_learned_from_in_this_round(contested: Round, reviewer: Membership) -> None:
    state_of(contested)
    first, second = in_review()
    annotating.edit_review(task=first, by=reviewer, result=worlds.marks(first, (4.0, 6.0)))
    assert state_of(contested) == "annotating", "the other decision is not left to the next round"
    annotating.accept_review(task=second, by=reviewer)
    assert state_of(contested) == "adapting"
    assert Adaptation.objects.get().feedback_set.clips.count() == 2


def test_it_goes_on_without_them_when_the_time_is_over(contested: Round, reviewer: Membership) -> None:
    state_of(contested)
    later(contested, hours=47)
    assert state_of(contested) == "annotating"
    later(contested, hours=49)
    assert state_of(contested) == "empty"
    annotating.accept_review(task=in_review()[0], by=reviewer)


def test_what_was_decided_by_then_is_learned_from(contested: Round, reviewer: Membership) -> None:
    state_of(contested)
    task = in_review()[0]
    annotating.edit_review(task=task, by=reviewer, result=worlds.marks(task, (4.0, 6.0)))
    later(contested, hours=49)
    assert state_of(contested) == "adapting"


def test_a_manager_who_freezes_does_not_wait(contested: Round) -> None:
    state_of(contested)
    services.freeze_feedback(round_=contested)
    contested.refresh_from_db()
    assert contested.state == "empty"
    assert contested.reviewers_until is None


def test_a_clip_sent_back_waits_for_people_and_then_for_the_reviewer_anew(
    contested: Round, reviewer: Membership, campaign: Campaign
) -> None:
    state_of(contested)
    later(contested, hours=47)
    third = worlds.member(campaign, "bob")
    annotating.send_back(task=in_review()[0], by=reviewer)
    assert state_of(contested) == "annotating"
    assert contested.reviewers_until is None, "it waits for people now"
    worlds.answer_all(third, (11.0, 13.0))
    state_of(contested)
    assert contested.reviewers_until is not None and contested.reviewers_until > now() + timedelta(hours=40)


def test_a_campaign_can_do_without_the_wait(contested: Round) -> None:
    Campaign.objects.update(review_wait_hours=0)
    assert state_of(contested) == "empty"


def test_a_setting_changed_meanwhile_counts_at_once(contested: Round) -> None:
    state_of(contested)
    later(contested, hours=2)
    Campaign.objects.update(review_wait_hours=1)
    assert state_of(contested) == "empty"


def test_without_anybody_who_may_review_there_is_nobody_to_wait_for(contested: Round, reviewer: Membership) -> None:
    Membership.objects.filter(pk=reviewer.pk).update(active=False)
    assert state_of(contested) == "empty"


def test_a_round_with_something_to_learn_from_does_not_wait(contested: Round) -> None:
    Task.objects.filter(pk=in_review()[0].pk).update(state=Task.State.CLOSED, contested=False)
    assert state_of(contested) == "adapting"
    assert len(in_review()) == 1, "its decision is learned from in the next round"


def test_marks_of_earlier_rounds_are_nothing_new_to_learn(campaign: Campaign, contested: Round, reviewer: Membership) -> None:
    for task in in_review():
        annotating.edit_review(task=task, by=reviewer, result=worlds.marks(task, (4.0, 6.0)))
    assert state_of(contested) == "adapting"
    Adaptation.objects.update(verdict=Adaptation.Verdict.REFUSED)
    Round.objects.update(state=Round.State.REFUSED, finished=now())
    second = worlds.listening_round(campaign, start=15.0)
    for member, marks in zip(campaign.memberships.all(), MARKS, strict=True):
        worlds.answer_all(member, *((start + 15, end + 15) for start, end in marks))
    assert state_of(second) == "annotating"
    assert second.reviewers_until is not None


def test_no_wait_is_longer_than_a_year(campaign: Campaign) -> None:
    campaign.review_wait_hours = 10_000_000
    with pytest.raises(ValidationError, match="8760 at most, which is a year"):
        campaign.full_clean()


def test_the_page_says_until_when(contested: Round, campaign: Campaign) -> None:
    from annotation.core.words import day
    from annotation.selectors.rounds import progress
    from hub.pages import words

    state_of(contested)
    (turn,) = selectors.history(campaign)
    said = words.state(campaign, turn, progress(campaign, 1), has_model=True, in_pool=1)
    assert "waits for its reviewers to decide 2 clips, until" in said
    until = contested.reviewers_until
    assert until is not None and day(until) in said
