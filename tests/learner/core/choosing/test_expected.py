"""What is learned from people's answers, how it is kept, and when it is not followed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from learner.core import metrics
from learner.core.choosing import expected, quality
from learner.core.choosing.expected import Answer, Model, Prior

N = 300  # frames of a track


def tracks(n: int = 12, seed: int = 0) -> tuple[list[dict[str, np.ndarray]], list[np.ndarray]]:
    """Tracks that leak where `rests` is high, which the prior does not know, and what leaks of each."""
    generator = np.random.default_rng(seed)
    every, leaks = [], []
    for _ in range(n):
        leak = np.repeat(generator.random(6) < 0.4, N // 6)
        columns = {name: generator.normal(size=N).astype(np.float32) for name in ("level", "share", "spread", "entropy", "mix")}
        columns["rests"] = (2.0 * leak + generator.normal(size=N)).astype(np.float32)
        every.append(columns | {name: np.full(N, np.nan, np.float32) for name in ("nets", "change", "parent")})
        leaks.append(leak)
    return every, leaks


def learned(every: list[dict[str, np.ndarray]], marked: Sequence[np.ndarray] = (), start: int = 0) -> Model:
    """Fitted on what people marked of the first tracks, from frame `start` on."""
    knots = expected.knots_of(every)
    answers = [
        Answer(expected.inputs(columns, knots)[start : start + len(own)], np.asarray(own, dtype=np.float64))
        for columns, own in zip(every, marked, strict=False)
    ]
    return expected.fit(knots, answers)


def seconds(model: Model, columns: dict[str, np.ndarray]) -> float:
    return float(model.predict(columns).sum() / 10)


class TestModel:
    def test_without_answers_it_is_the_prior(self) -> None:
        every, _ = tracks()
        model = learned(every)
        doubtful = every[0] | {"spread": every[0]["spread"] + 3}
        assert seconds(model, doubtful) > seconds(model, every[0])
        assert model.n_answers == 0

    def test_what_cannot_be_heard_is_hardly_a_leak(self) -> None:
        every, _ = tracks()
        model, faint = learned(every), np.arange(N) < N / 2
        quiet = every[0] | {"level": np.where(faint, -40.0, every[0]["level"]).astype(np.float32)}
        assert model.predict(quiet)[faint].sum() < 0.2 * model.predict(every[0])[faint].sum()

    def test_a_steady_pitch_is_likelier_a_leak(self) -> None:
        every, _ = tracks()
        for columns in every:
            columns["periodic"] = np.random.default_rng(1).random(N).astype(np.float32)
        steady = every[0] | {"periodic": np.full(N, 0.5, np.float32)}
        assert seconds(learned(every), steady) > seconds(learned(every), every[0])

    def test_learns_from_answers_what_the_prior_does_not_know(self) -> None:
        every, leaks = tracks()
        before, after = learned(every), learned(every, [np.where(leak, 0.9, 0.05) for leak in leaks[:8]])

        def told(model: Model) -> float:
            predicted = np.concatenate([model.predict(columns) for columns in every[8:]])
            return quality.auroc(predicted, np.concatenate(leaks[8:]))

        assert told(after) > told(before) + 0.2
        assert after.n_answers == 8

    def test_an_answer_speaks_of_its_own_stretch(self) -> None:
        every, leaks = tracks()
        right = learned(every, [np.where(leak[100:250], 0.9, 0.05) for leak in leaks], 100)
        off = learned(every, [np.where(leak[:150], 0.9, 0.05) for leak in leaks], 100)
        rests = list(right.knots).index("rests")
        assert right.weights[2 * rests] > off.weights[2 * rests]

    def test_where_people_mark_more_more_is_expected(self) -> None:
        every, _ = tracks()
        few, many = (learned(every, [np.full(N, share)] * len(every)) for share in (0.05, 0.7))
        assert seconds(few, every[0]) < 5 < 15 < seconds(many, every[0])

    def test_does_not_depend_on_the_order_of_answers(self) -> None:
        every, leaks = tracks()
        assert learned(every, leaks).weights == pytest.approx(learned(every[::-1], leaks[::-1]).weights, abs=1e-6)

    def test_is_kept_as_json(self) -> None:
        every, leaks = tracks()
        model = learned(every, leaks[:1])
        again = Model.from_dict(json.loads(json.dumps(model.to_dict())))
        assert again == model
        shuffled = Model.from_dict(model.to_dict() | {"knots": dict(sorted(model.knots.items()))})
        assert again.predict(every[1]).tolist() == shuffled.predict(every[1]).tolist() == model.predict(every[1]).tolist()

    def test_one_that_an_earlier_version_kept_still_foretells(self) -> None:
        every, _ = tracks()
        old = {name: knots for name, knots in expected.knots_of(every).items() if expected.n_weights(name) == 2}
        model = Model.from_dict({"knots": old, "weights": [0.1] * 2 * len(old), "intercept": -1.5, "n_answers": 3})
        assert ((model.predict(every[0]) > 0) & (model.predict(every[0]) < 1)).all()

    def test_a_signal_that_a_track_lacks_counts_as_ordinary(self) -> None:
        every, _ = tracks()
        model = learned(every)
        assert np.isfinite(model.predict(every[0] | {"spread": np.full(N, np.nan, np.float32)})).all()

    def test_a_separator_without_dropout_is_doubted_by_small_changes(self) -> None:
        every, _ = tracks()
        swapped = [columns | {"change": columns["spread"], "spread": columns["change"]} for columns in every]
        assert learned(swapped).predict(swapped[0]) == pytest.approx(learned(every).predict(every[0]))

    def test_any_scale_of_a_signal_gives_the_same(self) -> None:
        every, _ = tracks()
        other = [columns | {"entropy": 3 * columns["entropy"] + 40} for columns in every]
        assert learned(other).predict(other[0]) == pytest.approx(learned(every).predict(every[0]), abs=1e-4)

    def test_answers_of_a_separator_with_other_signals_say_nothing(self) -> None:
        every, _ = tracks()
        knots = expected.knots_of(every)
        other = Answer(np.zeros((N, 2)), np.ones(N))
        assert expected.fit(knots, [other]) == expected.fit(knots, [])

    def test_the_plain_guess_is_the_share_of_the_mix(self) -> None:
        assert expected.guess({"share": np.array([0.2, 1.4, np.nan])}).tolist() == [0.2, 1.0, 0.0]


class TestHeard:
    def test_from_where_metrics_count_an_estimate_that_is_the_voice(self) -> None:
        rate = 16_000
        voice = 0.2 * np.random.default_rng(0).normal(size=10 * rate) * (np.arange(10 * rate) < 6 * rate)
        level = metrics.frame_levels(voice[None], rate)
        assert expected.heard_from(level) == pytest.approx(metrics.frame_levels(voice[None, :rate], rate).mean() - 15, abs=0.2)

    def test_in_a_silent_track_nothing_sets_the_level(self) -> None:
        assert expected.heard_from(np.full(5, -120.0)) == -50.0


class TestPrior:
    def test_is_read_from_json_and_what_is_none_is_named(self, tmp_path: Path) -> None:
        kept = json.loads(json.dumps(asdict(expected.PRIOR)))
        assert Prior.from_dict(kept) == expected.PRIOR
        file, n = tmp_path / "a.json", len(kept["covariance"])
        negative = (-np.eye(n)).tolist()
        for wrong, why in (
            ({"weights": kept["weights"] | {"level": [1.0]}}, "level has 1 numbers; wanted are 2"),
            ({"weights": {}}, "level"),
            ({"covariance": kept["covariance"][1:]}, f"covariance is no symmetric, positive definite matrix of {n} rows"),
            ({"covariance": [row[1:] for row in kept["covariance"]]}, f"a row of covariance has {n - 1} numbers; wanted are {n}"),
            ({"covariance": negative}, "positive definite"),
        ):
            file.write_text(json.dumps(kept | wrong))
            with pytest.raises(ValueError, match=rf"a\.json is no prior, as `bench prior` writes one: .*{why}"):
                Prior.read(file)

    def test_every_signal_has_one(self) -> None:
        assert {name: len(own) for name, own in expected.PRIOR.weights.items()} == {
            name: expected.n_weights(name) for name in expected.SIGNALS
        }

    def test_some_signals_have_their_part_of_it(self) -> None:
        mean, covariance = expected.PRIOR.of(["heard", "share"])
        assert mean.tolist() == [*expected.PRIOR.weights["share"], *expected.PRIOR.weights["heard"], expected.PRIOR.intercept]
        assert covariance.tolist() == [[expected.PRIOR.covariance[i][j] for j in (2, 3, -2, -1)] for i in (2, 3, -2, -1)]

    def test_the_less_it_is_sure_the_sooner_answers_move_it(self) -> None:
        sure, unsure = (self.fitted(self.changed(variance=d**2)) for d in (0.05, 1.0))
        assert self.weight(unsure, "rests") > self.weight(sure, "rests") + 0.2

    def test_what_went_together_elsewhere_is_moved_together(self) -> None:
        """Nothing of the answers depends on `mix`, but where `rests` counted for more, `mix` did too."""
        alone, together, against = (self.fitted(self.changed(correlation=r)) for r in (0.0, 0.8, -0.8))
        assert self.weight(together, "rests") > expected.PRIOR.weights["rests"][0] + 0.2, "answers move it up"
        assert self.weight(against, "mix") < self.weight(alone, "mix") - 0.03
        assert self.weight(together, "mix") > self.weight(alone, "mix") + 0.03

    @staticmethod
    def changed(variance: float = 0.5, correlation: float = 0.0) -> Prior:
        """The prior with weights that are independent but those of the frame's `rests` and `mix`."""
        at = np.cumsum([0, *(expected.n_weights(name) for name in expected.SIGNALS)])
        rests, mix = (int(at[expected.SIGNALS.index(name)]) for name in ("rests", "mix"))
        covariance = 0.04 * np.eye(at[-1] + 1)
        covariance[rests, rests] = covariance[mix, mix] = variance
        covariance[rests, mix] = covariance[mix, rests] = correlation * variance
        return replace(expected.PRIOR, covariance=tuple(map(tuple, covariance.tolist())))

    @staticmethod
    def fitted(prior: Prior) -> Model:
        every, leaks = tracks()
        knots = expected.knots_of(every)
        answers = [Answer(expected.inputs(columns, knots), np.where(leak, 0.9, 0.05)) for columns, leak in zip(every, leaks, strict=True)]
        return expected.fit(knots, answers[:4], prior)

    @staticmethod
    def weight(model: Model, name: str) -> float:
        """Of the frame."""
        kept = list(model.knots)
        return model.weights[sum(expected.n_weights(one) for one in kept[: kept.index(name)])]


