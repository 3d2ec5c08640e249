"""What managers do about jobs and checkpoints in the browser. Real rows."""

from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Membership, Task
from annotation.selectors.my_page import promotions
from learner import services
from learner.models import Adaptation, Checkpoint, Job, Lost, Round, SharedModel
from tests import worlds
from tests.hub.reading import text, words
from tests.hub.rounds import answered, figures, judged, listening, scoring
from tests.hub.rounds import campaign as a_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign()


@pytest.fixture
def boss(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "boss", "manager")


@pytest.fixture
def owner(boss: Membership) -> Client:
    return worlds.signed_in(boss)


def said(answer: Any) -> str:
    return words(answer.content.decode())


def state_of(model: Any) -> str:
    model.refresh_from_db()
    return str(model.state)


class TestJobs:
    def test_a_running_job_is_cancelled_its_worker_loses_it_and_it_is_tried_again(self, campaign: Campaign, owner: Client) -> None:
        job = scoring(campaign)
        job.beat(step=3, total=10, doing="separating a song")
        page = said(owner.get(f"/c/bleed/jobs/{job.pk}/"))
        assert "Choosing clips" in page and "3 of 10" in page and "Separating a song" in page and "round 1" in page
        told = owner.post(f"/c/bleed/jobs/{job.pk}/cancel/", follow=True)
        assert "its worker stops within seconds" in said(told) and "boss cancelled it." in said(told)
        with pytest.raises(Lost):
            job.beat(step=4)
        campaign.refresh_from_db()
        round_ = Round.objects.get()
        assert (state_of(job), state_of(round_), campaign.paused) == ("cancelled", "failed", True)
        assert "Round 1 was cancelled. Have its job tried again below" in said(owner.get("/c/bleed/"))
        owner.post(f"/c/bleed/jobs/{job.pk}/retry/")
        assert (state_of(job), state_of(round_), round_.finished) == ("queued", "scoring", None)
        again = Job.claim(job.pk)
        assert again and again.attempt == job.attempt + 1
        assert campaign.events.filter(what__in=["job.cancelled", "job.retried"], who__pseudonym="boss").count() == 2

    def test_an_adaptation_that_was_cancelled_learns_from_the_same_marks_again(self, campaign: Campaign, boss: Membership) -> None:
        round_ = listening(campaign, 1)
        adaptation = _frozen(round_, boss)
        services.cancel_job(job=adaptation.job, who=boss)
        adaptation.refresh_from_db()
        assert (adaptation.verdict, adaptation.reasons) == ("failed", ["boss cancelled it."])
        services.retry_job(job=adaptation.job, who=boss)
        adaptation.refresh_from_db()
        assert (adaptation.verdict, adaptation.reasons, state_of(round_)) == ("pending", [], "adapting")

    def test_after_another_round_has_begun_it_is_not_tried_again(self, campaign: Campaign, boss: Membership, owner: Client) -> None:
        job = scoring(campaign)
        services.cancel_job(job=job, who=boss)
        Campaign.objects.update(paused=False)
        services.start_round(campaign=campaign)
        assert "Round 2 has begun since" in said(owner.post(f"/c/bleed/jobs/{job.pk}/retry/", follow=True))
        assert state_of(job) == "cancelled"

    def test_what_is_over_is_not_cancelled_and_what_runs_is_not_tried_again(self, campaign: Campaign, owner: Client) -> None:
        job = scoring(campaign)
        assert "only one that failed or was cancelled" in said(owner.post(f"/c/bleed/jobs/{job.pk}/retry/", follow=True))
        Job.objects.update(state="done")
        assert "This job is done already." in said(owner.post(f"/c/bleed/jobs/{job.pk}/cancel/", follow=True))

    def test_a_queued_job_says_what_it_waits_for(self, campaign: Campaign, owner: Client) -> None:
        first = services.queue_job(campaign=campaign, kind=Job.Kind.SCORE)
        second = services.queue_job(campaign=campaign, kind=Job.Kind.SCORE)
        patient = services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)
        assert "waits for a worker to be free" in said(owner.get(f"/c/bleed/jobs/{first.pk}/"))
        assert "It waits for 1 job of this and other campaigns." in said(owner.get(f"/c/bleed/jobs/{second.pk}/"))
        assert "now 2 jobs of this and other campaigns come first" in said(owner.get(f"/c/bleed/jobs/{patient.pk}/"))

    def test_the_list_adds_up_what_jobs_cost_and_is_searched_by_state(self, campaign: Campaign, owner: Client) -> None:
        listening(campaign, 1)
        page = said(owner.get("/c/bleed/jobs/"))
        assert "Choosing clips 0.1 min 1 job" in page or "Choosing clips 0.2 min 1 job" in page
        assert "No job is failed." in said(owner.get("/c/bleed/jobs/?state=failed"))
        assert owner.get("/c/bleed/jobs/999/").status_code == 404


