from typing import Any

import numpy as np
import pytest
import torch

from learner.core.choosing.uncertainty import predicted_leak, uncertainty
from learner.core.separators import Separator, build
from tests.learner.core.separators.tiny import tiny

RATE = 16_000


@pytest.fixture(scope="module")
def separator() -> Separator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build("unet", {"widths": [4, 4, 4, 4]}).eval()


def noise(seconds: float, channels: int = 1) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal((channels, round(seconds * RATE)))).astype(np.float32)


def spread(separator: Separator, mix: np.ndarray, seed: int = 1, **options: Any) -> np.ndarray:
    return uncertainty(separator, mix, RATE, torch.Generator().manual_seed(seed), **options)


class TestUncertainty:
    def test_there_is_one_figure_for_each_tenth_of_a_second(self, separator: Separator) -> None:
        assert spread(separator, noise(2.05)).shape == (21,)
        assert spread(separator, noise(1, channels=2)).shape == (10,)
        assert spread(separator, noise(0.01)).shape == (1,)

    def test_a_long_mix_goes_through_in_pieces(self, separator: Separator) -> None:
        assert spread(separator, noise(20.3), passes=2).shape == (203,)

    def test_dropout_makes_estimates_differ_where_the_mix_sounds(self, separator: Separator) -> None:
        mix = noise(2)
        mix[:, RATE:] = 0
        figures = spread(separator, mix)
        assert (figures[:10] > 0).all()
        assert (figures[10:] == 0).all()

    def test_one_pass_never_differs_from_itself(self, separator: Separator) -> None:
        assert (spread(separator, noise(1), passes=1) == 0).all()

    def test_it_repeats_with_its_generator(self, separator: Separator) -> None:
        np.testing.assert_array_equal(spread(separator, noise(1)), spread(separator, noise(1)))
        assert (spread(separator, noise(1)) != spread(separator, noise(1), seed=2)).any()

    @pytest.mark.parametrize("training", [True, False])
    def test_the_separator_and_the_global_random_state_stay_as_they_were(self, separator: Separator, training: bool) -> None:
        separator.train(training)
        before = {name: value.clone() for name, value in separator.state_dict().items()}
        state = torch.get_rng_state()
        spread(separator, noise(1))
        assert all(module.training is training for module in separator.modules())
        assert all(torch.equal(value, before[name]) for name, value in separator.state_dict().items()), "batch-norm learned nothing"
        assert torch.equal(torch.get_rng_state(), state)

    def test_a_separator_without_dropout_is_refused(self) -> None:
        with pytest.raises(ValueError, match="without dropout"):
            spread(build("unet", {"widths": [4, 4], "dropout": 0.0}), noise(1))


class TestPredictedLeak:
    def test_an_estimate_that_never_rests_is_suspicious(self) -> None:
        mix = noise(4)
        resting = mix.copy()
        resting[:, RATE:] *= 0.01
        assert predicted_leak(mix * 0.5, mix, RATE) == pytest.approx(0.5)
        assert predicted_leak(resting, mix, RATE) == pytest.approx(0.01)

    def test_frames_in_which_nothing_sounds_do_not_count(self) -> None:
        mix = noise(4)
        mix[:, RATE:] = 0
        assert predicted_leak(mix, mix, RATE) == pytest.approx(1)
        assert predicted_leak(0 * mix, 0 * mix, RATE) == 0


class TestSharedPasses:
    """Passes with dropout share what comes before it, and say what whole passes say."""

    @pytest.mark.parametrize("architecture", ["unet", "spleeter"])
    def test_without_chance_each_is_the_estimate(self, architecture: str) -> None:
        separator = tiny(architecture, sample_rate=RATE, dropout=0.0).eval()
        mix = torch.from_numpy(noise(1.03, separator.channels))
        with torch.no_grad():
            shared = separator.under_dropout(mix, 3)
            assert shared.shape == (3, *mix.shape)
            torch.testing.assert_close(shared, separator(mix[None]).expand(3, -1, -1), atol=1e-4, rtol=1e-3)

    @pytest.mark.parametrize("architecture", ["unet", "spleeter"])
    def test_they_differ_as_much_as_whole_ones(self, architecture: str) -> None:
        separator = tiny(architecture, sample_rate=RATE, widths=[8, 8, 8, 8]).eval()
        shared = spread(separator, noise(3), passes=24).mean()
        separator.under_dropout = lambda mixture, passes: separator(mixture.expand(passes, -1, -1))  # type: ignore[method-assign]
        assert shared == pytest.approx(spread(separator, noise(3), passes=24).mean(), rel=0.2)
