"""The page for operators names only what is there."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from hub import settings
from hub.home import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATING = (ROOT / "docs" / "operating.md").read_text()
DEPLOY = ROOT / "deploy"


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?://|sound:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


def test_every_command_of_the_page_exists() -> None:
    named = set(re.findall(r"^unbleed ([a-z_]+)", OPERATING, re.MULTILINE)) | set(re.findall(r"""PART="([a-z]+)""", OPERATING))
    assert {"createsuperuser", "ingest", "doctor", "worker"} <= named <= set(get_commands())


def test_every_file_of_the_page_is_there() -> None:
    named = re.findall(r"source/(deploy/\S+)", OPERATING)
    assert len(named) >= 4 and [name for name in named if not (ROOT / name).is_file()] == []


def test_every_setting_of_the_environment_is_described() -> None:
    given = re.findall(r"^(?:# )?([A-Z_]+)=", (DEPLOY / "systemd" / "environment").read_text(), re.MULTILINE)
    assert settings.__doc__ and {"UNBLEED_HOME", "UNBLEED_PREFIX"} <= set(given)
    assert [name for name in given if not re.search(rf"^{name} ", settings.__doc__, re.MULTILINE)] == []