class TestCheckpoints:
    @pytest.fixture
    def refused(self, campaign: Campaign, boss: Membership) -> Checkpoint:
        adaptation = judged(listening(campaign), boss, "refused", "child", sdr_median=5.0)
        figures(campaign, Checkpoint.objects.get(hash__startswith="base"), sdr_median=4.0)
        assert adaptation.child
        return adaptation.child

    def test_its_page_tells_where_it_is_from_and_how_it_measures(self, refused: Checkpoint, owner: Client) -> None:
        page = said(owner.get(f"/c/bleed/checkpoints/{refused.hash}/"))
        assert "refused" in page and "because child" in page and "2 regions" in page and "5.00" in page and "4.00" in page
        assert refused.parent
        base = said(owner.get(f"/c/bleed/checkpoints/{refused.parent.hash}/"))
        assert "Made from it" in base and "current" in base

    def test_its_card_can_be_taken_home(self, refused: Checkpoint, owner: Client) -> None:
        told = owner.get(f"/c/bleed/checkpoints/{refused.hash}/card.md").content.decode()
        assert told.startswith("---\nlicense: ") and "2 regions in 2 clips" in told and "| child000 | 5.00 |" in told

    def test_a_manager_makes_a_refused_child_current_with_a_reason_and_back_again(
        self, campaign: Campaign, refused: Checkpoint, owner: Client
    ) -> None:
        base = SharedModel.objects.get(campaign=campaign).current
        url = f"/c/bleed/checkpoints/{refused.hash}/make-current/"
        assert "Say why" in said(owner.post(url, {"seen": base.hash, "reason": " "}, follow=True))
        assert "uses checkpoint child000 now" in said(owner.post(url, {"seen": base.hash, "reason": "It sounds better."}, follow=True))
        assert SharedModel.objects.get(campaign=campaign).current == refused
        assert promotions(campaign) == {base.hash: refused.hash}
        assert "made checkpoint child000 current by hand, in place of base0000: It sounds better." in text(owner, "/c/bleed/parts/history/")
        stale = owner.post(f"/c/bleed/checkpoints/{base.hash}/make-current/", {"seen": base.hash, "reason": "x"}, follow=True)
        assert "uses base0000 already" in said(stale) or "Another checkpoint became current" in said(stale)
        owner.post(f"/c/bleed/checkpoints/{base.hash}/make-current/", {"seen": refused.hash, "reason": "Voices get thin."})
        assert SharedModel.objects.get(campaign=campaign).current == base and promotions(campaign) == {}

    def test_any_older_one_is_made_current_forward_and_back_and_rolled_back(
        self, campaign: Campaign, boss: Membership, owner: Client, django_assert_max_num_queries: Any
    ) -> None:
        def current() -> str:
            return SharedModel.objects.get(campaign=campaign).current.short

        def chosen(to: str) -> str:
            seen, wanted = SharedModel.objects.get(campaign=campaign).current, Checkpoint.objects.get(hash__startswith=to)
            owner.post(f"/c/bleed/checkpoints/{wanted.hash}/make-current/", {"seen": seen.hash, "reason": "I listened."})
            return current()

        def rolled_back() -> str:
            seen = SharedModel.objects.get(campaign=campaign).current
            with django_assert_max_num_queries(20):  # however many clips it withdraws: it takes a moment, not seconds
                owner.post("/c/bleed/roll-back/", {"seen": seen.hash})
            return current()

        for name, verdict in (("one", "promoted"), ("two", "promoted"), ("bad", "refused")):
            judged(listening(campaign), boss, verdict, name)
        listening(campaign, 200)
        assert current() == "two00000"
        assert rolled_back() == "one00000" and not Task.objects.filter(state="open").exists()
        assert [chosen("two"), chosen("base"), chosen("bad"), chosen("one")] == ["two00000", "base0000", "bad00000", "one00000"]
        page = said(owner.get(f"/c/bleed/roll-back/?seen={Checkpoint.objects.get(hash__startswith='one').hash}"))
        assert "what it used before somebody chose one00000, bad00000 , again" in page
        assert [rolled_back(), rolled_back()] == ["bad00000", "two00000"], "what it took the place of, then where that came from"

    def test_one_whose_file_is_gone_is_not_rolled_back_to(self, campaign: Campaign, refused: Checkpoint, owner: Client) -> None:
        base = SharedModel.objects.get(campaign=campaign).current
        owner.post(f"/c/bleed/checkpoints/{refused.hash}/make-current/", {"seen": base.hash, "reason": "x"})
        Checkpoint.objects.filter(pk=base.pk).update(file_removed_at="2026-01-01T00:00Z")
        told = said(owner.post("/c/bleed/roll-back/", {"seen": refused.hash}, follow=True))
        assert "base0000 cannot be used." in told and SharedModel.objects.get(campaign=campaign).current == refused

    def test_another_campaigns_checkpoint_is_not_here(self, campaign: Campaign, owner: Client) -> None:
        other = worlds.checkpoint("other")
        assert owner.get(f"/c/bleed/checkpoints/{other.hash}/").status_code == 404


def _frozen(round_: Round, by: Membership) -> Adaptation:
    for task in Task.objects.filter(round_number=round_.number):
        answered(task, by, (2.0, 4.0))
    adaptation = services.freeze_feedback(round_=round_)
    assert adaptation
    return adaptation
