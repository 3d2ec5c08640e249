"""A campaign as Label Studio exports a project."""

from typing import Any

import pytest

from annotation.core import label_studio
from annotation.models import Campaign, Membership
from annotation.selectors.label_studio import label_studio_json
from annotation.services.first_visit import withdraw_consent
from tests import worlds

pytestmark = pytest.mark.django_db


def one_task(campaign: Campaign) -> Any:
    (task,) = worlds.opened([worlds.clip(worlds.track(campaign, artist="Trio"), 30.0)])
    return task


def test_a_task_has_its_place_in_the_track_and_answers_in_seconds_of_the_clip() -> None:
    campaign = worlds.campaign()
    task, person = one_task(campaign), worlds.people(campaign, 1)[0]
    given = worlds.answer(task, person, (32.0, 34.5))
    (told,) = label_studio_json(campaign, site="https://lab.example")
    assert (told["id"], told["project"], told["data"]["clip_start"], told["data"]["artist"]) == (task.pk, campaign.pk, 30.0, "Trio")
    assert told["data"]["vocals"] == f"https://lab.example/media/tasks/{task.pk}/vocals.ogg"
    (annotation,) = told["annotations"]
    assert annotation["completed_by"] == person.pk and annotation["unique_id"] == str(given.client_key)
    assert label_studio.regions(annotation["result"], task.clip) == [(32.0, 34.5)]
    assert told["total_annotations"] == 1


def test_answers_taken_back_or_of_people_without_consent_are_not_passed_on() -> None:
    campaign = worlds.campaign()
    task, (first, second) = one_task(campaign), worlds.people(campaign, 2)
    worlds.answer(task, first, (32.0, 34.5))
    worlds.answer(task, second, (32.0, 34.0))
    withdraw_consent(by=first, with_answers=True)
    withdraw_consent(by=second, with_answers=False)
    (told,) = label_studio_json(campaign)
    assert told["annotations"] == []
    assert Membership.objects.filter(submissions__task=task).count() == 2
