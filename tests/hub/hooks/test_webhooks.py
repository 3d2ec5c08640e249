"""Webhooks: nothing is lost, nobody waits for a server that hangs, nothing leaves that should not."""

import base64
import json
import re
import time
from datetime import timedelta
from http.server import HTTPServer
from threading import Barrier, Event, Lock, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils.timezone import now

from annotation.events import record
from annotation.models import Campaign, Membership
from hub import outgoing
from hub.api.webhooks import sending, services, signing
from hub.api.webhooks.kinds import GROUPS, KINDS, payload
from hub.api.webhooks.models import Delivery, Sender, Webhook
from hub.home import ROOT
from hub.notices.models import Notice
from hub.pages.words import SENTENCES
from learner.services import delete_campaign, restore_campaign
from tests import worlds
from tests.hub.hooks.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
WAITING, DELIVERED, GIVEN_UP = Delivery.State.WAITING, Delivery.State.DELIVERED, Delivery.State.GIVEN_UP


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("olga"))


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get()


@pytest.fixture
def receiver(settings: Any) -> Any:
    with receiving() as one:
        settings.OUTGOING_HOSTS = ["127.0.0.1"]
        yield one


@pytest.fixture
def webhook(campaign: Campaign, receiver: Receiver) -> Webhook:
    return made(campaign, receiver)


def made(campaign: Campaign, receiver: Receiver, *events: str) -> Webhook:
    chosen = events or ("task.closed", "task.contested", "round.finished")
    return services.make_webhook(campaign=campaign, url=f"{receiver.url}/in", events=chosen, who=None)


def closed(campaign: Campaign, task: int = 7) -> Any:
    return record(campaign, "task.closed", after={"task": task, "regions": 2, "certainty": 0.9})


def later(**time: float) -> None:
    """As much time goes by, as far as webhooks know."""
    gone = timedelta(**time)
    Delivery.objects.update(since=F("since") - gone, due=F("due") - gone, created=F("created") - gone)
    Webhook.objects.update(rests_until=F("rests_until") - gone)


def types(receiver: Receiver) -> list[str]:
    return [json.loads(got.body)["type"] for got in receiver.got]


