"""Find and load songs: folders with stems, files that hold several stems, and plain mixes.

A folder is a song with stems if it holds at least two of `mixture`, `vocals` and `accompaniment`, each as .wav or .flac; any two give
the third (mixture = vocals + accompaniment). `drums`, `bass` and `other` beside them, or beside a mixture alone, can be asked for as
well: that is MUSDB18-HQ as it comes. Of corpora with other layouts these are known by their names:

- MUSDB18: `<song>.stem.mp4`, one file with five streams;
- CC-Mixter: a folder with `mix`, `source-01` or `background` (the accompaniment), and `source-02` or `voice` (the vocals);
- MIR-1K: a .wav in a folder called `Wavfile`, accompaniment on the left, voice on the right. In a folder of another name nothing
  tells it from a stereo mix, so it must be said: `scan(folder, layout="mir-1k")`.

Every other .wav, .flac, .mp3, .ogg, .oga, .opus, .m4a, .mp4, .aac or .webm file is a plain mix. Folders may lie in folders; a song's
name is its path under the folder that was searched, without an ending, with what cannot be printed written as Python writes it (see
`names`). What systems leave behind (`._x.wav`, `.DS_Store`, `Thumbs.db`, `__MACOSX`) is passed over, as is whatever begins with a dot.
"""

import os
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from learner.core import audio, mp4, sums
from learner.core.audio import BadAudio, Samples
from learner.core.files import writing
from learner.core.files.names import readable

STEMS = ("mixture", "vocals", "accompaniment")
BAND = ("drums", "bass", "other")
TARGETS = ("vocals", *BAND, "accompaniment")  # what can be taken out of a mixture
# The sums that give a stem, best first: its own file, or what is left of others.
WAYS: dict[str, tuple[dict[str, int], ...]] = {
    "mixture": ({"mixture": 1}, {"vocals": 1, "accompaniment": 1}, {"vocals": 1, "drums": 1, "bass": 1, "other": 1}),
    "vocals": ({"vocals": 1}, {"mixture": 1, "accompaniment": -1}, {"mixture": 1, "drums": -1, "bass": -1, "other": -1}),
    "accompaniment": ({"accompaniment": 1}, {"mixture": 1, "vocals": -1}, {"drums": 1, "bass": 1, "other": 1}),
    **{stem: ({stem: 1},) for stem in BAND},
}
SIDES = {"accompaniment": 0, "vocals": 1}  # of MIR-1K's stereo files
CC_MIXTER = {"mix": "mixture", "source-01": "accompaniment", "background": "accompaniment", "source-02": "vocals", "voice": "vocals"}
STEM_MP4 = ".stem.mp4"
STEM_SUFFIXES = (".wav", ".flac")  # a lossy stem is not in step with its mixture to the sample
# Known as audio and not read: told by name, where a picture or a text is passed over in silence.
OTHER_AUDIO = (".ac3", ".aif", ".aiff", ".ape", ".au", ".caf", ".mka", ".mp2", ".w64", ".wma", ".wv")
TRIM = 0.05  # seconds by which stems of one song may differ in length; the longer is cut


