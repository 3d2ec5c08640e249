"""A base is trained from songs with known stems."""

from pathlib import Path

from learner.core.songs import Song
from learner.core.teaching.train import Course, train


def test_training_is_the_same_for_the_same_seed(source: list[Song], tmp_path: Path) -> None:
    hashes = {
        train(source, out=tmp_path, seed=2, course=Course(steps=3, batch=2, n_frames=16), config={"widths": [2, 2]}).hash for _ in range(2)
    }
    assert len(hashes) == 1
