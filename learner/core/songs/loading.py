"""Load songs: check that their stems belong together, decode them, and make what has no file of its own from the others."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from learner.core import audio
from learner.core.audio import BadAudio, Samples
from learner.core.files import writing
from learner.core.files.names import readable
from learner.core.songs import mp4, sums
from learner.core.songs.finding import STEM_SUFFIXES, Bad, Found, SongFiles, scan

SIDES = {"accompaniment": 0, "vocals": 1}  # of MIR-1K's stereo files
TRIM = 0.05  # seconds by which stems of one song may differ in length; the longer is cut


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


class Note(NamedTuple):
    """What the owner of a file should know, though it can be used."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{readable(self.path)}: {readable(self.text)}"


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
def unpacked(files: SongFiles, stem: str = "vocals", rest: str = "accompaniment") -> Iterator[dict[str, Path]]:
    """The files of a song's mixture, of `stem`, and of everything else (called `rest`) while the body runs.

    What has a file of its own keeps it; the others are written for the while, and add up with it. Of a song without the stem, the
    mixture alone.
    """
    wanted = {"mixture": "mixture"} | ({stem: "vocals", rest: "accompaniment"} if files.has(stem) else {})
    own = {} if files.packing else {name: path for name, path in files.stems.items() if name in wanted}
    if len(own) == len(wanted):
        yield own
        return
    song = load(files, stem=stem)
    with tempfile.TemporaryDirectory() as folder:
        yield {
            name: own[name] if name in own else writing.write(Path(folder) / f"{name}.flac", getattr(song, part), song.sample_rate)
            for name, part in wanted.items()
        }


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
