"""What the field would choose by keeps to the same as our strategies, and does what its paper says."""

import numpy as np
import pytest

from learner.core.bench.choosing.rivals import STRATEGIES, Badge, ProbCover, bald
from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies import Quota

RIVALS = [Badge(), ProbCover()]


def clips(embedding: np.ndarray, *, heard: int = 0, of_each: int = 1) -> Clips:
    n = len(embedding)
    leak, tracks = np.ones(n), np.arange(n) // of_each
    return Clips(tracks, tracks, embedding, np.full(n, 0.25), leak, leak, embedding[:heard])


@pytest.mark.parametrize("rival", RIVALS, ids=lambda one: one.name)
class TestAsOthers:
    def test_no_clip_twice_as_many_as_wanted_within_the_quota(self, rival: Badge | ProbCover) -> None:
        some = clips(np.random.default_rng(0).normal(size=(30, 3)), of_each=3)
        for n in (0, 5, 10, 25):
            picks = [pick.index for pick in rival.pick(some, n, Quota(per_track=2), np.random.default_rng(1))]
            assert len(picks) == len(set(picks)) == min(n, 20)
            assert max(np.bincount(some.tracks[picks], minlength=1)) <= 2
        assert rival.pick(clips(np.zeros((0, 3))), 3, Quota(), np.random.default_rng(0)) == []

    def test_a_seed_is_a_choice(self, rival: Badge | ProbCover) -> None:
        some = clips(np.random.default_rng(0).normal(size=(40, 3)), heard=4)
        one, same = ([pick.index for pick in rival.pick(some, 6, Quota(), np.random.default_rng(1))] for _ in range(2))
        assert one == same

    def test_clips_that_are_all_the_same_are_taken_as_they_come(self, rival: Badge | ProbCover) -> None:
        assert len(rival.pick(clips(np.zeros((5, 2))), 3, Quota(), np.random.default_rng(0))) == 3


def test_badge_begins_with_the_longest_gradient_and_takes_no_two_that_are_alike() -> None:
    gradients = np.repeat([[9.0, 0.0], [0.0, 5.0], [-4.0, 0.0]], 10, axis=0)
    picks = [pick.index // 10 for pick in Badge().pick(clips(gradients), 3, Quota(), np.random.default_rng(0))]
    assert picks[0] == 0 and sorted(picks) == [0, 1, 2]


def test_probcover_takes_the_middle_of_the_largest_crowd_that_was_not_heard() -> None:
    generator = np.random.default_rng(0)
    crowds = np.concatenate([generator.normal(centre, 0.1, (n, 2)) for centre, n in (((0, 0), 8), ((9, 9), 20), ((9, 0), 12))])
    picks = [pick.index for pick in ProbCover(ball=0.3).pick(clips(crowds, heard=8), 2, Quota(), generator)]
    assert 8 <= picks[0] < 28 and picks[1] >= 28


def test_bald_is_what_passes_tell_of_each_other() -> None:
    passes = np.random.default_rng(0).normal(0.4, 0.05, 10_000)
    entropy = -passes * np.log(passes) - (1 - passes) * np.log(1 - passes)
    p = passes.mean()
    told = -p * np.log(p) - (1 - p) * np.log(1 - p) - entropy.mean()
    assert bald(np.array([p]), np.array([passes.std()])) == pytest.approx(told, rel=0.05)
    assert set(STRATEGIES) > {"badge", "probcover", "expected"}
