"""Pages of campaigns: who sees what, what they say, and their pictures. Real rows."""

import json
import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation import services as annotating
from annotation.core.words import moment
from annotation.files.disk_space import Lack
from annotation.models import Campaign, Event, Membership, Task
from hub import disk
from hub.pages import words
from learner import services
from learner.models import Adaptation, Checkpoint, Job, Round
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import found, text, whole
from tests.hub.reading import words as words_of
from tests.hub.rounds import answered, figures, judged, listening, scoring

SECTIONS = ["state", "figures", "choosing", "people", "checkpoints", "history"]


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def ann(campaign: Campaign) -> Client:
    return worlds.client(campaign, "ann")


@pytest.fixture
def simulated(campaign: Campaign) -> Membership:
    return annotating.add_member(campaign=campaign, kind="simulated", pseudonym="simulated-01")


class TestWhoSeesWhat:
    @pytest.mark.parametrize("path", ["", "rounds/1/", "rounds/1/freeze/", "roll-back/", *(f"parts/{name}/" for name in SECTIONS)])
    def test_to_a_stranger_the_campaign_does_not_exist(self, campaign: Campaign, path: str) -> None:
        listening(campaign)
        stranger = worlds.signed_in(worlds.user("stranger"))
        assert stranger.get(f"/c/bleed/{path}").status_code == 404
        assert Client().get(f"/c/bleed/{path}").status_code == 302

    @pytest.mark.parametrize("path", ["pause/", "resume/", "rounds/1/freeze/", "roll-back/"])
    @pytest.mark.parametrize("role", ["annotator", "reviewer"])
    def test_only_owners_and_managers_press_buttons(self, campaign: Campaign, path: str, role: str) -> None:
        listening(campaign)
        assert worlds.client(campaign, "somebody", role).post(f"/c/bleed/{path}").status_code == 403
        assert worlds.signed_in(worlds.user("stranger")).post(f"/c/bleed/{path}").status_code == 404

    def test_an_annotator_sees_the_loop_but_neither_people_nor_buttons(
        self, campaign: Campaign, ann: Client, simulated: Membership
    ) -> None:
        listening(campaign)
        page = text(ann, "/c/bleed/")
        assert "Round 1: people are listening, 0 of 2 answers." in page
        assert not [word for word in ("People", "simulated-01", "Pause", "Freeze", "Roll back") if word in page]
        assert ann.get("/c/bleed/parts/people/").status_code == 404

    def test_a_reviewer_sees_people_but_no_buttons(self, campaign: Campaign, simulated: Membership) -> None:
        listening(campaign)
        page = text(worlds.client(campaign, "rev", "reviewer"), "/c/bleed/")
        assert "simulated-01" in page
        assert not [word for word in ("Pause", "Freeze now", "Roll back") if word in page]

    def test_an_open_clip_shows_an_annotator_nothing_of_others_answers(
        self, campaign: Campaign, ann: Client, owner: Client, simulated: Membership
    ) -> None:
        Campaign.objects.update(min_overlap=2, max_overlap=2)
        campaign.refresh_from_db()
        listening(campaign, 1)
        answered(Task.objects.get(), simulated, (2.0, 4.0))
        assert "<rect" not in whole(ann, "/c/bleed/rounds/1/")
        assert "<rect" in whole(owner, "/c/bleed/rounds/1/")

    def test_pseudonyms_are_for_managers_and_reviewers(self, campaign: Campaign, ann: Client, owner: Client, simulated: Membership) -> None:
        listening(campaign, 1)
        answered(Task.objects.get(), simulated, (2.0, 4.0))
        assert "simulated-01" in text(owner, "/c/bleed/rounds/1/")
        page = text(ann, "/c/bleed/rounds/1/")
        assert "simulated-01" not in page and "listener 1" in page
        assert "somebody answered a task" in text(ann, "/c/bleed/")


