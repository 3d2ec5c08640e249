"""Pages of campaigns: what they say, who sees what, who may press the buttons. Real rows."""

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.timezone import now

from annotation import services as annotating
from annotation.core import label_studio
from annotation.core.regions import Region
from annotation.files.disk_space import Lack
from annotation.models import Campaign, Event, Membership, Task
from hub import disk
from hub.pages import words
from learner import selectors, services
from learner.models import Adaptation, Checkpoint, Evaluation, Job, Round

SECTIONS = ["state", "figures", "people", "checkpoints", "history"]


@pytest.fixture
def campaign(db) -> Campaign:
    campaign = annotating.create_campaign(name="Bleed", slug="bleed", min_overlap=1, max_overlap=1)
    services.share(campaign=campaign, checkpoint=checkpoint("base"))
    return campaign


def checkpoint(name: str, parent: Checkpoint | None = None) -> Checkpoint:
    return Checkpoint.objects.create(
        hash=name.ljust(64, "0"), parent=parent, file="ab/abc.safetensors", stem="vocals", sample_rate=16_000, channels=1, code_version="1"
    )


def client_of(campaign: Campaign | None, name: str, role: str = "annotator") -> Client:
    user = get_user_model().objects.create_user(name)
    if campaign:
        annotating.add_member(campaign=campaign, user=user, role=role, pseudonym=f"pseudonym of {name}")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner(campaign) -> Client:
    return client_of(campaign, "owner", "owner")


@pytest.fixture
def ann(campaign) -> Client:
    return client_of(campaign, "ann")


@pytest.fixture
def track(campaign, tmp_path):
    file = tmp_path / "mixture.flac"
    file.write_bytes(b"these rows are never listened to")
    return annotating.add_track(
        campaign=campaign, name="a song", use="pool", domain="target", stems=[annotating.NewStem("mixture", file)], fingerprint="f" * 64,
        duration=600.0, sample_rate=16_000, channels=1,
    )  # fmt: skip


def listening(campaign: Campaign, track, tmp_path, n_tasks: int = 2) -> Round:
    """A round whose clips wait for answers."""
    opened = services.start_round(campaign=campaign)
    assert opened
    Job.objects.filter(pk=opened.scoring_id).update(state="done", started=now() - timedelta(seconds=9), finished=now())
    file = tmp_path / "estimate.flac"
    file.write_bytes(b"nor is this")
    annotating.keep_estimate(track=track, stem="vocals", checkpoint=opened.parent.hash, file=file)
    clips = [
        annotating.Clip(track=track, start=20.0 * n, end=20.0 * n + 15, arm="random", chance=0.5, reason="drawn at random")
        for n in range(10 * opened.number, 10 * opened.number + n_tasks)
    ]
    annotating.open_tasks(campaign=campaign, checkpoint=opened.parent.hash, round_number=opened.number, clips=clips)
    Round.objects.filter(pk=opened.pk).update(state=Round.State.ANNOTATING)
    return Round.objects.get(pk=opened.pk)


def answered(task: Task, by: Membership, marks: list[tuple[float, float]]) -> None:
    """An answer in clip seconds, with its consensus."""
    regions = [Region(task.start + start, task.start + end) for start, end in marks]
    annotating.submit(task=task, by=by, result=label_studio.result(regions, task.clip), client_key=uuid4())
    annotating.agree_on_task(task_id=task.pk)


@pytest.fixture
def simulated(campaign) -> Membership:
    return annotating.add_member(campaign=campaign, kind="simulated", pseudonym="simulated-01")


