"""The doors of reviewers: who may come in, what they see of others (no names), and what a decision meets. Real rows."""

import json
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from annotation import services
from annotation.core import label_studio
from annotation.models import Campaign, Consensus, Estimate, Event, Membership, Submission, Task, Track
from annotation.selectors import anonymous_answers, reviews
from learner.models import Checkpoint, FeedbackClip, FeedbackSet, Job, Round

pytestmark = pytest.mark.django_db
CHECKPOINT = "c" * 64
NAMES = ("Xanthippe", "Yorick", "Zebedee")


@pytest.fixture
def campaign() -> Campaign:
    return services.create_campaign(name="Test", slug="test", min_overlap=2, max_overlap=2, certainty=0.999)


def client_of(campaign: Campaign | None, name: str, role: str = "annotator") -> Client:
    user = get_user_model().objects.create_user(name, email=f"{name}@people.example")
    if campaign:
        services.add_member(campaign=campaign, user=user, role=role, pseudonym=f"{name}-pseudonym")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def annotators(campaign: Campaign) -> list[Client]:
    return [client_of(campaign, name) for name in NAMES]


@pytest.fixture
def reviewer(campaign: Campaign) -> Client:
    return client_of(campaign, "rev", "reviewer")


@pytest.fixture
def people(annotators: list[Client]) -> list[Membership]:
    return [Membership.objects.get(pseudonym=f"{name}-pseudonym") for name in NAMES]


def answer(task: Task, by: Membership, *regions: tuple[float, float], heard: list[tuple[float, float]] | None = None) -> Submission:
    given = {"result": label_studio.result(regions, task.clip), "client_key": uuid.uuid4(), "heard": heard or [(0.0, 15.0)]}
    kept = services.submit(task=task, by=by, **given)
    services.agree_on_task(task_id=task.pk)
    task.refresh_from_db()
    return kept


def contested(campaign: Campaign, people: list[Membership], start: float = 30.0) -> Task:
    """Two people heard quite different things in 15 s from `start`; the second did not listen to the last second."""
    track, _ = Track.objects.get_or_create(
        campaign=campaign, name="song", use="pool", domain="target", duration=90.0, sample_rate=16_000, channels=1, fingerprint="f"
    )
    Estimate.objects.get_or_create(track=track, stem="vocals", checkpoint=CHECKPOINT, file="aa/x.flac")
    clip = services.Clip(track=track, start=start, end=start + 15, arm=Task.Arm.RANDOM, chance=0.5, reason="drawn")
    services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=[clip])
    task = Task.objects.get(start=start)
    answer(task, people[0], (start + 2, start + 6))
    answer(task, people[1], (start + 8, start + 12), heard=[(0.0, 14.0)])
    return task


def a_round(campaign: Campaign) -> Round:
    parent = Checkpoint.objects.create(hash=CHECKPOINT, file="aa/c.safetensors", stem="vocals", sample_rate=16_000, channels=1)
    scoring = Job.objects.create(campaign=campaign, kind=Job.Kind.SCORE, state=Job.State.DONE)
    return Round.objects.create(campaign=campaign, number=1, parent=parent, scoring=scoring, state=Round.State.ANNOTATING)


@pytest.fixture
def task(campaign: Campaign, people: list[Membership]) -> Task:
    return contested(campaign, people)


def page_of(task: Task) -> str:
    return f"/c/{task.campaign.slug}/review/{task.pk}/"


def api_of(task: Task) -> str:
    return f"/api/tasks/{task.pk}/review/"


def shown(client: Client, task: Task) -> dict:
    answered = client.get(api_of(task))
    assert answered.status_code == 200, answered.content
    return answered.json()


def decide(client: Client, task: Task, **body) -> tuple[int, dict]:
    body = {"seen": body.pop("seen", None) or shown(client, task)["seen"]} | body
    answered = client.post(api_of(task), body, content_type="application/json")
    return answered.status_code, answered.json()


def spans(consensus: Consensus) -> list[tuple[float, float]]:
    return [(one.start, one.end) for one in consensus.regions.order_by("start")]


