"""Consent withdrawn for good: answers taken back, nobody known any more; and one's own data, without others'."""

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from annotation.core.panels import Visit
from annotation.models import Campaign, Draft, Event, Membership, Note, Participation, Submission
from annotation.selectors.own_data import own_data
from annotation.services import crowd_links, first_visit, leaving, people
from annotation.services.notes import write_note
from hub.accounts.models import User
from tests import worlds

pytestmark = pytest.mark.django_db
FOR_GOOD = {"for_good": "yes", "sure": "yes"}


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("owner"))


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    """With two answers, a draft and a note."""
    ann = worlds.member(campaign)
    worlds.account(ann).set_password("a long word of seven")
    worlds.account(ann).save()
    first_visit.give_consent(by=ann)
    tasks = worlds.tasks(campaign, 3)
    worlds.answer(tasks[0], ann, (1, 2), (4, 5))
    worlds.answer(tasks[1], ann)
    Draft.objects.create(task=worlds.given(ann), by=ann, result=[])
    write_note(task=tasks[0], by=ann, text="I am Ann of Graz", client_key=uuid.uuid4())
    return ann


class TestForGood:
    def test_what_they_gave_is_taken_back_and_nothing_tells_who_it_was(self, campaign: Campaign, ann: Membership) -> None:
        people.change_role(member=ann, role="reviewer", who=campaign.memberships.get(role="owner"))
        browser = worlds.signed_in(ann)
        page = browser.post("/c/bleed/me/withdraw/", FOR_GOOD).content.decode()
        assert "2 answers were taken back" in page
        assert set(Submission.objects.values_list("status", flat=True)) == {"withdrawn"}
        left = worlds.again(ann)
        assert left.user is None and not left.active and left.pseudonym.startswith("anonymous-")
        assert not Draft.objects.exists() and Note.objects.get().text == "(taken back)"
        assert not any("ann" in (event.after or {}).values() for event in Event.objects.all())
        assert browser.get("/c/bleed/me/").status_code == 404
        assert User.objects.filter(username="ann").exists(), "an account of their own stays"
        latest = list(Event.objects.order_by("-pk").values_list("what", flat=True)[:2])
        assert latest == ["member.anonymised", "consent.withdrawn"]

    def test_the_account_of_a_link_goes_with_it(self, campaign: Campaign) -> None:
        owner = campaign.memberships.get(role="owner")
        link = crowd_links.create_link(campaign=campaign, who=owner, kind="external", tasks_asked=5, max_uses=5, pay_per_task="0.2")
        member = crowd_links.enter_from_panel(link=link, visit=Visit("panel-77"), came_from="").membership
        browser = worlds.signed_in(member)
        worlds.answer(worlds.task(campaign), member)
        assert "What is taken back is not paid" in browser.get("/c/bleed/me/").content.decode()
        assert "Your account here is gone too." in browser.post("/c/bleed/me/withdraw/", FOR_GOOD).content.decode()
        assert not User.objects.filter(username__startswith="external-").exists()
        assert Participation.objects.get().external_id == ""
        assert browser.get("/")["Location"].startswith("/sign-in/")

    def test_it_asks_whether_they_are_sure(self, ann: Membership) -> None:
        worlds.signed_in(ann).post("/c/bleed/me/withdraw/", {"for_good": "yes"})
        assert worlds.again(ann).active and set(Submission.objects.values_list("status", flat=True)) == {"accepted"}

    def test_the_last_owner_makes_another_one_first(self, campaign: Campaign) -> None:
        owner = worlds.signed_in(worlds.user("owner"))
        said = owner.post("/c/bleed/me/withdraw/", FOR_GOOD, follow=True).content.decode()
        assert "A campaign keeps an owner" in said
        assert campaign.memberships.get().user == worlds.user("owner")

    def test_to_stop_takes_nothing_back(self, ann: Membership) -> None:
        worlds.signed_in(ann).post("/c/bleed/me/withdraw/")
        assert set(Submission.objects.values_list("status", flat=True)) == {"accepted"}
        assert worlds.again(ann).user is not None


