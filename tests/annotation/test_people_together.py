"""Tags and routing by them, pauses, messages, several people at once, and one person's page. Real rows."""

import uuid
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client

from annotation.actors import mail_message
from annotation.models import Assignment, Campaign, FirstVisit, Membership, Message
from annotation.selectors import access
from annotation.services import close_unanswerable_tasks, first_visit, people
from annotation.services.campaigns import change_campaign
from tests import worlds

pytestmark = pytest.mark.django_db
ASKS = "What do you hear with?\n- Headphones = headphones\n- Loudspeakers = loudspeakers"


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("olga"))


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get(role="owner")


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


@pytest.fixture
def browser(owner: Membership) -> Client:
    return worlds.signed_in(owner)


def decide(browser: Client, decision: str, *members: Membership, text: str = "") -> str:
    said = {"decision": decision, "person": [one.pk for one in members], "text": text}
    return browser.post("/c/bleed/people/decide/", said, follow=True).content.decode()


class TestQuestions:
    def test_they_are_asked_after_the_consent_where_there_are_any(self, campaign: Campaign, ann: Membership) -> None:
        Campaign.objects.update(onboarding=True)
        hers = worlds.signed_in(ann)
        hers.post("/c/bleed/welcome/consent/", {"agree": "yes"})
        assert access.next_step(worlds.again(ann)) == "sound" and hers.get("/c/bleed/welcome/questions/").status_code == 404
        Campaign.objects.update(questionnaire=ASKS)
        assert hers.get("/c/bleed/welcome/", follow=True).redirect_chain[-1][0].endswith("/questions/")
        hers.post("/c/bleed/welcome/questions/", {"question-0": "0"})
        assert worlds.again(ann).tags == ["headphones"] and access.next_step(worlds.again(ann)) == "sound"

    def test_nobody_has_to_answer_and_another_answer_replaces_the_first(self, owner: Membership, ann: Membership) -> None:
        Campaign.objects.update(questionnaire=ASKS)
        people.change_tags(member=ann, who=owner, add=["cohort 2"])
        for said, tags in (({0: [0]}, ["cohort 2", "headphones"]), ({0: [1]}, ["cohort 2", "loudspeakers"]), ({}, ["cohort 2"])):
            first_visit.answer_questions(by=worlds.again(ann), said=said)
            assert worlds.again(ann).tags == tags
        assert FirstVisit.objects.get().questions == {}

    def test_what_cannot_be_asked_is_refused_in_the_settings(self, campaign: Campaign, owner: Membership) -> None:
        with pytest.raises(ValidationError, match="questionnaire"):
            change_campaign(campaign=campaign, changes={"questionnaire": "- yes"}, who=owner)
        with pytest.raises(ValidationError, match="only_tags"):
            change_campaign(campaign=campaign, changes={"only_tags": "headphones"}, who=owner)


