"""One's own answers: found again, and nothing told of a clip before its round is closed. Real rows, generated audio."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation import services
from annotation.events import record
from annotation.models import Campaign, Estimate, Membership, Submission, Task
from annotation.services import gold_sounds
from tests import worlds
from tests.annotation.gold_song import campaign_with_song, open_pool, separated

pytestmark = pytest.mark.django_db
HERE = "/c/test/me/answers/"


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(min_overlap=1, max_overlap=1)


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def client(ann: Membership) -> Client:
    return worlds.signed_in(ann)


def freeze(campaign: Campaign, number: int = 1) -> None:
    """As the learner does it."""
    services.agree_again_over_campaign(campaign=campaign, up_to_round=number)
    record(campaign, "feedback.frozen", after={"round": number})


def answered(track: Any, by: Membership, n: int, *spans: worlds.Span, start: float = 0.0) -> list[Submission]:
    """Answers to new clips of a song, with the same marks in seconds of the clip."""
    tasks = worlds.opened(worlds.clips(track, n, start))
    given = [worlds.answer(one, by, *((one.start + first, one.start + last) for first, last in spans)) for one in tasks]
    for task in tasks:
        worlds.agreed(task)
    return given


def rows(client: Client, asked: str = "", here: str = HERE) -> list[str]:
    """The rows of the table, the latest first."""
    page = client.get(here + asked)
    assert page.status_code == 200
    return [row.partition("</tr>")[0] for row in page.content.decode().partition("<tbody>")[2].split("<tr>")[1:]]


class TestFindingAgain:
    def test_an_answer_is_changed_until_its_round_is_closed(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        (mine,) = answered(worlds.track(campaign, "Blue Moon"), ann, 1, (2.0, 3.5))
        (row,) = rows(client)
        assert "1 mark, 1.5 s" in row and f"/c/test/annotate/?task={mine.task_id}&amp;what=accepted" in row
        assert "can be changed" in row and "Blue Moon" not in row
        freeze(campaign, 7)
        (row,) = rows(client)
        assert "Blue Moon" in row and "closed with round 7" in row and "annotate" not in row
        Submission.objects.update(status="withdrawn")
        (row,) = rows(client)
        assert "withdrawn" in row and "annotate" not in row

    def test_the_round_is_the_first_that_was_closed_after_the_answer(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        track = worlds.track(campaign)
        for number in (1, 2):
            answered(track, ann, 1, start=60.0 * number)
            freeze(campaign, number)
        assert ["closed with round 2" in row for row in rows(client)] == [True, False]
        assert "closed with round 1" in rows(client)[1]

    def test_songs_and_states_are_filters(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        answered(worlds.track(campaign, "Blue Moon"), ann, 2)
        answered(worlds.track(campaign, "Red Sun"), ann, 1)
        freeze(campaign)
        answered(Estimate.objects.get(track__name="Blue Moon").track, ann, 1, start=300.0)
        Submission.objects.filter(task__track__name="Red Sun").update(status="withdrawn")
        assert len(rows(client, "?q=moon+blue")) == 2, "of the open one no song is told"
        assert len(rows(client, "?q=moon&state=open")) == 0
        assert len(rows(client, "?q=sun")) == len(rows(client, "?state=withdrawn")) == len(rows(client, "?state=open")) == 1
        assert len(rows(client, "?state=frozen")) == 2 and len(rows(client)) == len(rows(client, "?state=anything")) == 4
        assert "No answer of yours is like that" in client.get(f"{HERE}?q=nothing%25").content.decode()

    def test_of_each_clip_one_answer_is_listed(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        (first,) = answered(worlds.track(campaign), ann, 1)
        worlds.answer(first.task, ann, (1.0, 2.0))
        assert Submission.objects.count() == 2
        (row,) = rows(client)
        assert "1 mark" in row

    def test_fifty_are_on_a_page_and_the_filter_goes_along(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        answered(worlds.track(campaign), ann, 53)
        assert len(rows(client)) == 50 and len(rows(client, "?page=2")) == 3
        assert 'href="?state=open&amp;page=2"' in client.get(f"{HERE}?state=open").content.decode()

    def test_others_see_nothing_of_it(self, campaign: Campaign, ann: Membership) -> None:
        answered(worlds.track(campaign), ann, 1)
        freeze(campaign)
        assert rows(worlds.client(campaign, "bob")) == []
        stranger = worlds.client(worlds.campaign("other"), "stranger")
        assert stranger.get(HERE).status_code == 404

    def test_it_asks_as_few_questions_for_many_answers_as_for_a_few(self, campaign: Campaign, ann: Membership, client: Client) -> None:
        record(campaign, "model.promoted", before={"checkpoint": worlds.CHECKPOINT}, after={"checkpoint": "d" * 64})

        def asked(url: str) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(url).status_code == 200
            return len(queries)

        answered(worlds.track(campaign, "first"), ann, 2, (1.0, 2.0))
        freeze(campaign)
        few = [asked(url) for url in (HERE, "/c/test/me/")]
        for number in range(12):
            answered(worlds.track(campaign, f"song {number}"), ann, 3, (1.0, 2.0), (4.0, 5.0))
        freeze(campaign, 2)
        many = [asked(url) for url in (HERE, "/c/test/me/")]
        assert many == few
        assert many[0] <= 15 and many[1] <= 20, many


class TestKnownClips:
    def test_nothing_tells_them_before_the_freeze(self, tmp_path: Path, settings: Any) -> None:
        settings.HOME = tmp_path
        campaign = campaign_with_song(n_pool=0, gold_share=0.25)
        golds = gold_sounds.prepare_gold(campaign=campaign, n=2, separate=separated)
        open_pool(campaign.tracks.get(), 2, golds)
        ann = worlds.member(campaign)
        for task in Task.objects.order_by("pk"):
            worlds.answer(task, ann, lead_time=20.0)
        here, client = "/c/gold/me/answers/", worlds.signed_in(ann)
        ids = {str(number) for number in Task.objects.values_list("pk", flat=True)}
        plain = {"".join(part for part in row.split('"') if "?task=" not in part).split("</td>", 1)[1] for row in rows(client, here=here)}
        assert len(rows(client, here=here)) == 4 and len(ids) == 4
        assert len(plain) == 1, "rows differ by their time and their task's number alone"
        for asked in ("?q=song", "?state=frozen"):
            assert rows(client, asked, here) == []
