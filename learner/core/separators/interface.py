"""What every separator is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from learner.core.spectral import Spectra


class MissingExtra(RuntimeError):
    """The package that this architecture comes from is not installed."""


@dataclass(frozen=True)
class Cut:
    """How a long recording is cut into pieces for a separator; samples at its own rate.

    Each piece is heard with `n_context` samples more on either side, which are thrown away again; over the first `n_fade` samples
    of a piece the one before fades out. `n_fade` is at most `n_context`.
    """

    n_core: int
    n_context: int
    n_fade: int


@dataclass(frozen=True)
class Inside:
    """What a network made of a mix on its way to the stem, where it has such a thing. Frames and bins are those of its `spectra`.

    `mix` holds magnitudes, (batch, channels, bins, frames); `mask`, between 0 and 1, and `nets`, by how much its networks' masks miss
    to add up to 1, have the same shape. `bottleneck`, (batch, maps, steps), is what lies deepest, a step being `n_step` frames.
    """

    mix: Tensor
    mask: Tensor
    nets: Tensor | None
    bottleneck: Tensor
    n_step: int


Look = Callable[[Inside], None]


class Separator(nn.Module, ABC):
    """(batch, channels, samples) of a mix -> the same shape of one stem, at the separator's own sample rate and channels.

    The network itself is `net`, named as where it comes from names it, so that weights from there fit.
    """

    architecture: ClassVar[str]
    piece: ClassVar[float] = 12.0  # seconds, with their context, that go through the network at once
    passes: ClassVar[int] = 8  # under dropout, that tell how sure a model with dropout is
    dear_share: ClassVar[float] = 0.1  # of a large pool that is separated several times, to see how sure the model is of it
    net: nn.Module

    def __init__(self, sample_rate: int, channels: int, stem: str, *, spectra: Spectra | None = None):
        super().__init__()
        self.sample_rate, self.channels, self.stem = sample_rate, channels, stem
        # Where training compares estimate and target: 64 ms frames every 32 ms at 16 kHz, 46 ms every 23 ms at 44.1 kHz.
        self.spectra = spectra or (Spectra(1024, 512) if sample_rate <= 32_000 else Spectra(2048, 1024))

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Plain values that make the same separator again, untrained."""

    @abstractmethod
    def forward(self, mixture: Tensor) -> Tensor:
        """Return the stem, as long as the mixture."""

    def spectrum(self, mixture: Tensor) -> Tensor:
        """Return the spectrum of the stem as `self.spectra` gives it: complex (batch, channels, bins, frames).

        Architectures that have it on the way to the waveform override this and save a round trip.
        """
        spectrum: Tensor = self.spectra(self(mixture))
        return spectrum

    def outer_weights(self, n: int) -> set[str]:
        """Names of the weights of the `n` outermost layers (at most half of all), on the way down and up each.

        Raises ValueError where layers are not told apart so.
        """
        raise ValueError(f"layers of {self.architecture} are not told apart as outer and inner ones")

    def other(self, mixture: Tensor) -> Tensor | None:
        """What those of its networks that do not learn make of a mix, to be handed to `spectrum_with`; None where all of it learns."""
        return None

    def spectrum_with(self, mixture: Tensor, other: Tensor | None) -> Tensor:
        """`spectrum`, spared what `other` gave for this mix."""
        return self.spectrum(mixture)

    def mask(self, magnitude: Tensor) -> Tensor:
        """The mask over a mix's magnitudes, of whole signals that `self.spectra` cut: (batch, channels, bins, frames) -> the same.

        Raises ValueError where the stem is not made by such a mask.
        """
        raise ValueError(f"{self.architecture} does not make its stem by a mask over magnitudes")

    def own_name(self, published: str) -> str:
        """What `net` calls a tensor that is called so in files that others published; those of another layout override this."""
        return published

    def as_function(self, look: Look | None = None) -> Callable[[Tensor], Tensor]:
        """Return what `forward` does in evaluation and without gradients, with the weights as they are now.

        Architectures that can do that faster than `forward` override this; what comes out may differ by rounding. Those with a mask
        hand `look` what they had inside, once a call; those without never call it.
        """

        @torch.inference_mode()
        def stem(mixture: Tensor) -> Tensor:
            with self._evaluating():
                found: Tensor = self(mixture)
            return found

        return stem

    def under_dropout(self, mixture: Tensor, passes: int) -> Tensor:
        """(channels, samples) of a mix -> (passes, channels, samples) of the stem, each pass with a dropout of its own.

        The caller has put the layers with dropout into training mode, and only these. Architectures in which passes can share what
        comes before dropout override this.
        """
        stems: Tensor = self(mixture.expand(passes, -1, -1))
        return stems

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(training)

    @property
    def cut(self) -> Cut:
        """A network that hears the whole piece at every place has no reach to go by: an eighth is context, half of that fades."""
        n_eighth = round(self.piece * self.sample_rate / 8)
        return Cut(6 * n_eighth, n_eighth, n_eighth // 2)

    @property
    def grid(self) -> int:
        """Samples: a mix that is moved by so many gives the same estimate, moved. 1: by any number, as nearly as it matters."""
        return 1

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @torch.no_grad()
    def is_finite(self) -> bool:
        return all(bool(torch.isfinite(value).all()) for value in self.state_dict().values())


def difference_of_build(parent: Separator, child: Separator) -> str:
    """What of its build a child does not share with its parent, in words; empty where all is the same."""
    settings = {**parent.config, **child.config}
    for what, of_parent, of_child in (
        ("architecture", parent.architecture, child.architecture),
        *((name, parent.config.get(name), child.config.get(name)) for name in settings),
    ):
        if of_parent != of_child:
            return f"its {what} is {of_child}, its parent's {of_parent}"
    return ""


def check_stem(stem: str, sources: Sequence[str]) -> None:
    """Raise ValueError where a model of these sources cannot give the stem. One with vocals gives accompaniment too: the rest."""
    allowed = [*sources, *(["accompaniment"] if "vocals" in sources and "accompaniment" not in sources else [])]
    if stem not in allowed:
        raise ValueError(f"stem is {stem!r}; allowed are {', '.join(allowed)}")


def choose(stem: str, sources: Sequence[str], estimates: Tensor, mixture: Tensor) -> Tensor:
    """Pick one of a model's sources, (batch, sources, channels, samples) -> (batch, channels, samples); see `check_stem`."""
    if stem in sources:
        return estimates[:, sources.index(stem)]
    return mixture - estimates[:, sources.index("vocals")]


def from_extra(module: str, extra: str) -> ModuleType:
    """Import a module that comes with an extra. Raises MissingExtra, saying how to install it."""
    try:
        return import_module(module)
    except ImportError as problem:
        raise MissingExtra(f"{module.split('.')[0]} is not installed: pip install 'unbleed[{extra}]' ({problem})") from problem
