"""One song at hand: a separator is fitted to it by marks in it, where nothing else is there: no stems, and no other songs.

What nobody marked is replayed with the parent's own outputs as its stems, as `pseudo` does with other songs. But the lead that was
marked sounds there too, and replay would teach that it stays. So it is done twice: a first child, after a third of the steps, shows
what is like the marks, since it takes the same away beside them. Where it does, the second run's replay has no voice, and what sounds
there does not count as accepted. The voice of each piece over the band of the next is what validates. (That the teacher follows the
student is of Tzinis et al. 2022, RemixIT, arXiv 2202.08862.)
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learner.core import checkpoint, metrics
from learner.core.audio import Samples
from learner.core.separate import separate
from learner.core.songs import Song
from learner.core.teaching.adapt import Adapted, adapt
from learner.core.teaching.feedback import MarkedSong, Stretch
from learner.core.teaching.progress import Progress
from learner.core.teaching.pseudo import over_the_next
from learner.core.teaching.recipe import Recipe

PIECE = 6.0  # seconds of a piece, about
LEAST = 2.0  # seconds
EDGE = 0.3  # seconds beside a mark, which people set late
MOST_PIECES = 10
CLIP = 15.0  # seconds
HEARD_WHOLE = 75.0  # seconds of a song up to which all of it is heard at each weighing
HEARD_BESIDE = 45.0  # seconds of a longer song that are heard beside the clips with marks
FIRST = 3  # the first child takes one step of so many
FELL_DB = 3.0  # by which the first child is quieter than its parent where the same sounds as on the marks
SMOOTHED = 5  # frames of 0.1 s over which levels are compared
FADE = 0.05  # seconds


class NothingKept(ValueError):
    """Nearly everything is marked, and nothing is left that shows what must stay: leave unmarked what is right."""

    def __str__(self) -> str:
        return str(self.__doc__)


def fit(
    parent: Path,
    song: MarkedSong,
    others: Sequence[Song] = (),
    *,
    changes: dict[str, Any] | None = None,
    seed: int = 0,
    out: Path,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Adapted:
    """Fit the checkpoint `parent` to a song by its marks, by the recipe of its architecture with some `changes`; save it into `out`.

    `others` are mixes that must stay as they are. Raises NothingKept, and what `adapt` raises.
    """
    song.check()
    recipe = Recipe.changed({"pseudo_replay": True} | (changes or {}), checkpoint.about(parent).architecture)
    return fit_clips(parent, clips(song), others, recipe=recipe, seed=seed, out=out, progress=progress)


def fit_clips(
    parent: Path,
    heard: Sequence[MarkedSong],
    others: Sequence[Song] = (),
    *,
    recipe: Recipe,
    seed: int,
    out: Path,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Adapted:
    """As `fit`, to clips of a song that people heard; the recipe must have `pseudo_replay`."""
    cuts = pieces(heard)
    mixes = [_cut(heard[at], *span).mixture for at, span in cuts]
    plain = [Song(f"piece {number}", heard[0].sample_rate, mix) for number, mix in enumerate(mixes, start=1)]
    freely = replace(
        recipe,
        steps=max(1, recipe.steps // FIRST),
        keep_every=0,
        patience=0,
        factors=(1.0,),
        half_way=0.0,
        strength=1.0,
        solo_sdr_db=0.0,
        marks_fall_db=0.0,
    )
    with TemporaryDirectory(dir=out, prefix=".first-") as folder:
        first = adapt(parent, heard, [*plain, *others], [], recipe=freely, seed=seed, out=Path(folder), progress=progress)
        before, after = (checkpoint.load(path) for path in (parent, first.path))
    vocals = [separate(before, clip.mixture, clip.sample_rate) for clip in heard]
    stays = [
        stays_of(own, separate(after, clip.mixture, clip.sample_rate), clip.sample_rate) for own, clip in zip(vocals, heard, strict=True)
    ]
    kept = []
    for piece, (at, (start, end)) in zip(plain, cuts, strict=True):
        voice = vocals[at] * _faded(stays[at], vocals[at].shape[1], piece.sample_rate)
        voice = voice[:, round(start * piece.sample_rate) : round(end * piece.sample_rate)]
        kept.append(replace(piece, vocals=voice, accompaniment=piece.mixture - voice))
    heard = [replace(clip, heard=both(clip.heard, frames)) for clip, frames in zip(heard, stays, strict=True)]
    validation = [*over_the_next(kept), *others]
    return adapt(parent, heard, [*kept, *others], validation, recipe=recipe, seed=seed, out=out, progress=progress)


def stays_of(before: Samples, after: Samples, sample_rate: int) -> NDArray[np.bool_]:
    """Where an estimate did not fall, frame by frame of 0.1 s, and where nothing was heard to fall."""
    power = [
        np.convolve(10 ** (metrics.frame_levels(one, sample_rate) / 10), np.ones(SMOOTHED) / SMOOTHED, mode="same")
        for one in (before, after)
    ]
    return (power[0] < 10 ** (metrics.SILENCE_DBFS / 10)) | (power[1] > power[0] * 10 ** (-FELL_DB / 10))


def _faded(frames: NDArray[np.bool_], n_samples: int, sample_rate: int) -> Samples:
    """Frames of 0.1 s as a gain, (samples,)."""
    at = np.minimum(np.arange(n_samples) // max(1, round(sample_rate / 10)), len(frames) - 1)
    n_fade = max(1, round(FADE * sample_rate))
    return np.convolve(frames[at], np.ones(n_fade) / n_fade, mode="same").astype(np.float32)


def both(heard: Sequence[Stretch], frames: NDArray[np.bool_]) -> list[Stretch]:
    """The parts of stretches in which the frames of 0.1 s hold."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]).astype(int))) / 10
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    parts = [(max(start, first), min(end, last)) for start, end in heard for first, last in runs]
    return [(start, end) for start, end in parts if end - start > 0.05]


