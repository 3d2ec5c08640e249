"""Songs of one's own, separated by the campaign's model: sent, asked for, fetched, removed. What pages do is in `hub.pages.separate`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import FileUploadParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Membership
from hub.api.v1 import shapes
from hub.api.v1.doors import Body, Door
from hub.api.v1.idempotent import REPLAYED, done_once, once
from hub.pages.separate.sounds import KINDS, to_take_home
from learner import selectors
from learner.models import Checkpoint, Job, SentSong
from learner.selectors.sent_songs import separators, songs_of
from learner.services import sent_songs

SHORT = 30.0  # seconds of a song that is answered at once, where a worker is free
PATIENCE = 8.0  # seconds that a request waits for it
LOOK = 0.1  # seconds between two looks
BY_TYPE = {
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/flac": ".flac",
    "audio/x-flac": ".flac",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/webm": ".webm",
}
STATES = ("waiting", "running", "done", "failed", "refused")

SEPARATION: shapes.Fields = {
    "id": s.UUIDField(),
    "song": shapes.text("the name of the file that was sent"),
    "state": shapes.one_of(STATES, "refused: what was sent cannot be separated"),
    "reason": shapes.text("why it failed or was refused; else empty"),
    "percent": shapes.whole("how much is done"),
    "job": shapes.whole("the job that separates it"),
    "seconds": shapes.seconds("how long the song lasts"),
    "checkpoint": shapes.text(shapes.HASH),
    "beside": shapes.text("hash of the checkpoint that it is compared with", allow_null=True),
    "sounds": s.DictField(child=s.URLField(), help_text="addresses of what is there: mixture, stem, rest, before (the stem by `beside`)"),
    "goes": shapes.when("when it is removed by itself"),
    "address": s.URLField(help_text="of this answer"),
}


class RawAudio(FileUploadParser):
    """A body that is the song itself; its name stands in `?name=`, or else its Content-Type says what it is."""

    media_type = "audio/*"

    def get_filename(self, stream: Any, media_type: str | None, parser_context: Mapping[str, Any]) -> str:
        request: Request = parser_context["request"]
        return request.query_params.get("name") or f"song{BY_TYPE.get((media_type or '').partition(';')[0].strip().lower(), '.wav')}"


class RawBytes(RawAudio):
    media_type = "application/octet-stream"


class Flac(BaseRenderer):
    """Names what may be asked for by Accept: files are answered as they are."""

    media_type, format, render_style, charset = "audio/flac", "flac", "binary", None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> bytes:
        return JSONRenderer().render(data)


class Wav(Flac):
    media_type, format = "audio/wav", "wav"


class Separation(Door):
    """A song of one's own, by its id."""

    row: ClassVar[Any] = SEPARATION
    name: ClassVar[str] = "Separation"

    def get(self, request: Request, slug: str, key: UUID) -> Response:
        """How far it is, and where its sounds are when it is done."""
        song = self.song(slug, key)
        return Response(said(request, song), headers=AGAIN if song.is_under_way else None)

    def song(self, slug: str, key: UUID) -> SentSong:
        """To anybody but who sent it, it does not exist. Raises `NotFound` and `NotOpenToYou`."""
        member = self.member(slug)
        sent_songs.check_allowed(member)
        return own(member, key)


def own(member: Membership, key: UUID) -> SentSong:
    found: SentSong | None = songs_of(member).filter(key=key).exclude(job=None).first()
    if found is None:
        raise NotFound
    return found


AGAIN = {"Retry-After": "2"}  # seconds, while it is under way
FILE = {(200, "audio/flac"): OpenApiTypes.BINARY, (200, "audio/wav"): OpenApiTypes.BINARY}


