"""Find and load songs: folders with stems, and plain mixes.

A folder is a song with stems if it holds at least two of `mixture`, `vocals` and `accompaniment`, each as .wav or .flac; any two give
the third (mixture = vocals + accompaniment). Other files in it (drums, bass ...) are left alone, so MUSDB18-HQ can be read as it is.
Every other .wav, .flac, .mp3 or .ogg file is a plain mix. Folders may lie in folders; a song's name is its path under the folder
that was searched, without an ending.
"""

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from learner.core import audio
from learner.core.audio import BadAudio, Samples

STEMS = ("mixture", "vocals", "accompaniment")
STEM_SUFFIXES = (".wav", ".flac")  # a lossy stem is not in step with its mixture to the sample
# Known as audio and not read: told by name, where a picture or a text is passed over in silence.
OTHER_AUDIO = (".aac", ".aif", ".aiff", ".m4a", ".mp4", ".oga", ".opus", ".webm", ".wma")
TRIM = 0.05  # seconds by which stems of one song may differ in length; the longer is cut


@dataclass(frozen=True)
class SongFiles:
    """Where a song lies. A plain mix has a mixture alone; of the three stems at least two are there otherwise."""

    name: str
    mixture: Path | None = None
    vocals: Path | None = None
    accompaniment: Path | None = None

    @property
    def has_stems(self) -> bool:
        return len(self.paths) > 1

    @property
    def paths(self) -> dict[str, Path]:
        """The files that are there, by stem."""
        return {stem: path for stem in STEMS if (path := getattr(self, stem)) is not None}


@dataclass(frozen=True)
class Song:
    """A song in memory: float32 `(channels, samples)`, all of one shape. A plain mix has no vocals and no accompaniment."""

    name: str
    sample_rate: int
    mixture: Samples
    vocals: Samples | None = None
    accompaniment: Samples | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.mixture.shape[1] / self.sample_rate)


class Bad(NamedTuple):
    """What cannot be used, and why, in words."""

    path: Path
    reason: str


class Found(NamedTuple):
    songs: list[SongFiles]
    bad: list[Bad]


def find(folder: Path, progress: Callable[[int, int], None] | None = None) -> Found:
    """Find the songs under a folder, by name, and decode every file to see that it can be used.

    A bad file costs its own song alone. `progress` is told (songs checked, songs in all).
    """
    songs, bad = scan(folder)
    good: list[SongFiles] = []
    for number, files in enumerate(songs, start=1):
        try:
            check(files)
            good.append(files)
        except BadSong as error:
            bad.append(Bad(error.path, str(error)))
        if progress:
            progress(number, len(songs))
    return Found(good, sorted(bad))


def scan(folder: Path) -> Found:
    """Find the songs under a folder by their names alone; nothing is opened, so `check` or `load` may still refuse them."""
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {folder}.")
    songs: dict[str, SongFiles] = {}
    bad: list[Bad] = []
    # Where a folder with stems and a plain mix share a name, the stems win.
    for found in sorted(_walk(folder, folder, set()), key=lambda found: not (isinstance(found, SongFiles) and found.has_stems)):
        if isinstance(found, Bad):
            bad.append(found)
        elif found.name in songs:
            path = next(iter(found.paths.values()))
            bad.append(Bad(path, f"Another song here is already called {found.name}; rename one of the two."))
        else:
            songs[found.name] = found
    return Found([songs[name] for name in sorted(songs)], sorted(bad))