def clips(song: MarkedSong) -> list[MarkedSong]:
    """A song as it is; of a long one the clips with marks, and some others evenly spread, so that the cost does not grow with it."""
    duration = song.mixture.shape[1] / song.sample_rate
    if duration <= HEARD_WHOLE:
        return [song]
    edges = np.append(np.arange(0, duration - CLIP / 2, CLIP), duration).tolist()
    spans = list(pairwise(edges))
    with_marks = [any(start < last and end > first for start, end, _ in song.marks) for first, last in spans]
    others = [at for at, marked in enumerate(with_marks) if not marked]
    spread = np.linspace(0, len(others) - 1, min(round(HEARD_BESIDE / CLIP), len(others))).round().astype(int)
    wanted = {at for at, marked in enumerate(with_marks) if marked} | {others[at] for at in spread}
    return [_cut(song, *spans[at]) for at in sorted(wanted)]


def _cut(song: MarkedSong, first: float, last: float) -> MarkedSong:
    """A stretch of a song as a song of its own; a mark is cut with it."""
    mixture = song.mixture[:, round(first * song.sample_rate) : round(last * song.sample_rate)]
    marks = [(max(s, first) - first, min(e, last) - first, weight) for s, e, weight in song.marks if s < last and e > first]
    return replace(song, song_name=f"{song.song_name} {first:.0f}-{last:.0f} s", mixture=mixture, marks=marks, heard=[(0.0, last - first)])


def _kept(song: MarkedSong) -> list[Stretch]:
    """What was heard and lies in no mark, nor at the edge of one."""
    kept = list(song.heard)
    for start, end, _ in song.marks:
        beside = [part for first, last in kept for part in ((first, min(last, start - EDGE)), (max(first, end + EDGE), last))]
        kept = [(first, last) for first, last in beside if last - first >= LEAST]
    return kept


def pieces(heard: Sequence[MarkedSong]) -> list[tuple[int, Stretch]]:
    """What was heard and not marked, in pieces: (which song, start and end in it); of many some, evenly spread. Raises NothingKept."""
    found = []
    for at, song in enumerate(heard):
        for start, end in _kept(song):
            edges = np.linspace(start, end, max(1, round((end - start) / PIECE)) + 1).tolist()
            found += [(at, piece) for piece in pairwise(edges)]
    if not found:
        raise NothingKept
    spread = np.unique(np.linspace(0, len(found) - 1, min(MOST_PIECES, len(found))).round().astype(int))
    return [found[at] for at in spread]