def judged(round_: Round, by: Membership, verdict: str, child: str, **metrics: float) -> Adaptation:
    """Bring a listening round to its verdict, with figures on target test songs."""
    for task in Task.objects.filter(round_number=round_.number):
        answered(task, by, [(2.0, 4.0)])
    adaptation = services.freeze_feedback(round_=round_)
    assert adaptation
    adaptation.child = checkpoint(child, adaptation.parent)
    Adaptation.objects.filter(pk=adaptation.pk).update(
        child=adaptation.child, verdict=verdict, reasons=[f"because {child}"], finished=now()
    )
    Job.objects.filter(pk=adaptation.job_id).update(state="done", started=now(), finished=now())
    figures(round_.campaign, adaptation.child, **metrics)
    if verdict == "promoted":
        services.promote(adaptation=adaptation, child=adaptation.child)
    Round.objects.filter(pk=round_.pk).update(state=verdict, finished=now())
    return adaptation


def figures(campaign: Campaign, subject: Checkpoint | str, **metrics: float) -> None:
    row = {"subject": subject} if isinstance(subject, str) else {"checkpoint": subject}
    Evaluation.objects.bulk_create(
        Evaluation(campaign=campaign, use="test", domain="target", metric=metric, value=value, n_songs=3, **row)
        for metric, value in metrics.items()
    )


def text(client: Client, url: str, **headers: str) -> str:
    """What a reader sees of a page: no tags, one space between words."""
    response = client.get(url, headers=headers)
    assert response.status_code == 200, url
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


class TestWhoSeesWhat:
    @pytest.mark.parametrize("path", ["", "rounds/1/", "rounds/1/freeze/", "roll-back/", *(f"parts/{name}/" for name in SECTIONS)])
    def test_to_a_stranger_the_campaign_does_not_exist(self, campaign, track, tmp_path, path):
        listening(campaign, track, tmp_path)
        stranger = client_of(None, "stranger")
        assert stranger.get(f"/c/bleed/{path}").status_code == 404
        assert Client().get(f"/c/bleed/{path}").status_code == 302

    @pytest.mark.parametrize("path", ["pause/", "resume/", "rounds/1/freeze/", "roll-back/"])
    @pytest.mark.parametrize("role", ["annotator", "reviewer"])
    def test_only_owners_and_managers_press_buttons(self, campaign, track, tmp_path, path, role):
        listening(campaign, track, tmp_path)
        assert client_of(campaign, "somebody", role).post(f"/c/bleed/{path}").status_code == 403
        assert client_of(None, "stranger").post(f"/c/bleed/{path}").status_code == 404

    def test_an_annotator_sees_the_loop_but_neither_people_nor_buttons(self, campaign, ann, track, tmp_path, simulated):
        listening(campaign, track, tmp_path)
        page = text(ann, "/c/bleed/")
        assert "Round 1: people are listening, 0 of 2 answers." in page
        assert not [word for word in ("People", "simulated-01", "Pause", "Freeze", "Roll back") if word in page]
        assert ann.get("/c/bleed/parts/people/").status_code == 404

    def test_a_reviewer_sees_people_but_no_buttons(self, campaign, track, tmp_path, simulated):
        listening(campaign, track, tmp_path)
        page = text(client_of(campaign, "rev", "reviewer"), "/c/bleed/")
        assert "simulated-01" in page
        assert not [word for word in ("Pause", "Freeze now", "Roll back") if word in page]

    def test_an_open_clip_shows_an_annotator_nothing_of_others_answers(self, campaign, ann, owner, track, tmp_path, simulated):
        Campaign.objects.update(min_overlap=2, max_overlap=2)
        campaign.refresh_from_db()
        listening(campaign, track, tmp_path, n_tasks=1)
        answered(Task.objects.get(), simulated, [(2.0, 4.0)])
        assert "<rect" not in ann.get("/c/bleed/rounds/1/").content.decode()
        assert "<rect" in owner.get("/c/bleed/rounds/1/").content.decode()

    def test_pseudonyms_are_for_managers_and_reviewers(self, campaign, ann, owner, track, tmp_path, simulated):
        listening(campaign, track, tmp_path, n_tasks=1)
        answered(Task.objects.get(), simulated, [(2.0, 4.0)])
        assert "simulated-01" in text(owner, "/c/bleed/rounds/1/")
        page = text(ann, "/c/bleed/rounds/1/")
        assert "simulated-01" not in page and "listener 1" in page
        assert "somebody answered a task" in text(ann, "/c/bleed/")


