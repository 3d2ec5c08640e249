"""Every kind of event has words."""

import ast
import re
from pathlib import Path

from hub.home import ROOT
from hub.pages.words import SENTENCES

THINGS = {name.split(".")[0] for name in SENTENCES}


def kinds_in(file: Path) -> set[str]:
    """The kinds of events that a module names: strings such as "round.opened"."""
    strings = (node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant))
    kinds = (one for one in strings if isinstance(one, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", one))
    return {one for one in kinds if one.split(".")[0] in THINGS}


def test_every_kind_of_event_has_words() -> None:
    files = [file for half in ("annotation", "learner") for file in (ROOT / half).rglob("*.py") if "migrations" not in file.parts]
    named = set().union(*map(kinds_in, files))
    assert len(named) > 30
    assert not named - SENTENCES.keys()
