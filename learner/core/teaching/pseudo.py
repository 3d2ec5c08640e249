"""Songs without stems, as a separator hears them: its own outputs stand for the stems, as they are and remixed.

Tzinis et al. 2022, "RemixIT" (arXiv 2202.08862): what a teacher takes out of mixes, mixed anew, teaches a student. Here the student
begins as the teacher, and is to stay what it was.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from learner.core.audio import Samples
from learner.core.separate import separate
from learner.core.separators import Separator
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong

LONGEST = 60.0  # seconds, from the middle of each song, that stand for it


@torch.no_grad()
def with_stems(songs: Sequence[AnySong], separator: Separator, tell: Callable[[str], None] = lambda _: None) -> list[AnySong]:
    """The same songs; one without stems becomes its middle minute with what the separator makes of it."""
    found: list[AnySong] = []
    for song in songs:
        if song.vocals is not None and song.accompaniment is not None:
            found.append(song)
            continue
        tell(f"separating {song.name}")
        mixture = _middle(song)
        vocals = separate(separator, mixture, song.sample_rate)
        found.append(Song(song.name, song.sample_rate, mixture, vocals, mixture - vocals))
    return found


def remixed(songs: Sequence[Song], separator: Separator, tell: Callable[[str], None] = lambda _: None) -> list[Song]:
    """Songs to validate on: those with stems as they are; of the others, the voice of each over the band of the next.

    What a separator makes of a mix is no measure of itself, but it is of a new mix. A single song without stems is left out.
    """
    whole = [song for song in songs if song.vocals is not None]
    mixes = [song for song in with_stems([song for song in songs if song.vocals is None], separator, tell) if isinstance(song, Song)]
    return [*whole, *over_the_next(mixes)]


def over_the_next(songs: Sequence[Song]) -> list[Song]:
    """The voice of each song with stems over the band of the next, cut to the shorter; none where there is one song alone."""
    found = []
    for one, other in zip(songs, [*songs[1:], *songs[:1]], strict=True) if len(songs) > 1 else ():
        assert one.vocals is not None and other.accompaniment is not None
        n = min(one.vocals.shape[1], other.accompaniment.shape[1])
        vocals, accompaniment = one.vocals[:, :n], other.accompaniment[:, :n]
        if one.sample_rate == other.sample_rate and len(vocals) == len(accompaniment):
            found.append(Song(f"{one.name} over {other.name}", one.sample_rate, vocals + accompaniment, vocals, accompaniment))
    return found


def _middle(song: AnySong) -> Samples:
    n_song = song.mixture.shape[1]
    n = min(n_song, round(LONGEST * song.sample_rate))
    first = (n_song - n) // 2
    if isinstance(song, Song):
        return song.mixture[:, first : first + n]
    return np.asarray(song.mixture.read(first, first + n), np.float32)
