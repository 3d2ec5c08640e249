"""What FFmpeg reads and libsndfile does not (or not whole), by PyAV: from the start, so that every stretch is that of the whole."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from learner.core.files.decoding.source import BLOCK, NO_SAMPLES, BadAudio, Block, Source, ends_early, not_allowed, not_to_its_end

DEMUXERS = {"webm": "matroska"}  # where FFmpeg calls it otherwise
SLACK = 0.1  # seconds by which a length in the header may be off: encoders' delay and padding, times in whole milliseconds


class ByPyAV(Source):
    """`promised` is the number of samples that a header tells of, where it is not for FFmpeg to read it; 0 for unknown."""

    def __init__(self, path: Path, kind: str, promised: int = 0):
        self.path, self.kind, self.promised = path, kind, promised
        self.reached = 0  # sample, by the file's own times, which may leave gaps
        first = next(self._frames(), None)
        if first is None:
            raise BadAudio(NO_SAMPLES)
        self.sample_rate, self.channels, self.format = int(first.sample_rate), int(first.layout.nb_channels), first.format.name

    def blocks(self, first: int = 0) -> Iterator[Block]:
        import av

        resampler = av.AudioResampler(format="fltp")  # nothing but the samples' format changes
        held: list[Block] = []
        position = n_held = 0
        for frame in self._frames():
            self._belongs(frame, position)
            for piece in [frame] if frame.format.name == "fltp" else resampler.resample(frame):
                skipped = min(max(0, first - position), piece.samples)
                position += piece.samples
                if piece.pts is not None and piece.time_base:
                    self.reached = round(piece.pts * piece.time_base * self.sample_rate) + piece.samples
                if skipped < piece.samples:
                    held.append(np.asarray(piece.to_ndarray(), np.float32).T[skipped:])
                    n_held += piece.samples - skipped
            if n_held >= BLOCK:
                yield np.concatenate(held)
                held, n_held = [], 0
        if held:
            yield np.concatenate(held)

    def check(self, n_decoded: int) -> Sequence[str]:
        promised = self.promised or self._duration()
        if not promised:
            return ()
        if promised - max(n_decoded, self.reached) > SLACK * self.sample_rate:
            raise ends_early(promised, n_decoded, self.sample_rate)
        return length_notes(promised, n_decoded, self.sample_rate)

    def _belongs(self, frame: Any, position: int) -> None:
        """Raise BadAudio where a frame is of another kind than the first, or one before it is missing."""
        if frame.sample_rate != self.sample_rate:
            raise changes(self.sample_rate, frame.sample_rate, "Hz", position / self.sample_rate)
        if frame.layout.nb_channels != self.channels:
            raise changes(self.channels, frame.layout.nb_channels, "channels", position / self.sample_rate)
        if frame.format.name != self.format:
            raise BadAudio(f"The file changes from samples of {self.format} to {frame.format.name} at {position / self.sample_rate:.1f} s.")
        if self.kind == "flac" and frame.pts is not None and round(frame.pts * frame.time_base * self.sample_rate) != position:
            raise BadAudio(f"The file is damaged or joined of several: at {position / self.sample_rate:.2f} s its samples count anew.")

    def _frames(self) -> Iterator[Any]:
        """What decodes. Junk behind the last frame is passed over, junk between two is damage."""
        from av.error import FFmpegError

        with opened(self.path, self.kind) as container:
            streams = container.streams.audio
            if not streams:
                raise BadAudio("There is no sound in this file.")
            if self.kind == "flac":  # whose frames carry checksums
                streams[0].codec_context.options = {"err_detect": "crccheck+explode"}
            broken: Exception | None = None
            try:
                for packet in container.demux(streams[0]):
                    try:
                        frames = packet.decode()
                    except FFmpegError as error:
                        broken = broken or error
                        continue
                    if frames and broken:
                        raise not_to_its_end(broken)
                    yield from frames
            except FFmpegError as error:
                raise not_to_its_end(error) from error

    def _duration(self) -> int:
        """Samples that a container tells of; 0 where it does not, or only guesses from a bit rate."""
        if self.kind not in ("mp4", "webm"):
            return 0
        with opened(self.path, self.kind) as container:
            stream = container.streams.audio[0]
            if stream.duration:
                return round(float(stream.duration * stream.time_base) * self.sample_rate)
            alone = len(container.streams) == 1  # otherwise it may be that of the pictures
            return round(container.duration * self.sample_rate / 1_000_000) if alone and container.duration else 0


def changes(before: int, after: int, unit: str, at: float) -> BadAudio:
    return BadAudio(
        f"The file changes from {before} to {after} {unit} at {at:.1f} s; one sample rate and one number of channels are needed."
    )


def length_notes(promised: int, n_decoded: int, sample_rate: int) -> Sequence[str]:
    """Say so where a file is longer than its header tells."""
    if n_decoded - promised <= SLACK * sample_rate:
        return ()
    told = f"{promised / sample_rate:.2f} s" if promised else "no length"
    return (f"Its header tells of {told}; the file was read to its end and lasts {n_decoded / sample_rate:.2f} s.",)


@contextmanager
def opened(path: Path, kind: str) -> Iterator[Any]:
    import av  # a tenth of a second and 20 MB, which a process that reads plain files alone does without
    from av.error import FFmpegError

    try:
        # Its kind is said, so that no playlist or the like can lead FFmpeg to other files.
        container = av.open(os.path.abspath(path), format=DEMUXERS.get(kind, kind))
    except (FFmpegError, OSError, ValueError) as error:
        raise not_allowed() from error
    with container:
        yield container