OF_THEIRS = {
    *("annotation.Submission.by", "annotation.Assignment.by", "annotation.Draft.by", "annotation.Note.by", "annotation.Consent.membership"),
    *("annotation.FirstVisit.membership", "annotation.PracticeAnswer.membership", "annotation.Pause.membership"),
    *("annotation.Participation.membership", "annotation.Reliability.membership", "annotation.Message.to", "annotation.Event.who"),
    *("annotation.Note.person", "annotation.Reply.by", "annotation.Referral.to", "annotation.Preference.by"),
    "ml_backend.Colleague.member",
    "learner.SentSong.who",
}
OF_THE_CAMPAIGN = {
    *("annotation.Referral.by", "annotation.Pause.decided_by", "annotation.Consensus.by", "annotation.Link.made_by"),
    *(
        "annotation.Invitation.made_by",
        "annotation.Message.by",
        "annotation.Track.set_aside_by",
        "learner.Intake.who",
        "learner.Export.who",
        "learner.DataImport.who",
        "learner.ChosenBase.who",
        "learner.UploadedBase.who",
        "learner.Remake.who",
        "learner.WrittenCheckpoint.who",
    ),
}
"""What somebody decided for the campaign: it says nothing of them, and the history names it."""


class TestOwnData:
    def test_every_row_that_belongs_to_a_person_is_in_it_or_said_to_be_the_campaigns(self) -> None:
        rows = {
            f"{model._meta.label}.{field.name}"
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if field.concrete and field.related_model is Membership
        }
        assert rows == OF_THEIRS | OF_THE_CAMPAIGN, "annotation/selectors/own_data.py"

    def test_it_holds_what_they_gave_and_nothing_of_others(self, campaign: Campaign, ann: Membership) -> None:
        ben = worlds.member(campaign, "ben")
        worlds.answer(Submission.objects.order_by("pk")[0].task, ben, (3, 4))
        found = unpacked(worlds.signed_in(ann).get("/c/bleed/me/data.zip"))
        assert found["profile"]["pseudonym"] == "ann" and found["profile"]["account"]["username"] == "ann"
        assert [len(one["marks"]) for one in found["answers"]] == [2, 0]
        assert found["answers"][0]["marks"][0] == {"start": 1.0, "end": 2.0, "tag": ""}
        assert found["plays"][0]["heard"] == [[0.0, 15.0]]
        assert len(found["drafts"]) == 1 and found["notes"][0]["messages"][0]["text"] == "I am Ann of Graz"
        assert found["consents"][0]["given"] and found["consents"][0]["text"]
        assert "ben" not in json.dumps(found)

    def test_it_tells_no_song_before_its_round_is_closed(self, campaign: Campaign, ann: Membership) -> None:
        assert {one["song"] for one in dict(own_data(worlds.again(ann)))["answers"]} == {None}
        Campaign.objects.update(frozen=Submission.objects.latest("created").created)
        assert {one["song"] for one in dict(own_data(worlds.again(ann)))["answers"]} == {"song"}
        assert "gold" not in json.dumps(own_data(worlds.again(ann)), default=str)

    def test_nobody_gets_anothers(self, campaign: Campaign) -> None:
        assert Client().get("/c/bleed/me/data.zip").status_code == 302
        assert worlds.client(worlds.campaign("other"), "stranger").get("/c/bleed/me/data.zip").status_code == 404


def unpacked(answer: Any) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert "What this site keeps" in archive.read("README.txt").decode()
        return {name.removesuffix(".json"): json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


def test_a_worker_is_asked_to_flag_what_learned_from_it(ann: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(leaving, "send", lambda actor, pk: asked.append((actor, pk)))
    leaving.withdraw(by=ann)
    assert asked == [("flag_checkpoints", ann.pk)]
