"""Take Label Studio's editor and the chart library out of their wheels, as static files.

The `label-studio` wheel carries no stand-alone editor, only the webpack chunks of its whole application. The editor is one
lazily loaded part of it. We join the chunks that it needs into one script, leave out the application's own start, and keep
the chunks that the editor loads later beside it. Webpack's numbers change with every release, so they are derived here from
the code, and anything that does not look as expected stops the extraction with `UnknownWheel`.

Standard library only; knows no Django.
"""

import gzip
import hashlib
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

APPLICATION = "web/dist/apps/labelstudio/"
MANIFEST = "manifest.json"
# Goes up when the extraction itself changes, so that files made by an older one are made again.
EXTRACTION = 2

# Read by the editor's modules while they load. No feature flag is set: two audios in step need none, and the spectrogram's
# compiles WebAssembly, which the content security policy forbids. Analytics belong to the application, which is left out.
# Only a part of the editor knows a dark scheme by itself, so it is told to stay light.
PREAMBLE = (
    "window.APP_SETTINGS=Object.assign({user:{id:0},feature_flags:{},collect_analytics:false},window.APP_SETTINGS);"
    'try{localStorage.setItem("preferred-color-scheme","Light")}catch{}'
)
ENTRY = 'self.webpackChunklabelstudio.push([["unbleed"],{{}},load=>{{load({module})}}]);'


class UnknownWheel(ValueError):
    """The wheel is not built the way this version of Unbleed knows; keep the pinned version, or teach editor_files the new one."""


class Pin(NamedTuple):
    """One line of the lock file."""

    name: str
    version: str
    sha256: str


class Bundle(NamedTuple):
    """What to take out of one wheel: `extract(wheel, folder)` writes the files into an empty folder."""

    package: str
    extract: Callable[[zipfile.ZipFile, Path], None]


def read_lock(lock: Path) -> dict[str, Pin]:
    """Return the pinned packages by name. Raises ValueError for a line without version and sha256."""
    pins = {}
    for number, line in enumerate(lock.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})", line.strip())
        if match is None:
            raise ValueError(f"{lock.name}, line {number}: expected NAME==VERSION --hash=sha256:HASH, found {line!r}")
        pins[match[1]] = Pin(*match.groups())
    return pins


