"""The end of a campaign in the browser: ended, archived, deleted, undone; who sees what of it then. Real rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core.panels import Visit
from annotation.models import Campaign, Participation, Submission, Task
from annotation.services import crowd_links
from learner import services
from learner.models import Round
from learner.selectors import troubles
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text

PAGE = "/c/bleed/closing/"


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def ann(campaign: Campaign) -> Client:
    return worlds.client(campaign, "ann")


def press(client: Client, verb: str, **fields: str) -> str:
    return " ".join(client.post(PAGE, {"verb": verb, **fields}, follow=True).content.decode().split())


class TestEnded:
    def test_nobody_is_given_clips_and_everybody_is_thanked(self, campaign: Campaign, owner: Client, ann: Client) -> None:
        rounds.listening(campaign)
        assert "Ended: nobody is given clips" in press(owner, "end")
        assert annotating.assign_task(by=worlds.again(campaign.memberships.get(pseudonym="ann"))) is None
        assert ann.post("/api/campaigns/bleed/next/").json()["go"] == "/c/bleed/finished/"
        assert ann.get("/c/bleed/annotate/").headers["Location"] == "/c/bleed/finished/"
        assert "Bleed has ended" in text(ann, "/c/bleed/finished/") and "Thank you for wanting to help." in text(ann, "/c/bleed/finished/")
        assert "This campaign has ended." in text(ann, "/")

    def test_what_is_in_hand_may_still_be_answered(self, campaign: Campaign, owner: Client) -> None:
        rounds.listening(campaign)
        ben = worlds.member(campaign, "ben")
        task = worlds.given(ben)
        press(owner, "end")
        assert worlds.answer(task, ben, (task.start + 1, task.start + 2)).status == Submission.Status.ACCEPTED
        assert "You have given 1 answer." in text(worlds.signed_in(ben), "/c/bleed/finished/")

    def test_no_round_goes_on_but_it_can_be_frozen(self, campaign: Campaign, owner: Client) -> None:
        rounds.listening(campaign)
        press(owner, "end")
        Task.objects.update(state=Task.State.CLOSED)
        services.tick()
        assert Round.objects.get().state == Round.State.ANNOTATING
        assert "Round 1 stays as it is, with 0 of 2 answers." in text(owner, "/c/bleed/")
        assert "Pause rounds" not in text(owner, "/c/bleed/") and "Freeze now" in text(owner, "/c/bleed/")
        assert troubles() == []

    def test_opened_again_it_goes_on(self, campaign: Campaign, owner: Client, ann: Client) -> None:
        rounds.listening(campaign)
        press(owner, "end")
        assert "Open again: it goes on where it was." in press(owner, "open")
        assert annotating.assign_task(by=campaign.memberships.get(pseudonym="ann"))
        assert "you opened the campaign again" in text(owner, "/c/bleed/parts/history/")

    def test_opened_again_one_that_had_run_out_of_clips_looks_again(self, campaign: Campaign, owner: Client) -> None:
        rounds.scoring(campaign)
        Round.objects.update(state=Round.State.EXHAUSTED, finished=now())
        assert services.next_round_of(campaign) is None
        press(owner, "end")
        press(owner, "open")
        assert services.next_round_of(campaign) == 2

    def test_its_links_let_nobody_in(self, campaign: Campaign, owner: Client) -> None:
        link = crowd_links.create_link(campaign=campaign, who=campaign.memberships.get(), kind="invitation")
        press(owner, "end")
        answer = Client().get(f"/join/{link.token}/")
        assert answer.status_code == 410 and "This campaign has ended" in answer.content.decode()

    @pytest.mark.parametrize("n", [0, 1])
    def test_who_was_paid_by_a_panel_and_answered_gets_their_code(self, campaign: Campaign, owner: Client, n: int) -> None:
        rounds.listening(campaign)
        link = crowd_links.create_link(
            campaign=campaign, who=campaign.memberships.get(), kind="prolific", tasks_asked=5, completion_code="DONE1"
        )
        came = crowd_links.enter_from_panel(link=link, visit=Visit("5f" * 12, "5e" * 12, "5d" * 12))
        for _ in range(n):
            worlds.answer(worlds.given(came.membership), came.membership)
        press(owner, "end")
        page = text(worlds.signed_in(worlds.again(came.membership)), "/c/bleed/finished/")
        assert ("DONE1" in worlds.signed_in(came.membership).get("/c/bleed/finished/").content.decode()) is bool(n)
        assert "has ended" in page
        assert (Participation.objects.get().state == Participation.State.FINISHED) is bool(n)


class TestArchived:
    def test_it_is_in_no_list_and_can_be_read(self, campaign: Campaign, owner: Client, ann: Client) -> None:
        assert "In the archive: it can be read" in press(owner, "archive")
        assert "Bleed" not in text(ann, "/") and "Archived and deleted campaigns (1) Bleed archived" in text(owner, "/")
        for client in (owner, ann):
            assert client.get("/c/bleed/").status_code == client.get("/c/bleed/me/").status_code == 200
        assert owner.get("/c/bleed/people/").status_code == 200

    @pytest.mark.parametrize("path", ["settings/", "pause/", "links/", "base/", "tracks/put-back/", "me/appeal/"])
    def test_nothing_in_it_changes(self, campaign: Campaign, owner: Client, path: str) -> None:
        press(owner, "archive")
        answer = owner.post(f"/c/bleed/{path}", {"name": "Other"})
        assert answer.status_code == 409 and "in the archive: it can be read" in answer.content.decode()

    def test_no_answer_is_taken(self, campaign: Campaign, owner: Client) -> None:
        rounds.listening(campaign)
        ben = worlds.member(campaign, "ben")
        task = worlds.given(ben)
        press(owner, "archive")
        refused = worlds.signed_in(ben).put(f"/api/tasks/{task.pk}/draft/", {"result": []}, "application/json")
        assert (refused.status_code, refused.json()["error"]) == (409, "Archived")

    def test_people_still_take_their_consent_back(self, campaign: Campaign, owner: Client, ann: Client) -> None:
        press(owner, "archive")
        assert "You get no more clips" in ann.post("/c/bleed/me/withdraw/", follow=True).content.decode()
        gone = ann.post("/c/bleed/me/withdraw/", {"for_good": "yes", "sure": "yes"})
        assert gone.status_code == 200 and not campaign.memberships.filter(pseudonym="ann", user__isnull=False).exists()

    def test_taken_out_it_has_ended(self, campaign: Campaign, owner: Client) -> None:
        press(owner, "archive")
        assert "ended as it was" in press(owner, "take_out")
        campaign.refresh_from_db()
        assert campaign.archived is None and campaign.ended
        assert owner.get("/").headers["Location"] == "/c/bleed/", "who steers one campaign comes to it"


class TestDeleted:
    def test_the_page_says_what_goes_and_wants_the_name(self, campaign: Campaign, owner: Client) -> None:
        rounds.listening(campaign)
        page = text(owner, PAGE)
        assert "1 song, 2 clips, 0 answers of 1 person, 1 round, 1 checkpoint, 0" in page
        refused = owner.post(PAGE, {"verb": "delete", "name": "bled"})
        assert refused.status_code == 400 and "This is not the campaign" in refused.content.decode()
        assert Campaign.objects.get().deleted is None

    def test_to_all_but_its_owners_it_does_not_exist(self, campaign: Campaign, owner: Client, ann: Client) -> None:
        rounds.listening(campaign)
        task = worlds.given(campaign.memberships.get(pseudonym="ann"))
        manager = worlds.client(campaign, "manager", "manager")
        assert "Bleed is deleted" in press(owner, "delete", name="Bleed")
        for client in (ann, manager):
            for path in ("/c/bleed/", "/c/bleed/annotate/", "/c/bleed/me/", PAGE, f"/api/tasks/{task.pk}/submission/"):
                assert client.get(path).status_code == 404, path
            assert "Bleed" not in text(client, "/")
        assert owner.get("/c/bleed/people/").status_code == 404
        assert owner.get("/c/bleed/").headers["Location"] == PAGE
        assert "deleted, can be undone for a day" in text(owner, "/")

    def test_its_owners_undo_it(self, campaign: Campaign, owner: Client, ann: Client) -> None:
        press(owner, "delete", name="Bleed")
        assert "Bleed is back as it was." in press(owner, "restore")
        assert ann.get("/c/bleed/").status_code == 200

    def test_after_a_day_it_is_too_late(self, campaign: Campaign, owner: Client) -> None:
        press(owner, "delete", name="Bleed")
        Campaign.objects.update(deleted=now() - timedelta(days=1, minutes=1))
        assert "nobody can bring it back" in press(owner, "restore")
        assert Campaign.objects.get().deleted

    def test_its_links_are_unknown_and_its_tasks_silent(self, campaign: Campaign, owner: Client, settings: Any) -> None:
        link = crowd_links.create_link(campaign=campaign, who=campaign.memberships.get(), kind="invitation")
        press(owner, "delete", name="Bleed")
        assert Client().get(f"/join/{link.token}/").status_code == 404


@pytest.mark.parametrize("verb", ["end", "archive", "delete"])
def test_a_manager_neither_ends_nor_deletes(campaign: Campaign, verb: str) -> None:
    manager = worlds.client(campaign, "manager", "manager")
    assert manager.post(PAGE, {"verb": verb, "name": "Bleed"}).status_code == 404
    assert Campaign.objects.filter(ended=None, deleted=None).exists()
    assert "closing" not in manager.get("/c/bleed/settings/").content.decode()
