"""A recipe in the settings: tried without saving, and refused where nothing could be learned with it. Real rows, real heads of files."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils.timezone import now

from annotation.files import storage
from annotation.models import Campaign
from learner.core import checkpoint
from learner.core.bases import SHIPPED_FILE
from learner.models import Adaptation, Checkpoint, Job
from learner.selectors import recipes
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text
from tests.hub.test_campaign_form import as_shown
from tests.learner.core.separators.tiny import tiny

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """With a model whose file is there, a pool song, and one to replay."""
    campaign = rounds.campaign()
    Checkpoint.objects.update(file=storage.keep(SHIPPED_FILE, ".safetensors"))
    rounds.song(campaign)
    for name in ("mixture", "vocals"):
        worlds.track(campaign, f"to replay by its {name}", use="replay").stems.create(name=name, file="x")
    return campaign


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


def dry(owner: Client, campaign: Campaign, recipe: str) -> str:
    answer = owner.post("/c/bleed/settings/", as_shown(campaign, recipe=recipe) | {"dry-run": "recipe"})
    return " ".join(answer.content.decode().replace("<code>", "").replace("</code>", "").split())


def test_the_head_of_a_file_says_what_torch_says_of_it(tmp_path: Path) -> None:
    for kind in ("unet", "spleeter"):
        file = checkpoint.save(tiny(kind), tmp_path, recipe={}, parent=None).path
        assert recipes._head(file)["architecture"] == checkpoint.about(file).architecture == kind
    assert recipes._head(tmp_path / "none") == {}
    (tmp_path / "strange").write_bytes(b"no head at all")
    assert recipes._head(tmp_path / "strange") == {}


def test_a_dry_run_says_what_would_run_and_saves_nothing(campaign: Campaign, owner: Client) -> None:
    said = dry(owner, campaign, '{"steps": 240}')
    assert "No clip that people agreed on yet: there is nothing to learn from." in said
    assert "Songs: 2 for replay, 0 for validation, 0 for the gate, 0 for the test." in said
    assert "240 steps, and as many again of replay alone, for comparison." in said
    assert "not known before the first adaptation has ended" in said
    assert "steps</th><td>120</td><td>240</td>" in said
    campaign.refresh_from_db()
    assert campaign.recipe == {} and "{&quot;steps&quot;: 240}" in said


def test_after_a_round_it_counts_what_was_marked_and_how_long_it_takes(campaign: Campaign, owner: Client) -> None:
    boss = campaign.memberships.get()
    rounds.judged(rounds.listening(campaign), boss, "promoted", "child1", sdr_median=3.0)
    Checkpoint.objects.update(file=storage.keep(SHIPPED_FILE, ".safetensors"))
    job = Adaptation.objects.get().job
    Job.objects.filter(pk=job.pk).update(attempt=1, started=now() - timedelta(minutes=6), finished=now())
    said = dry(owner, campaign, '{"steps": 240}')
    assert "0.1 marked minutes in 2 clips of 1 song to learn from, 0.5 minutes heard in all." in said
    assert "About 12 min of a worker, by what the adaptation of round 1 took." in said


@pytest.mark.parametrize("recipe", ['{"stepz": 3}', '{"steps": "many"}', '{"steps": 0}', "[]", "{"])
def test_a_wrong_recipe_is_refused_at_its_field(campaign: Campaign, owner: Client, recipe: str) -> None:
    answer = owner.post("/c/bleed/settings/", as_shown(campaign, recipe=recipe) | {"dry-run": "recipe"})
    assert answer.status_code == 400 and "dry-run-title" not in answer.content.decode()
    assert "recipe" in answer.context["form"].errors


def test_what_could_not_begin_is_refused_before_anybody_answers_for_it(campaign: Campaign, owner: Client) -> None:
    answer = owner.post("/c/bleed/settings/", as_shown(campaign, recipe='{"replay_share": 0}'))
    assert answer.status_code == 400
    assert "With this recipe there are no songs to replay. Take some in with" in answer.content.decode()
    assert owner.post("/c/bleed/settings/", as_shown(campaign, recipe='{"replay_share": 0.5}')).status_code == 302
    assert "recipe (replay share" not in text(owner, "/c/bleed/parts/history/")
    campaign.tracks.filter(use="replay").update(set_aside=now(), set_aside_reason="torn")
    assert "With this recipe there are no songs to replay. Take some in with" in dry(owner, campaign, '{"steps": 3}')
    assert "or put back those that were set aside" in dry(owner, campaign, '{"steps": 3}')


def test_before_there_is_a_model_it_says_so(db: None) -> None:
    campaign = worlds.campaign("bleed")
    said = dry(worlds.client(campaign, "owner", "owner"), campaign, '{"steps": 3}')
    assert "The campaign has no model yet" in said
