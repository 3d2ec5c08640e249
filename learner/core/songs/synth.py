"""Generated songs with known stems: 16 kHz, mono, the same for the same seed.

Three domains. **source**: pop drums, strummed and plucked strings, organ pads, music-box fills. **target**: brushes, walking bass,
electric piano, and, while the singer rests, sustained leads and choir pads in the singer's own register, which a model that has
only heard 'source' takes for the voice. **bystander**: fast electronic arpeggios and claps, unlike both.

The singer is a source-filter voice with moving vowels, consonants, breath, portamento and delayed vibrato; doubled, with backing
voices, in a room, over a noise floor of about -75 dBFS. Vocals are silent (under -50 dBFS) for 40-60 % of a song, and
`mixture == vocals + accompaniment` to the last bit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from learner.core.audio import write_flac
from learner.core.songs import Song
from learner.core.songs import instruments as play
from learner.core.songs.instruments import CONTROL_RATE, SAMPLE_RATE, Curve, Samples

Domain = Literal["source", "target", "bystander"]
DOMAINS: tuple[Domain, ...] = ("source", "target", "bystander")

PEAK = 0.9
NOISE_FLOOR_DBFS = -75.0
TEMPO = {"source": (92, 128), "target": (70, 96), "bystander": (132, 150)}  # beats a minute
PROGRESSIONS = ((0, 5, 7, 0), (0, 9, 5, 7), (9, 5, 0, 7), (2, 7, 0, 9), (0, 7, 9, 5))  # semitones over the key
PENTATONIC = (0, 2, 4, 7, 9)
LEAD_SHARE = 0.65  # of a target song's rests that hold a solo
LEADS = ("flute", "reed", "bowed", "synth")


@dataclass(frozen=True)
class Note:
    start: float  # seconds
    end: float
    midi: float
    vowel: str = "a"
    consonant: str = ""


@dataclass(frozen=True)
class Plan:
    """What a song is built on: tempo, key, chords, and where the singer sings."""

    duration: float
    beat: float  # seconds
    key: int  # MIDI note of the root
    chords: list[tuple[float, float, tuple[int, ...]]]
    phrases: list[tuple[float, float]]

    @property
    def n_samples(self) -> int:
        return round(self.duration * SAMPLE_RATE)

    @property
    def rests(self) -> list[tuple[float, float]]:
        """Stretches between phrases, a little inside them so that reverberation has died away."""
        edges = [0.0, *(t for phrase in self.phrases for t in phrase), self.duration]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 0.8]


def make_song(seed: int, domain: Domain, duration: float = 30.0) -> Song:
    """Return the song of this seed and domain, named `<domain>-<seed>`; `duration` is in seconds, at least 4."""
    if domain not in DOMAINS:
        raise ValueError(f"domain {domain!r} is unknown; allowed are {', '.join(DOMAINS)}")
    if duration < 4:
        raise ValueError(f"duration is {duration} s; a generated song needs at least 4 s")
    generator = np.random.default_rng([seed, DOMAINS.index(domain)])
    plan = plan_of(domain, duration, generator)
    vocals = _sing_song(plan, generator)
    accompaniment = {"source": _pop_band, "target": _jazz_band, "bystander": _machines}[domain](plan, generator)
    accompaniment = play.room(accompaniment, generator, seconds=0.5, wet=0.2)
    return _mix(f"{domain}-{seed}", vocals, accompaniment, generator)


def write_songs(folder: Path, domain: Domain, seeds: Iterable[int], duration: float = 30.0) -> list[Path]:
    """Write a folder `<domain>-<seed>` with mixture, vocals and accompaniment (16-bit FLAC) for each seed; return the folders."""
    written = []
    for seed in seeds:
        song = make_song(seed, domain, duration)
        assert song.vocals is not None and song.accompaniment is not None
        home = folder / song.name
        home.mkdir(parents=True, exist_ok=True)
        for name, samples in (("mixture", song.mixture), ("vocals", song.vocals), ("accompaniment", song.accompaniment)):
            write_flac(home / f"{name}.flac", samples, song.sample_rate)
        written.append(home)
    return written


def _mix(name: str, vocals: Samples, accompaniment: Samples, generator: np.random.Generator) -> Song:
    """Level voice against band, add the noise floor, and scale so that nothing is over `PEAK`."""
    sung = np.abs(vocals) > 1e-3 * np.abs(vocals).max()
    ratio = np.sqrt(np.mean(accompaniment**2) / np.mean(vocals[sung] ** 2)) * 10 ** (generator.uniform(-2.0, 3.0) / 20)
    vocals = vocals * np.float32(ratio)
    scale = np.float32(PEAK / max(np.abs(s).max() for s in (vocals, accompaniment, vocals + accompaniment)) * 0.99)
    floor = np.float32(10 ** (NOISE_FLOOR_DBFS / 20))
    vocals = vocals * scale + floor * generator.standard_normal(len(vocals), dtype=np.float32)
    accompaniment = accompaniment * scale + floor * generator.standard_normal(len(vocals), dtype=np.float32)
    # On a grid of 16 bits the sum is exact, and FLAC files give back what was made.
    grid = np.float32(32768)
    stems = [np.asarray(np.round(s * grid) / grid, dtype=np.float32)[None] for s in (vocals, accompaniment)]
    return Song(name, SAMPLE_RATE, stems[0] + stems[1], stems[0], stems[1])


def plan_of(domain: Domain, duration: float, generator: np.random.Generator) -> Plan:
    beat = 60 / generator.uniform(*TEMPO[domain])
    key = int(generator.integers(48, 56))
    progression = PROGRESSIONS[generator.integers(len(PROGRESSIONS))]
    bar = 4 * beat
    chords = []
    for index in range(int(duration // bar) + 1):
        degree = progression[index % 4]
        minor = degree in (2, 9)
        tones: tuple[int, ...] = (0, 3, 7) if minor else (0, 4, 7)
        if domain == "target":
            tones += (10 if minor or degree == 7 else 11,)
        if index * bar < duration - 0.1:
            chords.append((index * bar, min((index + 1) * bar, duration), tuple(key + degree + t for t in tones)))
    return Plan(duration, beat, key, chords, _phrases(duration, beat, generator))


def _phrases(duration: float, beat: float, generator: np.random.Generator) -> list[tuple[float, float]]:
    """Alternate rests and phrases on the beat; the silent share is drawn, tails of reverberation and hangover allowed for."""
    tail = 0.7  # seconds that a phrase sounds on, by the 0.3 s hangover and the room
    n_phrases = max(1, round(duration / generator.uniform(7.0, 9.5)))
    sung = max(1.0, (1 - generator.uniform(0.45, 0.55)) * duration - n_phrases * tail)
    lengths = generator.dirichlet(np.full(n_phrases, 12.0)) * sung
    gaps = generator.dirichlet(np.full(n_phrases + 1, 8.0)) * (duration - sung - n_phrases * tail)
    phrases, now = [], 0.0
    for length, gap in zip(lengths, gaps, strict=False):
        start = now + gap
        phrases.append((round(start / beat * 2) * beat / 2 if round(start / beat * 2) * beat / 2 >= now else start, start + length))
        now = start + length + tail
    return phrases


def _melody(
    start: float, end: float, plan: Plan, generator: np.random.Generator, *, base: int, degree: int, lengths: tuple[float, ...], gap: float
) -> tuple[list[Note], int]:
    """Walk the pentatonic scale from `degree`; `gap` is the chance that a step is a rest."""
    notes, now = [], start
    while now < end - 0.15:
        length = min(float(generator.choice(lengths)) * plan.beat, end - now)
        degree = int(np.clip(degree + generator.choice((-2, -1, 0, 1, 2), p=(0.15, 0.3, 0.1, 0.3, 0.15)), 0, 7))
        if generator.random() > gap:
            midi = base + 12 * (degree // 5) + PENTATONIC[degree % 5]
            vowel, consonant = "aeiou"[generator.integers(5)], "sftkmnlw"[generator.integers(8)]
            notes.append(Note(now, now + 0.95 * length, midi, vowel, consonant))
        now += length
    return notes, degree


# ---- the singer


def _sing_song(plan: Plan, generator: np.random.Generator) -> Samples:
    """Lead voice, doubled, with backing voices in some songs, compressed a little, in a room."""
    female = bool(generator.integers(2))
    base = plan.key + (17 if female else 12)
    notes, degree = [], 2
    for start, end in plan.phrases:
        phrase, degree = _melody(start, end, plan, generator, base=base, degree=degree, lengths=(0.5, 0.5, 1, 1, 1.5, 2), gap=0.05)
        notes += phrase
    if not notes:
        start, end = plan.phrases[0]
        notes = [Note(start, end, base)]
    backing = generator.random() < 0.5
    voice = _sing(notes, plan, generator, scale=1.13 if female else 1.0, doubled=generator.random() < 0.6, harmony=backing)
    level = np.sqrt(np.mean(voice**2))
    voice = np.tanh(voice / (6 * level)).astype(np.float32)
    return play.room(voice, generator, seconds=float(generator.uniform(0.5, 0.9)), wet=float(generator.uniform(0.12, 0.22)))


def _sing(notes: list[Note], plan: Plan, generator: np.random.Generator, *, scale: float, doubled: bool, harmony: bool) -> Samples:
    n = plan.n_samples
    frames = play.n_control(n)
    pitch, loudness, centres, bursts = _score_voice(notes, frames, generator)
    drift = play.smooth(generator.standard_normal(frames), 0.15)
    hz = play.hertz(pitch + 0.25 * drift)
    excitation = play.saw(play.to_samples(hz, n))
    if doubled:
        delay = int(generator.uniform(0.012, 0.025) * SAMPLE_RATE)
        wander = 0.1 * play.smooth(generator.standard_normal(frames), 0.4) * 3
        second = play.saw(play.to_samples(hz * 2 ** ((wander + 0.08) / 12), n))
        excitation += 0.5 * np.roll(second, delay)
    if harmony:
        interval = int(generator.choice((-5, -8, 4, 7)))
        excitation += 0.3 * play.saw(play.to_samples(hz * 2 ** ((interval + 0.05) / 12), n))
    breath = float(generator.uniform(0.02, 0.06))
    gain = play.to_samples(loudness, n)
    shimmer = 1 + 0.15 * play.to_samples(play.smooth(generator.standard_normal(frames), 0.03), n)
    excitation = (excitation * shimmer + breath * generator.standard_normal(n, dtype=np.float32)) * gain
    out = play.shape(excitation, play.formants(centres, tilt=float(generator.uniform(0.9, 1.2)), scale=scale))
    return _consonants(out, bursts, generator)


def _score_voice(notes: list[Note], frames: int, generator: np.random.Generator) -> tuple[Curve, Curve, Curve, list[tuple[float, str]]]:
    """Control curves of a sung line: pitch (MIDI), loudness, formant centres (frames, 4), and consonant bursts (time, letter)."""
    pitch, loudness = np.zeros(frames), np.zeros(frames)
    centres, vibrato = np.zeros((frames, 4)), np.zeros(frames)
    bursts: list[tuple[float, str]] = []
    previous = 0
    for note in notes:
        a, b = int(note.start * CONTROL_RATE), max(int(note.start * CONTROL_RATE) + 2, int(note.end * CONTROL_RATE))
        # Between notes the throat is already on its way to the next.
        pitch[previous:b], centres[previous:b], previous = note.midi, play.VOWELS[note.vowel], b
        if note is notes[0]:
            pitch[:a], centres[:a] = note.midi, play.VOWELS[note.vowel]
        loudness[a:b] = generator.uniform(0.6, 1.0)
        vibrato[a:b] = np.clip((np.arange(len(vibrato[a:b])) / CONTROL_RATE - 0.18) / 0.25, 0, 1)
        head = max(1, int(0.05 * CONTROL_RATE))
        if note.consonant in "sftk":
            loudness[a : a + head] = 0.0
            bursts.append((note.start, note.consonant))
        elif note.consonant in "mnlw":
            loudness[a : a + head] *= 0.35
    pitch[previous:], centres[previous:] = notes[-1].midi, play.VOWELS[notes[-1].vowel]
    rate = generator.uniform(5.0, 6.3) + play.smooth(generator.standard_normal(frames), 0.5)
    wave = np.sin(2 * np.pi * np.cumsum(rate) / CONTROL_RATE)
    pitch = play.smooth(pitch, 0.04) + generator.uniform(0.15, 0.4) * play.smooth(vibrato, 0.05) * wave
    return pitch, play.smooth(loudness, 0.02), play.smooth(centres, 0.035), bursts


def _consonants(voice: Samples, bursts: list[tuple[float, str]], generator: np.random.Generator) -> Samples:
    """Lay noise bursts over the voice; returns the voice, changed in place."""
    level = np.float32(np.sqrt(np.mean(voice**2)))
    edges = {"s": (4200.0, 0.09), "f": (2300.0, 0.08), "t": (3000.0, 0.03), "k": (1500.0, 0.03)}  # Hz, seconds
    for time, letter in bursts:
        cut, seconds = edges[letter]
        n = int(seconds * SAMPLE_RATE)
        noise = generator.standard_normal(n, dtype=np.float32)
        spectrum = np.fft.rfft(noise)
        spectrum[: int(cut * n / SAMPLE_RATE)] *= 0.05
        window = np.hanning(n) if letter in "sf" else np.exp(-np.arange(n) / (n / 4))
        place = voice[int(time * SAMPLE_RATE) :][:n]
        place += (np.fft.irfft(spectrum, n) * window).astype(np.float32)[: len(place)] * level * np.float32(generator.uniform(0.6, 1.4))
    return voice


# ---- the bands


def _add(track: Samples, time: float, sound: Samples, gain: float) -> None:
    """Mix `sound` into `track` (changed) from `time` seconds on; what reaches past the end is cut."""
    place = track[max(0, int(time * SAMPLE_RATE)) :][: len(sound)]
    place += np.float32(gain) * sound[: len(place)]


def _drums(plan: Plan, generator: np.random.Generator, rows: tuple[str, ...], *, brushes: bool) -> Samples:
    track = np.zeros(plan.n_samples, dtype=np.float32)
    kit = play.drum_kit(generator, brushes=brushes)
    step = plan.beat / 4
    for index in range(int(plan.duration / step)):
        for row in rows:
            if (letter := row[index % 16]) != ".":
                _add(track, index * step + generator.uniform(0, 0.004), kit[letter], generator.uniform(0.7, 1.0))
    return track


class _Strings:
    """Plucked notes by pitch, each computed once a song."""

    def __init__(self, generator: np.random.Generator, seconds: float, damping: float):
        self.generator, self.seconds, self.damping = generator, seconds, damping
        self.known: dict[int, Samples] = {}

    def __getitem__(self, midi: int) -> Samples:
        if midi not in self.known:
            self.known[midi] = play.pluck(midi, self.seconds, self.generator, damping=self.damping)
        return self.known[midi]


def _pad(
    plan: Plan, generator: np.random.Generator, spans: list[tuple[float, float, tuple[int, ...]]], envelope: Samples, *, vibrato: float
) -> Samples:
    """Held chords of detuned saws: an organ without vibrato, a choir with it and vowel resonances."""
    n = plan.n_samples
    frames = play.n_control(n)
    track = np.zeros(n, dtype=np.float32)
    loudness = np.zeros(frames)
    for start, end, _ in spans:
        loudness[int(start * CONTROL_RATE) : int(end * CONTROL_RATE)] = 1.0
    for index in range(3):
        pitch = np.full(frames, 60.0)
        for start, end, tones in spans:
            pitch[int(start * CONTROL_RATE) : int(end * CONTROL_RATE)] = tones[index]
        wave = np.sin(2 * np.pi * generator.uniform(4.8, 6.0) * np.arange(frames) / CONTROL_RATE + generator.uniform(0, 6))
        pitch = play.smooth(pitch, 0.02) + generator.normal(0, 0.04) + vibrato * wave
        track += play.saw(play.to_samples(play.hertz(pitch), n))
    return play.shape(track * play.to_samples(play.smooth(loudness, 0.12), n), envelope)


def _pop_band(plan: Plan, generator: np.random.Generator) -> Samples:
    rows = ("k...h...k.k.h...", "....s.......s...", "h.h.h.h.h.h.h.h.") if generator.random() < 0.5 else (
        "k..k..k.k..k..k.", "....c.......c...", "hhh.hhh.hhh.hhh."
    )  # fmt: skip
    track = 0.5 * _drums(plan, generator, rows, brushes=False)
    guitar, bass = _Strings(generator, plan.beat * 1.3, 0.5), _Strings(generator, plan.beat * 0.7, 0.9)
    half = plan.beat / 2
    for start, end, tones in plan.chords:
        for k in range(8):
            if (now := start + k * half) >= end:
                break
            _add(track, now, bass[tones[0] - 12], 0.5)
            if k in (0, 3, 4, 6):
                for tone in tones:
                    _add(track, now + generator.uniform(0, 0.012), guitar[tone + 12], 0.16)
    if generator.random() < 0.5:
        body = play.resonances((500, 300, 1.0), (1500, 500, 0.3))
        organ = _pad(plan, generator, [(a, b, tuple(t + 12 for t in tones)) for a, b, tones in plan.chords], body, vibrato=0.0)
        track += organ * np.float32(0.05 / (np.sqrt(np.mean(organ**2)) + 1e-9))
    for start, end in plan.rests:
        if generator.random() < 0.5:
            notes, _ = _melody(start, end, plan, generator, base=plan.key + 24, degree=4, lengths=(0.5, 0.5, 1), gap=0.1)
            for note in notes:
                _add(track, note.start, play.struck(note.midi, 0.8, (1, 0.2, 0.35, 0.05), decay=4.0), 0.16)
    return track


def _jazz_band(plan: Plan, generator: np.random.Generator) -> Samples:
    track = 0.3 * _drums(plan, generator, ("k.......k.......", "b...b.bb...b.b..", "....h.......h..."), brushes=True)
    bass = _Strings(generator, plan.beat * 1.1, 0.9)
    for start, end, tones in plan.chords:
        for k in range(4):
            if start + k * plan.beat < end:
                _add(track, start + k * plan.beat, bass[tones[(0, 2, 1, 2)[k]] - 12], 0.5)
        for tone in tones[1:]:
            _add(track, start, play.struck(tone + 12, end - start, (1, 0.3, 0.15, 0.05), decay=0.9), 0.1)
    level = np.sqrt(np.mean(track**2))
    solo = lead(plan, generator, str(generator.choice(LEADS)))
    track += solo * np.float32(generator.uniform(1.3, 1.8) * level / (np.sqrt(np.mean(solo[np.abs(solo) > 1e-4] ** 2)) + 1e-9))
    if generator.random() < 0.4:
        body = play.resonances((650, 90, 1.0), (1100, 110, 0.6), (2800, 200, 0.4), floor=0.02)
        spans = [
            (max(a, c), min(b, d), tuple(t + 12 for t in tones))
            for a, b, tones in plan.chords
            for c, d in plan.rests
            if min(b, d) - max(a, c) > 0.3
        ]
        choir = _pad(plan, generator, spans, body, vibrato=0.15)
        track += choir * np.float32(0.6 * level / (np.sqrt(np.mean(choir**2)) + 1e-9))
    return track


def lead(plan: Plan, generator: np.random.Generator, kind: str) -> Samples:
    """A sustained solo in the singer's register while the singer rests: portamento and delayed vibrato like a voice's,
    but one fixed body instead of moving vowels, and no consonants."""
    n = plan.n_samples
    frames = play.n_control(n)
    notes, degree = [], 3
    base = plan.key + 12 + int(generator.choice((0, 5)))
    solos = [rest for rest in plan.rests if generator.random() < LEAD_SHARE] or plan.rests[:1]
    for start, end in solos:
        line, degree = _melody(start + 0.15, end - 0.1, plan, generator, base=base, degree=degree, lengths=(0.5, 1, 1, 1.5, 2), gap=0.06)
        notes += line
    if not notes:
        return np.zeros(n, dtype=np.float32)
    pitch, loudness, _, _ = _score_voice([Note(x.start, x.end, x.midi, consonant="l") for x in notes], frames, generator)
    hz = play.to_samples(play.hertz(pitch), n)
    gain = play.to_samples(loudness, n)
    if kind == "flute":
        return (play.sines(hz, (1, 0.45, 0.2, 0.08, 0.03)) + 0.01 * generator.standard_normal(n, dtype=np.float32)) * gain
    body = {
        "reed": play.resonances((550, 300, 1.2), (1300, 400, 0.8), (2600, 600, 0.4)),
        "bowed": play.resonances((300, 150, 0.9), (700, 300, 0.9), (1200, 400, 0.7), (2700, 700, 0.8)),
        "synth": play.resonances((900, 700, 1.0), (200, 500, 0.6)),
    }[kind]
    wave = play.saw(hz)
    if kind == "reed":  # saw minus saw an octave up leaves odd harmonics
        wave = wave - 0.8 * play.saw(2 * hz) * 0.5
    return play.shape(wave * gain, body)


def _machines(plan: Plan, generator: np.random.Generator) -> Samples:
    track = 0.5 * _drums(plan, generator, ("k...k...k...k...", "....c.......c..c", "..h...h...h...h."), brushes=False)
    n = plan.n_samples
    frames = play.n_control(n)
    pitch, loudness = np.full(frames, 60.0), np.zeros(frames)
    step = plan.beat / 4
    for start, end, tones in plan.chords:
        for k in range(16):
            a, b = int((start + k * step) * CONTROL_RATE), int((start + (k + 0.6) * step) * CONTROL_RATE)
            if start + k * step < end:
                pitch[a : a + int(step * CONTROL_RATE) + 1] = tones[(0, 1, 2, 1)[k % 4]] + 12 * (1 + (k % 8 > 3))
                loudness[a:b] = 1.0
    hz = play.hertz(pitch)
    square = play.saw(play.to_samples(hz, n)) - play.saw(play.to_samples(hz * 2, n)) * 0.5
    arpeggio = play.shape(square * play.to_samples(play.smooth(loudness, 0.01), n), play.resonances((1200, 1500, 1.0)))
    track += arpeggio * np.float32(0.12 / (np.sqrt(np.mean(arpeggio**2)) + 1e-9))
    low = np.full(frames, 36.0)
    for start, end, tones in plan.chords:
        low[int(start * CONTROL_RATE) : int(end * CONTROL_RATE)] = tones[0] - 12
    bass = play.shape(play.saw(play.to_samples(play.hertz(low), n)), play.resonances((90, 120, 1.0), floor=0.01))
    return track + bass * np.float32(0.1 / (np.sqrt(np.mean(bass**2)) + 1e-9))
