"""What the layout promises: who imports whom, and what the web process never loads."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hub.home import ROOT


def test_platform_is_a_folder_and_never_a_package() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists(), "it would hide the standard library's platform from everybody"
    assert platform.system()


FROM_THE_ROOT = {".html": r"""\b(?:href|src|action|hx-\w+|data-[\w-]+)=["']/""", ".js": r"""["'`]/[\w{$]""", ".css": r"""url\(["']?/"""}
FETCHED = {"lsf", "uplot"}


def test_no_page_or_script_names_an_address_from_the_root_of_the_host() -> None:
    """The site may lie below a path of it: `{% url %}`, `{% static %}` and site.js know where."""
    sources = [path for folder in ("templates", "annotation/static", "platform/hub/static") for path in (ROOT / folder).rglob("*.*")]
    ours = [path for path in sources if path.suffix in FROM_THE_ROOT and not FETCHED & set(path.parts)]
    assert len(ours) > 60
    found = [f"{path.relative_to(ROOT)}: {line.strip()}" for path in ours for line in path.read_text().splitlines()
             if re.search(FROM_THE_ROOT[path.suffix], line)]  # fmt: skip
    assert found == []


def test_the_import_contract_is_kept() -> None:
    # The command of the environment that runs the tests; on another PATH there may be none.
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_too_long_and_no_folder_too_full() -> None:
    kinds = {".py", ".js", ".css", ".html"}
    files = [path for top in ("annotation", "deploy", "learner", "platform", "templates", "tests") for path in (ROOT / top).rglob("*.*")]
    ours = [path for path in files if path.suffix in kinds and not {*FETCHED, "migrations"} & set(path.parts)]
    assert len(ours) > 400
    assert [str(path) for path in ours if len(path.read_text().splitlines()) > 400] == []
    for folder in ("annotation", "learner/core"):
        assert len([one for one in (ROOT / folder).iterdir() if not one.name.startswith("__")]) <= 14


PAGES = [*sorted((ROOT / "docs/developers").glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
STARTS = ("", "annotation", "annotation/services", "learner", "learner/core", "platform", "platform/hub")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_for_developers_name_files_that_are_there(page: Path) -> None:
    text = page.read_text()
    for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|js|html|toml|lock))", text):
        assert any((ROOT / start / name).exists() for start in STARTS), name
    for link in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("module", ["hub.asgi", "annotation.actors", "learner.actors", "learner.services"])
def test_a_process_loads_neither_torch_nor_the_label_studio_sdk(module: str) -> None:
    code = (
        "import django; django.setup(); import importlib, sys, django.urls;"
        f"importlib.import_module({module!r}); django.urls.get_resolver().url_patterns;"
        "print(*sorted({'torch', 'torchaudio', 'label_studio_sdk', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.strip() == ""


def test_no_migration_is_missing(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
