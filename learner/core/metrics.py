"""Measure an estimate of the vocals against the true vocals: distortion, leak in silence, and voice kept.

Conventions
-----------
* Audio is `(channels, samples)`; a plain `(samples,)` counts as one channel. All channels of a song are measured together.
* Levels are dBFS: 10 log10 of the mean square over all channels, so a full-scale sine reads -3 dBFS.
  Digital silence reads `FLOOR_DBFS`, never minus infinity.
* Two kinds of frame. Leak and voice are judged in short frames of 0.1 s; a last, shorter one counts too, by its own samples.
  SDR is judged in whole, non-overlapping frames of 1 s, as BSSEval v4 does (Stöter et al. 2018, arXiv 1804.06267); a shorter rest is
  dropped, unless it is the whole song.
* A short frame is *active* where the true vocals are louder than -50 dBFS, or were so at most 0.3 s ago (hangover);
  otherwise it is *silent*.
* A 1 s frame is *active* where the true vocals in it are louder than -50 dBFS, *undefined* where they are digitally silent
  (every sample zero: no SDR), and *faint* in between: there is an SDR, and near-silent references make it so low (-100 dB and
  under) that a mean with it in says nothing, so it is left out. All three rest on the truth alone.
* An estimate is *heard as voice* within 15 dB of the sung level, the power mean of the short frames louder than -50 dBFS.
  Gold tasks (`annotation.core.leak`), simulated people, feedback and the gate judge by these two lines too. Where no truth is known,
  the estimate stands for it: its loudest frame (the gate) or its sounding frames (feedback, guesses) give the level.
  Training needs three more lines. `feedback.REST_DB` lies further down, so that nothing like a voice is taught as a rest.
  `replay.SUNG` lies higher, since it judges the mean of a patch of some seconds, of which a single faint frame makes no sung one.
  `child.SUNG_SHARE` finds sung seconds where only energies of spectra are at hand, which have no level in dBFS.
* Distortion ratios are held within -100 ... 100 dB, so that a perfect or an absent estimate does not carry a mean away.
* A figure that the song cannot give (SDR of a song without voice, leak of a song without rest) is NaN, and `summary` leaves
  that song out of that mean. An estimate that holds NaN or infinity gives NaN everywhere, and `summary` lets that show.

`frame_sdr` is that of museval 0.4.1 (BSSEval v4, images, 1 s windows and hop) wherever museval has one: its filters take part in
ISR, SIR and SAR, and cancel out of SDR. museval gives NaN to a frame, for every source, in which any reference or any estimate
is digitally silent (its channels adding up to zero), so it drops an estimate that is silent where somebody sings; here that
frame reads 0 dB and counts.

No figure stands alone: silence scores an SDR of 0 dB, a quieter estimate lowers the leak dB for dB, and muting hides in both
unless SI-SDR and the voice kept are read beside them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Audio = NDArray[np.floating]
Region = tuple[float, float]

SHORT_FRAME = 0.1  # seconds
LONG_FRAME = 1.0  # seconds
HANGOVER = 0.3  # seconds; bridges breaths and consonants inside a phrase
SILENCE_DBFS = -50.0  # true vocals at or under this level are a rest
LEAK_RANGE_DB = 15.0  # an estimate this far or less under the song's sung level is heard as voice
FLOOR_DBFS = -120.0
LIMIT_DB = 100.0  # distortion ratios are held within plus and minus this
MDX_DELTA = 1e-7  # of the Music Demixing Challenge's song SDR; also defines it for silence


def active_regions(vocals: Audio, sample_rate: int) -> list[Region]:
    """Return the stretches where somebody sings, in seconds."""
    active = _active(frame_levels(_stack(vocals), sample_rate))
    return frame_regions(active, _length(vocals), sample_rate)


def silent_regions(vocals: Audio, sample_rate: int) -> list[Region]:
    """Return the stretches where nobody sings, in seconds: all that `active_regions` leaves."""
    active = _active(frame_levels(_stack(vocals), sample_rate))
    return frame_regions(~active, _length(vocals), sample_rate)


def false_positive_regions(estimate: Audio, vocals: Audio, sample_rate: int) -> list[Region]:
    """Return the stretches, in seconds, where nobody sings and the estimate is as loud as if somebody did.

    "As loud" means within 15 dB of the song's sung level: the power mean of the true vocals over the short frames louder
    than -50 dBFS (hangover not counted). The threshold rests on the truth alone, so it is the same for every estimate.
    A song in which nobody ever sings has no such level; there an estimate louder than -50 dBFS is a false positive.
    """
    estimate, vocals = _pair(estimate, vocals)
    return frame_regions(_false_positives(estimate, vocals, sample_rate), vocals.shape[1], sample_rate)


def per_minute(seconds: Any, duration: Any) -> Any:
    """Seconds within each minute of so many; numbers, or arrays of them."""
    return 60 * seconds / duration


def evaluate(estimate: Audio, vocals: Audio, mixture: Audio, sample_rate: int) -> dict[str, float]:
    """Measure one song. All three signals have one shape.

    sdr_mean, sdr_median : dB of `frame_sdr` over active 1 s frames.
    song_sdr : dB over the whole song as in the Music Demixing Challenge (arXiv 2108.13559, delta 1e-7); defined for silent vocals too.
    song_sdr_over_mixture : dB that it lies above the song SDR of the mixture taken as the estimate.
    si_sdr : dB over the whole song, blind to the estimate's overall level (Le Roux et al. 2019, arXiv 1811.02508, no mean removed);
        -100 dB where nothing of the voice is left.
    pes_dbfs : mean level of the estimate over silent short frames (predicted energy at silence, Schulze-Forster et al. 2019,
        WASPAA), not under -120 dBFS.
    pes_over_mixture_db : mean, over the silent short frames in which the mixture is louder than -50 dBFS, of the estimate's level
        less the mixture's: 0 dB lets all through. Beside `pes_dbfs` it does not depend on how loud the song is.
    false_positive_seconds_per_minute : of `false_positive_regions`, per minute of the song, not of its rests.
    voice_kept_db : 20 log10 of the projection <e, s> / <s, s> over active short frames; 0 is the voice at its own level,
        -100 dB none of it.
    n_active, n_faint, n_undefined : the 1 s frames of each kind. The SDR of frames rests on the active ones.
    n_silent : silent short frames (0.1 s), on which the leak rests.
    """
    estimate, vocals = _pair(estimate, vocals)
    _, mixture = _pair(estimate, mixture)
    active = _active(frame_levels(vocals, sample_rate))
    voice, sounding = _seconds(vocals, sample_rate)
    kinds = {"n_active": sounding, "n_faint": (voice > 0) & ~sounding, "n_undefined": voice == 0, "n_silent": ~active}
    counts = {name: float(np.count_nonzero(frames)) for name, frames in kinds.items()}
    if not np.isfinite(estimate).all():
        return dict.fromkeys(DECIBELS_AND_LEAK, float("nan")) | counts

    sdr = active_frame_sdr(estimate, vocals, sample_rate)[sounding]
    levels, around = frame_levels(estimate, sample_rate), frame_levels(mixture, sample_rate)
    leakable = ~active & (around > SILENCE_DBFS)
    song = song_sdr(estimate, vocals)
    leaking = frame_regions(_false_positives(estimate, vocals, sample_rate), vocals.shape[1], sample_rate)
    duration = vocals.shape[1] / sample_rate
    nan = float("nan")
    return {
        "sdr_mean": float(sdr.mean()) if sdr.size else nan,
        "sdr_median": float(np.median(sdr)) if sdr.size else nan,
        "song_sdr": song,
        "song_sdr_over_mixture": song - song_sdr(mixture, vocals),
        "si_sdr": si_sdr(estimate, vocals),
        "pes_dbfs": float(levels[~active].mean()) if not active.all() else nan,
        "pes_over_mixture_db": float((levels - around)[leakable].mean()) if leakable.any() else nan,
        "false_positive_seconds_per_minute": per_minute(sum(end - start for start, end in leaking), duration),
        "voice_kept_db": float(ratio_db(max(projection(estimate, vocals, sample_rate), 0.0) ** 2, 1.0)) if active.any() else nan,
    } | counts


DECIBELS_AND_LEAK = (
    "sdr_mean",
    "sdr_median",
    "song_sdr",
    "song_sdr_over_mixture",
    "si_sdr",
    "pes_dbfs",
    "pes_over_mixture_db",
    "false_positive_seconds_per_minute",
    "voice_kept_db",
)
FRAME_COUNTS = ("n_active", "n_faint", "n_undefined", "n_silent")


def summary(songs: Sequence[dict[str, float]]) -> dict[str, float]:
    """Put the figures of several songs together: each song counts once, whatever its length.

    Every figure is the mean over the songs that have it, but `sdr_median` is the median over songs of their medians, and
    the frame counts are sums. `n_songs` is added. A song whose estimate was broken (its `song_sdr` is NaN, which a sound
    estimate never gives) makes every figure NaN. No songs at all: every figure is NaN.
    """
    broken = any(np.isnan(song["song_sdr"]) for song in songs)
    figures = {}
    for name in DECIBELS_AND_LEAK:
        values = [song[name] for song in songs if not np.isnan(song[name])]
        middle = np.median if name == "sdr_median" else np.mean
        figures[name] = float(middle(values)) if values and not broken else float("nan")
    for name in FRAME_COUNTS:
        figures[name] = float(sum(song[name] for song in songs))
    return figures | {"n_songs": float(len(songs))}


def frame_sdr(estimate: Audio, vocals: Audio, sample_rate: int) -> NDArray[np.float64]:
    """Return the SDR of every whole 1 s frame, in dB, (frames,): 10 log10(|s|^2 / |s - e|^2) over all channels.

    Equal to museval 0.4.1 wherever that is defined (see the module's conventions), and held within no limits: a frame without
    any error is plus infinity. NaN where the true vocals are digitally silent. A song shorter than a frame is one frame.
    """
    estimate, vocals = _pair(estimate, vocals)
    length = _long_frame(vocals, sample_rate)
    return _energy_ratio_db(_frame_energies(vocals, length), _frame_energies(vocals - estimate, length))


def active_frame_sdr(estimate: Audio, vocals: Audio, sample_rate: int) -> NDArray[np.float64]:
    """Return `frame_sdr` held within -100 ... 100 dB, (frames,), with NaN for every frame that is not active."""
    _, sounding = _seconds(_stack(vocals), sample_rate)
    return np.where(sounding, np.clip(frame_sdr(estimate, vocals, sample_rate), -LIMIT_DB, LIMIT_DB), np.nan)


def log_wmse(estimate: Audio, vocals: Audio, mixture: Audio, sample_rate: int) -> float:
    """Return the logWMSE of one song: frequency-weighted error relative to the mixture's level, defined for silent vocals too.

    Higher is better, and 73.7 is no error at all. Computed by the package torch-log-wmse 1.x (after Jordal 2023), which the extra `logwmse`
    installs; raises ModuleNotFoundError without it.
    """
    import torch

    from learner.core import spectral  # noqa: F401 - lets torchaudio, which the package needs, load beside a CPU build of torch

    try:
        from torch_log_wmse import LogWMSE
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("logWMSE needs the package torch-log-wmse: pip install 'unbleed[logwmse]'") from missing
    estimate, vocals = _pair(estimate, vocals)
    _, mixture = _pair(estimate, mixture)
    whole, ours, truth = (torch.from_numpy(np.array(samples, dtype=np.float32))[None] for samples in (mixture, estimate, vocals))
    with torch.inference_mode():
        return float(LogWMSE(sample_rate=sample_rate)(whole, ours[:, :, None], truth[:, :, None]))


def projection(estimate: Audio, vocals: Audio, sample_rate: int) -> float:
    """Return <e, s> / <s, s> over the active short frames: the factor by which the true voice stands in the estimate.

    NaN for a song in which nobody sings.
    """
    estimate, vocals = _pair(estimate, vocals)
    sung = _sung_samples(vocals, sample_rate)
    energy = _dot(vocals[:, sung], vocals[:, sung])
    return _dot(estimate[:, sung], vocals[:, sung]) / energy if energy > 0 else float("nan")


def energy_kept_db(estimate: Audio, parent_estimate: Audio, stretches: Iterable[Region], sample_rate: int) -> float:
    """Return the energy of an estimate relative to its parent's on stretches (seconds), in dB: voice kept where there is no truth.

    For stretches that people heard in the parent's estimate and accepted. 0 dB is as much as before, held within -100 ... 100 dB.
    NaN where the stretches hold no sample or the parent's estimate is digitally silent on them.
    """
    estimate, parent_estimate = _pair(estimate, parent_estimate)
    chosen = samples_in(stretches, estimate.shape[1], sample_rate)
    parents = _dot(parent_estimate[:, chosen], parent_estimate[:, chosen])
    if not parents > 0:
        return float("nan")
    ours = _dot(estimate[:, chosen], estimate[:, chosen])
    return float("nan") if np.isnan(ours) else float(ratio_db(ours, parents))


def mute_where_silent(estimate: Audio, vocals: Audio, sample_rate: int) -> Audio:
    """Return a copy of the estimate with every silent short frame set to zero: the most that muting alone can give."""
    ours, truth = _pair(estimate, vocals)
    return np.asarray(np.where(_sung_samples(truth, sample_rate), ours, 0), dtype=estimate.dtype).reshape(np.shape(estimate))


def equal_voice_level(estimate: Audio, vocals: Audio, reference_estimate: Audio) -> Audio:
    """Return the estimate times the one factor that gives it the reference estimate's voice projection <e, s> / <s, s>.

    So two models can be compared for leak without the quieter one winning by being quieter. The projection is over the
    whole song, where rests add next to nothing. Where no factor can do it (nobody sings, or one of the two holds nothing
    of the voice) the estimate comes back as it was; its `voice_kept_db` tells.
    """
    a, voice = _pair(estimate, vocals)
    b, _ = _pair(reference_estimate, vocals)
    own, wanted = _dot(a, voice), _dot(b, voice)
    if not (own > 0 and wanted > 0):
        return estimate
    return np.asarray(estimate * (wanted / own), dtype=estimate.dtype)


def best_constant_gain(estimates: Sequence[Audio], vocals: Sequence[Audio]) -> float:
    """Return the one factor (0 ... 4) for all estimates that gives the highest mean song SDR: the trivial way to score better.

    To be chosen on validation songs and reported on others. 1.0 where there is nothing to choose by.
    """
    sums = [(_dot(s, s), _dot(e, s), _dot(e, e)) for e, s in (_pair(e, s) for e, s in zip(estimates, vocals, strict=True))]
    if not any(energy > 0 for _, _, energy in sums):
        return 1.0
    voice, cross, own = (np.array(column)[:, None] for column in zip(*sums, strict=True))

    def best(gains: NDArray[np.floating]) -> float:
        error = np.maximum(voice - 2 * gains * cross + gains**2 * own, 0)
        return float(gains[np.argmin(np.log10(error + MDX_DELTA).mean(axis=0))])

    # The mean of several songs may have more than one hill, so look everywhere first, then closely.
    rough = best(np.linspace(0, 4, 401))
    return best(np.linspace(max(rough - 0.01, 0), rough + 0.01, 201))


def samples_in(regions: Iterable[Region], n_samples: int, sample_rate: int) -> NDArray[np.bool_]:
    """Return which of so many samples lie in any of the regions (seconds), (samples,)."""
    inside = np.zeros(n_samples, dtype=bool)
    for start, end in regions:
        inside[max(round(start * sample_rate), 0) : max(round(end * sample_rate), 0)] = True
    return inside


def level_dbfs(samples: Audio) -> float:
    """Return the level of a stretch as a whole: 10 log10 of its mean square, not under -120 dBFS."""
    stretch = _stack(samples)
    return float(10 * np.log10(max(_dot(stretch, stretch) / stretch.size, 10 ** (FLOOR_DBFS / 10))))


def mdx_sdr(signal: ArrayLike, error: ArrayLike) -> NDArray[np.float64]:
    """Return the Music Demixing Challenge's song SDR of energies, in dB, element by element."""
    return np.asarray(10 * np.log10((np.asarray(signal) + MDX_DELTA) / (np.asarray(error) + MDX_DELTA)))


def ratio_db(signal: ArrayLike, noise: ArrayLike) -> NDArray[np.float64]:
    """Return 10 log10(signal / noise) of energies, element by element, within the limits.

    No signal is the lower limit, also where there is no noise either. A signal that is NaN stays NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.asarray(signal) == 0, 0.0, np.divide(signal, noise))
        return np.asarray(np.clip(10 * np.log10(ratio), -LIMIT_DB, LIMIT_DB))


def frame_levels(samples: Audio, sample_rate: int) -> NDArray[np.float64]:
    """Return the level in dBFS of each short frame of (channels, samples): (frames,). The last may be shorter."""
    starts = np.arange(0, samples.shape[1], _frame_length(sample_rate))
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    lengths = np.diff(np.append(starts, samples.shape[1]))
    mean_square = np.add.reduceat(power, starts) / lengths
    return np.asarray(10 * np.log10(np.maximum(mean_square, 10 ** (FLOOR_DBFS / 10))))


def voice_from_dbfs(levels: NDArray[np.float64]) -> float:
    """Return from which level on a sound is heard as voice, given the levels of the voice's short frames; both in dBFS."""
    sounding = levels[levels > SILENCE_DBFS]
    return float(10 * np.log10(np.mean(10 ** (sounding / 10)))) - LEAK_RANGE_DB if sounding.size else SILENCE_DBFS


def frame_regions(frames: NDArray[np.bool_], n_samples: int, sample_rate: int) -> list[Region]:
    """Return the regions of the short frames that are true, in seconds, neighbours joined; the last ends where the audio ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], frames, [False])).astype(np.int8)))
    seconds = np.minimum(edges * _frame_length(sample_rate), n_samples) / sample_rate
    return [(float(start), float(end)) for start, end in seconds.reshape(-1, 2)]


def _pair(estimate: Audio, vocals: Audio) -> tuple[Audio, Audio]:
    """Return both as (channels, samples) of one shape, or raise ValueError naming the shapes."""
    a, b = _stack(estimate), _stack(vocals)
    if a.shape != b.shape:
        raise ValueError(f"signals to compare must have one shape (channels, samples), not {a.shape} and {b.shape}")
    return a, b


def _stack(samples: Audio) -> Audio:
    stacked = np.atleast_2d(samples)
    if stacked.ndim != 2 or stacked.size == 0:
        raise ValueError(f"a signal must be (channels, samples) with at least one sample, not {np.shape(samples)}")
    return stacked


def _length(samples: Audio) -> int:
    return int(_stack(samples).shape[1])


def _frame_length(sample_rate: int) -> int:
    return max(round(SHORT_FRAME * sample_rate), 1)


def _active(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which short frames of the true vocals are active, (frames,), given their levels."""
    sounding = levels > SILENCE_DBFS
    active = sounding.copy()
    for later in range(1, round(HANGOVER / SHORT_FRAME) + 1):
        active[later:] |= sounding[:-later]
    return active


def _false_positives(estimate: Audio, vocals: Audio, sample_rate: int) -> NDArray[np.bool_]:
    levels = frame_levels(vocals, sample_rate)
    return np.asarray(~_active(levels) & (frame_levels(estimate, sample_rate) >= voice_from_dbfs(levels)))


def _sung_samples(vocals: Audio, sample_rate: int) -> NDArray[np.bool_]:
    return np.repeat(_active(frame_levels(vocals, sample_rate)), _frame_length(sample_rate))[: vocals.shape[1]]


def _long_frame(samples: Audio, sample_rate: int) -> int:
    """Samples in a 1 s frame; a shorter song is one frame."""
    return min(round(LONG_FRAME * sample_rate), samples.shape[1])


def _seconds(vocals: Audio, sample_rate: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Energy of each 1 s frame of the true vocals, and which of them are active, (frames,)."""
    length = _long_frame(vocals, sample_rate)
    voice = _frame_energies(vocals, length)
    return voice, np.asarray(voice > 10 ** (SILENCE_DBFS / 10) * length * vocals.shape[0])


def _frame_energies(samples: Audio, length: int) -> NDArray[np.float64]:
    """Energy of each whole frame of so many samples over all channels, (frames,)."""
    n_frames = samples.shape[1] // length
    framed = samples[:, : n_frames * length].reshape(samples.shape[0], n_frames, length)
    return np.asarray(np.einsum("cfs,cfs->f", framed, framed, dtype=np.float64))


def _energy_ratio_db(signal: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """10 log10(signal / noise), element by element: NaN without signal, infinite without noise."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(signal == 0, np.nan, 10 * np.log10(signal / noise)))


def song_sdr(estimate: Audio, vocals: Audio) -> float:
    """Return the Music Demixing Challenge's SDR of a whole song, in dB."""
    error = vocals - estimate
    return float(mdx_sdr(_dot(vocals, vocals), _dot(error, error)))


def si_sdr(estimate: Audio, vocals: Audio) -> float:
    """Return the scale-invariant SDR of a whole song, in dB (Le Roux et al. 2019, arXiv 1811.02508)."""
    energy = _dot(vocals, vocals)
    if energy == 0:
        return float("nan")
    scaled = vocals * (_dot(estimate, vocals) / energy)
    residue = estimate - scaled
    return float(ratio_db(_dot(scaled, scaled), _dot(residue, residue)))


def _dot(a: Audio, b: Audio) -> float:
    return float(np.einsum("cs,cs->", a, b, dtype=np.float64))
