"""Rounds: feedback is frozen once, lineage leads both ways, promotion is a compare-and-set, roll-back is one step."""

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from annotation import services as annotating
from annotation.models import Campaign, Membership, Task, Track
from learner import selectors, services
from learner.models import Adaptation, Checkpoint, FeedbackClip, FeedbackItem, FeedbackSet, Job, Round, SharedModel
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db


@pytest.fixture
def base() -> Checkpoint:
    return worlds.checkpoint("a")


@pytest.fixture
def campaign(base: Checkpoint) -> Campaign:
    """Six songs, and one answer to a clip is enough."""
    campaign = worlds.campaign("c", min_overlap=1, max_overlap=1)
    for number in range(6):
        worlds.track(campaign, f"song {number}")
    return worlds.with_model(campaign, base)


@pytest.fixture
def listener(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


def frozen(campaign: Campaign, listener: Membership) -> Adaptation:
    """The adaptation of a round in which every clip was answered with one mark."""
    round_ = worlds.listening_round(campaign)
    worlds.answer_all(listener, (4.0, 8.0))
    return present(services.freeze_feedback(round_=round_))


def test_one_pool_track_in_six_is_kept_apart_once_and_for_all(campaign: Campaign) -> None:
    worlds.track(campaign, "of the gate", use="gate", domain="target")
    leak = {track.pk: float(number) for number, track in enumerate(campaign.tracks.filter(use="pool"))}
    kept = services.keep_tracks_apart(campaign=campaign, leak=leak)
    assert len(kept) == 1
    assert services.keep_tracks_apart(campaign=campaign, leak=leak) == kept
    assert set(Track.objects.filter(kept_apart=True).values_list("pk", flat=True)) == kept


def test_of_the_tracks_kept_apart_one_is_among_those_that_leak_most(campaign: Campaign) -> None:
    """Whatever the seed draws: songs that do not leak show no gain."""
    for number in range(6, 12):
        worlds.track(campaign, f"song {number}")
    leak = {track.pk: float(number) for number, track in enumerate(campaign.tracks.order_by("pk"))}
    loud, quiet = sorted(leak)[-4:], sorted(leak)[:4]
    drawn = set[int]()
    for seed in range(8):
        Campaign.objects.update(seed=seed)
        Track.objects.update(kept_apart=False)
        kept = services.keep_tracks_apart(campaign=Campaign.objects.get(), leak=leak)
        assert len(kept) == 3 and len(kept & set(loud)) == len(kept & set(quiet)) == 1
        drawn |= kept
    assert len(drawn) > 6, "it is not always the same that are"


def test_where_nothing_was_marked_in_those_kept_apart_a_song_that_leaks_is_added(campaign: Campaign, listener: Membership) -> None:
    for number in range(6, 12):
        worlds.track(campaign, f"song {number}")
    leak = {track.pk: float(number) for number, track in enumerate(campaign.tracks.order_by("pk"))}
    kept = services.keep_tracks_apart(campaign=campaign, leak=leak)
    frozen(campaign, listener)
    (added,) = services.keep_tracks_apart(campaign=campaign, leak=leak) - kept
    untouched = sorted(set(leak) - kept - set(Task.objects.values_list("track_id", flat=True)))
    assert added in untouched[len(untouched) // 2 :]
    FeedbackItem.objects.update(clip=FeedbackClip.objects.first())
    FeedbackClip.objects.update(kept_apart=True)
    assert services.keep_tracks_apart(campaign=campaign, leak=leak) == kept | {added}, "there are marks that show a gain now"


def test_what_people_heard_or_nothing_is_expected_of_is_not_kept_apart(campaign: Campaign, listener: Membership) -> None:
    frozen(campaign, listener)
    heard = set(Task.objects.filter(kept_apart=False).values_list("track_id", flat=True))
    every = {pk: 1.0 for pk in campaign.tracks.values_list("pk", flat=True)}
    assert heard and not services.keep_tracks_apart(campaign=campaign, leak=dict.fromkeys(heard, 1.0))
    assert not services.keep_tracks_apart(campaign=campaign, leak=every) & heard


def test_only_one_round_is_under_way(campaign: Campaign) -> None:
    assert services.start_round(campaign=campaign) is not None
    assert services.start_round(campaign=campaign) is None


def test_a_paused_campaign_starts_no_round(campaign: Campaign) -> None:
    annotating.pause_rounds(campaign=campaign)
    assert services.start_round(campaign=campaign) is None


def test_no_round_past_the_last(campaign: Campaign) -> None:
    Campaign.objects.update(max_rounds=0)
    assert services.start_round(campaign=campaign) is None


def test_the_clock_freezes_a_round_when_all_its_tasks_are_closed(campaign: Campaign, listener: Membership) -> None:
    worlds.listening_round(campaign)
    services.tick()
    assert not Adaptation.objects.exists()
    worlds.answer_all(listener, (4.0, 8.0))
    services.tick()
    services.tick()
    assert Adaptation.objects.get().job.kind == Job.Kind.ADAPT


def test_a_campaign_in_trouble_does_not_hold_up_the_others(campaign: Campaign, base: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds.campaign("a")
    order: list[str] = []

    def advance(*, campaign: Campaign) -> None:
        order.append(campaign.slug)
        raise ValueError(campaign.slug)

    monkeypatch.setattr(services.rounds, "advance", advance)
    with pytest.raises(ExceptionGroup) as raised:
        services.tick()
    assert sorted(order) == ["a", "c"]
    assert len(raised.value.exceptions) == 2


def test_a_round_ends_when_everybody_has_answered_or_skipped(campaign: Campaign, listener: Membership) -> None:
    round_ = worlds.listening_round(campaign, 1)
    annotating.skip(task=worlds.given(listener), by=listener, reason="bad audio")
    services.tick()
    round_.refresh_from_db()
    assert round_.state == Round.State.EMPTY


def test_a_round_does_not_wait_for_its_reviewer_and_learns_from_their_decision_in_the_next(
    campaign: Campaign, listener: Membership
) -> None:
    Campaign.objects.update(min_overlap=2, max_overlap=2, certainty=0.999)
    campaign.refresh_from_db()
    first, reviewer = worlds.listening_round(campaign), worlds.member(campaign, "rev", Membership.Role.REVIEWER)
    worlds.answer_all(listener, (4.0, 8.0))
    worlds.answer_all(reviewer, (1.0, 2.0), (9.0, 14.0))
    contested = list(Task.objects.filter(state=Task.State.IN_REVIEW))
    assert len(contested) == 2
    annotating.accept_review(task=contested[0], by=reviewer)
    services.tick()
    adaptation = Adaptation.objects.get()
    assert [clip.consensus.task for clip in adaptation.feedback_set.clips.all()] == [contested[0]]
    assert adaptation.feedback_set.round == first
    Adaptation.objects.update(verdict=Adaptation.Verdict.REFUSED)
    Round.objects.update(state=Round.State.REFUSED, finished=now())
    decided = annotating.edit_review(task=contested[1], by=reviewer, result=worlds.marks(contested[1], (4.0, 6.0)))
    second = present(services.start_round(campaign=campaign))
    Round.objects.filter(pk=second.pk).update(state=Round.State.ANNOTATING)
    services.tick()
    frozen_now = Adaptation.objects.latest("pk").feedback_set
    assert decided in [clip.consensus for clip in frozen_now.clips.all()]
    assert frozen_now.items.get(clip__consensus=decided).weight == 1.0


def test_feedback_is_frozen_once(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    assert services.freeze_feedback(round_=adaptation.feedback_set.round) is None


def test_lineage_leads_from_feedback_to_answers_and_back(campaign: Campaign, listener: Membership) -> None:
    item = frozen(campaign, listener).feedback_set.items.earliest("pk")
    submission = item.region.consensus.submissions.get()
    assert submission.by == listener
    assert item in FeedbackItem.objects.filter(region__consensus__submissions=submission)


def test_a_round_without_marks_is_empty_and_adapts_nothing(campaign: Campaign, listener: Membership) -> None:
    round_ = worlds.listening_round(campaign)
    worlds.answer_all(listener)
    assert services.freeze_feedback(round_=round_) is None
    round_.refresh_from_db()
    assert round_.state == Round.State.EMPTY


@pytest.mark.parametrize(
    ("verdict", "report", "strength"),
    [
        (Adaptation.Verdict.REFUSED, {"costly": True}, 0.5),
        (Adaptation.Verdict.REFUSED, {"costly": False}, None),
        (Adaptation.Verdict.REFUSED, {}, None),
        (Adaptation.Verdict.PROMOTED, {"costly": False}, 0.6),
    ],
)
def test_the_next_round_goes_as_far_as_the_last_ones_verdict_allows(
    campaign: Campaign, listener: Membership, verdict: str, report: dict, strength: float | None
) -> None:
    assert "strength" not in frozen(campaign, listener).recipe
    Adaptation.objects.update(verdict=verdict, report=report)
    assert _second(campaign, listener).recipe.get("strength") == strength


def test_feedback_is_cumulative(campaign: Campaign, listener: Membership) -> None:
    first = frozen(campaign, listener)
    Adaptation.objects.update(verdict=Adaptation.Verdict.REFUSED)
    second = _second(campaign, listener)
    assert first.feedback_set.clips.count() == 2
    assert second.feedback_set.clips.count() == 3


def _second(campaign: Campaign, listener: Membership) -> Adaptation:
    """One more round with one more clip, frozen."""
    Round.objects.update(state=Round.State.REFUSED)
    round_ = worlds.listening_round(campaign, 1, start=15.0)
    worlds.answer_all(listener, (20.0, 24.0))
    return present(services.freeze_feedback(round_=round_))


def test_one_open_adaptation_per_campaign_is_a_rule_of_the_database(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    with pytest.raises(IntegrityError, match="one_open_adaptation"), transaction.atomic():
        adaptation.pk = None
        adaptation.feedback_set.pk = None
        adaptation.job.pk = None
        Adaptation.objects.create(
            campaign=campaign,
            feedback_set=_another_set(campaign, adaptation),
            job=Job.objects.create(campaign=campaign, kind="adapt"),
            parent=adaptation.parent,
            seed=1,
        )


def _another_set(campaign: Campaign, adaptation: Adaptation) -> FeedbackSet:
    number = 99
    scoring = Job.objects.create(campaign=campaign, kind="score")
    round_ = Round.objects.create(campaign=campaign, number=number, parent=adaptation.parent, scoring=scoring, state=Round.State.REFUSED)
    return FeedbackSet.objects.create(round=round_, content_hash="x")


def test_promotion_loses_to_a_quicker_one(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    adaptation = frozen(campaign, listener)
    quicker, child = worlds.checkpoint("b", base), worlds.checkpoint("c", base)
    SharedModel.objects.update(current=quicker)
    assert not services.promote(adaptation=adaptation, child=child)
    assert selectors.current_checkpoint(campaign) == quicker


def test_promotion_and_roll_back(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    child = worlds.checkpoint("b", base)
    assert services.promote(adaptation=frozen(campaign, listener), child=child)
    assert selectors.current_checkpoint(campaign) == child
    assert services.roll_back(campaign=campaign, seen=child) == base
    with pytest.raises(services.StaleModel):
        services.roll_back(campaign=campaign, seen=child)
    with pytest.raises(services.NothingToJudge):
        services.roll_back(campaign=campaign, seen=base)


def test_after_a_roll_back_the_same_feedback_is_not_learned_again(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    adaptation, child = frozen(campaign, listener), worlds.checkpoint("b", base)
    services.promote(adaptation=adaptation, child=child)
    Adaptation.objects.update(verdict=Adaptation.Verdict.PROMOTED)
    Round.objects.update(state=Round.State.PROMOTED)
    second = worlds.listening_round(campaign)
    services.roll_back(campaign=campaign, seen=child)
    services.tick()
    second.refresh_from_db()
    assert second.state == Round.State.EMPTY
    assert selectors.current_checkpoint(campaign) == base


def test_a_clip_that_was_withdrawn_may_be_opened_again(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    first = worlds.listening_round(campaign)
    assert annotating.withdraw_untouched(campaign=campaign, checkpoint=base.hash) == 2
    Round.objects.filter(pk=first.pk).update(state=Round.State.EMPTY)
    worlds.listening_round(campaign)
    assert Task.objects.filter(round_number=2, state=Task.State.OPEN).count() == 2


def test_a_round_shows_the_parent_that_was_adapted(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    child = worlds.checkpoint("b", base)
    SharedModel.objects.update(current=child)
    round_ = worlds.listening_round(campaign)
    worlds.answer_all(listener, (4.0, 8.0))
    services.roll_back(campaign=campaign, seen=child)
    services.freeze_feedback(round_=round_)
    (turn,) = selectors.history(campaign)
    assert (turn.round.parent, turn.parent) == (child, base)


def test_a_failed_job_fails_its_round_and_says_why(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    services.fail(job=present(Job.claim(adaptation.job_id)), reason="disk full")
    adaptation.refresh_from_db()
    assert (adaptation.verdict, adaptation.reasons) == ("failed", ["disk full"])
    assert adaptation.feedback_set.round.state == Round.State.FAILED


def test_after_a_failure_rounds_wait_for_somebody_to_look(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    services.fail(job=present(Job.claim(adaptation.job_id)), reason="disk full")
    assert services.start_round(campaign=campaign) is None
    annotating.resume_rounds(campaign=campaign)
    assert present(services.start_round(campaign=campaign)).number == 2


def test_new_tracks_end_the_wait_of_an_exhausted_pool(campaign: Campaign) -> None:
    assert services.start_round(campaign=campaign)
    Round.objects.update(state=Round.State.EXHAUSTED, finished=now())
    assert services.start_round(campaign=campaign) is None
    worlds.track(campaign, "new")
    assert services.start_round(campaign=campaign) is not None


def test_a_track_that_is_put_back_ends_the_wait_too(campaign: Campaign, listener: Membership) -> None:
    track = Track.objects.earliest("pk")
    annotating.set_aside(track=track, who=listener)
    services.start_round(campaign=campaign)
    Round.objects.update(state=Round.State.EXHAUSTED, finished=now())
    assert services.start_round(campaign=campaign) is None
    annotating.put_back(track=track, who=listener)
    assert services.start_round(campaign=campaign) is not None


def test_a_pool_that_was_set_aside_as_a_whole_starts_no_round(campaign: Campaign) -> None:
    for track in Track.objects.all():
        annotating.set_aside(track=track, reason="damaged")
    assert services.start_round(campaign=campaign) is None


def test_what_people_marked_on_a_track_is_learned_from_after_it_was_set_aside(campaign: Campaign, listener: Membership) -> None:
    round_ = worlds.listening_round(campaign)
    worlds.answer_all(listener, (4.0, 8.0))
    for track in Track.objects.all():
        annotating.set_aside(track=track, who=listener)
    assert present(services.freeze_feedback(round_=round_)).feedback_set.clips.count() == 2


def test_the_same_feedback_has_the_same_hash_in_whatever_order_it_came(campaign: Campaign) -> None:
    def hash_of(order: int) -> str:
        with transaction.atomic():
            members = worlds.people(campaign, 3)
            Campaign.objects.update(min_overlap=3, max_overlap=3)
            campaign.refresh_from_db()
            round_ = worlds.listening_round(campaign, 1)
            marks = [(4.0, 8.0), (4.2, 8.3), (4.5, 8.1)]
            for member, mark in list(zip(members, marks, strict=True))[::order]:
                worlds.answer_all(member, mark)
            adaptation = present(services.freeze_feedback(round_=round_))
            adaptation.feedback_set.refresh_from_db()
            found = adaptation.feedback_set.content_hash
            transaction.set_rollback(True)
        return found

    assert hash_of(1) == hash_of(-1)