@dataclass(frozen=True)
class SongFiles:
    """Where a song lies: a file for each stem that is there, or one file that holds several. A plain mix has a mixture alone."""

    name: str
    mixture: Path | None = None
    vocals: Path | None = None
    accompaniment: Path | None = None
    drums: Path | None = None
    bass: Path | None = None
    other: Path | None = None
    packing: Literal["", "streams", "sides"] = ""  # one file a stem, streams of a .stem.mp4, left and right of a .wav

    @property
    def stems(self) -> dict[str, Path]:
        """The files that are there, by stem; of a packed song it is one file again and again."""
        return {stem: path for stem in (*STEMS, *BAND) if (path := getattr(self, stem)) is not None}

    @property
    def paths(self) -> dict[str, Path]:
        """The files of mixture, vocals and accompaniment that are there."""
        return {stem: path for stem, path in self.stems.items() if stem in STEMS}

    @property
    def has_stems(self) -> bool:
        return self.has("vocals")

    def has(self, stem: str) -> bool:
        """Whether this stem, and everything else beside it, can be had."""
        return all(self.sums(stem).values())

    def sums(self, stem: str = "vocals") -> dict[str, dict[str, int]]:
        """What to add up (sign by stem that is there) for the mixture, for `stem` as "vocals", and for the rest as "accompaniment".

        An empty sum is one that cannot be had. Raises ValueError for a stem that no song has.
        """
        if stem not in TARGETS:
            raise ValueError(f"a stem to take out of a mixture is one of {', '.join(TARGETS)}, not {stem!r}")
        mixture, wanted = self._sum("mixture"), self._sum(stem)
        if stem in BAND:
            left = {part: mixture.get(part, 0) - wanted.get(part, 0) for part in mixture | wanted} if mixture and wanted else {}
            rest = {part: sign for part, sign in left.items() if sign}
        else:
            rest = self._sum("vocals" if stem == "accompaniment" else "accompaniment")
        return {"mixture": mixture, "vocals": wanted, "accompaniment": rest}

    def needed(self, stem: str = "vocals") -> list[str]:
        """The stems that are read to load the song."""
        parts = {part for one in self.sums(stem).values() for part in one}
        return [part for part in self.stems if part in parts]

    def _sum(self, stem: str) -> dict[str, int]:
        return next((way for way in WAYS[stem] if way.keys() <= self.stems.keys()), {})

    @property
    def artist(self) -> str:
        """Who plays, as far as names tell: what stands before " - ", MIR-1K's singer; the song itself where that is unknown."""
        own = self.name.rsplit("/", 1)[-1].replace("_-_", " - ")
        return own.split("_")[0] if self.packing == "sides" else own.split(" - ")[0].strip()


@dataclass(frozen=True)
class Song:
    """A song in memory: float32 `(channels, samples)`, all of one shape. A plain mix has no vocals and no accompaniment.

    `vocals` is the stem that is to be taken out, which may be another one than the voice (`load(..., stem="drums")`), and
    `accompaniment` is everything else in the mixture.
    """

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

    def __str__(self) -> str:
        return f"{readable(self.path)}: {readable(self.reason)}"


class Note(NamedTuple):
    """What the owner of a file should know, though it can be used."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{readable(self.path)}: {readable(self.text)}"


class Found(NamedTuple):
    songs: list[SongFiles]
    bad: list[Bad]


def find(folder: Path, progress: Callable[[int, int], None] | None = None, layout: str = "") -> Found:
    """Find the songs under a folder, by name, and decode every file to see that it can be used.

    A bad file costs its own song alone. `progress` is told (songs checked, songs in all).
    """
    songs, bad = scan(folder, layout)
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


def scan(folder: Path, layout: str = "") -> Found:
    """Find the songs under a folder by their names alone; nothing is opened, so `check` or `load` may still refuse them.

    `layout` "mir-1k" takes every .wav for accompaniment on the left and voice on the right.
    """
    if layout not in ("", "mir-1k"):
        raise ValueError(f"layout {layout!r} is unknown; the one that must be named is mir-1k")
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {readable(folder)}.")
    songs: dict[str, SongFiles] = {}
    bad: list[Bad] = []
    # Where a folder with stems and a plain mix share a name, the stems win.
    for found in sorted(_walk(folder, layout), key=lambda found: not (isinstance(found, SongFiles) and found.has_stems)):
        if isinstance(found, Bad):
            bad.append(found)
        elif found.name in songs:
            path = next(iter(found.stems.values()))
            bad.append(Bad(path, f"Another song here is already called {found.name}; rename one of the two."))
        else:
            songs[found.name] = found
    return Found([songs[name] for name in sorted(songs)], sorted(bad))


class BadSong(BadAudio):
    """This song cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


class StrangeStems(BadSong):
    """The stems are not those of this mixture; the mixture by itself is good."""


