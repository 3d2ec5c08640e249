"""The reviewers' queue: in which order, which clips, and what is clear accepted together. Real rows."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation import services
from annotation.models import Campaign, Consensus, Event, Membership, Referral, Task
from annotation.selectors import review_queue, reviews
from annotation.selectors.review_queue import View
from annotation.services import referrals
from annotation.services.many_reviews import accept_together, undo_together
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(max_overlap=2, certainty=0.999, tags=["drums", "guitar"])


@pytest.fixture
def people(campaign: Campaign) -> list[Membership]:
    return [worlds.member(campaign, name) for name in ("Xanthippe", "Yorick", "Zebedee")]


@pytest.fixture
def rev(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "rev", "reviewer")


@pytest.fixture
def other(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "other", "manager")


def contested(campaign: Campaign, people: list[Membership], song: str, overlap: float = 0.0) -> Task:
    """Two people marked 4 s each, of which `overlap` seconds are the same."""
    (task,) = worlds.opened([worlds.clip(worlds.track(campaign, song))])
    worlds.answer(task, people[0], (2.0, 6.0))
    worlds.answer(task, people[1], (6.0 - overlap, 10.0 - overlap))
    worlds.agreed(task)
    assert task.state == Task.State.IN_REVIEW
    return task


@pytest.fixture
def tasks(campaign: Campaign, people: list[Membership]) -> list[Task]:
    """Of songs b, a and c; the second agrees most; the third was answered by others; they came one after the other."""
    found = [
        contested(campaign, people, "b", 1.0),
        contested(campaign, people, "a", 3.0),
        contested(campaign, people[1:], "c", 2.0),
    ]
    for task, certainty in zip(found, (0.5, 0.6, 0.9), strict=True):
        Consensus.objects.filter(task=task).update(certainty=certainty)
    mark = found[2].submissions.order_by("pk")[0].marks.get()
    mark.tag = "drums"
    mark.save()
    return found


def listed(campaign: Campaign, viewer: Membership | None = None, **view: Any) -> list[Task]:
    return list(review_queue.in_order(campaign, View(**view), viewer))


class TestTheOrder:
    @pytest.mark.parametrize(
        "order, wanted",
        [
            ("certainty", [0, 1, 2]),
            ("agreement", [0, 2, 1]),
            ("waiting", [0, 1, 2]),
            ("track", [1, 0, 2]),
            ("person", [0, 1, 2]),
            ("tag", [2, 0, 1]),
        ],
    )
    def test_each_way_orders_by_what_it_says(self, campaign: Campaign, tasks: list[Task], order: str, wanted: list[int]) -> None:
        assert listed(campaign, order=order) == [tasks[n] for n in wanted]

    def test_agreement_is_the_figure_that_the_list_shows(self, campaign: Campaign, tasks: list[Task]) -> None:
        ordered: Any = review_queue.in_order(campaign, View(order="agreement"))
        shown = {one.task.pk: one.agreement.frame_f1 for one in reviews.with_agreement(ordered, campaign)}
        assert [pytest.approx(task.agreed, abs=0.02) for task in ordered] == [shown[task.pk] for task in ordered]
        assert [task.agreed for task in ordered] == pytest.approx([0.25, 0.5, 0.75])

    def test_what_nobody_knows_is_passed_over(self) -> None:
        assert View.of({"order": "size", "person": "x", "track": "-1", "with": "them", "tag": ""}) == View()
        assert View.of({"order": "tag", "person": "7"}).query == "?order=tag&person=7"
        assert View().query == ""


class TestWhichClips:
    def test_by_person_song_and_tag(self, campaign: Campaign, people: list[Membership], tasks: list[Task]) -> None:
        assert listed(campaign, person=people[0].pk) == tasks[:2]
        assert listed(campaign, track=tasks[1].track_id) == [tasks[1]]
        assert listed(campaign, tag="drums") == [tasks[2]] and listed(campaign, tag="guitar") == []

    def test_names_are_shown_to_who_asks_for_them(
        self, campaign: Campaign, rev: Membership, people: list[Membership], tasks: list[Task]
    ) -> None:
        client = worlds.signed_in(rev)
        assert "Xanthippe" not in client.get("/c/test/review/").content.decode()
        assert "Xanthippe (2)" in client.get("/c/test/review/?people").content.decode()

    def test_the_view_goes_along_from_clip_to_clip(self, campaign: Campaign, rev: Membership, tasks: list[Task]) -> None:
        client, api = worlds.signed_in(rev), f"/api/tasks/{tasks[1].pk}/review/?order=track"
        assert f'href="/c/test/review/{tasks[1].pk}/?order=track"' in client.get("/c/test/review/?order=track").content.decode()
        given = client.get(api).json()
        assert given["next"] == f"/c/test/review/{tasks[0].pk}/?order=track"
        decided = client.post(api, {"decision": "accept", "seen": given["seen"]}, content_type="application/json")
        assert decided.json()["next"] == given["next"]

    def test_a_long_list_has_pages_and_asks_few_questions(
        self, campaign: Campaign, rev: Membership, people: list[Membership], tasks: list[Task], monkeypatch: pytest.MonkeyPatch,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(reviews, "AT_ONCE", 2)
        client = worlds.signed_in(rev)
        with django_assert_max_num_queries(15):
            page = client.get("/c/test/review/?order=agreement&page=2").content.decode()
        assert "page 2 of 2" in page and f"/review/{tasks[1].pk}/" in page and f"/review/{tasks[0].pk}/" not in page


class TestAcceptingWhatIsClear:
    def test_the_preview_shows_what_is_certain_enough_and_nothing_is_decided(self, rev: Membership, tasks: list[Task]) -> None:
        page = worlds.signed_in(rev).get("/c/test/review/accept/").content.decode()
        assert "1 of 3 clips is at least 0.80 certain" in page
        assert [f'value="{task.pk}:' in page for task in tasks] == [False, False, True]
        assert worlds.signed_in(rev).get("/c/test/review/accept/?certain=0.55").content.decode().count('name="clip"') == 2
        assert not Consensus.objects.filter(by__isnull=False).exists()

    def test_those_ticked_are_accepted_and_taken_back_at_once(self, campaign: Campaign, rev: Membership, tasks: list[Task]) -> None:
        client = worlds.signed_in(rev)
        shown = client.get("/c/test/review/accept/?certain=0").context["rows"]
        wanted = [f"{row['waiting'].task.pk}:{row['seen']}" for row in shown if row["waiting"].task != tasks[0]]
        page = client.post("/c/test/review/accept/", {"clip": wanted}, follow=True).content.decode()
        assert "Accepted the consensus on 2 clips." in page and "2 clips that you accepted together" in page
        assert listed(campaign) == [tasks[0]]
        (batch,) = reviews.accepted_together(rev)
        undone = client.post(f"/c/test/review/accept/{batch['name']}/undo/", follow=True).content.decode()
        assert "Took 2 decisions back." in undone and listed(campaign) == tasks
        assert Event.objects.filter(what="review.undone").count() == 2

    def test_what_changed_meanwhile_is_left_alone(
        self, campaign: Campaign, rev: Membership, people: list[Membership], tasks: list[Task]
    ) -> None:
        shown = [(one.task, seen) for one in reviews.waiting(campaign) for seen in [reviews.anonymous_answers.seen(one.task)]]
        worlds.answer(tasks[0], people[2], (2.0, 3.0))
        services.accept_review(task=tasks[1], by=rev)
        assert accept_together(shown=shown, by=rev)[1:] == (1, 2)

    def test_a_decision_made_anew_is_not_taken_back_with_the_others(self, campaign: Campaign, rev: Membership, tasks: list[Task]) -> None:
        made = accept_together(shown=[(task, reviews.anonymous_answers.seen(task)) for task in tasks], by=rev)
        services.undo_review(task=tasks[0], by=rev)
        services.edit_review(task=tasks[0], by=rev, result=[])
        assert undo_together(name=made.name, by=rev)[1:] == (2, 0)
        tasks[0].refresh_from_db()
        assert tasks[0].state == Task.State.CLOSED

    def test_annotators_accept_nothing(self, people: list[Membership], tasks: list[Task]) -> None:
        client = worlds.signed_in(people[0])
        assert client.get("/c/test/review/accept/").status_code == client.post("/c/test/review/accept/").status_code == 403


def decide(client: Client, task: Task, **body: Any) -> Any:
    seen = client.get(f"/api/tasks/{task.pk}/review/").json()["seen"]
    return client.post(f"/api/tasks/{task.pk}/review/", {"seen": seen} | body, content_type="application/json")


def number_of(task: Task, person: Membership) -> int:
    return [one.by_id for one in reviews.anonymous_answers.answers_to(task)].index(person.pk) + 1


class TestHandingOn:
    def test_a_person_hears_it_again_with_the_note_and_the_old_answer_is_kept(
        self, campaign: Campaign, rev: Membership, people: list[Membership], tasks: list[Task]
    ) -> None:
        task, (ann, bea, _) = tasks[0], people
        client = worlds.signed_in(rev)
        given = client.get(f"/api/tasks/{task.pk}/review/").json()
        assert given["may_return"] == [1, 2]
        said = decide(client, task, **{"decision": "return", "person": number_of(task, bea), "note": "Only the <guitar>, please."})
        assert said.status_code == 201 and said.json()["next"] == f"/c/test/review/{tasks[1].pk}/"
        assert listed(campaign) == tasks[1:] and listed(campaign, held="people") == [task]
        theirs, others = (worlds.signed_in(one).get("/").content.decode() for one in (bea, ann))
        assert f"/annotate/?task={task.pk}" in theirs and "Only the &lt;guitar&gt;, please." in theirs
        assert f"task={task.pk}" not in others
        assert "Only the &lt;guitar&gt;" in worlds.signed_in(bea).get(f"/c/test/annotate/?task={task.pk}").content.decode()

        worlds.answer(task, bea, (2.0, 5.9))
        worlds.agreed(task)
        assert [one.status for one in task.submissions.filter(by=bea).order_by("revision")] == ["superseded", "accepted"]
        assert Referral.objects.get().done and f"task={task.pk}" not in worlds.signed_in(bea).get("/").content.decode()
        told = [past["words"] for past in client.get(f"/api/tasks/{task.pk}/review/").json()["history"]]
        assert f"got another answer of Person {number_of(task, bea)} to it" in told
        assert f"asked Person {number_of(task, bea)} to hear it again" in told
        assert bea.pseudonym not in client.get(f"/api/tasks/{task.pk}/review/").content.decode()

    def test_an_answer_that_a_round_was_closed_with_stands(self, campaign: Campaign, rev: Membership, tasks: list[Task]) -> None:
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        client = worlds.signed_in(rev)
        assert client.get(f"/api/tasks/{tasks[0].pk}/review/").json()["may_return"] == []
        refused = decide(client, tasks[0], decision="return", person=1, note="again")
        assert (refused.status_code, refused.json()["error"]) == (409, "AnswerStands")

    def test_whoever_is_gone_or_simulated_is_not_asked(
        self, campaign: Campaign, rev: Membership, people: list[Membership], tasks: list[Task]
    ) -> None:
        Membership.objects.filter(pk=people[0].pk).update(active=False)
        Membership.objects.filter(pk=people[1].pk).update(kind="simulated")
        for answer in tasks[0].submissions.all():
            with pytest.raises(referrals.NotReturnable):
                referrals.return_to_person(task=tasks[0], by=rev, answer=answer, note="again")

    def test_passed_on_it_is_in_the_others_list(self, campaign: Campaign, rev: Membership, other: Membership, tasks: list[Task]) -> None:
        client = worlds.signed_in(rev)
        assert decide(client, tasks[0], **{"decision": "pass on", "to": other.pk, "note": "You know this song."}).status_code == 201
        assert listed(campaign, rev) == tasks[1:] and listed(campaign, rev, held="others") == [tasks[0]]
        assert listed(campaign, other) == tasks and listed(campaign, other, held="me") == [tasks[0]]
        assert review_queue.held_by(campaign, rev) == {"": 2, "me": 0, "others": 1, "people": 0, "all": 3}
        assert [n for _, n in reviews.waiting_reviews(rev.user)] == [2] and [n for _, n in reviews.waiting_reviews(other.user)] == [3]
        given = worlds.signed_in(other).get(f"/api/tasks/{tasks[0].pk}/review/").json()
        assert [(one["words"], one["note"]) for one in given["referrals"]] == [("Passed to you", "You know this song.")]
        services.accept_review(task=tasks[0], by=other)
        assert not Referral.objects.filter(done=None).exists()

    def test_passed_on_again_only_the_last_has_it(self, rev: Membership, other: Membership, tasks: list[Task]) -> None:
        referrals.pass_on(task=tasks[0], by=rev, to=other, note="you")
        referrals.pass_on(task=tasks[0], by=other, to=rev, note="no, you")
        assert list(Referral.objects.filter(done=None).values_list("to", flat=True)) == [rev.pk]

    def test_it_is_passed_to_another_who_may_review(self, rev: Membership, people: list[Membership], tasks: list[Task]) -> None:
        elsewhere = worlds.member(worlds.campaign("elsewhere"), "else", "owner")
        for to in (rev, people[0], elsewhere):
            with pytest.raises(referrals.NotPassable):
                referrals.pass_on(task=tasks[0], by=rev, to=to, note="you")
        client = worlds.signed_in(rev)
        assert decide(client, tasks[0], **{"decision": "pass on", "to": elsewhere.pk, "note": "you"}).status_code == 400
        for body in ({"decision": "return", "person": 1}, {"decision": "pass on", "to": rev.pk}):
            assert decide(client, tasks[0], **body).json()["field"] == "note"
