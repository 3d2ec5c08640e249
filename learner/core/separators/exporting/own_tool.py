"""A checkpoint as the project that its architecture comes from loads it by its own tool."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from learner.core.checkpoint import write_whole
from learner.core.separators import Separator


def export(separator: Separator, folder: Path, name: str) -> tuple[Path, str]:
    """Write the weights into `folder`; return what the own tool takes, and how. Raises ValueError for architectures that have none.

    `name` is made of letters and digits. Files of PyTorch's are pickles: these hold tensors and, for Demucs, the name of its class.
    """
    if separator.architecture not in WRITERS:
        raise ValueError(f"{separator.architecture} has no tool of its own that would load it; export it as ONNX")
    return WRITERS[separator.architecture](separator, folder, name)


def _openunmix(separator: Separator, folder: Path, name: str) -> tuple[Path, str]:
    """A folder as `umx --model` takes it: <stem>.json, <stem>-<name>.pth, separator.json."""
    config = separator.config
    if config["layers"] != 3 or config["unidirectional"]:
        raise ValueError("Open-Unmix's own loader knows three layers in both directions alone")
    n_fft, hop, stem = config["n_fft"], config["hop"], separator.stem
    args = {"nfft": n_fft, "nhop": hop, "nb_channels": separator.channels, "hidden_size": config["hidden_size"]}
    _write_json(folder / f"{stem}.json", {"args": args})
    _write_json(
        folder / "separator.json", {"sample_rate": separator.sample_rate, "nfft": n_fft, "nhop": hop, "nb_channels": separator.channels}
    )
    _write(folder / f"{stem}-{name}.pth", _state(separator))
    return folder, f"umx --model {folder} --targets {stem} --residual rest SONG"


def _htdemucs(separator: Separator, folder: Path, name: str) -> tuple[Path, str]:
    """A package <name>.th as `demucs --repo` takes it."""
    net: Any = separator.net
    args, kwargs = net._init_args_kwargs
    path = folder / f"{name}.th"
    _write(path, {"klass": type(net), "args": args, "kwargs": dict(kwargs), "state": _state(separator)})
    return path, f"demucs --repo {folder} --name {name} SONG"


def _plain(separator: Separator, folder: Path, name: str) -> tuple[Path, str]:
    """<name>.pth, a state dict, and <name>.json with the arguments that make its network."""
    path = folder / f"{name}.pth"
    _write(path, _state(separator))
    _write_json(folder / f"{name}.json", separator.config)
    module = f"{type(separator.net).__module__}.{type(separator.net).__qualname__}"
    return path, f"{module}(...).load_state_dict(torch.load({str(path)!r}, weights_only=True)), with the arguments in {name}.json"


WRITERS: dict[str, Callable[[Separator, Path, str], tuple[Path, str]]] = {
    "openunmix": _openunmix,
    "htdemucs": _htdemucs,
    "hdemucs": _plain,
    "bsroformer": _plain,
}


def _state(separator: Separator) -> dict[str, Any]:
    return {name: value.detach().to("cpu").clone() for name, value in separator.net.state_dict().items()}


def _write(path: Path, content: Any) -> None:
    made = io.BytesIO()
    torch.save(content, made)
    write_whole(path, made.getvalue())


def _write_json(path: Path, content: Any) -> None:
    write_whole(path, json.dumps(content, indent=1).encode())
