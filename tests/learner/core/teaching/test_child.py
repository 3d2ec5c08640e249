"""Which point of an adaptation becomes the child, how far it goes from its parent, and when it is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from learner.core.songs import Song
from learner.core.teaching.adapt import MarkedSong, Recipe, adapt
from learner.core.teaching.child import voice_kept
from tests.learner.core.teaching.tiny import TINY


def test_where_the_past_has_lost_enough_the_child_is_refused(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=TINY, seed=5, out=tmp_path)
    spent = replace(TINY, all_lost_db=-1.0)
    held = adapt(child.path, marked, source, source[:1], recipe=spent, seed=6, out=tmp_path, base=parent)
    assert "since the base by" in held.refused_because


def test_earlier_points_are_weighed_where_no_later_one_keeps_voice_and_past(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    child = adapt(parent, marked, source, source[:1], recipe=replace(TINY, voice_kept_db=60), seed=5, out=tmp_path)
    assert {c["step"] for c in child.report["candidates"]} == {2, 4, 6}


def test_zero_vocal_targets_alone_collapse_and_the_guard_says_so(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    reckless = Recipe(
        algorithm="zero-vocal-targets", steps=40, rate=0.05, n_frames=16, new_patches=2, replay_patches=0, keep_accepted=0, factors=(1.0,)
    )
    child = adapt(parent, marked, source, source, recipe=reckless, seed=5, out=tmp_path)
    assert "accepted voice changes by -" in child.refused_because
    assert not child.doubt


def test_marks_on_true_voice_give_a_child_that_the_guard_refuses(parent: Path, source: list[Song], tmp_path: Path) -> None:
    sung = MarkedSong("sung", source[1].sample_rate, source[1].mixture, [(0.0, 6.0, 1.0)], [(0.0, 6.0)])
    recipe = replace(TINY, algorithm="zero-vocal-targets", steps=40, rate=0.05, keep_past=0.0, past_lost_db=0.2)
    child = adapt(parent, [sung], source, source, recipe=recipe, seed=5, out=tmp_path)
    assert "the validation songs by -" in child.refused_because


def test_where_everything_is_marked_nothing_shows_that_voices_stay(parent: Path, source: list[Song], tmp_path: Path) -> None:
    spam = MarkedSong("spam", source[1].sample_rate, source[1].mixture, [(0.0, 6.0, 1.0)], [(0.0, 6.0)])
    child = adapt(parent, [spam], source, [], recipe=TINY, seed=5, out=tmp_path)
    assert "100% of what people heard is marked" in child.refused_because


def test_bleed_that_nobody_marked_is_no_lost_voice() -> None:
    powers = torch.ones(20)
    assert voice_kept(powers * 0.5, powers) == pytest.approx(-6.02, abs=0.01)
    without_some_bleed = powers.clone()
    without_some_bleed[:3] = 0.0
    assert voice_kept(without_some_bleed, powers) == pytest.approx(0.0, abs=0.01)


def test_bleed_in_half_of_what_was_accepted_is_no_lost_voice_where_the_middle_counts() -> None:
    powers = torch.ones(20)
    without_bleed = powers.clone()
    without_bleed[:9] = 0.1
    assert voice_kept(without_bleed, powers, half=True) == pytest.approx(0.0, abs=0.01)
    assert voice_kept(without_bleed, powers) < -3
    assert voice_kept(0.5 * powers, powers, half=True) == pytest.approx(-6.02, abs=0.01)


def test_few_marks_go_less_far_from_the_parent(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    reach = {}
    for half_way in (0.0, 2.0, 200.0):
        child = adapt(parent, marked, source, [], recipe=replace(TINY, half_way=half_way), seed=5, out=tmp_path)
        reach[half_way] = max(candidate["factor"] for candidate in child.report["candidates"])
    assert reach[0.0] == 1.0
    assert 0.3 < reach[2.0] < 0.5  # one stretch of 1.8 s, its margins off, by nine tenths sure
    assert reach[200.0] < 0.01
    child = adapt(parent, marked, source, [], recipe=replace(TINY, half_way=2.0, strength=0.5), seed=5, out=tmp_path)
    assert max(candidate["factor"] for candidate in child.report["candidates"]) == pytest.approx(reach[2.0] / 2)


def test_replay_alone_goes_all_the_way(parent: Path, source: list[Song], tmp_path: Path) -> None:
    child = adapt(parent, [], source, source[:1], recipe=replace(TINY, half_way=200.0), seed=5, out=tmp_path)
    assert max(candidate["factor"] for candidate in child.report["candidates"]) == 1.0


def test_marks_that_cannot_be_learnt_away_are_no_bleed(parent: Path, source: list[Song], tmp_path: Path) -> None:
    """Half of what is marked is voice that replay keeps alive."""
    sung = MarkedSong("sung", source[1].sample_rate, source[1].mixture, [(0.0, 3.0, 1.0)], [(0.0, 6.0)])
    child = adapt(parent, [sung], source, source[:1], recipe=TINY, seed=5, out=tmp_path)
    assert "too many of them are no bleed" in child.refused_because
    assert child.doubt, "songs whose truth is known may answer it"
    unasked = replace(TINY, marks_fall_db=0)
    assert adapt(parent, [sung], source, source[:1], recipe=unasked, seed=5, out=tmp_path).refused_because == ""