class TestSentences:
    def test_an_empty_campaign_says_what_to_do(self, campaign, owner):
        page = text(owner, "/c/bleed/")
        assert "no songs in its pool" in page and "manage.py ingest bleed" in page
        assert "Nothing yet." in page

    def test_a_queued_job_waits_for_a_worker(self, campaign, owner, track):
        services.start_round(campaign=campaign)
        page = text(owner, "/c/bleed/")
        assert "Round 1: choosing the clips most worth a person's minute; waiting for a worker." in page

    def test_a_job_that_waits_for_room_says_so(self, campaign, owner, track):
        round_ = services.start_round(campaign=campaign)
        services.wait_for_room(job=Job.claim(round_.scoring_id), lack=Lack("No space left on device", Path("/not/there")))
        page = text(owner, "/c/bleed/")
        assert "minute; it waits for room on the disk, and goes on by itself." in page
        assert re.search(r"Waits for room on the disk: \d+ MB are free\. No space left on device: /not/there\. It goes on by itself", page)

    def test_a_disk_that_fills_is_said_to_those_who_can_have_room_made(self, campaign, owner, ann, monkeypatch):
        monkeypatch.setattr(disk, "wrong", lambda: "The disk of /home is nearly full: 1.5 GB are free.")
        assert "nearly full: 1.5 GB" in text(owner, "/c/bleed/") and "nearly full" not in text(ann, "/c/bleed/")

    def test_a_running_job_shows_how_far_it_is_and_what_it_does(self, campaign, owner, track):
        round_ = services.start_round(campaign=campaign)
        Job.objects.filter(pk=round_.scoring_id).update(state="running", attempt=2, step=3, total=12, doing="separating a song")
        page = owner.get("/c/bleed/").content.decode()
        assert '<progress value="3" max="12"' in page
        assert "Separating a song" in page and "attempt 2</span>" in page

    def test_a_failed_job_gives_its_reason_and_the_loop_rests(self, campaign, owner, track):
        round_ = services.start_round(campaign=campaign)
        services.fail(job=Job.claim(round_.scoring_id), reason="BadAudio: the file is truncated")
        page = text(owner, "/c/bleed/")
        assert "Round 1 failed. Look at the reason below" in page and "Go on with rounds" in page
        assert "BadAudio: the file is truncated" in page

    def test_each_event_is_told_in_words(self, campaign, owner, track, tmp_path, simulated):
        round_ = listening(campaign, track, tmp_path, n_tasks=1)
        judged(round_, simulated, "promoted", "child1", sdr_median=3.0)
        page = text(owner, "/c/bleed/parts/history/")
        assert "simulated-01 answered task" in page and ": 1 mark" in page
        assert "the platform froze the feedback of round 1: 1 region in 1 clip" in page
        assert "the platform promoted checkpoint child100 over base0000" in page
        told = {event.what for event in Event.objects.filter(campaign=campaign)}
        assert told <= set(words.SENTENCES), "no event without words"


class TestWaiting:
    def test_a_comparison_that_gives_way_stays_in_sight_whatever_its_round(self, owner, campaign, track, tmp_path, simulated):
        adaptation = judged(listening(campaign, track, tmp_path), simulated, "refused", "child1")
        job = services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)
        Adaptation.objects.filter(pk=adaptation.pk).update(baseline_job=job)
        for number in (2, 3):
            judged(listening(campaign, track, tmp_path), simulated, "refused", f"child{number}")
        said = text(owner, "/c/bleed/")
        assert f"since {job.created:%Y-%m-%d}" in said
        assert "Nobody waits for it: it is done when no other job of any campaign waits for a worker." in said

    def test_a_round_that_waits_for_its_reviewers_says_until_when_and_can_be_frozen_at_once(self, owner, campaign, track, tmp_path):
        waiting = listening(campaign, track, tmp_path)
        Task.objects.update(state=Task.State.IN_REVIEW, contested=True)
        services.tick()
        waiting.refresh_from_db()
        assert waiting.reviewers_until
        said = f"waits for its reviewers to decide 2 clips, until {waiting.reviewers_until:%Y-%m-%d %H:%M}"
        assert said in text(owner, "/c/bleed/") and said in text(owner, "/c/bleed/rounds/1/")
        assert "2 clips of it wait for a reviewer" in text(owner, "/c/bleed/rounds/1/freeze/")
        owner.post("/c/bleed/rounds/1/freeze/")
        waiting.refresh_from_db()
        assert waiting.state == Round.State.EMPTY
        assert "ended without marks that people or reviewers agreed on" in text(owner, "/c/bleed/rounds/1/")


