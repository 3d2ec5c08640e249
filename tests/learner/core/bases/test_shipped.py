"""The shipped base, by its figures on songs that it never heard."""

import pytest

from learner.core import checkpoint, metrics
from learner.core.separate import separate
from learner.core.songs.synth import Domain, make_song
from learner.core.teaching.train import BASE, BASE_DURATION, BASE_SEEDS
from tests.present import present


def figures(domain: Domain) -> dict[str, float]:
    separator = checkpoint.load(BASE)
    songs = [make_song(seed, domain, 20.0) for seed in (901, 902, 903)]
    return metrics.summary(
        [metrics.evaluate(separate(separator, s.mixture, s.sample_rate), present(s.vocals), s.mixture, s.sample_rate) for s in songs]
    )


@pytest.mark.parametrize(("domain", "least"), [("source", 5.0), ("target", 2.0)])
def test_the_base_separates_unseen_songs(domain: Domain, least: float) -> None:
    assert figures(domain)["sdr_median"] >= least


def test_the_base_leaves_enough_false_positives_on_target_songs_to_teach_it_something() -> None:
    assert figures("target")["false_positive_seconds_per_minute"] >= 8


def test_the_base_is_small_enough_to_ship() -> None:
    assert BASE.stat().st_size <= 8_000_000


def test_the_base_says_how_it_was_made() -> None:
    about = checkpoint.about(BASE)
    assert (about.sample_rate, about.channels, about.stem, about.parent) == (16_000, 1, "vocals", None)
    assert about.recipe["songs"] == len(BASE_SEEDS) >= 40
    assert BASE_DURATION >= 10
