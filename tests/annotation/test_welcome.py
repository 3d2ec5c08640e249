"""A first visit step by step, one's own page, and what managers see of people. Real rows, generated audio."""

import io
import uuid

import numpy as np
import pytest
import soundfile
from django.contrib.auth import get_user_model
from django.test import Client

from annotation import services
from annotation.core import first_visit_sounds, label_studio
from annotation.core.first_visit_sounds import PRACTICE, SHOWN
from annotation.events import record
from annotation.models import Consent, Draft, FirstVisit, Membership, PracticeAnswer, Submission, Task
from annotation.selectors import access
from annotation.services import first_visit, gold_sounds
from tests.annotation.gold_song import CHECKPOINT, campaign_with_song, open_pool, separated

pytestmark = pytest.mark.django_db
HOME = "/c/gold/welcome/"


@pytest.fixture
def campaign(tmp_path, settings):
    settings.HOME = tmp_path
    return campaign_with_song(tmp_path, n_pool=3, onboarding=True, instructions="Breath is voice.")


def person(campaign, name="ann", role="annotator") -> tuple[Client, Membership]:
    user = get_user_model().objects.create_user(name)
    client = Client()
    client.force_login(user)
    return client, services.add_member(campaign=campaign, user=user, pseudonym=name, role=role)


@pytest.fixture
def ann(campaign):
    return person(campaign)


def take(client):
    return client.post("/api/campaigns/gold/next/")


def right_answers(member) -> dict[str, str]:
    visit = FirstVisit.objects.get(membership=member)
    ears = {f"ear-{n}": first_visit.right_ear(visit, n) for n in range(1, first_visit.EARS + 1)}
    return ears | {f"three-{n}": str(first_visit.right_three(visit, n)[0] + 1) for n in range(1, first_visit.THREES + 1)}


def practise(client, number, marks=None):
    marks = PRACTICE[number - 1].leaks if marks is None else marks
    return client.post(f"{HOME}practice/{number}/", {"start": [start for start, _ in marks], "end": [end for _, end in marks]})


def pass_all(client, member):
    client.post(f"{HOME}consent/", {"agree": "yes"})
    client.post(f"{HOME}sound/", right_answers(member))
    client.post(f"{HOME}instructions/")
    for number in range(1, 6):
        practise(client, number)


class TestTheDoor:
    def test_the_queue_waits_until_the_first_visit_is_over(self, campaign, ann):
        client, member = ann
        refused = take(client)
        assert refused.status_code == 403 and refused.json()["go"] == HOME
        assert client.get("/c/gold/annotate/").headers["Location"] == HOME
        assert services.assign_task(by=member) is None, "whatever door they come through"
        assert "Begin" in client.get("/").content.decode()
        pass_all(client, member)
        assert take(client).status_code == 200
        assert client.get("/c/gold/annotate/").status_code == 200

    def test_campaigns_without_it_ask_nothing(self, campaign, ann):
        campaign.onboarding = False
        campaign.save()
        assert take(ann[0]).status_code == 200

    def test_simulated_people_go_straight_to_work(self, campaign):
        robot = services.add_member(campaign=campaign, kind="simulated", pseudonym="simulated-01")
        assert services.assign_task(by=robot)

    def test_to_a_stranger_nothing_of_it_exists(self, campaign):
        stranger = Client()
        stranger.force_login(get_user_model().objects.create_user("stranger"))
        for page in ("welcome/", "welcome/consent/", "welcome/practice/1/", "welcome/sounds/volume.flac", "me/", "people/", "leaderboard/"):
            assert stranger.get(f"/c/gold/{page}").status_code == 404
            assert Client().get(f"/c/gold/{page}").status_code == 302

    def test_steps_come_in_order(self, ann):
        client, member = ann
        assert client.get(HOME).headers["Location"] == f"{HOME}consent/"
        for later in ("sound/", "instructions/", "practice/1/"):
            assert client.get(HOME + later).headers["Location"] == HOME
        client.post(f"{HOME}sound/", {"without": "yes"})
        assert access.next_step(member) == "consent"
        assert client.get(f"{HOME}nonsense/").status_code == 404


