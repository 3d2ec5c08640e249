"""Turn weights from elsewhere into a checkpoint: safetensors files and PyTorch's state dicts, never what pickled classes do.

Trainers write more than the network: losses, metrics, averaged weights, under names of their own. What is wanted is a prefix under
which every name of the network is; what lies beside it is named and passed over.
"""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from learner.core import checkpoint
from learner.core.checkpoint import Saved
from learner.core.files.names import readable
from learner.core.separators import htdemucs
from learner.core.separators.modelfiles import build_within, is_safetensors, strange_kind

# Keys under which others keep the tensors, best first; any other is looked into after these.
WRAPPERS = ("state_dict", "state", "model_state_dict", "model", "weights", "net")
DEEP = 4  # wrappers in wrappers
# Constants that a package computes by itself, and that its older versions saved too; counters of batch norm, which nothing reads.
COMPUTED = ("sample_rate", "window", "num_batches_tracked")
SHOWN = 6  # names in a message
# What a float of NumPy's, such as a best loss, is in a pickle: plain values, made by no code that the file brings.
SCALAR = np.float64(0).__reduce__()[0]
NUMPY: list[Any] = [
    np.dtype,
    *(kind for kind in vars(np.dtypes).values() if isinstance(kind, type)),
    (SCALAR, "numpy._core.multiarray.scalar"),
    (SCALAR, "numpy.core.multiarray.scalar"),  # as NumPy 1 calls it
]


class Named:
    """Stands where a file names a class beside its weights: what the file gives it is dropped, and nothing of that class runs."""

    def __init__(self, *_: Any) -> None: ...


# Demucs writes the class of its network, and the length of a piece as a fraction.
DEMUCS: list[Any] = [(Named, "demucs.htdemucs.HTDemucs"), (Named, "fractions.Fraction")]


@dataclass(frozen=True)
class Imported(Saved):
    prefix: str  # under which the file has the network's names
    passed_over: tuple[str, ...]  # names of tensors that the network has no part for


class BadWeights(ValueError):
    """These weights cannot be imported."""


def import_weights(
    path: Path, *, architecture: str, config: Mapping[str, Any], out: Path, card: Mapping[str, str] | None = None, name: str = ""
) -> Imported:
    """Build the separator that `config` describes, fill it with the weights in `path`, and save a checkpoint into the folder `out`.

    The checkpoint says of its origin what is in `card`, and is called by its hash, or by `name`. Demucs' own files say their config, of
    which `config` changes what it names.
    Raises BadWeights for a file that is not one of weights or does not fit, with the names that are missing and left over, and for
    an architecture or a config that cannot be; MissingExtra.
    """
    source = readable(path.name)
    content = _content(path)
    found = list(_state_dicts(content, DEEP))
    if not found:
        raise BadWeights(
            f"{source} holds no state dict: wanted are names with tensors, or those under {', '.join(WRAPPERS)} or another key"
        )
    largest = max(found, key=lambda tensors: sum(value.numel() for value in tensors.values()))
    try:
        if architecture == "htdemucs" and isinstance(content, Mapping) and isinstance(content.get("kwargs"), Mapping):
            config = {**htdemucs.config_of(content["kwargs"]), **config}
        separator = build_within(architecture, config, largest)
    except (ValueError, TypeError) as problem:
        raise BadWeights(f"cannot build {architecture}: {problem}") from problem
    own = separator.net.state_dict()
    found = [{separator.own_name(name): value for name, value in tensors.items()} for tensors in found]
    fits = [_Fit.of(own, tensors) for tensors in found]
    fit = next((fit for fit in fits if not fit.problems), None)
    if fit is None:
        fit = min(fits, key=lambda fit: len(fit.missing))
        raise BadWeights(f"{source} does not fit {architecture} with this config{fit.under}: {'; '.join(fit.problems)}")
    try:
        separator.net.load_state_dict({key: value for key, value in fit.tensors.items() if key in own}, strict=False)
    except RuntimeError as problem:
        raise BadWeights(f"{source}: its tensors cannot be copied ({problem})") from problem
    recipe = {"algorithm": "import", **(card or {}), "file": source, "sha256": checkpoint.file_hash(path)}
    saved = checkpoint.save(separator, out, recipe=recipe, parent=None, name=name)
    return Imported(saved.path, saved.hash, fit.prefix, tuple(fit.passed_over))


