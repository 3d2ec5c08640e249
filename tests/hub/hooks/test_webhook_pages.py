"""The pages of webhooks: what managers choose and see, and what nobody is shown twice."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Membership
from hub.api.webhooks import sending, signing
from hub.api.webhooks.kinds import KINDS
from hub.api.webhooks.models import Delivery, Webhook
from tests import worlds
from tests.hub.hooks.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("olga"))


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get()


@pytest.fixture
def browser(owner: Membership) -> Client:
    return worlds.signed_in(owner)


@pytest.fixture
def receiver(settings: Any) -> Any:
    with receiving() as one:
        settings.OUTGOING_HOSTS = ["127.0.0.1"]
        yield one


@pytest.fixture
def webhook(browser: Client, receiver: Receiver) -> Webhook:
    browser.post("/c/bleed/webhooks/", {"url": f"{receiver.url}/T0/secret-path", "events": ["task.closed"], "active": "on"})
    return Webhook.objects.get()


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return html.unescape(answer.content.decode())


def test_one_is_made_and_its_secret_shown_once(browser: Client, webhook: Webhook) -> None:
    door = f"/c/bleed/webhooks/{webhook.pk}/"
    assert signing.secret_of(webhook) in text(browser.get(door))
    assert "whsec_" not in text(browser.get(door))
    assert "127.0.0.1" in text(browser.get("/c/bleed/webhooks/"))
    assert "/c/bleed/webhooks/" in text(browser.get("/c/bleed/settings/"))


def test_the_form_has_a_sentence_for_each_kind_and_names_what_is_wrong(browser: Client) -> None:
    page = text(browser.get("/c/bleed/webhooks/"))
    assert all(kind.sentence in page for kind in KINDS.values())
    for url, said in {
        "https://10.1.2.3/": "OUTGOING_HOSTS",
        "http://localhost:8000/": "OUTGOING_HOSTS",
        "http://169.254.169.254/latest/": "OUTGOING_HOSTS",
        "ftp://x.example": "begins with https",
    }.items():
        refused = browser.post("/c/bleed/webhooks/", {"url": url, "events": ["task.closed"]})
        assert refused.status_code == 400 and said in html.unescape(refused.content.decode())
    for events in ([], ["task.closed", "member.tagged"]):
        assert browser.post("/c/bleed/webhooks/", {"url": "https://1.1.1.1/", "events": events}).status_code == 400
    assert not Webhook.objects.exists()


def test_a_campaign_has_so_many_at_most(browser: Client, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.api.webhooks.services.MOST", 1)
    assert browser.post("/c/bleed/webhooks/", {"url": webhook.url, "events": ["task.closed"]}).status_code == 400


def test_it_is_changed_given_another_secret_and_removed_and_the_history_says_so(
    browser: Client, owner: Membership, webhook: Webhook, receiver: Receiver
) -> None:
    door, first = f"/c/bleed/webhooks/{webhook.pk}/", signing.secret_of(webhook)
    browser.post(door, {"url": f"{receiver.url}/T1/other-path", "events": ["task.closed", "job.failed"]})
    webhook.refresh_from_db()
    assert (webhook.events, webhook.active) == (["task.closed", "job.failed"], False)
    assert "switched off" in text(browser.get(door))
    browser.post(f"{door}secret/")
    webhook.refresh_from_db()
    second = signing.secret_of(webhook)
    assert second != first and second in text(browser.get(door))
    browser.post(f"{door}remove/")
    assert browser.get(door).status_code == 404
    page = text(browser.get("/c/bleed/audit/?thing=webhook"))
    for said in ("made a webhook to 127.0.0.1", "changed the webhook", "another secret", "removed the webhook"):
        assert said in page
    assert not re.search("secret-path|other-path|/T[01]/|whsec_", page), "the path of an address may be a password"


def test_a_test_is_sent_at_once_and_what_came_back_is_shown(browser: Client, webhook: Webhook, receiver: Receiver) -> None:
    door = f"/c/bleed/webhooks/{webhook.pk}/"
    receiver.answer = lambda handler, got: (503, b"<script>alert(1)</script>")
    Webhook.objects.update(active=False)
    browser.post(f"{door}test/")
    assert "every 3s" in text(browser.get(door))
    assert sending.work() == 1 and sending.work() == 0
    page = browser.get(door).content.decode()
    assert ">503<" in page and "given up" in page and "&lt;script&gt;" in page and "<script>alert" not in page
    receiver.answer = lambda handler, got: (200, b"")
    browser.post(f"{door}deliveries/{Delivery.objects.get().pk}/again/")
    assert sending.work() == 1
    assert "delivered" in text(browser.get(f"{door}?state=delivered"))
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


def test_one_of_another_campaign_is_not_there(browser: Client, webhook: Webhook) -> None:
    other = worlds.campaign("other", owner=worlds.user("otto"))
    theirs = worlds.signed_in(other.memberships.get())
    door = f"/c/other/webhooks/{webhook.pk}/"
    assert theirs.get(door).status_code == 404
    for verb in ("test", "secret", "remove", "deliveries/1/again"):
        assert theirs.post(f"{door}{verb}/").status_code == 404


def test_the_pages_ask_few_questions(browser: Client, webhook: Webhook, django_assert_max_num_queries: Any) -> None:
    Delivery.objects.bulk_create(Delivery(webhook=webhook, what="task.closed") for _ in range(60))
    browser.get(f"/c/bleed/webhooks/{webhook.pk}/")
    for door in ("/c/bleed/webhooks/", f"/c/bleed/webhooks/{webhook.pk}/"):
        with django_assert_max_num_queries(15):
            browser.get(door)