class TestFigures:
    @pytest.fixture
    def two_rounds(self, campaign, track, tmp_path, simulated) -> None:
        """Round 1 promoted, round 2 refused."""
        figures(campaign, Checkpoint.objects.get(), false_positive_seconds_per_minute=10.0, sdr_median=3.0)
        figures(campaign, "silence", false_positive_seconds_per_minute=0.0, sdr_median=0.0)
        figures(campaign, "mixture", false_positive_seconds_per_minute=44.5, sdr_median=-1.5)
        first, second = {"false_positive_seconds_per_minute": 7.0}, {"false_positive_seconds_per_minute": 2.0}
        judged(listening(campaign, track, tmp_path), simulated, "promoted", "child1", sdr_median=3.25, **first)
        judged(listening(campaign, track, tmp_path), simulated, "refused", "child2", sdr_median=1.25, **second)

    def test_the_line_follows_the_checkpoint_in_use_and_refused_children_stand_beside_it(self, owner, two_rounds):
        page = owner.get("/c/bleed/").content.decode()
        chart = json.loads(re.search(r'<script id="chart-leak" type="application/json">(.*?)</script>', page)[1])
        assert chart["x"] == [0, 1, 2]
        series = {one["label"]: one for one in chart["series"]}
        assert series["target songs"]["values"] == [10.0, 7.0, 7.0]
        assert series["target, refused child"]["values"] == [None, None, 2.0]
        assert series["target, refused child"]["points_only"]

    def test_the_table_never_stands_without_its_baselines(self, owner, two_rounds):
        page = text(owner, "/c/bleed/")
        for row in ("silence 0.00", "the mixture as it is 44.50", "parent with its best constant gain", "replay without feedback"):
            assert row in page
        assert "child of round 1 child100 current 7.00" in page
        assert "child of round 2 child200 refused 2.00" in page

    def test_verdicts_come_with_their_reasons(self, owner, two_rounds):
        page = text(owner, "/c/bleed/")
        assert "Round 2 refused because child2" in page and "Round 1 promoted because child1" in page

    def test_a_round_shows_parent_child_and_what_was_frozen(self, owner, two_rounds):
        page = text(owner, "/c/bleed/rounds/2/")
        assert "parent child100 7.00" in page and "child child200 refused 2.00" in page
        assert re.search(r"Agreed on and frozen [\d.]+ s", page)
        assert owner.get("/c/bleed/rounds/3/").status_code == 404

    def test_pages_ask_as_few_questions_after_many_rounds_as_after_few(
        self, campaign, owner, track, tmp_path, simulated, django_assert_max_num_queries
    ):
        for number in range(1, 6):
            judged(listening(campaign, track, tmp_path), simulated, "refused", f"child{number}", sdr_median=1.0)
        with django_assert_max_num_queries(20):
            owner.get("/c/bleed/")
        with django_assert_max_num_queries(20):
            owner.get("/c/bleed/rounds/5/")
        with django_assert_max_num_queries(10):
            owner.get("/c/bleed/parts/state/")