class TestConsent:
    def test_it_is_kept_with_its_text_and_version(self, campaign, ann):
        client, member = ann
        client.post(f"{HOME}consent/")
        assert access.next_step(member) == "consent", "not without the tick"
        client.post(f"{HOME}consent/", {"agree": "yes"})
        kept = Consent.objects.get()
        assert kept.given and kept.version == 1 and "voluntary" in kept.text
        assert client.get(HOME).headers["Location"] == f"{HOME}sound/"

    def test_a_new_version_asks_again_and_nothing_else(self, campaign, ann):
        client, member = ann
        pass_all(client, member)
        campaign.consent_version, campaign.consent_text = 2, "The new words."
        campaign.save()
        assert take(client).status_code == 403
        assert "The new words." in client.get(f"{HOME}consent/").content.decode()
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert take(client).status_code == 200
        assert Membership.objects.get(pk=member.pk).consent_version == 2

    def test_withdrawn_it_ends_the_work_and_answers_go_along_if_wanted(self, campaign, ann):
        client, member = ann
        pass_all(client, member)
        task = Task.objects.get(pk=take(client).json()["task"]["id"])
        services.submit(task=task, by=member, result=[], client_key=uuid.uuid4(), heard=[(0.0, 10.0)])
        in_hand = take(client).json()["task"]["id"]
        client.post("/c/gold/me/withdraw/", {"answers": "yes"})
        assert Submission.objects.get().status == "withdrawn"
        assert take(client).status_code == 403
        services.expire_leases(campaign=campaign)
        assert set(Task.objects.filter(pk__in=[task.pk, in_hand]).values_list("taken", flat=True)) == {0}
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert take(client).json()["task"]["id"] != task.pk, "what was taken back is not asked for again"

    def test_answers_stay_where_only_the_work_ends(self, campaign, ann):
        client, member = ann
        pass_all(client, member)
        task = Task.objects.get(pk=take(client).json()["task"]["id"])
        services.submit(task=task, by=member, result=[], client_key=uuid.uuid4(), heard=[(0.0, 10.0)])
        client.post("/c/gold/me/withdraw/")
        assert Submission.objects.get().status == "accepted"

    def test_a_closed_task_whose_answers_were_all_taken_back_agrees_on_nothing(self, campaign, ann):
        client, member = ann
        pass_all(client, member)
        task = Task.objects.get(pk=take(client).json()["task"]["id"])
        services.submit(task=task, by=member, result=[], client_key=uuid.uuid4(), heard=[(0.0, 10.0)])
        Task.objects.filter(pk=task.pk).update(state="closed")
        first_visit.withdraw_consent(by=member, with_answers=True)
        assert services.agree_again_over_campaign(campaign=campaign, up_to_round=1) == []

    def test_it_can_be_withdrawn_where_no_first_visit_is_asked_for(self, campaign, ann):
        campaign.onboarding = False
        campaign.save()
        client, _ = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert take(client).status_code == 200
        client.post("/c/gold/me/withdraw/")
        assert take(client).status_code == 403

    def test_withdrawn_a_page_that_is_still_open_keeps_nothing(self, ann):
        client, member = ann
        pass_all(client, member)
        task = take(client).json()["task"]["id"]
        client.post("/c/gold/me/withdraw/")
        answer = {"result": [], "client_key": str(uuid.uuid4()), "heard": [[0, 10]]}
        for at in ("submission", "draft"):
            refused = client.put(f"/api/tasks/{task}/{at}/", answer, content_type="application/json")
            assert refused.status_code == 403 and "Your consent is withdrawn" in refused.json()["detail"]
        assert not Submission.objects.exists() and not Draft.objects.exists()


class TestSound:
    def test_right_answers_pass_and_another_try_draws_new_tones(self, ann):
        client, member = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        wrong = right_answers(member) | {"ear-1": "both"}
        client.post(f"{HOME}sound/", wrong)
        visit = FirstVisit.objects.get()
        assert not visit.sound and visit.sound_tries == 1
        client.post(f"{HOME}sound/", right_answers(member))
        assert FirstVisit.objects.get().sound == "passed"

    def test_an_unfinished_check_is_no_try(self, ann):
        client, member = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        client.post(f"{HOME}sound/", {**right_answers(member), "three-2": "7"})
        assert FirstVisit.objects.get().sound_tries == 0

    def test_one_goes_on_without_headphones_only_after_a_try(self, ann):
        client, member = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        client.post(f"{HOME}sound/", {"without": "yes"})
        assert access.next_step(member) == "sound"
        client.post(f"{HOME}sound/", right_answers(member) | {"ear-2": "both"})
        client.post(f"{HOME}sound/", {"without": "yes"})
        assert FirstVisit.objects.get().sound == "without" and access.next_step(member) == "instructions"

    def test_a_tone_is_on_the_side_that_is_asked_for_and_never_kept(self, ann):
        client, _ = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        answer = client.get(f"{HOME}sounds/ear-1.flac")
        assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Content-Type"] == "audio/flac"
        samples, _ = soundfile.read(io.BytesIO(answer.content))
        side = first_visit.right_ear(FirstVisit.objects.get(), 1)
        assert np.abs(samples).max(axis=0).argmax() == {"left": 0, "right": 1}[side]

    def test_the_web_process_makes_no_example_itself(self, ann, monkeypatch):
        """SciPy would stay loaded in it for good."""
        client, _ = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        monkeypatch.setattr(first_visit_sounds, "sound", None)
        samples, rate = soundfile.read(io.BytesIO(client.get(f"{HOME}sounds/plain-vocals.flac").content))
        assert len(samples) == 8 * rate

    @pytest.mark.parametrize("name", ["volume", "three-3", *(f"{one.name}-vocals" for one in (SHOWN[0], PRACTICE[0])), "practice-2-mix"])
    def test_every_sound_is_to_be_heard(self, ann, name):
        client, _ = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        samples, rate = soundfile.read(io.BytesIO(client.get(f"{HOME}sounds/{name}.flac").content))
        assert len(samples) / rate > 2 and np.abs(samples).max() > 0.05
        assert client.get(f"{HOME}sounds/{name}.flac", headers={"Range": "bytes=0-9"}).status_code == 206

    @pytest.mark.parametrize("name", ["ear-0", "ear-3", "three-9", "nothing", "practice-9-vocals", "ear-1-vocals"])
    def test_there_are_no_others(self, ann, name):
        client, _ = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert client.get(f"{HOME}sounds/{name}.flac").status_code == 404


