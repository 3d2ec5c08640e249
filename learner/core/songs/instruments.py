"""Sounds of which generated songs are made: a source-filter voice, sustained leads, plucked strings, drums, rooms.

Everything is mono float32 at `SAMPLE_RATE`. Slow curves (pitch, loudness, formants) are written at `CONTROL_RATE`, one value a
spectral frame; pitch is in MIDI note numbers (fractions are cents). Harmonic sounds are a band-limited saw (differentiated
parabola) shaped frame by frame in the spectrum, which costs the same for one partial as for sixty.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

Samples = NDArray[np.float32]
Curve = NDArray[np.float64]

SAMPLE_RATE = 16_000
HOP = 256
CONTROL_RATE = SAMPLE_RATE / HOP
N_FFT = 512
FREQUENCIES = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE).astype(np.float32)

VOWELS: dict[str, tuple[float, ...]] = {  # first four formants of a male voice, Hz
    "a": (800, 1150, 2900, 3900),
    "e": (400, 1700, 2600, 3600),
    "i": (300, 2200, 2950, 3700),
    "o": (450, 800, 2830, 3800),
    "u": (325, 700, 2700, 3800),
}
FORMANT_WIDTH = (80.0, 100.0, 130.0, 180.0)  # Hz
FORMANT_GAIN = (1.0, 0.6, 0.35, 0.25)


def n_control(n_samples: int) -> int:
    """How many control values cover `n_samples`."""
    return n_samples // HOP + 1


def to_samples(curve: Curve, n_samples: int) -> Samples:
    """Interpolate a control curve to the sample rate."""
    return np.interp(np.arange(n_samples, dtype=np.float64) / HOP, np.arange(len(curve)), curve).astype(np.float32)


def smooth(curve: Curve, seconds: float) -> Curve:
    """One-pole smoothing along time (axis 0), starting at rest on the first value."""
    a = float(np.exp(-1 / (seconds * CONTROL_RATE)))
    out, _ = signal.lfilter([1 - a], [1, -a], curve, axis=0, zi=curve[:1] * a)
    return np.asarray(out, dtype=np.float64)


def hertz(midi: Curve) -> Curve:
    return 440.0 * 2 ** ((midi - 69) / 12)


def saw(hz: Samples) -> Samples:
    """Saw wave of unit amplitude that follows `hz` (one value a sample); aliases lie about 40 dB under a naive one's."""
    phase = np.cumsum(hz.astype(np.float64) / SAMPLE_RATE) % 1.0
    parabola = (2 * phase - 1) ** 2
    return (np.diff(parabola, prepend=parabola[0]) * (SAMPLE_RATE / (4 * hz))).astype(np.float32)


def sines(hz: Samples, amplitudes: Sequence[float]) -> Samples:
    """Sum of a few harmonics; those over the Nyquist frequency are left out."""
    phase = 2 * np.pi * np.cumsum(hz.astype(np.float64) / SAMPLE_RATE)
    out = np.zeros(len(hz), dtype=np.float32)
    for k, amplitude in enumerate(amplitudes, start=1):
        out += amplitude * (np.sin(k * phase) * (hz * k < 0.48 * SAMPLE_RATE)).astype(np.float32)
    return out


