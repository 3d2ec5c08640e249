"""Notices: who is told what once, in the page and by e-mail, what can be switched off, and that nothing waits for e-mail."""

import smtplib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.timezone import now

from annotation import services
from annotation.events import record
from annotation.models import Campaign, Event, ListeningTest, Membership, Note, Participation, Task
from annotation.services import crowd_links, notes, referrals
from hub import disk
from hub.accounts.models import User
from hub.management.commands.tick import Telling
from hub.notices import gathering, mailing
from hub.notices.models import Gathered, Kind, Muted, Notice
from hub.notices.words import PAGES, SAID, leads_to, said
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    made = worlds.campaign(max_overlap=2, certainty=0.999)
    gathering.gather()  # begins with what comes from now on
    return made


def person(campaign: Campaign, name: str, role: str) -> Membership:
    User.objects.get_or_create(username=name, defaults={"email": f"{name}@lab.example"})
    return worlds.member(campaign, name, role)


@pytest.fixture
def boss(campaign: Campaign) -> Membership:
    return person(campaign, "boss", "owner")


@pytest.fixture
def rev(campaign: Campaign) -> Membership:
    return person(campaign, "rev", "reviewer")


@pytest.fixture
def ann(campaign: Campaign) -> Membership:
    return person(campaign, "ann", "annotator")


@pytest.fixture
def task(campaign: Campaign, ann: Membership) -> Task:
    """Ann and bea answered it, and disagree."""
    task = worlds.task(campaign)
    for one, start in ((ann, 2.0), (person(campaign, "bea", "annotator"), 8.0)):
        worlds.given(one)
        worlds.answer(task, one, (start, start + 2))
    return worlds.agreed(task)


def told() -> dict[str, set[str]]:
    """Who was told what."""
    found: dict[str, set[str]] = {}
    for one in Notice.objects.select_related("user"):
        found.setdefault(one.user.username, set()).add(one.kind)
    return found


def finished(campaign: Campaign, verdict: str = "promoted") -> Event:
    return record(campaign, "round.finished", after={"round": 4, "verdict": verdict, "reasons": ["It forgot too much."]})


def text(client: Client, url: str = "/notices/") -> str:
    answered = client.get(url)
    assert answered.status_code == 200
    return str(answered.content.decode())


class TestWhoIsTold:
    def test_rounds_and_jobs_are_told_to_who_steers(self, campaign: Campaign, boss: Membership, rev: Membership, ann: Membership) -> None:
        worlds.member(worlds.campaign("elsewhere"), "stranger", "owner")
        finished(campaign)
        finished(campaign, "refused")
        record(campaign, "job.failed", after={"job": 1, "kind": "adapt", "reason": "no room"})
        record(campaign, "round.opened", after={"round": 5})
        assert gathering.gather() == 3
        assert told() == {"boss": {"round", "refused", "job"}}
        page = text(worlds.signed_in(boss))
        assert "Round 4 ended: its model was better" in page and "The gate refused what round 4 had learned. It forgot too much." in page
        assert "no room" in page and page.count(">new<") == 3

    def test_notes_go_to_who_reviews_and_replies_to_their_person(
        self, campaign: Campaign, task: Task, boss: Membership, rev: Membership, ann: Membership
    ) -> None:
        note = notes.write_note(task=task, by=ann, text="What is this?", client_key=uuid.uuid4())
        gathering.gather()
        assert told() == {"boss": {"note"}, "rev": {"note"}}
        notes.answer_note(note=note, by=rev, text="A guitar.")
        notes.comment(task=task, by=rev, text="Among us.", person=None, client_key=uuid.uuid4())
        gathering.gather()
        assert told()["ann"] == {"reply"} and told()["rev"] == {"note"}, "who wrote it is not told"
        page = text(worlds.signed_in(ann))
        assert "The lab wrote to you about a clip." in page and "rev" not in page and "guitar" not in page

    def test_what_was_handed_on_goes_to_whom_it_was_handed(
        self, campaign: Campaign, task: Task, boss: Membership, rev: Membership, ann: Membership
    ) -> None:
        referrals.return_to_person(task=task, by=rev, answer=task.submissions.get(by=ann), note="A guitar?")
        referrals.pass_on(task=task, by=rev, to=boss, note="You know it.")
        gathering.gather()
        assert told() == {"ann": {"again"}, "boss": {"passed"}}
        client = worlds.signed_in(ann)
        (notice,) = Notice.objects.filter(user__username="ann")
        assert client.get(f"/notices/{notice.pk}/").headers["Location"] == f"/c/test/annotate/?task={task.pk}&what=accepted"
        (passed,) = Notice.objects.filter(user__username="boss")
        assert leads_to(passed) == f"/c/test/review/{task.pk}/"

    def test_an_appeal_goes_to_who_decides(self, campaign: Campaign, boss: Membership, ann: Membership) -> None:
        record(campaign, "member.appealed", who=ann)
        gathering.gather()
        assert told() == {"boss": {"appeal"}}

    def test_a_listening_test_is_told_to_those_whom_it_asks(self, campaign: Campaign, ann: Membership, rev: Membership) -> None:
        by_panel = person(campaign, "pan", "annotator")
        link = crowd_links.create_link(campaign=campaign, who=person(campaign, "boss", "owner"), kind="prolific", tasks_asked=5)
        Participation.objects.create(link=link, membership=by_panel)
        person(worlds.campaign("other"), "stranger", "annotator")
        for by_links in (False, True):
            test = ListeningTest.objects.create(
                campaign=campaign, checkpoint="a" * 64, other="b" * 64, drawn=True, seed=1, by_links=by_links
            )
            record(campaign, "listening.ready", who=None, after={"test": test.pk})
            gathering.gather()
            told = Notice.objects.filter(kind="listen", values={"test": test.pk})
            assert set(told.values_list("user__username", flat=True)) == {"ann", "rev", "boss", *(["pan"] if by_links else [])}
        assert leads_to(told[0]) == f"/c/{campaign.slug}/listen/{test.pk}/" and "Listening" not in said(told[0])
        ListeningTest.objects.update(ended=now())
        record(campaign, "listening.ready", who=None, after={"test": test.pk})
        assert gathering.gather() == 0, "it is over"

    def test_who_left_is_told_nothing(self, campaign: Campaign, boss: Membership) -> None:
        Membership.objects.update(active=False)
        finished(campaign)
        assert gathering.gather() == 0


