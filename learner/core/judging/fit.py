"""Whether a base suits songs: what it does on each of them, by its stems or without, and what that means in words.

What marks can mend is not held against a base: bleed where the voice rests. Where somebody sings, an estimate that is no better than the
mix turned down is of no use to a campaign. So, by stems, the song SDR of the sung parts is held against that of the mix at its best
constant gain there. Measured on five real songs: Spleeter's base lies 2.3 to 6.2 dB over it on four (0.2 dB on the fifth, whose
voice it takes away), the shipped base 0.0 dB over it and less; the shipped base on generated songs, also on those that leak 25 s a
minute, 3 to 9 dB over it.

Without stems there is no such figure. An estimate of a base that suits is nearly all of the mix or nearly nothing of it; that of one that
does not lies in between all the time. `quiet` is the share of frames with nearly nothing among those that are not nearly all: on the five
songs and one more 0.59 to 0.76 for Spleeter's base, 0.04 to 0.38 for the shipped one (by whole songs: minutes scatter much more).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from learner.core import metrics
from learner.core.metrics import Audio

Fit = Literal["fits", "partly", "unfit", "unknown"]
Figures = Mapping[str, float | None]

OVER_MIX = 1.0  # dB of SDR over the mix at its best gain, where somebody sings, from which on a base suits
MOST_OF_MIX, NOTHING_OF_MIX = -6.0, -30.0  # dB to the mix: an estimate over the first is nearly all of it, under the second nearly nothing
QUIET, NOT_QUIET = 0.55, 0.45  # share `quiet` from which on a base suits, and under which it does not
LEAST_BESIDE = 0.25  # share of frames that are not nearly all of the mix, under which nothing is told by them
FAINT = -6.0  # dB of true voice kept under which it is said
LEAKS_MUCH = 5.0  # false-positive seconds a minute from which on it is said
EXCERPT = 12.0  # seconds to listen to


@dataclass(frozen=True)
class OnSong:
    """What a base does on one song."""

    name: str
    figures: Figures

    @property
    def known(self) -> bool:
        """Whether its stems tell."""
        return self.figures.get("sung_sdr") is not None

    @property
    def fit(self) -> Fit:
        figures = self.figures
        if (sdr := figures.get("sung_sdr")) is not None:
            return "fits" if sdr - max(0.0, figures.get("sung_sdr_of_mix") or 0.0) >= OVER_MIX else "unfit"
        quiet = figures.get("quiet")
        if quiet is None or NOT_QUIET <= quiet < QUIET:
            return "unknown"
        return "fits" if quiet >= QUIET else "unfit"


def measure(estimate: Audio, mixture: Audio, sample_rate: int, vocals: Audio | None = None) -> dict[str, float | None]:
    """The figures of one song; signals are (channels, samples). None: it has no such figure, for want of stems or of voice.

    `sung_level_db` and `rest_level_db` are the median levels of the estimate, relative to the mix, where it is heard as voice and
    where it is not.
    """
    found = _without_truth(estimate, mixture, sample_rate)
    if vocals is None or not (all_of := metrics.evaluate(estimate, vocals, mixture, sample_rate))["n_active"]:
        return found
    gain = metrics.best_constant_gain([mixture], [vocals])
    sung, sung_mix = (metrics.mute_where_silent(sound, vocals, sample_rate) for sound in (estimate, mixture))
    gain_sung = metrics.best_constant_gain([sung_mix], [vocals])
    more = {
        "sdr": all_of["song_sdr"],
        "sdr_of_mix": metrics.song_sdr(gain * mixture, vocals),
        "sung_sdr": metrics.song_sdr(sung, vocals),
        "sung_sdr_of_mix": metrics.song_sdr(gain_sung * sung_mix, vocals),
        "si_sdr": all_of["si_sdr"],
        "si_sdr_of_mix": metrics.si_sdr(mixture, vocals),
        "voice_kept_db": all_of["voice_kept_db"],
        "leak": all_of["false_positive_seconds_per_minute"],
    }
    return found | {name: value if math.isfinite(value) else None for name, value in more.items()}


def _without_truth(estimate: Audio, mixture: Audio, sample_rate: int) -> dict[str, float | None]:
    levels, around = metrics.frame_levels(estimate, sample_rate), metrics.frame_levels(mixture, sample_rate)
    sounding = around > metrics.SILENCE_DBFS
    levels, beside = levels[sounding], (levels - around)[sounding]
    nothing: dict[str, float | None] = {"quiet": None, "sung_level_db": None, "rest_level_db": None}
    if not beside.size:
        return nothing
    heard = levels >= metrics.voice_from_dbfs(levels)
    not_all = beside < MOST_OF_MIX
    return {
        "quiet": float((beside < NOTHING_OF_MIX).sum() / not_all.sum()) if not_all.mean() >= LEAST_BESIDE else None,
        "sung_level_db": float(np.median(beside[heard])) if heard.any() else None,
        "rest_level_db": float(np.median(beside[~heard])) if not heard.all() else None,
    }


def excerpt(estimate: Audio, mixture: Audio, sample_rate: int, vocals: Audio | None = None) -> float:
    """Where, in seconds, the `EXCERPT` begins that tells most: the most bleed by the stems, or what is neither of the mix nor nothing."""
    levels, around = metrics.frame_levels(estimate, sample_rate), metrics.frame_levels(mixture, sample_rate)
    telling = (around > metrics.SILENCE_DBFS) & (levels - around < MOST_OF_MIX) & (levels - around > NOTHING_OF_MIX)
    if vocals is not None:
        telling = np.zeros_like(telling)
        for start, end in metrics.false_positive_regions(estimate, vocals, sample_rate):
            telling[round(start / metrics.SHORT_FRAME) : round(end / metrics.SHORT_FRAME)] = True
    n = round(EXCERPT / metrics.SHORT_FRAME)
    if telling.size <= n:
        return 0.0
    within = np.convolve(telling, np.ones(n), "valid")
    return float(np.argmax(within) * metrics.SHORT_FRAME)


def of_songs(songs: Sequence[OnSong]) -> Fit:
    """Whether a base suits songs together. Where stems tell of some, they tell for all."""
    fits = [song.fit for song in _that_tell(songs)]
    n_fit, n_unfit = fits.count("fits"), fits.count("unfit")
    if not n_fit + n_unfit:
        return "unknown"
    return "fits" if n_fit >= 2 * n_unfit else "unfit" if n_unfit >= 2 * n_fit else "partly"


def _that_tell(songs: Sequence[OnSong]) -> Sequence[OnSong]:
    return [song for song in songs if song.known] or songs


def in_words(name: str, songs: Sequence[OnSong], stem: str = "vocals") -> str:
    """What was found, for those who choose a base."""
    if not songs:
        return ""
    told = _that_tell(songs)
    n, unfit, known = len(told), [song for song in told if song.fit == "unfit"], any(song.known for song in told)
    sentences = [_first(name, of_songs(songs), n, len(unfit), known=known, stem=stem)]
    below = [song for song in told if known and (song.figures.get("sdr") or 0.0) < 0]
    if lost := [song.name for song in below if song.fit != "fits"]:
        sentences.append(f"On {_some(lost, n)} it is worse than silence, which scores 0 dB.")
    if leaking := [song.name for song in below if song.fit == "fits"]:
        sentences.append(f"On {_some(leaking, n)} it is worse than silence, for what leaks beside the {stem}; marks can mend that.")
    faint = [song for song in told if (song.figures.get("voice_kept_db") or 0.0) < FAINT]
    if faint:
        levels = ", ".join(f"{song.name} ({song.figures['voice_kept_db']:.0f} dB)" for song in faint)
        sentences.append(f"Much of what it should extract is gone in {levels}.")
    if of_songs(songs) == "fits" and known:
        leak = float(np.mean([song.figures.get("leak") or 0.0 for song in told]))
        sentences.append(
            f"It leaks {leak:.1f} s a minute, which marks can mend."
            if leak >= LEAKS_MUCH
            else f"It leaks {leak:.1f} s a minute; whether your pool leaks more, the first round will say."
        )
    return " ".join(sentences)


def _first(name: str, fit: Fit, n: int, n_unfit: int, *, known: bool, stem: str) -> str:
    songs = f"the {n} songs that it was tried on" if n > 1 else "the song that it was tried on"
    stems = "their stems" if n > 1 else "its stems"
    if fit == "unknown":
        return f"Whether {name} suits, figures do not tell: hear what it makes of {songs}."
    if known:
        if fit == "unfit":
            where = "it" if n == 1 else f"{n_unfit} of them" if n_unfit < n else "all of them"
            return (
                f"{name} does not suit {songs}: on {where} what it gives for {stem} is hardly better than the mix turned down, or worse, "
                "also where there is something to extract. Marks do not mend that: take another base."
            )
        if fit == "partly":
            return f"{name} suits {n - n_unfit} of {songs}; on the others it is hardly better than the mix turned down, or worse."
        some = f"{n - n_unfit} of {songs}" if n_unfit else songs
        return f"{name} suits {some}: by {stems} it is clearly better than the mix turned down."
    told = "None has stems, so this is a guess" if n > 1 else "It has no stems, so this is a guess"
    if fit == "unfit":
        return (
            f"{name} seems not to suit {songs}: it hardly ever rests, and leaves something of everything at most times. "
            f"{told}: hear it. Marks do not mend that: take another base."
        )
    if fit == "partly":
        return f"{name} seems to suit some of {songs}, and on others it hardly ever rests. {told}: hear it."
    return f"{name} seems to suit {songs}: it gives most of the mix or nearly nothing, and rests in between. {told}: hear it."


def _some(names: Sequence[str], n: int) -> str:
    return "all of them" if len(names) == n > 1 else ", ".join(names)
