"""The job that chooses clips makes gold tasks beside them, and simulated people answer those by their exact truth. A real model."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import stats

from annotation.files.previews import preview
from annotation.models import GoldTruth
from annotation.selectors import gold
from learner import services
from tests.learner.scored import scored

pytestmark = pytest.mark.django_db
KEEN = {"sensitivity": 1.0, "over_marking": 0.0, "lag": 0.1, "jitter": 0.02, "spam": None}


def test_choosing_clips_brings_gold_along_that_keen_ears_find(tmp_path: Path) -> None:
    from learner.simulated import invite_simulated, simulate_people

    campaign = scored(tmp_path, n_songs=2, clips_per_round=4, gold_share=0.4)
    round_ = campaign.rounds.get()
    assert campaign.tasks.filter(kind="pool").count() == 3, "one of the two songs is kept apart for the gate, with one clip"
    truths = list(GoldTruth.objects.filter(task__campaign=campaign))
    assert len(truths) >= 2 and any(truth.regions for truth in truths)

    invite_simulated(campaign=campaign, n=1, spam_share=0.0)
    campaign.memberships.update(habits=KEEN)
    simulate_people(campaign=campaign)
    on_gold = gold.on_gold(campaign.memberships.get())
    assert on_gold.n >= 1 and on_gold.score is not None and on_gold.score > 0.9
    services.advance(campaign=campaign)
    round_.refresh_from_db()
    assert round_.state in ("adapting", "empty"), "gold tasks hold up no round"


def told(sound: bytes) -> dict[str, float]:
    """What a nosy person can measure of a clip: the size of its file, how quiet it gets, how far up it reaches, how noisy its rests are."""
    samples, rate = soundfile.read(io.BytesIO(sound), always_2d=True)
    frames = samples[:, 0][: len(samples) // (rate // 10) * (rate // 10)].reshape(-1, rate // 10)
    power = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    spectra = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))) ** 2 + 1e-12
    above = 10 * np.log10(spectra[:, int(0.75 * spectra.shape[1]) :].mean(axis=1))
    quiet = spectra[power <= np.median(power)]
    flatness = np.exp(np.log(quiet).mean(axis=1)) / quiet.mean(axis=1)
    return {
        "size": len(sound),
        "quietest": power.min(),
        "quiet": float(np.quantile(power, 0.25)),
        "jumps": float(np.abs(np.diff(power)).max()),
        "top": float(above.max()),
        "flatness": float(np.log(flatness).mean()),
    }


def test_no_measure_tells_gold_from_the_pool(tmp_path: Path) -> None:
    campaign = scored(tmp_path, n_songs=8, clips_per_round=16, gold_share=0.5)
    of = {kind: [told(preview(task, "vocals")) for task in campaign.tasks.filter(kind=kind)] for kind in ("pool", "gold")}
    assert min(map(len, of.values())) >= 10
    for measure in of["pool"][0]:
        pool, golds = ([clip[measure] for clip in of[kind]] for kind in ("pool", "gold"))
        share = stats.mannwhitneyu(golds, pool).statistic / (len(golds) * len(pool))
        assert 0.25 < share < 0.75, f"{measure}: gold lies above the pool in {share:.0%} of pairs"
