"""Weights of other projects' separators, for machines that reach the hosts where these projects publish them.

Each is pinned by its SHA-256. Demucs and Open-Unmix have its beginning in the names of their files, which is what their own loaders go
by; torchaudio and the authors of the BS-RoFormer publish none, and what stands here is what several other projects found on the file.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from learner.core import checkpoint
from learner.core.bases import BASES, Tell, by_hand
from learner.core.bases.wheels import NotFetched, check
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import MissingExtra
from learner.core.separators.importing import BadWeights, import_weights

PATIENCE = 60.0  # seconds without a byte
BLOCK = 1 << 20  # bytes
BY_PUBLISHER = "its beginning is in the name of the published file"
BY_OTHERS = "its publisher names none; several projects that use the file record this one"


@dataclass(frozen=True)
class Weights:
    url: str
    sha256: str
    sha256_from: str  # who says so
    architecture: str
    card: Mapping[str, str]
    config: Mapping[str, Any] = field(default_factory=dict)  # beside what the file itself says

    @property
    def file(self) -> str:
        return self.url.rsplit("/", 1)[-1]


DEMUCS = "https://dl.fbaipublicfiles.com/demucs/hybrid_transformer"
HTDEMUCS_BY = "Rouard, Massa, Défossez 2023, arXiv 2211.08553; trained by Meta on MUSDB18-HQ and 800 more songs"
WEIGHTS = {
    "openunmix": Weights(
        url="https://zenodo.org/records/3370489/files/vocals-b62c91ce.pth",
        sha256="b62c91ce",
        sha256_from=BY_PUBLISHER,
        architecture="openunmix",
        card={"name": "Open-Unmix, UMXHQ", "by": "Stöter, Uhlich, Liutkus, Mitsufuji 2019, doi 10.21105/joss.01667"},
        config={"hidden_size": 512, "max_bin": 1487},
    ),
    "hdemucs": Weights(
        url="https://download.pytorch.org/torchaudio/models/hdemucs_high_trained.pt",
        sha256="a004b2790d73ffeaa535db458a1a79b539dfdbafbccc31f275d07e632ebd7816",
        sha256_from=BY_OTHERS,
        architecture="hdemucs",
        card={
            "name": "Hybrid Demucs, HDEMUCS_HIGH_MUSDB_PLUS of torchaudio",
            "by": "Défossez 2021, arXiv 2111.03600; trained by Meta on MUSDB-HQ, test songs too, and 150 more songs",
        },
    ),
    "htdemucs": Weights(
        url=f"{DEMUCS}/955717e8-8726e21a.th",
        sha256="8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4",
        sha256_from=BY_PUBLISHER,
        architecture="htdemucs",
        card={"name": "Hybrid Transformer Demucs, htdemucs", "by": HTDEMUCS_BY},
    ),
    "htdemucs-ft": Weights(
        url=f"{DEMUCS}/04573f0d-f3cf25b2.th",
        sha256="f3cf25b222c4eed7cd49dd8b2c9597d50c18bd154090f7b919cfa5f93cf22c49",
        sha256_from=BY_PUBLISHER,
        architecture="htdemucs",
        card={"name": "Hybrid Transformer Demucs, htdemucs_ft, the network of the vocals", "by": HTDEMUCS_BY},
    ),
    "bsroformer": Weights(
        url="https://github.com/ZFTurbo/Music-Source-Separation-Training/releases/download/v1.0.12/model_bs_roformer_ep_17_sdr_9.6568.ckpt",
        sha256="3e9daecd70aaed5b5a0d1f861cc4d77eaa45afb3fc6301b1cf32c1be0f5868fb",
        sha256_from=BY_OTHERS,
        architecture="bsroformer",
        card={
            "name": "BS-RoFormer of four stems, ep_17_sdr_9.6568",
            "by": "Lu et al. 2023, arXiv 2309.02612; trained by R. Solovyev on MUSDB18-HQ, whose songs are for research",
        },
        config={
            "sources": ("drums", "bass", "other", "vocals"),
            "settings": {
                "dim": 384,
                "depth": 8,
                "time_transformer_depth": 1,
                "freq_transformer_depth": 1,
                "stft_hop_length": 441,
                "attn_dropout": 0.1,
                "ff_dropout": 0.1,
                "num_residual_streams": 1,
                "mask_factor": 2,
                "first_values": False,
            },
        },
    ),
}


def fetch(name: str, *, out: Path, file: Path | None, progress: Tell) -> Path:
    """Bring `<name>.safetensors` into a folder, or make it of a `file` at hand (see `by_hand.found`); what is there stays.

    Raises NotFetched, saying what to do.
    """
    weights, published, path = WEIGHTS[name], BASES[name], out / f"{name}.safetensors"
    if _is_current(path, weights):
        return path
    if published.lacks:
        raise NotFetched(f"{name} needs a package that is not installed: pip install 'unbleed[{published.lacks}]'")
    to_do = by_hand.how(name, weights.file, published.size, f"from {weights.url}", weights.sha256, out)
    with TemporaryDirectory(prefix="unbleed-fetch-") as downloads:
        try:
            at_hand = by_hand.found(file, weights.file, out)
            if at_hand is None:
                at_hand = Path(downloads) / weights.file
                _download(weights.url, at_hand, progress)
            progress(published.size, published.size, "checking")
            check(at_hand, weights.sha256)
        except NotFetched as problem:
            raise NotFetched(f"{problem}. {to_do}") from problem
        progress(published.size, published.size, "converting")
        try:
            return import_weights(
                at_hand,
                architecture=weights.architecture,
                config=weights.config,
                out=out,
                card={"algorithm": "fetch", **weights.card, "licence": published.licence, "sha256_from": weights.sha256_from},
                name=name,
            ).path
        except (BadWeights, MissingExtra) as problem:
            raise NotFetched(str(problem)) from problem


def _download(url: str, to: Path, progress: Tell) -> None:
    """Write what lies at an address into a file; `progress` is told MB. Raises NotFetched."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response, to.open("wb") as file:
            in_all, done = int(response.headers.get("Content-Length") or 0), 0
            while block := response.read(BLOCK):
                file.write(block)
                done += len(block)
                progress(round(done / 1e6), round(max(done, in_all) / 1e6), "downloading")
    except OSError as problem:  # no network, no such file, no room
        raise NotFetched(f"{url} could not be brought: {problem}") from problem
    if done < in_all:
        raise NotFetched(f"{url} could not be brought: it broke off after {done} of {in_all} bytes")


def _is_current(path: Path, weights: Weights) -> bool:
    if not path.is_file():
        return False
    try:
        checkpoint.load(path)
        return str(checkpoint.about(path).recipe.get("sha256")).startswith(weights.sha256)
    except (BadCheckpoint, MissingExtra):
        return False
