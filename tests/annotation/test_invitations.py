"""Invitations give a role to whoever has their link, so often and so long as their maker said; the link is kept nowhere."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.timezone import now

from annotation.models import Campaign, Event, Invitation, Membership
from annotation.services import invitations, people
from annotation.services.invitations import InvitationClosed
from annotation.services.people import NotYourDecision
from hub.accounts.models import User
from hub.logs import TOKEN
from tests import worlds

pytestmark = pytest.mark.django_db
PASSWORD = "a long word of seven"
ACCOUNT = {"username": "rita", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign(onboarding=True)


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "olga", "owner")


def invited(owner: Membership, role: str = "reviewer", **rules: Any) -> tuple[Invitation, str]:
    return invitations.invite(campaign=owner.campaign, who=owner, role=role, **rules)


def address(token: str) -> str:
    return f"/join/as/{token}/"


class TestTheLink:
    def test_a_new_account_comes_in_with_the_role_once(self, owner: Membership) -> None:
        _, token = invited(owner)
        browser = Client()
        assert "as <strong>reviewer</strong>" in browser.get(address(token)).content.decode()
        assert not Membership.objects.filter(role="reviewer").exists(), "opening it changes nothing"
        assert browser.post(address(token), ACCOUNT)["Location"] == "/c/test/"
        assert Membership.objects.get(user__username="rita").role == "reviewer"
        assert Client().get(address(token)).status_code == 410
        second = Client().post(address(token), {**ACCOUNT, "username": "late"})
        assert second.status_code == 410 and not User.objects.filter(username="late").exists()
        assert [one.what for one in Event.objects.order_by("-pk")[:2]] == ["invitation.taken", "member.joined"]

    def test_an_account_that_there_is_joins_by_a_button(self, owner: Membership) -> None:
        _, token = invited(owner, "annotator", max_uses=2)
        for name in ("ann", "ben"):
            browser = worlds.signed_in(worlds.user(name))
            assert f"Join as {name}" in browser.get(address(token)).content.decode()
            assert browser.post(address(token))["Location"] == "/c/test/welcome/"
            assert browser.get(address(token))["Location"] == "/c/test/welcome/", "who is in goes on"
        assert Client().get(address(token)).status_code == 410

    def test_a_member_gets_more_rights_by_it_and_never_fewer(self, owner: Membership) -> None:
        annotator, manager = worlds.member(owner.campaign, "ann"), worlds.member(owner.campaign, "max", "manager")
        made, _ = invited(owner, "reviewer", max_uses=5)
        assert invitations.accept(invitation=made, user=worlds.account(manager)).role == "manager"
        assert Invitation.objects.get().uses == 0
        assert invitations.accept(invitation=made, user=worlds.account(annotator)).role == "reviewer"
        assert worlds.after("member.changed") == {"role": "reviewer", "member": "ann"}

    def test_the_token_is_kept_nowhere_and_shown_once(self, owner: Membership) -> None:
        browser = worlds.signed_in(owner)
        shown = browser.post("/c/test/people/invitations/", {"role": "manager", "days": 7, "max_uses": 1}).content.decode()
        (token,) = re.findall(r"/join/as/([\w-]{43})/", shown)
        assert Client().get(address(token)).status_code == 200
        assert token not in browser.get("/c/test/people/invitations/").content.decode()
        rows = [*Invitation.objects.values(), *Event.objects.values()]
        assert token not in str(rows)
        assert TOKEN.sub(r"\1…", f"GET /join/as/{token}/?x=1") == "GET /join/as/…/?x=1"

    @pytest.mark.parametrize(
        ("change", "says"),
        [({"revoked": now()}, "withdrawn"), ({"expires": now() - timedelta(seconds=1)}, "past its time"), ({"uses": 1}, "used already")],
    )
    def test_it_lets_nobody_in_who_comes_too_late(self, owner: Membership, change: dict[str, Any], says: str) -> None:
        _, token = invited(owner)
        Invitation.objects.update(**change)
        for answer in (Client().get(address(token)), worlds.signed_in(worlds.user("ann")).post(address(token))):
            assert answer.status_code == 410 and says in answer.content.decode()
        assert not Membership.objects.filter(user__username="ann").exists()

    def test_it_ends_with_the_right_of_who_made_it(self, owner: Membership) -> None:
        manager = worlds.member(owner.campaign, "max", "manager")
        made, _ = invited(manager, "reviewer")
        people.change_role(member=manager, role="annotator", who=owner)
        with pytest.raises(InvitationClosed, match="withdrawn"):
            invitations.accept(invitation=made, user=worlds.user("ann"))

    def test_who_was_taken_out_does_not_come_back_by_it(self, owner: Membership) -> None:
        ann = worlds.member(owner.campaign, "ann")
        people.remove(member=ann, who=owner)
        _, token = invited(owner)
        assert worlds.signed_in(ann).post(address(token)).status_code == 410
        assert not worlds.again(ann).active

    def test_unknown_ones_cannot_be_tried_at_length(self) -> None:
        statuses = [Client().get(address(f"guess-{n}")).status_code for n in range(22)]
        assert statuses == [404] * 20 + [429] * 2


class TestWhoMayInvite:
    def test_managers_invite_those_they_decide_about_and_owners_everybody(self, owner: Membership) -> None:
        manager = worlds.member(owner.campaign, "max", "manager")
        for role in ("annotator", "reviewer", "researcher"):
            invited(manager, role)
        for role in ("manager", "owner", "nobody"):
            with pytest.raises(NotYourDecision):
                invited(manager, role)
        invited(owner, "owner")
        with pytest.raises(NotYourDecision):
            invited(worlds.member(owner.campaign, "rita", "reviewer"), "annotator")
        offered = worlds.signed_in(manager).get("/c/test/people/invitations/").content.decode()
        assert re.findall(r'<option value="(\w+)"', offered) == ["researcher", "reviewer", "annotator"]

    def test_what_cannot_be_is_refused(self, owner: Membership) -> None:
        with pytest.raises(ValidationError, match="max_uses"):
            invited(owner, max_uses=0)
        with pytest.raises(ValidationError, match="email"):
            invited(owner, email="nobody")

    def test_revoked_it_is_said_once(self, owner: Membership) -> None:
        made, _ = invited(owner)
        assert invitations.revoke(invitation=made, who=owner) and not invitations.revoke(invitation=made, who=owner)
        assert worlds.after("invitation.revoked") == {"invitation": made.pk, "role": "reviewer"}


class TestByEMail:
    def test_each_address_gets_a_link_of_its_own(self, owner: Membership) -> None:
        said = {"role": "reviewer", "days": 3, "emails": "ann@lab.example, ben@lab.example\nann@lab.example"}
        page = worlds.signed_in(owner).post("/c/test/people/invitations/", said).content.decode()
        assert page.count('<span class="badge good">sent</span>') == 2
        assert [one.to for one in mail.outbox] == [["ann@lab.example"], ["ben@lab.example"]]
        tokens = [re.findall(r"http://testserver/join/as/([\w-]+)/", str(one.body)) for one in mail.outbox]
        assert len({*tokens[0], *tokens[1]}) == 2
        assert "as reviewer" in mail.outbox[0].body and "Du bist" not in mail.outbox[0].body

        browser = Client()
        browser.post(address(tokens[0][0]), ACCOUNT)
        assert User.objects.get(username="rita").email == "ann@lab.example", "it came by that address"
        assert sorted(Invitation.objects.values_list("email", flat=True)) == ["", "ben@lab.example"], "a used one tells no address"

    def test_annotators_read_it_in_their_languages(self, owner: Membership) -> None:
        worlds.signed_in(owner).post("/c/test/people/invitations/", {"role": "annotator", "days": 3, "emails": "ann@lab.example"})
        (sent,) = mail.outbox
        assert sent.subject == "Invitation to the campaign Test / Einladung zur Kampagne Test"
        assert str(sent.body).index("You are invited") < str(sent.body).index("Du bist") and str(sent.body).count("/join/as/") == 2

    def test_one_that_cannot_be_sent_is_said_with_its_link(self, owner: Membership, settings: Any) -> None:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 1
        said = {"role": "reviewer", "days": 3, "emails": "ann@lab.example"}
        page = worlds.signed_in(owner).post("/c/test/people/invitations/", said).content.decode()
        assert "did not leave this site" in page and "/join/as/" in page

    @pytest.mark.parametrize("emails", ["nobody", "a@b.example " * 3 + " ".join(f"p{n}@b.example" for n in range(21))])
    def test_wrong_addresses_are_refused_together(self, owner: Membership, emails: str) -> None:
        answer = worlds.signed_in(owner).post("/c/test/people/invitations/", {"role": "reviewer", "days": 3, "emails": emails})
        assert answer.status_code == 400 and not mail.outbox and not Invitation.objects.exists()
