"""Check what files of weights say of themselves before it is believed: their kind, their settings, the size of their network."""

import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from learner.core.audio import SAMPLE_RATES
from learner.core.separators import MissingExtra, Separator, build
from learner.core.songs import TARGETS

LARGEST = 65_536  # that a number in a network's settings may be: bins, widths, layers, samples of a frame
DEEPEST, LONGEST = 8, 1_000  # of lists in lists; entries of one, letters of a text
SPARE_WEIGHTS, SPARE_STEPS = 1 << 24, 20_000  # a network may make more than its file holds: windows, constants, its first weights
SHOWN = 40  # letters of a wrong value


class BadSetting(ValueError):
    """A value in a file's description is outside what is allowed."""


def strange_kind(path: Path) -> str:
    """What a file is, in words, where it is plainly no file of weights; otherwise empty. Raises OSError."""
    with path.open("rb") as file:
        begin = file.read(512)
    text = begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, a note in place of the file: fetch the file itself, such as with `git lfs pull`"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return "is a web page: the address that it was fetched from answered with an error, a login, or a view of the file"
    if not begin:
        return "is empty: 0 bytes"
    return ""


def is_safetensors(path: Path) -> bool:
    """Whether it begins as safetensors do: the length of a header in eight bytes, and the header, which is JSON."""
    with path.open("rb") as file:
        begin = file.read(9)
    return len(begin) == 9 and begin[8:] == b"{" and int.from_bytes(begin[:8], "little") <= path.stat().st_size


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise BadSetting for a sample rate, channels or stem that no separator can have."""
    low, high = SAMPLE_RATES
    if "sample_rate" in settings and not (_is_int(settings["sample_rate"]) and low <= settings["sample_rate"] <= high):
        raise BadSetting(f"sample_rate is {shown(settings['sample_rate'])}; {low} to {high} Hz are allowed, as a whole number")
    if "channels" in settings and not (_is_int(settings["channels"]) and settings["channels"] in (1, 2)):
        raise BadSetting(f"channels is {shown(settings['channels'])}; 1 and 2 are allowed")
    if "stem" in settings and settings["stem"] not in TARGETS:
        raise BadSetting(f"stem is {shown(settings['stem'])}; allowed are {', '.join(TARGETS)}")


def build_within(architecture: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Separator:
    """Build the separator that a file describes, if it is about as large as the file's own tensors: a description costs nothing to write.

    Raises BadSetting naming what is wrong in `config`, ValueError for what cannot be built, MissingExtra.
    """
    check_settings(config)
    for name, value in _values(config, "config", 0):
        if _is_int(value) and not 0 <= value <= LARGEST and name != "config.sample_rate":
            raise BadSetting(f"{name} is {shown(value)}; whole numbers from 0 to {LARGEST} are allowed")
        if isinstance(value, float) and not abs(value) <= LARGEST:  # nor NaN
            raise BadSetting(f"{name} is {value}; numbers up to {LARGEST} are allowed")
        if isinstance(value, str) and len(value) > LONGEST:
            raise BadSetting(f"{name} has {len(value)} letters; at most {LONGEST} are allowed")
    n_weights = sum(value.numel() for value in tensors.values())
    try:
        with warnings.catch_warnings(), _Counting(4 * n_weights + SPARE_WEIGHTS, 200 * len(tensors) + SPARE_STEPS):
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            return build(architecture, config)
    except MissingExtra:
        raise
    except _TooMuch as problem:
        raise BadSetting(f"config describes a network that is far larger than the {n_weights} weights of the file") from problem
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError) as problem:
        raise BadSetting(f"config does not fit {architecture}: {type(problem).__name__}: {problem}") from problem


def shown(value: Any) -> str:
    """A wrong value for a message: as Python writes it, not at length."""
    try:
        written = repr(value)
    except ValueError:  # a number of thousands of digits
        written = f"a {type(value).__name__}"
    return written if len(written) <= SHOWN else f"{written[:SHOWN]}…"


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _values(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The plain values in settings, with their names such as config.widths[0]."""
    if depth > DEEPEST:
        raise BadSetting(f"{name} is nested too deeply; {DEEPEST} levels are allowed")
    if not isinstance(value, Mapping | list | tuple):
        yield name, value
        return
    if len(value) > LONGEST:
        raise BadSetting(f"{name} has {len(value)} entries; at most {LONGEST} are allowed")
    named = ((f"{name}.{key}", inner) for key, inner in value.items()) if isinstance(value, Mapping) else None
    for inner_name, inner in named or ((f"{name}[{number}]", inner) for number, inner in enumerate(value)):
        yield from _values(inner, inner_name, depth + 1)


class _TooMuch(RuntimeError):
    """More tensors were made than were allowed."""


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stop where more is made than this: before it is, where its shape is asked for."""

    def __init__(self, n_weights: int, n_steps: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.n_weights, self.n_steps = n_weights, n_steps

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shape = args[0] if args and isinstance(args[0], list | tuple) and all(_is_int(size) for size in args[0]) else ()
        if math.prod(shape) > self.n_weights:
            raise _TooMuch
        made = function(*args, **(kwargs or {}))
        self.n_steps -= 1
        if isinstance(made, Tensor) and not function._schema.is_mutable:
            self.n_weights -= made.numel()
        if self.n_weights < 0 or self.n_steps < 0:
            raise _TooMuch
        return made
