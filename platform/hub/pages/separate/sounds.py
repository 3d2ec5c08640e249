"""The sounds of a song that was sent: parts to be heard in step, their pictures, and files to take home. Theirs who sent it alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from annotation.files import whole_tracks
from annotation.files.previews import kept_at
from annotation.pages.clips import file_with_range, with_range
from hub.pages.separate.pages import own
from learner.core.files import sndfile
from learner.core.files.decoding import BLOCK
from learner.models import SentSong

KINDS = {".flac": "audio/flac", ".wav": "audio/wav"}
PRIVATE = {"Cache-Control": "private, no-store"}  # removed here, it is to be gone


def found(request: HttpRequest, slug: str, key: UUID, sound: str, number: int = 0) -> tuple[SentSong, Path]:
    """The song, and the file of one of its sounds; 404 where there is none, or not so many parts."""
    _, song = own(request, slug, key)
    file = song.sound(sound) if sound in SentSong.SOUNDS and song.is_done else None
    if file is None or number >= whole_tracks.n_parts(song.seconds or 0.0):
        raise Http404
    return song, file


def _kept(song: SentSong, name: str, make: Callable[[], bytes]) -> bytes:
    """Beside the song's sounds, so that it goes with them. Made anew where the sounds were made anew."""
    return kept_at(song.folder / f"heard-{song.job_id}" / name, lambda target: target.write_bytes(make()))


@login_required
@require_safe
def part(request: HttpRequest, slug: str, key: UUID, sound: str, number: int) -> HttpResponse:
    """Part `number` of a sound as Ogg, with HTTP Range."""
    song, file = found(request, slug, key, sound, number)
    made = _kept(song, f"{sound}-{number}.ogg", lambda: whole_tracks.part_of(file, number))
    return with_range(made, request.headers.get("Range", ""))


@login_required
@require_safe
def picture(request: HttpRequest, slug: str, key: UUID, sound: str, number: int) -> HttpResponse:
    """The spectrogram of the same part."""
    song, file = found(request, slug, key, sound, number)
    made = _kept(song, f"{sound}-{number}.png", lambda: whole_tracks.picture_of(file, number))
    return HttpResponse(made, content_type="image/png", headers=PRIVATE)


@login_required
@require_safe
def shape(request: HttpRequest, slug: str, key: UUID, sound: str) -> HttpResponse:
    """How far a sound swings over the whole song, as JSON."""
    song, file = found(request, slug, key, sound)
    made = _kept(song, f"{sound}-shape.json", lambda: whole_tracks.shape_of(file, song.seconds or 0.0))
    return HttpResponse(made, content_type="application/json", headers=PRIVATE)


@login_required
@require_safe
def differences(request: HttpRequest, slug: str, key: UUID) -> HttpResponse:
    """Where both checkpoints differ most, as JSON: see `whole_tracks.differences`."""
    song, before = found(request, slug, key, "before")
    _, after = found(request, slug, key, "stem")
    made = _kept(song, "differences.json", lambda: whole_tracks.differences_of(before, after, None, song.seconds or 0.0))
    return HttpResponse(made, content_type="application/json", headers=PRIVATE)


@login_required
@require_safe
def whole(request: HttpRequest, slug: str, key: UUID, sound: str) -> HttpResponseBase:
    """A sound as it is kept, streamed, with HTTP Range."""
    _, file = found(request, slug, key, sound)
    return file_with_range(file, request.headers.get("Range", ""), KINDS[file.suffix])


@login_required
@require_safe
def download(request: HttpRequest, slug: str, key: str, sound: str, kind: str) -> HttpResponseBase:
    """A sound to take home: as it is kept, or as WAV."""
    try:
        song, file = found(request, slug, UUID(key), sound)
    except ValueError as wrong:
        raise Http404 from wrong
    name = f"{Path(song.path).stem} {song.campaign.stem if sound in ('stem', 'before') else sound}{' before' if sound == 'before' else ''}"
    return to_take_home(file, name, kind)


def to_take_home(file: Path, name: str, kind: str) -> HttpResponseBase:
    """A stored sound as `flac` or `wav`; 404 where it is over full scale and FLAC would cut its peaks off."""
    if file.suffix == f".{kind}":
        return FileResponse(file.open("rb"), as_attachment=True, filename=f"{name}.{kind}", content_type=KINDS[file.suffix])
    if kind == "flac":
        raise Http404("This sound is over full scale: it is kept as float WAV, since FLAC would cut its peaks off.")
    return FileResponse(as_wav(file), as_attachment=True, filename=f"{name}.wav", content_type=KINDS[".wav"])


def as_wav(file: Path):  # type: ignore[no-untyped-def]  # a file of the system without a name
    """A FLAC as 24-bit WAV, the same samples, in a file that is gone when it is closed."""
    with tempfile.TemporaryDirectory(prefix="unbleed-wav-") as folder, sndfile.reading(file) as source:
        target = Path(folder) / "sound.wav"
        with sndfile.writing(target, source.samplerate, source.channels, "PCM_24", "WAV") as made:
            while len(block := source.read(BLOCK, dtype="int32", always_2d=True)):
                made.write(block)
        return target.open("rb")
