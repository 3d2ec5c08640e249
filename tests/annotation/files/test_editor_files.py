"""The editor is taken out of its wheel whole, checked, and only when it has to be."""

import gzip
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from annotation.files import editor_files
from annotation.files.editor_files import CHARTS, EDITOR, Bundle, Pin, UnknownWheel
from hub.home import ROOT

MAIN = (
    "/*! licence */\n(self.webpackChunklabelstudio=self.webpackChunklabelstudio||[]).push([[792],{"
    '7:(e,t,n)=>{"use strict";o.push([e.id,"/*\\n! tailwindcss v3.4.3 */\\n.p-1 { margin: 0 }","",{version:3}])},'
    "8:(e,t,n)=>{Promise.all([n.e(502),n.e(358)]).then(n.bind(n,41607))}"
    "},e=>{e.O(0,[502],()=>{return t=98193,e(e.s=t);var t});e.O()}]);\n//# sourceMappingURL=main.js.map"
)
CHUNK = "(self.webpackChunklabelstudio=self.webpackChunklabelstudio||[])"
FILES = {
    "main.js": MAIN,
    "runtime.js": "(()=>{var runtime=1})();",
    "vendor.js": CHUNK + ".push([[502],{1:()=>{}}]);",
    "358.js": CHUNK + ".push([[358],{41607:(e,t,n)=>{window.LabelStudio=1,n.e(99)}}]);",
    "99.js": CHUNK + ".push([[99],{}]);",
    "167.js": CHUNK + ".push([[167],{}]);",
    "main.css": "@font-face{font-family:F;src:url(/static/fonts/F.ttf)}.main{top:0}\n/*# sourceMappingURL=main.css.map*/",
    "358.css": ".editor{top:0}",
    "3rdpartylicenses.txt": "MIT",
    "decode-audio.wasm": "LGPL",
}


def make_wheel(path: Path, name: str = "label_studio-1.0", **changed: str | None) -> Path:
    """A wheel built like the real one, but tiny; `changed` replaces files (None: leaves them out)."""
    files = FILES | {key.replace("__", "."): text for key, text in changed.items()}
    wheel = path / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            if text is not None:
                archive.writestr(editor_files.APPLICATION + file, text)
        for file in ("METADATA", "licenses/LICENSE", "licenses/NOTICE"):
            archive.writestr(f"{name}.dist-info/{file}", f"text of {file}")
    return wheel


def extract(wheel: Path, out: Path) -> Path:
    out.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        editor_files.extract_editor(archive, out)
    return out


def pin_of(wheel: Path, name: str = "label-studio") -> Pin:
    return Pin(name, "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest())


def test_only_what_the_editor_needs_is_taken(tmp_path: Path) -> None:
    out = extract(make_wheel(tmp_path), tmp_path / "out")
    names = {path.name for path in out.iterdir()}
    assert names == {"editor.js", "editor.css", "editor.js.gz", "editor.css.gz", "99.js", "LICENSE", "NOTICE", "3rdpartylicenses.txt"}


def test_the_script_holds_the_chunks_in_order_and_starts_the_editor_not_the_application(tmp_path: Path) -> None:
    script = (extract(make_wheel(tmp_path), tmp_path / "out") / "editor.js").read_text()
    places = [script.index(part) for part in ("APP_SETTINGS", "[[502]", "[[358]", "[[792]", "runtime=1", "load(41607)")]
    assert places == sorted(places)
    assert "98193" not in script, "the application's start is left out"
    assert "sourceMappingURL" not in script
    assert script.startswith("/* From label_studio-1.0, Apache-2.0"), "what was changed is said, as the licence asks"


def test_the_sheet_holds_every_style_and_no_font_of_another_server(tmp_path: Path) -> None:
    out = extract(make_wheel(tmp_path), tmp_path / "out")
    sheet = (out / "editor.css").read_text()
    assert all(part in sheet for part in (".main{", ".editor{", ".p-1 { margin: 0 }"))
    assert "url(" not in sheet
    assert gzip.decompress((out / "editor.css.gz").read_bytes()).decode() == sheet


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"358__js": "(self.w=[]).push([[358],{}]);"}, "script that sets window.LabelStudio"),
        ({"vendor__js": None}, r"\['502'\]"),
        ({"main__js": MAIN.replace("n.bind(n,41607)", "n.bind(n,1),n.e(5)")}, "import of the editor"),
        ({"main__js": MAIN.replace("return t=98193,", "")}, "application start"),
        ({"main__js": MAIN.replace("tailwindcss", "other")}, "Tailwind"),
        ({"99__js": None}, "chunk 99"),
        ({"runtime__js": None}, "runtime.js"),
    ],
)
def test_an_unknown_build_is_refused_by_name(tmp_path: Path, changed: dict[str, str | None], said: str) -> None:
    with pytest.raises(UnknownWheel, match=said):
        extract(make_wheel(tmp_path, "label_studio-1.0", **changed), tmp_path / "out")


def test_files_that_are_there_are_not_fetched_again(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    pin = pin_of(wheel)
    lock = tmp_path / "editor.lock"
    lock.write_text(f"# comment\n{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n")
    fetched = []

    def download(pin: Pin, into: Path) -> Path:
        fetched.append(pin.name)
        return wheel

    folder = tmp_path / "static" / "lsf"
    for _ in range(2):
        editor_files.fetch(lock, {folder: EDITOR}, download, say=lambda line: None)
    assert fetched == ["label-studio"]
    assert set(json.loads((folder / "manifest.json").read_text())["files"]) == {p.name for p in folder.iterdir()} - {"manifest.json"}

    (folder / "editor.js").write_text("changed by hand")
    editor_files.fetch(lock, {folder: EDITOR}, download, say=lambda line: None)
    assert "changed by hand" not in (folder / "editor.js").read_text(), "a file that is not what was fetched is put right"
    assert fetched == ["label-studio"] * 2


def test_a_failed_extraction_leaves_the_old_files(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    folder = tmp_path / "lsf"
    editor_files.replace(folder, wheel, pin_of(wheel), EDITOR)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def breaks(archive: zipfile.ZipFile, out: Path) -> None:
        (out / "editor.js").write_text("half")
        raise UnknownWheel("no")

    with pytest.raises(UnknownWheel):
        editor_files.replace(folder, wheel, pin_of(wheel), Bundle("label-studio", breaks))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"lsf", wheel.name}, "nothing half-made is left lying about"


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    with pytest.raises(UnknownWheel, match="sha256"):
        editor_files.replace(tmp_path / "lsf", wheel, Pin("label-studio", "1.0", "0" * 64), EDITOR)
    assert not (tmp_path / "lsf").exists()


def test_a_lock_line_without_a_hash_is_refused_by_number(tmp_path: Path) -> None:
    (tmp_path / "editor.lock").write_text("# comment\nlabel-studio==1.0\n")
    with pytest.raises(ValueError, match="line 2"):
        editor_files.read_lock(tmp_path / "editor.lock")


def test_the_page_asks_for_the_pinned_version() -> None:
    pins = editor_files.read_lock(ROOT / "annotation/files/editor.lock")
    assert set(pins) == {EDITOR.package, CHARTS.package}
    page = (ROOT / "templates/annotation/annotate.html").read_text()
    for name in ("editor.js", "editor.css"):
        assert f"annotation/lsf/{pins['label-studio'].version}/{name}" in page
