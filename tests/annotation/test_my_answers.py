"""One's own answers: found again, and nothing told of a clip before its round is closed. Real rows, generated audio."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation import services
from annotation.events import record
from annotation.models import Campaign, Effect, Estimate, Membership, Submission, Task
from annotation.selectors.gold import unseen_gold
from annotation.services import first_visit as steps
from annotation.services import gold, gold_sounds
from tests import worlds
from tests.annotation.gold_song import campaign_with_song, open_pool, separated, song

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


def body(client: Client, here: str) -> str:
    """What the page says of the answer."""
    return client.get(here).content.decode().partition("<main")[2].partition("</main>")[0]


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
        assert many[0] <= 15, many


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


@pytest.fixture
def golds(tmp_path: Path, settings: Any) -> Campaign:
    """A campaign with a known clip in which something leaks, and one of the pool."""
    settings.HOME = tmp_path
    campaign = campaign_with_song(n_pool=0, gold_share=0.25)
    leaking = [one for one in gold_sounds.prepare_gold(campaign=campaign, n=4, separate=separated) if one.regions]
    open_pool(campaign.tracks.get(), 1, leaking[:1])
    return campaign


class TestWhatBecameOfIt:
    def test_a_known_clip_is_told_after_the_freeze_with_what_was_missed(self, golds: Campaign) -> None:
        known, ann = Task.objects.get(kind="gold"), worlds.member(golds)
        mine = worlds.answer(known, ann, lead_time=20.0)
        client, here = worlds.signed_in(ann), f"/c/gold/me/answers/{mine.pk}/"
        assert client.get(here).status_code == 404
        freeze(golds)
        page = client.get(here).content.decode()
        for region in gold.truth_of(known):
            assert f"missed {region.start - known.start:.1f} to {region.end - known.start:.1f} s" in page
        assert "whose truth is known" in page and "data-from=" in page and "what leaks" in page
        german = client.get(here, headers={"accept-language": "de"}).content.decode()
        assert "übersehen: 0," in german or "übersehen: 1," in german
        assert all("," not in number for number in re.findall(r'data-(?:from|to)="([^"]*)"', german)), "scripts read numbers with points"
        assert client.get(f"/media/tasks/{known.pk}/vocals.ogg").status_code == 200
        (row,) = rows(client, here="/c/gold/me/answers/")
        assert "known clip" in row and here in row

    def test_whoever_was_told_gives_no_other_answer_that_counts(self, golds: Campaign) -> None:
        known, ann = Task.objects.get(kind="gold"), worlds.member(golds)
        worlds.answer(known, ann, lead_time=20.0)
        freeze(golds)
        steps.withdraw_consent(by=ann, with_answers=True)
        steps.give_consent(by=ann)
        ann = worlds.again(ann)
        assert not unseen_gold(ann).exists() and unseen_gold(worlds.member(golds, "bob")).get() == known
        again = worlds.answer(known, ann, *gold.truth_of(known), lead_time=20.0)
        assert again.status == "surplus"
        worlds.agreed(known)
        again.refresh_from_db()
        assert again.status == "surplus" and not gold.grade_pending(by=ann)

    def test_answers_to_questions_are_held_against_segments_and_not_edges(self, golds: Campaign) -> None:
        known, ann = Task.objects.get(kind="gold"), worlds.member(golds)
        (first, last) = gold.truth_of(known)[0]
        mine = worlds.answer(known, ann, (first + 0.25, last), lead_time=20.0)
        freeze(golds)
        client = worlds.signed_in(ann)
        here = f"/c/gold/me/answers/{mine.pk}/"
        assert "begun 0.2 s too late" in client.get(here).content.decode() or "begun 0.3 s too late" in client.get(here).content.decode()
        Task.objects.filter(pk=known.pk).update(segments=[[0.0, known.end - known.start]])
        Submission.objects.update(asked=10.0)
        assert "too late" not in client.get(here).content.decode()

    def test_each_mark_is_heard_before_and_after_the_model_that_learned_since(self, tmp_path: Path, settings: Any) -> None:
        settings.HOME = tmp_path
        campaign = campaign_with_song(n_pool=1)
        ann = worlds.member(campaign)
        task = worlds.given(ann)
        mine = worlds.answer(task, ann, (task.start + 1, task.start + 3), (task.start + 5, task.start + 7), lead_time=20.0)
        samples, rate = soundfile.read(io.BytesIO(song()["estimate"]))
        first = round((task.start + 4) * rate)
        samples[first:] *= 0.1  # the second mark
        child = tmp_path / "child.flac"
        child.write_bytes(worlds.flac(samples, rate))
        services.keep_estimate(track=task.track, stem="vocals", checkpoint="d" * 64, file=child)
        client, here = worlds.signed_in(ann), f"/c/gold/me/answers/{mine.pk}/"
        freeze(campaign)
        page = body(client, here)
        assert 'value="before"' in page and 'value="after"' not in page and "data-switch" not in page
        record(campaign, "model.promoted", before={"checkpoint": worlds.CHECKPOINT}, after={"checkpoint": "d" * 64})
        page = body(client, here)
        assert f'data-src="/media/changed/{mine.pk}/after.ogg"' in page and "data-switch" in page
        one, other = (part.partition("</li>")[0] for part in page.split('data-from="')[1:])
        assert one.startswith('0.5" data-to="3.5"') and "1.0 to 3.0 s" in one and "no quieter with that model yet" in one
        assert other.startswith('4.5" data-to="7.5"') and "20 dB quieter with the model that learned since" in other
        assert here in client.get("/c/gold/me/").content.decode(), "from one's own page"
        german = client.get(here, headers={"accept-language": "de"}).content.decode()
        assert "20 dB leiser" in german and 'data-to="7.5"' in german and 'data-length="10.0"' in german

    def test_what_ones_marks_change_is_asked_for_and_heard_there_too(self, tmp_path: Path, settings: Any) -> None:
        settings.HOME = tmp_path
        campaign = campaign_with_song(n_pool=1, hears_effects=True)
        ann = worlds.member(campaign)
        task = worlds.given(ann)
        mine = worlds.answer(task, ann, (task.start + 1, task.start + 3), lead_time=20.0)
        freeze(campaign)
        client, here = worlds.signed_in(ann), f"/c/gold/me/answers/{mine.pk}/"
        assert f'data-effect="{task.pk}"' in body(client, here)
        Effect.objects.create(submission=mine, state="made", sound=b"OggS", quieter=[8.4], beside=0.2)
        page = body(client, here)
        assert "data-effect" not in page and f"/media/changed/{mine.pk}/effect.ogg" in page
        assert "8 dB quieter by your marks alone" in page and "Beside your marks: 0.2 dB quieter" in page

    def test_other_peoples_answers_are_not_there(self, campaign: Campaign, ann: Membership) -> None:
        (mine,) = answered(worlds.track(campaign), ann, 1)
        freeze(campaign)
        assert worlds.signed_in(ann).get(f"{HERE}{mine.pk}/").status_code == 200
        boss, stranger = worlds.client(campaign, "boss", "owner"), worlds.client(worlds.campaign("other"), "stranger")
        for other in (worlds.client(campaign, "bob"), boss, stranger, Client()):
            assert other.get(f"{HERE}{mine.pk}/").status_code in (302, 404)
            assert other.get(f"/c/other/me/answers/{mine.pk}/").status_code in (302, 404)
        assert worlds.signed_in(ann).get(f"{HERE}{10**30}/").status_code == 404

    def test_what_a_reviewer_decided_is_told_once_a_round_was_closed_with_it(self) -> None:
        campaign = worlds.campaign(min_overlap=2, max_overlap=2, certainty=0.999)
        people = [worlds.member(campaign, name) for name in ("ann", "bob")]
        (task,) = worlds.opened([worlds.clip(worlds.track(campaign, "Blue Moon"), 30.0)])
        for person, span in zip(people, [(32.0, 36.0), (38.0, 44.0)], strict=True):
            mine = worlds.answer(task, person, span)
            worlds.agreed(task)
        client, here = worlds.signed_in(people[1]), f"{HERE}{mine.pk}/"
        freeze(campaign)
        undecided = body(client, here)
        assert "no decision of a review" in undecided and "2.0 to 6.0" not in undecided and "8.0 to 14.0" in undecided, (
            "others' marks stay theirs"
        )
        reviewer = worlds.member(campaign, "reviewer", Membership.Role.REVIEWER)
        services.edit_review(task=task, by=reviewer, result=worlds.marks(task, (37.0, 40.0)), note="secret")
        assert body(client, here) == undecided, "it may be undone until the next freeze"
        freeze(campaign, 2)
        page = body(client, here)
        assert "what was decided: 7.0 to 10.0 s" in page and "your marks: 8.0 to 14.0 s" in page
        assert "missed 7.0 to 8.0 s" in page and "too much 10.4 to 14.0 s" in page
        assert "1 mark, 6.0 s" in page and "secret" not in page and "reviewer" not in page
        (row,) = rows(client)
        assert "decided in review" in row and "closed with round 1" in row
        assert ".ogg" in page and client.get(f"{HERE}{Submission.objects.get(by=people[0]).pk}/").status_code == 404