def check(files: SongFiles, stem: str = "vocals") -> dict[str, audio.Info]:
    """Decode every file that loading needs and return what they hold, by stem; raise BadSong naming the file and the reason."""
    infos: dict[str, audio.Info] = {}
    for part in files.needed(stem):
        path = files.stems[part]
        try:
            infos[part] = _examine(files, part)
            infos[part].refuse_overload()
            if part == "mixture":
                infos[part].refuse_silence()
        except BadAudio as error:
            raise BadSong(path, str(error)) from error
    _agree(files, {part: (round(info.duration * info.sample_rate), info.sample_rate, info.channels) for part, info in infos.items()})
    if all(info.silent for info in infos.values()):
        raise BadSong(next(iter(files.stems.values())), "The song is silent: no stem of it is louder than -80 dBFS.")
    info = next(iter(infos.values()))
    check_stems(files, round(min(info.duration for info in infos.values()) * info.sample_rate), info.sample_rate, stem)
    return infos


def check_stems(files: SongFiles, n_samples: int, sample_rate: int, stem: str = "vocals") -> None:
    """Raise StrangeStems where the stems that loading needs are not those of the mixture beside them (see `sums`)."""
    needed = files.needed(stem)
    parts = [part for part in needed if part != "mixture"]
    if not parts or "mixture" not in needed:
        return  # a plain mix, or a mixture that is the sum of its stems

    def read(part: str, first: int, end: int) -> Samples:
        return read_stem(files, part, (first, end), sample_rate).samples

    complete = {"vocals", "accompaniment"} <= set(parts)
    if reason := sums.misfit(read, parts, n_samples, sample_rate, complete=complete):
        raise StrangeStems(files.stems["mixture"], reason)


def notes(files: SongFiles, infos: Mapping[str, audio.Info]) -> list[Note]:
    """What the owner of a song should know of its files, given what `check` found."""
    return list(dict.fromkeys(Note(files.stems[stem], text) for stem, info in infos.items() for text in info.notes))


def load(files: SongFiles, sample_rate: int | None = None, stem: str = "vocals") -> Song:
    """Load a song, resampled if a rate in Hz is given: `stem` as its vocals, everything else as its accompaniment.

    What has no file of its own is made from the others. A song without that stem is loaded as a plain mix. Stems are cut to the
    shortest of them. Raises BadSong where they do not belong together, or a file cannot be read.
    """
    sounds = {part: read_stem(files, part) for part in files.needed(stem)}
    n_samples = _agree(files, {part: (sound.samples.shape[1], sound.sample_rate, len(sound.samples)) for part, sound in sounds.items()})
    rate = next(iter(sounds.values())).sample_rate
    sums = files.sums(stem)
    if not all(sums.values()):
        sums = {"mixture": sums["mixture"]}
    whole = {part: sound.samples[:, :n_samples] for part, sound in sounds.items()}
    stems = {name: audio.resample(add_up(one, whole), rate, sample_rate or rate) for name, one in sums.items()}
    return Song(files.name, sample_rate or rate, **stems)


def add_up(signs: Mapping[str, int], stems: Mapping[str, Samples]) -> Samples:
    """Add up stems, each with its sign; one alone is returned as it is."""
    (first, sign), *others = signs.items()
    total = stems[first] if sign == 1 else -stems[first]
    for stem, sign in others:
        total = total + stems[stem] if sign == 1 else total - stems[stem]
    return total


def read_stem(files: SongFiles, stem: str, stretch: tuple[int, int] | None = None, sample_rate: int = 0) -> audio.Sound:
    """Read a stem that is there, or the stretch from one sample to another of it; `sample_rate` is then its own. Raises BadSong."""
    path = files.stems[stem]
    try:
        if files.packing == "streams":
            return audio.Sound(*mp4.read(path, mp4.STREAMS[stem], *(stretch or ())))
        first, end = stretch or (0, None)
        sound = audio.read(path, start=first / sample_rate, end=end / sample_rate) if end else audio.read(path)
        return _side(sound, stem) if files.packing else sound
    except BadAudio as error:
        raise BadSong(path, str(error)) from error


def headers(files: SongFiles, stem: str = "vocals") -> tuple[int, int, int]:
    """Return (samples, sample rate in Hz, channels) of a song without decoding it. Raises BadSong as `load` does."""
    promised: dict[str, tuple[int, int, int]] = {}
    for part in files.needed(stem):
        path = files.stems[part]
        try:
            if files.packing == "streams":
                promised[part] = mp4.header(path, mp4.STREAMS[part])
            else:
                n_samples, rate, channels = audio.header(path)
                promised[part] = (n_samples, rate, channels if not files.packing else _one_side(channels))
        except BadAudio as error:
            raise BadSong(path, str(error)) from error
    n_samples = _agree(files, promised)
    return n_samples, *next(iter(promised.values()))[1:]