class TestWhatIsKept:
    def test_an_event_and_what_is_told_of_it_are_there_both_or_neither(self, campaign: Campaign, webhook: Webhook) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            closed(campaign)
            assert Delivery.objects.count() == 1
            raise ZeroDivisionError
        assert Delivery.objects.count() == 0
        event = closed(campaign)
        one = Delivery.objects.get()
        assert (one.webhook, one.event, one.what, one.about, one.state) == (webhook, event, "task.closed", "task 7", WAITING)

    def test_only_what_was_chosen_in_that_campaign_while_it_was_on(self, campaign: Campaign, webhook: Webhook, owner: Membership) -> None:
        record(campaign, "job.done", after={"job": 1})
        closed(worlds.campaign("other"))
        services.change_webhook(webhook=webhook, url=webhook.url, events=webhook.events, active=False, who=owner)
        closed(campaign)
        services.remove_webhook(webhook=webhook, who=owner)
        closed(campaign)
        assert not Delivery.objects.exists()

    def test_it_costs_an_event_no_question_more(self, campaign: Campaign, webhook: Webhook, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            closed(campaign)

    def test_what_is_about_one_thing_is_known_by_it(self, campaign: Campaign, receiver: Receiver) -> None:
        made(campaign, receiver, *KINDS)
        record(campaign, "submission.kept", after={"task": 7})
        record(campaign, "feedback.frozen", after={"round": 2})
        record(campaign, "track.added", after={"track": 3})
        record(campaign, "campaign.paused")
        record(campaign, "round.empty", after={})
        about = ["task 7", "round 2", "track 3", "", ""]
        assert list(Delivery.objects.order_by("pk").values_list("about", flat=True)) == about


class TestSending:
    def test_it_is_sent_signed(self, campaign: Campaign, webhook: Webhook, receiver: Receiver) -> None:
        event = closed(campaign)
        assert sending.work() == 1
        (got,) = receiver.got
        assert (got.method, got.path, got.headers["content-type"]) == ("POST", "/in", "application/json")
        when = event.when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = {"campaign": {"id": campaign.pk, "slug": "bleed"}, "event": event.pk, "task": 7, "regions": 2, "certainty": 0.9}
        assert json.loads(got.body) == {"type": "task.closed", "timestamp": when, "data": data}
        secret = base64.b64decode(signing.secret_of(webhook).removeprefix("whsec_"))
        key, at = got.headers["webhook-id"], int(got.headers["webhook-timestamp"])
        assert got.headers["webhook-signature"] == signing.signature(secret, key, at, got.body)
        one = Delivery.objects.get()
        assert (one.state, one.tries, one.status, one.said, one.key) == (DELIVERED, 1, 200, "thanks", key)
        assert one.seconds is not None and abs(at - time.time()) < 60
        assert sending.work() == 0

    def test_the_signature_is_that_of_standard_webhooks(self) -> None:
        """The example of their reference libraries."""
        secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        signed = signing.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_the_receiver_of_the_documentation_takes_what_is_ours_and_nothing_else(
        self, campaign: Campaign, owner: Membership, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.OUTGOING_HOSTS = ["127.0.0.1"]
        (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)
        *lines, last = code.strip().splitlines()
        assert last.startswith("HTTPServer") and len([*filter(None, lines), last]) <= 15
        names: dict[str, Any] = {}
        webhook = Webhook.objects.create(campaign=campaign, events=["task.closed"], nonce=signing.new_nonce())
        monkeypatch.setenv("WEBHOOK_SECRET", signing.secret_of(webhook))
        exec("\n".join(lines), names)
        monkeypatch.setattr(names["Receiver"], "log_message", lambda *_: None)
        with HTTPServer(("127.0.0.1", 0), names["Receiver"]) as server:
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            Webhook.objects.update(url=f"http://127.0.0.1:{server.server_port}/")
            closed(campaign)
            sending.work()
            services.rotate_secret(webhook=webhook, who=owner)  # it goes on for a day with the old one
            closed(campaign)
            sending.work()
            Webhook.objects.update(rotated=now() - timedelta(days=2))
            closed(campaign)
            sending.work()
            server.shutdown()
            thread.join()
        assert list(Delivery.objects.order_by("pk").values_list("status", flat=True)) == [200, 200, 401]

    def test_what_fails_is_tried_again_ever_more_seldom(self, campaign: Campaign, webhook: Webhook, receiver: Receiver) -> None:
        receiver.answer = lambda handler, got: (500, b"oh no " * 1000)
        closed(campaign)
        waited = []
        for pause in sending.PAUSES[:4]:
            assert sending.work() == 1 and sending.work() == 0
            one = Delivery.objects.get()
            assert one.tried is not None
            waited.append(round((one.due - one.tried).total_seconds()))
            later(seconds=pause + 1)
        assert waited == [5, 30, 120, 600]
        assert (one.state, one.status, one.tries, len(one.said)) == (WAITING, 500, 4, 1024)
        receiver.answer = lambda handler, got: (204, b"")
        assert sending.work() == 1
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        assert Delivery.objects.get().state == DELIVERED
        webhook.refresh_from_db()
        assert (webhook.failures, webhook.rests_until) == (0, None)

    def test_after_a_day_it_is_given_up_with_a_notice_to_managers(
        self, campaign: Campaign, owner: Membership, webhook: Webhook, receiver: Receiver
    ) -> None:
        worlds.member(campaign, "ann")
        receiver.answer = lambda handler, got: (500, b"")
        closed(campaign)
        closed(campaign, task=8)
        n = 0
        while Delivery.objects.filter(state=WAITING).exists() and n < 60:
            n += sending.work()
            later(hours=2)
        assert 8 <= n <= 30
        assert set(Delivery.objects.values_list("state", flat=True)) == {GIVEN_UP}
        notice = Notice.objects.get()  # one for both
        assert notice.user == owner.user
        page = worlds.signed_in(owner).get("/notices/").content.decode()
        assert "The webhook to 127.0.0.1 could not be delivered for a day" in page
        assert worlds.signed_in(owner).get(f"/notices/{notice.pk}/")["Location"] == f"/c/bleed/webhooks/{webhook.pk}/"

    def test_what_is_about_one_clip_waits_for_what_was_before(self, campaign: Campaign, webhook: Webhook, receiver: Receiver) -> None:
        receiver.answer = lambda handler, got: (500 if json.loads(got.body)["data"].get("task") == 7 else 200, b"")
        record(campaign, "task.contested", after={"task": 7})
        closed(campaign, task=7)
        closed(campaign, task=8)
        sending.work()
        later(seconds=3)
        Webhook.objects.update(rests_until=None)
        sending.work()
        assert [json.loads(got.body)["data"]["task"] for got in receiver.got] == [7, 8]
        later(seconds=5)
        receiver.answer = lambda handler, got: (200, b"")
        sending.work()
        assert types(receiver)[2:] == ["task.contested", "task.closed"]

    def test_a_server_that_is_gone_is_told_nothing_more(self, campaign: Campaign, webhook: Webhook, receiver: Receiver) -> None:
        receiver.answer = lambda handler, got: (410, b"")
        closed(campaign)
        sending.work()
        closed(campaign)
        webhook.refresh_from_db()
        assert not webhook.active and Delivery.objects.get().state == GIVEN_UP
        assert campaign.events.filter(what="webhook.gone").exists()

    def test_a_redirect_is_a_failure_and_not_followed(self, campaign: Campaign, webhook: Webhook, receiver: Receiver) -> None:
        receiver.answer = lambda handler, got: (302, b"")
        closed(campaign)
        sending.work()
        assert (Delivery.objects.get().status, Delivery.objects.get().state, len(receiver.got)) == (302, WAITING, 1)

    def test_an_address_that_has_come_to_lead_inside_is_not_reached(
        self, campaign: Campaign, webhook: Webhook, receiver: Receiver, settings: Any
    ) -> None:
        settings.OUTGOING_HOSTS = []
        closed(campaign)
        sending.work()
        one = Delivery.objects.get()
        assert receiver.got == [] and (one.status, one.state) == (None, WAITING) and "OUTGOING_HOSTS" in one.said

    def test_a_server_that_hangs_holds_up_nobody_else(
        self, campaign: Campaign, webhook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "LIMITS", outgoing.Limits(seconds=30))
        told = Event()

        def tell(handler: Any, got: Any) -> tuple[int, bytes]:
            if len(receiver.got) == 3:
                told.set()
            return 200, b""

        receiver.answer = tell
        with receiving() as hanging:
            hanging.answer = lambda handler, got: (200 if told.wait(20) else 500, b"")  # until the other was told all
            slow = made(campaign, hanging)
            for task in range(3):
                closed(campaign, task)
            sending.work()
        assert len(receiver.got) == 3
        assert set(Delivery.objects.filter(webhook=slow).values_list("status", flat=True)) == {200}

    def test_at_most_one_at_a_time_goes_to_a_webhook_and_several_to_all(self, campaign: Campaign, receiver: Receiver) -> None:
        both, lock, under_way, most = Barrier(2), Lock(), set[str](), list[int]()

        def together(handler: Any, got: Any) -> tuple[int, bytes]:
            with lock:
                assert got.path not in under_way
                under_way.add(got.path)
                most.append(len(under_way))
            both.wait(20)
            with lock:
                under_way.remove(got.path)
            return 200, b""

        receiver.answer = together
        for path in ("a", "b"):
            services.make_webhook(campaign=campaign, url=f"{receiver.url}/{path}", events=["task.closed"], who=None)
        for task in range(2):
            closed(campaign, task)
        assert sending.work() == 4
        assert max(most) == 2 and set(Delivery.objects.values_list("status", flat=True)) == {200}

    def test_what_a_worker_took_that_died_is_taken_again(self, campaign: Campaign, webhook: Webhook) -> None:
        closed(campaign)
        assert sending.take([]) and not sending.take([])
        later(seconds=61)
        assert sending.take([])

    def test_a_deleted_campaign_tells_nothing_until_it_is_back(
        self, campaign: Campaign, owner: Membership, webhook: Webhook, receiver: Receiver
    ) -> None:
        closed(campaign)
        delete_campaign(campaign=campaign, typed=campaign.name, who=owner)
        assert sending.work() == 0
        restore_campaign(campaign=campaign, who=owner)
        assert sending.work() == 1

    def test_a_worker_is_asked_once_and_again_when_it_is_done_or_dead(self, campaign: Campaign, webhook: Webhook) -> None:
        assert not sending.ask()
        closed(campaign)
        assert sending.ask() and not sending.ask()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE message ->> 'actor_name' = 'send_webhooks'")
            assert cursor.fetchone() == (1,)
        sending.work()
        closed(campaign)
        assert sending.ask()
        Sender.objects.update(asked=now() - timedelta(minutes=2))
        assert sending.ask()

    def test_the_log_goes_after_a_month(self, campaign: Campaign, webhook: Webhook) -> None:
        closed(campaign)
        sending.work()
        assert sending.forget_old() == 0
        later(days=31)
        assert sending.forget_old() == 1


class TestWhatLeaves:
    POISON = {"member": "olga", "who": "olga", "person": "olga", "name": "Evening", "reason": "olga@lab.example said", "note": "call olga",
              "words": "olga", "reasons": ["olga"], "by": "olga", "token": "unb_secret", "from": "203.0.113.9",
              "file": "/srv/olga.wav"}  # fmt: skip

    @pytest.mark.parametrize("what", KINDS)
    def test_only_what_is_listed_and_no_names_texts_or_addresses(self, campaign: Campaign, owner: Membership, what: str) -> None:
        good = {name: 1 for name in KINDS[what].told}
        event = record(campaign, what, who=owner, before=self.POISON, after=self.POISON | good)
        said = payload(what, campaign, event)
        person = {"person": owner.pk} if KINDS[what].person else {}
        assert said["data"] == {"campaign": {"id": campaign.pk, "slug": "bleed"}, "event": event.pk} | person | good
        assert not re.search("olga|Evening|secret|203[.]0|srv", json.dumps(said))

    def test_nothing_but_short_plain_values(self, campaign: Campaign) -> None:
        event = record(campaign, "round.finished", after={"round": {"a": 1}, "verdict": "x" * 101})
        assert set(payload("round.finished", campaign, event)["data"]) == {"campaign", "event"}

    def test_every_kind_is_one_that_happens_and_under_one_heading(self) -> None:
        assert KINDS.keys() <= SENTENCES.keys()
        assert all(sum(one.startswith(begins) for _, begins in GROUPS) == 1 for one in KINDS)
        assert all(one.sentence.endswith(".") for one in KINDS.values())

    def test_a_secret_is_in_no_row_and_another_for_each(self, campaign: Campaign, webhook: Webhook, receiver: Receiver) -> None:
        secret, other = signing.secret_of(webhook), signing.secret_of(made(campaign, receiver))
        assert re.fullmatch(r"whsec_[\w+/]{43}=", secret) and secret != other
        with connection.cursor() as cursor:
            cursor.execute("SELECT w::text FROM webhooks_webhook w UNION ALL SELECT e::text FROM annotation_event e")
            assert not [row for row in cursor.fetchall() if secret.removeprefix("whsec_") in row[0]]
