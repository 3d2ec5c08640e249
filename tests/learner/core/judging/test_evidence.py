"""The files of parent and child, judged: what the gate refuses before it measures anything."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from learner.core import checkpoint
from learner.core.bench import gate as bench
from learner.core.judging import evidence, gate
from learner.core.judging.evidence import Evidence, KeptApart
from learner.core.songs.synth import make_song
from learner.core.teaching.train import BASE

SONG = make_song(1, "target", 6.0)
EVIDENCE = Evidence(
    songs={"target": [SONG], "source": [make_song(1, "source", 6.0)]},
    clips=[KeptApart("clip", SONG.mixture, SONG.sample_rate, [(0.2, 1.0)], random_clip=True)],
)
GIVEN = bench.Round(1, [], [], [], [], [], EVIDENCE)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (bench.not_numbers, "NaN or infinity"),
        (bench.truncated, "not a safetensors file"),
        (bench.of_another_build, "its widths is"),
        (bench.quieter, "may be lost|only quieter"),
    ],
    ids=["no numbers", "truncated", "another build", "only quieter"],
)
def test_a_child_that_is_no_child_is_refused(make: Callable[..., tuple[Path, object]], reason: str, tmp_path: Path) -> None:
    path, _ = make(GIVEN, BASE, tmp_path)
    verdict = evidence.judge(BASE, path, EVIDENCE)
    assert not verdict.promote
    assert re.search(reason, verdict.reasons[0])


def test_the_parent_itself_changes_nothing_and_is_refused() -> None:
    verdict = evidence.judge(BASE, BASE, EVIDENCE)
    assert not verdict.promote
    assert "Nothing shows that the child is better" in verdict.reasons[0]


def test_parent_and_child_are_measured_on_the_same_things(tmp_path: Path) -> None:
    path, _ = bench.quieter(GIVEN, BASE, tmp_path)
    before, after = evidence.measure(EVIDENCE, checkpoint.load(BASE), checkpoint.load(path))
    assert before.songs.keys() == after.songs.keys() == {"target", "source"}
    assert before.marks.keys() == after.marks.keys() == {"clip:0"}
    assert after.marks["clip:0"].leak_dbfs < before.marks["clip:0"].leak_dbfs
    assert after.accepted_dbfs["clip"] < before.accepted_dbfs["clip"]


def test_measured_piece_by_piece_it_is_the_same() -> None:
    parent = checkpoint.load(BASE)
    pieces = [Evidence({domain: songs}) for domain, songs in EVIDENCE.songs.items()] + [Evidence(clips=EVIDENCE.clips)]
    (whole,) = evidence.measure(EVIDENCE, parent)
    assert gate.join(evidence.measure(piece, parent)[0] for piece in pieces) == whole


def test_a_parent_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "parent").write_bytes(b"no checkpoint")
    with pytest.raises(checkpoint.BadCheckpoint):
        evidence.judge(tmp_path / "parent", BASE, EVIDENCE)


def test_a_spammer_marks_most_of_a_clip() -> None:
    marks = bench.anywhere(60.0, np.random.default_rng(0))
    assert 20 < sum(end - start for start, end, _ in marks) < 50