@contextmanager
def unpacked(files: SongFiles) -> Iterator[SongFiles]:
    """Give two at least of mixture, vocals and accompaniment a file of their own while the body runs.

    What has one keeps it; where that is not enough, the others are written for the while, and add up with it.
    """
    if not files.packing and (not files.has_stems or len(files.paths) > 1):
        yield files
        return
    song = load(files)
    own = {} if files.packing else files.paths
    with tempfile.TemporaryDirectory() as folder:
        made = {
            stem: writing.write(Path(folder) / f"{stem}.flac", samples, song.sample_rate)
            for stem in STEMS
            if stem not in own and (samples := getattr(song, stem)) is not None
        }
        yield _of_stems(files.name, {**own, **made})


def _agree(files: SongFiles, promised: Mapping[str, tuple[int, int, int]]) -> int:
    """Return the samples of the shortest stem, given (samples, sample rate, channels) of each; raise BadSong if they are no one song."""
    if not promised:
        raise BadSong(next(iter(files.stems.values())), f"No mixture can be made of {', '.join(files.stems)}.")
    first, *others = promised
    _, rate, channels = promised[first]
    for stem in others:
        _, other_rate, other_channels = promised[stem]
        if rate != other_rate:
            raise BadSong(files.stems[stem], f"Stems must have one sample rate: {first} has {rate} Hz, {stem} {other_rate} Hz.")
        if channels != other_channels:
            raise BadSong(files.stems[stem], f"Stems must have equally many channels: {first} has {channels}, {stem} {other_channels}.")
    longest, shortest = max(promised, key=lambda stem: promised[stem][0]), min(promised, key=lambda stem: promised[stem][0])
    long, short = promised[longest][0] / rate, promised[shortest][0] / rate
    if long - short > TRIM + 1e-9:
        raise BadSong(
            files.stems[shortest],
            f"Stems may differ by {TRIM * 1000:.0f} ms in length at most: {longest} has {long:.3f} s, {shortest} {short:.3f} s.",
        )
    return promised[shortest][0]


def _examine(files: SongFiles, stem: str) -> audio.Info:
    path = files.stems[stem]
    if files.packing == "streams":
        return mp4.examine(path, mp4.STREAMS[stem])
    info = audio.examine(path)
    if files.packing:
        return replace(info, channels=_one_side(info.channels))
    if len(files.stems) > 1 and f".{info.format}" not in STEM_SUFFIXES:
        raise BadAudio(f"Stems must be wav or flac; this is called {path.suffix} and is {info.format}.")
    return info


def _side(sound: audio.Sound, stem: str) -> audio.Sound:
    _one_side(len(sound.samples))
    return audio.Sound(sound.samples[SIDES[stem]][None], sound.sample_rate)


def _one_side(channels: int) -> int:
    if channels != len(SIDES):
        raise BadAudio("MIR-1K's files have two channels: accompaniment on the left, voice on the right. This one has one.")
    return 1


def _walk(root: Path, layout: str) -> Iterator[SongFiles | Bad]:
    """Yield the songs of a folder and of the folders in it, however deep; a link that leads back is followed once."""
    waiting, seen = [root], set[str]()
    while waiting:
        inside = waiting.pop()
        real = os.path.realpath(inside)
        if real in seen:
            continue
        seen.add(real)
        files: list[Path] = []
        try:
            for entry in sorted(entry for entry in inside.iterdir() if not entry.name.startswith((".", "__MACOSX"))):
                try:
                    mode = entry.stat().st_mode
                except OSError as error:  # a link into nowhere, a path that is too long
                    if entry.suffix.casefold() in (*audio.SUFFIXES, *OTHER_AUDIO):
                        yield Bad(entry, f"The file cannot be read: {error.strerror}.")
                    continue
                (waiting if stat.S_ISDIR(mode) else files if stat.S_ISREG(mode) else []).append(entry)
        except OSError as error:
            yield Bad(inside, f"The folder cannot be read: {error.strerror}.")
            continue
        yield from _inside(inside, files, root, layout)


