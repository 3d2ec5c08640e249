"""Tracks set aside and put back: rows stay, untouched tasks go, nothing more is chosen, and who did it is remembered."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core.regions import Region
from annotation.files.unusable import UnusableTrack, blamed
from annotation.models import Assignment, Campaign, Estimate, Event, Membership, Task, Track
from annotation.services import gold_sounds
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(max_overlap=2)


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "owner", Membership.Role.OWNER)


def song(campaign: Campaign, name: str = "a song", use: str = "pool") -> Track:
    track = worlds.track(campaign, name, use=use)
    worlds.estimate(track)
    return track


def opened(*tracks: Track) -> list[Task]:
    """Three clips of each, as far as they are in use."""
    return worlds.opened([clip for track in tracks for clip in worlds.clips(track, 3)])


def told(what: str) -> Event:
    return Event.objects.get(what=what)


def test_set_aside_by_hand_withdraws_what_nobody_has_touched_and_keeps_the_rest(campaign: Campaign, owner: Membership) -> None:
    track, other = song(campaign), song(campaign, "another")
    opened(track, other)
    answered, in_hand, untouched = Task.objects.filter(track=track).order_by("pk")
    listener = worlds.member(campaign)
    assert worlds.given(listener) == answered
    worlds.answer(answered, listener)
    assert worlds.given(listener) == in_hand
    assert annotating.set_aside(track=track, reason="not ours to use", who=owner)
    states = dict(Task.objects.filter(track=track).values_list("pk", "state"))
    assert states == {answered.pk: "open", in_hand.pk: "open", untouched.pk: "withdrawn"}
    assert Task.objects.filter(track=other, state="open").count() == 3
    assert Estimate.objects.filter(track=track).exists()
    track.refresh_from_db()
    assert (track.set_aside_reason, track.set_aside_by) == ("not ours to use", owner)
    assert told("track.set_aside").who == owner
    assert told("tasks.withdrawn").before == {"track": track.pk, "name": "a song"}


def test_a_task_that_comes_back_unanswered_is_withdrawn_too_and_put_back_with_its_track(campaign: Campaign, owner: Membership) -> None:
    track = song(campaign)
    opened(track)
    task = worlds.given(worlds.member(campaign))
    annotating.set_aside(track=track, who=owner)
    assert annotating.withdraw_returned(campaign=campaign) == 0
    Assignment.objects.update(lease_until=now() - timedelta(hours=1))
    annotating.expire_leases(campaign=campaign)
    assert annotating.withdraw_returned(campaign=campaign) == 1
    task.refresh_from_db()
    assert task.state == "withdrawn"
    annotating.put_back(track=track, who=owner, checkpoint=worlds.CHECKPOINT)
    assert {task.state for task in Task.objects.all()} == {"open"}


def test_set_aside_twice_it_is_set_aside_once(campaign: Campaign, owner: Membership) -> None:
    track = song(campaign)
    assert annotating.set_aside(track=track, who=owner)
    assert not annotating.set_aside(track=track, reason="again", who=owner)
    assert not annotating.set_aside(track=track, reason="the platform too")
    track.refresh_from_db()
    assert track.set_aside_reason == "taken out by hand"
    assert Event.objects.filter(what__startswith="track.").count() == 1


def test_a_managers_word_stands_for_what_the_platform_set_aside(campaign: Campaign, owner: Membership) -> None:
    track = song(campaign)
    annotating.set_aside(track=track, reason="damaged")
    assert annotating.set_aside(track=track, who=owner)
    track.refresh_from_db()
    assert (track.set_aside_reason, track.set_aside_by) == ("damaged", owner), "why stays, and somebody has looked at it"
    assert told("track.left_out").who == owner


def test_put_back_it_is_as_before_and_so_are_the_tasks_that_were_withdrawn_with_it(campaign: Campaign, owner: Membership) -> None:
    track = song(campaign)
    opened(track)
    Task.objects.filter(start=0.0).update(state=Task.State.WITHDRAWN, closed=now())
    annotating.set_aside(track=track, reason="damaged")
    assert annotating.put_back(track=track, who=owner, checkpoint=worlds.CHECKPOINT)
    assert not annotating.put_back(track=track, who=owner)
    track.refresh_from_db()
    assert (track.set_aside, track.set_aside_reason, track.set_aside_by) == (None, "", None)
    assert track.put_back
    assert told("track.put_back").before == {"reason": "damaged"}
    assert told("track.put_back").after == {"track": track.pk, "name": "a song", "use": "pool", "tasks": 2}
    assert told("track.put_back").who == owner
    states = dict(Task.objects.values_list("start", "state"))
    assert states == {0.0: "withdrawn", 15.0: "open", 30.0: "open"}, "what was withdrawn before stays so"


def test_put_back_under_another_checkpoint_its_old_tasks_stay_withdrawn(campaign: Campaign, owner: Membership) -> None:
    track = song(campaign)
    opened(track)
    annotating.set_aside(track=track, reason="damaged")
    annotating.put_back(track=track, who=owner, checkpoint="d" * 64)
    assert {task.state for task in Task.objects.all()} == {"withdrawn"}
    assert [task.state for task in opened(track)].count("open") == 3, "and its clips may be chosen again"


def test_a_clip_of_a_track_that_was_set_aside_meanwhile_is_not_opened(campaign: Campaign) -> None:
    track, other = song(campaign), song(campaign, "another")
    annotating.set_aside(track=track, reason="damaged")
    golds = [gold_sounds.Gold(one, Region(7.5, 22.5), [], None, "x") for one in (track, other)]
    clips = [worlds.clip(one) for one in (track, other)]
    annotating.open_tasks(campaign=campaign, checkpoint=worlds.CHECKPOINT, round_number=1, clips=clips, golds=golds)
    assert {(task.track, task.kind) for task in Task.objects.all()} == {(other, "pool"), (other, "gold")}


def test_a_gold_task_comes_and_goes_with_its_track(campaign: Campaign, owner: Membership) -> None:
    track = song(campaign, use="replay")
    golds = [gold_sounds.Gold(track, Region(7.5, 22.5), [], None, "x")]
    annotating.open_tasks(campaign=campaign, checkpoint=worlds.CHECKPOINT, round_number=1, clips=[], golds=golds)
    annotating.set_aside(track=track, who=owner)
    assert Task.objects.get().state == "withdrawn"
    annotating.put_back(track=track, who=owner)
    assert Task.objects.get().state == "open"


def test_a_gold_task_that_was_withdrawn_may_be_made_again(campaign: Campaign) -> None:
    track = song(campaign, use="replay")
    golds = [gold_sounds.Gold(track, Region(7.5, 22.5), [], None, "x")]
    for _ in range(2):
        annotating.open_tasks(campaign=campaign, checkpoint=worlds.CHECKPOINT, round_number=1, clips=[], golds=golds)
        Task.objects.update(state=Task.State.WITHDRAWN, closed=now())
    assert Task.objects.filter(kind="gold", gold__isnull=False).count() == 2


@pytest.mark.django_db(transaction=True)
def test_who_sets_a_track_aside_while_its_clips_are_opened_finds_them() -> None:
    campaign = worlds.campaign(max_overlap=2)
    track = song(campaign)

    def from_elsewhere() -> None:
        annotating.set_aside(track=track, reason="damaged")
        connection.close()

    with transaction.atomic():
        opened(track)
        other = threading.Thread(target=from_elsewhere)
        other.start()
        other.join(0.3)
    other.join()
    assert {task.state for task in Task.objects.all()} == {"withdrawn"}


@pytest.mark.parametrize(
    "half",
    [{"set_aside_reason": "why?"}, {"set_aside": now()}, {"set_aside": now(), "set_aside_reason": ""}],
    ids=["no time", "no reason", "empty"],
)
def test_set_aside_needs_a_time_and_a_reason(campaign: Campaign, half: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="set_aside_with_a_reason"):
        Track.objects.filter(pk=song(campaign).pk).update(**half)


def test_only_what_is_about_the_track_is_blamed_on_it(campaign: Campaign) -> None:
    track = song(campaign)
    for error in (ValueError("odd"), MemoryError(), RuntimeError("CUDA out of memory"), FileNotFoundError(2, "No such file")):
        with pytest.raises(UnusableTrack, match="a song: It cannot be read: "), blamed(track, "It cannot be read"):
            raise error
    for other in (OSError(28, "No space left on device"), OSError(24, "Too many open files"), IntegrityError("x"), KeyboardInterrupt()):
        with pytest.raises(type(other)), blamed(track, "It cannot be read"):
            raise other
