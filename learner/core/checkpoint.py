"""Checkpoints: safetensors files, named by the hash of their content, that say what they are and where they come from."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from learner.core.files.disk_space import naming
from learner.core.files.names import readable
from learner.core.separators import Separator
from learner.core.separators.modelfiles import BadSetting, build_within, check_settings, shown, strange_kind

# One metadata entry: safetensors writes several in an order that changes from run to run, and with it the hash.
ENTRY = "unbleed"


class BadCheckpoint(ValueError):
    """This file is not a checkpoint that can be used."""


@dataclass(frozen=True)
class Saved:
    path: Path
    hash: str  # SHA-256 of the file, hexadecimal


@dataclass(frozen=True)
class About:
    """What a checkpoint says of itself."""

    architecture: str
    config: dict[str, Any]
    sample_rate: int
    channels: int
    stem: str
    parent: str | None  # hash
    recipe: dict[str, Any]
    seed: int
    code_version: str


def code_version() -> str:
    try:
        return version("unbleed")
    except PackageNotFoundError:
        return "unknown"


def save(
    separator: Separator,
    folder: Path,
    *,
    recipe: Mapping[str, Any],
    parent: str | None,
    seed: int = 0,
    name: str = "",
    kept_as: torch.dtype | None = None,
) -> Saved:
    """Write `<hash>.safetensors` into `folder`, whole or not at all; with a `name`, `<name>.safetensors`.

    Weights are rounded to `kept_as`, where given, in the file alone. Raises BadCheckpoint for weights that are not finite.
    """
    if not separator.is_finite():
        raise BadCheckpoint("the weights hold NaN or infinity; nothing was written")
    about = {
        "architecture": separator.architecture,
        "config": separator.config,
        "sample_rate": separator.sample_rate,
        "channels": separator.channels,
        "stem": separator.stem,
        "parent": parent,
        "recipe": dict(recipe),
        "seed": seed,
        "code_version": code_version(),
    }
    # Layers may share weights; safetensors refuses tensors that share memory, so each name gets its own copy.
    tensors = {key: value.detach().to("cpu", kept_as).contiguous().clone() for key, value in separator.state_dict().items()}
    content = to_bytes(tensors, metadata={ENTRY: json.dumps(about, sort_keys=True)})
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{name or digest}.safetensors"
    write_whole(path, content)
    return Saved(path, digest)


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary name beside `path`, then rename: a reader sees the old file, or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    try:
        with naming(path), open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def file_hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def about(path: Path) -> About:
    """Read what a checkpoint says of itself, without its tensors. Raises BadCheckpoint."""
    return _read(path, tensors=False)[0]


def load(path: Path, device: str = "cpu") -> Separator:
    """Return the separator, in evaluation mode, on the device. Raises BadCheckpoint with the reason."""
    description, tensors = _read(path, tensors=True)
    try:
        separator = build_within(description.architecture, description.config, tensors)
    except (ValueError, TypeError, ImportError, RuntimeError) as problem:
        raise BadCheckpoint(f"{readable(path.name)}: cannot build {description.architecture!r}: {problem}") from problem
    for name in ("sample_rate", "channels", "stem"):
        said, is_so = getattr(description, name), getattr(separator, name)
        if said != is_so:
            raise BadCheckpoint(f"{readable(path.name)}: its header says that {name} is {said!r}, its config makes it {is_so!r}")
    try:
        separator.load_state_dict(tensors)
    except RuntimeError as problem:
        fault = f"the tensors do not fit the architecture {description.architecture!r}: {problem}"
        raise BadCheckpoint(f"{readable(path.name)}: {fault}") from problem
    if not separator.is_finite():
        raise BadCheckpoint(f"{readable(path.name)}: the weights hold NaN or infinity")
    return separator.eval().to(torch.device(device))


def _read(path: Path, *, tensors: bool) -> tuple[About, dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            values = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118 - no mapping
    except FileNotFoundError as problem:
        raise BadCheckpoint(f"{readable(path)}: there is no such file") from problem
    except (SafetensorError, OSError) as problem:
        strange = strange_kind(path) if path.is_file() else ""
        fault = f"not a safetensors file ({problem}){'; it ' if strange else ''}{strange}"
        raise BadCheckpoint(f"{readable(path.name)}: {fault}") from problem
    if ENTRY not in metadata:
        raise BadCheckpoint(f"{readable(path.name)}: a safetensors file, but not one of ours: it lacks the metadata entry {ENTRY!r}")
    try:
        return _checked(About(**json.loads(metadata[ENTRY]))), values
    except BadSetting as problem:
        raise BadCheckpoint(f"{readable(path.name)}: {problem}") from problem
    except (TypeError, ValueError, RecursionError) as problem:
        raise BadCheckpoint(f"{readable(path.name)}: its metadata cannot be read ({problem})") from problem


def _checked(about: About) -> About:
    """Raise BadSetting for a header that no checkpoint of ours has, and no row could keep."""
    check_settings({"sample_rate": about.sample_rate, "channels": about.channels, "stem": about.stem})
    for name, value, longest in (
        ("architecture", about.architecture, 40),
        ("code_version", about.code_version, 40),
        ("parent", about.parent or "", 64),
    ):
        if not isinstance(value, str) or len(value) > longest:
            raise BadSetting(f"{name} is {shown(value)}; a text of at most {longest} letters is allowed")
    if isinstance(about.seed, bool) or not isinstance(about.seed, int) or not -(2**63) <= about.seed < 2**63:
        raise BadSetting(f"seed is {shown(about.seed)}; whole numbers of 64 bits are allowed")
    for name in ("config", "recipe"):
        if not isinstance(getattr(about, name), dict):
            raise BadSetting(f"{name} is {shown(getattr(about, name))}; names with values are wanted")
    try:
        written = json.dumps(vars(about), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as problem:
        raise BadSetting("the header holds half of a letter, which is no text") from problem
    except ValueError as problem:
        raise BadSetting("the header holds NaN or infinity, which is no JSON") from problem
    if rb"\u0000" in written.replace(rb"\\", b""):
        raise BadSetting("the header holds NUL, which no text does")
    return about
