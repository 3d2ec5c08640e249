"""Hybrid Demucs (Défossez 2021, arXiv 2111.03600) as torchaudio has it, for machines with a GPU: 84 million weights at its usual size."""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from learner.core import spectral  # noqa: F401 - its shim lets torchaudio load
from learner.core.separators.interface import Separator, check_stem, choose


class HDemucsSeparator(Separator):
    """Takes one of the sources that an HDemucs separates; `width` (feature maps of the first layer) and `depth` set its size."""

    architecture: ClassVar[str] = "hdemucs"
    piece: ClassVar[float] = 10.0  # seconds, as it was trained

    def __init__(
        self,
        sample_rate: int = 44_100,
        channels: int = 2,
        stem: str = "vocals",
        sources: Sequence[str] = ("drums", "bass", "other", "vocals"),
        width: int = 48,
        depth: int = 6,
        n_fft: int = 4096,
    ):
        from torchaudio.models import HDemucs

        check_stem(stem, sources)
        super().__init__(sample_rate, channels, stem)
        self.sources, self.width, self.depth, self.n_fft = tuple(sources), width, depth, n_fft
        self.net = HDemucs(list(sources), audio_channels=channels, channels=width, depth=depth, nfft=n_fft)

    @property
    def config(self) -> dict[str, Any]:
        names = ("sample_rate", "channels", "stem", "width", "depth", "n_fft")
        return {name: getattr(self, name) for name in names} | {"sources": list(self.sources)}

    def forward(self, mixture: Tensor) -> Tensor:
        return choose(self.stem, self.sources, self.net(mixture), mixture)