class TestPractice:
    @pytest.fixture
    def ready(self, ann):
        client, member = ann
        client.post(f"{HOME}consent/", {"agree": "yes"})
        client.post(f"{HOME}sound/", right_answers(member))
        client.post(f"{HOME}instructions/")
        return client, member

    def test_feedback_comes_at_once_on_a_time_line(self, ready):
        client, _ = ready
        page = practise(client, 2, [(0.8, 2.4), (4.0, 5.0)]).content.decode()
        assert "You missed 7.2 to 8.8 s" in page and "Too much was 4.0 to 5.0 s" in page
        assert 'class="missed" x="7.2" y="0.1" width="1.6"' in page and 'class="extra" x="4.0" y="0.1" width="1.0"' in page
        (kept,) = PracticeAnswer.objects.all()
        assert kept.number == 2 and 0.4 < kept.score < 0.7

    def test_all_right_is_said(self, ready):
        assert "All right." in practise(ready[0], 1).content.decode()
        assert "All right." in practise(ready[0], 3).content.decode()

    def test_after_five_the_visit_is_over_however_they_were_done(self, ready):
        client, member = ready
        for number in (1, 2, 3, 4):
            practise(client, number, [])
            assert client.get(HOME).headers["Location"] == f"{HOME}practice/{number + 1}/"
        practise(client, 5, [])
        assert access.next_step(member) is None
        assert "You are ready" in client.get(HOME).content.decode()
        assert "All right." in practise(client, 4).content.decode(), "and one may go on practising"

    @pytest.mark.parametrize(
        ("start", "end", "said"),
        [
            ("x", "2", "Mark 1: start is &#x27;x&#x27;; it must be a number of seconds from 0 to 8."),
            ("1", "99", "Mark 1: end"),
            ("3", "2", "after the start"),
            ("nan", "2", "start"),
        ],
    )
    def test_bad_times_are_named_and_nothing_is_kept(self, ready, start, end, said):
        page = ready[0].post(f"{HOME}practice/1/", {"start": start, "end": end}).content.decode()
        assert said in page
        assert not PracticeAnswer.objects.exists()

    def test_there_are_five(self, ready):
        assert ready[0].get(f"{HOME}practice/6/").status_code == 404
        assert ready[0].get(f"{HOME}practice/0/").status_code == 404

    def test_new_instructions_are_shown_again(self, campaign, ready):
        client, _ = ready
        for number in range(1, 6):
            practise(client, number)
        campaign.instruction_version = 2
        campaign.save()
        assert client.get(HOME).headers["Location"] == f"{HOME}instructions/"
        assert "Breath is voice." in client.get(f"{HOME}instructions/").content.decode()
        client.post(f"{HOME}instructions/")
        assert take(client).status_code == 200


def answered(task: Task, by: Membership, marks=(), **extra) -> Submission:
    extra = {"lead_time": 20.0, "heard": [(0.0, 10.0)], **extra}
    return services.submit(task=task, by=by, result=label_studio.result(marks, task.clip), client_key=uuid.uuid4(), **extra)


@pytest.fixture
def open_campaign(campaign):
    campaign.onboarding = False
    campaign.save()
    return campaign


