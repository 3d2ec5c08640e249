"""Low-rank adapters: all weights stay as they are, but for a few that are learnt beside each layer's.

Hu et al. 2021, "LoRA: low-rank adaptation of large language models", arXiv 2106.09685. A convolution's adapter is one with few
channels followed by one of size 1; merged, the two are a matrix of low rank that is added to the layer's own weights, so that what is
saved is an ordinary checkpoint. Norms, biases and layers too small for an adapter are so few weights that they learn themselves.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from learner.core.teaching.continual import Weights

LAYERS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear)
WORTH = 0.25  # a layer whose adapter would have more than this share of its weights gets none
FEW = 0.005  # share of all weights that such a layer may have and learn itself


class LowRank(nn.Module):
    """Adds up @ down, of rank `rank`, to a layer's weights; nothing at first, since `up` begins at 0."""

    def __init__(self, weight: Tensor, rank: int, generator: torch.Generator):
        super().__init__()
        columns = weight[0].numel()
        self.down = nn.Parameter((torch.randn(rank, columns, generator=generator) / rank**0.5).to(weight.device))
        self.up = nn.Parameter(weight.new_zeros(len(weight), rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).view(weight.shape)


def attach(module: nn.Module, rank: int, generator: torch.Generator) -> float:
    """Freeze the large layers of `module`, and put an adapter beside each convolution and linear layer among them.

    Returns the share of weights that are now trained. Layers that are parametrised already stay frozen. Raises ValueError where no
    layer can be adapted.
    """
    n_all = sum(parameter.numel() for parameter in module.parameters())
    layers = [layer for layer in module.modules() if isinstance(layer, LAYERS) and not parametrize.is_parametrized(layer)]
    layers = [layer for layer in layers if layer.weight.requires_grad]  # a network that does not learn gets none
    for parameter in module.parameters():
        parameter.requires_grad_(parameter.requires_grad and parameter.ndim == 1)  # some are fixed, such as rotary frequencies
    n_adapters = 0
    for layer in layers:
        weight = layer.weight
        n_adapter = rank * (len(weight) + weight[0].numel())
        if n_adapter <= WORTH * weight.numel():
            parametrize.register_parametrization(layer, "weight", LowRank(weight, rank, generator))
            n_adapters += n_adapter
        elif weight.numel() <= FEW * n_all:
            weight.requires_grad_(True)
    if n_adapters == 0:
        raise ValueError(f"no layer is large enough for adapters of rank {rank}")
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad) / n_all


def groups(module: nn.Module, times: float) -> list[dict[str, Any]]:
    """What learns, for an optimiser, each group with the `times` of its rate: adapters `times` the rate of ordinary weights."""
    learning = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    adapters = [parameter for name, parameter in learning.items() if ".parametrizations." in f".{name}"]
    inside = {id(parameter) for parameter in adapters}
    own = [parameter for parameter in learning.values() if id(parameter) not in inside]
    return [{"params": params, "times": its} for params, its in ((own, 1.0), (adapters, times)) if params]


def learnt(module: nn.Module) -> dict[str, Tensor]:
    """The weights that training changes, by their names in a checkpoint, with gradients: adapted layers' as they are with adapters."""
    plain = {name: value for name, value in module.named_parameters() if value.requires_grad and ".parametrizations." not in f".{name}"}
    return plain | {f"{path}.weight": layer.weight for path, layer in _adapted(module).items()}


@torch.no_grad()
def merged(module: nn.Module) -> Weights:
    """A copy of the module's weights as one without adapters has them; without any, the same as `copy_weights`."""
    adapted = _adapted(module)
    inside = tuple(f"{path}.parametrizations.weight." for path in adapted)
    plain = {name: value.detach().clone() for name, value in module.state_dict().items() if not name.startswith(inside)}
    return plain | {f"{path}.weight": layer.weight.detach().clone() for path, layer in adapted.items()}


def _adapted(module: nn.Module) -> dict[str, Any]:
    """The layers with adapters, by their paths."""
    layers: dict[str, Any] = dict(module.named_modules())
    return {
        path: layer
        for path, layer in layers.items()
        if parametrize.is_parametrized(layer, "weight") and isinstance(layer.parametrizations.weight[0], LowRank)
    }
