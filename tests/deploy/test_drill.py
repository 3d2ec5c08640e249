"""What the drill goes by: its ledger finds what is lost, changed, doubled or over-assigned, and its figures are those of the crowd."""

import math
import os
import random
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.db.models import F

from annotation import services
from annotation.models import Campaign, Draft, Mark, Membership, Submission, Task
from deploy.drill.crowd import Outcome, Seen, figures, judge
from deploy.drill.places import External
from deploy.drill.report import Row, show
from deploy.load.annotators import some_key, some_marks
from deploy.load.ledger import Answer, Ledger, faults_of
from tests import worlds

HELD = {"lost": 0, "changed": 0, "doubled": 0, "over-assigned": 0}


class TestLedger:
    @pytest.fixture
    def ledger(self, db: None) -> Ledger:
        """Two people answered a clip, and one of them has begun with another."""
        campaign = worlds.campaign("drill")
        song = worlds.track(campaign)
        first, second = worlds.opened([worlds.clip(song, start) for start in (0.0, 30.0)])
        ledger, chance = Ledger(), random.Random(7)
        for member in worlds.people(campaign, 2):
            answer = Answer(some_key(chance), first.pk, member.pseudonym, some_marks(chance))
            ledger.send(answer)
            keep(answer, first, member)
            ledger.acknowledge(answer.key)
        draft = some_marks(chance)
        services.save_draft(task=second, by=member, result=draft)
        ledger.acknowledge_draft(second.pk, "p1", draft)
        return ledger

    def test_where_all_is_kept_it_finds_nothing(self, ledger: Ledger) -> None:
        assert faults_of("drill", ledger, drafts=True) == HELD

    def test_an_answer_that_was_never_acknowledged_may_be_there_or_not(self, ledger: Ledger) -> None:
        ledger.send(Answer(uuid.uuid4(), 1, "p2", []))
        ledger.acknowledged.pop()
        assert faults_of("drill", ledger) == HELD

    def test_a_lost_answer_is_found(self, ledger: Ledger) -> None:
        lost = Answer(uuid.uuid4(), 1, "p2", [])
        ledger.send(lost)
        ledger.acknowledge(lost.key)
        assert faults_of("drill", ledger) == HELD | {"lost": 1}

    @pytest.mark.parametrize("change", [{"result": []}, {"result": [{"id": "other"}]}])
    def test_a_changed_answer_is_found(self, ledger: Ledger, change: dict[str, Any]) -> None:
        key = next(key for key, answer in ledger.sent.items() if answer.result)
        Submission.objects.filter(client_key=key).update(**change)
        assert faults_of("drill", ledger)["changed"] == 1

    def test_an_answer_at_another_persons_name_is_found(self, ledger: Ledger) -> None:
        other = services.add_member(campaign=Campaign.objects.get(), pseudonym="p2")
        Submission.objects.filter(by__pseudonym="p0").update(by=other)
        assert faults_of("drill", ledger)["changed"] == 1

    def test_an_answer_that_stands_there_twice_is_found(self, ledger: Ledger) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX one_accepted_answer_each")
        twice = Submission.objects.first()
        assert twice
        twice.pk, twice.client_key, twice.result, twice.revision = None, uuid.uuid4(), [], twice.revision + 1
        twice.save()
        assert faults_of("drill", ledger)["doubled"] == 1

    def test_a_mark_that_stands_there_twice_is_found(self, ledger: Ledger) -> None:
        Mark.objects.create(submission=Submission.objects.earliest("pk"), start=1.0, end=2.0)
        assert faults_of("drill", ledger) == HELD | {"doubled": 1}

    def test_a_clip_in_more_hands_than_it_asks_for_is_found(self, ledger: Ledger) -> None:
        Task.objects.filter(submissions__isnull=False).update(overlap=1, min_overlap=1)
        assert faults_of("drill", ledger) == HELD | {"over-assigned": 1}

    def test_a_place_that_is_counted_wrongly_is_found(self, ledger: Ledger) -> None:
        Task.objects.filter(pk=Task.objects.first().pk).update(taken=F("taken") - 1)  # type: ignore[union-attr]
        assert faults_of("drill", ledger) == HELD | {"over-assigned": 1}

    def test_a_lost_draft_is_found(self, ledger: Ledger) -> None:
        Draft.objects.all().delete()
        assert faults_of("drill", ledger, drafts=True) == HELD | {"lost": 1}

    def test_a_draft_that_went_back_to_an_earlier_one_is_found(self, ledger: Ledger) -> None:
        ((task, by),) = ledger.drafts
        ledger.acknowledge_draft(task, by, [{"id": "later"}])
        assert faults_of("drill", ledger, drafts=True) == HELD | {"lost": 1}

    def test_a_draft_on_its_way_may_have_come(self, ledger: Ledger) -> None:
        ((task, by),) = ledger.drafts
        ledger.send_draft(task, by, [])
        assert faults_of("drill", ledger, drafts=True) == HELD
        Draft.objects.update(result=[])
        assert faults_of("drill", ledger, drafts=True) == HELD


