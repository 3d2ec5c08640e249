"""The lock files: what `make setup` installs is what pyproject.toml asks for, and every file of it has a hash."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.lock import DEV, RUN, TORCH
from hub.home import ROOT

HASHED = r"[a-z0-9-]+==\S+( ; .+)? \\\n(    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}\n"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def versions(*texts: str) -> dict[str, set[str]]:
    """The versions of each package in these locks; several where systems or Pythons need different ones."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^\s;]+)", "".join(texts), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize(
    ("asked", "locks"),
    [(PROJECT["dependencies"], (RUN, TORCH)), (PROJECT["optional-dependencies"]["dev"], (RUN, DEV, TORCH))],
    ids=["to run", "to develop"],
)
def test_the_lock_has_a_version_that_is_allowed_of_all_that_the_project_asks_for(asked: list[str], locks: tuple) -> None:
    locked = versions(*(path.read_text() for path in locks))
    for one in map(Requirement, asked):
        found = locked.get(canonicalize_name(one.name), set())
        assert found and all(map(one.specifier.contains, found)), f"{one}: locked is {found or 'nothing'}; run `make lock`"


@pytest.mark.parametrize("path", [RUN, DEV], ids=lambda path: path.name)
def test_every_locked_version_has_hashes_and_no_line_says_where_it_comes_from(path: Path) -> None:
    heading, _, body = path.read_text().partition("\n")
    assert heading.startswith("# ") and re.fullmatch(f"({HASHED})+", body)


def test_no_package_is_locked_twice() -> None:
    run, dev, torch = (versions(path.read_text()).keys() for path in (RUN, DEV, TORCH))
    assert not run & dev and not (run | dev) & torch
