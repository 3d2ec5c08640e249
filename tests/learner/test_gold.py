"""The job that chooses clips makes gold tasks beside them, and simulated people answer those by their exact truth. A real model."""

from pathlib import Path

import pytest

from annotation import services as annotating
from annotation import standing
from annotation.models import GoldTruth
from learner import services
from learner.models import Job

pytestmark = pytest.mark.django_db
KEEN = {"sensitivity": 1.0, "over_marking": 0.0, "lag": 0.1, "jitter": 0.02, "spam": None}


def test_choosing_clips_brings_gold_along_that_keen_ears_find(tmp_path: Path) -> None:
    from learner import running
    from learner.core import synth, train
    from learner.ingest import ingest
    from learner.people import invite_simulated, simulate_people

    campaign = annotating.create_campaign(
        name="Gold", slug="gold", clip_seconds=10.0, clips_per_round=4, gold_share=0.4, min_overlap=1, max_overlap=1, seed=3
    )
    for use, seeds in (("pool", [910_001, 910_002]), ("replay", [910_003])):
        (tmp_path / use).mkdir()
        synth.write_songs(tmp_path / use, "target", seeds, 30.0 if use == "pool" else 8.0)
        assert not ingest(campaign=campaign, folder=tmp_path / use, use=use, domain="target").bad
    services.share(campaign=campaign, checkpoint=services.keep_checkpoint(file=train.BASE))
    round_ = services.start_round(campaign=campaign)
    assert round_
    job = Job.claim(round_.scoring_id)
    assert job
    running.score_pool(job)

    assert campaign.tasks.filter(kind="pool").count() == 4
    truths = list(GoldTruth.objects.filter(task__campaign=campaign))
    assert len(truths) == 3 and any(truth.regions for truth in truths)

    invite_simulated(campaign=campaign, n=1, spam_share=0.0)
    campaign.memberships.update(habits=KEEN)
    simulate_people(campaign=campaign)
    on_gold = standing.on_gold(campaign.memberships.get())
    assert on_gold.n >= 1 and on_gold.score is not None and on_gold.score > 0.9
    services.advance(campaign=campaign)
    round_.refresh_from_db()
    assert round_.state in ("adapting", "empty"), "gold tasks hold up no round"