def shape(samples: Samples, envelope: Samples) -> Samples:
    """Filter by an envelope over `FREQUENCIES`: one for all time, (bins,), or one a control frame, (frames, bins)."""
    window = np.sqrt(signal.get_window("hann", N_FFT)).astype(np.float32)
    n = len(samples)
    frames = n_control(n)
    padded = np.zeros((frames + 1) * HOP, dtype=np.float32)
    padded[HOP // 2 : HOP // 2 + n] = samples[: len(padded) - HOP // 2]
    spectrum = fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP] * window, axis=1)
    pieces = fft.irfft(spectrum * envelope[: len(spectrum)] if envelope.ndim == 2 else spectrum * envelope, axis=1) * window
    out = np.zeros((len(pieces) + 1, HOP), dtype=np.float32)
    out[:-1] += pieces[:, :HOP]
    out[1:] += pieces[:, HOP:]
    return np.asarray(out.reshape(-1)[HOP // 2 : HOP // 2 + n], dtype=np.float32)


def formants(centres: Curve, *, tilt: float, scale: float = 1.0) -> Samples:
    """Vocal-tract envelope (frames, bins) for formant centres (frames, 4) in Hz; `tilt` is the fall over frequency (power of f)."""
    f = FREQUENCIES[None, :] + 1.0
    out = np.zeros((len(centres), len(FREQUENCIES)), dtype=np.float32)
    for j, (width, gain) in enumerate(zip(FORMANT_WIDTH, FORMANT_GAIN, strict=True)):
        centre = (centres[:, j : j + 1] * scale).astype(np.float32)
        ratio = f / centre
        out += gain * (width / centre) / np.sqrt((1 - ratio**2) ** 2 + (ratio * width / centre) ** 2)
    return np.asarray(out * (f / 500.0) ** np.float32(1 - tilt), dtype=np.float32)


def resonances(*peaks: tuple[float, float, float], floor: float = 0.05) -> Samples:
    """Fixed body of an instrument: (centre Hz, width Hz, gain) peaks over a floor."""
    return np.asarray(sum((g / (1 + ((FREQUENCIES - c) / w) ** 2) for c, w, g in peaks), start=np.float32(floor)), dtype=np.float32)


def room(samples: Samples, generator: np.random.Generator, *, seconds: float, wet: float) -> Samples:
    """Add a decaying, darkening reverberation `seconds` long (60 dB) at `wet` times the level of the dry sound."""
    n = int(seconds * SAMPLE_RATE)
    t = np.arange(n) / n
    response = generator.standard_normal(n) * np.exp(-6.9 * t)
    response = signal.lfilter([0.5], [1, -0.5], response)
    response[: int(0.012 * SAMPLE_RATE)] = 0  # pre-delay
    response /= np.sqrt(np.sum(response**2))
    tail = signal.oaconvolve(samples, response.astype(np.float32))[: len(samples)]
    return np.asarray(samples + wet * tail, dtype=np.float32)


def pluck(midi: float, seconds: float, generator: np.random.Generator, *, damping: float = 0.5) -> Samples:
    """A plucked string (Karplus and Strong 1983, doi 10.2307/3680062), computed a period at a time."""
    period = max(2, round(SAMPLE_RATE / float(hertz(np.array(midi)))))
    n_periods = int(seconds * SAMPLE_RATE) // period + 1
    out = np.zeros((n_periods, period))
    line = generator.uniform(-1, 1, period)
    line = (1 - damping) * line + damping * np.roll(line, 1)
    for k in range(n_periods):
        out[k] = line
        line = 0.498 * (line + np.roll(line, 1))
    flat = out.reshape(-1).astype(np.float32)
    fade = min(len(flat), SAMPLE_RATE // 25)
    flat[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return flat


def struck(midi: float, seconds: float, amplitudes: Sequence[float], *, decay: float) -> Samples:
    """A struck tone (music box, electric piano): harmonics that die away, higher ones sooner; `decay` in 1/s."""
    n = int(seconds * SAMPLE_RATE)
    t = np.arange(n, dtype=np.float32) / SAMPLE_RATE
    hz = float(hertz(np.array(midi)))
    out = np.zeros(n, dtype=np.float32)
    for k, amplitude in enumerate(amplitudes, start=1):
        if hz * k < 0.48 * SAMPLE_RATE:
            out += amplitude * np.sin(2 * np.pi * hz * k * t, dtype=np.float32) * np.exp(-decay * k**0.7 * t)
    edge = min(n, 80)
    out[:edge] *= np.linspace(0, 1, edge, dtype=np.float32)
    out[-edge:] *= np.linspace(1, 0, edge, dtype=np.float32)
    return out


def drum_kit(generator: np.random.Generator, *, brushes: bool) -> dict[str, Samples]:
    """One-shot sounds: k(ick), s(nare), h(at), b(rush), c(lap)."""
    n = int(0.3 * SAMPLE_RATE)
    t = np.arange(n) / SAMPLE_RATE
    high = signal.butter(2, 5500, "high", fs=SAMPLE_RATE, output="sos")
    band = signal.butter(2, [1800, 7000], "band", fs=SAMPLE_RATE, output="sos")
    tuning = generator.uniform(0.85, 1.2)
    kit = {
        "k": np.sin(2 * np.pi * tuning * (50 * t + 2 * (1 - np.exp(-t * 30)))) * np.exp(-t * 14),
        "s": 0.6 * generator.standard_normal(n) * np.exp(-t * 18) + 0.4 * np.sin(2 * np.pi * 190 * tuning * t) * np.exp(-t * 25),
        "h": signal.sosfilt(high, generator.standard_normal(n)) * np.exp(-t * 60) * 0.5,
        "b": signal.sosfilt(band, generator.standard_normal(n)) * np.exp(-t * 12) * 0.25,
        "c": signal.sosfilt(band, generator.standard_normal(n)) * np.exp(-t * 35) * 0.7,
    }
    if brushes:
        kit["k"] *= 0.6
    return {name: sound.astype(np.float32) for name, sound in kit.items()}
