"""Look at a checkpoint's file that somebody sent: in a process of its own, with little memory and time, and never unpickled.

A process of its own, since a file that is made to do harm may make its reader crash, or take all memory; the limits are the kernel's.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from learner.core.files.names import readable

LARGEST = 1024**3  # bytes of a file; the largest base that is published has 527 MB
TIMES, SPARE = 6, 2 * 1024**3  # memory beside what PyTorch takes: so many times the file, and so many bytes
SECONDS = 180  # of a processor
LONGEST = 900  # seconds on a machine that has other things to do
LONGEST_HEADER = 25_000_000  # bytes; that of a network of 1,000 tensors has 100,000
MOST_SAID = 600  # letters
PICKLES = (b"PK\x03\x04", *(b"\x80" + bytes([version]) for version in range(2, 6)))  # PyTorch's zip, and pickles as they are


class Unusable(ValueError):
    """This file cannot be used as a base."""


def check(file: Path) -> None:
    """Raise `Unusable`, saying what is wrong, unless the file is a checkpoint that loads and makes something finite of noise."""
    if (size := file.stat().st_size) > LARGEST:
        raise Unusable(f"{readable(file.name)} has {size / 1e9:.1f} GB; at most {LARGEST / 1e9:.1f} GB are taken.")
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "learner.core.bases.limited", str(file)]
    child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said, trouble = _finished(child, time.monotonic() + LONGEST)
    finally:
        child.kill()
        child.wait()
    if child.returncode < 0:
        raise Unusable(_ended_by(file, -child.returncode))
    if child.returncode:
        raise Unusable(f"{readable(file.name)} could not be looked at: {trouble.strip()[-MOST_SAID:]}")
    if wrong := json.loads(said.splitlines()[-1]):
        raise Unusable(wrong)


def _finished(child: subprocess.Popen[str], until: float) -> tuple[str, str]:
    """What it said, when it has ended; in short waits, so that a job that is cancelled meanwhile ends with it."""
    while True:
        try:
            return child.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                child.kill()


def _ended_by(file: Path, number: int) -> str:
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return f"{readable(file.name)} takes too long: looking at it may take {SECONDS} s of a processor."
    return f"{readable(file.name)} made its reader crash ({signal.Signals(number).name}); it may need more memory than it is given here."


def fault(file: Path) -> str:
    """What is wrong with a file, in words; empty: nothing. For the limited process."""
    import numpy as np

    from learner.core import checkpoint
    from learner.core.separate import separate

    if wrong := _strange(file) or _header_fault(file):
        return f"{readable(file.name)} {wrong}"
    try:
        separator = checkpoint.load(file)
    except checkpoint.BadCheckpoint as problem:
        return " ".join(str(problem).split())
    noise = np.random.default_rng(0).normal(0, 0.1, (separator.channels, separator.sample_rate)).astype(np.float32)
    if not np.isfinite(separate(separator, noise, separator.sample_rate)).all():
        return f"{readable(file.name)} loads, but what it extracts from a second of noise holds NaN or infinity."
    return ""


def _strange(file: Path) -> str:
    with file.open("rb") as opened:
        begin = opened.read(4)
    if not begin.startswith(PICKLES):
        return ""
    return (
        "is a pickle, as PyTorch's .pt, .pth and .ckpt files are, whatever it is called. Such a file can run any code when it is opened: "
        "it was not opened. Who trusts it makes a checkpoint of it by python -m learner.core import, and sends that."
    )


def _header_fault(file: Path) -> str:
    """What its header says that cannot be, in plainer words than the library that reads it."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 9 or length > min(size - 8, LONGEST_HEADER):
            return f"is no safetensors file, or was cut off: its first bytes announce a header of {length} bytes, and it has {size} in all."
        header = opened.read(length)
    try:
        entries: Any = json.loads(header)
        ends = [one["data_offsets"][1] for name, one in entries.items() if name != "__metadata__"]
        needed = 8 + length + max(ends, default=0)
    except (ValueError, RecursionError):
        return "is no safetensors file: its header is no JSON."
    except (TypeError, KeyError, IndexError, AttributeError):
        return "is no safetensors file: its header does not say where the tensors lie."
    return f"was cut off, or its header lies: its tensors end at byte {needed}, and it has {size} bytes." if needed > size else ""


def _limit(file: Path) -> None:
    """From here on the process has so much memory and time, and may write no file; what it has taken so far is not counted."""
    taken = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(taken.ru_utime + taken.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, spent + SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = Path("/proc/self/statm")
    if memory.exists():  # Linux; macOS knows no such limit
        pages = int(memory.read_text().split()[0])
        most = pages * resource.getpagesize() + TIMES * file.stat().st_size + SPARE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _main(file: Path) -> None:
    import torch

    import learner.core.separate  # noqa: F401 - all that will be needed is here before the limits are

    torch.set_num_threads(1)
    _limit(file)
    try:
        said = fault(file)
    except MemoryError:
        said = f"{readable(file.name)} needs more memory than it is given here."
    except Exception as problem:  # whatever a made-up file makes a network trip over: to find that is what this process is for
        said = f"{readable(file.name)} cannot be used: {type(problem).__name__}: {' '.join(str(problem).split())}"
    print(json.dumps(said[:MOST_SAID]))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
