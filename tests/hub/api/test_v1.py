"""The versioned API: who reads what, pages, filters, ETags, keys against doing twice, problems, and the document that says all of it."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.test import Client

from annotation.models import Campaign, Membership, Submission, Task
from hub.api.tokens.services import make_token
from hub.api.v1.models import KeptAnswer
from hub.api.v1.schema import document
from learner.models import Job
from tests import worlds
from tests.annotation import endpoints
from tests.hub import rounds

HERE = "/api/v1/campaigns/bleed/"
LISTS = {  # list -> who reads it
    "tracks": {"owner", "manager", "researcher"},
    "tasks": {"owner", "manager", "researcher"},
    "submissions": {"owner", "manager", "researcher"},
    "marks": {"owner", "manager", "researcher"},
    "regions": {"owner", "manager", "researcher"},
    "people": {"owner", "manager", "researcher", "reviewer"},
    "rounds": {*Membership.Role.values},
    "checkpoints": {*Membership.Role.values},
    "figures": {*Membership.Role.values},
    "jobs": {"owner", "manager"},
    "events": {"owner", "manager"},
}


FILTERS = [
    ("tracks/?use=pool&domain=target", 1), ("tracks/?artist=nobody", 0), ("tasks/?round=1&state=closed&kind=pool&arm=score", 2),
    ("tasks/?contested=true", 0), ("submissions/?round=1&status=accepted&since=2020-01-01T00:00:00Z", 2),
    ("marks/?round=1&tag=drums", 0), ("marks/?status=accepted", 2), ("marks/?person={ann}", 2), ("marks/?person={boss}", 0),
    ("regions/?min_probability=0.1&round=1", 2), ("regions/?round=2", 0), ("people/?role=annotator&active=true", 1),
    ("people/?active=false", 0), ("rounds/?state=promoted", 1), ("rounds/?number=2", 1), ("figures/?subject=silence", 1),
    ("figures/?use=test&domain=target&metric=false_positive_seconds_per_minute", 2), ("figures/?checkpoint=none", 0),
    ("jobs/?kind=adapt&state=done", 1), ("events/?what=feedback.frozen", 1), ("events/?person={ann}&what=submission.kept", 2),
]  # fmt: skip


WRONG: list[tuple[Any, str]] = [
    ({}, "marks"), ({"marks": [{"start": 1}]}, "marks[0].end"), ({"marks": [{"start": "1", "end": 2}]}, "marks[0].start"),
    ({"marks": [{"start": 1, "end": 2, "label": "x"}]}, "marks[0].label"), ({"marks": [], "completed_by": 1}, "completed_by"),
    ({"marks": [{"start": 3, "end": 2}]}, "value.end"), ({"marks": [{"start": 1e9, "end": 2e9}]}, "value.start"), ([], ""),
]  # fmt: skip
"""Body of an answer -> the field that is complained about."""


class Program:
    """A program with a token."""

    def __init__(self, member: Membership, **about: Any) -> None:
        _, self.secret = make_token(owner=worlds.account(member), **{"name": "script", "days": 30, "writes": True, **about})
        self.client = Client(enforce_csrf_checks=True)  # which is not asked of tokens

    def get(self, address: str, **headers: str) -> Any:
        return self.client.get(address, headers={"Authorization": f"Bearer {self.secret}", **headers})

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        said = json.dumps({} if body is None else body)
        return self.client.post(address, said, "application/json", headers={"Authorization": f"Bearer {self.secret}", **headers})


@pytest.fixture
def campaign(db: None) -> Campaign:
    """With one judged round of two clips, each answered by ann with one mark, and a round whose clips wait."""
    made = rounds.campaign()
    ann = worlds.member(made, "ann")
    rounds.judged(rounds.listening(made), ann, "promoted", "child", false_positive_seconds_per_minute=3.0)
    rounds.figures(made, "silence", false_positive_seconds_per_minute=0.0)
    rounds.listening(made)
    return made


@pytest.fixture
def boss(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "boss", "manager")


@pytest.fixture
def program(boss: Membership) -> Program:
    return Program(boss)


def fits(answer: Any, path: str, method: str = "get") -> Any:
    """Its JSON, which is as the document says of this path."""
    assert answer.status_code < 300, answer.content
    made, said = document(), answer.json()
    schema = made["paths"][f"/api/v1/{path}"][method]["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
    jsonschema.validate(said, schema | {"components": made["components"]})
    return said


class TestReading:
    def test_a_list_is_as_the_document_says_and_so_is_its_csv(self, program: Program, django_assert_max_num_queries: Any) -> None:
        for name in LISTS:
            with django_assert_max_num_queries(8):
                page = fits(program.get(f"{HERE}{name}/"), f"campaigns/{{slug}}/{name}/")
            assert page["items"] and page["next"] is None
            rows = list(csv.DictReader(io.StringIO(program.get(f"{HERE}{name}/", Accept="text/csv").content.decode())))
            assert [row["id"] for row in rows] == [str(one["id"]) for one in page["items"]]
            assert all(row.keys() == page["items"][0].keys() for row in rows)

    def test_it_is_for_whom_the_pages_are(self, campaign: Campaign) -> None:
        for role in Membership.Role.values:
            somebody = Program(worlds.member(campaign, f"a-{role}", role))
            statuses = {name: somebody.get(f"{HERE}{name}/").status_code for name in LISTS}
            assert statuses == {name: 200 if role in roles else 403 for name, roles in LISTS.items()}, role

    def test_one_row_is_found_by_itself_in_its_campaign_alone(self, program: Program) -> None:
        worlds.member(worlds.campaign("other"), "boss", "manager")
        one_by_one = {
            "tracks": ("id", "track_id"),
            "tasks": ("id", "task_id"),
            "jobs": ("id", "job_id"),
            "rounds": ("number", "number"),
            "checkpoints": ("hash", "digest"),
        }
        for name, (key, named) in one_by_one.items():
            row = program.get(f"{HERE}{name}/").json()["items"][0]
            assert fits(program.get(f"{HERE}{name}/{row[key]}/"), f"campaigns/{{slug}}/{name}/{{{named}}}/") == row
            assert program.get(f"/api/v1/campaigns/other/{name}/{row[key]}/").status_code == 404

    def test_page_by_page_nothing_is_lost_or_comes_twice(self, program: Program) -> None:
        whole = [one["id"] for one in program.get(f"{HERE}events/").json()["items"]]
        for order, expected in (("oldest", whole), ("newest", whole[::-1])):
            seen, address = [], f"{HERE}events/?limit=3&order={order}"
            while address:
                page = program.get(address).json()
                assert len(page["items"]) <= 3
                seen += [one["id"] for one in page["items"]]
                address = page["next"] and page["next"].removeprefix("http://testserver")
            assert seen == expected and len(seen) > 6

    def test_the_csv_says_where_the_rest_is(self, program: Program) -> None:
        answer = program.get(f"{HERE}events/?limit=1&format=csv")
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert "format=csv&cursor=" in answer.headers["Link"] and answer.headers["Link"].endswith('; rel="next"')

    def test_filters(self, campaign: Campaign, boss: Membership, program: Program) -> None:
        people = {one.pseudonym: one.pk for one in campaign.memberships.all()}
        for asked, n in FILTERS:
            assert len(program.get(HERE + asked.format(**people)).json()["items"]) == n, asked

    def test_of_a_filter_that_is_none_the_answer_says_which_there_are(self, program: Program) -> None:
        for asked in ["marks/?submission__by__user__password__startswith=p", "marks/?by=1", "tracks/1/?x=1", "people/?user=1"]:
            answer = program.get(HERE + asked)
            assert answer.status_code == 400 and answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["field"] == asked.partition("?")[2].partition("=")[0]

    def test_what_a_filter_may_not_be(self, program: Program) -> None:
        for asked in ["limit=0", "limit=1001", "cursor=x", "order=best", "round=-1", "task=99999999999999999999", "since=now"]:
            answer = program.get(f"{HERE}marks/?{asked}").json()
            assert (answer["status"], answer["field"]) == (400, asked.partition("=")[0])

    def test_answers_that_were_taken_back_are_nowhere(self, program: Program) -> None:
        Submission.objects.update(status="withdrawn")
        assert [program.get(f"{HERE}{name}/").json()["items"] for name in ("submissions", "marks")] == [[], []]

    def test_who_may_not_take_data_reads_figures_of_test_songs_and_no_fits(self, campaign: Campaign) -> None:
        campaign.evaluations.filter(subject="silence").update(use="gate")
        reviewer = Program(worlds.member(campaign, "rita", "reviewer"))
        assert {one["use"] for one in reviewer.get(f"{HERE}figures/").json()["items"]} == {"test"}
        assert {one["sensitivity"] for one in reviewer.get(f"{HERE}people/").json()["items"]} == {None}

    def test_what_is_unchanged_is_not_sent_again(self, program: Program) -> None:
        first = program.get(f"{HERE}marks/")
        again = program.get(f"{HERE}marks/", **{"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        Submission.objects.update(status="withdrawn")
        assert program.get(f"{HERE}marks/", **{"If-None-Match": first.headers["ETag"]}).status_code == 200
        assert first.headers["Cache-Control"] == "private, no-cache" and "Authorization" in first.headers["Vary"]


class TestWhoComesIn:
    def test_oneself(self, boss: Membership, program: Program) -> None:
        assert fits(program.get("/api/v1/me/"), "me/")["scopes"] == ["read", "write"]
        one = fits(Program(boss, campaign=boss.campaign, role="researcher", writes=False).get("/api/v1/me/"), "me/")
        assert (one["campaign"], one["role"], one["scopes"]) == ("bleed", "researcher", ["read"])
        assert fits(worlds.signed_in(boss).get("/api/v1/me/"), "me/")["token"] is None

    def test_a_token_of_one_campaign_sees_no_other(self, boss: Membership, program: Program) -> None:
        worlds.member(worlds.campaign("other"), "boss", "manager")
        narrow = Program(boss, campaign=boss.campaign)
        both, one = (fits(each.get("/api/v1/campaigns/"), "campaigns/")["items"] for each in (program, narrow))
        assert [row["slug"] for row in both] == ["bleed", "other"] and [row["slug"] for row in one] == ["bleed"]
        assert narrow.get("/api/v1/campaigns/other/rounds/").status_code == 404
        assert narrow.get("/api/v1/campaigns/nowhere/rounds/").status_code == 404

    def test_a_lower_role_may_do_less(self, boss: Membership) -> None:
        low = Program(boss, role="annotator")
        campaign = fits(low.get(HERE), "campaigns/{slug}/")
        assert (campaign["role"], campaign["rights"]) == ("manager", [])
        assert low.get(f"{HERE}marks/").status_code == 403 and low.get(f"{HERE}rounds/").status_code == 200

    def test_nothing_is_changed_by_who_does_not_manage_or_only_reads(self, campaign: Campaign, boss: Membership) -> None:
        job = Job.objects.latest("pk").pk
        for one in (Program(boss, writes=False), Program(boss, role="researcher"), Program(worlds.member(campaign, "rob", "researcher"))):
            for what in ("pause/", "rounds/", "rounds/2/freeze/", f"jobs/{job}/cancel/", f"jobs/{job}/retry/"):
                assert one.post(HERE + what).status_code == 403
        campaign.refresh_from_db()
        assert not campaign.paused

    def test_without_a_token_nobody_comes_in_and_a_session_needs_its_csrf_token(self, boss: Membership) -> None:
        answer = Client().get(HERE)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Token")
        browser = worlds.signed_in(boss, enforce_csrf_checks=True)
        assert browser.get(HERE).status_code == 200 and browser.post(f"{HERE}pause/").status_code == 403


class TestDoing:
    def test_pause_and_resume(self, campaign: Campaign, program: Program) -> None:
        assert fits(program.post(f"{HERE}pause/"), "campaigns/{slug}/pause/", "post")["paused"] is True
        assert program.post(f"{HERE}rounds/").status_code == 409
        assert fits(program.post(f"{HERE}resume/"), "campaigns/{slug}/resume/", "post")["paused"] is False
        assert [one["what"] for one in program.get(f"{HERE}events/?order=newest&limit=2").json()["items"]] == [
            "campaign.resumed",
            "campaign.paused",
        ]

    def test_a_round_is_frozen_and_its_job_cancelled_and_tried_again(self, campaign: Campaign, program: Program) -> None:
        ann = campaign.memberships.get(pseudonym="ann")
        for task in Task.objects.filter(round_number=2):
            rounds.answered(task, ann, (1.0, 2.0))
        assert fits(program.post(f"{HERE}rounds/2/freeze/"), "campaigns/{slug}/rounds/{number}/freeze/", "post")["state"] == "adapting"
        job = program.get(f"{HERE}jobs/?order=newest&limit=1").json()["items"][0]["id"]
        assert fits(program.post(f"{HERE}jobs/{job}/cancel/"), "campaigns/{slug}/jobs/{job_id}/cancel/", "post")["state"] == "cancelled"
        assert program.post(f"{HERE}jobs/{job}/cancel/").json()["error"] == "JobIsOver"
        assert fits(program.post(f"{HERE}jobs/{job}/retry/"), "campaigns/{slug}/jobs/{job_id}/retry/", "post")["state"] == "queued"
        assert program.post(f"{HERE}rounds/2/freeze/").json()["error"] == "NothingToFreeze"

    def test_a_round_is_started_by_who_asked(self, db: None) -> None:
        boss = worlds.member(rounds.campaign(), "boss", "manager")
        rounds.song(boss.campaign)
        opened = fits(Program(boss).post(f"{HERE}rounds/"), "campaigns/{slug}/rounds/", "post")
        assert (opened["number"], opened["state"]) == (1, "scoring")
        assert boss.campaign.events.get(what="round.opened").who == boss

    def test_a_clip_is_taken_and_answered(self, campaign: Campaign) -> None:
        bob = Program(worlds.member(campaign, "bob"))
        taken = fits(bob.post(f"{HERE}tasks/next/"), "campaigns/{slug}/tasks/next/", "post")
        body = {"marks": [{"start": 2.0, "end": 3.5}], "heard": [[0, taken["duration"]]]}
        worlds.later(3600)
        address, path = f"{HERE}tasks/{taken['task']}/submissions/", "campaigns/{slug}/tasks/{task_id}/submissions/"
        assert fits(bob.post(address, body), path, "post")["status"] == "accepted"
        task = Task.objects.get(pk=taken["task"])
        mark = Submission.objects.get(task=task).marks.get()
        assert (mark.start, mark.end) == (task.start + 2.0, task.start + 3.5)

    def test_a_clips_sounds_come_by_token_to_whoever_may_hear_them(self, db: None, settings: Any, tmp_path: Path) -> None:
        settings.HOME = tmp_path
        made = endpoints.with_two_tones()
        bob, eve, ben = (Program(worlds.member(made, name, role)) for name, role in
                         (("bob", "annotator"), ("eve", "annotator"), ("ben", "researcher")))  # fmt: skip
        taken = bob.post(f"/api/v1/campaigns/{made.slug}/tasks/next/").json()
        assert set(taken["sounds"]) == {"vocals", "mix"}
        address = taken["sounds"]["vocals"].removeprefix("http://testserver")
        whole = bob.get(address)
        assert whole["Content-Type"] == "audio/ogg" and whole.content.startswith(b"OggS")
        assert bob.get(taken["sounds"]["mix"].removeprefix("http://testserver")).content not in (b"", whole.content)
        part = bob.get(address, Range="bytes=4-9")
        assert (part.status_code, part.content, part["ETag"]) == (206, whole.content[4:10], whole["ETag"])
        assert bob.get(address, **{"If-None-Match": whole["ETag"]}).status_code == 304
        for asked, status in (("bytes=99999999-", 416), (f"bytes={'9' * 19}-", 400)):
            refused = bob.get(address, Range=asked)
            assert (refused.status_code, refused["Content-Type"]) == (status, "application/problem+json")
            assert refused.json()["field"] == "Range"
        assert ben.get(address).content == whole.content
        assert eve.get(address).status_code == bob.get(address.replace("vocals", "drums")).status_code == 404

    def test_others_clips_are_not_answered(self, campaign: Campaign) -> None:
        task = Task.objects.filter(round_number=2)[0]
        assert Program(worlds.member(campaign, "bob")).post(f"{HERE}tasks/{task.pk}/submissions/", {"marks": []}).status_code == 404

    def test_of_an_answer_that_cannot_be_the_field_is_named(self, campaign: Campaign) -> None:
        bob = Program(worlds.member(campaign, "bob"))
        task = bob.post(f"{HERE}tasks/next/").json()["task"]
        for body, field in WRONG:
            answer = bob.post(f"{HERE}tasks/{task}/submissions/", body)
            assert answer.status_code == 400 and answer.json().get("field", "") == field, answer.json()
            assert {"type", "title", "status", "error", "detail"} <= answer.json().keys()

    def test_site_admins_make_campaigns_by_a_token_for_all_of_theirs(self, boss: Membership, program: Program) -> None:
        body = {"name": "New", "slug": "new", "stem": "drums"}
        assert program.post("/api/v1/campaigns/", body).status_code == 403
        type(worlds.account(boss)).objects.filter(pk=worlds.account(boss).pk).update(is_superuser=True)
        assert Program(boss, campaign=boss.campaign).post("/api/v1/campaigns/", body).status_code == 403
        made = fits(program.post("/api/v1/campaigns/", body), "campaigns/", "post")
        assert (made["role"], made["paused"], made["stem"]) == ("owner", True, "drums")
        taken = program.post("/api/v1/campaigns/", body).json()
        assert (taken["status"], taken["field"]) == (400, "slug")


class TestOnce:
    KEY = {"Idempotency-Key": "5b8d0c1e"}

    @pytest.fixture
    def admin(self, boss: Membership, program: Program) -> Program:
        type(worlds.account(boss)).objects.filter(pk=worlds.account(boss).pk).update(is_superuser=True)
        return program

    def test_a_request_sent_again_is_answered_again_and_does_nothing(self, admin: Program) -> None:
        body = {"name": "New", "slug": "new"}
        first, again = (admin.post("/api/v1/campaigns/", body, **self.KEY) for _ in range(2))
        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
        assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
        assert Campaign.objects.filter(slug="new").count() == 1

    def test_what_is_made_is_no_csv(self, admin: Program) -> None:
        said = {"name": "New", "slug": "new"}
        assert admin.post("/api/v1/campaigns/?format=csv", said).status_code == 404
        assert admin.post("/api/v1/campaigns/", said, Accept="text/csv").status_code == 406
        assert admin.post("/api/v1/campaigns/", said).status_code == 201

    def test_the_key_of_another_request_is_refused(self, admin: Program) -> None:
        admin.post("/api/v1/campaigns/", {"name": "New", "slug": "new"}, **self.KEY)
        other = admin.post("/api/v1/campaigns/", {"name": "Newer", "slug": "newer"}, **self.KEY)
        assert (other.status_code, other.json()["error"], other.json()["field"]) == (422, "KeyUsedBefore", "Idempotency-Key")
        assert not Campaign.objects.filter(slug="newer").exists()

    def test_what_was_refused_may_be_tried_again(self, admin: Program, campaign: Campaign) -> None:
        assert admin.post("/api/v1/campaigns/", {"name": "New", "slug": "bleed"}, **self.KEY).status_code == 400
        assert not KeptAnswer.objects.exists()
        assert admin.post("/api/v1/campaigns/", {"name": "New", "slug": "new"}, **self.KEY).status_code == 201

    def test_a_key_of_somebody_else_is_another_one(self, campaign: Campaign) -> None:
        bob, eve = (Program(worlds.member(campaign, name)) for name in ("bob", "eve"))
        taken = [one.post(f"{HERE}tasks/next/", **self.KEY).json()["task"] for one in (bob, eve)]
        assert taken[0] != taken[1]

    def test_after_a_day_it_is_forgotten(self, program: Program) -> None:
        program.post(f"{HERE}pause/", **self.KEY)
        KeptAnswer.objects.update(made="2020-01-01T00:00:00Z")
        assert "Idempotent-Replayed" not in program.post(f"{HERE}resume/", **self.KEY).headers
        assert KeptAnswer.objects.count() == 1


@pytest.mark.parametrize("path", ["nothing/", "campaigns/bleed/nothing/"])
def test_where_nothing_is_a_problem_says_so(program: Program, path: str) -> None:
    answer = program.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.headers["Content-Type"], answer.json()["status"]) == (404, "application/problem+json", 404)


def test_other_kinds_of_answers_are_refused_in_words(program: Program) -> None:
    answer = program.get(f"{HERE}marks/", Accept="image/png")
    assert (answer.status_code, answer.headers["Content-Type"]) == (406, "application/problem+json")


def test_the_document_is_of_version_3_1_and_names_every_refusal(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    made = program.get("/api/v1/schema/").json()
    assert made["openapi"].startswith("3.1") and len(made["paths"]) > 20 and "Warning" not in capsys.readouterr().err
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], path
            assert operation["responses"].keys() >= {"400", "401", "403", "404", "406", "429", "503"}, path
            assert method == "get" or operation["responses"].keys() >= {"409", "415", "422"}, path


def test_people_read_the_same_as_a_page(boss: Membership) -> None:
    page = worlds.signed_in(boss).get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200 and "style=" not in text and "<script" not in text.partition("<main")[2]
    for words in (
        "http://testserver/api/v1/</code>",
        "/api/v1/campaigns/{slug}/marks/",
        "probability with which it was chosen",
        "Idempotency-Key",
        "client_key",
        "429",
    ):
        assert words in text