class TestOwnPage:
    def test_one_hears_what_ones_marks_changed(self, open_campaign, ann, tmp_path):
        client, member = ann
        task = services.assign_task(by=member).task
        mine = answered(task, member, [(task.start + 5, task.start + 7)])
        assert "Nothing to hear yet" in client.get("/c/gold/me/").content.decode()
        assert client.get(f"/media/changed/{mine.pk}/after.ogg").status_code == 404
        samples, rate = soundfile.read(tmp_path / "estimate.flac")
        soundfile.write(tmp_path / "child.flac", 0.1 * samples, rate)
        services.keep_estimate(track=task.track, stem="vocals", checkpoint="d" * 64, file=tmp_path / "child.flac")
        record(open_campaign, "model.promoted", before={"checkpoint": CHECKPOINT}, after={"checkpoint": "d" * 64})
        page = client.get("/c/gold/me/").content.decode()
        assert "You marked 2.0 s" in page and "20 dB quieter" in page
        before, after = (
            soundfile.read(io.BytesIO(client.get(f"/media/changed/{mine.pk}/{which}.ogg").content))[0] for which in ("before", "after")
        )
        assert np.abs(after).max() < 0.2 * np.abs(before).max()
        other, _ = person(open_campaign, "other")
        assert other.get(f"/media/changed/{mine.pk}/before.ogg").status_code == 404
        record(open_campaign, "model.rolled_back", before={"checkpoint": "d" * 64}, after={"checkpoint": CHECKPOINT})
        assert "Nothing to hear yet" in client.get("/c/gold/me/").content.decode()

    def test_a_paused_person_reads_why_and_appeals_and_a_manager_lifts_it(self, open_campaign, ann):
        open_campaign.pause_below, open_campaign.pause_after, open_campaign.gold_share = 0.6, 1, 0.5
        open_campaign.save()
        client, member = ann
        golds = gold_sounds.prepare_gold(campaign=open_campaign, n=4, separate=separated)
        open_pool(open_campaign, open_campaign.tracks.get(), 1, golds)
        while (response := take(client)).status_code == 200:
            task = Task.objects.get(pk=response.json()["task"]["id"])
            answered(task, member, [task.clip])
            services.agree_on_task(task_id=task.pk)
        assert response.status_code == 403 and response.json()["go"] == "/c/gold/me/"
        assert "You are paused" in client.get("/c/gold/me/").content.decode()
        assert client.get("/c/gold/annotate/").headers["Location"] == "/c/gold/me/"
        client.post("/c/gold/me/appeal/", {"text": "I held the key."})
        again = client.post("/c/gold/me/appeal/", {"text": "again"}, follow=True)  # from another tab
        assert "There is no pause to appeal against" in again.content.decode()
        boss, _ = person(open_campaign, "boss", "manager")
        page = boss.get("/c/gold/people/").content.decode()
        assert "I held the key." in page
        pause = access.pause_of(member)
        assert client.post(f"/c/gold/people/pauses/{pause.pk}/", {"decision": "lift"}).status_code == 403
        boss.post(f"/c/gold/people/pauses/{pause.pk}/", {"decision": "uphold", "reply": "All ten seconds?"})
        assert "All ten seconds?" in client.get("/c/gold/me/").content.decode()
        boss.post(f"/c/gold/people/pauses/{pause.pk}/", {"decision": "lift"})
        assert take(client).status_code in (200, 204)

    def test_the_leaderboard_is_there_only_if_wanted_and_weighs_reliability(self, open_campaign, ann):
        client, member = ann
        assert client.get("/c/gold/leaderboard/").status_code == 404
        open_campaign.leaderboard = True
        open_campaign.save()
        _, sloppy = person(open_campaign, "sloppy")
        from annotation.models import Reliability

        for one, sensitivity, n in ((member, 0.9, 2), (sloppy, 0.2, 3)):
            Reliability.objects.create(membership=one, sensitivity=sensitivity, specificity=0.9, onset_lag=0, offset_lag=0, n_tasks=1)
            for _ in range(n):
                answered(services.assign_task(by=one).task, one)
        page = client.get("/c/gold/leaderboard/").content.decode()
        assert page.index(">ann") < page.index(">sloppy")


class TestPeoplePage:
    def test_managers_alone_see_it(self, open_campaign, ann):
        assert ann[0].get("/c/gold/people/").status_code == 403
        assert person(open_campaign, "rev", "reviewer")[0].get("/c/gold/people/").status_code == 403
        assert person(open_campaign, "boss", "manager")[0].get("/c/gold/people/").status_code == 200

    def test_who_does_not_listen_shows(self, open_campaign, ann):
        open_pool(open_campaign, open_campaign.tracks.get(), 9)
        _, member = ann
        while assignment := services.assign_task(by=member):
            answered(assignment.task, member, lead_time=2.0, heard=None)  # came from elsewhere: the page's must have been heard
        _, honest = person(open_campaign, "honest")
        while assignment := services.assign_task(by=honest):
            answered(assignment.task, honest)
        boss, _ = person(open_campaign, "boss", "owner")
        page = boss.get("/c/gold/people/").content.decode()
        assert "answers sooner than the clip lasts (0.80)" in page and "unplayed (0.80)" in page
        assert page.index(">ann ") < page.index(">honest ")
        assert boss.get("/c/gold/").content.decode().count("/c/gold/people/") == 1
