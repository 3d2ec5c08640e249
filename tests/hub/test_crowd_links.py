"""Crowd links as people and managers meet them: the pages, their buttons, what they say when they lead nowhere. Real rows."""

import csv
import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import now

from annotation import services
from annotation.models import Campaign, Event, Link, Membership, Participation
from annotation.services import crowd_links
from hub.accounts import joining
from hub.accounts.models import User
from tests import worlds
from tests.annotation import comers
from tests.annotation.comers import answer, invitation, prolific

pytestmark = pytest.mark.django_db
PID, QUERY = "5f" * 12, f"?PROLIFIC_PID={'5f' * 12}&STUDY_ID=study1&SESSION_ID=s1"
PASSPHRASE = "four seasons in an attic"


@pytest.fixture
def owner() -> Membership:
    return comers.owner()


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def address(link: Link) -> str:
    return f"/join/{link.token}/"


def signed_in(client: Client) -> str:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else ""


class TestAnInvitation:
    def test_signed_out_it_offers_to_sign_in_or_to_make_an_account(self, owner: Membership, client: Client) -> None:
        link = invitation(owner)
        page = client.get(address(link))
        assert f'href="/sign-in/?next=%2Fjoin%2F{link.token}%2F"' in text_of(page) and "Make an account and join" in text_of(page)
        assert Link.objects.get().uses == 0, "opening it changes nothing"

    def test_a_new_account_is_in_at_once(self, owner: Membership, client: Client) -> None:
        link = invitation(owner, max_uses=1)
        account = {"username": "ann", "password1": PASSPHRASE, "password2": PASSPHRASE}
        assert client.post(address(link), account).headers["Location"] == "/queue/"
        assert signed_in(client) == "ann" and Membership.objects.get(user__username="ann").role == "annotator"
        assert client.get(address(link)).headers["Location"] == "/queue/", "who is in goes straight on"
        other = Client().post(address(link), account | {"username": "bob"})
        assert other.status_code == 409
        assert not User.objects.filter(username="bob").exists(), "no account where there is no place"

    def test_a_weak_password_or_a_taken_name_is_refused_in_words(self, owner: Membership, client: Client) -> None:
        User.objects.create_user("Ann", password=PASSPHRASE)
        page = client.post(address(invitation(owner)), {"username": "ann", "password1": "12345678", "password2": "12345678"})
        assert page.status_code == 400 and signed_in(client) == ""
        assert "already exists" in text_of(page) and "too common" in text_of(page)

    def test_signed_in_one_joins_by_a_button(self, owner: Membership, client: Client) -> None:
        link, ann = invitation(owner), User.objects.create_user("ann")
        client.force_login(ann)
        assert "Join as ann" in text_of(client.get(address(link)))
        assert not Membership.objects.filter(user=ann).exists()
        client.post(address(link))
        assert Membership.objects.get(user=ann).role == "annotator"

    def test_the_first_visit_comes_first_where_the_campaign_has_one(self, owner: Membership, client: Client) -> None:
        Campaign.objects.update(onboarding=True)
        client.force_login(User.objects.create_user("ann"))
        assert client.post(address(invitation(owner))).headers["Location"] == "/c/test/welcome/"


