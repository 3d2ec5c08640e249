"""Roles given and taken, people taken out and let back, and those whom nobody shall know any more. Real rows."""

import pytest
from django.test import Client

from annotation.models import Campaign, Membership, Participation, Submission
from annotation.services import crowd_links
from annotation.services import people as service
from hub.accounts.models import User
from tests import worlds
from tests.hub import reading

pytestmark = pytest.mark.django_db
ROLES = [str(role) for role in Membership.Role]


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("owner"))


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.signed_in(worlds.user("owner"))


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return worlds.member(campaign)


def decide(client: Client, about: Membership, decision: str, **more: str) -> str:
    answer = client.post(f"/c/bleed/people/{about.pk}/", {"decision": decision, **more}, follow=True)
    return answer.content.decode()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("now", ROLES)
@pytest.mark.parametrize("decider", ["owner", "manager"])
def test_owners_decide_about_everybody_and_managers_about_who_manages_nothing(
    campaign: Campaign, decider: str, now: str, role: str
) -> None:
    who = worlds.member(campaign, "decider", decider)
    member = worlds.member(campaign, "member", now)
    low = {"annotator", "reviewer", "researcher"}
    if decider == "owner" or {now, role} <= low:
        assert service.change_role(member=member, role=role, who=who) == (now != role)
        assert Membership.objects.get(pk=member.pk).role == role
    else:
        with pytest.raises(service.NotYourDecision):
            service.change_role(member=member, role=role, who=who)
        assert Membership.objects.get(pk=member.pk).role == now


@pytest.mark.parametrize("decision", ["role", "remove", "anonymise"])
def test_a_campaign_keeps_an_owner(campaign: Campaign, owner: Client, decision: str) -> None:
    me = Membership.objects.get(role="owner")
    assert "A campaign keeps an owner" in decide(owner, me, decision, role="annotator", sure="yes")
    me.refresh_from_db()
    assert (me.role, me.active, me.user) == ("owner", True, worlds.user("owner"))


def test_a_role_is_given_on_the_page_and_told(campaign: Campaign, owner: Client, ann: Membership) -> None:
    assert "ann is reviewer now." in decide(owner, ann, "role", role="reviewer")
    assert worlds.signed_in(ann).get("/c/bleed/review/").status_code == 200
    assert "made ann reviewer, who was annotator" in reading.text(owner, "/c/bleed/parts/history/")


def test_who_is_taken_out_comes_in_no_more_until_let_back(campaign: Campaign, owner: Client, ann: Membership) -> None:
    decide(owner, ann, "remove")
    assert worlds.signed_in(ann).get("/c/bleed/").status_code == 404
    assert "Nothing was changed." in decide(owner, ann, "remove")
    decide(owner, ann, "let-back")
    assert worlds.signed_in(ann).get("/c/bleed/").status_code == 200


def test_answers_go_along_where_that_is_asked(campaign: Campaign, owner: Client, ann: Membership) -> None:
    task = worlds.task(campaign)
    worlds.answer(task, ann, (task.start + 1, task.start + 2))
    decide(owner, ann, "remove")
    assert Submission.objects.get().status == "accepted"
    decide(owner, ann, "let-back")
    assert "1 of their answers count nowhere" in decide(owner, ann, "remove", answers="yes")
    assert Submission.objects.get().status == "withdrawn"


def test_of_who_is_forgotten_nothing_tells_who_it_was(campaign: Campaign, owner: Client) -> None:
    from annotation.core.panels import Visit

    me = Membership.objects.get(role="owner")
    link = crowd_links.create_link(campaign=campaign, who=me, kind="external", tasks_asked=5, max_uses=5)
    member = crowd_links.enter_from_panel(link=link, visit=Visit("PANEL-ID-77", "study", "session"), came_from="abcd1234").membership
    account, name = worlds.account(member), member.pseudonym
    task = worlds.task(campaign)
    worlds.answer(task, member, (task.start + 1, task.start + 2))
    assert "tick “for good”" in decide(owner, member, "anonymise")
    member.refresh_from_db()
    assert member.user == account
    decide(owner, member, "anonymise", sure="yes")
    member.refresh_from_db()
    assert member.user is None and not member.active and member.pseudonym.startswith("anonymous-")
    assert not User.objects.filter(pk=account.pk).exists()
    kept = Participation.objects.get()
    assert (kept.external_id, kept.came_from, kept.sessions) == ("", "", [])
    assert Submission.objects.get().status == "accepted"
    assert not any(name in str(event.after) for event in campaign.events.all())
    assert "Nothing was changed." in decide(owner, member, "let-back")


@pytest.mark.parametrize("password", ["a long enough passphrase", None], ids=["by password", "by a provider"])
def test_an_account_of_their_own_stays(campaign: Campaign, owner: Client, ann: Membership, password: str | None) -> None:
    account = worlds.account(ann)
    account.set_password(password)
    account.save()
    crowd_links.join_by_invitation(link=crowd_links.create_link(campaign=campaign, who=ann, kind="invitation"), user=account)
    decide(owner, ann, "anonymise", sure="yes")
    assert User.objects.filter(pk=account.pk).exists()


@pytest.mark.parametrize(("role", "status"), [("manager", 302), ("reviewer", 403), ("annotator", 403)])
def test_who_may_decide_at_all(campaign: Campaign, ann: Membership, role: str, status: int) -> None:
    client = worlds.client(campaign, "someone", role)
    assert client.post(f"/c/bleed/people/{ann.pk}/", {"decision": "remove"}).status_code == status


def test_people_of_other_campaigns_are_not_there(campaign: Campaign, owner: Client) -> None:
    stranger = worlds.member(worlds.campaign("other"), "stranger")
    assert owner.post(f"/c/bleed/people/{stranger.pk}/", {"decision": "remove"}).status_code == 404
