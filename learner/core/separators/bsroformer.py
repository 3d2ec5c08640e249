"""Band-Split RoPE Transformer (Lu et al. 2023, arXiv 2309.02612) from the package BS-RoFormer (MIT)."""

import random
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from learner.core.separators.interface import Separator, check_stem, choose, from_extra


class BSRoformerSeparator(Separator):
    """`settings` are any other arguments of the package's BSRoformer, such as {"dim": 384, "depth": 6}, plain values.

    `sources` are the stems that it was trained on, in their order; published models for the voice have one.

    Models published in 2024 and 2025 are of an earlier layout: they want `num_residual_streams` 1 and `first_values` False (no layer
    mixes in the values of the first), and some `mask_factor` 2 (how much wider than `dim` the masks' hidden layer is; 4 by default).
    """

    architecture: ClassVar[str] = "bsroformer"
    piece: ClassVar[float] = 8.0  # seconds, as published models were trained

    def __init__(
        self,
        sample_rate: int = 44_100,
        channels: int = 2,
        stem: str = "vocals",
        sources: Sequence[str] = ("vocals",),
        settings: Mapping[str, Any] | None = None,
    ):
        check_stem(stem, sources)
        if channels not in (1, 2):
            raise ValueError(f"channels is {channels}; allowed are 1 and 2")
        super().__init__(sample_rate, channels, stem)
        self.sources, self.settings = tuple(sources), {"dim": 384, "depth": 6} | dict(settings or {})
        settings_ = dict(self.settings)
        mask_factor, first_values = settings_.pop("mask_factor", 4), settings_.pop("first_values", True)
        if mask_factor not in range(1, 9):
            raise ValueError(f"mask_factor is {mask_factor!r}; allowed are 1 to 8")
        if first_values not in (True, False):
            raise ValueError(f"first_values is {first_values!r}; allowed are true and false")
        fixed = {"stereo": channels == 2, "num_stems": len(self.sources)}
        if twice := sorted(fixed.keys() & self.settings.keys()):
            raise ValueError(f"settings may not hold {', '.join(twice)}, which follow from sources and channels")
        package = from_extra("bs_roformer", "bsroformer")
        # It checks types strictly, and JSON has no tuples.
        settings_ = {name: tuple(value) if isinstance(value, list) else value for name, value in settings_.items()}
        state = random.getstate()
        random.seed(int(torch.randint(2**31, ())))  # it draws some of its first weights from Python's generator, the others from torch's
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "A window was not provided")  # it counts bins with a spectrum of noise
                net = package.BSRoformer(**settings_, **fixed)
            if mask_factor != 4:
                mask = type(net.mask_estimators[0])
                net.mask_estimators = nn.ModuleList(
                    mask(settings_["dim"], one.dim_inputs, settings_.get("mask_estimator_depth", 2), mask_factor)
                    for one in net.mask_estimators
                )
        except (AssertionError, from_extra("beartype.roar", "bsroformer").BeartypeCallHintViolation) as problem:
            raise ValueError(f"settings do not fit BSRoformer: {problem}") from problem
        finally:
            random.setstate(state)
        if not first_values:
            for module in net.modules():
                if hasattr(module, "to_value_residual_mix"):
                    module.to_value_residual_mix = None
        self.net, self.n_hop = net, int(net.stft_kwargs["hop_length"])

    @property
    def config(self) -> dict[str, Any]:
        return {
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "stem": self.stem,
            "sources": list(self.sources),
            "settings": self.settings,
        }

    def own_name(self, published: str) -> str:
        """Earlier layouts have no wrapper for residual streams around the parts of their layers."""
        if self.settings.get("num_residual_streams") != 1:
            return published
        return re.sub(r"((?:^|\.)layers\.\d+\.\d+\.layers\.\d+\.\d+)\.(?=norm\.|to_|rotary_embed\.|net\.)", r"\1.branch.", published)

    def forward(self, mixture: Tensor) -> Tensor:
        n_samples = mixture.shape[-1]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*sdp_kernel", FutureWarning)  # how it asks for flash attention
            stems: Tensor = self.net(F.pad(mixture, (0, -n_samples % self.n_hop)))  # it gives back whole hops only
        stems = stems[..., :n_samples]
        return choose(self.stem, self.sources, stems if len(self.sources) > 1 else stems[:, None], mixture)