class TestWhoMayComeIn:
    def test_an_annotator_is_refused_even_who_answered_the_task(self, annotators, task):
        for url in ("/c/test/review/", page_of(task), api_of(task)):
            assert annotators[0].get(url).status_code == 403, url
        for url in (api_of(task), f"{api_of(task)}undo/"):
            assert annotators[2].post(url, {"decision": "accept", "seen": "x"}, content_type="application/json").status_code == 403

    def test_to_reviewers_of_another_campaign_none_of_it_exists(self, task):
        elsewhere = client_of(services.create_campaign(name="E", slug="e"), "else", "owner")
        for url in ("/c/test/review/", page_of(task), f"/c/e/review/{task.pk}/", api_of(task)):
            assert elsewhere.get(url).status_code == 404, url
        assert elsewhere.post(api_of(task), {"decision": "accept", "seen": "x"}, content_type="application/json").status_code == 404

    def test_who_is_not_signed_in_is_asked_to(self, task):
        assert Client().get("/c/test/review/").status_code == 302
        assert Client().get(api_of(task)).status_code in (401, 403)

    @pytest.mark.parametrize("role", ["reviewer", "manager", "owner"])
    def test_reviewers_managers_and_owners_may(self, campaign, task, role):
        client = client_of(campaign, role, role)
        assert client.get("/c/test/review/").status_code == client.get(page_of(task)).status_code == 200

    def test_a_task_that_nobody_contested_is_not_shown(self, campaign, reviewer, people, task):
        clip = services.Clip(track=task.track, start=60.0, end=75.0, arm=Task.Arm.RANDOM, chance=0.5, reason="drawn")
        services.open_tasks(campaign=campaign, checkpoint=CHECKPOINT, round_number=1, clips=[clip])
        open_one = Task.objects.get(start=60.0)
        assert reviewer.get(page_of(open_one)).status_code == reviewer.get(api_of(open_one)).status_code == 404


class TestTheQueue:
    def test_least_agreement_comes_first(self, campaign, reviewer, people, task):
        second = contested(campaign, people, start=60.0)
        Consensus.objects.filter(task=task).update(certainty=0.8)
        Consensus.objects.filter(task=second).update(certainty=0.4)
        assert [one.task for one in reviews.waiting(campaign)] == [second, task]
        assert reviews.next_after(second) == task and reviews.next_after(task) == second
        page = reviewer.get("/c/test/review/").content.decode()
        assert page.index(page_of(second)) < page.index(page_of(task))
        assert "agree hardly at all" in page and "Person 1" in page

    def test_empty_it_says_why(self, campaign, reviewer, task):
        decide(reviewer, task, decision="accept")
        page = reviewer.get("/c/test/review/").content.decode()
        assert "Nothing waits for a reviewer" in page and "has been decided" in page and "reviewer accepted" in page

    def test_the_header_and_the_dashboard_lead_there_with_the_number(self, campaign, annotators, reviewer, task):
        a_round(campaign)
        page = reviewer.get("/c/test/").content.decode()
        assert page.count('href="/c/test/review/"') >= 3, "header, button, number"
        assert '<a id="to-review" href="/c/test/review/">1</a>' in page
        assert "1<span" in reviewer.get("/reviews/waiting/").content.decode()
        assert "/review/" not in annotators[0].get("/c/test/").content.decode()
        assert annotators[0].get("/reviews/waiting/").content.strip() == b""

    def test_it_asks_as_few_questions_for_many_tasks_as_for_one(self, campaign, people, task, django_assert_max_num_queries):
        for start in (0.0, 15.0, 45.0, 60.0):
            contested(campaign, people, start=start)
        with django_assert_max_num_queries(6):
            assert len(reviews.waiting(campaign)) == 5


class TestNobodyIsNamed:
    def test_neither_pages_nor_the_api_say_who_answered(self, campaign, reviewer, people, task):
        a_round(campaign)
        pages = ("/c/test/review/", page_of(task), api_of(task))
        texts = [reviewer.get(url).content.decode() for url in (*pages, "/c/test/rounds/1/")]
        decide(reviewer, task, decision="take", person=1)
        texts += [reviewer.get(url).content.decode() for url in pages]
        for text in texts:
            for person in people[:2]:
                for telling in (person.pseudonym, person.user.username, person.user.email):
                    assert telling not in text

    def test_a_lane_holds_nothing_but_what_was_answered(self, reviewer, people, task):
        lanes = shown(reviewer, task)["lanes"]
        assert [sorted(lane) for lane in lanes] == [["late", "marks", "name", "unheard"]] * 2
        assert [lane["name"] for lane in lanes] == ["Person 1", "Person 2"]
        assert sorted(lane["marks"] for lane in lanes) == [[[32.0, 36.0]], [[38.0, 42.0]]]
        assert [lane["unheard"] for lane in lanes if lane["marks"] == [[38.0, 42.0]]] == [[[44.0, 45.0]]]

    def test_the_order_differs_from_task_to_task_and_stays_for_each(self, campaign, people):
        """A person who is always Person 1 would be known after a few tasks."""
        tasks = [contested(campaign, people, start=float(start)) for start in range(0, 60, 3)]
        first = [anonymous_answers.answers_to(task)[0].by_id for task in tasks]
        assert set(first) == {people[0].pk, people[1].pk}
        assert first == [anonymous_answers.answers_to(task)[0].by_id for task in tasks]


