"""What the command line says: progress, notes, tables, files of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from learner.core import songs
from learner.core.files.plain import plain
from learner.core.teaching.progress import Progress as Step

ABSENT = "–"  # noqa: RUF001 - a dash in a table, where there is no figure


def label_of(path: Path, among: Sequence[Path]) -> str:
    """A checkpoint's short name: the start of its hash, or its file's name; the whole path where that is not enough."""
    short = [p.stem[:10] for p in among]
    return path.stem[:10] if short.count(path.stem[:10]) == 1 else str(path)


Tell = Callable[[int, int, str], None]


@contextmanager
def progress_bar(verb: str, unit: str, *, shown: bool = True) -> Iterator[Tell]:
    """Show a progress bar on standard error while the body runs; it is told (done, in all, a word on what)."""
    columns = (
        TextColumn("{task.description}", markup=False),  # names of songs may hold what looks like markup
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task(verb, total=None, what="")
        yield lambda done, total, what: bar.update(task, completed=done, total=total, what=what)


def in_seconds(tell: Tell) -> Callable[[float, float], None]:
    return lambda done, total: tell(round(done), round(total), "")


def in_steps(tell: Tell) -> Callable[[Step], None]:
    return lambda step: tell(step.step, step.total, step.doing or f"loss {step.loss:.4f}")


def say_notes(notes: Sequence[songs.Note]) -> None:
    for one in notes:
        print(f"note: {one}", file=sys.stderr)


def say_bad(bad: Sequence[songs.Bad]) -> None:
    for one in bad:
        print(f"left out: {one}", file=sys.stderr)


def console() -> Console:
    """A pipe has no width of its own; tables in it should not be squeezed."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def write_json(path: Path, content: Any) -> None:
    """Write JSON to a file, or to standard output for `-`. Figures that are not defined become null."""
    text = json.dumps(plain(content), indent=2, sort_keys=True, allow_nan=False)
    if str(path) == "-":
        print(text)
    else:
        path.write_text(text + "\n", encoding="utf-8")
