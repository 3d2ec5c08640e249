"""What people do: pace, forecast, errors, agreement, and where newcomers stop. Real rows."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import DjangoAssertNumQueries

from annotation.models import Campaign, FirstVisit, Membership, PracticeAnswer, Submission, Task
from annotation.selectors import crowd
from annotation.selectors.rounds import Progress
from hub.pages.crowd import in_words
from learner.models import Round
from tests import worlds
from tests.hub import reading, rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def listened(campaign: Campaign, n: int, *marks: worlds.Span, name: str = "ann") -> Membership:
    """A round of `n` clips, each answered and closed by one person."""
    ann = campaign.memberships.filter(pseudonym=name).first() or worlds.member(campaign, name)
    rounds.listening(campaign, n)
    for task in Task.objects.filter(state=Task.State.OPEN).order_by("pk"):
        rounds.answered(task, ann, *marks)
    return ann


class TestThePage:
    def test_an_empty_campaign_says_so(self, owner: Client) -> None:
        page = reading.text(owner, "/c/bleed/crowd/")
        assert (
            "No round is open to people now." in page and "No answer can be judged yet" in page and "Nothing waits for a reviewer." in page
        )

    def test_days_errors_and_agreement(
        self, campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        listened(campaign, 3, (2.0, 4.0))
        with django_assert_max_num_queries(15):
            page = reading.text(owner, "/c/bleed/crowd/")
        assert "today 3 1" in page
        assert "Of the latest 3 answers" in page and "Found of the bleed" in page
        assert "1 3 3 0" in page, "round, clips, closed, contested"

    def test_nothing_is_said_of_a_person_after_few_answers(
        self, campaign: Campaign, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ann = listened(campaign, 3, (2.0, 4.0))
        for answer in Submission.objects.filter(by=ann):
            answer.marks.create(start=answer.task.start + 6.0, end=answer.task.start + 8.0)
        page = reading.text(owner, "/c/bleed/crowd/")
        assert "ann" not in page.split("Kinds of errors")[1].split("Agreement")[0]
        assert "3 judged" in reading.text(owner, "/c/bleed/people/")
        for place in ("hub.pages.crowd", "annotation.pages.people"):
            monkeypatch.setattr(f"{place}.SAID", 3)
        assert "Mark most too much ann" in reading.text(owner, "/c/bleed/crowd/")
        assert "too much 8.0" in reading.text(owner, "/c/bleed/people/")

    def test_each_figure_leads_to_the_clips_behind_it(
        self, campaign: Campaign, owner: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ann = listened(campaign, 3, (2.0, 4.0))
        first, second, _ = Submission.objects.filter(by=ann).order_by("pk")
        first.marks.create(start=first.task.start + 6.0, end=first.task.start + 7.0)
        second.marks.create(start=second.task.start + 6.0, end=second.task.start + 8.5)
        Task.objects.filter(pk=first.task_id).update(contested=True)
        page = owner.get("/c/bleed/crowd/").content.decode()
        assert 'href="/c/bleed/crowd/extra/"' in page and 'href="/c/bleed/rounds/1/?state=contested#clips-title">1<' in page
        with django_assert_max_num_queries(15):
            html = owner.get("/c/bleed/crowd/extra/").content.decode()
        assert html.index(f"/tasks/{second.task_id}/") < html.index(f"/tasks/{first.task_id}/"), "the worst first"
        assert "2.5" in reading.text(owner, f"/c/bleed/crowd/extra/?person={ann.pk}")
        nobody = worlds.member(campaign, "nobody")
        assert "None." in reading.text(owner, f"/c/bleed/crowd/extra/?person={nobody.pk}")
        assert owner.get("/c/bleed/crowd/extra/?person=x").status_code == owner.get("/c/bleed/crowd/other/").status_code == 404
        assert f"/tasks/{first.task_id}/" in owner.get("/c/bleed/rounds/1/clips/?state=contested").content.decode()

    def test_reviewers_and_researchers_read_it_without_doors_that_are_shut(self, campaign: Campaign) -> None:
        html = worlds.client(campaign, "rev", "reviewer").get("/c/bleed/crowd/").content.decode()
        assert "/c/bleed/people/" not in html


class TestTheForecast:
    def test_it_is_on_the_campaigns_page_and_costs_no_question_more(self, campaign: Campaign, owner: Client) -> None:
        ann = worlds.member(campaign, "ann")
        rounds.listening(campaign, 24)
        for task in Task.objects.order_by("pk")[:12]:
            worlds.answer(task, ann)
        Round.objects.update(opened=now() - timedelta(hours=3))
        said = "At the pace of the last 3 h (12 answers) the 12 that are missing come in about 3 h ("
        assert said in reading.text(owner, "/c/bleed/parts/state/") and said in reading.text(owner, "/c/bleed/crowd/")

    def test_a_round_that_has_just_begun_goes_by_the_pace_of_the_one_before(self, campaign: Campaign, owner: Client) -> None:
        ann = worlds.member(campaign, "ann")
        rounds.listening(campaign, 12)
        for n, task in enumerate(Task.objects.order_by("pk")):
            given = worlds.answer(task, ann)
            Submission.objects.filter(pk=given.pk).update(created=now() - timedelta(hours=30 + n))
        Task.objects.update(state=Task.State.CLOSED)
        Round.objects.update(state=Round.State.REFUSED)
        worlds.listening_round(campaign, 9, start=2000.0)
        said = "At the pace of round 1 (12 answers within 11 h) the 9 that are missing come in about 8 h ("
        assert said in reading.text(owner, "/c/bleed/parts/state/")

    def test_when_nobody_answers_it_says_so(self, campaign: Campaign) -> None:
        opened = now() - timedelta(hours=5)
        quiet = Progress(
            open=5, in_review=0, closed=5, withdrawn=0, answers=20, wanted=30, contested=0, by_hour=(0, 0, 10, 10, 0) + (0,) * 19
        )
        assert in_words(crowd.forecast_of(campaign, quiet, 1, opened), quiet).startswith(
            "Nobody has answered for an hour. At the pace of the last 5 h"
        )

    @pytest.mark.parametrize(
        ("minutes", "by_hour", "end"),
        [
            (50, (9_999,), "the last one comes in about 1 min."),
            (5 * 60, (0, 0, 0, 0, 60), "the last one comes in about 5 min (at least 1 min)."),
        ],
    )
    def test_an_interval_is_said_where_it_tells_something(
        self, campaign: Campaign, minutes: int, by_hour: tuple[int, ...], end: str
    ) -> None:
        n = sum(by_hour)
        by_hour += (0,) * (24 - len(by_hour))
        last = Progress(open=1, in_review=0, closed=9, withdrawn=0, answers=n, wanted=n + 1, contested=0, by_hour=by_hour)
        assert in_words(crowd.forecast_of(campaign, last, 1, now() - timedelta(minutes=minutes)), last).endswith(end)

    def test_of_few_answers_it_foretells_nothing(self, campaign: Campaign) -> None:
        few = Progress(open=5, in_review=0, closed=0, withdrawn=0, answers=3, wanted=30, contested=0, by_hour=(3,) + (0,) * 23)
        said = in_words(crowd.forecast_of(campaign, few, 1, now() - timedelta(hours=1)), few)
        assert said.startswith("3 answers came to this round in the last day: too few")


class TestNewcomers:
    def test_each_step_counts_who_came_so_far(self, campaign: Campaign, owner: Client) -> None:
        people = [worlds.member(campaign, f"new-{n}") for n in range(4)]
        for person in people[1:]:
            FirstVisit.objects.create(membership=person, consent="given")
        for person in people[2:]:
            PracticeAnswer.objects.create(membership=person, number=1, marks=[], score=0.5)
        FirstVisit.objects.filter(membership=people[3]).update(finished=now())
        found = crowd.newcomers(campaign)
        assert [(step.n, step.stopped) for step in found.steps] == [(4, 1), (3, 1), (2, 1), (1, 1), (0, 0)]
        for step, person in zip(found.steps, people, strict=False):
            assert crowd.stopped_at(campaign, step.name).get() == person
        listed = reading.main(owner.get("/c/bleed/people/?stopped=practised").content.decode())
        assert "new-2" in listed and "new-3" not in listed and "new-1" not in listed
        assert 'href="/c/bleed/people/?stopped=came"' in owner.get("/c/bleed/crowd/").content.decode()