@dataclass(frozen=True)
class _Fit:
    """How the tensors of a state dict fit a network, under the prefix that suits best."""

    prefix: str
    tensors: dict[str, Tensor]  # without the prefix
    missing: list[str]
    unlike: list[str]
    left: list[str]  # parts that the network has none of, within parts that it has: another network, not another thing
    passed_over: list[str]

    @classmethod
    def of(cls, own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> "_Fit":
        wanted = [name for name in own if not name.endswith(COMPUTED)]
        prefix = _prefix(wanted, tensors)
        within = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        parts = {name.split(".")[0] for name in own}
        strange = [name for name in within if name not in own and not name.endswith(COMPUTED)]
        return cls(
            prefix,
            within,
            [name for name in wanted if name not in within],
            [
                f"{name} {tuple(within[name].shape)} for {tuple(own[name].shape)}"
                for name in own
                if name in within and within[name].shape != own[name].shape
            ],
            [name for name in strange if name.split(".")[0] in parts],
            [name for name in tensors if not name.startswith(prefix)]
            + [prefix + name for name in strange if name.split(".")[0] not in parts],
        )

    @property
    def problems(self) -> list[str]:
        """Why the network cannot be filled from these; empty where it can."""
        if not (self.missing or self.unlike or self.left):
            return []
        found = ((self.missing, "missing"), ([*self.left, *self.passed_over], "left over"), (self.unlike, "of another shape"))
        return [f"{len(names)} {what}: {listed(names)}" for names, what in found if names]

    @property
    def under(self) -> str:
        return f", under the prefix {self.prefix!r}" if self.prefix else ""


def listed(names: list[str]) -> str:
    """The first few names."""
    return f"{', '.join(readable(name) for name in names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"


def _prefix(wanted: list[str], tensors: Mapping[str, Tensor]) -> str:
    """What stands before the network's own names: the shortest prefix that most of them have; averaged weights come last."""
    first = next((name for name in wanted if any(other.endswith(name) for other in tensors)), None)
    if first is None:
        return ""
    before = {name.removesuffix(first) for name in tensors if name.endswith(first)}
    whole = [prefix for prefix in before if not prefix or prefix.endswith(".")]

    def order(prefix: str) -> tuple[int, bool, int, str]:
        return -sum(prefix + name in tensors for name in wanted), "ema" in prefix.casefold(), len(prefix), prefix

    return min(whole, key=order, default="")


def _content(path: Path) -> Any:
    """What a file of weights holds, by what it is and not by what it is called. Raises BadWeights."""
    name = readable(path.name)
    if not path.is_file():
        raise BadWeights(f"{readable(path)}: there is no such file")
    if strange := strange_kind(path):
        raise BadWeights(f"{name} is not a file of weights: it {strange}")
    if is_safetensors(path) or (path.suffix == ".safetensors" and not _is_zip(path)):
        try:
            return load_file(path)
        except SafetensorError as problem:
            raise BadWeights(f"{name} is not a safetensors file ({problem})") from problem
    try:
        # Open, so that it does not go by the name; `weights_only` runs no code that the file brings.
        with path.open("rb") as file, torch.serialization.safe_globals([*NUMPY, *DEMUCS]):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        raise BadWeights(
            f"{name} is refused: besides tensors it holds pickled classes, which could run any code (or it is no PyTorch file). "
            "Save its state dict alone, where you trust it: torch.save(model.state_dict(), ...)"
        ) from problem
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as problem:
        reason = (str(problem).splitlines() or ["it is empty"])[0]
        raise BadWeights(f"{name} is not a PyTorch file of weights ({reason})") from problem


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _state_dicts(content: Any, deep: int) -> Iterator[dict[str, Tensor]]:
    """Yield the tensors in a file by name, and those of wrappers within it, the likeliest first."""
    if not isinstance(content, Mapping) or not deep:
        return
    if tensors := {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}:
        yield tensors
    known = [key for key in WRAPPERS if key in content]
    for key in (*known, *(key for key in content if key not in known)):
        yield from _state_dicts(content[key], deep - 1)
