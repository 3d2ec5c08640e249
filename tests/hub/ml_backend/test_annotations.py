"""What a lab's people mark in their Label Studio becomes answers here: by events, and by syncs for what events have missed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation.core.label_studio import labelling_config
from annotation.models import Campaign, Event, Membership, Submission, Task
from annotation.services import people
from hub import outgoing
from hub.api.ml_backend import for_a_while, services, syncing, taking
from hub.api.ml_backend.models import Annotation, Colleague, Connection, SentTask
from hub.api.ml_backend.server import ServerRefuses
from learner.actors import run
from learner.models import Job
from tests import worlds
from tests.hub.ml_backend import lab

pytestmark = pytest.mark.django_db
Status = Submission.Status


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("olga"), counts_unheard=True)


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get()


@pytest.fixture
def door(campaign: Campaign, owner: Membership) -> str:
    return f"/ml/bleed/{services.make_secret(campaign=campaign, who=owner)}/webhook"


@pytest.fixture
def task(campaign: Campaign) -> Task:
    return worlds.task(campaign, 30.0)


def known(campaign: Campaign, number: int, name: str) -> Membership:
    """A member whose number on that server is known."""
    member = worlds.member(campaign, name)
    Colleague.objects.update_or_create(connection=Connection.objects.get(), number=number, defaults={"member": member})
    return member


def tell(door: str, event: dict[str, Any], *, worker: bool = True) -> int:
    answer = Client().post(door, json.dumps(event), "application/json")
    assert answer.status_code == 200, answer.content
    if worker:
        work()
    n: int = answer.json()["result"]["annotations"]
    return n


def work() -> None:
    """A worker takes what waits, twice each, as queues may deliver."""
    for number in list(Annotation.objects.filter(state="waiting").values_list("pk", flat=True)) * 2:
        taking.take(number)


def states() -> dict[int, str]:
    return dict(Annotation.objects.values_list("number", "state"))


class TestEvents:
    def test_two_people_reach_a_consensus(self, campaign: Campaign, door: str, task: Task) -> None:
        for number, name in ((1, "ann"), (2, "ben")):
            known(campaign, number, name)
            tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, (32.0, 35.0), number=10 + number, by=number)))
        assert [(one.by.pseudonym, one.status, one.lead_time) for one in task.submissions.order_by("pk")] == [
            ("ann", "accepted", 12.5),
            ("ben", "accepted", 12.5),
        ]
        assert {one.provenance.where for one in task.submissions.all()} == {"annotation 11", "annotation 12"}
        worlds.agreed(task)
        (region,) = task.consensuses.get().regions.all()
        assert (task.state, round(region.start), round(region.end)) == (Task.State.CLOSED, 32, 35)

    def test_who_waits_there_waits_for_two_rows_and_a_message(self, campaign: Campaign, door: str, task: Task, queries: Any) -> None:
        known(campaign, 1, "ann")
        with queries(14):
            tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task)), worker=False)
        assert not Submission.objects.exists() and states() == {11: "waiting"}

    @pytest.fixture
    def queries(self, django_assert_max_num_queries: Any) -> Any:
        return django_assert_max_num_queries

    def test_nothing_marked_counts_as_an_answer_and_a_skip_does_not(self, campaign: Campaign, door: str, task: Task) -> None:
        known(campaign, 1, "ann")
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, was_cancelled=True)))
        assert states() == {11: "skipped"} and not Submission.objects.exists()
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, number=12)))
        assert task.submissions.get().marks.count() == 0

    def test_a_change_supersedes_and_what_is_older_or_comes_again_changes_nothing(self, campaign: Campaign, door: str, task: Task) -> None:
        known(campaign, 1, "ann")
        first, second = lab.annotation_there(task, (32.0, 35.0)), lab.annotation_there(task, minutes=5, lead_time=20.0)
        assert tell(door, lab.event("ANNOTATION_CREATED", task, first)) == 1
        assert tell(door, lab.event("ANNOTATION_UPDATED", task, second)) == 1
        for again in (first, second):
            assert tell(door, lab.event("ANNOTATION_UPDATED", task, again)) == 0
        assert list(task.submissions.order_by("pk").values_list("status", "lead_time")) == [("superseded", 12.5), ("accepted", 20.0)]
        assert task.submissions.get(status="accepted").marks.count() == 0

    def test_what_is_deleted_there_is_withdrawn_and_its_place_is_free(self, campaign: Campaign, door: str, task: Task) -> None:
        known(campaign, 1, "ann")
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, (32.0, 35.0))))
        assert tell(door, lab.deleted(11, 99)) == 1 and tell(door, lab.deleted(11)) == 0
        task.refresh_from_db()
        assert (task.submissions.get().status, task.taken, states()) == (Status.WITHDRAWN, 0, {11: "deleted"})
        assert tell(door, lab.event("ANNOTATION_UPDATED", task, lab.annotation_there(task, minutes=9))) == 0, (
            "late events bring nothing back"
        )

    def test_what_a_model_has_learned_from_stays(self, campaign: Campaign, door: str, task: Task) -> None:
        known(campaign, 1, "ann")
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, (32.0, 35.0))))
        Campaign.objects.update(frozen=now() + timedelta(seconds=1))
        tell(door, lab.deleted(11))
        assert task.submissions.get().status == Status.ACCEPTED and "stays" in Annotation.objects.get().reason

    def test_whom_nobody_knows_waits_until_a_manager_says_who_it_is(self, campaign: Campaign, door: str, task: Task) -> None:
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, by=7)))
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, by=8, number=12)))
        assert set(states().values()) == {"of nobody"}
        seven, eight = Colleague.objects.order_by("number")
        worlds.member(campaign, "ann")
        browser = worlds.signed_in(worlds.user("olga"))
        said = {"verb": "people", f"person-{seven.pk}": "ann", f"person-{eight.pk}": ""}
        assert browser.post("/c/bleed/label-studio/", said | {f"person-{eight.pk}": "nobody of that name"}).status_code == 400
        browser.post("/c/bleed/label-studio/", said | {"new": str(eight.pk)})
        work()
        assert set(states().values()) == {"taken"}
        eight.refresh_from_db()
        assert eight.member and eight.member.user is None
        assert {one.by.pseudonym for one in task.submissions.all()} == {"ann", eight.member.pseudonym}

    def test_they_count_only_where_the_campaign_counts_answers_of_programs(self, campaign: Campaign, door: str, task: Task) -> None:
        known(campaign, 1, "ann")
        Campaign.objects.update(counts_unheard=False)
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task)))
        assert states() == {11: "unheard"} and not Submission.objects.exists()
        shown = worlds.signed_in(worlds.user("olga")).get("/c/bleed/label-studio/").content.decode()
        assert "1 annotation waits:" in " ".join(shown.split())
        assert services.take_what_counts_now() == 0
        Campaign.objects.update(counts_unheard=True)
        assert services.take_what_counts_now() == 1
        work()
        assert states() == {11: "taken"} and task.submissions.get().status == Status.ACCEPTED

    @pytest.mark.parametrize(
        ("about", "why"),
        [
            ({"result": [{"from_name": "nope"}]}, "result[0]"),
            (
                {"result": [{"id": "a", "from_name": "fp", "to_name": "vocals", "type": "labels", "value": {"start": 3, "end": 99}}]},
                "result",
            ),
        ],
    )
    def test_what_cannot_be_read_is_refused_in_words(
        self, campaign: Campaign, door: str, task: Task, about: dict[str, Any], why: str
    ) -> None:
        known(campaign, 1, "ann")
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, **about)))
        assert states() == {11: "refused"} and why in Annotation.objects.get().reason
        assert why in worlds.signed_in(worlds.user("olga")).get("/c/bleed/label-studio/").content.decode()

    def test_of_gold_clips_and_of_other_campaigns_nothing_is_taken(self, campaign: Campaign, door: str, task: Task) -> None:
        known(campaign, 1, "ann")
        Task.objects.filter(pk=task.pk).update(kind=Task.Kind.GOLD)
        elsewhere = worlds.task(worlds.campaign("other"))
        for number, one in enumerate((task, elsewhere), start=11):
            tell(door, lab.event("ANNOTATION_CREATED", one, lab.annotation_there(one, number=number)))
        assert states() == {11: "refused", 12: "refused"} and not Submission.objects.exists()

    def test_events_of_another_project_and_odd_ones_are_of_none(self, campaign: Campaign, door: str, task: Task) -> None:
        Connection.objects.update(project=4)
        assert tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task))) == 0
        Connection.objects.update(project=None)
        odd: list[dict[str, Any]] = [
            {},
            {"action": "ANNOTATION_CREATED"},
            {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": "x"}, 3]},
        ]
        unreadable: list[dict[str, Any]] = [
            {"id": -1},
            {"id": True},
            {"result": None},
            {"updated_at": "yesterday"},
            {"updated_at": "2026-13-40"},
        ]
        odd += [lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, **one)) for one in unreadable]
        assert [tell(door, one) for one in odd] == [0] * len(odd)
        beyond = lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, id=2**64))
        assert Client().post(door, json.dumps(beyond), "application/json").status_code == 400
        assert not Annotation.objects.exists()

    def test_who_withdrew_their_consent_or_was_let_out_gives_nothing_more(
        self, campaign: Campaign, door: str, task: Task, owner: Any
    ) -> None:
        ann = known(campaign, 1, "ann")
        people.remove(member=ann, who=owner)
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task)))
        assert states() == {11: "refused"} and not Submission.objects.exists()

    def test_what_somebody_answered_here_stands(self, campaign: Campaign, door: str, task: Task) -> None:
        worlds.answer(task, known(campaign, 1, "ann"))
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task, (32.0, 35.0))))
        assert states() == {11: "refused"} and task.submissions.get().marks.count() == 0

    def test_who_is_made_anonymous_is_nobody_there_either(self, campaign: Campaign, door: str, task: Task, owner: Membership) -> None:
        ann = known(campaign, 1, "ann")
        tell(door, lab.event("ANNOTATION_CREATED", task, lab.annotation_there(task)))
        people.anonymise(member=ann, who=owner)
        assert not Colleague.objects.exists() and task.submissions.get().status == Status.ACCEPTED


class TestSync:
    @pytest.fixture
    def server(self, campaign: Campaign, owner: Membership, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[lab.Server]:
        settings.OUTGOING_HOSTS = ["localhost"]
        services.name_server(
            campaign=campaign, who=owner, url="http://localhost:8080", project=3, token=lab.TOKEN, site="https://unbleed.example"
        )
        server = lab.Server(labelling_config(), {1: "lab", 2: "ben"})
        monkeypatch.setattr(outgoing, "send", server.send)
        yield server
        assert server.authorization <= {f"Token {lab.TOKEN}"}

    def sync(self, campaign: Campaign, owner: Membership) -> Job:
        job = services.begin_sync(campaign=campaign, who=owner)
        assert services.begin_sync(campaign=campaign) == job, "once at a time"
        run(job.pk, syncing.sync)
        job.refresh_from_db()
        work()
        return job

    def test_open_clips_go_there_once_and_annotations_come_here_once(
        self, campaign: Campaign, owner: Membership, server: lab.Server
    ) -> None:
        worlds.tasks(campaign, 3)
        assert self.sync(campaign, owner).state == Job.State.DONE
        assert len(server.tasks) == 3 == SentTask.objects.count()
        (sent, *_) = SentTask.objects.order_by("number")
        task, number = sent.task, sent.number or 0
        data = server.tasks[number]["data"]
        assert set(data) == {"vocals", "mix", "round"} and data["vocals"].startswith("https://unbleed.example/media/for-a-while/")
        assert {one.name for one in Colleague.objects.all()} == {"lab", "ben"}
        ann = known(campaign, 1, "ann")
        server.annotate(number, lab.annotation_there(task, (2.0, 4.0)))
        for _ in range(2):
            self.sync(campaign, owner)
        assert len(server.tasks) == 3 and list(task.submissions.values_list("by", "status")) == [(ann.pk, "accepted")]
        server.tasks[number]["annotations"].clear()
        Annotation.objects.update(came=now() - timedelta(hours=1))
        self.sync(campaign, owner)
        assert task.submissions.get().status == Status.WITHDRAWN
        assert Connection.objects.get().synced

    def test_cut_short_after_clips_were_sent_it_sends_none_twice(self, campaign: Campaign, owner: Membership, server: lab.Server) -> None:
        worlds.tasks(campaign, 2)
        server.drops_answers = True
        job = services.begin_sync(campaign=campaign)
        with pytest.raises(outgoing.TooSlow):
            run(job.pk, syncing.sync)
        job.refresh_from_db()
        assert job.state == Job.State.FAILED and "took longer" in job.reason and len(server.tasks) == 2
        server.drops_answers = False
        self.sync(campaign, owner)
        assert len(server.tasks) == 2 == SentTask.objects.filter(number__isnull=False).count()

    def test_what_an_event_told_and_what_it_missed_is_here_once(
        self, campaign: Campaign, owner: Membership, door: str, task: Task, server: lab.Server
    ) -> None:
        known(campaign, 1, "ann")
        known(campaign, 2, "ben")
        told, missed = lab.annotation_there(task, (32.0, 35.0)), lab.annotation_there(task, (32.0, 35.0), number=12, by=2)
        tell(door, lab.event("ANNOTATION_CREATED", task, told))
        server.tasks[5] = lab.task_there(task, 5) | {"annotations": [told, missed | {"completed_by": {"id": 2, "email": "b@example.org"}}]}
        self.sync(campaign, owner)
        assert len(server.tasks) == 1, "a task that names our clip is there already, whoever put it there"
        assert sorted(task.submissions.values_list("by__pseudonym", "status")) == [("ann", "accepted"), ("ben", "accepted")]

    def test_addresses_of_sounds_are_renewed_before_they_end(
        self, campaign: Campaign, owner: Membership, task: Task, server: lab.Server
    ) -> None:
        self.sync(campaign, owner)
        self.sync(campaign, owner)
        assert not [one for one in server.asked if one[0] == "PATCH"]
        SentTask.objects.update(until=now() + for_a_while.LASTS / 4)
        self.sync(campaign, owner)
        self.sync(campaign, owner)
        assert len([one for one in server.asked if one[0] == "PATCH"]) == 1

    def test_another_labelling_config_is_told_before_anything_is_sent(self, campaign: Campaign, task: Task, server: lab.Server) -> None:
        server.config = "<View></View>"
        with pytest.raises(syncing.OtherConfig):
            run(services.begin_sync(campaign=campaign).pk, syncing.sync)
        assert not server.tasks

    def test_a_personal_token_is_changed_for_one_that_lasts_minutes(
        self, campaign: Campaign, owner: Membership, server: lab.Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = iter(["first", "second"])

        def send(method: str, url: str, *, headers: Any, body: bytes | None, limits: Any = None) -> outgoing.Answer:
            if url.endswith("/api/token/refresh/"):
                assert json.loads(body or b"") == {"refresh": "a.b.c"} and "Authorization" not in headers
                return outgoing.Answer(200, {}, json.dumps({"access": next(given)}).encode())
            if headers["Authorization"] != "Bearer second":
                return outgoing.Answer(401, {}, b"{}")
            return outgoing.Answer(200, {}, b'{"label_config": "<View/>"}')

        monkeypatch.setattr(outgoing, "send", send)
        services.name_server(campaign=campaign, who=owner, url="http://localhost:8080", project=3, token="a.b.c", site="")
        asked = services.server_of(Connection.objects.get())
        assert asked.label_config() == "<View/>"
        monkeypatch.setattr(outgoing, "send", lambda *args, **named: outgoing.Answer(403, {}, b"{}"))
        with pytest.raises(ServerRefuses, match="may not do that"):
            asked.label_config()

    def test_another_project_begins_with_nothing_and_answers_stay(
        self, campaign: Campaign, owner: Membership, task: Task, server: lab.Server
    ) -> None:
        self.sync(campaign, owner)
        known(campaign, 1, "ann")
        server.annotate(SentTask.objects.get().number or 0, lab.annotation_there(task))
        self.sync(campaign, owner)
        with pytest.raises(services.NoServer):
            services.name_server(campaign=campaign, who=owner, url="http://localhost:9090", project=3, token="", site="")
        services.name_server(campaign=campaign, who=owner, url="http://localhost:8080", project=4, token="", site="")
        assert not (Annotation.objects.exists() or Colleague.objects.exists() or SentTask.objects.exists())
        assert task.submissions.get().status == Status.ACCEPTED

    def test_it_begins_by_itself_when_clips_open_and_every_few_hours(
        self, campaign: Campaign, owner: Membership, server: lab.Server
    ) -> None:
        services.sync_what_is_due()
        assert Job.objects.count() == 1, "the first"
        services.sync_what_is_due()
        run(Job.objects.get().pk, syncing.sync)
        worlds.task(campaign)
        services.sync_what_is_due()
        assert Job.objects.count() == 1, "not at once after the last"
        Job.objects.update(created=now() - services.PAUSE)
        services.sync_what_is_due()
        assert Job.objects.count() == 2, "a clip has opened"
        run(Job.objects.latest("pk").pk, syncing.sync)
        Job.objects.update(created=now() - 2 * services.PAUSE)
        services.sync_what_is_due()
        assert Job.objects.count() == 2
        Job.objects.update(created=now() - services.EVERY)
        services.sync_what_is_due()
        assert Job.objects.count() == 3
        assert services.forget_server(campaign=campaign, who=owner) and not Connection.objects.get().token
        assert Event.objects.filter(what="backend.server").count() == 2
