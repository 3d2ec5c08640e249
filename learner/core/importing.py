"""Turn weights from elsewhere into a checkpoint: safetensors files and PyTorch's state dicts, never pickled classes."""

import pickle
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from learner.core import checkpoint
from learner.core.checkpoint import Saved
from learner.core.separators import build

WRAPPERS = ("state_dict", "state", "model_state_dict", "model", "weights", "net")  # keys under which others keep the tensors
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")  # of DataParallel, torch.compile, Lightning, and ours
# Constants that a package computes by itself, and that its older versions saved too; counters of batch norm, which nothing reads.
COMPUTED = ("sample_rate", "window", "num_batches_tracked")
SHOWN = 6  # names in a message


class BadWeights(ValueError):
    """These weights cannot be imported."""


def import_weights(path: Path, *, architecture: str, config: Mapping[str, Any], out: Path) -> Saved:
    """Build the separator that `config` describes, fill it with the weights in `path`, and save a checkpoint into the folder `out`.

    Raises BadWeights for a file that is not one of weights or does not fit, with the names that are missing and left over, and for
    an architecture or a config that cannot be; MissingExtra.
    """
    tensors = read_weights(path)
    try:
        separator = build(architecture, config)
    except (ValueError, TypeError) as problem:
        raise BadWeights(f"cannot build {architecture}: {problem}") from problem
    own = separator.net.state_dict()
    found = _without_prefix(tensors, own.keys())
    missing = [name for name in own if name not in found and not name.endswith(COMPUTED)]
    left = [name for name in found if name not in own and not name.endswith(COMPUTED)]
    unlike = [
        f"{name} {tuple(found[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in found and found[name].shape != own[name].shape
    ]
    problems = [
        f"{len(names)} {what}: {', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"
        for names, what in ((missing, "missing"), (left, "left over"), (unlike, "of another shape"))
        if names
    ]
    if problems:
        raise BadWeights(f"{path.name} does not fit {architecture} with this config: {'; '.join(problems)}")
    separator.net.load_state_dict({name: value for name, value in found.items() if name in own}, strict=False)
    recipe = {"algorithm": "import", "file": path.name, "sha256": checkpoint.file_hash(path)}
    return checkpoint.save(separator, out, recipe=recipe, parent=None)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors in a file by name, out of the wrapper that they may lie in. Raises BadWeights."""
    if not path.is_file():
        raise BadWeights(f"{path}: there is no such file")
    content: Any = _safe(path) if path.suffix == ".safetensors" else _unpickled(path)
    while not _are_tensors(content):
        wrapped = [content[key] for key in WRAPPERS if isinstance(content, Mapping) and isinstance(content.get(key), Mapping)]
        if not wrapped:
            raise BadWeights(f"{path.name} holds no state dict: wanted are names with tensors, or those under {', '.join(WRAPPERS)}")
        content = wrapped[0]
    return dict(content)


def _safe(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as problem:
        raise BadWeights(f"{path.name} is not a safetensors file ({problem})") from problem


def _unpickled(path: Path) -> Any:
    """What PyTorch reads without running any code that the file brings."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        raise BadWeights(
            f"{path.name} is refused: besides tensors it holds pickled classes, which could run any code (or it is no PyTorch file). "
            "Save its state dict alone, where you trust it: torch.save(model.state_dict(), ...)"
        ) from problem
    except (RuntimeError, EOFError, ValueError, KeyError) as problem:
        reason = (str(problem).splitlines() or ["it is empty"])[0]
        raise BadWeights(f"{path.name} is not a PyTorch file of weights ({reason})") from problem


def _are_tensors(content: Any) -> bool:
    return isinstance(content, Mapping) and bool(content) and all(isinstance(value, Tensor) for value in content.values())


def _without_prefix(tensors: dict[str, Tensor], wanted: Set[str]) -> dict[str, Tensor]:
    """Take off prefixes that all names share, until some name is a wanted one."""
    while not wanted & tensors.keys():
        prefix = next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None)
        if prefix is None:
            break
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors
