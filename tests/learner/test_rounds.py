"""Rounds: feedback is frozen once, lineage leads both ways, promotion is a compare-and-set, roll-back is one step."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core import label_studio
from annotation.models import Campaign, Estimate, Membership, Task, Track
from learner import selectors, services
from learner.models import Adaptation, Checkpoint, FeedbackItem, FeedbackSet, Job, Round, SharedModel

pytestmark = pytest.mark.django_db


def checkpoint(name: str, parent: Checkpoint | None = None) -> Checkpoint:
    return Checkpoint.objects.create(
        hash=name * 64, parent=parent, file="", stem="vocals", sample_rate=16_000, channels=1, code_version="test"
    )


@pytest.fixture
def base() -> Checkpoint:
    return checkpoint("a")


@pytest.fixture
def campaign(base: Checkpoint) -> Campaign:
    campaign = annotating.create_campaign(name="C", slug="c", min_overlap=1, max_overlap=1)
    songs(campaign)
    services.share(campaign=campaign, checkpoint=base)
    return campaign


def songs(campaign: Campaign) -> None:
    """Six tracks in the pool."""
    for number in range(6):
        Track.objects.create(
            campaign=campaign,
            name=f"song {number}",
            use="pool",
            domain="target",
            duration=30.0,
            sample_rate=16_000,
            channels=1,
            fingerprint=f"{number}" * 8,
        )


@pytest.fixture
def listener(campaign: Campaign) -> Membership:
    return annotating.add_member(campaign=campaign)


def annotating_round(campaign: Campaign, n_tasks: int = 2, start: float = 0.0) -> Round:
    """A round whose clips are chosen, as the scoring job leaves it."""
    round_ = services.start_round(campaign=campaign)
    assert round_ is not None
    tracks = Track.objects.filter(campaign=campaign, kept_apart=False)[:n_tasks]
    for track in tracks:
        Estimate.objects.get_or_create(track=track, stem="vocals", checkpoint=round_.parent.hash, defaults={"file": "x"})
    clips = [annotating.Clip(track, start, start + 15.0, Task.Arm.SCORE, 1.0, "") for track in tracks]
    annotating.open_tasks(campaign=campaign, checkpoint=round_.parent.hash, round_number=round_.number, clips=clips)
    Round.objects.filter(pk=round_.pk).update(state=Round.State.ANNOTATING)
    round_.refresh_from_db()
    return round_


def answer_all(campaign: Campaign, listener: Membership, *regions: tuple[float, float]) -> None:
    while assignment := annotating.assign_task(by=listener):
        result = label_studio.result(regions, assignment.task.clip)
        annotating.submit(task=assignment.task, by=listener, result=result, client_key=uuid.uuid4(), heard=[(0.0, 15.0)])
        annotating.agree_on_task(task_id=assignment.task.pk)


def frozen(campaign: Campaign, listener: Membership) -> Adaptation:
    round_ = annotating_round(campaign)
    answer_all(campaign, listener, (4.0, 8.0))
    adaptation = services.freeze_feedback(round_=round_)
    assert adaptation is not None
    return adaptation


def test_one_pool_track_in_six_is_kept_apart_once_and_for_all(campaign: Campaign) -> None:
    services.start_round(campaign=campaign)
    (kept,) = Track.objects.filter(kept_apart=True)
    Round.objects.update(state=Round.State.REFUSED)
    services.start_round(campaign=campaign)
    assert list(Track.objects.filter(kept_apart=True)) == [kept]


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
    annotating_round(campaign)
    services.tick()
    assert not Adaptation.objects.exists()
    answer_all(campaign, listener, (4.0, 8.0))
    services.tick()
    services.tick()
    assert Adaptation.objects.get().job.kind == Job.Kind.ADAPT


def test_a_campaign_in_trouble_does_not_hold_up_the_others(campaign: Campaign, base: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    annotating.create_campaign(name="A", slug="a")
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
    round_ = annotating_round(campaign, 1)
    assignment = annotating.assign_task(by=listener)
    assert assignment is not None
    annotating.skip(task=assignment.task, by=listener, reason="bad audio")
    services.tick()
    round_.refresh_from_db()
    assert round_.state == Round.State.EMPTY


def test_a_round_does_not_wait_for_its_reviewer_and_learns_from_their_decision_in_the_next(
    campaign: Campaign, listener: Membership
) -> None:
    Campaign.objects.update(min_overlap=2, max_overlap=2, certainty=0.999)
    campaign.refresh_from_db()
    first, reviewer = annotating_round(campaign), annotating.add_member(campaign=campaign, role=Membership.Role.REVIEWER)
    answer_all(campaign, listener, (4.0, 8.0))
    answer_all(campaign, reviewer, (1.0, 2.0), (9.0, 14.0))
    contested = list(Task.objects.filter(state=Task.State.IN_REVIEW))
    assert len(contested) == 2
    annotating.accept_review(task=contested[0], by=reviewer)
    services.tick()
    adaptation = Adaptation.objects.get()
    assert [clip.consensus.task for clip in adaptation.feedback_set.clips.all()] == [contested[0]]
    assert adaptation.feedback_set.round == first
    Adaptation.objects.update(verdict=Adaptation.Verdict.REFUSED)
    Round.objects.update(state=Round.State.REFUSED, finished=now())
    decided = annotating.edit_review(task=contested[1], by=reviewer, result=label_studio.result([(4.0, 6.0)], contested[1].clip))
    second = services.start_round(campaign=campaign)
    assert second is not None
    Round.objects.filter(pk=second.pk).update(state=Round.State.ANNOTATING)
    services.tick()
    frozen_now = Adaptation.objects.latest("pk").feedback_set
    assert decided in [clip.consensus for clip in frozen_now.clips.all()]
    assert frozen_now.items.get(clip__consensus=decided).weight == 1.0


def test_feedback_is_frozen_once(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    assert services.freeze_feedback(round_=adaptation.feedback_set.round) is None


def test_lineage_leads_from_feedback_to_answers_and_back(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    item = adaptation.feedback_set.items.first()
    assert item is not None
    submission = item.region.consensus.submissions.get()
    assert submission.by == listener
    assert item in FeedbackItem.objects.filter(region__consensus__submissions=submission)


def test_a_round_without_marks_is_empty_and_adapts_nothing(campaign: Campaign, listener: Membership) -> None:
    round_ = annotating_round(campaign)
    answer_all(campaign, listener)
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
    round_ = services.start_round(campaign=campaign)
    assert round_ is not None
    track = Track.objects.filter(kept_apart=False).last()
    assert track is not None
    Estimate.objects.get_or_create(track=track, stem="vocals", checkpoint=round_.parent.hash, defaults={"file": "x"})
    clip = annotating.Clip(track, 15.0, 30.0, Task.Arm.SCORE, 1.0, "")
    annotating.open_tasks(campaign=campaign, checkpoint=round_.parent.hash, round_number=2, clips=[clip])
    Round.objects.filter(pk=round_.pk).update(state=Round.State.ANNOTATING)
    answer_all(campaign, listener, (20.0, 24.0))
    adaptation = services.freeze_feedback(round_=round_)
    assert adaptation is not None
    return adaptation


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
    quicker, child = checkpoint("b", base), checkpoint("c", base)
    SharedModel.objects.update(current=quicker)
    assert not services.promote(adaptation=adaptation, child=child)
    assert selectors.current_checkpoint(campaign) == quicker


def test_promotion_and_roll_back(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    child = checkpoint("b", base)
    assert services.promote(adaptation=frozen(campaign, listener), child=child)
    assert selectors.current_checkpoint(campaign) == child
    assert services.roll_back(campaign=campaign, seen=child) == base
    with pytest.raises(services.StaleModel):
        services.roll_back(campaign=campaign, seen=child)
    with pytest.raises(services.NothingToJudge):
        services.roll_back(campaign=campaign, seen=base)


def test_after_a_roll_back_the_same_feedback_is_not_learned_again(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    adaptation, child = frozen(campaign, listener), checkpoint("b", base)
    services.promote(adaptation=adaptation, child=child)
    Adaptation.objects.update(verdict=Adaptation.Verdict.PROMOTED)
    Round.objects.update(state=Round.State.PROMOTED)
    second = annotating_round(campaign)
    services.roll_back(campaign=campaign, seen=child)
    services.tick()
    second.refresh_from_db()
    assert second.state == Round.State.EMPTY
    assert selectors.current_checkpoint(campaign) == base


def test_a_clip_that_was_withdrawn_may_be_opened_again(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    first = annotating_round(campaign)
    assert annotating.withdraw_untouched(campaign=campaign, checkpoint=base.hash) == 2
    Round.objects.filter(pk=first.pk).update(state=Round.State.EMPTY)
    annotating_round(campaign)
    assert Task.objects.filter(round_number=2, state=Task.State.OPEN).count() == 2


def test_a_round_shows_the_parent_that_was_adapted(campaign: Campaign, listener: Membership, base: Checkpoint) -> None:
    child = checkpoint("b", base)
    SharedModel.objects.update(current=child)
    round_ = annotating_round(campaign)
    answer_all(campaign, listener, (4.0, 8.0))
    services.roll_back(campaign=campaign, seen=child)
    services.freeze_feedback(round_=round_)
    (turn,) = selectors.history(campaign)
    assert (turn.round.parent, turn.parent) == (child, base)


def test_a_failed_job_fails_its_round_and_says_why(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    job = Job.claim(adaptation.job_id)
    assert job is not None
    services.fail(job=job, reason="disk full")
    adaptation.refresh_from_db()
    assert (adaptation.verdict, adaptation.reasons) == ("failed", ["disk full"])
    assert adaptation.feedback_set.round.state == Round.State.FAILED


def test_after_a_failure_rounds_wait_for_somebody_to_look(campaign: Campaign, listener: Membership) -> None:
    adaptation = frozen(campaign, listener)
    job = Job.claim(adaptation.job_id)
    assert job is not None
    services.fail(job=job, reason="disk full")
    assert services.start_round(campaign=campaign) is None
    annotating.resume_rounds(campaign=campaign)
    again = services.start_round(campaign=campaign)
    assert again is not None
    assert again.number == 2


def test_new_tracks_end_the_wait_of_an_exhausted_pool(campaign: Campaign) -> None:
    round_ = services.start_round(campaign=campaign)
    assert round_ is not None
    Round.objects.update(state=Round.State.EXHAUSTED, finished=now())
    assert services.start_round(campaign=campaign) is None
    Track.objects.create(
        campaign=campaign, name="new", use="pool", domain="target", duration=30.0, sample_rate=16_000, channels=1, fingerprint="new"
    )
    assert services.start_round(campaign=campaign) is not None


def test_a_track_that_is_put_back_ends_the_wait_too(campaign: Campaign, listener: Membership) -> None:
    track = Track.objects.first()
    assert track is not None
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
    round_ = annotating_round(campaign)
    answer_all(campaign, listener, (4.0, 8.0))
    for track in Track.objects.all():
        annotating.set_aside(track=track, who=listener)
    adaptation = services.freeze_feedback(round_=round_)
    assert adaptation is not None
    assert adaptation.feedback_set.clips.count() == 2


def test_the_same_feedback_has_the_same_hash_in_whatever_order_it_came(campaign: Campaign) -> None:
    def hash_of(order: int) -> str:
        with transaction.atomic():
            members = [annotating.add_member(campaign=campaign, pseudonym=f"p{order}{i}") for i in range(3)]
            Campaign.objects.update(min_overlap=3, max_overlap=3)
            campaign.refresh_from_db()
            round_ = annotating_round(campaign, 1)
            marks = [(4.0, 8.0), (4.2, 8.3), (4.5, 8.1)]
            for member, mark in list(zip(members, marks, strict=True))[::order]:
                answer_all(campaign, member, mark)
            adaptation = services.freeze_feedback(round_=round_)
            assert adaptation is not None
            adaptation.feedback_set.refresh_from_db()
            found = adaptation.feedback_set.content_hash
            transaction.set_rollback(True)
        return found

    assert hash_of(1) == hash_of(-1)