class TestOnce:
    def test_looked_at_again_nobody_is_told_twice(self, campaign: Campaign, boss: Membership) -> None:
        finished(campaign)
        assert [gathering.gather() for _ in range(3)] == [1, 0, 0]
        Gathered.objects.update(upto=0)
        assert gathering.gather() == 0 and Notice.objects.count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.create(user=worlds.account(boss), kind="round", key=Notice.objects.get().key)

    def test_an_event_that_is_committed_after_later_ones_is_told_too(self, campaign: Campaign, boss: Membership) -> None:
        early = finished(campaign)
        pk, early.pk = early.pk, None
        Event.objects.filter(pk=pk).delete()
        finished(campaign, "refused")
        assert gathering.gather() == 1
        Event.objects.create(pk=pk, campaign=campaign, what="round.finished", after={"round": 3, "verdict": "promoted"})
        assert gathering.gather() == 1

    def test_more_than_are_taken_at_once_are_all_told(self, campaign: Campaign, boss: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gathering, "AT_ONCE", 2)
        monkeypatch.setattr(gathering, "SLACK", 1)
        for _ in range(5):
            finished(campaign)
        assert sum(gathering.gather() for _ in range(6)) == 5

    def test_a_site_that_is_upgraded_tells_nobody_of_its_past(self, campaign: Campaign, boss: Membership) -> None:
        finished(campaign)
        Gathered.objects.all().delete()
        assert gathering.gather() == 0 == Notice.objects.count()


