"""Many long runs, over several processes: each finished one is a file, so that a benchmark killed half-way goes on from there."""

import hashlib
import json
import math
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol

from learner.core import checkpoint
from learner.core.files.plain import plain

FORMAT = 2  # of results; files of another one are made again

Result = dict[str, Any]
Tell = Callable[[int, int, str], None]  # runs done, runs in all, a word on the last


class Run(Protocol):
    """A frozen dataclass whose fields are all that its result depends on."""

    @property
    def key(self) -> str:
        """Names the result's file; no two runs of a benchmark share it."""

    def work(self) -> Result:
        """Return plain values."""


def finish(runs: Sequence[Run], out: Path, *, workers: int, tell: Tell = lambda *_: None) -> dict[str, Result]:
    """Do every run that has no file in `out` yet; return the results of all, by key.

    A file that was written with other settings is done again. With one worker the runs are done in this process, else each in one
    of `workers` processes; either way PyTorch has one thread from here on.
    """
    out.mkdir(parents=True, exist_ok=True)
    results = {run.key: kept for run in runs if (kept := _kept(run, out)) is not None}
    todo = [run for run in runs if run.key not in results]
    tell(len(results), len(runs), "")

    def done(run: Run, result: Result) -> None:
        content = {"settings": settings_hash(run), "result": plain(result)}
        write_whole(out / f"{run.key}.json", json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")
        results[run.key] = read_result(out / f"{run.key}.json")
        tell(len(results), len(runs), run.key)

    if workers == 1 or len(todo) < 2:
        _one_thread()
        for run in todo:
            done(run, run.work())
        return results
    # A forked copy of a process that has used PyTorch may hang, so each worker starts anew.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=context, initializer=_as_worker) as pool:
        under_way = {pool.submit(run.work): run for run in todo}
        try:
            for future in as_completed(under_way):
                done(under_way[future], future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def settings_hash(run: Run) -> str:
    described = json.dumps([FORMAT, type(run).__name__, _described(run)], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def _described(value: Any) -> Any:
    """Plain values of a dataclass and what it holds.

    Where a checkpoint or a folder lies does not change what is in it, and an extra setting at its default does not make another run.
    """
    if isinstance(value, list | tuple):
        return [_described(item) for item in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    told = {}
    for one in fields(value):
        own = getattr(value, one.name)
        if one.name not in ("path", "folder") and not (one.metadata.get("extra") and own == one.default):
            told[one.name] = _described(own)
    return told


def read_result(path: Path) -> Result:
    """Figures that are not defined are null in the file and NaN here."""
    result: Result = with_nan(json.loads(path.read_text(encoding="utf-8"))["result"])
    return result


def write_whole(path: Path, text: str) -> None:
    """As `checkpoint.write_whole`."""
    checkpoint.write_whole(path, text.encode())


def with_nan(value: Any) -> Any:
    """What `plain` gave, with NaN again where null stands."""
    if isinstance(value, dict):
        return {key: with_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_nan(item) for item in value]
    return math.nan if value is None else value


def _kept(run: Run, out: Path) -> Result | None:
    path = out / f"{run.key}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return read_result(path) if content["settings"] == settings_hash(run) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _as_worker() -> None:
    """Prepare a worker process, which ends with the process that started it, however that one ends."""
    _one_thread()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
