"""What a decoder gives is bounded by the size of its file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from learner.core import audio
from learner.core.audio import BadAudio
from learner.core.files import decoding
from tests.learner.core.files.decoding.makers import FMT, chunk, put, riff


def test_a_decoder_that_gives_more_and_more_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(decoding.Source):
        kind, sample_rate, channels = "wav", 8000, 1

        def blocks(self, first: int = 0) -> Iterator[np.ndarray]:
            while True:
                yield np.ones((10_000, 1), np.float32)

    path = put(tmp_path, "small.wav", riff(FMT, chunk(b"data", bytes(100))))
    monkeypatch.setattr(decoding.riff, "open_riff", lambda path, stack: Endless())
    for ask in (audio.check, audio.read, audio.header, lambda path: list(audio.blocks(path, 1000))):
        with pytest.raises(BadAudio, match="gives more and more sound"):
            ask(path)
    path.write_bytes(riff(FMT, chunk(b"data", bytes(100_000))))
    for ask in (audio.check, audio.header):
        with pytest.raises(BadAudio, match="at most 60 minutes"):
            ask(path)