class TestWhoIsAsked:
    def test_clips_go_to_people_with_the_tag_alone(self, campaign: Campaign, owner: Membership, ann: Membership) -> None:
        worlds.tasks(campaign, 2)
        ben = worlds.member(campaign, "ben")
        people.change_tags(member=ben, who=owner, add=["headphones"])
        Campaign.objects.update(only_tags=["headphones", "studio"])
        assert [worlds.signed_in(one).post("/api/campaigns/bleed/next/").status_code for one in (ann, ben)] == [403, 200]
        assert "asks only some of its people" in worlds.signed_in(ann).get("/").content.decode()
        assert set(campaign.memberships.filter(access.who_is_asked(Campaign.objects.get()))) == {ben}

    def test_or_to_reviewers_alone(self, campaign: Campaign, owner: Membership, ann: Membership) -> None:
        Campaign.objects.update(only_reviewers=True)
        rita = worlds.member(campaign, "rita", "reviewer")
        assert access.is_left_out(worlds.again(ann)) and not access.is_left_out(worlds.again(rita))
        assert set(campaign.memberships.filter(access.who_is_asked(Campaign.objects.get()))) == {owner, rita}

    def test_no_clip_waits_for_those_who_are_not_asked(self, campaign: Campaign, owner: Membership, ann: Membership) -> None:
        task, ben = worlds.task(campaign), worlds.member(campaign, "ben")
        for one in (ann, ben):
            people.change_tags(member=one, who=owner, add=["headphones"])
        worlds.answer(task, ann, (1, 2))
        worlds.later(999)
        Assignment.objects.get_or_create(task=task, by=ann, defaults={"state": "done", "lease_until": task.opened})
        Campaign.objects.update(only_tags=["headphones"])
        assert close_unanswerable_tasks(campaign=Campaign.objects.get()) == 0, "ben is still to be asked"
        people.pause(member=ben, who=owner)
        assert close_unanswerable_tasks(campaign=Campaign.objects.get()) == 0, "fewer people than answers: it waits for more"
        people.change_tags(member=owner, who=owner, add=["headphones"])
        people.let_go_on(member=ben, who=owner)
        for one in (ben, owner):
            worlds.answer(task, worlds.again(one), (1, 2))
        assert worlds.agreed(task).state == "closed"


class TestPause:
    def test_who_is_paused_gets_nothing_and_reads_why(self, campaign: Campaign, ann: Membership, browser: Client) -> None:
        worlds.tasks(campaign, 2)
        assert "1 person paused." in decide(browser, "pause", ann, text="Please hear the examples again")
        hers = worlds.signed_in(ann)
        assert hers.post("/api/campaigns/bleed/next/").status_code == 403
        assert "Please hear the examples again" in hers.get("/c/bleed/me/").content.decode()
        assert "Nothing was changed." in decide(browser, "pause", ann)
        assert "1 person get clips again." in decide(browser, "go-on", ann)
        assert hers.post("/api/campaigns/bleed/next/").status_code == 200


