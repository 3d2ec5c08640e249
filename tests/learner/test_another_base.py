"""A campaign that goes on from another base: what stays, what counts for it, what is said of it, and the way back."""

from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from annotation.models import Campaign, Event, Mark, Membership, Task
from learner import actors, selectors, services
from learner.core import checkpoint
from learner.models import Adaptation, Checkpoint, Evaluation, Job, Round, SharedModel
from learner.work.bases import bring_base
from learner.work.plan import Plan
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    """Of a campaign with a judged round and one that people listen to."""
    campaign = rounds.campaign()
    owner = worlds.member(campaign, "owner", "owner")
    rounds.judged(rounds.listening(campaign), owner, "promoted", "child1", sdr_median=3.0)
    rounds.listening(campaign)
    return owner


@pytest.fixture
def client(owner: Membership) -> Client:
    return worlds.signed_in(owner)


def another(campaign: Campaign) -> Checkpoint:
    base = worlds.checkpoint("other", recipe={"name": "Another"})
    services.change_base(campaign=campaign, base=base)
    return base


def current(campaign: Campaign) -> Checkpoint:
    return SharedModel.objects.select_related("current").get(campaign=campaign).current


def test_songs_people_and_marks_stay_and_untouched_clips_go(owner: Membership) -> None:
    before = Mark.objects.count(), Task.objects.exclude(state="withdrawn").filter(round_number=1).count()
    base = another(owner.campaign)
    assert current(owner.campaign) == base
    assert (Mark.objects.count(), Task.objects.exclude(state="withdrawn").filter(round_number=1).count()) == before
    assert set(Task.objects.filter(round_number=2).values_list("state", flat=True)) == {"withdrawn"}


def test_without_a_change_the_marks_of_before_are_no_news(owner: Membership) -> None:
    Task.objects.filter(round_number=2).update(state="withdrawn")
    services.advance(campaign=owner.campaign)
    assert Round.objects.get(number=2).state == "empty"


def test_all_marks_so_far_are_news_to_another_base(owner: Membership) -> None:
    base = another(owner.campaign)
    services.advance(campaign=owner.campaign)
    adaptation = Adaptation.objects.get(verdict="pending")
    assert adaptation.parent == base
    assert "strength" not in adaptation.recipe, "what children of another base cost says nothing of this one"


def test_what_comes_of_it_is_judged_beside_its_own_base(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    base = another(owner.campaign)
    services.advance(campaign=owner.campaign)
    child = worlds.checkpoint("child2", base)
    assert selectors.base_of(owner.campaign, base) == base
    Adaptation.objects.filter(verdict="pending").update(child=child)
    assert selectors.base_of(owner.campaign, child) == base
    first = Checkpoint.objects.get(hash__startswith="child1")
    assert selectors.base_of(owner.campaign, first) == Round.objects.get(number=1).parent
    monkeypatch.setattr(
        "learner.work.plan.checkpoint.about", lambda file: checkpoint.About("unet", {}, 16_000, 1, "vocals", None, {}, 0, "")
    )
    monkeypatch.setattr("learner.work.plan.storage.local", lambda key: Path(key))
    adaptation = Adaptation.objects.get(verdict="pending")
    assert Plan.of(adaptation, adaptation.job).base == base


def test_what_was_being_learned_meanwhile_is_not_used(owner: Membership) -> None:
    rounds.answered(Task.objects.filter(round_number=2)[0], owner, (1.0, 2.0))
    adaptation = services.freeze_feedback(round_=Round.objects.get(number=2))
    assert adaptation
    base = another(owner.campaign)
    assert not services.promote(adaptation=adaptation, child=worlds.checkpoint("child2", adaptation.parent))
    assert current(owner.campaign) == base


def test_rolling_back_leads_to_what_was_in_use_before(owner: Membership, client: Client) -> None:
    before = current(owner.campaign)
    base = another(owner.campaign)
    page = text(client, f"/c/bleed/roll-back/?seen={base.hash}")
    assert "what it used before its base was changed, child100 , again." in page
    client.post("/c/bleed/roll-back/", {"seen": base.hash})
    assert current(owner.campaign) == before
    assert "Roll back to child100" not in text(client, "/c/bleed/parts/checkpoints/")
    assert "rolled back from other000 to child100" in text(client, "/c/bleed/parts/history/")


def test_the_base_that_it_has_is_refused(owner: Membership) -> None:
    with pytest.raises(services.SameBase, match="child100, comes from this base already"):
        services.change_base(campaign=owner.campaign, base=Round.objects.get(number=1).parent)
    assert not Event.objects.filter(what="model.base_changed").exists()


def test_pages_say_what_it_changed_until_its_first_round_is_over(owner: Membership, client: Client) -> None:
    before = current(owner.campaign)
    base = another(owner.campaign)
    for row, leak in ((before, 9.5), (base, 3.25)):
        Evaluation.objects.create(
            campaign=owner.campaign, checkpoint=row, use="gate", domain="target", metric="false_positive_seconds_per_minute",
            value=leak, n_songs=2,
        )  # fmt: skip
    said = "Target gate songs: false positives 9.50 before, 3.25 now (s/min)."
    assert said in text(client, "/c/bleed/parts/base/") and "went on from Another" in text(client, "/c/bleed/parts/base/")
    services.advance(campaign=owner.campaign)
    assert said in text(client, "/c/bleed/rounds/2/") and "The first round of another base" in text(client, "/c/bleed/rounds/2/")
    assert said not in text(client, "/c/bleed/rounds/1/")
    assert "base from round 2 on other000" in text(client, "/c/bleed/parts/figures/")


def test_a_worker_brings_it_and_measures_both_on_the_gate_songs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client, owner: Membership
) -> None:
    campaign, rng = owner.campaign, np.random.default_rng(0)
    first = checkpoint.save(tiny("unet", sample_rate=16_000), tmp_path, recipe={}, parent=None).path
    shared = services.keep_checkpoint(file=first)
    SharedModel.objects.filter(campaign=campaign).update(current=shared)
    stems = {name: worlds.flac(rng.normal(0, 0.1, 4 * worlds.RATE)) for name in ("mixture", "vocals")}
    for use in ("gate", "replay"):
        worlds.song(campaign, stems, name=use, use=use)
    monkeypatch.setattr(
        "learner.core.bases.fetch",
        lambda name, out, *, progress: checkpoint.save(tiny("spleeter"), tmp_path, recipe={"name": "Small"}, parent=None).path,
    )
    said = client.post("/c/bleed/base/", {"base": "spleeter-22k", "another": "yes"}, follow=True).content.decode()
    assert "the campaign goes on from it as soon as it is here" in said
    job = Job.objects.get(kind="base")
    actors.run(job.pk, bring_base)
    job.refresh_from_db()
    assert (job.state, current(campaign).recipe) == ("done", {"name": "Small"})
    measured = Evaluation.objects.filter(use="gate", metric="false_positive_seconds_per_minute", domain="target")
    assert set(measured.values_list("checkpoint", flat=True)) == {shared.pk, current(campaign).pk}
    assert "you chose the base spleeter-22k for the campaign to go on from" in text(client, "/c/bleed/parts/history/")


def test_without_asking_for_another_a_campaign_keeps_its_base(owner: Membership, client: Client) -> None:
    assert "has a checkpoint already" in client.post("/c/bleed/base/", {"base": "shipped"}, follow=True).content.decode()
    assert not Job.objects.filter(kind="base").exists()
