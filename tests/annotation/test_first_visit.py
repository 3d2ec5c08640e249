"""A first visit step by step. Real rows, generated audio."""

import io
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.test import Client

from annotation import actors, services
from annotation.core import first_visit_sounds, label_studio
from annotation.core.first_visit_sounds import PRACTICE, SHOWN, practice
from annotation.models import Campaign, Consent, Draft, FirstVisit, Membership, PracticeAnswer, Submission, Task
from annotation.selectors import access
from annotation.selectors.practice import practice_of, run_of
from annotation.services import first_visit
from tests import worlds
from tests.annotation import endpoints
from tests.annotation.gold_song import campaign_with_song

pytestmark = pytest.mark.django_db
HOME = "/c/gold/welcome/"


@pytest.fixture
def campaign(tmp_path: Path, settings: Any) -> Campaign:
    settings.HOME = tmp_path
    return campaign_with_song(n_pool=3, onboarding=True, instructions="Breath is voice.")


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def client(ann: Membership) -> Client:
    """Her browser."""
    return worlds.signed_in(ann)


def right_answers(member: Membership) -> dict[str, str]:
    visit = FirstVisit.objects.get(membership=member)
    ears = {f"ear-{n}": first_visit.right_ear(visit, n) for n in range(1, first_visit.EARS + 1)}
    return ears | {f"three-{n}": str(first_visit.right_three(visit, n)[0] + 1) for n in range(1, first_visit.THREES + 1)}


def practise(client: Client, n: int, marks: Sequence[Sequence[float]] | None = None) -> Any:
    """Answer the n-th clip of the practice, rightly unless `marks` are given."""
    run, number = run_of(n)
    example = practice(run)[number - 1]
    result = label_studio.result(example.leaks if marks is None else marks, example.clip)
    return client.put(f"/api/campaigns/gold/practice/{n}/", {"result": result}, content_type="application/json")


def before_them(client: Client) -> int:
    """The number of the clip that comes next."""
    return -int(client.post("/api/campaigns/gold/practice/next/").json()["task"]["id"])


def begin_practice(client: Client, member: Membership) -> None:
    client.post(f"{HOME}consent/", {"agree": "yes"})
    client.post(f"{HOME}sound/", right_answers(member))
    client.post(f"{HOME}instructions/")


def pass_all(client: Client, member: Membership) -> None:
    begin_practice(client, member)
    for n in range(1, 6):
        practise(client, n)


class TestAccess:
    def test_the_queue_waits_until_the_first_visit_is_over(self, campaign: Campaign, client: Client, ann: Membership) -> None:
        refused = endpoints.take(client, "gold")
        assert refused.status_code == 403 and refused.json()["go"] == HOME
        assert client.get("/c/gold/annotate/").headers["Location"] == HOME
        assert services.assign_task(by=ann) is None, "whatever way they come in"
        assert "Begin" in client.get("/").content.decode()
        pass_all(client, ann)
        assert endpoints.take(client, "gold").status_code == 200
        assert client.get("/c/gold/annotate/").status_code == 200

    def test_campaigns_without_it_ask_nothing(self, campaign: Campaign, client: Client) -> None:
        campaign.onboarding = False
        campaign.save()
        assert endpoints.take(client, "gold").status_code == 200

    def test_simulated_people_go_straight_to_work(self, campaign: Campaign) -> None:
        robot = services.add_member(campaign=campaign, kind="simulated", pseudonym="simulated-01")
        assert services.assign_task(by=robot)

    def test_to_a_stranger_nothing_of_it_exists(self, campaign: Campaign) -> None:
        stranger = worlds.signed_in(worlds.user("stranger"))
        for page in ("welcome/", "welcome/consent/", "welcome/practice/", "welcome/sounds/volume.flac", "me/", "people/", "leaderboard/"):
            assert stranger.get(f"/c/gold/{page}").status_code == 404
            assert Client().get(f"/c/gold/{page}").status_code == 302

    def test_steps_come_in_order(self, client: Client, ann: Membership) -> None:
        assert client.get(HOME).headers["Location"] == f"{HOME}consent/"
        for later in ("sound/", "instructions/", "practice/"):
            assert client.get(HOME + later).headers["Location"] == HOME
        client.post(f"{HOME}sound/", {"without": "yes"})
        assert access.next_step(ann) == "consent"
        assert client.get(f"{HOME}nonsense/").status_code == 404


