"""Decode audio files, told apart by their content: what their names and headers say is a hint.

libsndfile reads plain wav and flac, and Ogg of single streams; FFmpeg (by PyAV) decodes mp3, whose frames we find ourselves, and all
else. Where libsndfile trusts a header it would cut or refuse honest files: recordings that went through a pipe, joined files.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import soundfile

from learner.core.files import sndfile
from learner.core.files.decoding import aac, flac, mp3, ogg, riff
from learner.core.files.decoding.plain import Plain
from learner.core.files.decoding.pyav import ByPyAV
from learner.core.files.decoding.source import ALLOWED, BLOCK, BadAudio, Block, Source, not_allowed
from learner.core.files.names import readable

__all__ = ["ALLOWED", "BLOCK", "BadAudio", "Block", "Source", "open_source"]

MP4 = (b"ftyp", b"moov", b"mdat")
MATROSKA = b"\x1a\x45\xdf\xa3"


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a file of a kind that is read, or raise BadAudio."""
    if not path.is_file():
        raise BadAudio(f"There is no file {readable(path.name)}.")
    if path.stat().st_size == 0:
        raise BadAudio("The file is empty: 0 bytes.")
    with ExitStack() as stack:
        try:
            source = _source(path, stack)
        except soundfile.LibsndfileError as error:
            raise not_allowed() from error
        except OSError as error:
            raise BadAudio(f"The file cannot be read: {error.strerror or error}.") from error
        yield source


def _source(path: Path, stack: ExitStack) -> Source:
    file = stack.enter_context(path.open("rb"))
    begin = file.read(12)
    if begin.startswith(b"OggS"):
        return ogg.open_ogg(path, stack)
    if begin[:4] in riff.MAGICS and begin[8:] == b"WAVE":
        return riff.open_riff(path, stack)
    if begin[4:8] in MP4:
        return ByPyAV(path, "mp4")
    if begin.startswith(MATROSKA):
        return ByPyAV(path, "webm")
    start = mp3.after_tags(file)
    file.seek(start)
    window = file.read(4)
    if window == b"fLaC":
        return flac.open_flac(path, start, _libsndfile(path, stack))
    window += file.read(mp3.WINDOW - 4)
    is_mp3, is_aac = mp3.first_row(window, not file.read(1)), aac.first_row(window)
    if is_aac is not None and (is_mp3 is None or is_aac < is_mp3):
        return ByPyAV(path, "aac")
    if is_mp3 is not None and (frames := mp3.find_frames(file, start + is_mp3)):
        return mp3.MP3(path, frames)
    sound = _libsndfile(path, stack)
    if sound.format == "MP3" and mp3.of_free_bit_rate(window):
        return Plain(sound, "mp3")
    name = "" if sound.format == "MP3" else sound.format.lower()
    raise not_allowed(name)


def _libsndfile(path: Path, stack: ExitStack) -> soundfile.SoundFile:
    return stack.enter_context(sndfile.reading(path))
