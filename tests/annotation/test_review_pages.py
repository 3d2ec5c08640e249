"""The endpoints of reviewers: who may come in, what they see of others (no names), and what a decision meets. Real rows."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation import services
from annotation.models import Campaign, Consensus, Event, Membership, Task
from annotation.selectors import anonymous_answers, reviews
from hub.accounts.models import User
from learner.models import FeedbackClip, FeedbackSet, Job, Round
from tests import worlds

pytestmark = pytest.mark.django_db
NAMES = ("Xanthippe", "Yorick", "Zebedee")


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(max_overlap=2, certainty=0.999)


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    for name in NAMES:
        User.objects.create_user(name, email=f"{name}@people.example")
    return [worlds.member(campaign, name, pseudonym=f"{name}-pseudonym") for name in NAMES]


@pytest.fixture
def annotators(people: list[Membership]) -> list[Client]:
    """Their browsers."""
    return [worlds.signed_in(one) for one in people]


@pytest.fixture
def reviewer(campaign: Campaign) -> Client:
    return worlds.client(campaign, "rev", "reviewer", pseudonym="rev-pseudonym")


def contested(campaign: Campaign, people: list[Membership], start: float = 30.0) -> Task:
    """Two people heard quite different things in 15 s from `start`; the second did not listen to the last second."""
    song = campaign.tracks.first() or worlds.track(campaign)
    (task,) = worlds.opened([worlds.clip(song, start)])
    worlds.answer(task, people[0], (start + 2, start + 6))
    worlds.answer(task, people[1], (start + 8, start + 12), heard=[(0.0, 14.0)])
    return worlds.agreed(task)


def a_round(campaign: Campaign) -> Round:
    parent = worlds.checkpoint(worlds.CHECKPOINT)
    scoring = Job.objects.create(campaign=campaign, kind=Job.Kind.SCORE, state=Job.State.DONE)
    return Round.objects.create(campaign=campaign, number=1, parent=parent, scoring=scoring, state=Round.State.ANNOTATING)


@pytest.fixture
def task(campaign: Campaign, people: list[Membership]) -> Task:
    return contested(campaign, people)


def page_of(task: Task) -> str:
    return f"/c/{task.campaign.slug}/review/{task.pk}/"


def api_of(task: Task) -> str:
    return f"/api/tasks/{task.pk}/review/"


def shown(client: Client, task: Task) -> dict[str, Any]:
    answered = client.get(api_of(task))
    assert answered.status_code == 200, answered.content
    return dict(answered.json())


def decide(client: Client, task: Task, **body: Any) -> tuple[int, dict[str, Any]]:
    body = {"seen": body.pop("seen", None) or shown(client, task)["seen"]} | body
    answered = client.post(api_of(task), body, content_type="application/json")
    return answered.status_code, answered.json()


def spans(consensus: Consensus) -> list[tuple[float, float]]:
    return [(one.start, one.end) for one in consensus.regions.order_by("start")]


class TestWhoMayComeIn:
    def test_an_annotator_is_refused_even_who_answered_the_task(self, annotators: list[Client], task: Task) -> None:
        for url in ("/c/test/review/", page_of(task), api_of(task)):
            assert annotators[0].get(url).status_code == 403, url
        for url in (api_of(task), f"{api_of(task)}undo/"):
            assert annotators[2].post(url, {"decision": "accept", "seen": "x"}, content_type="application/json").status_code == 403

    def test_to_reviewers_of_another_campaign_none_of_it_exists(self, task: Task) -> None:
        elsewhere = worlds.client(worlds.campaign("elsewhere"), "else", "owner")
        for url in ("/c/test/review/", page_of(task), f"/c/elsewhere/review/{task.pk}/", api_of(task)):
            assert elsewhere.get(url).status_code == 404, url
        assert elsewhere.post(api_of(task), {"decision": "accept", "seen": "x"}, content_type="application/json").status_code == 404

    def test_who_is_not_signed_in_is_asked_to(self, task: Task) -> None:
        assert Client().get("/c/test/review/").status_code == 302
        assert Client().get(api_of(task)).status_code in (401, 403)

    @pytest.mark.parametrize("role", ["reviewer", "manager", "owner"])
    def test_reviewers_managers_and_owners_may(self, campaign: Campaign, task: Task, role: str) -> None:
        client = worlds.client(campaign, role, role)
        assert client.get("/c/test/review/").status_code == client.get(page_of(task)).status_code == 200

    def test_a_task_that_nobody_contested_is_not_shown(
        self, campaign: Campaign, reviewer: Client, people: list[Membership], task: Task
    ) -> None:
        (open_one,) = worlds.opened([worlds.clip(task.track, 60.0)])
        assert reviewer.get(page_of(open_one)).status_code == reviewer.get(api_of(open_one)).status_code == 404


class TestTheQueue:
    def test_least_agreement_comes_first(self, campaign: Campaign, reviewer: Client, people: list[Membership], task: Task) -> None:
        second = contested(campaign, people, start=60.0)
        Consensus.objects.filter(task=task).update(certainty=0.8)
        Consensus.objects.filter(task=second).update(certainty=0.4)
        assert [one.task for one in reviews.waiting(campaign)] == [second, task]
        assert reviews.next_after(second) == task.pk and reviews.next_after(task) == second.pk
        page = reviewer.get("/c/test/review/").content.decode()
        assert page.index(page_of(second)) < page.index(page_of(task))
        assert "agree hardly at all" in page and "Person 1" in page

    def test_empty_it_says_why(self, campaign: Campaign, reviewer: Client, task: Task) -> None:
        decide(reviewer, task, decision="accept")
        page = reviewer.get("/c/test/review/").content.decode()
        assert "Nothing waits for a reviewer" in page and "has been decided" in page and "reviewer accepted" in page

    def test_the_header_and_the_dashboard_lead_there_with_the_number(
        self, campaign: Campaign, annotators: list[Client], reviewer: Client, task: Task
    ) -> None:
        a_round(campaign)
        page = reviewer.get("/c/test/").content.decode()
        assert page.count('href="/c/test/review/"') >= 3, "header, button, number"
        assert '<a id="to-review" href="/c/test/review/">1</a>' in page
        assert "1<span" in reviewer.get("/reviews/waiting/").content.decode()
        assert "/review/" not in annotators[0].get("/c/test/").content.decode()
        assert annotators[0].get("/reviews/waiting/").content.strip() == b""

    def test_it_asks_as_few_questions_for_many_tasks_as_for_one(
        self, campaign: Campaign, people: list[Membership], task: Task, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for start in (0.0, 15.0, 45.0, 60.0):
            contested(campaign, people, start=start)
        with django_assert_max_num_queries(7):
            assert len(reviews.waiting(campaign)) == 5


class TestNobodyIsNamed:
    def test_neither_pages_nor_the_api_say_who_answered(
        self, campaign: Campaign, reviewer: Client, people: list[Membership], task: Task
    ) -> None:
        a_round(campaign)
        pages = ("/c/test/review/", page_of(task), api_of(task))
        texts = [reviewer.get(url).content.decode() for url in (*pages, "/c/test/rounds/1/")]
        decide(reviewer, task, decision="take", person=1)
        texts += [reviewer.get(url).content.decode() for url in pages]
        for text in texts:
            for person in people[:2]:
                account = worlds.account(person)
                for telling in (person.pseudonym, account.username, account.email):
                    assert telling not in text

    def test_a_lane_holds_nothing_but_what_was_answered(self, reviewer: Client, people: list[Membership], task: Task) -> None:
        lanes = shown(reviewer, task)["lanes"]
        assert [sorted(lane) for lane in lanes] == [["late", "marks", "missing", "name", "tags", "unheard"]] * 2
        assert [lane["name"] for lane in lanes] == ["Person 1", "Person 2"]
        assert sorted(lane["marks"] for lane in lanes) == [[[32.0, 36.0]], [[38.0, 42.0]]]
        assert [lane["unheard"] for lane in lanes if lane["marks"] == [[38.0, 42.0]]] == [[[44.0, 45.0]]]

    def test_the_order_differs_from_task_to_task_and_stays_for_each(self, campaign: Campaign, people: list[Membership]) -> None:
        """A person who is always Person 1 would be known after a few tasks."""
        tasks = [contested(campaign, people, start=float(start)) for start in range(0, 60, 3)]
        first = [anonymous_answers.answers_to(task)[0].by_id for task in tasks]
        assert set(first) == {people[0].pk, people[1].pk}
        assert first == [anonymous_answers.answers_to(task)[0].by_id for task in tasks]


class TestDecisions:
    def test_accepting_says_what_the_consensus_says_and_goes_on_to_the_next(
        self, campaign: Campaign, reviewer: Client, people: list[Membership], task: Task
    ) -> None:
        second = contested(campaign, people, start=60.0)
        crowds = spans(task.consensuses.get())
        assert decide(reviewer, task, decision="accept") == (201, {"next": page_of(second)})
        task.refresh_from_db()
        assert task.state == Task.State.CLOSED and spans(task.consensuses.get(version=2)) == crowds
        assert decide(reviewer, second, decision="accept") == (201, {"next": "/c/test/review/"})

    def test_an_edit_is_kept_in_track_seconds_and_overlapping_regions_become_one(self, reviewer: Client, task: Task) -> None:
        result = worlds.marks(task, (32.0, 34.0), (33.0, 35.0), (40.0, 41.0))
        assert decide(reviewer, task, decision="edit", result=result)[0] == 201
        assert spans(task.consensuses.get(version=2)) == [(32.0, 35.0), (40.0, 41.0)]

    def test_one_persons_answer_can_be_taken_over(self, reviewer: Client, task: Task) -> None:
        lanes = shown(reviewer, task)["lanes"]
        decide(reviewer, task, decision="take", person=2)
        assert [list(span) for span in spans(task.consensuses.get(version=2))] == lanes[1]["marks"]
        assert shown(reviewer, task)["history"][0]["words"] == "took the answer of Person 2 for it"

    def test_sent_back_it_asks_more_people_and_hides_the_answers_until_they_came(
        self, reviewer: Client, people: list[Membership], task: Task
    ) -> None:
        assert decide(reviewer, task, decision="send back", note="too quiet to tell", more=2)[0] == 201
        task.refresh_from_db()
        assert (task.state, task.overlap, task.max_overlap) == (Task.State.OPEN, 4, 4)
        now = shown(reviewer, task)
        assert (now["lanes"], now["crowd"]) == ([], None)
        assert now["history"][0]["note"] == "too quiet to tell"

    @pytest.mark.parametrize(
        "body, field",
        [
            ({"decision": "maybe"}, "decision"),
            ({"decision": "edit"}, "result"),
            ({"decision": "take"}, "person"),
            ({"decision": "take", "person": 3}, "person"),
            ({"decision": "send back", "note": " "}, "note"),
            ({"decision": "send back", "note": "why", "more": 99}, "more"),
        ],
    )
    def test_what_is_wrong_with_a_decision_is_said_by_field(self, reviewer: Client, task: Task, body: dict[str, Any], field: str) -> None:
        status, said = decide(reviewer, task, **body)
        assert status == 400 and said["field"] == field
        task.refresh_from_db()
        assert task.state == Task.State.IN_REVIEW

    def test_a_bad_region_is_named_with_its_field(self, reviewer: Client, task: Task) -> None:
        result = worlds.marks(task, (32.0, 34.0))
        result[0]["value"]["end"] = 99.0
        status, said = decide(reviewer, task, decision="edit", result=result)
        assert (status, said["field"]) == (400, "value.end") and "result[0]" in said["region"]
        assert task.consensuses.count() == 1


class TestStale:
    def test_who_comes_second_is_told_and_changes_nothing(self, campaign: Campaign, reviewer: Client, task: Task) -> None:
        other = worlds.client(campaign, "other", "manager")
        seen = shown(other, task)["seen"]
        decide(reviewer, task, decision="accept")
        status, said = decide(other, task, decision="take", person=1, seen=seen)
        assert (status, said["error"]) == (409, "NotInReview")
        assert task.consensuses.count() == 2

    @pytest.mark.parametrize("body", [{"decision": "accept"}, {"decision": "take", "person": 1}, {"decision": "send back", "note": "why"}])
    def test_a_new_answer_meanwhile_is_looked_at_first(
        self, reviewer: Client, people: list[Membership], task: Task, body: dict[str, Any]
    ) -> None:
        seen = shown(reviewer, task)["seen"]
        worlds.answer(task, people[2], (32.0, 36.0))
        worlds.agreed(task)
        status, said = decide(reviewer, task, seen=seen, **body)
        assert (status, said["error"]) == (409, "StaleReview") and "Nothing was decided" in said["detail"]
        assert len(shown(reviewer, task)["lanes"]) == 3, "what came too late to count is shown, too"
        assert [lane["late"] for lane in shown(reviewer, task)["lanes"]].count(True) == 1
        assert decide(reviewer, task, **body)[0] == 201


class TestTheLog:
    def test_every_decision_is_an_event_with_before_and_after(self, reviewer: Client, task: Task) -> None:
        crowds = [list(span) for span in spans(task.consensuses.get())]
        decide(reviewer, task, decision="edit", result=worlds.marks(task, (40.0, 41.0)), note="only this")
        event = Event.objects.get(what="review.edited")
        assert event.before and event.after and event.who
        assert event.before["at"] == crowds and event.after["at"] == [[40.0, 41.0]] and event.who.pseudonym == "rev-pseudonym"
        last, first = shown(reviewer, task)["history"]
        assert (last["who"], last["words"], last["note"]) == ("you", "decided on regions of their own in it: 1 region", "only this")
        assert (last["before"], last["after"]) == (crowds, [[40.0, 41.0]])
        assert first["who"] == "the platform"

    def test_the_last_decision_can_be_undone_and_made_again(self, campaign: Campaign, reviewer: Client, task: Task) -> None:
        before = shown(reviewer, task)
        decide(reviewer, task, decision="accept")
        now = shown(reviewer, task)
        assert now["may_undo"] and not before["may_undo"]
        undone = reviewer.post(f"{api_of(task)}undo/", {"seen": now["seen"]}, content_type="application/json")
        assert undone.status_code == 200 and undone.json()["task"]["state"] == "in review"
        assert undone.json()["crowd"] == before["crowd"] and undone.json()["decision"] is None
        assert [past["words"] for past in undone.json()["history"][:2]] == ["took the decision on it back", "accepted the consensus on it"]
        assert services.agree_again_over_campaign(campaign=campaign, up_to_round=1) == [], "nothing is learned from it meanwhile"
        assert decide(reviewer, task, decision="take", person=1)[0] == 201
        again = reviewer.post(f"{api_of(task)}undo/", {"seen": now["seen"]}, content_type="application/json")
        assert (again.status_code, again.json()["error"]) == (409, "StaleReview")

    def test_a_decision_that_a_round_was_frozen_with_stands(self, campaign: Campaign, reviewer: Client, task: Task) -> None:
        decide(reviewer, task, decision="accept")
        frozen = FeedbackSet.objects.create(round=a_round(campaign), content_hash="h")
        FeedbackClip.objects.create(
            feedback_set=frozen, consensus=task.consensuses.get(version=2), track=task.track, start=30.0, end=45.0, kept_apart=False
        )
        undo = reviewer.post(f"{api_of(task)}undo/", {"seen": shown(reviewer, task)["seen"]}, content_type="application/json")
        assert (undo.status_code, undo.json()["error"]) == (409, "DecisionUsed")
        task.refresh_from_db()
        assert (
            task.state == Task.State.CLOSED
            and task.consensuses.get(version=2).regions.count() == task.consensuses.get(version=1).regions.count()
        )

    def test_what_the_crowd_agreed_on_is_not_undone(self, reviewer: Client, task: Task) -> None:
        undo = reviewer.post(f"{api_of(task)}undo/", {"seen": shown(reviewer, task)["seen"]}, content_type="application/json")
        assert (undo.status_code, undo.json()["error"]) == (409, "NothingToUndo")


def test_the_posterior_is_drawn_over_the_whole_clip(reviewer: Client, task: Task) -> None:
    crowd = shown(reviewer, task)["crowd"]
    assert len(crowd["posterior"]) * crowd["frame"] == pytest.approx(15.0)
    assert all(0 <= one <= 1 for one in crowd["posterior"])
    assert json.dumps(crowd, allow_nan=False)