class TestAPanelsLink:
    def test_it_signs_in_without_a_password_and_finds_the_account_again(self, owner: Membership, client: Client) -> None:
        link = prolific(owner)
        page = client.get(address(link) + QUERY)
        assert page.status_code == 200 and signed_in(client) == "" and not Participation.objects.exists()
        assert client.post(address(link) + QUERY).headers["Location"] == "/queue/"
        name, elsewhere = signed_in(client), Client()
        assert name.startswith("prolific-")
        elsewhere.post(address(link) + QUERY)
        assert signed_in(elsewhere) == name and Link.objects.get().uses == 1
        assert Participation.objects.get().sessions[0]["session"] == "s1"

    def test_a_plain_id_does_the_same(self, owner: Membership, client: Client) -> None:
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external")
        client.post(f"{address(link)}?id=Worker-7")
        assert Participation.objects.get().external_id == "Worker-7" and signed_in(client).startswith("external-")

    def test_whoever_else_was_signed_in_is_told_and_then_signed_out(self, owner: Membership, client: Client) -> None:
        client.force_login(worlds.account(owner))
        link = prolific(owner)
        assert "owner is signed in" in text_of(client.get(address(link) + QUERY)) and signed_in(client) == "owner"
        client.post(address(link) + QUERY)
        assert signed_in(client).startswith("prolific-")

    @pytest.mark.parametrize("query", ["", "?PROLIFIC_PID=a", "?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID=s&SESSION_ID=s", QUERY + "%3D"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_missing_or_odd_parameters_say_what_to_do(self, owner: Membership, client: Client, query: str, method: str) -> None:
        page = getattr(client, method)(address(prolific(owner)) + query)
        assert (page.status_code == 400 and "in the address" in text_of(page)) or "has no" in text_of(page)
        assert "open the study from its page there again" in text_of(page) and not Participation.objects.exists()

    @pytest.mark.parametrize("query", ["?id=undefined", "?id=null", "?id=None", "?id=%7B%7Bid%7D%7D", "?id=1&id=2"])
    def test_two_people_without_an_id_do_not_share_an_account(self, owner: Membership, client: Client, query: str) -> None:
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external")
        for one in (client, Client()):
            assert one.post(address(link) + query).status_code == 400
        assert not Participation.objects.exists() and User.objects.count() == 1

    def test_of_two_prolific_ids_none_is_taken(self, owner: Membership, client: Client) -> None:
        page = client.post(address(prolific(owner)) + QUERY + f"&PROLIFIC_PID={'6a' * 12}")
        assert page.status_code == 400 and "PROLIFIC_PID is in the address 2 times" in text_of(page)
        assert not Participation.objects.exists()

    def test_a_guarded_account_is_not_opened(self, owner: Membership, client: Client) -> None:
        link = prolific(owner)
        client.post(address(link) + QUERY)
        User.objects.filter(username=signed_in(client)).update(is_staff=True)
        elsewhere = Client()
        refused = elsewhere.post(address(link) + QUERY)
        assert refused.status_code == 403 and signed_in(elsewhere) == "" and "name and password" in text_of(refused)

    @pytest.mark.parametrize(
        ("change", "status", "said"),
        [
            ({"revoked": now()}, 410, "withdrawn this link"),
            ({"expires": now() - timedelta(days=1)}, 410, "past its time"),
            ({"max_uses": 1, "uses": 1}, 409, "As many people"),
        ],
    )
    def test_a_closed_link_says_why_and_what_to_do(
        self, owner: Membership, client: Client, change: dict[str, Any], status: int, said: str
    ) -> None:
        link = prolific(owner)
        Link.objects.update(**change)
        for page in (client.get(address(link) + QUERY), client.post(address(link) + QUERY)):
            assert page.status_code == status and said in text_of(page) and "return the study there" in text_of(page)
            assert "open the study from its page" not in text_of(page), "it stays closed"

    def test_an_unknown_link_is_a_page_and_trying_many_is_stopped(self, owner: Membership, client: Client) -> None:
        statuses = [client.get(f"/join/{n:043}/").status_code for n in range(22)]
        assert statuses == [404] * 20 + [429] * 2

    def test_pressing_the_button_again_and_again_is_stopped(
        self, owner: Membership, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(joining, "MOST_TAKEN", 3)
        link = prolific(owner)
        assert [client.post(address(link) + QUERY).status_code for _ in range(5)] == [302] * 3 + [429] * 2

    def test_accounts_are_not_made_by_the_hundred_and_managers_see_who_tried(self, owner: Membership) -> None:
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external", max_uses=20)
        pages = [Client(REMOTE_ADDR="192.0.2.1").post(f"{address(link)}?id=invented-{n}") for n in range(14)]
        assert [page.status_code for page in pages] == [302] * 10 + [429] * 4
        assert "have come in from your network" in text_of(pages[-1]) and Participation.objects.count() == 10
        assert Client(REMOTE_ADDR="192.0.2.2").post(f"{address(link)}?id=somebody").status_code == 302
        (came_from,) = set(Participation.objects.exclude(external_id="somebody").values_list("came_from", flat=True))
        manager = worlds.signed_in(owner)
        page = text_of(manager.get("/c/test/links/"))
        assert f"<code>{came_from}</code></a>: 10 people <span" in page and "more were stopped, last" in page
        assert "192.0.2.1" not in page, "addresses are not shown"
        assert "invented-9" in (page := text_of(manager.get(f"/c/test/links/?from={came_from}"))) and "somebody" not in page
        assert f"from address {came_from} for now" in text_of(manager.get("/c/test/parts/history/"))

    def test_a_manager_lets_a_class_in(self, owner: Membership, client: Client) -> None:
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external", hourly_limit=1)
        manager = worlds.signed_in(owner)
        for stated, said in (("2", "Changed"), ("0", "greater than or equal to 1"), ("many", "&#x27;many&#x27; is no number of people")):
            page = manager.post(f"/c/test/links/{link.pk}/limit/", {"hourly_limit": stated}, follow=True)
            assert said in text_of(page)
        assert [Client().post(f"{address(link)}?id=pupil-{n}").status_code for n in range(3)] == [302, 302, 429]
        client.force_login(User.objects.create_user("stranger"))
        assert client.post(f"/c/test/links/{link.pk}/limit/", {"hourly_limit": "99"}).status_code in (403, 404)

    def test_one_address_makes_no_accounts_by_an_invitation_once_it_is_stopped(self, owner: Membership) -> None:
        link = invitation(owner, hourly_limit=1)
        for name, status in (("ann", 302), ("bob", 429)):
            account = {"username": name, "password1": PASSPHRASE, "password2": PASSPHRASE}
            assert Client().post(address(link), account).status_code == status
        assert User.objects.filter(username__in=["ann", "bob"]).count() == 1

    def test_the_address_goes_to_no_other_site(self, owner: Membership, client: Client) -> None:
        page = client.get(address(prolific(owner)) + QUERY)
        assert page.headers["Referrer-Policy"] == "same-origin" and "no-store" in page.headers["Cache-Control"]
        assert not re.search(r'(?:href|src|action)="https?://', text_of(page))


class TestASessionThatIsOver:
    PAGES = ("/", "/c/test/annotate/", "/c/test/me/", "/c/test/welcome/", "/c/test/welcome/sound/", "/c/test/review/")

    def test_whoever_came_by_a_link_is_told_to_open_it_again_on_every_page(self, owner: Membership, client: Client) -> None:
        client.post(address(prolific(owner)) + QUERY)
        assert "data-by-link" in text_of(client.get("/")), "the pages' scripts know it too"
        client.session.flush()
        for page in self.PAGES:
            said = text_of(client.get(page, follow=True))
            assert "You came by a study's link and have no password: open that link again" in said.replace("&#x27;", "'"), page
        refused = client.post("/api/campaigns/test/next/")
        assert refused.status_code == 403 and refused.json()["error"] == "SignedOut" and "open that link again" in refused.json()["detail"]

    def test_others_are_told_to_sign_in(self, owner: Membership, client: Client) -> None:
        client.post(address(prolific(owner)) + QUERY)
        User.objects.create_user("ann", password=PASSPHRASE)
        client.session.flush()
        client.post("/sign-in/", {"username": "ann", "password": PASSPHRASE})
        assert signed_in(client) == "ann" and "data-by-link" not in text_of(client.get("/"))
        client.post("/sign-out/")
        for one in (client, Client()):
            assert "came by a study's link and have" not in text_of(one.get("/", follow=True)).replace("&#x27;", "'")
            assert one.post("/api/campaigns/test/next/").json()["detail"] == "You are signed out. Sign in again."


class TestTheLastPage:
    def test_the_code_comes_when_the_asked_number_is_accepted(self, owner: Membership, client: Client) -> None:
        worlds.tasks(owner.campaign, 5)
        link = prolific(owner, tasks_asked=2, completion_code="CODE-77")
        client.post(address(link) + QUERY)
        participation = Participation.objects.get()
        answer(participation)
        page = text_of(client.get("/c/test/finished/"))
        assert "1 of 2 clips answered" in page and "CODE-77" not in page and "prolific.com" not in page
        answer(participation)
        refused = client.post("/api/campaigns/test/next/")
        assert refused.status_code == 403 and refused.json()["go"] == "/c/test/finished/"
        page = text_of(client.get("/c/test/finished/"))
        assert 'value="CODE-77"' in page and 'href="https://app.prolific.com/submissions/complete?cc=CODE-77" rel="noreferrer"' in page
        assert "Nothing more is asked of you" in text_of(client.get("/"))
        assert client.post(address(link) + QUERY).headers["Location"] == "/c/test/finished/", "and once more by the link"

    def test_another_panel_gets_its_people_back(self, owner: Membership, client: Client) -> None:
        worlds.tasks(owner.campaign, 5)
        link = crowd_links.create_link(
            campaign=owner.campaign, who=owner, kind="external", tasks_asked=1, return_url="https://panel.example/end"
        )
        client.post(f"{address(link)}?id=7")
        answer(Participation.objects.get())
        assert 'href="https://panel.example/end" rel="noreferrer"' in text_of(client.get("/c/test/finished/"))

    def test_whose_place_was_reclaimed_sees_no_code_and_no_clips(self, owner: Membership, client: Client) -> None:
        worlds.tasks(owner.campaign, 5)
        link = prolific(owner, completion_code="CODE-77")
        client.post(address(link) + QUERY)
        crowd_links.reclaim(participation=Participation.objects.get(), state="returned", who=owner)
        page = text_of(client.get("/c/test/finished/"))
        assert "Your place was given back" in page and "CODE-77" not in page
        assert client.post("/api/campaigns/test/next/").json()["go"] == "/c/test/finished/"

    def test_without_a_number_it_only_says_that_a_place_was_given_back(self, owner: Membership, client: Client) -> None:
        link = crowd_links.create_link(campaign=owner.campaign, who=owner, kind="external")
        client.post(f"{address(link)}?id=7")
        assert client.get("/c/test/finished/").status_code == 404
        crowd_links.reclaim(participation=Participation.objects.get(), state="timed out", who=owner)
        assert "ran out of time" in text_of(client.get("/c/test/finished/"))

    def test_nobody_else_has_one(self, owner: Membership, client: Client) -> None:
        client.force_login(worlds.account(owner))
        assert client.get("/c/test/finished/").status_code == 404


@pytest.fixture
def manager(owner: Membership) -> Client:
    return worlds.signed_in(owner)


PAGE = "/c/test/links/"


class TestTheManagersPage:
    def test_a_link_is_made_copied_and_revoked(self, owner: Membership, manager: Client) -> None:
        made = manager.post(PAGE, {"kind": "prolific", "name": "pilot", "max_uses": 5, "tasks_asked": 3, "pay_per_task": "0.25"})
        assert made.status_code == 302
        link = Link.objects.get()
        page = text_of(manager.get(PAGE))
        assert f"http://testserver/join/{link.token}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&amp;STUDY_ID=" in page
        assert "0 of 5 places taken" in page and f'data-copy="#address-{link.pk}"' in page and "0.25" in page
        manager.post(f"{PAGE}{link.pk}/revoke/")
        assert Link.objects.get().revoked and link.token not in text_of(manager.get(PAGE))
        assert {"link.created", "link.revoked"} <= set(Event.objects.values_list("what", flat=True))

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            ({"kind": "prolific"}, "number of tasks"),
            ({"kind": "other"}, "Select a valid choice"),
            ({"kind": "external", "max_uses": "0"}, "greater than or equal to 1"),
            ({"kind": "external", "return_url": "javascript:alert(1)"}, "valid URL"),
            ({"kind": "external", "expires": "2020-01-01T00:00"}, "over already"),
            ({"kind": "prolific", "tasks_asked": "3", "study": "{{%STUDY_ID%}}"}, "This is a placeholder"),
        ],
    )
    def test_what_cannot_be_is_said_beside_its_field(self, owner: Membership, manager: Client, sent: dict[str, Any], said: str) -> None:
        page = manager.post(PAGE, sent)
        assert page.status_code == 400 and said in text_of(page) and not Link.objects.exists()

    @pytest.mark.parametrize(("decision", "state"), [("returned", "returned"), ("timed out", "timed out"), ("rejected", "rejected")])
    def test_a_manager_says_what_became_of_a_participation(
        self, owner: Membership, manager: Client, client: Client, decision: str, state: str
    ) -> None:
        client.post(address(prolific(owner)) + QUERY)
        one = Participation.objects.get()
        assert PID in text_of(manager.get(PAGE))
        manager.post(f"{PAGE}participations/{one.pk}/", {"decision": decision})
        assert Participation.objects.get().state == state
        assert manager.post(f"{PAGE}participations/{one.pk}/", {"decision": "x"}).status_code == 400

    def test_prolifics_export_is_taken_in(self, owner: Membership, manager: Client, client: Client) -> None:
        link = prolific(owner)
        client.post(address(link) + QUERY)
        file = SimpleUploadedFile("export.csv", f"Participant id,Status\n{PID},TIMED-OUT\n".encode())
        page = manager.post(f"{PAGE}{link.pk}/export/", {"file": file}, follow=True)
        assert "1 changed" in text_of(page) and Participation.objects.get().state == "timed out"
        wrong = manager.post(f"{PAGE}{link.pk}/export/", {"file": SimpleUploadedFile("x.csv", b"a,b\n")}, follow=True)
        assert "no column “Participant id”" in text_of(wrong)

    def test_the_payout_is_a_file(self, owner: Membership, manager: Client, client: Client) -> None:
        client.post(address(prolific(owner)) + QUERY)
        response = manager.get(f"{PAGE}payout.csv?rate=0.1")
        assert response.streaming and "attachment" in response.headers["Content-Disposition"]
        (row,) = csv.DictReader(io.StringIO(response.getvalue().decode()))
        assert row["external_id"] == PID and row["amount"] == "0.00"
        for rate in ("x", "-1", "NaN", "1e9"):
            assert manager.get(f"{PAGE}payout.csv?rate={rate}").status_code == 400

    @pytest.mark.parametrize("role", ["reviewer", "annotator"])
    def test_only_owners_and_managers_see_any_of_it(self, owner: Membership, role: str) -> None:
        client, link = Client(), invitation(owner)
        user = User.objects.create_user("ann")
        services.add_member(campaign=owner.campaign, user=user, role=role)
        client.force_login(user)
        assert {client.get(path).status_code for path in (PAGE, f"{PAGE}payout.csv")} == {403}
        posts = (PAGE, f"{PAGE}{link.pk}/revoke/", f"{PAGE}{link.pk}/export/", f"{PAGE}participations/1/")
        assert {client.post(path).status_code for path in posts} == {403}
        client.force_login(User.objects.create_user(f"stranger-{uuid.uuid4().hex[:4]}"))
        assert client.get(PAGE).status_code == 404
