"""A campaign whose first clips were chosen by a real model, on real sound."""

from pathlib import Path

from annotation.models import Campaign
from learner import services
from learner.models import Job
from tests import worlds
from tests.present import present


def scored(folder: Path, *, n_songs: int, **rules: float) -> Campaign:
    """Its first round is open, on as many songs of its pool (30 s, with stems) and one for replay."""
    from learner.core.songs import synth
    from learner.core.teaching import train
    from learner.ingest import ingest
    from learner.work import scoring

    campaign = worlds.campaign("gold", clip_seconds=10.0, min_overlap=1, max_overlap=1, seed=3, **rules)
    for use, seeds in (("pool", range(910_001, 910_001 + n_songs)), ("replay", [910_000])):
        (folder / use).mkdir()
        synth.write_songs(folder / use, "target", list(seeds), 30.0 if use == "pool" else 8.0)
        assert not ingest(campaign=campaign, folder=folder / use, use=use, domain="target").bad
    worlds.with_model(campaign, services.keep_checkpoint(file=train.BASE))
    round_ = present(services.start_round(campaign=campaign))
    scoring.score_pool(present(Job.claim(round_.scoring_id)))
    return campaign
