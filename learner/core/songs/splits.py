"""Divide a corpus into songs to train on, to choose by and to test on: by the published list where there is one, else by artist."""

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Literal

from learner.core.songs import SongFiles

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
TEST, VALIDATION = 0.2, 0.1  # shares of the artists, where no list is published

# Of MUSDB18's 100 training songs these 14 are for validation; the list is that of the `musdb` package (version 0.4.3).
MUSDB18_VALIDATION = frozenset(
    (
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    )
)


def split(files: Iterable[SongFiles], seed: int = 0) -> dict[Part, list[SongFiles]]:
    """Divide songs, in the order given; a part may be empty.

    A song in a folder `train` or `test` belongs there, but for MUSDB18's validation songs. Any other goes where a hash of its
    artist and the seed sends it, so that nobody's voice is in two parts, and no song moves when others are added.
    """
    parts: dict[Part, list[SongFiles]] = {part: [] for part in PARTS}
    for song in files:
        parts[published(song) or _by_artist(song.artist, seed)].append(song)
    return parts


def published(song: SongFiles) -> Part | None:
    """The part that the corpus itself gives a song by the folder that it lies in, or None."""
    path = next(iter(song.stems.values())).absolute()
    alone = song.packing or len(song.stems) == 1
    folder = (path.parent if alone else path.parent.parent).name.casefold()
    if folder == "test":
        return "test"
    if folder == "train":
        return "validation" if _plain(song.name.rsplit("/", 1)[-1]) in _PLAIN_VALIDATION else "train"
    return None


def _by_artist(artist: str, seed: int) -> Part:
    digest = hashlib.sha256(f"{seed}:{_plain(artist)}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return "test" if share < TEST else "validation" if share < TEST + VALIDATION else "train"


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


_PLAIN_VALIDATION = frozenset(map(_plain, MUSDB18_VALIDATION))
