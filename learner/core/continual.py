"""What keeps a model from forgetting: frozen statistics, distillation of the parent, interpolation back to it (WiSE-FT)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def freeze_statistics(module: nn.Module) -> None:
    """Put batch norm and dropout into evaluation: few, foreign songs must not move the statistics. Gradients still flow."""
    module.eval()


def copy_weights(module: nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def interpolate(parent: Mapping[str, Tensor], child: Mapping[str, Tensor], factor: float) -> Weights:
    """Weights on the straight line from parent (factor 0) to child (factor 1); whole numbers (counters) are the child's.

    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models".
    """
    if parent.keys() != child.keys():
        raise ValueError("parent and child are not of one architecture: their weights have different names")
    return {name: torch.lerp(parent[name], value, factor) if value.is_floating_point() else value.clone() for name, value in child.items()}


def distance(estimate: Tensor, target: Tensor, weight: Tensor, missing: Tensor) -> Tensor:
    """Sum of absolute differences of magnitudes over the frames that count.

    `estimate` and `target` are magnitudes (batch, channels, bins, frames); `weight` is (batch, frames), 0 where a frame does not
    count. What is missing from the target counts `missing`, (batch,), times as much as what is too much: with 1 the answer to doubt
    is the median, which mutes; with more it is a higher quantile.
    """
    difference = estimate - target
    cost = torch.where(difference < 0, -missing[:, None, None, None] * difference, difference)
    return (cost.mean(dim=(1, 2)) * weight).sum()