def _inside(folder: Path, files: list[Path], root: Path, layout: str) -> Iterator[SongFiles | Bad]:
    """Yield the songs that the files of one folder make."""
    known = _stem_names(files)
    stems = [file for file in files if file.stem.casefold() in known and file.suffix.casefold() in (*audio.SUFFIXES, *OTHER_AUDIO)]
    if known.keys() - {"mixture"}:
        own = _name(folder, root) if folder != root else readable(unicodedata.normalize("NFC", root.resolve().name))
        yield _song(folder, stems, own, known)
        files = []
    elif stems and folder != root:
        yield SongFiles(_name(folder, root), mixture=stems[0]) if len(stems) == 1 else _twice(folder, "mixture")
        files = [file for file in files if file not in stems]
    sides = layout == "mir-1k" or folder.resolve().name.casefold() == "wavfile"
    for file in files:
        if file.name.casefold().endswith(STEM_MP4):
            yield of_file(file, _name(file.with_name(file.name[: -len(STEM_MP4)]), root))
        elif sides and file.suffix.casefold() == ".wav":
            yield SongFiles(_name(file.with_suffix(""), root), vocals=file, accompaniment=file, packing="sides")
        elif file.suffix.casefold() in audio.SUFFIXES:
            yield SongFiles(_name(file.with_suffix(""), root), mixture=file)
        elif file.suffix.casefold() in OTHER_AUDIO:
            yield Bad(file, f"Files of kind {file.suffix} are not read; allowed are {audio.ALLOWED}, and .stem.mp4.")


def of_file(path: Path, name: str | None = None) -> SongFiles:
    """The song in one file: the stems of a .stem.mp4, or a plain mix."""
    if path.name.casefold().endswith(STEM_MP4):
        name = name or readable(path.name[: -len(STEM_MP4)])
        return SongFiles(name, mixture=path, vocals=path, drums=path, bass=path, other=path, packing="streams")
    return SongFiles(name or readable(path.stem), mixture=path)


def mix_of(files: SongFiles) -> SongFiles:
    """The same song as a plain mix, its stems left aside."""
    return SongFiles(files.name, mixture=files.mixture, packing=files.packing)


def _of_stems(name: str, paths: Mapping[str, Path]) -> SongFiles:
    mixture, vocals, accompaniment, drums, bass, other = (paths.get(stem) for stem in (*STEMS, *BAND))
    return SongFiles(name, mixture, vocals, accompaniment, drums, bass, other)


def _stem_names(files: list[Path]) -> dict[str, str]:
    """Stem by file name, for the layout that a folder's files show; names of a mixture alone where it is no song with stems."""
    names = {file.stem.casefold() for file in files if file.suffix.casefold() in (*audio.SUFFIXES, *OTHER_AUDIO)}
    if names & {"vocals", "accompaniment"} or ("mixture" in names and names & set(BAND)):
        return {stem: stem for stem in (*STEMS, *BAND)}
    if {"source-01", "source-02"} <= names or {"background", "voice"} <= names:
        return CC_MIXTER
    return {"mixture": "mixture"}


def _song(folder: Path, files: list[Path], name: str, known: Mapping[str, str]) -> SongFiles | Bad:
    stems: dict[str, Path] = {}
    for file in files:
        stem = known[file.stem.casefold()]
        if file.suffix.casefold() not in STEM_SUFFIXES:
            if stem in BAND:
                continue  # nobody may want it
            return Bad(file, f"Stems must be wav or flac, not {file.suffix}.")
        if stem in stems:
            return _twice(folder, stem)
        stems[stem] = file
    found = _of_stems(name, stems)
    if not any(found.has(stem) for stem in TARGETS):
        return Bad(folder, f"Only {', '.join(stems)} is here; two of mixture, vocals and accompaniment (wav or flac) are needed.")
    return found


def _twice(folder: Path, stem: str) -> Bad:
    return Bad(folder, f"There are several files for {stem}; keep one of them.")


def _name(path: Path, root: Path) -> str:
    return readable(unicodedata.normalize("NFC", path.relative_to(root).as_posix()))
