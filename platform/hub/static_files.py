"""Static files under addresses that change with what they hold, so that browsers may keep them for a year.

The address of a file begins with a hash of all files of its part: /static/<hash>/annotation/annotate/page.js. What a script imports
by a relative path, and what webpack loads from the folder of its own script, comes by the same hash, so no file is rewritten and
none is collected before the first start. Compressed copies are made when the site starts, once for each content.
"""

import gzip
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

YEAR = 365 * 24 * 3600  # seconds
APART = ("annotation/lsf/", "hub/uplot/")
"""Parts that stay the same when ours change; any other part is an application's folder."""

COMPRESSED = {".js", ".css", ".svg"}
# By what, and the ending of its copies. Brotli's quality 6 takes as long as gzip and leaves 1.39 of the editor's 5.47 MB, gzip 1.63;
# its best, 1.23 MB, would take 9 s at the first start.
WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", lambda content: gzip.compress(content, 6, mtime=0)),
}
if find_spec("brotli"):  # who pulled a new version and has not installed what it needs goes on without
    import brotli

    WAYS["br"] = (".br", lambda content: brotli.compress(content, quality=6))
SMALLEST = 512  # bytes; less is one packet anyway
VERSION = re.compile(r"[0-9a-f]{12}/")


def part_of(name: str) -> str:
    """The part that a file belongs to; `name` is its path among the static files."""
    return next((part for part in APART if name.startswith(part)), name.partition("/")[0] + "/")


@cache
def versions() -> dict[str, str]:
    """A hash for every part, of the names and the content of its files."""
    hashes: dict[str, Any] = {}
    for name, path in sorted(_all_files()):
        content = hashlib.blake2b(Path(path).read_bytes(), digest_size=16).digest()
        hashes.setdefault(part_of(name), hashlib.blake2b(digest_size=6)).update(name.encode() + b"\0" + content)
    return {part: found.hexdigest() for part, found in hashes.items()}


def _all_files() -> Iterator[tuple[str, str]]:
    """(name, path) of every static file; the first of one name counts."""
    known = set()
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            if name not in known:
                known.add(name)
                yield name.replace(os.sep, "/"), storage.path(name)


class Storage(StaticFilesStorage):
    """What `{% static %}` asks for addresses. While somebody develops, files change under their plain addresses."""

    def url(self, name: str | None) -> str:
        plain = name or ""
        version = None if settings.DEBUG else versions().get(part_of(plain))
        return super().url(f"{version}/{plain}" if version else plain)


class StaticFiles(WhiteNoiseMiddleware):
    """Serves them: by a hash for a year, by their plain name for a minute, and so by a hash of another day, as an old page asks for it."""

    FOREVER = YEAR

    def __call__(self, request: HttpRequest) -> Any:
        name = request.path_info.removeprefix(self.static_prefix)
        old = VERSION.match(name) if request.path_info not in self.files else None
        if old and (found := self.files.get(self.static_prefix + name[old.end() :])):
            return self.serve(found, request)
        return super().__call__(request)

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: dict[str, os.stat_result] | None = None) -> None:
        super().add_file_to_dictionary(url, path, stat_cache)
        name = url.removeprefix(self.static_prefix)
        if url in self.files and (version := versions().get(part_of(name))):
            super().add_file_to_dictionary(f"{self.static_prefix}{version}/{name}", path, stat_cache)

    def get_static_file(self, path: str, url: str, stat_cache: dict[str, os.stat_result] | None = None) -> StaticFile:
        found: StaticFile = super().get_static_file(path, url, stat_cache)
        if self.autorefresh or Path(path).suffix not in COMPRESSED or (stat_cache and f"{path}.gz" in stat_cache):
            return found
        copies = {way: str(copy) for way in WAYS if (copy := compressed(Path(path), way))}
        return StaticFile(path, found.alternatives[-1][2], encodings=copies) if copies else found

    def immutable_file_test(self, path: str, url: str) -> bool:
        version, _, name = url.removeprefix(self.static_prefix).partition("/")
        return versions().get(part_of(name)) == version


def compressed(path: Path, way: str) -> Path | None:
    """A compressed copy of this file in the data folder, made if it is not there; None where it would not be worth it or cannot be kept."""
    ending, compress = WAYS[way]
    content = path.read_bytes()
    if len(content) < SMALLEST:
        return None
    folder = Path(settings.HOME) / "static"
    copy = folder / f"{hashlib.blake2b(content, digest_size=16).hexdigest()}{ending}"
    try:
        if not copy.exists():
            folder.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(dir=folder)
            with open(handle, "wb") as target:
                target.write(compress(content))
            os.replace(unfinished, copy)
    except OSError:  # a full disk: they are sent as they are
        return None
    return copy