class TestPictures:
    def test_marks_and_consensus_are_drawn_where_they_lie_in_the_clip(self, campaign, owner, track, tmp_path, simulated):
        listening(campaign, track, tmp_path, n_tasks=1)
        answered(Task.objects.get(), simulated, [(2.0, 4.5)])
        page = owner.get("/c/bleed/rounds/1/").content.decode()
        assert 'viewBox="0 0 15.0 1"' in page
        assert '<rect class="person" x="2.0" y="0.1" width="2.5"' in page
        assert '<rect class="consensus"' in page
        assert "simulated-01: 202.00 to 204.50 s" in page, "read out in track seconds"

    def test_an_answer_without_marks_is_drawn_as_one(self, campaign, owner, track, tmp_path, simulated):
        listening(campaign, track, tmp_path, n_tasks=1)
        answered(Task.objects.get(), simulated, [])
        assert "heard nothing wrong" in text(owner, "/c/bleed/rounds/1/")

    def test_pages_carry_no_styles_of_their_own(self, campaign, owner, track, tmp_path, simulated):
        """The content security policy would drop them."""
        round_ = listening(campaign, track, tmp_path, n_tasks=1)
        judged(round_, simulated, "promoted", "child1", sdr_median=3.0)
        for url in ("/", "/c/bleed/", "/c/bleed/rounds/1/"):
            assert not re.search(r"<style|\sstyle=|\son\w+=", owner.get(url).content.decode())