class TestConsent:
    def test_it_is_kept_with_its_text_and_version(self, campaign: Campaign, client: Client, ann: Membership) -> None:
        client.post(f"{HOME}consent/")
        assert access.next_step(ann) == "consent", "not without the tick"
        client.post(f"{HOME}consent/", {"agree": "yes"})
        kept = Consent.objects.get()
        assert kept.given and kept.version == 1 and "voluntary" in kept.text
        assert client.get(HOME).headers["Location"] == f"{HOME}sound/"

    def test_it_is_kept_as_it_was_read(self, client: Client, ann: Membership) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"}, headers={"accept-language": "de"})
        assert "Die Teilnahme ist freiwillig" in Consent.objects.get().text

    def test_a_new_version_asks_again_and_nothing_else(self, campaign: Campaign, client: Client, ann: Membership) -> None:
        pass_all(client, ann)
        campaign.consent_version, campaign.consent_text = 2, "The new words."
        campaign.save()
        assert endpoints.take(client, "gold").status_code == 403
        own = client.get("/c/gold/me/").content.decode()
        assert "What you agreed to" in own and "Taking part is voluntary." in own and "The new words." not in own
        assert "The text has changed since then: you are asked again before your next clip." in own
        assert "The new words." in client.get(f"{HOME}consent/").content.decode()
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert endpoints.take(client, "gold").status_code == 200
        assert Membership.objects.get(pk=ann.pk).consent_version == 2
        own = client.get("/c/gold/me/").content.decode()
        assert "The new words." in own and "The text has changed" not in own

    def test_withdrawn_for_good_it_ends_the_work_and_answers_go_along(self, campaign: Campaign, client: Client, ann: Membership) -> None:
        pass_all(client, ann)
        task = Task.objects.get(pk=endpoints.take(client, "gold").json()["task"]["id"])
        worlds.answer(task, ann)
        in_hand = endpoints.take(client, "gold").json()["task"]["id"]
        client.post("/c/gold/me/withdraw/", {"for_good": "yes", "sure": "yes"})
        assert Submission.objects.get().status == "withdrawn"
        assert endpoints.take(client, "gold").status_code == 404, "who is no member finds no campaign"
        services.expire_leases(campaign=campaign)
        assert set(Task.objects.filter(pk__in=[task.pk, in_hand]).values_list("taken", flat=True)) == {0}

    def test_answers_stay_where_only_the_work_ends(self, campaign: Campaign, client: Client, ann: Membership) -> None:
        pass_all(client, ann)
        task = Task.objects.get(pk=endpoints.take(client, "gold").json()["task"]["id"])
        worlds.answer(task, ann)
        client.post("/c/gold/me/withdraw/")
        assert Submission.objects.get().status == "accepted"

    def test_a_closed_task_whose_answers_were_all_taken_back_agrees_on_nothing(
        self, campaign: Campaign, client: Client, ann: Membership
    ) -> None:
        pass_all(client, ann)
        task = Task.objects.get(pk=endpoints.take(client, "gold").json()["task"]["id"])
        worlds.answer(task, ann)
        Task.objects.filter(pk=task.pk).update(state="closed")
        first_visit.withdraw_consent(by=ann, with_answers=True)
        assert services.agree_again_over_campaign(campaign=campaign, up_to_round=1) == []

    def test_it_can_be_withdrawn_where_no_first_visit_is_asked_for(self, campaign: Campaign, client: Client) -> None:
        campaign.onboarding = False
        campaign.save()
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert endpoints.take(client, "gold").status_code == 200
        client.post("/c/gold/me/withdraw/")
        assert endpoints.take(client, "gold").status_code == 403

    def test_withdrawn_a_page_that_is_still_open_keeps_nothing(self, client: Client, ann: Membership) -> None:
        pass_all(client, ann)
        task = endpoints.take(client, "gold").json()["task"]["id"]
        client.post("/c/gold/me/withdraw/")
        answer = {"result": [], "client_key": str(uuid.uuid4()), "heard": [[0, 10]]}
        for at in ("submission", "draft"):
            refused = client.put(f"/api/tasks/{task}/{at}/", answer, content_type="application/json")
            assert refused.status_code == 403 and "Your consent is withdrawn" in refused.json()["detail"]
        assert not Submission.objects.exists() and not Draft.objects.exists()


