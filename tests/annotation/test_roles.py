"""Each role may do what the table says, at every endpoint and in every question that asks."""

from pathlib import Path
from typing import Any

import pytest

from annotation.models import Campaign, Membership, Task
from annotation.models.people import RIGHTS, Right, named_holders
from annotation.selectors import access, queue, reviews
from tests import worlds
from tests.annotation.gold_song import campaign_with_song

Role = Membership.Role
MAY = {
    Role.OWNER: set(Right),
    Role.MANAGER: {Right.MANAGE, Right.REVIEW, Right.SEE_PEOPLE, Right.TAKE_DATA},
    Role.RESEARCHER: {Right.SEE_PEOPLE, Right.TAKE_DATA},
    Role.REVIEWER: {Right.REVIEW, Right.SEE_PEOPLE},
    Role.ANNOTATOR: set(),
}


def test_no_role_is_without_its_line() -> None:
    assert RIGHTS == MAY and set(MAY) == set(Role)
    assert named_holders(Right.MANAGE) == "owners and managers"
    assert named_holders(Right.REVIEW) == "owners, managers and reviewers"
    assert named_holders(Right.TAKE_DATA) == "owners, managers and researchers"


@pytest.mark.django_db
def test_every_right_is_granted_to_the_roles_that_have_it_and_to_no_other(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    campaign = campaign_with_song(n_pool=1, qualification=3)
    Task.objects.update(state="in review", contested=True)
    for role, may in MAY.items():
        granted = asked(campaign, role)
        assert granted == {right: [right in may] * len(granted[right]) for right in Right}, role


def asked(campaign: Campaign, role: str) -> dict[Right, list[bool]]:
    """What pages, API and questions say to a member of this role, for each right."""
    member, task = worlds.member(campaign, role, role), Task.objects.get()
    user, client = worlds.account(member), worlds.signed_in(member)

    def opens(address: str) -> bool:
        return client.get(address).status_code == 200

    return {
        Right.MANAGE: [member.manages, opens("/c/gold/people/"), opens("/c/gold/tracks/"), not access.qualifies(member)],
        Right.REVIEW: [
            *(member.reviews, opens("/c/gold/review/"), opens(f"/api/tasks/{task.pk}/review/")),
            bool(reviews.waiting_reviews(user)),
            queue.tasks_for(user).exists(),
            queue.task_and_member(user, task.pk) is not None,
        ],
        Right.CLOSE: [member.closes, opens("/c/gold/closing/"), queue.owner_of(user, "gold") is not None],
        Right.SEE_PEOPLE: [member.sees_people, opens("/c/gold/parts/people/")],
        Right.TAKE_DATA: [member.takes_data, opens("/c/gold/marks.csv"), opens("/c/gold/regions.csv"), opens("/c/gold/clips.csv")],
    }