class TestQuality:
    def test_a_model_that_foretells_is_followed(self) -> None:
        found = np.arange(20.0) / 2
        told = quality.of(found + 0.25, np.ones(20), found)
        assert told.spearman == pytest.approx(1) and told.auroc == 1 and told.better > 0.95
        assert not told.steps_back
        assert (
            told.in_words() == "On 20 clips drawn at random, 5.0 s of leak a clip were expected and 4.8 s found (rank correlation +1.00)."
        )

    def test_a_model_that_is_wrong_is_not(self) -> None:
        found = np.arange(20.0) / 2
        told = quality.of(-found, found + 1, found)
        assert told.steps_back
        assert told.in_words().endswith("so clips are drawn in proportion to that guess.")

    def test_few_clips_say_nothing(self) -> None:
        told = quality.of([1.0, 2.0], [1.0, 1.0], [2.0, 1.0])
        assert not told.steps_back and "2 clips drawn at random" in told.in_words()
        assert quality.of([], [], []).n == 0

    def test_a_clip_with_half_the_chance_counts_twice(self) -> None:
        told = quality.of([1.0, 4.0], [1.0, 1.0], [1.0, 4.0], [0.1, 0.2])
        assert told.expected == told.found == 2.0

    def test_nothing_found_says_nothing_of_ranks(self) -> None:
        told = quality.of(np.arange(15.0), np.ones(15), np.zeros(15))
        assert np.isnan(told.spearman) and np.isnan(told.auroc) and told.better == 0.5
        assert told.to_dict()["spearman"] is None

    def test_ties_share_their_ranks(self) -> None:
        assert quality.auroc(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
        assert quality.spearman(np.array([1.0, 1.0, 2.0]), np.array([3.0, 3.0, 5.0])) == pytest.approx(1)