class BadSong(BadAudio):
    """This song cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def check(files: SongFiles) -> dict[str, audio.Info]:
    """Decode every file of a song and return what they hold, by stem; raise BadSong naming the file and the reason."""
    infos: dict[str, audio.Info] = {}
    for stem, path in files.paths.items():
        try:
            infos[stem] = audio.check(path) if stem == "mixture" else audio.examine(path)
        except BadAudio as error:
            raise BadSong(path, str(error)) from error
    if all(info.silent for info in infos.values()):
        raise BadSong(next(iter(files.paths.values())), "The song is silent: no stem of it is louder than -80 dBFS.")
    first, *others = infos
    for stem in others:
        a, b, path = infos[first], infos[stem], files.paths[stem]
        if a.sample_rate != b.sample_rate:
            raise BadSong(path, f"Stems must have one sample rate: {first} has {a.sample_rate} Hz, {stem} {b.sample_rate} Hz.")
        if a.channels != b.channels:
            raise BadSong(path, f"Stems must have equally many channels: {first} has {a.channels}, {stem} {b.channels}.")
    longest, shortest = max(infos, key=lambda s: infos[s].duration), min(infos, key=lambda s: infos[s].duration)
    if infos[longest].duration - infos[shortest].duration > TRIM + 1e-9:
        raise BadSong(
            files.paths[shortest],
            f"Stems may differ by {TRIM * 1000:.0f} ms in length at most: "
            f"{longest} has {infos[longest].duration:.3f} s, {shortest} {infos[shortest].duration:.3f} s.",
        )
    return infos


def load(files: SongFiles, sample_rate: int | None = None) -> Song:
    """Load a song, resampled if a rate in Hz is given. The stem that is missing is made from the other two.

    Stems are cut to the shortest of them. Raises BadSong where they do not belong together, or a file cannot be read.
    """
    sounds: dict[str, audio.Sound] = {}
    for stem, path in files.paths.items():
        try:
            sounds[stem] = audio.read(path)
        except BadAudio as error:
            raise BadSong(path, str(error)) from error
    rate = next(iter(sounds.values())).sample_rate
    channels = next(iter(sounds.values())).samples.shape[0]
    for stem, sound in sounds.items():
        if sound.sample_rate != rate or sound.samples.shape[0] != channels:
            raise BadSong(files.paths[stem], "Stems must have one sample rate and equally many channels.")
    n_samples = min(sound.samples.shape[1] for sound in sounds.values())
    if max(sound.duration for sound in sounds.values()) - n_samples / rate > TRIM + 1e-9:
        raise BadSong(next(iter(files.paths.values())), f"Stems may differ by {TRIM * 1000:.0f} ms in length at most.")
    target_rate = sample_rate or rate
    stems = {stem: audio.resample(sound.samples[:, :n_samples], rate, target_rate) for stem, sound in sounds.items()}
    if files.has_stems:
        if "mixture" not in stems:
            stems["mixture"] = stems["vocals"] + stems["accompaniment"]
        elif "vocals" not in stems:
            stems["vocals"] = stems["mixture"] - stems["accompaniment"]
        elif "accompaniment" not in stems:
            stems["accompaniment"] = stems["mixture"] - stems["vocals"]
    return Song(files.name, target_rate, stems["mixture"], stems.get("vocals"), stems.get("accompaniment"))


def _walk(folder: Path, root: Path, seen: set[str]) -> Iterator[SongFiles | Bad]:
    """Yield the songs of a folder and of the folders in it; a link that leads back is followed once."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX")))
    files = [entry for entry in entries if entry.is_file()]
    stems = [file for file in files if file.stem.casefold() in STEMS and file.suffix.casefold() in (*audio.SUFFIXES, *OTHER_AUDIO)]
    if {file.stem.casefold() for file in stems} - {"mixture"}:
        yield _song(folder, stems, _name(folder, root) if folder != root else unicodedata.normalize("NFC", root.resolve().name))
        files = []
    elif stems and folder != root:
        yield SongFiles(_name(folder, root), mixture=stems[0]) if len(stems) == 1 else _twice(folder, "mixture")
        files = [file for file in files if file not in stems]
    for file in files:
        if file.suffix.casefold() in audio.SUFFIXES:
            yield SongFiles(_name(file.with_suffix(""), root), mixture=file)
        elif file.suffix.casefold() in OTHER_AUDIO:
            yield Bad(file, f"Files of kind {file.suffix} are not read; allowed are wav, flac, mp3 and ogg.")
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry, root, seen)


def _song(folder: Path, files: list[Path], name: str) -> SongFiles | Bad:
    stems: dict[str, Path] = {}
    for file in files:
        stem = file.stem.casefold()
        if file.suffix.casefold() not in STEM_SUFFIXES:
            return Bad(file, f"Stems must be wav or flac, not {file.suffix}.")
        if stem in stems:
            return _twice(folder, stem)
        stems[stem] = file
    if len(stems) < 2:
        return Bad(folder, f"Only {next(iter(stems))} is here; two of mixture, vocals and accompaniment (wav or flac) are needed.")
    return SongFiles(name, **stems)


def _twice(folder: Path, stem: str) -> Bad:
    return Bad(folder, f"There are several files for {stem}; keep one of them.")


def _name(path: Path, root: Path) -> str:
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())
