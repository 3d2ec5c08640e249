"""The file of an export, by HTTP Range so that a download goes on where it broke off."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from annotation.files import storage
from annotation.pages.access import researcher_or_403
from annotation.pages.clips import byte_range
from learner.models import Export
from learner.services import exports

BLOCK = 1 << 20
KINDS = {".json": "application/json", ".csv": "text/csv; charset=utf-8", ".zip": "application/zip", ".tar": "application/x-tar"}


@login_required
@require_safe
def download(request: HttpRequest, slug: str, export_id: int) -> HttpResponseBase:
    """All of it, or from one byte to another (RFC 9110, 14); its ETag is the checksum. Who begins a download is on record."""
    member = researcher_or_403(request, slug)
    export = get_object_or_404(member.campaign.exports.select_related("campaign"), pk=export_id)
    if not export.is_there:
        raise Http404(f"This file is not here any more: removed {export.removed_because}." if export.removed else "It is not made yet.")
    path = storage.local(export.file)
    if not path.is_file():
        raise Http404("The file is gone from the storage. Make the export again.")
    response = sent(path, export, request.headers.get("Range", ""), request.headers.get("If-Range", ""))
    if request.method == "GET" and response.status_code in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT) and _begins(response):
        exports.take_home(export=export, who=member)
    return response


def sent(path: Path, export: Export, asked: str, if_range: str) -> HttpResponseBase:
    """The response with what was asked for; a range that is none, or is of another file than this, means all of it."""
    size, etag = path.stat().st_size, f'"{export.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{export.called}"',
    }
    kind = KINDS.get(path.suffix, "application/octet-stream")
    found = byte_range(asked, size) if if_range in ("", etag) else None
    if found is None:
        return StreamingHttpResponse(_read(path, 0, size), content_type=kind, headers=headers | {"Content-Length": str(size)})
    if isinstance(found, HttpResponse):
        for name, value in headers.items():
            found[name] = value
        return found
    first, last = found
    length = last - first + 1
    headers |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(length)}
    return StreamingHttpResponse(_read(path, first, length), status=HTTPStatus.PARTIAL_CONTENT, content_type=kind, headers=headers)


def _begins(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Range", "bytes 0-").startswith("bytes 0-")


def _read(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length > 0 and (block := file.read(min(BLOCK, length))):
            length -= len(block)
            yield block
