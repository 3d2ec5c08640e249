"""Checkpoints that learned from answers whose people have withdrawn their consent are flagged, with all that came from them."""

import pytest

from annotation.models import Campaign, Membership
from annotation.services import leaving
from learner import actors, services
from learner.models import Adaptation, Checkpoint, FeedbackClip, FeedbackSet, Round
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.with_model(worlds.campaign("bleed", owner=worlds.user("owner")), worlds.checkpoint("a"))


def taught(campaign: Campaign, people: list[Membership]) -> Adaptation:
    """A round that ended with a child which learned from one clip of a real freeze."""
    worlds.track(campaign)
    round_ = worlds.listening_round(campaign, 1, start=0.0)
    worlds.answer_all(people[0], (1, 3), (6, 7))
    worlds.answer_all(people[1], (1, 3))
    services.freeze_feedback(round_=Round.objects.latest("pk"))
    adaptation = Adaptation.objects.get(feedback_set__round=round_)
    child = worlds.checkpoint("b", parent=adaptation.parent)
    Adaptation.objects.filter(pk=adaptation.pk).update(child=child, verdict="promoted")
    services.promote(adaptation=adaptation, child=child)
    return adaptation


def test_a_child_and_what_came_from_it_say_so_and_their_parent_does_not(campaign: Campaign) -> None:
    people = [worlds.member(campaign, name) for name in ("ann", "ben")]
    taught(campaign, people)
    grandchild = worlds.checkpoint("d", parent=Checkpoint.objects.get(hash__startswith="b"))
    assert services.flag_checkpoints(campaign=campaign) == 0
    left = leaving.withdraw(by=people[0])
    assert left.answers == 1
    actors.flag_checkpoints.fn(people[0].pk)
    told = {one.short[0]: (one.withdrawn_answers, one.withdrawn_marks) for one in Checkpoint.objects.all()}
    assert told == {"a": (0, 0), "b": (1, 2), "d": (1, 2)}
    assert "1 answer with 2 marks" in Checkpoint.objects.get(pk=grandchild.pk).learned_from_withdrawn
    assert worlds.after("model.flagged") == {"checkpoints": 2}
    assert services.flag_checkpoints(campaign=campaign) == 0, "the same message twice changes nothing"

    page = worlds.signed_in(worlds.user("owner")).get("/c/bleed/parts/checkpoints/").content.decode()
    assert "learned from what was taken back" in page and "The checkpoint in use: It learned from 1 answer" in page
    assert "learned from what was taken back" in worlds.signed_in(worlds.user("owner")).get("/c/bleed/rounds/1/").content.decode()
    back = worlds.signed_in(worlds.user("owner")).get(f"/c/bleed/roll-back/?seen={Checkpoint.objects.get(hash__startswith='b').hash}")
    assert "learned from what was taken back" in back.content.decode()


def test_the_next_feedback_set_has_their_marks_no_more(campaign: Campaign) -> None:
    people = [worlds.member(campaign, name) for name in ("ann", "ben", "cleo")]
    taught(campaign, people)
    assert FeedbackClip.objects.filter(consensus__submissions__by=people[0]).exists()
    leaving.withdraw(by=people[0])
    Round.objects.update(state="promoted", finished="2026-01-01T00:00:00Z")
    worlds.listening_round(campaign, 1, start=600.0)
    for one in people[1:]:
        worlds.answer_all(one, (601, 602))
    services.freeze_feedback(round_=Round.objects.latest("pk"))
    later = FeedbackSet.objects.latest("pk")
    used = later.clips.values_list("consensus__submissions__by", flat=True)
    assert later.clips.exists() and people[0].pk not in set(used) and people[1].pk in set(used)
