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
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from learner.core import audio
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
CC_MIXTER = {"mix": "mixture", "source-01": "accompaniment", "background": "accompaniment", "source-02": "vocals", "voice": "vocals"}
STEM_MP4 = ".stem.mp4"
STEM_SUFFIXES = (".wav", ".flac")  # a lossy stem is not in step with its mixture to the sample
LINK = "It is a link, and links are not followed here."
# Known as audio and not read: told by name, where a picture or a text is passed over in silence.
OTHER_AUDIO = (".ac3", ".aif", ".aiff", ".ape", ".au", ".caf", ".mka", ".mp2", ".w64", ".wma", ".wv")


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


class Bad(NamedTuple):
    """What cannot be used, and why, in words."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{readable(self.path)}: {readable(self.reason)}"


class Found(NamedTuple):
    songs: list[SongFiles]
    bad: list[Bad]


def scan(folder: Path, layout: str = "", *, links: bool = True) -> Found:
    """Find the songs under a folder by their names alone; nothing is opened, so `check` or `load` may still refuse them.

    `layout` "mir-1k" takes every .wav for accompaniment on the left and voice on the right. Without `links` what is a link is bad.
    """
    if layout not in ("", "mir-1k"):
        raise ValueError(f"layout {layout!r} is unknown; the one that must be named is mir-1k")
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {readable(folder)}.")
    songs: dict[str, SongFiles] = {}
    bad: list[Bad] = []
    # Where a folder with stems and a plain mix share a name, the stems win.
    for found in sorted(_walk(folder, layout, links), key=lambda found: not (isinstance(found, SongFiles) and found.has_stems)):
        if isinstance(found, Bad):
            bad.append(found)
        elif found.name in songs:
            path = next(iter(found.stems.values()))
            bad.append(Bad(path, f"Another song here is already called {found.name}; rename one of the two."))
        else:
            songs[found.name] = found
    return Found([songs[name] for name in sorted(songs)], sorted(bad))


def _walk(root: Path, layout: str, links: bool) -> Iterator[SongFiles | Bad]:
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
                if not links and entry.is_symlink():
                    yield Bad(entry, LINK)
                    continue
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


def of_stems(name: str, paths: Mapping[str, Path]) -> SongFiles:
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
    found = of_stems(name, stems)
    if not any(found.has(stem) for stem in TARGETS):
        return Bad(folder, f"Only {', '.join(stems)} is here; two of mixture, vocals and accompaniment (wav or flac) are needed.")
    return found


def _twice(folder: Path, stem: str) -> Bad:
    return Bad(folder, f"There are several files for {stem}; keep one of them.")


def _name(path: Path, root: Path) -> str:
    return readable(unicodedata.normalize("NFC", path.relative_to(root).as_posix()))
