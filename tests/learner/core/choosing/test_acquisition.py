from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from learner.core.choosing.acquisition import Candidate, Chosen, choose


def clips(tracks: int = 10, each: int = 4) -> list[Candidate]:
    """Tracks of equally long clips; the score of a clip is its number over all."""
    return [Candidate(f"track{t}", 10.0 * c, 10.0 * c + 10, float(t * each + c)) for t in range(tracks) for c in range(each)]


def pick(candidates: Sequence[Candidate], n: int = 6, random_share: float = 0.25, seed: int = 0, **options: Any) -> list[Chosen]:
    return choose(candidates, n, random_share, np.random.default_rng(seed), **options)


def by_arm(chosen: Sequence[Chosen]) -> Counter[str]:
    return Counter(choice.arm for choice in chosen)


class TestChoose:
    def test_most_are_the_highest_scores_and_a_share_is_random(self) -> None:
        chosen = pick(clips(), n=8)
        assert by_arm(chosen) == {"score": 6, "random": 2}
        scores = sorted((c.candidate.score for c in chosen if c.arm == "score"), reverse=True)
        taken = {c.candidate.score for c in chosen if c.arm == "random"}
        assert scores[0] == max({39.0, 38.0} - taken, default=scores[0])

    def test_no_track_gives_more_than_its_cap(self) -> None:
        for seed in range(20):
            chosen = pick(clips(), n=12, random_share=0.5, seed=seed, per_track=2)
            assert max(Counter(c.candidate.track for c in chosen).values()) <= 2
            assert len(chosen) == len({c.candidate for c in chosen}) == 12

    def test_without_a_random_share_the_score_decides(self) -> None:
        chosen = pick(clips(), n=4, random_share=0, per_track=2)
        assert {c.candidate.score for c in chosen} == {39, 38, 35, 34}
        assert all(c.chance == 1 for c in chosen)

    def test_a_small_share_is_at_least_one_clip(self) -> None:
        assert by_arm(pick(clips(), n=3, random_share=0.01))["random"] == 1
        assert by_arm(pick(clips(), n=3, random_share=1)) == {"random": 3}

    def test_the_stored_chance_is_the_true_one(self) -> None:
        uneven = [*clips(tracks=3, each=4), Candidate("lonely", 0, 10, 0.0)]
        draws = 4000
        seen, stated = Counter[Candidate](), dict[Candidate, float]()
        generator = np.random.default_rng(5)
        for _ in range(draws):
            for c in choose(uneven, 2, 1, generator, per_track=1):
                seen[c.candidate] += 1
                stated[c.candidate] = c.chance
        assert stated[uneven[0]] == pytest.approx(1 / 4 * 2 / 4)
        assert stated[uneven[-1]] == pytest.approx(2 / 4)
        for candidate, chance in stated.items():
            assert seen[candidate] / draws == pytest.approx(chance, abs=0.04)

    def test_the_same_generator_chooses_the_same(self) -> None:
        assert pick(clips(), seed=3) == pick(clips(), seed=3)
        assert pick(clips(), seed=3) != pick(clips(), seed=4)

    def test_equal_scores_do_not_favour_the_first(self) -> None:
        equal = [Candidate(track, 0, 10, 1.0) for track in range(20)]
        firsts = {pick(equal, n=1, random_share=0, seed=seed)[0].candidate.track for seed in range(20)}
        assert len(firsts) > 5

    def test_the_order_hides_the_arm(self) -> None:
        arms = {tuple(c.arm for c in pick(clips(), n=2, random_share=0.5, seed=seed)) for seed in range(20)}
        assert arms == {("score", "random"), ("random", "score")}

    def test_reasons_are_in_words(self) -> None:
        reasons = {c.arm: c.reason for c in pick(clips(), n=2, random_share=0.5, seed=1)}
        assert "as a control, with a chance of 2.5%" in reasons["random"]
        assert reasons["score"] == "Score 39, number 1 of 40 clips."

    def test_too_few_candidates_give_what_there_is(self) -> None:
        assert pick([]) == []
        assert len(pick(clips(tracks=1, each=4), n=10, per_track=3)) == 3
        assert pick(clips(), n=0) == []

    @pytest.mark.parametrize(
        ("options", "message"),
        [({"random_share": 1.5}, "0 to 1, not 1.5"), ({"n": -1}, "at least 0"), ({"per_track": 0}, "at least 1")],
    )
    def test_what_cannot_be_is_refused_by_name(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            pick(clips(), **options)

    def test_a_missing_score_is_named(self) -> None:
        with pytest.raises(ValueError, match="track a has none from 10 s"):
            pick([Candidate("a", 10, 20, float("nan"))])