def keep(answer: Answer, task: Task, by: Membership) -> None:
    services.submit(task=task, by=by, result=answer.result, client_key=answer.key, heard=[(0.0, 15.0)])


class TestFigures:
    def test_of_a_fault_that_lasts_the_first_answer_is_counted_from_its_end(self) -> None:
        seen = [ok(9.9), ok(10.5), no(12), ok(31.5), ok(31.6)]
        found = figures(seen, began=10, ended=30, until=40)
        assert (found.ok, found.refused, found.failed) == (3, 1, 0)
        assert (found.silence, found.first) == (21.0, 1.5)

    def test_of_a_fault_of_a_moment_what_was_done_before_is_no_first_answer(self) -> None:
        found = figures([ok(10.1), no(10.4), ok(13.1)], began=10, ended=10, until=20)
        assert (found.silence, round(found.first, 9)) == (3.0, 3.1)

    def test_who_is_never_answered_again_waits_without_end(self) -> None:
        found = figures([ok(10.5), bad(20)], began=10, ended=30, until=40)
        assert (found.failed, found.failures["submit: 500"]) == (1, 1)
        assert math.isinf(found.first) and math.isinf(found.silence)

    def test_where_nothing_stops_the_first_answer_is_the_next_one(self) -> None:
        assert round(figures([ok(10 + n / 10) for n in range(100)], began=10, ended=14.95, until=19).first, 9) == 0.05


def ok(at: float) -> Seen:
    return Seen(at, Outcome.OK, "submit: 201")


def no(at: float) -> Seen:
    return Seen(at, Outcome.REFUSED, "submit: 503")


def bad(at: float) -> Seen:
    return Seen(at, Outcome.FAILED, "submit: 500")


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (200, {}, {}, Outcome.OK),
        (409, {}, {"detail": "It was answered."}, Outcome.OK),
        (503, {"Retry-After": "5"}, {"detail": "Come again."}, Outcome.REFUSED),
        (507, {"Retry-After": "5"}, {"detail": "There is no room."}, Outcome.REFUSED),
        (503, {}, {"detail": "Come again."}, Outcome.FAILED),
        (503, {"Retry-After": "5"}, None, Outcome.FAILED),
        (500, {"Retry-After": "5"}, {"detail": "Server Error (500)"}, Outcome.FAILED),
    ],
)
def test_a_refusal_is_in_words_and_says_when_to_come_again(status: int, headers: dict[str, str], body: Any, outcome: Outcome) -> None:
    assert judge(status, httpx.Headers(headers), body) is outcome


class TestEnd:
    def test_a_drill_that_held_ends_well(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert show([Row("embedded", "cut", doctor="WRONG"), Row("embedded", "full-disk", left_out="nothing may be mounted")]) == 0
        said = capsys.readouterr().out
        assert "left out: nothing may be mounted" in said
        assert "lost 0, changed 0, doubled 0, over-assigned 0; failed otherwise 0, needing a hand 0" in said

    @pytest.mark.parametrize(
        "wrong",
        [
            *({name: 1} for name in ("lost", "changed", "doubled", "over", "failed")),
            {"lacking": ["the job does not go on"]},
            {"doctor": "all is well"},
        ],
    )
    def test_one_that_did_not_ends_with_a_status_that_says_so(self, wrong: dict[str, Any]) -> None:
        assert show([Row("embedded", "cut"), Row("external", "cut", **wrong)]) == 1


def test_an_external_server_without_a_port_gets_a_free_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")  # put back afterwards
    server = External(tmp_path, 0)
    assert server.port > 0
    assert f"127.0.0.1:{server.port}/" in os.environ["DATABASE_URL"]
