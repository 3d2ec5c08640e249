"""A crowded campaign is one that the product could have made: its pages answer, and nothing in it breaks a rule of the database."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation.models import Mark, Submission, Task
from hub.accounts.models import User
from learner.models import Round
from tests.scale.bench_pages import QUESTIONS
from tests.scale.filling import Size, fill

SIZE = Size(people=4, tasks=60, marks=300, rounds=3, tracks=40)


@pytest.mark.django_db(transaction=True)
def test_a_crowded_campaign_has_what_was_asked_for_and_its_pages_answer() -> None:
    campaign = fill(SIZE)
    assert campaign.memberships.count() == SIZE.people + 2  # an owner and a reviewer besides
    assert Task.objects.count() == SIZE.tasks and Mark.objects.count() == SIZE.marks and Round.objects.count() == SIZE.rounds
    assert not Submission.objects.filter(task__state=Task.State.OPEN).exists()
    owner = Client()
    owner.force_login(User.objects.get(username="owner"))
    for page in ("", "rounds/3/", "people/", "tracks/", "review/"):
        assert owner.get(f"/c/crowded/{page}").status_code == 200
    site = Client()
    site.force_login(User.objects.create_superuser("site"))
    asked = {}
    for model in admin.site._registry:
        with CaptureQueriesContext(connection) as questions:
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            assert site.get(url).status_code == 200
        asked[url] = len(questions)
    assert {url: n for url, n in asked.items() if n > QUESTIONS} == {}, "a list of the admin asks for each of its rows"