class TestDecisions:
    def test_accepting_says_what_the_consensus_says_and_goes_on_to_the_next(self, campaign, reviewer, people, task):
        second = contested(campaign, people, start=60.0)
        crowds = spans(task.consensuses.get())
        assert decide(reviewer, task, decision="accept") == (201, {"next": page_of(second)})
        task.refresh_from_db()
        assert task.state == Task.State.CLOSED and spans(task.consensuses.get(version=2)) == crowds
        assert decide(reviewer, second, decision="accept") == (201, {"next": "/c/test/review/"})

    def test_an_edit_is_kept_in_track_seconds_and_overlapping_regions_become_one(self, reviewer, task):
        result = label_studio.result([(32.0, 34.0), (33.0, 35.0), (40.0, 41.0)], task.clip)
        assert decide(reviewer, task, decision="edit", result=result)[0] == 201
        assert spans(task.consensuses.get(version=2)) == [(32.0, 35.0), (40.0, 41.0)]

    def test_one_persons_answer_can_be_taken_over(self, reviewer, task):
        lanes = shown(reviewer, task)["lanes"]
        decide(reviewer, task, decision="take", person=2)
        assert [list(span) for span in spans(task.consensuses.get(version=2))] == lanes[1]["marks"]
        assert shown(reviewer, task)["history"][0]["words"] == "took the answer of Person 2 for it"

    def test_sent_back_it_asks_more_people_and_hides_the_answers_until_they_came(self, reviewer, people, task):
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
    def test_what_is_wrong_with_a_decision_is_said_by_field(self, reviewer, task, body, field):
        status, said = decide(reviewer, task, **body)
        assert status == 400 and said["field"] == field
        task.refresh_from_db()
        assert task.state == Task.State.IN_REVIEW

    def test_a_bad_region_is_named_with_its_field(self, reviewer, task):
        result = label_studio.result([(32.0, 34.0)], task.clip)
        result[0]["value"]["end"] = 99.0
        status, said = decide(reviewer, task, decision="edit", result=result)
        assert (status, said["field"]) == (400, "value.end") and "result[0]" in said["region"]
        assert task.consensuses.count() == 1


class TestStale:
    def test_who_comes_second_is_told_and_changes_nothing(self, campaign, reviewer, task):
        other = client_of(campaign, "other", "manager")
        seen = shown(other, task)["seen"]
        decide(reviewer, task, decision="accept")
        status, said = decide(other, task, decision="take", person=1, seen=seen)
        assert (status, said["error"]) == (409, "NotInReview")
        assert task.consensuses.count() == 2

    @pytest.mark.parametrize("body", [{"decision": "accept"}, {"decision": "take", "person": 1}, {"decision": "send back", "note": "why"}])
    def test_a_new_answer_meanwhile_is_looked_at_first(self, reviewer, people, task, body):
        seen = shown(reviewer, task)["seen"]
        answer(task, people[2], (32.0, 36.0))
        status, said = decide(reviewer, task, seen=seen, **body)
        assert (status, said["error"]) == (409, "StaleReview") and "Nothing was decided" in said["detail"]
        assert len(shown(reviewer, task)["lanes"]) == 3, "what came too late to count is shown, too"
        assert [lane["late"] for lane in shown(reviewer, task)["lanes"]].count(True) == 1
        assert decide(reviewer, task, **body)[0] == 201


class TestTheLog:
    def test_every_decision_is_an_event_with_before_and_after(self, reviewer, task):
        crowds = [list(span) for span in spans(task.consensuses.get())]
        decide(reviewer, task, decision="edit", result=label_studio.result([(40.0, 41.0)], task.clip), note="only this")
        event = Event.objects.get(what="review.edited")
        assert event.before["at"] == crowds and event.after["at"] == [[40.0, 41.0]] and event.who.pseudonym == "rev-pseudonym"
        last, first = shown(reviewer, task)["history"]
        assert (last["who"], last["words"], last["note"]) == ("you", "decided on regions of their own in it: 1 region", "only this")
        assert (last["before"], last["after"]) == (crowds, [[40.0, 41.0]])
        assert first["who"] == "the platform"

    def test_the_last_decision_can_be_undone_and_made_again(self, campaign, reviewer, task):
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

    def test_a_decision_that_a_round_was_frozen_with_stands(self, campaign, reviewer, task):
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

    def test_what_the_crowd_agreed_on_is_not_undone(self, reviewer, task):
        undo = reviewer.post(f"{api_of(task)}undo/", {"seen": shown(reviewer, task)["seen"]}, content_type="application/json")
        assert (undo.status_code, undo.json()["error"]) == (409, "NothingToUndo")


def test_the_posterior_is_drawn_over_the_whole_clip(reviewer, task):
    crowd = shown(reviewer, task)["crowd"]
    assert len(crowd["posterior"]) * crowd["frame"] == pytest.approx(15.0)
    assert all(0 <= one <= 1 for one in crowd["posterior"])
    assert json.dumps(crowd, allow_nan=False)
