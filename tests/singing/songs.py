"""Songs with stems whose bands are recordings, and whose singers are people who spoke: for bases that know many voices.

    python -m tests.singing.songs sing SPEAKER-FOLDER... --out SINGERS
    python -m tests.singing.songs mix --voices FILE... --bands FILE-OR-FOLDER... --out SONGS

`sing` (needs `pip install pyworld`) takes each folder as one speaker, whose words become notes of a scale with glides and vibrato.
`mix` lays each voice over a band in turn; a folder of recordings is the sum of them. docs/figures.md names packages that hold such
recordings; none are part of Unbleed.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learner.core import audio

Samples = NDArray[np.float64]

RATE = 22_050
FRAME = 0.005  # seconds, of the vocoder
SUFFIXES = (".flac", ".mp3", ".ogg", ".opus", ".wav")
SCALE = (-5, -3, 0, 2, 4, 5, 7, 9, 12)  # semitones
SPOKEN = (6.0, 40.0)  # seconds of a speaker: least that makes a singer, most that are looked at
SUNG = 75.0  # seconds


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def mono(path: Path) -> Samples:
    """A recording, or the sum of those in a folder, as (samples,)."""
    if path.is_dir():
        parts = [mono(one) for one in recordings(path)]
        n_samples = min(map(len, parts))
        return np.sum([part[:n_samples] for part in parts], axis=0)
    return audio.read(path, RATE).samples.mean(axis=0).astype(np.float64)


def level(samples: Samples) -> float:
    """Root mean square of the tenths of a second in which there is something."""
    tenths = samples[: len(samples) // 2205 * 2205].reshape(-1, 2205).std(axis=1)
    return float(np.sqrt((tenths[tenths > 0.05 * tenths.max()] ** 2).mean()))


def mix(voice: Samples, band: Samples, over_band_db: float) -> dict[str, Samples]:
    """Stems of equal length, the voice so many dB over the band where it sings, within full scale."""
    n_samples = min(len(voice), len(band))
    band, voice = band[:n_samples], voice[:n_samples]
    voice = voice * (level(band) / level(voice) * 10 ** (over_band_db / 20))
    loudest = max(float(np.abs(part).max()) for part in (voice, band, voice + band))
    voice, band = (part * min(1.0, 0.95 / loudest) for part in (voice, band))
    return {"mixture": voice + band, "vocals": voice, "accompaniment": band}


def songs(
    voices: Sequence[Path], bands: Sequence[Path], seconds: float, generator: np.random.Generator
) -> Iterator[tuple[str, dict[str, Samples]]]:
    """Each band, or each voice if there are more of them, once; where the other is too few, it comes again from another place on."""
    heard = [mono(path) for path in bands]
    for at in range(max(len(voices), len(bands))):
        singer, band = voices[at % len(voices)], heard[at % len(bands)]
        n_samples = min(round(seconds * RATE), len(band))
        first = int(generator.integers(len(band) - n_samples + 1))
        whole, voice = mono(singer), np.zeros(n_samples)
        if not whole.any():
            raise audio.BadAudio(f"{singer} is silent.")
        while not voice.any():  # a singer may rest for long
            voice = np.resize(np.roll(whole, int(generator.integers(len(whole)))), n_samples)
        names = [path.parent.name if path.stem == "vocals" else path.stem for path in (singer, bands[at % len(bands)])]
        yield " - ".join(names), mix(voice, band[first : first + n_samples], generator.uniform(-3, 6))


def phrase_of_notes(base: float, generator: np.random.Generator) -> Iterator[tuple[int, Samples]]:
    """Notes of a phrase: how many frames, and the pitch of each frame in semitones as MIDI counts them."""
    before = base
    for _ in range(int(generator.integers(4, 11))):
        n_frames = max(int(np.exp(generator.uniform(np.log(0.22), np.log(1.6))) / FRAME), 30)
        note = before if generator.random() < 0.25 else base + SCALE[int(generator.integers(len(SCALE)))]
        time = np.arange(n_frames) * FRAME
        glide = (before - note) * np.exp(-time / generator.uniform(0.02, 0.07))
        depth, rate = generator.uniform(0.05, 0.45), generator.uniform(4.8, 6.3)
        vibrato = depth * np.sin(2 * np.pi * rate * time + generator.uniform(0, 6)) * np.clip((time - 0.25) / 0.4, 0, 1)
        drift = np.cumsum(generator.normal(0, 0.012, n_frames))
        yield n_frames, note + glide + vibrato + drift - drift.mean()
        before = note


def sing(folder: Path, generator: np.random.Generator) -> Samples | None:
    """What a speaker would sing; None where there is too little of them.

    Words are taken apart and put together again by WORLD (Morise et al. 2016, doi 10.1587/transinf.2015EDP7457): voiced frames last
    as long as the note, the others hardly longer than they did.
    """
    import pyworld

    words, spoken = [], 0.0
    paths = recordings(folder)
    for at in generator.permutation(len(paths))[:60]:
        try:
            word = mono(paths[at])
        except audio.BadAudio as problem:
            print(f"{paths[at]} is left out: {problem}", flush=True)
            continue
        word = np.trim_zeros(np.where(np.abs(word) < 0.02 * np.abs(word).max(), 0, word))
        if len(word) < 0.15 * RATE:
            continue
        pitch, times = pyworld.harvest(word / np.abs(word).max() * 0.5, RATE, f0_floor=70, f0_ceil=600)
        if (pitch > 0).mean() >= 0.25 and (pitch > 0).sum() >= 8:
            words.append((pitch, pyworld.cheaptrick(word, pitch, times, RATE), pyworld.d4c(word, pitch, times, RATE)))
            spoken += len(word) / RATE
        if spoken > SPOKEN[1]:
            break
    if spoken < SPOKEN[0]:
        return None
    own = np.median(np.concatenate([pitch[pitch > 0] for pitch, _, _ in words]))
    base = 69 + 12 * np.log2(own / 440) + int(generator.integers(6))
    pitches: list[Samples] = []
    envelopes: list[Samples] = []
    noises: list[Samples] = []
    while sum(len(pitch) for pitch in pitches) * FRAME < SUNG:
        for n_frames, notes in phrase_of_notes(base, generator):
            pitch, envelope, noise = words[int(generator.integers(len(words)))]
            voiced = pitch > 0
            n_voiceless = min(int((~voiced).sum()), n_frames // 3)
            weight = voiced * (envelope.sum(axis=1) / envelope.sum(axis=1).max() + 0.02)
            lasts = weight / weight.sum() * (n_frames - n_voiceless) + ~voiced * (n_voiceless / max(int((~voiced).sum()), 1))
            heard = (
                np.interp((np.arange(n_frames) + 0.5) / n_frames * lasts.sum(), np.cumsum(lasts), np.arange(len(pitch))).round().astype(int)
            )
            ends = np.ones((n_frames, 1))
            ends[-20:, 0] = np.linspace(1, 0.05, 20)
            pitches.append(np.where(voiced[heard], 440 * 2 ** ((notes - 69) / 12), 0))
            envelopes.append(envelope[heard] * ends * 10 ** (generator.uniform(-6, 3) / 10))
            noises.append(noise[heard])
        n_rest = int(generator.uniform(0.8, 4.5) / FRAME)
        pitches.append(np.zeros(n_rest))
        envelopes.append(np.full((n_rest, envelopes[-1].shape[1]), 1e-12))
        noises.append(np.ones((n_rest, noises[-1].shape[1])))
    sung: Samples = pyworld.synthesize(np.concatenate(pitches), np.concatenate(envelopes), np.concatenate(noises), RATE)[
        : round(SUNG * RATE)
    ]
    sung = sung + in_a_room(sung, generator)
    return sung / np.abs(sung).max() * 0.6


def in_a_room(voice: Samples, generator: np.random.Generator) -> Samples:
    """What the room gives back, 10 to 22 dB under the voice."""
    time = np.arange(round(0.8 * RATE)) / RATE
    answer = generator.normal(size=len(time)) * np.exp(-time / generator.uniform(0.08, 0.3))
    n_samples = len(voice) + len(answer) - 1
    wet = np.fft.irfft(np.fft.rfft(voice, n_samples) * np.fft.rfft(answer, n_samples), n_samples)[: len(voice)]
    return wet / np.sqrt((answer**2).sum()) * 10 ** (generator.uniform(-22, -10) / 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    singing = commands.add_parser("sing")
    singing.add_argument("speakers", type=Path, nargs="+")
    mixing = commands.add_parser("mix")
    mixing.add_argument("--voices", type=Path, nargs="+", required=True)
    mixing.add_argument("--bands", type=Path, nargs="+", required=True)
    mixing.add_argument("--seconds", type=float, default=60.0, help="of each song at most")
    for command in (singing, mixing):
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    generator = np.random.default_rng(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    if given.command == "sing":
        for folder in given.speakers:
            sung = sing(folder, generator)
            print(folder.name, "has too little to sing" if sung is None else "sings", flush=True)
            if sung is not None:
                audio.write_flac(given.out / f"{folder.name}.flac", sung[None].astype(np.float32), RATE)
        return
    for name, stems in songs(given.voices, given.bands, given.seconds, generator):
        (given.out / name).mkdir(exist_ok=True)
        for stem, samples in stems.items():
            audio.write_flac(given.out / name / f"{stem}.flac", samples[None].astype(np.float32), RATE)
        print(name, flush=True)


if __name__ == "__main__":
    main()
