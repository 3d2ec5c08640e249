"""Bases: the shipped one (`shipped.safetensors`, made by `teaching/train.py`), and those that others trained on real songs and published.

The others are brought by name: pinned by hash, converted, tried, put in place whole. Knows nothing of PyTorch until one is fetched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from learner.core.bases.wheels import NotFetched

Tell = Callable[[int, int, str], None]  # MB, MB in all, a word on what


@dataclass(frozen=True)
class Published:
    """What people read of a base that others published, before they choose it."""

    about: str
    licence: str
    size: int  # MB to download
    extra: str = ""  # of this package, which brings the network
    module: str = ""  # that the extra installs

    @property
    def lacks(self) -> str:
        """The extra that has to be installed first; empty: nothing is missing."""
        return self.extra if self.module and find_spec(self.module) is None else ""


SHIPPED = "shipped"
SHIPPED_FILE = Path(__file__).with_name("shipped.safetensors")
ABOUT_SHIPPED = "our U-Net at 16 kHz, trained on generated songs: for tests and the demo, worse than silence on real songs"
SPLEETERS: dict[str, dict[str, Any]] = {"spleeter": {}, "spleeter-22k": {"sample_rate": 22_050, "n_fft": 2048, "hop": 512}}
BASES = {
    "spleeter-22k": Published(
        "Deezer's two-stem U-Nets at 22.05 kHz, where they hear as much for half of the samples: for most campaigns", "MIT", 73
    ),
    "spleeter": Published("the same weights at 44.1 kHz, for estimates at the songs' own rate", "MIT", 73),
    "openunmix": Published("Open-Unmix's voice (UMXHQ) at 44.1 kHz", "MIT", 36, "openunmix", "openunmix"),
    "hdemucs": Published(
        "Hybrid Demucs at 44.1 kHz, as torchaudio publishes it: stronger, wants a GPU",
        "MIT (Demucs'; torchaudio names none)",
        335,
    ),
    "htdemucs": Published("Hybrid Transformer Demucs at 44.1 kHz: stronger, wants a GPU", "MIT", 84, "demucs", "demucs"),
    "htdemucs-ft": Published("the same, fine-tuned on the voice", "MIT", 84, "demucs", "demucs"),
    "bsroformer": Published(
        "BS-RoFormer at 44.1 kHz, trained on MUSDB18-HQ: strongest, wants a GPU", "MIT", 527, "bsroformer", "bs_roformer"
    ),
}
NAMES = (SHIPPED, *BASES)
FOR_REAL_SONGS = "spleeter-22k"
QUICK = (SHIPPED, FOR_REAL_SONGS)  # some seconds of a processor for a minute of a song


def fetch(name: str, out: Path, *, file: Path | None = None, progress: Tell = lambda done, total, what: None) -> Path:
    """Bring one of `BASES` as `<name>.safetensors` into a folder, unless it is there.

    `file` is the published file, or a folder that it lies in, for a machine without a network; it may lie in `out` as well.
    Raises NotFetched, saying what to do.
    """
    from learner.core.bases import elsewhere, spleeter  # bring torch in

    if name in SPLEETERS:
        return spleeter.fetch(spleeter.SPLEETER, SPLEETERS[name], name=name, out=out, file=file, progress=progress)
    return elsewhere.fetch(name, out=out, file=file, progress=progress)


def base_file(base: str, folder: Path, progress: Tell = lambda done, total, what: None) -> Path:
    """The file of a base: one of `NAMES`, fetched into the folder where it is not there, or the path of a checkpoint.

    Raises NotFetched, saying what to do.
    """
    if base == SHIPPED:
        return SHIPPED_FILE
    if base in BASES:
        return fetch(base, folder, progress=progress)
    if Path(base).is_file():
        return Path(base)
    raise NotFetched(f"{base} is no base and no file; allowed are {', '.join(NAMES)}, or the path of a checkpoint")


def of_stem(file: Path, stem: str) -> Path:
    """The weights of a base as `<name>-<stem>.safetensors` beside it, a checkpoint that extracts another stem which they know."""
    from learner.core import checkpoint
    from learner.core.bases import spleeter  # bring torch in
    from learner.core.separators import build

    known, about = checkpoint.load(file), checkpoint.about(file)
    other = build(about.architecture, known.config | {"stem": stem})
    other.load_state_dict(known.state_dict())
    return checkpoint.save(other, file.parent, recipe=about.recipe, parent=None, name=f"{file.stem}-{stem}", kept_as=spleeter.KEPT_AS).path


def lacks(name: str) -> str:
    """The extra that has to be installed before one of `NAMES` can be used; empty: nothing is missing."""
    return BASES[name].lacks if name in BASES else ""


def is_here(name: str, folder: Path) -> bool:
    """Whether one of `NAMES` needs no download any more."""
    return name == SHIPPED or (folder / f"{name}.safetensors").is_file()


__all__ = [
    "ABOUT_SHIPPED",
    "BASES",
    "FOR_REAL_SONGS",
    "NAMES",
    "QUICK",
    "SHIPPED",
    "SHIPPED_FILE",
    "SPLEETERS",
    "NotFetched",
    "Published",
    "Tell",
    "base_file",
    "fetch",
    "is_here",
    "lacks",
    "of_stem",
]