class Separate(Door):
    """Songs of one's own."""

    class NewSong(Body):
        audio = s.FileField(help_text="the song")
        name = s.CharField(max_length=200, required=False, help_text="of the file, with its ending")
        checkpoint = s.RegexField("^[0-9a-f]{64}$", required=False, help_text="hash of what separates it; left out: the current one")
        beside = s.RegexField("^[0-9a-f]{64}$", required=False, help_text="hash of another that it is compared with")

    parser_classes = [MultiPartParser, RawAudio, RawBytes]
    renderer_classes = [Flac, Wav, JSONRenderer]

    @extend_schema(
        request={"multipart/form-data": NewSong, "audio/*": OpenApiTypes.BINARY, "application/octet-stream": OpenApiTypes.BINARY},
        responses=FILE | {(202, "application/json"): shapes.shape("NewSeparation", SEPARATION)},
        parameters=[
            OpenApiParameter("name", description="of the file, with its ending, where the body is the song itself"),
            OpenApiParameter("checkpoint", description="hash of what separates it; left out: the current one"),
            OpenApiParameter("beside", description="hash of another that it is compared with"),
            OpenApiParameter("Prefer", location=OpenApiParameter.HEADER, description="respond-async: 202 at once, also of a short song"),
        ],
    )
    def post(self, request: Request, slug: str) -> HttpResponseBase:
        """Have a song separated. Of up to 30 s the stem is answered at once, as FLAC or WAV, where a worker is free; else 202."""
        member = self.member(slug)
        sent_songs.check_allowed(member)
        files = request.FILES
        given: dict[str, Any] = {**request.query_params.dict(), **({} if "file" in files else request.POST.dict())}
        if audio := files.get("audio") or files.get("file"):
            given["audio"] = audio
        made_now = False

        def send() -> tuple[int, str]:
            nonlocal made_now
            made_now = True
            return HTTPStatus.ACCEPTED, str(self._sent(member, body.validated_data).key)

        try:
            body = self.NewSong(data=given)
            body.is_valid(raise_exception=True)
            _, key = done_once(request, lambda: _digest(body.validated_data), send)
        finally:
            for file in files.values():
                file.close()
        song = own(member, UUID(key))
        replayed = {} if made_now else REPLAYED
        at_once = request.accepted_media_type != JSONRenderer.media_type and (song.seconds or SHORT + 1) <= SHORT
        if at_once and "respond-async" not in request.headers.get("Prefer", "") and (made := _awaited(member, song)):
            answer = to_take_home(
                made, f"{song.campaign.stem}", made.suffix[1:] if request.accepted_media_type != Wav.media_type else "wav"
            )
            for name, value in {"Content-Location": _address(request, song), **replayed}.items():
                answer[name] = value
            return answer
        headers = {"Location": _address(request, song), **AGAIN, **replayed}
        response = Response(said(request, songs_of(member).get(pk=song.pk)), status=HTTPStatus.ACCEPTED, headers=headers)
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        return response

    def _sent(self, member: Membership, given: dict[str, Any]) -> SentSong:
        """Taken in and asked for; what is refused leaves nothing behind."""
        checkpoint, beside = (_named(member, given.get(name), name) for name in ("checkpoint", "beside"))
        checkpoint = checkpoint or selectors.current_checkpoint(member.campaign)
        if checkpoint is None:
            raise sent_songs.NoModel
        file = given["audio"]
        song = sent_songs.new_song(who=member, path=given.get("name") or file.name or "", size=file.size)
        try:
            sent_songs.append(song=song, offset=0, source=file)
            sent_songs.separate_song(song=song, checkpoint=checkpoint, beside=beside)
        except Exception:
            sent_songs.drop(song=song)
            raise
        return SentSong.objects.select_related("campaign").get(pk=song.pk)


def _digest(given: dict[str, Any]) -> bytes:
    """What a request says, in 32 bytes: the song may be large, and a form is never written twice alike."""
    made = hashlib.sha256(json.dumps({name: given.get(name) for name in ("name", "checkpoint", "beside")}).encode())
    for part in given["audio"].chunks():
        made.update(part)
    given["audio"].seek(0)
    return made.digest()


def _named(member: Membership, digest: str | None, field: str) -> Checkpoint | None:
    """Raises `ValidationError` where the campaign has no such checkpoint."""
    found = next((one for one in separators(member.campaign) if one.hash == digest), None)
    if digest and found is None:
        raise ValidationError({field: "The campaign has no checkpoint of this hash whose file is kept."})
    return found


def _awaited(member: Membership, song: SentSong) -> Any:
    """The file of its stem, when a worker makes it within some seconds; None: later."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not Job.objects.filter(sent_song=song, state__in=(Job.State.QUEUED, Job.State.RUNNING)).exists():
            fresh = songs_of(member).get(pk=song.pk)
            return fresh.sound("stem") if fresh.is_done else None
        time.sleep(LOOK)
    return None


def said(request: Request, song: SentSong) -> dict[str, Any]:
    """How a song stands, for programs."""
    assert song.job and song.checkpoint
    address = _address(request, song)
    failed = song.job.state in (Job.State.FAILED, Job.State.CANCELLED)
    state = (
        "refused"
        if song.refused
        else "failed"
        if failed
        else {Job.State.QUEUED: "waiting"}.get(Job.State(song.job.state), str(song.job.state))
    )
    return {
        "id": str(song.key),
        "song": song.path,
        "state": state,
        "reason": song.refused or song.job.reason,
        "percent": song.job.percent if song.is_under_way else 100 if song.is_done else 0,
        "job": song.job.pk,
        "seconds": song.seconds,
        "checkpoint": song.checkpoint.hash,
        "beside": song.beside.hash if song.beside else None,
        "sounds": {name: f"{address}{name}{file.suffix}" for name, file in _files(song)} if song.is_done else {},
        "goes": song.goes,
        "address": address,
    }


def _files(song: SentSong) -> Iterator[tuple[str, Any]]:
    for name in SentSong.SOUNDS:
        if file := song.sound(name):
            yield name, file


def _address(request: Request, song: SentSong) -> str:
    return request.build_absolute_uri(reverse("v1-separation", args=[song.campaign.slug, song.key]))


class Sound(Separation):
    """A sound of it."""

    renderer_classes = [Flac, Wav, JSONRenderer]

    @extend_schema(responses=FILE)
    def get(self, request: Request, slug: str, key: UUID, sound: str, kind: str) -> HttpResponseBase:  # type: ignore[override]
        """The whole file, FLAC or WAV."""
        song = self.song(slug, key)
        file = song.sound(sound) if song.is_done and sound in SentSong.SOUNDS else None
        if file is None or f".{kind}" not in KINDS:
            raise NotFound
        return to_take_home(file, f"{song.campaign.stem if sound in ('stem', 'before') else sound}", kind)


class Remove(Separation):
    """A song that is needed no more."""

    answers: ClassVar[Any] = {204: None}
    http_method_names = ["post"]

    @once
    def post(self, request: Request, slug: str, key: UUID) -> Response:
        """Remove it with all that was made of it, at once."""
        sent_songs.remove_song(song=self.song(slug, key))
        return Response(status=HTTPStatus.NO_CONTENT)
