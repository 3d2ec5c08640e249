"""Gold tasks and the figures hear the same singing and the same leaks, though neither half may import the other's arithmetic."""

import numpy as np
import pytest

from annotation.core import leak
from annotation.core.regions import Region, merge
from learner.core import metrics
from learner.core.songs.synth import make_song
from tests.present import present


@pytest.mark.parametrize("rate", [8_000, 11_025])
def test_singing_and_leaks_are_the_same_stretches_for_gold_and_for_the_figures(rate: int) -> None:
    song = make_song(910_001, "target", 12.3)
    vocals, accompaniment = (stem[:, :: song.sample_rate // rate] for stem in map(present, (song.vocals, song.accompaniment)))
    estimate = vocals + np.float32(0.3) * accompaniment  # some of its frames lie 15 to 18 dB under the sung level
    sung, level = leak.sung(vocals, rate)
    assert sung == pytest.approx(np.array(metrics.active_regions(vocals, rate)))
    rests = metrics.silent_regions(vocals, rate)
    wrong = merge(metrics.false_positive_regions(estimate, vocals, rate), leak.LEAK_GAP)
    longer = [region for region in wrong if region.duration >= leak.SHORTEST_LEAK]
    assert longer and leak.own_leaks(estimate, map(Region._make, rests), rate, level) == pytest.approx(np.array(longer))
