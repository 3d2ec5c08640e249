"""The product as a wheel: installed elsewhere, it serves its pages without the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from hub.home import ROOT
from tests.product import Product, free_port, wait_for

BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `unbleed` command of an environment that has our wheel and, from this one, what it depends on."""
    folder = tmp_path_factory.mktemp("a wheel")
    copy = folder / "source"
    # A build writes beside its sources; what is tracked, and nothing else, is built from a copy.
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=300).stdout.decode().split("\0")
    for name in filter(None, tracked):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).symlink_to(ROOT / name) if (ROOT / name).is_symlink() else os.link(ROOT / name, copy / name)
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=copy, capture_output=True, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment")
    python = folder / "environment/bin/python"
    (own,) = (folder / "environment/lib").glob("*/site-packages")
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel], check=True, timeout=300)
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "environment/bin/unbleed"


def test_a_wheel_serves_its_pages_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "home"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"UNBLEED_HOME": str(home)}
    with open(tmp_path / "out", "wb") as output:
        process = subprocess.Popen([installed, "up", "--port", str(port)], cwd=tmp_path, env=environment, stdout=output, stderr=output)
    try:
        wait_for(lambda: "Ready" in (tmp_path / "out").read_text() or process.poll() is not None, "line that says Ready")
        site = Product(home)
        site.url = f"http://127.0.0.1:{port}"
        status, page = site.get("/sign-in/")
        assert status == 200 and "Sign in" in page, (tmp_path / "out").read_text()
        assert site.get("/static/annotation/annotate/page.js")[0] == 200
    finally:
        process.terminate()
        process.wait(60)


def test_the_pinned_editor_is_known_and_commands_are_named_as_they_are_called(installed: Path, tmp_path: Path) -> None:
    code = "from pathlib import Path; import annotation; print((Path(annotation.__file__).parent / 'files/editor.lock').read_text())"
    python = installed.with_name("python")
    pinned = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300).stdout
    assert "label-studio==" in pinned
    said = subprocess.run(
        [installed, "doctor"], cwd=tmp_path, env=os.environ | {"UNBLEED_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=300
    ).stdout
    assert "unbleed up" in said and "unbleed fetch_editor" in said and "manage.py" not in said