class TestSound:
    def test_right_answers_pass_and_another_try_draws_new_tones(self, client: Client, ann: Membership) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"})
        wrong = right_answers(ann) | {"ear-1": "both"}
        client.post(f"{HOME}sound/", wrong)
        visit = FirstVisit.objects.get()
        assert not visit.sound and visit.sound_tries == 1
        client.post(f"{HOME}sound/", right_answers(ann))
        assert FirstVisit.objects.get().sound == "passed"

    def test_an_unfinished_check_is_no_try(self, client: Client, ann: Membership) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"})
        client.post(f"{HOME}sound/", {**right_answers(ann), "three-2": "7"})
        assert FirstVisit.objects.get().sound_tries == 0

    def test_one_goes_on_without_headphones_only_after_a_try(self, client: Client, ann: Membership) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"})
        client.post(f"{HOME}sound/", {"without": "yes"})
        assert access.next_step(ann) == "sound"
        client.post(f"{HOME}sound/", right_answers(ann) | {"ear-2": "both"})
        client.post(f"{HOME}sound/", {"without": "yes"})
        assert FirstVisit.objects.get().sound == "without" and access.next_step(ann) == "instructions"

    def test_a_tone_is_on_the_side_that_is_asked_for_and_never_kept(self, client: Client) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"})
        answer = client.get(f"{HOME}sounds/ear-1.flac")
        assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Content-Type"] == "audio/flac"
        samples, _ = soundfile.read(io.BytesIO(answer.content))
        side = first_visit.right_ear(FirstVisit.objects.get(), 1)
        assert np.abs(samples).max(axis=0).argmax() == {"left": 0, "right": 1}[side]

    def test_the_web_process_makes_no_example_itself(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """SciPy would stay loaded in it for good."""
        client.post(f"{HOME}consent/", {"agree": "yes"})
        monkeypatch.setattr(first_visit_sounds, "sound", None)
        samples, rate = soundfile.read(io.BytesIO(client.get(f"{HOME}sounds/plain-vocals.flac").content))
        assert len(samples) == 8 * rate

    def test_a_worker_prepares_them_while_the_consent_is_read(
        self, client: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[str, int]] = []
        monkeypatch.setattr("annotation.pages.first_visit.send", lambda name, pk: asked.append((name, pk)))
        client.get(f"{HOME}consent/")
        assert asked == [("prepare_first_visit", campaign.pk)]
        actors.prepare_first_visit(*[pk for _, pk in asked])
        monkeypatch.setattr("annotation.files.first_visit_files.made_apart", None)
        assert client.get(f"{HOME}consent/").status_code == 200 and len(asked) == 1, "they are there"
        assert client.get(f"{HOME}sounds/practice-1.png").content.startswith(b"\x89PNG")
        assert client.get(f"{HOME}sounds/plain-removed.flac").status_code == 200

    @pytest.mark.parametrize(
        "name", ["volume", "three-3", *(f"{one.name}-vocals" for one in (SHOWN[0], PRACTICE[0])), "practice-2-mix", "practice-5_3-removed"]
    )
    def test_every_sound_is_to_be_heard(self, client: Client, name: str) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"})
        samples, rate = soundfile.read(io.BytesIO(client.get(f"{HOME}sounds/{name}.flac").content))
        assert len(samples) / rate > 2 and np.abs(samples).max() > 0.05
        assert client.get(f"{HOME}sounds/{name}.flac", headers={"Range": "bytes=0-9"}).status_code == 206

    @pytest.mark.parametrize(
        "name", ["ear-0", "ear-3", "three-9", "nothing", "practice-9-vocals", "practice-1_4-mix", "plain-picture", "ear-1-vocals"]
    )
    def test_there_are_no_others(self, client: Client, name: str) -> None:
        client.post(f"{HOME}consent/", {"agree": "yes"})
        assert client.get(f"{HOME}sounds/{name}.flac").status_code == 404


class TestPractice:
    @pytest.fixture(autouse=True)
    def ready(self, client: Client, ann: Membership) -> None:
        begin_practice(client, ann)

    def test_it_is_the_annotate_page_and_its_clips_are_no_tasks(self, client: Client, campaign: Campaign) -> None:
        assert client.get(HOME).headers["Location"] == f"{HOME}practice/"
        page = client.get(f"{HOME}practice/").content.decode()
        assert 'id="strip"' in page and 'id="mark"' in page and f'data-practice="{HOME}"' in page
        given = client.post("/api/campaigns/gold/practice/next/").json()
        assert given["task"]["id"] == -1 and given["duration"] == 8.0
        for address in (*given["task"]["data"].values(), given["picture"]):
            assert client.get(address).status_code == 200, address
        assert client.get(given["picture"]).content.startswith(b"\x89PNG")
        assert not Task.objects.filter(assignments__by__user__username="ann").exists()

    def test_after_the_answer_the_truth_is_told(self, client: Client) -> None:
        told = practise(client, 2, [(1.0, 2.4), (4.0, 5.0)]).json()
        assert "missed 7.2 to 8.8 s" in told["html"] and "too much 4.0 to 5.0 s" in told["html"]
        assert "begun 0.2 s too late at 0.8 s" in told["html"], "an edge is told of also where it counts as right"
        assert 'class="missed" x="7.2" y="0.1" width="1.6"' in told["html"]
        assert 'data-from="6.7" data-to="9.3"' in told["html"], "and is to be heard"
        (kept,) = PracticeAnswer.objects.all()
        assert (kept.run, kept.number) == (1, 2) and kept.score == told["score"]
        assert "All right." in practise(client, 1).json()["html"]

    def test_clicked_through_it_is_not_passed_and_other_clips_come(self, client: Client, ann: Membership) -> None:
        for n in range(1, 6):
            assert before_them(client) == n
            told = practise(client, n, []).json()
        assert told["progress"] == {"done": 5, "open": 0}
        assert told["run_over"] and not told["passed"] and "0.20 on these clips; 0.70 is asked for" in told["html"]
        assert access.next_step(ann) == "practice" and before_them(client) == 6
        assert endpoints.take(client, "gold").status_code == 403
        for number, example in enumerate(PRACTICE, start=1):
            practise(client, 5 + number, example.leaks)
        assert access.next_step(ann) == "practice", "the answers of the first clips do not help with the second ones"
        for n in range(11, 16):
            practise(client, n)
        assert access.next_step(ann) is None and "You are ready" in client.get(HOME).content.decode()

    def test_the_first_answer_to_a_clip_counts(self, client: Client, ann: Membership) -> None:
        for n in range(1, 6):
            practise(client, n, [])
            practise(client, n)
        assert access.next_step(ann) == "practice" and practice_of(ann).score(1) == pytest.approx(0.2)

    def test_the_campaign_sets_the_mark(self, client: Client, campaign: Campaign, ann: Membership) -> None:
        Campaign.objects.update(practice_score=0.1)
        for n in range(1, 6):
            practise(client, n, [])
        assert access.next_step(worlds.again(ann)) is None
        assert "All right." in practise(client, 6).json()["html"], "and one may go on practising"

    def test_who_has_used_up_their_tries_waits_for_a_manager(self, client: Client, campaign: Campaign, ann: Membership) -> None:
        Campaign.objects.update(practice_tries=1)
        owner = worlds.client(campaign, "owner", "owner")
        assert practise(client, 6).status_code == 403, "not before the first run is over"
        for n in range(1, 6):
            told = practise(client, n, []).json()
        assert "That was your last try" in told["html"]
        assert "You have used up your tries" in client.get(f"{HOME}practice/").content.decode()
        assert client.post("/api/campaigns/gold/practice/next/").status_code == 403 == practise(client, 6).status_code
        assert "used up the tries" in owner.get("/c/gold/people/").content.decode()
        at = f"/c/gold/people/{ann.pk}/practice/"
        assert client.post(at).status_code == 403
        owner.post(at)
        assert before_them(client) == 6 and "used up the tries" not in owner.get("/c/gold/people/").content.decode()
        for n in range(6, 11):
            practise(client, n)
        assert access.next_step(ann) is None

    def test_bad_marks_are_named_and_nothing_is_kept(self, client: Client) -> None:
        bad = label_studio.result([(1.0, 2.0)], PRACTICE[0].clip)
        bad[0]["value"]["end"] = 99.0
        refused = client.put("/api/campaigns/gold/practice/1/", {"result": bad}, content_type="application/json")
        assert refused.status_code == 400 and "value.end" in refused.json()["detail"]
        assert not PracticeAnswer.objects.exists()
        for n in (0, 10**6):
            assert client.put(f"/api/campaigns/gold/practice/{n}/", {"result": []}, content_type="application/json").status_code == 404

    def test_to_others_it_does_not_exist(self, client: Client) -> None:
        stranger = worlds.signed_in(worlds.user("stranger"))
        assert stranger.post("/api/campaigns/gold/practice/next/").status_code == 404
        assert practise(stranger, 1).status_code == 404

    def test_new_instructions_are_shown_again(self, campaign: Campaign, client: Client) -> None:
        for n in range(1, 6):
            practise(client, n)
        campaign.instruction_version = 2
        campaign.save()
        assert client.get(HOME).headers["Location"] == f"{HOME}instructions/"
        assert "Breath is voice." in client.get(f"{HOME}instructions/").content.decode()
        client.post(f"{HOME}instructions/")
        assert endpoints.take(client, "gold").status_code == 200


def test_examples_are_one_key_away_on_the_annotate_page(campaign: Campaign, client: Client, ann: Membership) -> None:
    pass_all(client, ann)
    page = client.get("/c/gold/annotate/").content.decode()
    assert 'id="examples"' in page and f"{HOME}sounds/plain-vocals.flac" in page and "Breath is voice." in page
