"""Where people hear a voice that the parent left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from learner.core import checkpoint
from learner.core.songs import Song
from learner.core.teaching.adapt import adapt
from learner.core.teaching.feedback import BadMark, MarkedSong, prepare
from learner.core.teaching.material import gather
from tests.learner.core.teaching.tiny import TINY
from tests.present import present

MISSING = [(3.0, 5.0, 0.8)]


@pytest.fixture
def song(marked: list[MarkedSong]) -> MarkedSong:
    return replace(marked[0], missing=MISSING)


def test_more_of_the_mix_is_asked_for_there_than_the_parent_gave_and_never_more_than_there_is(song: MarkedSong, parent: Path) -> None:
    separator = checkpoint.load(parent)
    prepared = prepare(song, separator, margin=0.1)
    missed = present(prepared.missed)
    seconds = torch.nonzero(missed.weights).flatten() * separator.spectra.hop / separator.sample_rate
    assert (float(seconds.min()), float(seconds.max())) == (pytest.approx(3.1, abs=0.05), pytest.approx(4.9, abs=0.05))
    assert missed.weights.max() == pytest.approx(0.8)
    voice, estimate, mix = (separator.spectra(sound[..., :][None]).abs() for sound in (missed.voice, prepared.estimate, prepared.mixture))
    assert voice.sum() > 1.05 * estimate.sum()
    assert bool((voice.square().sum(2) <= 1.01 * mix.square().sum(2) + 1e-3).all())


def test_what_is_missing_was_not_accepted_and_a_mark_that_it_should_be_silent_stands(marked: list[MarkedSong], parent: Path) -> None:
    separator = checkpoint.load(parent)
    without = prepare(marked[0], separator, margin=0.0)
    with_it = prepare(replace(marked[0], missing=[(1.0, 5.0, 1.0)]), separator, margin=0.0)
    missed = present(with_it.missed)
    assert without.missed is None
    assert not bool((missed.weights * with_it.marked).any()), "marked both: it stays silent"
    assert not bool((missed.weights * with_it.accepted).any())
    assert float(with_it.accepted.sum()) < float(without.accepted.sum())
    assert torch.equal(with_it.marked, without.marked)


def test_a_step_has_patches_around_what_is_missing_where_the_recipe_says_so(song: MarkedSong, parent: Path, source: list[Song]) -> None:
    separator = checkpoint.load(parent)

    def sizes(song: MarkedSong, n: int) -> list[int]:
        recipe = replace(TINY, missed_patches=n)
        return [len(part) for part in gather([song], source, separator, recipe, 1).patches(torch.Generator().manual_seed(0))]

    assert sizes(replace(song, missing=()), 3) == [1, 1, 2]
    assert sizes(song, 3) == [1, 1, 3, 2], "replay comes last"
    assert sizes(song, 0) == [1, 1, 2]


def test_a_child_gives_more_where_voice_was_missing(song: MarkedSong, parent: Path, source: list[Song], tmp_path: Path) -> None:
    recipe = replace(TINY, steps=12, keep_every=0, factors=(1.0,), missed_patches=4)
    levels = []
    for number, marked in enumerate((replace(song, missing=()), song)):
        child = adapt(parent, [marked], source, source[:1], recipe=recipe, seed=1, out=tmp_path / str(number))
        prepared = prepare(marked, checkpoint.load(child.path), margin=0.0)
        rate = checkpoint.load(parent).sample_rate
        levels.append(float(prepared.estimate[..., 3 * rate : 5 * rate].square().mean()))
    assert levels[1] > levels[0]


@pytest.mark.parametrize("missing", [[(3.0, 3.0, 1.0)], [(99.0, 100.0, 1.0)], [(1.0, 2.0, 1.5)], [(np.nan, 2.0, 1.0)]])
def test_a_stretch_that_cannot_be_is_refused(song: MarkedSong, missing: list[tuple[float, float, float]]) -> None:
    with pytest.raises(BadMark):
        replace(song, missing=missing).check()