class TestWhatWaits:
    def test_reviewers_are_told_once_a_day_how_much_waits(self, campaign: Campaign, task: Task, rev: Membership, ann: Membership) -> None:
        notes.write_note(task=task, by=ann, text="What is this?", client_key=uuid.uuid4())
        assert [gathering.digest(), gathering.digest()] == [1, 0]
        (notice,) = Notice.objects.all()
        assert said(notice) == "1 clip and 1 note wait for a reviewer." and leads_to(notice) == "/c/test/review/"
        Notice.objects.update(key="reviews of yesterday")
        assert gathering.digest() == 1

    def test_where_nothing_waits_nobody_is_told(self, campaign: Campaign, rev: Membership) -> None:
        assert gathering.digest() == 0

    def test_a_full_disk_is_told_to_who_runs_the_site(self, boss: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
        User.objects.create_superuser("head", email="head@lab.example")
        assert gathering.look_at_disks() == 0
        monkeypatch.setattr(disk, "wrong", lambda: "The disk of /data is full.")
        monkeypatch.setattr(disk, "room", lambda: disk.Room.FULL)
        assert [gathering.look_at_disks(), gathering.look_at_disks()] == [1, 0]
        assert told() == {"head": {"disk"}} and "The disk of /data is full." in text(worlds.signed_in(worlds.user("head")))

    def test_the_clock_does_all_of_it(self, campaign: Campaign, task: Task, boss: Membership) -> None:
        finished(campaign)
        Telling().go_on()
        assert told() == {"boss": {"round", "reviews"}}


class TestMail:
    def test_it_goes_once_with_a_link_and_the_way_to_switch_it_off(self, campaign: Campaign, boss: Membership, settings: Any) -> None:
        settings.ADDRESS = "https://unbleed.example"
        finished(campaign)
        gathering.gather()
        (notice,) = Notice.objects.filter(mail="waiting")
        assert [mailing.mail_notice(notice.pk) for _ in range(2)] == [True, False]
        (letter,) = mail.outbox
        assert letter.to == ["boss@lab.example"] and letter.subject == f"Test: {said(notice)}"
        assert "https://unbleed.example/c/test/rounds/4/" in letter.body and "https://unbleed.example/notices/choices/" in letter.body

    def test_the_message_to_the_worker_goes_with_the_notice(
        self, campaign: Campaign, boss: Membership, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[tuple[str, int]] = []
        monkeypatch.setattr(gathering, "send", lambda actor, pk: sent.append((actor, pk)))
        finished(campaign)
        gathering.gather()
        assert sent == [("mail_notice", Notice.objects.get().pk)]

    def test_without_an_address_none_is_sent(self, campaign: Campaign, boss: Membership) -> None:
        User.objects.update(email="")
        finished(campaign)
        gathering.gather()
        assert Notice.objects.get().mail == ""

    def test_what_fails_is_tried_again_and_stops_nothing(
        self, campaign: Campaign, boss: Membership, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        finished(campaign)
        gathering.gather()
        notice = Notice.objects.get()

        def refuse(*_: Any, **__: Any) -> None:
            raise smtplib.SMTPServerDisconnected("gone")

        with monkeypatch.context() as patch:
            patch.setattr(mailing.mail, "send", refuse)
            assert [mailing.mail_notice(notice.pk) for _ in range(mailing.MOST_TRIES - 1)] == [False] * 4
            notice.refresh_from_db()
            assert (notice.mail, notice.tries) == ("waiting", 4)
            Notice.objects.update(created=now() - timedelta(hours=1))
            assert mailing.send_again() == 1
            mailing.mail_notice(notice.pk)
            notice.refresh_from_db()
            assert notice.mail == "failed" and mailing.send_again() == 0
        assert text(worlds.signed_in(boss)).count("Round 4 ended") == 1, "it stands in the page all the same"

    def test_what_is_no_news_any_more_is_not_sent(self, campaign: Campaign, boss: Membership) -> None:
        finished(campaign)
        gathering.gather()
        Notice.objects.update(created=now() - timedelta(days=3))
        assert mailing.send_again() == 0 and Notice.objects.get().mail == "failed"

    def test_people_who_may_read_another_language_get_both(self, task: Task, rev: Membership, ann: Membership) -> None:
        note = notes.write_note(task=task, by=ann, text="What is this?", client_key=uuid.uuid4())
        notes.answer_note(note=note, by=rev, text="A guitar.")
        gathering.gather()
        mailing.mail_notice(Notice.objects.get(kind=Kind.REPLY).pk)
        (letter,) = mail.outbox
        assert "The lab wrote to you" in letter.body and "Das Labor hat dir" in letter.body


class TestSwitchedOff:
    def choose(self, of: Membership, *off: str, campaign: str = "") -> None:
        """Switch off all of these ("round mail") and nothing else."""
        client, url = worlds.signed_in(of), "/notices/choices/" + (f"?campaign={campaign}" if campaign else "")
        every = [f"{kind} {way}" for kind in Kind for way in Muted.Way]
        assert client.post(url, {name: "yes" for name in every if name not in off}).status_code == 302

    def test_in_the_page_by_e_mail_or_both(self, campaign: Campaign, boss: Membership) -> None:
        self.choose(boss, "round page", "refused mail", "job page", "job mail")
        finished(campaign)
        finished(campaign, "refused")
        record(campaign, "job.failed", after={"job": 1, "kind": "adapt", "reason": "no room"})
        gathering.gather()
        assert {(one.kind, one.in_page, one.mail) for one in Notice.objects.all()} == {("round", False, "waiting"), ("refused", True, "")}
        assert "Round 4 ended" not in text(worlds.signed_in(boss))
        self.choose(boss)
        assert not Muted.objects.exists()

    def test_of_one_campaign_alone(self, campaign: Campaign, boss: Membership) -> None:
        other = worlds.campaign("other")
        person(other, "boss", "owner")
        self.choose(boss, "round page", "round mail", campaign="test")
        finished(campaign)
        finished(other)
        gathering.gather()
        assert [one.campaign for one in Notice.objects.all()] == [other]
        page = text(worlds.signed_in(boss), "/notices/choices/?campaign=test")
        assert 'name="round page" value="yes" aria-label' in page and 'name="round page" value="yes" checked' not in page
        assert 'name="round page" value="yes" checked' in text(worlds.signed_in(boss), "/notices/choices/?campaign=other")

    def test_others_campaigns_are_not_there_and_only_what_one_may_be_told_is_offered(self, campaign: Campaign, ann: Membership) -> None:
        worlds.campaign("strange")
        client = worlds.signed_in(ann)
        assert client.get("/notices/choices/?campaign=strange").status_code == 404
        page = text(client, "/notices/choices/")
        assert "reply page" in page and "again mail" in page and "round page" not in page and "disk page" not in page


class TestThePage:
    def test_the_bell_counts_what_is_not_read(self, campaign: Campaign, boss: Membership) -> None:
        client = worlds.signed_in(boss)
        assert "not read" not in text(client, "/notices/bell/")
        finished(campaign)
        finished(campaign, "refused")
        gathering.gather()
        assert ">2<span" in text(client, "/notices/bell/") and 'hx-trigger="live' in text(client, "/notices/bell/")
        assert 'hx-get="/notices/bell/" hx-trigger="load, live' in text(client, "/queue/"), "pages fetch it by themselves"
        first = Notice.objects.order_by("pk")[0]
        assert client.get(f"/notices/{first.pk}/").headers["Location"] == "/c/test/rounds/4/"
        assert ">1<span" in text(client, "/notices/bell/")
        client.post("/notices/mark/", {"notice": first.pk, "unread": "yes"})
        assert ">2<span" in text(client, "/notices/bell/")
        client.post("/notices/mark/")
        assert "not read" not in text(client, "/notices/bell/")

    def test_nobody_sees_or_marks_anothers(self, campaign: Campaign, boss: Membership, rev: Membership) -> None:
        finished(campaign)
        gathering.gather()
        client, notice = worlds.signed_in(rev), Notice.objects.get()
        assert client.get(f"/notices/{notice.pk}/").status_code == 404 and "No notices" in text(client)
        client.post("/notices/mark/", {"notice": notice.pk})
        client.post("/notices/mark/")
        notice.refresh_from_db()
        assert notice.read is None
        assert client.post("/notices/mark/", {"notice": "x"}).status_code == 302

    def test_open_pages_hear_of_it(self, campaign: Campaign, boss: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[Any] = []
        monkeypatch.setattr(gathering, "publish", lambda *what: heard.append(what))
        finished(campaign)
        gathering.gather()
        assert heard == [(campaign.pk, "notice", campaign.pk)]

    def test_a_long_list_has_pages(self, campaign: Campaign, boss: Membership) -> None:
        user = worlds.account(boss)
        Notice.objects.bulk_create(Notice(user=user, kind="round", key=str(n), values={"round": n}, campaign=campaign) for n in range(31))
        client = worlds.signed_in(boss)
        assert (
            "Round 30 ended" in text(client) and "Round 0 ended" not in text(client) and "Round 0 ended" in text(client, "/notices/?page=2")
        )


def test_every_kind_has_its_words_and_leads_somewhere(campaign: Campaign, boss: Membership) -> None:
    assert set(SAID) == set(Kind) and set(PAGES) == set(Kind) - {Kind.DISK, Kind.AGAIN}
    for kind in Kind:
        of = None if kind == Kind.DISK else campaign
        values = {"round": 1, "task": 1, "test": 1, "webhook": 1, "said": "full", "note": "x"}
        notice = Notice(user=worlds.account(boss), kind=kind, campaign=of, values=values)
        assert said(notice) and leads_to(notice).startswith("/")


def test_an_account_that_goes_takes_its_notices_along(campaign: Campaign, boss: Membership) -> None:
    finished(campaign)
    gathering.gather()
    services.add_member(campaign=campaign, user=worlds.user("second"), role="owner")
    Membership.objects.filter(pk=boss.pk).update(user=None)
    worlds.user("boss").delete()
    assert not Notice.objects.exists() and not Note.objects.exists()
