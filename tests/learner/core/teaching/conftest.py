"""What a tiny adaptation begins from; made once, since nothing changes it."""

from pathlib import Path

import pytest

from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching.adapt import MarkedSong
from learner.core.teaching.train import Course, train


@pytest.fixture(scope="session")
def source() -> list[Song]:
    return [make_song(seed, "source", 6.0) for seed in range(3)]


@pytest.fixture(scope="session")
def parent(source: list[Song], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    return train(source, out=folder, seed=1, course=Course(steps=30, batch=4, n_frames=16), config={"widths": [4, 4, 4]}).path


@pytest.fixture(scope="session")
def marked() -> list[MarkedSong]:
    song = make_song(1, "target", 8.0)
    return [MarkedSong(song.name, song.sample_rate, song.mixture, [(0.2, 2.0, 0.9)], [(0.0, 6.0)])]
