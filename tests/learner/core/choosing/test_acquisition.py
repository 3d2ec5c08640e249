from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from learner.core.choosing.acquisition import Chosen, choose, choose_apart
from learner.core.choosing.clips import Clips
from learner.core.choosing.strategies import BY_NAME, Quota


def clips(tracks: int = 10, each: int = 4) -> Clips:
    """Tracks of equally long clips; how unsure the model is of a clip is its number over all."""
    n = tracks * each
    of_track = np.repeat(np.arange(tracks), each)
    numbers = np.arange(n, dtype=float)
    return Clips(of_track, of_track, np.zeros((n, 1)), np.full(n, 0.25), numbers / 10, numbers, np.zeros((0, 1)))


def pick(some: Clips, n: int = 6, random_share: float = 0.25, seed: int = 0, name: str = "uncertainty", **quota: Any) -> list[Chosen]:
    return choose(some, n, random_share, BY_NAME[name], np.random.default_rng(seed), Quota(**quota))


def by_arm(chosen: list[Chosen]) -> Counter[str]:
    return Counter(choice.arm for choice in chosen)


class TestChoose:
    def test_most_are_the_strategys_and_a_share_is_random(self) -> None:
        chosen = pick(clips(), n=8)
        assert by_arm(chosen) == {"score": 6, "random": 2}
        taken = {one.index for one in chosen if one.arm == "random"}
        assert max(one.index for one in chosen if one.arm == "score") == max({39, 38, 37} - taken)

    def test_no_track_gives_more_than_its_cap(self) -> None:
        some = clips()
        for seed in range(20):
            chosen = pick(some, n=12, random_share=0.5, seed=seed)
            assert max(Counter(int(some.tracks[one.index]) for one in chosen).values()) <= 2
            assert len({one.index for one in chosen}) == 12

    def test_without_a_random_share_the_strategy_decides(self) -> None:
        chosen = pick(clips(), n=4, random_share=0)
        assert {one.index for one in chosen} == {39, 38, 35, 34}
        assert all(one.chance == 1 for one in chosen)

    def test_a_small_share_is_at_least_one_clip(self) -> None:
        assert by_arm(pick(clips(), n=3, random_share=0.01))["random"] == 1
        assert by_arm(pick(clips(), n=3, random_share=1)) == {"random": 3}

    def test_every_clip_of_the_control_has_the_same_chance_and_it_is_the_stated_one(self) -> None:
        uneven = replace(clips(13, 1), tracks=np.array([0] * 4 + [1] * 4 + [2] * 4 + [3]))
        draws, generator = 1500, np.random.default_rng(5)
        seen, stated = Counter[int](), dict[int, float]()
        for _ in range(draws):
            for one in choose(uneven, 2, 1, BY_NAME["random"], generator, Quota(1)):
                seen[one.index] += 1
                stated[one.index] = one.chance
        for index, chance in stated.items():
            assert chance == pytest.approx(2 / 13)
            assert seen[index] / draws == pytest.approx(chance, abs=0.04)

    def test_the_same_generator_chooses_the_same(self) -> None:
        assert pick(clips(), seed=3) == pick(clips(), seed=3)
        assert pick(clips(), seed=3) != pick(clips(), seed=4)

    def test_the_order_hides_the_arm(self) -> None:
        arms = {tuple(one.arm for one in pick(clips(), n=2, random_share=0.5, seed=seed)) for seed in range(20)}
        assert arms == {("score", "random"), ("random", "score")}

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("expected", "3.9 s of leak are expected, choice 1 of 40 clips."),
            ("uncertainty", "The model is unsure of it (39), choice 1 of 40 clips."),
            ("coverage", "It sounds unlike what was heard before, choice 1 of 40 clips."),
            ("random", "Drawn at random, with a chance of 2.5%."),
            ("leak-aware", "Drawn at random, more likely the more leak is expected ("),
        ],
    )
    def test_reasons_are_in_words(self, name: str, words: str) -> None:
        sure = replace(clips(), heard=np.zeros((10_000, 1)))
        assert words in pick(sure, n=1, random_share=0, name=name)[0].reason
        assert pick(clips(), n=1, random_share=1)[0].reason == "Drawn at random as a control, with a chance of 2.5%."

    def test_too_few_clips_give_what_there_is(self) -> None:
        assert pick(clips(0)) == []
        assert len(pick(clips(1, 4), n=6)) == 2

    @pytest.mark.parametrize(("n", "share", "per_track"), [(1, -0.1, 2), (1, 1.1, 2), (-1, 0.5, 2), (1, 0.5, 0)])
    def test_what_makes_no_sense_is_refused(self, n: int, share: float, per_track: int) -> None:
        with pytest.raises(ValueError):
            pick(clips(), n=n, random_share=share, per_track=per_track)


class TestChooseApart:
    def leaking(self) -> Clips:
        """Of four tracks' four clips, the last leaks."""
        return replace(clips(4, 4), leak=np.tile([0.0, 0.0, np.nan, 6.0], 4))

    def test_what_is_expected_to_leak_is_likelier_and_the_stated_chance_is_the_true_one(self) -> None:
        some, draws, seen, stated = self.leaking(), 3000, Counter[int](), dict[int, float]()
        generator = np.random.default_rng(3)
        for _ in range(draws):
            for one in choose_apart(some, 3, generator, Quota(per_track=4)):
                seen[one.index] += 1
                stated[one.index] = one.chance
                assert one.arm == "random"
        assert len(stated) == len(some), "no clip is out of reach"
        assert stated[3] == pytest.approx(5 * stated[0])
        for index, chance in stated.items():
            assert seen[index] / draws == pytest.approx(chance, abs=0.03)

    def test_it_says_why(self) -> None:
        (one,) = choose_apart(replace(clips(1, 1), leak=np.array([2.5])), 1, np.random.default_rng(0))
        assert one.reason == "Drawn at random, more likely the more leak is expected (2.5 s), with a chance of 100.0%."

    def test_where_nothing_is_expected_all_are_alike(self) -> None:
        (one,) = choose_apart(replace(clips(2, 2), leak=np.full(4, np.nan)), 1, np.random.default_rng(0), Quota(per_track=2))
        assert one.chance == pytest.approx(1 / 4)

    def test_a_track_gives_no_more_than_its_cap(self) -> None:
        some = self.leaking()
        for seed in range(20):
            drawn = choose_apart(some, 6, np.random.default_rng(seed), Quota(per_track=2))
            assert max(Counter(int(some.tracks[one.index]) for one in drawn).values()) <= 2

    def test_no_clips_give_none(self) -> None:
        assert choose_apart(clips(1, 1).only(np.array([], dtype=np.intp)), 0, np.random.default_rng(0)) == []