def is_current(folder: Path, pin: Pin) -> bool:
    """Whether `folder` holds exactly the files that this pin and this extraction gave."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    expected = {"package": pin.name, "version": pin.version, "sha256": pin.sha256, "extraction": EXTRACTION}
    if not isinstance(manifest, dict) or any(manifest.get(key) != value for key, value in expected.items()):
        return False
    files = manifest.get("files", {})
    return {p.name for p in folder.iterdir()} == {*files, MANIFEST} and all(_sha256(folder / n) == h for n, h in files.items())


def fetch(lock: Path, bundles: dict[Path, Bundle], download: Callable[[Pin, Path], Path], say: Callable[[str], None] = print) -> None:
    """Bring every folder of `bundles` up to date with the lock; does nothing, quickly, where all are.

    `download` puts the wheel of a pin into a folder, and returns its path; what it raises passes through. A folder is replaced as a
    whole. Raises UnknownWheel or ValueError (the lock file).
    """
    pins = read_lock(lock)
    stale = {folder: bundle for folder, bundle in bundles.items() if not is_current(folder, pins[bundle.package])}
    if not stale:
        say("The editor and chart files are up to date.")
        return
    with tempfile.TemporaryDirectory(prefix="unbleed-editor-") as downloads:
        wheels = {}
        for folder, bundle in stale.items():
            pin = pins[bundle.package]
            say(f"Fetching {pin.name} {pin.version} …")
            wheels[folder] = download(pin, Path(downloads))
        for folder, bundle in stale.items():
            pin = pins[bundle.package]
            replace(folder, wheels[folder], pin, bundle)
            say(f"{len(list(folder.iterdir()))} files of {pin.name} {pin.version} are in {folder}")


def replace(folder: Path, wheel: Path, pin: Pin, bundle: Bundle) -> None:
    """Extract into a folder beside `folder`, then swap the two: nobody ever sees half of it."""
    if (found := _sha256(wheel)) != pin.sha256:
        raise UnknownWheel(f"{wheel.name} has sha256 {found}, the lock file says {pin.sha256}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with zipfile.ZipFile(wheel) as archive:
            bundle.extract(archive, fresh)
        files = {path.name: _sha256(path) for path in sorted(fresh.iterdir())}
        manifest = {"package": pin.name, "version": pin.version, "sha256": pin.sha256, "extraction": EXTRACTION, "files": files}
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        fresh.chmod(0o755)  # mkdtemp's 0700 would hide the files from a web server of another user
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def extract_editor(archive: zipfile.ZipFile, out: Path) -> None:
    """Write editor.js (sets window.LabelStudio), editor.css, the chunks loaded later, and the licences."""
    scripts = [name for name in archive.namelist() if re.fullmatch(re.escape(APPLICATION) + r"[\w-]+\.js", name)]
    code = {name.removeprefix(APPLICATION): _text(archive, name) for name in scripts}
    for name in ("main.js", "runtime.js"):
        if name not in code:
            raise UnknownWheel(f"{APPLICATION}{name} is not in the wheel")
    editor = _only("script that sets window.LabelStudio", [n for n, text in code.items() if "window.LabelStudio=" in text])
    chunk_file = {match[1]: n for n, text in code.items() if (match := re.search(r"\.push\(\[\[(\d+)\]", text[:400]))}
    main = code["main.js"]

    # import("…editor") in the application: Promise.all([n.e(502),n.e(594),…]).then(n.bind(n,41607))
    imports = re.findall(r"Promise\.all\(\[((?:\w\.e\(\d+\),?)+)\]\)\.then\(\w\.bind\(\w,(\d+)\)\)", main)
    wanted = {(tuple(re.findall(r"\d+", chunks)), module) for chunks, module in imports}
    editor_chunk = editor.removesuffix(".js")
    chunks, module = _only("import of the editor in main.js", [w for w in wanted if editor_chunk in w[0]])
    vendor = re.findall(r"\.O\(0,\[(\d+)\]", main)
    # Tailwind's sheet is a string in a module of the application, not a file.
    tailwind = _only("Tailwind sheet in main.js", re.findall(r'\.push\(\[\w\.id,("/\*\\n! tailwindcss v(?:[^"\\]|\\.)*"),', main))
    eager = list(dict.fromkeys([_only("vendor chunk of main.js", vendor), *chunks]))
    missing = [chunk for chunk in eager if chunk not in chunk_file]
    if missing:
        raise UnknownWheel(f"the editor needs the chunks {missing}, which are not in the wheel")
    # The third element of main.js's push is the application's start.
    library, n_starts = re.subn(r",(\w)=>\{\1\.O\(0,\[\d+\],\(\)=>\{return \w=\d+,\1\(\1\.s=\w\);var \w\}\);\1\.O\(\)\}\]\);", "]);", main)
    if n_starts != 1:
        raise UnknownWheel(f"expected one application start in main.js, found {n_starts}")

    parts = [PREAMBLE, *(code[chunk_file[chunk]] for chunk in eager), library, code["runtime.js"]]
    parts.append(ENTRY.format(module=module))
    release = _only("dist-info folder", [n.split(".dist-info/")[0] for n in archive.namelist() if n.endswith(".dist-info/METADATA")])
    notice = f"/* From {release}, Apache-2.0 (LICENSE, NOTICE): chunks joined, the application's start left out. */\n"
    (out / "editor.js").write_text(notice + "\n;".join(_without_map(part) for part in parts))
    sheets = [f"{APPLICATION}{name}.css" for name in ("main", *eager) if f"{APPLICATION}{name}.css" in archive.namelist()]
    styles = [_without_fonts(_without_map(_text(archive, sheet))) for sheet in sheets]
    (out / "editor.css").write_text(notice + "\n".join([*styles, json.loads(tailwind)]))
    for name in ("editor.js", "editor.css"):
        # The site sends these to browsers that take gzip: 1.7 MB in place of 7 MB.
        (out / f"{name}.gz").write_bytes(gzip.compress((out / name).read_bytes(), mtime=0))

    later = {found for chunk in eager for pair in re.findall(r"\w\.e\((\d+)\)|\w\.u\((\d+)\)", code[chunk_file[chunk]]) for found in pair}
    for chunk in sorted(later - {*eager, ""}):
        for suffix in (".js", ".css"):
            if f"{APPLICATION}{chunk}{suffix}" in archive.namelist():
                (out / f"{chunk}{suffix}").write_text(_without_map(_text(archive, f"{APPLICATION}{chunk}{suffix}")))
            elif suffix == ".js":
                raise UnknownWheel(f"the editor loads chunk {chunk} later, which is not in the wheel")
    _copy_licences(archive, out)


def extract_charts(archive: zipfile.ZipFile, out: Path) -> None:
    """Write uplot.js (sets window.uPlot), uplot.css and the licence that its head names."""
    script = _text(archive, "uplot/static/uPlot.iife.js")
    head = re.match(r"/\*\*.*?MIT Licensed.*?\*/", script, re.DOTALL)
    if head is None or "var uPlot = " not in script:
        raise UnknownWheel("uPlot.iife.js does not begin with its MIT notice, or does not set uPlot")
    (out / "uplot.js").write_text(script)
    (out / "uplot.css").write_text(_text(archive, "uplot/static/uPlot.min.css"))
    (out / "LICENSE").write_text(head[0] + "\n\n" + MIT)


MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files \
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, \
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do \
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF \
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE \
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION \
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

EDITOR = Bundle("label-studio", extract_editor)
CHARTS = Bundle("uplot-python", extract_charts)


def _only(what: str, found: list[Any]) -> Any:
    """Return the one thing found; several different ones, or none, mean that the wheel has changed."""
    if len(set(found)) != 1:
        raise UnknownWheel(f"expected one {what}, found {len(set(found))}")
    return found[0]


def _text(archive: zipfile.ZipFile, name: str) -> str:
    try:
        return archive.read(name).decode()
    except KeyError:
        raise UnknownWheel(f"{name} is not in the wheel") from None


def _without_map(text: str) -> str:
    """Source maps stay in the wheel, and a comment that names one would break hashed static files."""
    return re.sub(r"\n?(?://# sourceMappingURL=.*|/\*# sourceMappingURL=.*?\*/)\s*$", "\n", text)


def _without_fonts(sheet: str) -> str:
    """Fonts named by a path on Label Studio's own server do not exist here; the system's font stands in."""
    return re.sub(r"@font-face\s*\{[^}]*url\(/static/fonts/[^}]*\}", "", sheet)


def _copy_licences(archive: zipfile.ZipFile, out: Path) -> None:
    names = [n for n in archive.namelist() if re.search(r"\.dist-info/(licenses/)?(LICENSE|NOTICE)$", n)]
    names += [n for n in archive.namelist() if n.startswith(APPLICATION) and n.endswith((".LICENSE.txt", "/3rdpartylicenses.txt"))]
    if not {"LICENSE", "NOTICE"} <= {Path(n).name for n in names}:
        raise UnknownWheel("LICENSE and NOTICE are not in the wheel")
    for name in names:
        (out / Path(name).name).write_bytes(archive.read(name))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
