"""The campaign as an ML backend: who is let in, what is told of clips, and what of a lab's secrets is left behind (nothing)."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.utils.timezone import now

from annotation.models import Campaign, Membership, Proposal, Task
from hub.api.ml_backend import foretelling, services
from hub.api.ml_backend.models import Annotation, Colleague, Connection, Foretold
from learner.models import Round
from tests import worlds
from tests.hub.ml_backend import lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    campaign = worlds.campaign("bleed", owner=worlds.user("olga"), counts_unheard=True)
    return worlds.with_model(campaign, worlds.checkpoint("c" * 64))


@pytest.fixture
def door(campaign: Campaign) -> str:
    return f"/ml/bleed/{services.make_secret(campaign=campaign, who=campaign.memberships.get())}"


def ask(door: str, what: str, body: Any = None) -> Any:
    client = Client(enforce_csrf_checks=True)
    answer = client.get(f"{door}/{what}") if body is None else client.post(f"{door}/{what}", json.dumps(body), "application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def predicted(door: str, *tasks: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    results = ask(door, "predict", lab.predict_body(*tasks, **more))["results"]
    assert len(results) == len(tasks), "else Label Studio drops all of them"
    return results


def spans(prediction: dict[str, Any]) -> list[tuple[float, float]]:
    return [(item["value"]["start"], item["value"]["end"]) for item in prediction["result"]]


class TestWhoIsLetIn:
    def test_the_secret_opens_the_doors_and_another_finds_nothing(self, door: str) -> None:
        assert ask(door, "health")["status"] == "UP"
        for other in ("/ml/bleed/no-secret", door.replace("bleed", "other"), door[:-1]):
            assert [Client().get(f"{other}/health").status_code, Client().post(f"{other}/setup").status_code] == [404, 404]

    def test_it_is_kept_as_a_hash_and_another_takes_its_place(self, campaign: Campaign, door: str) -> None:
        secret, owner = door.rpartition("/")[2], campaign.memberships.get()
        assert secret not in everything_kept()
        other = f"/ml/bleed/{services.make_secret(campaign=campaign, who=owner)}"
        assert Client().get(f"{door}/health").status_code == 404 and ask(other, "health")
        assert services.revoke_secret(campaign=campaign, who=owner) and not services.revoke_secret(campaign=campaign, who=owner)
        assert Client().get(f"{other}/health").status_code == 404
        assert Client().get("/ml/bleed/0/health").status_code == 404, "no secret is none that opens"

    def test_a_campaign_that_was_deleted_is_nobodys_backend(self, campaign: Campaign, door: str) -> None:
        Campaign.objects.update(deleted=now())
        assert Client().get(f"{door}/health").status_code == 404

    def test_its_page_shows_it_once(self, campaign: Campaign) -> None:
        browser = worlds.signed_in(worlds.user("olga"))
        shown = browser.post("/c/bleed/label-studio/", {"verb": "secret"}).content.decode()
        address = shown.partition('value="http://testserver')[2].partition('"')[0]
        assert ask(address, "health")
        assert address not in browser.get("/c/bleed/label-studio/").content.decode()
        browser.post("/c/bleed/label-studio/", {"verb": "revoke"})
        assert Client().get(f"{address}/health").status_code == 404

    def test_what_is_no_call_of_label_studio_is_refused_in_words(self, door: str) -> None:
        for body in ("[]", "{", '{"tasks": 3}', '{"tasks": [4]}'):
            assert Client().post(f"{door}/predict", body, "application/json").status_code == 400
        assert Client().get(f"{door}/predict").status_code == 405


class TestTheVersion:
    def test_it_changes_with_a_promotion_and_with_nothing_else(self, campaign: Campaign, door: str) -> None:
        first = ask(door, "setup", lab.setup_body())["model_version"]
        task = worlds.task(campaign)
        worlds.answer(task, worlds.member(campaign))
        worlds.ended_round(campaign, worlds.checkpoint("refused"), "refused")
        assert ask(door, "setup", lab.setup_body()) == {"model_version": first}
        worlds.ended_round(campaign, worlds.checkpoint("better"), "promoted")
        assert ask(door, "setup", lab.setup_body()) == {"model_version": "better00"} != {"model_version": first}
        assert ask(door, "versions") == {"versions": ["better00", "refused0", first]}
        assert predicted(door, lab.task_there(task))[0]["model_version"] == "better00"

    def test_setup_is_cheap_and_says_the_same_each_time(self, campaign: Campaign, door: str, django_assert_max_num_queries: Any) -> None:
        for _ in range(3):
            ask(door, "setup", lab.setup_body())
        with django_assert_max_num_queries(3):
            ask(door, "setup", lab.setup_body())
        assert Connection.objects.get().project == 3, "the first one that sets it up is the campaign's"
        ask(door, "setup", lab.setup_body() | {"project": "4.1764410400"})
        assert Connection.objects.get().project == 3

    def test_without_a_model_there_is_a_version_too(self) -> None:
        bare = worlds.campaign("bare", owner=worlds.user("olga"))
        door = f"/ml/bare/{services.make_secret(campaign=bare, who=bare.memberships.get())}"
        assert ask(door, "setup", lab.setup_body()) == {"model_version": "no model yet"}
        assert predicted(door, lab.task_there(worlds.task(bare)))[0]["result"] == []


class TestPredictions:
    def test_a_clip_is_told_as_it_was_proposed_in_seconds_of_the_clip(self, campaign: Campaign, door: str) -> None:
        task = worlds.task(campaign, 30.0)
        Proposal.objects.create(task=task, regions=[[32.0, 34.5, 0.8]], shown=True, chance=1.0)
        (found,) = predicted(door, lab.task_there(task))
        assert spans(found) == [(2.0, 4.5)] and found["score"] == 0.8
        assert found["result"][0]["from_name"] == "fp" and found["result"][0]["to_name"] == "vocals"

    def test_what_people_agreed_on_goes_before_what_was_proposed(self, campaign: Campaign, door: str) -> None:
        task = worlds.task(campaign, 30.0)
        Proposal.objects.create(task=task, regions=[[32.0, 34.5, 0.8]], shown=True, chance=1.0)
        for name in ("ann", "ben"):
            worlds.answer(task, worlds.member(campaign, name), (36.0, 40.0))
        assert spans(predicted(door, lab.task_there(task))[0]) == [(2.0, 4.5)], "others' answers are nobody's to see while it is open"
        assert worlds.agreed(task).state == Task.State.CLOSED
        ((start, end),) = spans(predicted(door, lab.task_there(task))[0])
        assert start == pytest.approx(6.0, abs=0.3) and end == pytest.approx(10.0, abs=0.3)

    def test_of_what_must_stay_unknown_nothing_is_told(self, campaign: Campaign, door: str) -> None:
        blind, apart, gold = worlds.tasks(campaign, 3)
        Proposal.objects.create(task=blind, regions=[[1.0, 2.0, 0.8]], shown=False, chance=0.5)
        Task.objects.filter(pk=apart.pk).update(kept_apart=True)
        Task.objects.filter(pk=gold.pk).update(kind=Task.Kind.GOLD)
        elsewhere = worlds.task(worlds.campaign("other"))
        unknown = {"id": 9, "data": {"vocals": "https://lab.example/a.ogg"}}
        found = predicted(door, *(lab.task_there(one) for one in (blind, apart, gold, elsewhere)), unknown, {"id": 10})
        assert [one["result"] for one in found] == [[]] * 6
        assert not Foretold.objects.exists()

    def test_a_worker_finds_what_was_not_proposed_and_label_studio_asks_again(
        self, campaign: Campaign, door: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []
        monkeypatch.setattr("hub.api.ml_backend.predicting.send", lambda actor, pk, queue: asked.append(pk))
        task = worlds.task(campaign, 30.0)
        by_sound = lab.task_there(task)
        by_song = lab.task_there(task, track="song", clip_start=30.0, clip_end=45.0, checkpoint=task.checkpoint)
        assert [set(one) for one in predicted(door, by_sound, by_song)] == [{"model_version"}] * 2, "it leaves out what has no result"
        predicted(door, by_sound)
        foretold = Foretold.objects.get()
        assert asked == [foretold.pk], "once in a while"
        assert predicted(door, by_sound, context={"result": []})[0]["result"] == [], "somebody waits in the editor"
        Foretold.objects.update(regions=[[31.0, 33.0, 0.7]])
        assert [spans(one) for one in predicted(door, by_sound, by_song)] == [[(1.0, 3.0)]] * 2
        assert predicted(door, lab.task_there(task, track="song", clip_start=890, clip_end=905))[0]["result"] == [], "it ends before"

    def test_what_a_worker_finds_is_what_rounds_have_learned_of_the_sound(
        self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import numpy as np

        from learner.core.choosing.expected import Answer, fit, inputs, knots_of
        from learner.core.choosing.signals import COLUMNS, Signals

        heard = (np.arange(600) >= 350) & (np.arange(600) < 380)  # seconds 35 to 38 of a minute: a tone that is held
        columns: dict[str, Any] = {name: np.full(600, np.nan, np.float32) for name in COLUMNS}
        columns |= {"level": np.where(heard, -15, -60).astype(np.float32), "periodic": np.where(heard, 0.9, 0.1).astype(np.float32)}
        measured = Signals(columns, np.zeros((60, 4), np.float32))
        task = worlds.task(campaign, 30.0)
        row = Foretold.objects.create(campaign=campaign, checkpoint=task.checkpoint, track=task.track, start=30.0, end=45.0)
        foretelling.foretell(row)
        row.refresh_from_db()
        assert row.regions is None, "nothing was measured of the song yet"
        monkeypatch.setattr(foretelling, "latest_signals", lambda campaign, row: {task.track_id: "aa/x.npz"})
        monkeypatch.setattr(foretelling.signals, "load", lambda path: measured)
        round_ = worlds.ended_round(campaign, None, "refused").feedback_set.round
        knots = knots_of([columns])
        learned = fit(knots, [Answer(inputs(columns, knots), np.where(heard, 0.95, 0.02))])
        Round.objects.filter(pk=round_.pk).update(choosing={"model": learned.to_dict()})
        foretelling.foretell(row)
        row.refresh_from_db()
        assert row.regions and [(round(start), round(end)) for start, end, _ in row.regions] == [(35, 38)]

    def test_many_tasks_cost_few_questions(self, campaign: Campaign, door: str, django_assert_max_num_queries: Any) -> None:
        tasks = worlds.tasks(campaign, 40)
        for task in tasks:
            Proposal.objects.create(task=task, regions=[[task.start, task.start + 1, 0.6]], shown=True, chance=1.0)
        with django_assert_max_num_queries(8):
            predicted(door, *(lab.task_there(task) for task in tasks))


class TestWhatIsLeftBehind:
    def test_tokens_passwords_and_projects_are_neither_kept_nor_logged(
        self, campaign: Campaign, door: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        task = worlds.task(campaign)
        caplog.set_level(logging.DEBUG)
        ask(door, "setup", lab.setup_body())
        predicted(door, lab.task_there(task))
        for action in ("ANNOTATION_CREATED", "PROJECT_UPDATED", "START_TRAINING", "TASKS_CREATED"):
            ask(door, "webhook", lab.event(action, task, lab.annotation_there(task, (1.0, 2.0))))
        Client().post(f"{door}/setup", json.dumps(lab.setup_body())[:-1], "application/json")  # cut short
        kept = everything_kept()
        for secret in (lab.TOKEN, lab.PASSWORD, "Songs A", "lab@example.org"):
            assert secret not in kept and secret not in caplog.text

    def test_an_access_token_that_a_manager_enters_is_kept_encrypted(self, campaign: Campaign, settings: Any) -> None:
        settings.OUTGOING_HOSTS = ["localhost"]
        said = {"verb": "server", "url": "http://localhost:8080/", "project": "3", "token": lab.TOKEN}
        shown = worlds.signed_in(worlds.user("olga")).post("/c/bleed/label-studio/", said, follow=True).content.decode()
        assert "One is known" in shown and lab.TOKEN not in shown and lab.TOKEN not in everything_kept()
        server = services.server_of(Connection.objects.get())
        assert (server.url, server.project) == ("http://localhost:8080", 3) and lab.TOKEN in str(vars(server))
        settings.SECRET_KEY = "another key than before, of at least fifty signs, that is"
        with pytest.raises(services.sealed.AnotherKey):
            services.server_of(Connection.objects.get())

    def test_an_address_inside_the_sites_network_is_refused(self, campaign: Campaign) -> None:
        said = {"verb": "server", "url": "http://127.0.0.1:8080", "project": "3", "token": "x"}
        shown = worlds.signed_in(worlds.user("olga")).post("/c/bleed/label-studio/", said)
        assert shown.status_code == 400 and "OUTGOING_HOSTS" in shown.content.decode() and not Connection.objects.exists()


def everything_kept() -> str:
    """All rows of all tables, as text."""
    with database.cursor() as cursor:
        cursor.execute("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('public', 'dramatiq')")
        names = [f'"{schema}"."{name}"' for schema, name in cursor.fetchall()]
        kept = []
        for name in names:
            cursor.execute(f"SELECT t::text FROM {name} t")
            kept += [row[0] for row in cursor.fetchall()]
    return "\n".join(kept)


class TestSoundsForAWhile:
    @pytest.fixture
    def task(self, campaign: Campaign, settings: Any, tmp_path: Any) -> Task:
        import numpy as np

        settings.HOME = tmp_path
        sound = worlds.flac(np.full(20 * worlds.RATE, 0.1))
        track = worlds.song(campaign, {"mixture": sound}, sound)
        return worlds.opened([worlds.clip(track, 2.0)])[0]

    def test_their_address_needs_no_sign_in_lets_other_sites_play_it_and_ends(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        from hub.api.ml_backend import for_a_while

        address = for_a_while.address(task, "vocals")
        answer = Client().get(address, headers={"Range": "bytes=0-3", "Origin": "https://labels.lab.example"})
        assert (answer.status_code, answer.content, answer["Access-Control-Allow-Origin"]) == (206, b"OggS", "*")
        assert for_a_while.task_of(f"https://unbleed.example{address}") == task.pk
        for other in (
            address.replace(".vocals.", ".mix."),
            address.replace(f"/{task.pk}.", f"/{task.pk + 1}."),
            "/media/for-a-while/x.ogg",
        ):
            assert Client().get(other).status_code == 404
        monkeypatch.setattr(for_a_while, "LASTS", timedelta(seconds=-1))
        assert Client().get(address).status_code == 404


def test_the_page_asks_few_questions(campaign: Campaign, django_assert_max_num_queries: Any) -> None:
    browser = worlds.signed_in(worlds.user("olga"))
    with django_assert_max_num_queries(15):
        assert browser.get("/c/bleed/label-studio/").status_code == 200
    connection = Connection.objects.create(campaign=campaign, url="http://labels.lab.example", project=3, token="x", digest="x", made=now())
    for number in range(30):
        colleague = Colleague.objects.create(connection=connection, number=number, member=worlds.member(campaign, f"p{number}"))
        refused = {"state": "refused", "reason": "no", "result": [], "changed": now(), "colleague": colleague}
        Annotation.objects.create(connection=connection, number=number, **refused)
    with django_assert_max_num_queries(15):
        assert browser.get("/c/bleed/label-studio/").status_code == 200


def test_only_managers_see_the_page(campaign: Campaign) -> None:
    worlds.member(campaign, "ann")
    assert worlds.signed_in(worlds.user("ann")).get("/c/bleed/label-studio/").status_code == 403
    assert worlds.client(campaign, "max", Membership.Role.MANAGER).get("/c/bleed/label-studio/").status_code == 200