class TestSentences:
    def test_an_empty_campaign_says_what_to_do(self, campaign: Campaign, owner: Client) -> None:
        page = text(owner, "/c/bleed/")
        assert "no songs in its pool" in page and "manage.py ingest bleed" in page
        assert "Nothing yet." in page

    def test_a_queued_job_waits_for_a_worker(self, campaign: Campaign, owner: Client) -> None:
        rounds.song(campaign)
        services.start_round(campaign=campaign)
        page = text(owner, "/c/bleed/")
        assert "Round 1: choosing the clips most worth a person's minute; waiting for a worker." in page

    def test_a_job_that_waits_for_room_says_so(self, campaign: Campaign, owner: Client) -> None:
        services.wait_for_room(job=scoring(campaign), lack=Lack("No space left on device", Path("/not/there")))
        page = text(owner, "/c/bleed/")
        assert "minute; it waits for room on the disk, and goes on by itself." in page
        assert re.search(r"Waits for room on the disk: \d+ MB are free\. No space left on device: /not/there\. It goes on by itself", page)

    def test_a_disk_that_fills_is_said_to_those_who_can_have_room_made(
        self, campaign: Campaign, owner: Client, ann: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(disk, "wrong", lambda: "The disk of /home is nearly full: 1.5 GB are free.")
        assert "nearly full: 1.5 GB" in text(owner, "/c/bleed/") and "nearly full" not in text(ann, "/c/bleed/")

    def test_a_running_job_shows_how_far_it_is_and_what_it_does(self, campaign: Campaign, owner: Client) -> None:
        Job.objects.filter(pk=scoring(campaign).pk).update(state="running", attempt=2, step=3, total=12, doing="separating a song")
        page = whole(owner, "/c/bleed/")
        assert '<progress value="3" max="12"' in page
        assert "Separating a song" in page and "attempt 2</span>" in page

    def test_a_failed_job_gives_its_reason_and_the_loop_rests(self, campaign: Campaign, owner: Client) -> None:
        services.fail(job=scoring(campaign), reason="BadAudio: the file is truncated")
        page = text(owner, "/c/bleed/")
        assert "Round 1 failed. Look at the reason below" in page and "Go on with rounds" in page
        assert "BadAudio: the file is truncated" in page

    def test_each_event_is_told_in_words(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        round_ = listening(campaign, 1)
        judged(round_, simulated, "promoted", "child1", sdr_median=3.0)
        page = text(owner, "/c/bleed/parts/history/")
        assert "simulated-01 answered task" in page and ": 1 mark" in page
        assert "the platform froze the feedback of round 1: 1 region in 1 clip" in page
        assert "the platform promoted checkpoint child100 over base0000" in page
        told = {event.what for event in Event.objects.filter(campaign=campaign)}
        assert told <= set(words.SENTENCES), "no event without words"


class TestWaiting:
    def test_a_comparison_that_gives_way_stays_in_sight_whatever_its_round(
        self, owner: Client, campaign: Campaign, simulated: Membership
    ) -> None:
        adaptation = judged(listening(campaign), simulated, "refused", "child1")
        job = services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)
        Adaptation.objects.filter(pk=adaptation.pk).update(baseline_job=job)
        for number in (2, 3):
            judged(listening(campaign), simulated, "refused", f"child{number}")
        said = text(owner, "/c/bleed/")
        assert f"since {moment(job.created)}" in said
        assert "Nobody waits for it: it is done when no other job of any campaign waits for a worker." in said

    @pytest.mark.parametrize(("state", "said"), [("queued", "Nobody waits for it"), ("running", "scoring a song · 3 of 8"), ("done", "")])
    def test_the_scoring_that_no_round_waits_for_is_seen_until_it_is_done(
        self, owner: Client, campaign: Campaign, state: str, said: str
    ) -> None:
        listening(campaign)
        job = services.queue_job(campaign=campaign, kind=Job.Kind.RESCORE)
        Job.objects.filter(pk=job.pk).update(state=state, step=3, total=8, doing="scoring a song")
        page = text(owner, "/c/bleed/")
        assert ("Scoring the rest of the pool" in page) is bool(said) and said.lower() in page.lower()

    def test_a_round_that_waits_for_its_reviewers_says_until_when_and_can_be_frozen_at_once(
        self, owner: Client, campaign: Campaign
    ) -> None:
        waiting = listening(campaign)
        Task.objects.update(state=Task.State.IN_REVIEW, contested=True)
        services.tick()
        waiting.refresh_from_db()
        assert waiting.reviewers_until
        said = f"waits for its reviewers to decide 2 clips, until {moment(waiting.reviewers_until)}"
        assert said in text(owner, "/c/bleed/") and said in text(owner, "/c/bleed/rounds/1/")
        assert "2 clips of it wait for a reviewer" in text(owner, "/c/bleed/rounds/1/freeze/")
        owner.post("/c/bleed/rounds/1/freeze/")
        waiting.refresh_from_db()
        assert waiting.state == Round.State.EMPTY
        assert "ended without marks that people or reviewers agreed on" in text(owner, "/c/bleed/rounds/1/")


class TestFigures:
    @pytest.fixture
    def two_rounds(self, campaign: Campaign, simulated: Membership) -> None:
        """Round 1 promoted, round 2 refused."""
        figures(campaign, Checkpoint.objects.get(), false_positive_seconds_per_minute=10.0, sdr_median=3.0)
        figures(campaign, "silence", false_positive_seconds_per_minute=0.0, sdr_median=0.0)
        figures(campaign, "mixture", false_positive_seconds_per_minute=44.5, sdr_median=-1.5)
        first, second = {"false_positive_seconds_per_minute": 7.0}, {"false_positive_seconds_per_minute": 2.0}
        judged(listening(campaign), simulated, "promoted", "child1", sdr_median=3.25, **first)
        judged(listening(campaign), simulated, "refused", "child2", sdr_median=1.25, **second)

    def test_the_line_follows_the_checkpoint_in_use_and_refused_children_stand_beside_it(self, owner: Client, two_rounds: None) -> None:
        page = whole(owner, "/c/bleed/")
        chart = json.loads(found(r'<script id="chart-leak-target" type="application/json">(.*?)</script>', page))
        assert chart["x"] == [0, 1, 2] and chart["links"] == ["", "/c/bleed/rounds/1/", "/c/bleed/rounds/2/"]
        series = {one["label"]: one for one in chart["series"]}
        assert series["in use after the round"]["values"] == [10.0, 7.0, 7.0]
        refused = series["child that the gate refused"]
        assert refused["values"] == [None, None, 2.0] and refused["kind"] == "points"
        assert "the mixture as it is: 44.50 s per minute, above this axis" in text(owner, "/c/bleed/")

    def test_the_table_never_stands_without_its_baselines(self, owner: Client, two_rounds: None) -> None:
        page = text(owner, "/c/bleed/")
        for row in ("silence 0.00", "the mixture as it is 44.50", "parent with its best constant gain", "replay without feedback"):
            assert row in page
        assert "child of round 1 child100 current 7.00" in page
        assert "child of round 2 child200 refused 2.00" in page

    def test_a_sentence_says_what_the_rounds_brought_and_what_they_cost(self, campaign: Campaign, owner: Client, two_rounds: None) -> None:
        base, child = Checkpoint.objects.get(hash__startswith="base"), Checkpoint.objects.get(hash__startswith="child1")
        figures(campaign, base, voice_kept_db=-1.0)
        figures(campaign, child, voice_kept_db=-1.5)
        page = text(owner, "/c/bleed/")
        assert "Round 1 took 30 % of the false positives away; the voice lost 0.5 dB. Round 2 changed nothing." in page
        assert "Since the base, false positives went from 10.0 to 7.0 s a minute; the voice lost 0.5 dB." in page

    def test_verdicts_come_with_their_reasons(self, owner: Client, two_rounds: None) -> None:
        page = text(owner, "/c/bleed/")
        assert "Round 2 refused because child2" in page and "Round 1 promoted because child1" in page

    def test_a_round_shows_parent_child_and_what_was_frozen(self, owner: Client, two_rounds: None) -> None:
        page = text(owner, "/c/bleed/rounds/2/")
        assert "parent child100 7.00" in page and "child child200 refused 2.00" in page
        assert re.search(r"Agreed on and frozen [\d.]+ s", page)
        assert owner.get("/c/bleed/rounds/3/").status_code == 404

    def test_pages_ask_as_few_questions_after_many_rounds_as_after_few(
        self, campaign: Campaign, owner: Client, simulated: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(1, 6):
            judged(listening(campaign), simulated, "refused", f"child{number}", sdr_median=1.0)
        with django_assert_max_num_queries(14):
            owner.get("/c/bleed/")
        with django_assert_max_num_queries(18):
            owner.get("/c/bleed/rounds/5/")
        with django_assert_max_num_queries(12):
            owner.get("/c/bleed/parts/state/")

    def test_what_is_older_is_folded_away(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        for number in range(1, 10):
            judged(listening(campaign), simulated, "refused", f"child{number}", sdr_median=1.0)
        latest, earlier = owner.get("/c/bleed/parts/figures/").content.decode().split('<details id="earlier-verdicts">')
        assert [f">Round {number}<" in latest for number in range(1, 10)] == [False] * 4 + [True] * 5
        assert "4 earlier rounds" in earlier and ">Round 1<" in earlier
        tables, folded = words_of(earlier).split("Figures of earlier rounds")
        assert "child of round 5" in tables and "child of round 4" not in tables and "base" in tables and "silence" in tables
        assert "child of round 4" in folded and "child of round 5" not in folded and "silence" not in folded
        shown, folded = owner.get("/c/bleed/parts/checkpoints/").content.decode().split('<details id="earlier-checkpoints">')
        assert (shown.count("<tr>"), folded.count("<tr>")) == (9, 1 + len(Checkpoint.objects.all()) - 8)


class TestPictures:
    def test_marks_and_consensus_are_drawn_where_they_lie_in_the_clip(
        self, campaign: Campaign, owner: Client, simulated: Membership
    ) -> None:
        listening(campaign, 1)
        answered(Task.objects.get(), simulated, (2.0, 4.5))
        page = whole(owner, "/c/bleed/rounds/1/")
        assert 'viewBox="0 0 15.0 1"' in page
        assert '<rect class="person" x="2.0" y="0.1" width="2.5"' in page
        assert '<rect class="consensus"' in page
        assert "simulated-01: 2.00 to 4.50 s" in page, "read out in track seconds"

    def test_an_answer_without_marks_is_drawn_as_one(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        listening(campaign, 1)
        answered(Task.objects.get(), simulated)
        assert "heard nothing wrong" in text(owner, "/c/bleed/rounds/1/")

    def test_pages_carry_no_styles_of_their_own(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        """The content security policy would drop them."""
        round_ = listening(campaign, 1)
        judged(round_, simulated, "promoted", "child1", sdr_median=3.0)
        for url in ("/", "/c/bleed/", "/c/bleed/rounds/1/"):
            assert not re.search(r"<style|\sstyle=|\son\w+=", owner.get(url).content.decode())


class TestFragments:
    @pytest.mark.parametrize("name", SECTIONS)
    def test_a_section_that_is_shown_already_is_not_sent_again(self, campaign: Campaign, owner: Client, name: str) -> None:
        listening(campaign)
        fragment = owner.get(f"/c/bleed/parts/{name}/").content.decode()
        seen = found(r'name="seen" value="(\w+)"', fragment)
        assert seen in whole(owner, "/c/bleed/"), "the page carries the same digest"
        assert owner.get(f"/c/bleed/parts/{name}/?seen={seen}").status_code == 204

    def test_an_answer_changes_the_state(self, campaign: Campaign, owner: Client, simulated: Membership) -> None:
        listening(campaign)
        seen = found(r'name="seen" value="(\w+)"', owner.get("/c/bleed/parts/state/").content.decode())
        answered(Task.objects.all()[0], simulated)
        assert "1 of 2 answers" in text(owner, f"/c/bleed/parts/state/?seen={seen}")

    def test_the_round_page_sends_its_changing_part_alone(self, campaign: Campaign, owner: Client) -> None:
        listening(campaign)
        part = owner.get("/c/bleed/rounds/1/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part and "In short" in part
        seen = found(r'name="seen" value="(\w+)"', part)
        assert owner.get(f"/c/bleed/rounds/1/?seen={seen}", headers={"HX-Request": "true"}).status_code == 204

    def test_a_long_round_comes_in_pages_and_stays_on_the_page_that_was_asked_for(
        self, campaign: Campaign, owner: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hub.pages.rounds.SHOWN", 2)
        rounds.listening(campaign, 5)
        page = whole(owner, "/c/bleed/rounds/1/?page=3")
        assert page.count('<article class="clip">') == 1 and "5 to 5 of 5 clips" in page
        assert 'hx-get="/c/bleed/rounds/1/clips/?page=3"' in page
        assert "No clip of this round is closed." in whole(owner, "/c/bleed/rounds/1/?state=closed")
        assert whole(owner, "/c/bleed/rounds/1/?state=nonsense&page=x").count('<article class="clip">') == 2

    def test_people_are_counted_and_their_table_is_on_a_page_of_its_own(
        self, campaign: Campaign, owner: Client, simulated: Membership
    ) -> None:
        rounds.listening(campaign, 1)
        rounds.answered(Task.objects.get(), simulated, (2.0, 4.0), (5.0, 6.0))
        section = owner.get("/c/bleed/parts/people/").content.decode()
        assert "1 has answered, 1 of them within a week" in section and "<table" not in section
        assert 'href="/c/bleed/people/"' in section and 'href="/c/bleed/crowd/"' in section

    def test_there_are_no_other_sections(self, owner: Client) -> None:
        assert owner.get("/c/bleed/parts/secrets/").status_code == 404
