"""What every way of choosing must do, and what each alone does."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from learner.core.choosing.clips import Clips, alike, frames_of, mean, means, seconds
from learner.core.choosing.strategies import BY_NAME, DEFAULT, Pick, Quota
from learner.core.choosing.strategies.coverage import nearest
from learner.core.choosing.strategies.drawing import draw, systematic

NAMES = ("random", "leak-aware", "uncertainty", "noisy-uncertainty", "coverage", "expected")


def clips(n_tracks: int = 8, each: int = 4, seed: int = 0) -> Clips:
    """Tracks of 15 s clips, two to an album."""
    generator, n = np.random.default_rng(seed), n_tracks * each
    tracks = np.repeat(np.arange(n_tracks), each)
    return Clips(
        tracks,
        tracks // 2,
        generator.normal(size=(n, 3)),
        np.full(n, 0.25),
        generator.exponential(2.0, n),
        generator.random(n),
        np.zeros((0, 3)),
    )


def pick(name: str, pool: Clips, n: int = 6, quota: Quota | None = None, seed: int = 0) -> list[Pick]:
    return BY_NAME[name].pick(pool, n, quota or Quota(), np.random.default_rng(seed))


def test_the_names_that_settings_know() -> None:
    assert tuple(BY_NAME) == NAMES
    assert DEFAULT in NAMES


@pytest.mark.parametrize("name", NAMES)
class TestEveryStrategy:
    def test_takes_as_many_as_wanted_and_none_twice(self, name: str) -> None:
        for seed in range(10):
            found = pick(name, clips(), 10, seed=seed)
            assert len({one.index for one in found}) == len(found) == 10
            assert all(0 < one.chance <= 1 for one in found)

    def test_takes_what_there_is_of_a_small_pool(self, name: str) -> None:
        assert sorted(one.index for one in pick(name, clips(2, 2), 9)) == [0, 1, 2, 3]
        assert pick(name, clips(0), 3) == []
        assert pick(name, clips(), 0) == []

    def test_keeps_the_quota_of_tracks_and_albums(self, name: str) -> None:
        pool = clips()
        for seed in range(10):
            found = pick(name, pool, 9, Quota(2, 3, {0: 2, 1: 1}, {0: 2}), seed)
            tracks, groups = (Counter(int(of[one.index]) for one in found) for of in (pool.tracks, pool.groups))
            assert 0 not in tracks and tracks[1] <= 1 and max(tracks.values()) <= 2
            assert groups[0] <= 1 and max(groups.values()) <= 3
            assert len(found) == 9

    def test_equal_clips_are_taken_in_no_fixed_order(self, name: str) -> None:
        equal = clips(20, 1)
        equal = replace(equal, leak=np.ones(20), unsure=np.ones(20), embedding=np.zeros((20, 3)))
        assert len({pick(name, equal, 1, seed=seed)[0].index for seed in range(20)}) > 5

    def test_unknown_clips_come_last(self, name: str) -> None:
        pool = clips()
        unknown = np.arange(len(pool)) % 2 == 1
        pool = replace(pool, leak=np.where(unknown, np.nan, pool.leak), unsure=np.where(unknown, np.nan, pool.unsure))
        assert len(pick(name, pool, 16)) == 16
        assert len(pick(name, replace(pool, leak=np.full(32, np.nan), unsure=np.full(32, np.nan)), 16)) == 16
        if name not in ("random", "coverage"):
            share = np.mean([unknown[one.index] for seed in range(20) for one in pick(name, pool, 6, seed=seed)])
            assert share < 0.1

    def test_the_same_generator_takes_the_same(self, name: str) -> None:
        assert pick(name, clips(), seed=3) == pick(name, clips(), seed=3)

    def test_says_what_its_score_is_made_of(self, name: str) -> None:
        for one in pick(name, clips(), 4):
            assert np.isfinite([one.score, *one.parts.values()]).all()


@pytest.mark.parametrize("name", ("random", "leak-aware"))
class TestChances:
    def test_stated_chances_are_the_true_ones(self, name: str) -> None:
        pool, draws, generator = clips(4, 3, seed=1), 400, np.random.default_rng(2)
        heads, strategy = np.zeros(len(pool)), BY_NAME[name]
        # In each draw the inverse of the chance counts every clip once on average, whatever was left of its track.
        for _ in range(draws):
            for one in strategy.pick(pool, 4, Quota(1, 2), generator):
                heads[one.index] += 1 / one.chance
        assert heads / draws == pytest.approx(np.ones(len(pool)), abs=0.9)
        assert heads.sum() / draws == pytest.approx(len(pool), rel=0.08)


def test_a_clip_that_leaks_twice_as_much_is_drawn_twice_as_often() -> None:
    pool = clips(10, 1)
    pool = replace(pool, leak=np.array([2.0] * 5 + [1.0] * 5))
    seen = Counter(one.index for seed in range(800) for one in pick("leak-aware", pool, 3, Quota(1), seed))
    assert sum(seen[i] for i in range(5)) / sum(seen[i] for i in range(5, 10)) == pytest.approx(2.0, rel=0.2)


def test_chances_never_pass_one() -> None:
    drawn, chances = systematic(np.array([100.0, 1.0, 1.0, 1.0]), 2, np.random.default_rng(0))
    assert 0 in drawn and chances == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3])
    assert len(systematic(np.ones(3), 5, np.random.default_rng(0))[0]) == 3


def test_drawing_thins_a_crowded_track_by_weight() -> None:
    pool = clips(2, 8)
    weights = np.where(np.arange(16) == 3, 50.0, 1.0)
    found = [one.index for seed in range(50) for one in draw(weights, pool, 2, Quota(1), np.random.default_rng(seed))]
    assert found.count(3) > 30


def test_the_most_unsure_is_taken_and_noise_shuffles_it_at_first() -> None:
    pool = clips(32, 1)
    best = set(np.argsort(-pool.unsure)[:6])
    assert {one.index for one in pick("uncertainty", pool)} == best
    later = replace(pool, heard=np.zeros((3000, 3)))

    def hits(some: Clips) -> float:
        return float(np.mean([len(best & {one.index for one in pick("noisy-uncertainty", some, seed=seed)}) for seed in range(20)]))

    assert hits(pool) < hits(later)


def test_coverage_takes_one_of_each_kind_and_nothing_like_what_was_heard() -> None:
    pool = clips(12, 1)
    kinds = np.repeat(np.eye(3) * 10, 4, axis=0)
    pool = replace(pool, embedding=kinds + 0.01 * np.random.default_rng(0).random((12, 3)))
    assert {one.index // 4 for one in pick("coverage", pool, 3)} == {0, 1, 2}
    heard = replace(pool, heard=pool.embedding[:2])
    assert {one.index // 4 for one in pick("coverage", heard, 2)} == {1, 2}


def test_expected_counts_seconds_by_what_they_cost_once_enough_was_heard() -> None:
    pool = clips(20, 1)
    dear = np.argmax(pool.leak)
    pool = replace(pool, minutes=np.where(np.arange(20) == dear, 25.0, 0.25), heard=np.zeros((5000, 3)))
    order = np.argsort(-pool.leak / pool.minutes)
    assert [one.index for one in pick("expected", pool, 4)][:2] == list(order[:2])
    assert dear not in {one.index for one in pick("expected", pool, 4)}


def test_expected_spreads_first_picks_over_what_sounds_unlike() -> None:
    pool = clips(40, 1)
    twins = replace(pool, leak=np.r_[np.full(20, 5.0), np.full(20, 4.0)], embedding=np.r_[np.zeros((20, 3)), pool.embedding[20:]])
    first = [one.index for one in pick("expected", twins, 6, seed=1)]
    later = [one.index for one in pick("expected", replace(twins, heard=np.full((3000, 3), 9.0)), 6, seed=1)]
    assert sum(index < 20 for index in first) < sum(index < 20 for index in later)


class TestRows:
    def test_a_span_has_a_mean_and_seconds(self) -> None:
        assert mean(np.array([np.nan] * 10 + [2.0] * 10), (0.5, 1.5)) == 2.0
        assert np.isnan(mean(np.full(5, np.nan), (0.0, 0.5)))
        assert seconds(np.full(20, 0.5), (1.0, 2.0)) == pytest.approx(0.5)

    def test_a_span_at_the_end_has_a_frame_at_least(self) -> None:
        assert frames_of((2.0, 2.5), 20) == slice(19, 20)
        assert frames_of((0.5, 1.0), 20) == slice(5, 10)

    def test_embeddings_are_means_over_seconds(self) -> None:
        assert means(np.array([[0.0], [2.0], [4.0]]), [(0, 2), (2, 3), (2.9, 3.0)])[:, 0].tolist() == [1.0, 4.0, 4.0]

    def test_scales_are_those_of_the_pool(self) -> None:
        pool, heard = alike(np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[4.0, 1.0]]))
        assert pool.tolist() == [[-1, 0], [1, 0]] and heard.tolist() == [[3, 0]]

    def test_the_nearest_is_found_in_blocks(self) -> None:
        points = np.random.default_rng(0).normal(size=(50, 4))
        others = points[::7] + 0.1
        whole = np.sqrt(((points[:, None] - others[None]) ** 2).sum(axis=2)).min(axis=1)
        assert nearest(points, others, block=8) == pytest.approx(whole)
