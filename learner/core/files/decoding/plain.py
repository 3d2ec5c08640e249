"""Files that libsndfile reads whole and seeks in exactly: wav, flac, and Ogg of a single stream."""

from collections.abc import Iterator, Sequence

import soundfile

from learner.core.files.decoding.source import BLOCK, Block, Source, ends_early, not_to_its_end

OPUS_PREROLL = 4.0  # seconds decoded before a stretch: after the 80 ms of libsndfile, speech may be 0.002 off what the whole has


class Plain(Source):
    def __init__(self, file: soundfile.SoundFile, kind: str):
        self.file, self.kind = file, kind
        self.sample_rate, self.channels, self.n_samples = file.samplerate, file.channels, file.frames
        self.n_preroll = round(OPUS_PREROLL * self.sample_rate) if file.subtype == "OPUS" else 0
        self.exact_to = file.frames  # up to here libsndfile goes where it is told to

    def blocks(self, first: int = 0) -> Iterator[Block]:
        n_left = self._seek(first)
        while n_left > 0 and len(block := self._decode(min(BLOCK, n_left))):
            n_left -= len(block)
            yield block

    def read(self, first: int, n_wanted: int) -> Block:
        return self._decode(min(n_wanted, self._seek(first)))

    def check(self, n_decoded: int) -> Sequence[str]:
        if n_decoded < self.file.frames:
            raise ends_early(self.file.frames, n_decoded, self.sample_rate)
        return ()

    def _seek(self, first: int) -> int:
        """Go there and return how many samples follow."""
        first = min(first, self.file.frames)
        try:
            before = max(0, min(first - self.n_preroll, self.exact_to))
            self.file.seek(before)
            self.file.read(first - before, dtype="float32")
        except soundfile.SoundFileError as error:
            raise not_to_its_end(error) from error
        return int(self.file.frames - first)

    def _decode(self, n_samples: int) -> Block:
        try:
            block: Block = self.file.read(n_samples, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise not_to_its_end(error) from error
        return block
