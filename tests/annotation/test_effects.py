"""What one's marks change, to be heard: who may ask for it and when, and that nothing tells known clips by it. Real rows."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation import services
from annotation.events import record
from annotation.models import Campaign, Effect, Membership, Submission, Task
from annotation.selectors import effects as selected
from annotation.services import effects
from annotation.services.first_visit import give_consent, withdraw_consent
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(min_overlap=1, max_overlap=1, hears_effects=True)


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def client(ann: Membership) -> Client:
    return worlds.signed_in(ann)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """On every clip."""
    monkeypatch.setattr(selected, "OFFERED", 1.0)


@pytest.fixture
def task(campaign: Campaign, ann: Membership) -> Task:
    worlds.task(campaign)
    return worlds.given(ann)


def url(task: Task) -> str:
    return f"/api/tasks/{task.pk}/effect/"


def made(answer: Submission, sound: bytes = b"OggS") -> Effect:
    """As the worker leaves it."""
    effects.wish_effect(task=answer.task, by=answer.by)
    effect = effects.claim_effect(effect_id=Effect.objects.get(submission=answer).pk)
    assert effect
    effects.keep_effect(effect=effect, sound=sound, quieter=[6.2] * answer.marks.count(), beside=0.1)
    return Effect.objects.get(pk=effect.pk)


@pytest.mark.usefixtures("offered")
class TestAsking:
    def test_after_the_answer_it_is_asked_for_made_and_heard(self, task: Task, ann: Membership, client: Client) -> None:
        assert client.post(url(task)).status_code == 404, "nothing before the answer"
        answer = worlds.answer(task, ann, (1.0, 2.0))
        assert client.get(url(task)).json() == {"state": "none"}
        said = client.post(url(task))
        assert (said.status_code, said.json()) == (200, {"state": "waiting"})
        assert client.post(url(task)).json() == {"state": "waiting"} and Effect.objects.count() == 1
        assert client.get(f"/media/changed/{answer.pk}/effect.ogg").status_code == 404
        made(answer, b"OggS here")
        said = client.get(url(task)).json()
        assert said["state"] == "made" and f"/media/changed/{answer.pk}/effect.ogg" in said["html"] and "6 dB quieter" in said["html"]
        sound = client.get(f"/media/changed/{answer.pk}/effect.ogg")
        assert (sound.content, sound["Content-Type"]) == (b"OggS here", "audio/ogg")

    def test_the_answer_says_whether_it_may_be_asked_for(self, campaign: Campaign, task: Task, client: Client) -> None:
        def sent(*spans: worlds.Span) -> Any:
            body = {"result": worlds.marks(task, *spans), "client_key": str(uuid.uuid4()), "heard": [[0, 15]]}
            worlds.later(60)
            return client.put(f"/api/tasks/{task.pk}/submission/", body, content_type="application/json").json().get("effect", False)

        assert sent((1.0, 2.0)) is True
        assert sent() is False, "without marks nothing changes"
        Campaign.objects.update(hears_effects=False)
        assert sent((1.0, 2.0)) is False and client.post(url(task)).status_code == 404

    def test_it_is_nobody_else_s(self, campaign: Campaign, task: Task, ann: Membership) -> None:
        answer = worlds.answer(task, ann, (1.0, 2.0))
        made(answer)
        for other in (worlds.client(campaign, "bob"), worlds.client(campaign, "rev", Membership.Role.REVIEWER)):
            assert other.get(url(task)).status_code == other.post(url(task)).status_code == 404
            assert other.get(f"/media/changed/{answer.pk}/effect.ogg").status_code == 404

    def test_an_answer_that_is_changed_has_an_effect_of_its_own(self, task: Task, ann: Membership, client: Client) -> None:
        made(worlds.answer(task, ann, (1.0, 2.0)))
        worlds.answer(task, ann, (3.0, 4.0))
        assert client.get(url(task)).json() == {"state": "none"}

    def test_who_withdrew_consent_asks_in_vain(self, task: Task, ann: Membership, client: Client) -> None:
        worlds.answer(task, ann, (1.0, 2.0))
        give_consent(by=ann)
        withdraw_consent(by=ann, with_answers=False)
        assert client.post(url(task)).status_code in (403, 409) and not Effect.objects.exists()


class TestKnownClips:
    def test_they_have_none_and_an_offer_that_lacks_tells_little_of_them(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        tasks = worlds.tasks(campaign, 40)
        answers = [worlds.answer(one, ann, (one.start + 1.0, one.start + 2.0)) for one in tasks]
        offers = [selected.offers_effect(answer, worlds.again(ann)) for answer in answers]
        assert 10 <= sum(offers) <= 30, "about half"
        known = answers[offers.index(True)]
        Task.objects.filter(pk=known.task_id).update(kind=Task.Kind.GOLD)
        hidden = answers[offers.index(False)]
        said = [client.post(url(answer.task)) for answer in (known, hidden)]
        assert [one.status_code for one in said] == [404, 404] and said[0].content == said[1].content
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        record(campaign, "feedback.frozen", after={"round": 1})
        again = worlds.again(ann)
        assert [selected.offers_effect(Submission.objects.get(pk=one.pk), again) for one in (known, hidden)] == [False, True]

    def test_a_changed_answer_has_no_second_chance(self, campaign: Campaign, ann: Membership) -> None:
        task = worlds.task(campaign)
        first = selected.offers_effect(worlds.answer(task, ann, (1.0, 2.0)), ann)
        assert all(selected.offers_effect(worlds.answer(task, ann, (1.0, 2.0 + n)), ann) == first for n in range(5))


@pytest.mark.usefixtures("offered")
class TestWaiting:
    def test_of_each_person_the_last_wish_waits(self, campaign: Campaign, ann: Membership) -> None:
        first, second = worlds.tasks(campaign, 2)
        for task in (first, second):
            worlds.answer(task, ann, (task.start + 1.0, task.start + 2.0))
            effects.wish_effect(task=task, by=ann)
        assert Effect.objects.get().submission.task == second

    def test_a_wish_that_waits_too_long_is_over_and_can_be_had_again(self, task: Task, ann: Membership) -> None:
        worlds.answer(task, ann, (1.0, 2.0))
        effect = effects.wish_effect(task=task, by=ann)
        Effect.objects.update(asked=now() - effects.PATIENCE - timedelta(seconds=1))
        effects.end_late_effects()
        assert Effect.objects.get().state == "busy" and effects.claim_effect(effect_id=effect.pk) is None
        assert effects.wish_effect(task=task, by=ann).state == "waiting"

    def test_a_worker_that_was_given_up_writes_nothing(self, task: Task, ann: Membership) -> None:
        worlds.answer(task, ann, (1.0, 2.0))
        effect = effects.claim_effect(effect_id=effects.wish_effect(task=task, by=ann).pk)
        assert effect and effects.claim_effect(effect_id=effect.pk) is None, "it is taken up once"
        Effect.objects.update(began=now() - effects.LONGEST - timedelta(seconds=1))
        effects.end_late_effects()
        effects.keep_effect(effect=effect, sound=b"late", quieter=[1.0], beside=0.0)
        assert Effect.objects.get().state == "failed" and not Effect.objects.get().sound

    def test_it_goes_after_a_day_and_with_its_answer(self, task: Task, ann: Membership) -> None:
        answer = worlds.answer(task, ann, (1.0, 2.0))
        made(answer)
        assert not effects.old_effects().exists()
        Effect.objects.update(asked=now() - effects.KEPT - timedelta(seconds=1))
        assert effects.old_effects().delete()[0] == 1
        assert Submission.objects.filter(pk=answer.pk).exists()
