"""What every kind of audio file is to its reader: samples from any place on, and a word on whether it is whole."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]  # (samples, channels), full scale at plus and minus 1

BLOCK = 1 << 16  # samples a channel decoded at once, so that an hour of audio passes in little memory
NO_SAMPLES = "The file holds no audio: it has a header but no samples."
NO_NUMBERS = "The file holds samples that are no numbers (NaN or infinity); every sample must be finite."
ALLOWED = "wav, flac, ogg, opus, mp3, m4a, mp4, aac and webm"


class BadAudio(ValueError):
    """This is not audio that can be used. Allowed: wav, flac, ogg, opus, mp3, m4a, mp4, aac and webm, 1 or 2 channels, at most
    60 minutes, with sound in it."""


def not_allowed(kind: str = "") -> BadAudio:
    """What is said of a file of another kind than the allowed ones."""
    return BadAudio(f"The file is {kind or 'not audio that can be read'}; allowed are {ALLOWED}.")


class Source:
    """An open file. Samples are counted from the first that decodes to the last, whatever a header says of them.

    A stretch is always that of the whole: `blocks(n)` begins with sample `n` of `blocks(0)`.
    """

    kind: str  # what it is by its content: wav | flac | ogg | mp3 | m4a | aac | webm
    sample_rate: int  # Hz
    channels: int
    n_samples: int | None = None  # how many it gives, where that can be told without decoding them

    def blocks(self, first: int = 0) -> Iterator[Block]:
        """Decode from sample `first` to the end. Raises BadAudio where that cannot be done."""
        raise NotImplementedError

    def read(self, first: int, n_wanted: int) -> Block:
        """Return so many samples from `first` on, fewer where the file ends."""
        got: list[Block] = []
        n_got = 0
        for block in self.blocks(first):
            got.append(block[: n_wanted - n_got])
            n_got += len(got[-1])
            if n_got == n_wanted:
                break
        return np.concatenate(got) if got else np.zeros((0, self.channels), np.float32)

    def check(self, n_decoded: int) -> Sequence[str]:
        """Raise BadAudio where the file is not whole, given how many samples it gave; return what its owner should know of it."""
        raise NotImplementedError


def ends_early(promised: int, n_decoded: int, sample_rate: int) -> BadAudio:
    told, found = f"{promised / sample_rate:.2f} s", f"{n_decoded / sample_rate:.2f} s"
    return BadAudio(f"The file is truncated or damaged: its header promises {told}, {found} can be read.")


def not_to_its_end(error: Exception) -> BadAudio:
    reason = str(getattr(error, "error_string", "") or getattr(error, "strerror", "") or error).strip().rstrip(".") or "no reason given"
    return BadAudio(f"The file is truncated or damaged: it could not be read to its end ({reason}).")
