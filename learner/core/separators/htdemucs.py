"""Hybrid Transformer Demucs (Rouard, Massa, Défossez 2023, arXiv 2211.08553) from the package demucs (MIT).

27 million weights at its usual size.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from learner.core import spectral  # noqa: F401 - its shim lets torchaudio load, should demucs ask for it
from learner.core.separators.interface import Separator, check_stem, choose, from_extra


class HTDemucsSeparator(Separator):
    """`settings` are any other arguments of demucs' HTDemucs, such as {"channels": 48, "depth": 4, "t_layers": 5}, plain values."""

    architecture: ClassVar[str] = "htdemucs"
    piece: ClassVar[float] = 7.8  # seconds, as it was trained

    def __init__(
        self,
        sample_rate: int = 44_100,
        channels: int = 2,
        stem: str = "vocals",
        sources: Sequence[str] = ("drums", "bass", "other", "vocals"),
        settings: Mapping[str, Any] | None = None,
    ):
        check_stem(stem, sources)
        super().__init__(sample_rate, channels, stem)
        self.sources, self.settings = tuple(sources), dict(settings or {})
        # With its training segment it refuses what is longer and fills up what is shorter; without, it takes any length.
        fixed = {"sources": list(sources), "audio_channels": channels, "samplerate": sample_rate, "use_train_segment": False}
        if twice := sorted(fixed.keys() & self.settings.keys()):
            raise ValueError(f"settings may not hold {', '.join(twice)}, which follow from sources, channels and sample_rate")
        self.net = from_extra("demucs.htdemucs", "demucs").HTDemucs(**fixed, **self.settings)

    @property
    def config(self) -> dict[str, Any]:
        return {
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "stem": self.stem,
            "sources": list(self.sources),
            "settings": self.settings,
        }

    def forward(self, mixture: Tensor) -> Tensor:
        return choose(self.stem, self.sources, self.net(mixture), mixture)


def config_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The separator's config by the arguments that demucs writes beside its weights; those that the package no longer takes are dropped.

    So is the length of a piece, which this separator does not fix. Raises MissingExtra.
    """
    ours = {"sources": "sources", "channels": "audio_channels", "sample_rate": "samplerate"}
    taken = set(inspect.signature(from_extra("demucs.htdemucs", "demucs").HTDemucs).parameters)
    settings = taken - {*ours.values(), "segment", "use_train_segment"}
    return {our: arguments[name] for our, name in ours.items() if name in arguments} | {
        "settings": {name: value for name, value in arguments.items() if name in settings}
    }