class TestSeveral:
    def test_all_whom_the_filter_finds_are_decided_about_on_every_page(
        self, campaign: Campaign, owner: Membership, browser: Client
    ) -> None:
        for number in range(52):  # more than a page has
            worlds.member(campaign, f"cohort-{number}")
        ben = worlds.member(campaign, "ben")
        said = {"decision": "tag", "text": "here", "which": "all", "q": "COHORT"}
        assert "52 people changed." in browser.post("/c/bleed/people/decide/", said, follow=True).content.decode()
        assert campaign.memberships.filter(tags=["here"]).count() == 52 and worlds.again(ben).tags == []
        browser.post("/c/bleed/people/decide/", {"decision": "pause", "which": "all", "tag": "here", "q": "cohort-1"})
        assert campaign.memberships.exclude(paused=None).count() == 11
        page = browser.get("/c/bleed/people/?tag=here&state=paused").content.decode()
        assert "all 11 whom the filter finds" in page

    def test_too_many_at_once_are_refused(self, campaign: Campaign, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("annotation.pages.person.MOST_AT_ONCE", 0)
        assert (
            "narrow the list"
            in browser.post("/c/bleed/people/decide/", {"decision": "pause", "which": "all"}, follow=True).content.decode()
        )
        assert not campaign.memberships.exclude(paused=None).exists()

    def test_who_may_not_be_decided_about_is_left_alone(self, campaign: Campaign, owner: Membership, ann: Membership) -> None:
        ben, max_ = worlds.member(campaign, "ben"), worlds.member(campaign, "max", "manager")
        said = decide(worlds.signed_in(max_), "remove", ann, ben, owner)
        assert "2 people out of the campaign." in said and "1 person left alone: A manager does not decide about an owner." in said
        assert [worlds.again(one).active for one in (ann, ben, owner)] == [False, False, True]

    def test_tags_are_given_and_found(self, campaign: Campaign, ann: Membership, browser: Client) -> None:
        ben = worlds.member(campaign, "ben")
        decide(browser, "tag", ann, ben, text="cohort 2, trained")
        decide(browser, "untag", ben, text="trained")
        page = browser.get("/c/bleed/people/?tag=trained").content.decode()
        assert f"/people/{ann.pk}/about/" in page and f"/people/{ben.pk}/about/" not in page
        assert "is no tag" in decide(browser, "tag", ann, text="x" * 50)
        assert worlds.again(ben).tags == ["cohort 2"]

    def test_people_of_other_campaigns_are_passed_over(self, browser: Client) -> None:
        stranger = worlds.member(worlds.campaign("other"), "stranger")
        assert "Nothing was changed." in decide(browser, "pause", stranger)

    def test_it_leads_back_on_this_site_alone(self, browser: Client, ann: Membership) -> None:
        for back, to in (("/c/bleed/people/?tag=x", "/c/bleed/people/?tag=x"), ("https://evil.example/", "/c/bleed/people/")):
            said = {"decision": "pause", "person": ann.pk, "back": back}
            assert browser.post("/c/bleed/people/decide/", said)["Location"] == to


class TestMessages:
    def test_one_stands_on_their_page_and_is_mailed_where_an_address_is_known(
        self, campaign: Campaign, ann: Membership, browser: Client
    ) -> None:
        ben = worlds.member(campaign, "ben")
        worlds.account(ann).email = "ann@lab.example"
        worlds.account(ann).save()
        assert "2 people written to." in decide(browser, "message", ann, ben, text="Thank you all!")
        for message in Message.objects.all():
            for _ in range(2):
                mail_message.fn(message.pk)
        (sent,) = mail.outbox
        assert sent.to == ["ann@lab.example"] and "Thank you all!" in sent.body and "schreibt dir" in str(sent.body)
        hers = worlds.signed_in(ann)
        assert "1 new message from the lab" in hers.get("/").content.decode()
        assert "Thank you all!" in hers.get("/c/bleed/me/").content.decode()
        assert "new message" not in hers.get("/").content.decode()
        assert "Write something" in decide(browser, "message", ann) or "1 to 2000 characters" in decide(browser, "message", ann)


class TestPersonPage:
    def test_it_shows_figures_with_intervals_and_what_they_earn(
        self, campaign: Campaign, ann: Membership, browser: Client, django_assert_max_num_queries: Any
    ) -> None:
        ben = worlds.member(campaign, "ben")
        for task in worlds.tasks(campaign, 4):
            for one in (ann, ben):
                worlds.answer(task, one, (task.start + 1, task.start + 3))
            worlds.agreed(task)
        with django_assert_max_num_queries(30):
            page = browser.get(f"/c/bleed/people/{ann.pk}/about/").content.decode()
        assert "Finds of the bleed" in page and "4 answers" in page and "Too few answers to say" in page
        assert page.count("2.0 s</td>") == 4

    def test_of_a_clip_that_is_open_nothing_is_told(self, campaign: Campaign, ann: Membership, browser: Client) -> None:
        task = worlds.task(campaign)
        worlds.answer(task, ann, (task.start + 1, task.start + 3))
        page = browser.get(f"/c/bleed/people/{ann.pk}/about/").content.decode()
        assert "2.0 s" not in page and page.count('<td class="number">') == 2

    def test_annotators_and_reviewers_see_neither_it_nor_names(self, campaign: Campaign, ann: Membership) -> None:
        task, ben = worlds.task(campaign), worlds.member(campaign, "benedict")
        worlds.answer(task, ben, (task.start + 1, task.start + 3), client_key=uuid.uuid4())
        for who in (worlds.signed_in(ann), worlds.client(campaign, "rita", "reviewer")):
            assert who.get(f"/c/bleed/people/{ben.pk}/about/").status_code == 403
        hers = worlds.signed_in(ann)
        for path in ("/", "/c/bleed/", "/c/bleed/me/", "/c/bleed/me/answers/", "/c/bleed/annotate/"):
            assert "benedict" not in hers.get(path).content.decode(), path
