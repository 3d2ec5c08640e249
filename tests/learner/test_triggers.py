"""When the model learns: when all clips are answered, or before, as the campaign says; or by hand alone. Real rows."""

from datetime import datetime, time, timedelta

import pytest
from django.utils.timezone import now

from annotation.models import Campaign, Membership, Task
from learner import services
from learner.models import Adaptation, Round
from learner.services.triggers import last_time, new_seconds, why_now
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """With a model and three songs, of which none is kept apart; one answer closes a clip."""
    campaign = worlds.campaign("c", min_overlap=1, max_overlap=1)
    for number in range(3):
        worlds.track(campaign, f"song {number}")
    return worlds.with_model(campaign, worlds.checkpoint("base"))


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def round_(campaign: Campaign) -> Round:
    return worlds.listening_round(campaign, n_tasks=3)


def answer_one(ann: Membership, seconds: float) -> None:
    task = worlds.given(ann)
    worlds.answer(task, ann, *([(task.start + 1, task.start + 1 + seconds)] if seconds else []))
    worlds.agreed(task)


def advanced(round_: Round, **rules: object) -> Round:
    Campaign.objects.update(**rules)
    services.advance(campaign=Campaign.objects.get())
    return Round.objects.select_related("campaign").get(pk=round_.pk)


def test_without_a_rule_the_round_waits_for_all_clips(round_: Round, ann: Membership) -> None:
    answer_one(ann, 5.0)
    assert advanced(round_).state == Round.State.ANNOTATING
    answer_one(ann, 5.0)
    answer_one(ann, 5.0)
    assert advanced(round_).state == Round.State.ADAPTING


@pytest.mark.parametrize(("rules", "words"), [({"learns_after_clips": 2}, "2 clips"), ({"learns_after_seconds": 9}, "10 s")])
def test_so_many_clips_or_seconds_are_enough(round_: Round, ann: Membership, rules: dict[str, int], words: str) -> None:
    answer_one(ann, 5.0)
    assert advanced(round_, **rules).state == Round.State.ANNOTATING
    answer_one(ann, 5.0)
    assert advanced(round_).state == Round.State.ADAPTING
    assert Adaptation.objects.get().feedback_set.clips.count() == 2
    assert words in worlds.after("feedback.frozen")["why"]


def test_what_was_frozen_before_does_not_count_again(round_: Round, ann: Membership, campaign: Campaign) -> None:
    answer_one(ann, 5.0)
    assert new_seconds(campaign) == pytest.approx(5.0, abs=0.5)
    campaign.frozen = now()
    assert new_seconds(campaign) == 0.0


def test_hours_count_from_the_opening_and_wait_for_something_to_learn(round_: Round, ann: Membership) -> None:
    Round.objects.update(opened=now() - timedelta(hours=25))
    assert advanced(round_, learns_after_hours=24).state == Round.State.ANNOTATING
    answer_one(ann, 0.0)
    assert advanced(round_).state == Round.State.ANNOTATING
    answer_one(ann, 5.0)
    assert advanced(round_).state == Round.State.ADAPTING
    assert worlds.after("feedback.frozen")["why"] == "the round is open for 24 hours"


def test_by_hand_alone_nothing_else_makes_it_learn(round_: Round, ann: Membership) -> None:
    for _ in range(3):
        answer_one(ann, 5.0)
    round_ = advanced(round_, learns_by_hand=True, learns_after_clips=1)
    assert round_.state == Round.State.ANNOTATING and why_now(round_) == ""
    assert services.freeze_feedback(round_=round_)


def test_a_round_that_was_frozen_early_leaves_its_open_clips_to_be_answered(round_: Round, ann: Membership) -> None:
    answer_one(ann, 5.0)
    assert advanced(round_, learns_after_clips=1).state == Round.State.ADAPTING
    answer_one(ann, 5.0)


class TestByTheClock:
    def test_it_learns_at_the_time_from_what_was_agreed_on_by_then(self, round_: Round, ann: Membership) -> None:
        at = now() - timedelta(hours=1)
        rules = {"learns_every_hours": 24, "learns_at": at.time(), "time_zone": "UTC"}
        answer_one(ann, 5.0)
        assert advanced(round_, **rules).state == Round.State.ANNOTATING, "opened after the last time"
        Round.objects.update(opened=at - timedelta(hours=2))
        assert advanced(round_).state == Round.State.ANNOTATING, "agreed on after the last time"
        Task.objects.filter(state=Task.State.CLOSED).update(closed=at - timedelta(hours=1))
        assert advanced(round_).state == Round.State.ADAPTING
        assert worlds.after("feedback.frozen")["why"] == f"the clock says so, {at:%Y-%m-%d %H:%M} UTC"

    def test_what_has_nothing_to_learn_waits_for_the_next_time(self, round_: Round, ann: Membership) -> None:
        at = now() - timedelta(hours=1)
        answer_one(ann, 0.0)
        Round.objects.update(opened=at - timedelta(hours=2))
        Task.objects.filter(state=Task.State.CLOSED).update(closed=at - timedelta(hours=1))
        round_ = advanced(round_, learns_every_hours=24, learns_at=at.time())
        assert round_.state == Round.State.ANNOTATING

    @pytest.mark.parametrize(
        ("hours", "moment", "last"),
        [
            (24, "2026-11-30 02:30", "2026-11-30 02:00"),  # 03:00 in Berlin, in winter
            (24, "2026-07-01 00:30", "2026-06-30 01:00"),  # and in summer
            (24, "2026-07-01 01:00", "2026-07-01 01:00"),
            (24, "2026-03-29 12:00", "2026-03-29 01:00"),  # the day on which the clock is put forward
            (12, "2026-11-30 15:00", "2026-11-30 14:00"),
            (168, "2026-12-03 12:00", "2026-11-30 02:00"),  # a Monday
        ],
    )
    def test_the_clock_on_the_wall_counts(self, hours: int, moment: str, last: str) -> None:
        berlin = Campaign(learns_every_hours=hours, learns_at=time(3), time_zone="Europe/Berlin")
        assert last_time(berlin, datetime.fromisoformat(f"{moment}+00:00")) == datetime.fromisoformat(f"{last}+00:00")

    def test_without_it_there_is_no_time(self) -> None:
        assert last_time(Campaign(), now()) is None