class TestFragments:
    @pytest.mark.parametrize("name", SECTIONS)
    def test_a_section_that_is_shown_already_is_not_sent_again(self, campaign, owner, track, tmp_path, name):
        listening(campaign, track, tmp_path)
        fragment = owner.get(f"/c/bleed/parts/{name}/").content.decode()
        seen = re.search(r'name="seen" value="(\w+)"', fragment)[1]
        assert seen in owner.get("/c/bleed/").content.decode(), "the page carries the same digest"
        assert owner.get(f"/c/bleed/parts/{name}/?seen={seen}").status_code == 204

    def test_an_answer_changes_the_state(self, campaign, owner, track, tmp_path, simulated):
        listening(campaign, track, tmp_path)
        seen = re.search(r'name="seen" value="(\w+)"', owner.get("/c/bleed/parts/state/").content.decode())[1]
        answered(Task.objects.first(), simulated, [])
        assert "1 of 2 answers" in text(owner, f"/c/bleed/parts/state/?seen={seen}")

    def test_the_round_page_sends_its_changing_part_alone(self, campaign, owner, track, tmp_path):
        listening(campaign, track, tmp_path)
        part = owner.get("/c/bleed/rounds/1/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part and "Clips" in part
        seen = re.search(r'name="seen" value="(\w+)"', part)[1]
        assert owner.get(f"/c/bleed/rounds/1/?seen={seen}", headers={"HX-Request": "true"}).status_code == 204

    def test_there_are_no_other_sections(self, owner):
        assert owner.get("/c/bleed/parts/secrets/").status_code == 404


class TestButtons:
    def test_while_paused_no_round_begins(self, campaign, owner, track):
        owner.post("/c/bleed/pause/")
        services.advance(campaign=campaign)
        assert not Round.objects.exists()
        assert "paused" in text(owner, "/c/bleed/")
        owner.post("/c/bleed/resume/")
        services.advance(campaign=campaign)
        assert Round.objects.count() == 1
        assert "you let the rounds go on" in text(owner, "/c/bleed/parts/history/")

    def test_buttons_want_a_post(self, owner):
        assert owner.get("/c/bleed/pause/").status_code == 405

    def test_freezing_asks_first_and_then_queues_the_adaptation(self, campaign, owner, track, tmp_path, simulated):
        listening(campaign, track, tmp_path)
        answered(Task.objects.first(), simulated, [(1.0, 3.0)])
        assert "1 of 2 answers are in" in text(owner, "/c/bleed/rounds/1/freeze/")
        assert Round.objects.get().state == "annotating"
        owner.post("/c/bleed/rounds/1/freeze/")
        assert Round.objects.get().state == "adapting"
        assert Adaptation.objects.get().job.state == "queued"
        again = owner.post("/c/bleed/rounds/1/freeze/", follow=True)
        assert "it was frozen before" in again.content.decode()

    def test_rolling_back_asks_first_and_then_the_parent_is_current(self, campaign, owner, track, tmp_path, simulated):
        judged(listening(campaign, track, tmp_path), simulated, "promoted", "child1", sdr_median=3.0)
        child = Checkpoint.objects.get(hash__startswith="child1")
        assert f"roll-back/?seen={child.hash}" in owner.get("/c/bleed/").content.decode()
        assert "uses its parent base0000 again" in text(owner, f"/c/bleed/roll-back/?seen={child.hash}")
        assert selectors.current_checkpoint(campaign) == child
        owner.post("/c/bleed/roll-back/", {"seen": child.hash})
        assert selectors.current_checkpoint(campaign) == child.parent

    def test_a_page_that_saw_another_checkpoint_rolls_nothing_back(self, campaign, owner, track, tmp_path, simulated):
        judged(listening(campaign, track, tmp_path), simulated, "promoted", "child1", sdr_median=3.0)
        child = Checkpoint.objects.get(hash__startswith="child1")
        owner.post("/c/bleed/roll-back/", {"seen": child.hash})
        assert "not the one in use any more" in text(owner, f"/c/bleed/roll-back/?seen={child.hash}")
        late = owner.post("/c/bleed/roll-back/", {"seen": child.hash}, follow=True)
        assert "Another checkpoint became current meanwhile" in late.content.decode()
        assert selectors.current_checkpoint(campaign) == child.parent

    def test_the_base_has_nothing_to_roll_back_to(self, campaign, owner):
        base = Checkpoint.objects.get()
        assert "Roll back to" not in text(owner, "/c/bleed/")
        assert "nothing to roll back to" in text(owner, f"/c/bleed/roll-back/?seen={base.hash}")
        assert "nothing to roll back to" in owner.post("/c/bleed/roll-back/", {"seen": base.hash}, follow=True).content.decode()


class TestAdmin:
    @pytest.fixture
    def admin(self, db) -> Client:
        user = get_user_model().objects.create_superuser("root")
        client = Client()
        client.force_login(user)
        return client

    def test_every_list_opens(self, campaign, admin, track, tmp_path, simulated):
        judged(listening(campaign, track, tmp_path), simulated, "promoted", "child1", sdr_median=3.0)
        for model in site._registry:
            url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            assert admin.get(url).status_code == 200, url
            if one := model.objects.first():
                assert admin.get(f"{url}{one.pk}/change/").status_code == 200, url

    @pytest.mark.parametrize(
        "name",
        [
            "annotation/submission",
            "annotation/consensus",
            "annotation/event",
            "learner/feedbackset",
            "learner/evaluation",
            "learner/checkpoint",
        ],
    )
    def test_what_is_only_added_to_cannot_be_touched(self, campaign, admin, track, tmp_path, simulated, name):
        judged(listening(campaign, track, tmp_path), simulated, "promoted", "child1", sdr_median=3.0)
        one = apps.get_model(*name.split("/")).objects.first()
        assert admin.get(f"/admin/{name}/add/").status_code == 403
        assert admin.post(f"/admin/{name}/{one.pk}/change/", {}).status_code == 403
        assert admin.post(f"/admin/{name}/{one.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_a_site_admin_lets_somebody_in_and_the_campaign_remembers(self, campaign, admin, owner):
        user = get_user_model().objects.create_user("new")
        row = {"campaign": campaign.pk, "user": user.pk, "role": "annotator", "kind": "human", "pseudonym": "newcomer", "active": "on"}
        assert admin.post("/admin/annotation/membership/add/", row).status_code == 302
        assert "newcomer joined as annotator" in text(owner, "/c/bleed/")


def test_the_schema_names_every_door(owner, capsys):
    schema = owner.get("/api/schema/").content.decode()
    for path in ("/api/campaigns/{slug}/next/", *(f"/api/tasks/{{task_id}}/{what}/" for what in ("submission", "draft", "skip", "lease"))):
        assert path in schema
    assert "Warning" not in capsys.readouterr().err
