"""The consensus benchmark's crowd and figures."""

from pathlib import Path

import numpy as np
import pytest

from annotation.core.bench.crowd import PEOPLE, Crowd, from_file, generated
from annotation.core.bench.figures import Found, auroc, calibration, figures, majority, ours, with_witness
from annotation.core.bench.rivals import bsc_seq, crowdlab
from annotation.core.regions import Region, to_frames


def test_the_same_seed_draws_the_same_crowd_and_its_spam_is_of_several_kinds() -> None:
    crowd = generated(1, clips=4, spam=0.5)
    assert crowd == generated(1, clips=4, spam=0.5)
    assert crowd != generated(2, clips=4, spam=0.5)
    assert len(crowd.spammers) + len(crowd.lag) == PEOPLE
    assert [len(crowd.first(n)) for n in (1, 5)] == [4, 20]
    assert crowd.first({clip: 2 for clip in crowd.truth}) == crowd.first(2)


def test_our_consensus_beats_the_majority_on_the_benchmarks_crowd() -> None:
    crowd = generated(0, clips=20)
    better, worse = (figures(crowd, crowd.answers, way(crowd)) for way in (ours, majority))
    assert better.frame_f1 > worse.frame_f1
    assert better.event_f1 > worse.event_f1
    assert better.calibration < worse.calibration


def test_the_simulated_sound_helps_and_is_no_oracle() -> None:
    crowd = generated(0, clips=20).with_sound(0)
    assert all((levels == crowd.with_sound(0).sound[clip]).all() for clip, levels in crowd.sound.items())
    alone, heard = (figures(crowd, crowd.answers, way(crowd)) for way in (ours, with_witness))
    assert heard.event_f1 > alone.event_f1
    loud = np.concatenate([levels[:, 0] > -50 for levels in crowd.sound.values()])
    bleeds = np.concatenate([to_frames(regions, 30.0, 0.05) for regions in crowd.truth.values()])
    assert loud[~bleeds].mean() > 0.15, "much of what sounds is no bleed"
    assert 0.005 < 1 - loud[bleeds].mean() < 0.2, "and some bleed is faint"


def test_what_the_field_would_use_is_better_than_one_and_less_than_ours() -> None:
    crowd = generated(0, clips=20).with_sound(0)
    best, seq, lab = (figures(crowd, crowd.answers, way(crowd)).frame_f1 for way in (ours, bsc_seq, crowdlab))
    assert best > seq > lab > 0.3


def test_figures_by_hand() -> None:
    crowd = Crowd({"c": [Region(0, 10)]}, [("c", "a", 30.0, [Region(0, 20)])], frozenset({"b"}), {"a": 0.0})
    found = Found({"c": to_frames([(0, 20)], 30.0, 0.05).astype(float)}, {"c": [Region(0, 20)]}, {"a": 0.9, "b": 0.1}, 0.0)
    measured = figures(crowd, crowd.answers, found)
    assert measured.frame_f1 == pytest.approx(2 * 10 / 30)
    assert (measured.event_f1, measured.calibration, measured.auroc) == (0, pytest.approx(0.5), 1)
    assert calibration(np.array([True, False]), np.array([0.5, 0.5])) == 0
    assert np.isnan(auroc(crowd, {"a": 1.0}))


def test_what_is_no_simulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--crowd is .*; it must be a Python file"):
        from_file(tmp_path / "crowd.txt")
