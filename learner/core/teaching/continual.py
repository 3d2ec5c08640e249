"""What keeps a model from forgetting: frozen statistics, ways back to the parent (WiSE-FT, L2-SP, EWC), costs that spare what is right."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]

MOST = 5.0


def freeze_statistics(module: nn.Module) -> None:
    """Put batch norm and dropout into evaluation: few, foreign songs must not move the statistics. Gradients still flow."""
    module.eval()
    for part in module.modules():
        if isinstance(part, nn.RNNBase):  # on a GPU these pass gradients in training mode alone; what that adds is dropout
            part.dropout = 0.0
            part.train()


def copy_weights(module: nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def interpolate(parent: Mapping[str, Tensor], child: Mapping[str, Tensor], factor: float) -> Weights:
    """Weights on the straight line from parent (factor 0) to child (factor 1); whole numbers (counters) are the child's.

    WiSE-FT: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903.
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


def pull(weights: Mapping[str, Tensor], parent: Mapping[str, Tensor], importance: Mapping[str, Tensor] | None = None) -> Tensor:
    """Half the squared distance of `weights` to the parent's, a scalar that draws them back. Names that the parent lacks raise KeyError.

    Each weight counts alike (L2-SP: Li, Grandvalet and Davoine 2018, arXiv 1802.01483), or by its `importance` (elastic weight
    consolidation, EWC: Kirkpatrick et al. 2017, eq. 3, doi 10.1073/pnas.1611835114).
    """
    squares = [
        (weight - parent[name]).square().sum() if importance is None else (importance[name] * (weight - parent[name]).square()).sum()
        for name, weight in weights.items()
    ]
    return torch.stack(squares).sum() / 2


def fisher(module: nn.Module, losses: Iterable[Tensor]) -> Weights:
    """How much the past's loss bends along each parameter of `module` that learns: the diagonal of the empirical Fisher information.

    Each of `losses` is that of one example of the past under the module's weights, and may be computed as it is asked for. The
    squared gradients' mean over examples is scaled to mean 1 over all parameters, so that one strength suits models of any size.
    Raises ValueError without examples.
    """
    parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    found = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    n_examples = 0
    for loss in losses:
        n_examples += 1
        slopes = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
        for name, slope in zip(parameters, slopes, strict=True):
            if slope is not None:
                found[name] += slope.square()
    if n_examples == 0:
        raise ValueError("no example of the past was given")
    mean = sum(float(value.sum()) for value in found.values()) / sum(value.numel() for value in found.values())
    return {name: value / mean if mean > 0 else torch.ones_like(value) for name, value in found.items()}


def in_decibels(estimate: Tensor, truth: Tensor, share: float) -> Tensor:
    """Weight of each example, (batch,), mean 1, by which an error counts for what it changes in dB, given the parent's `estimate`.

    The slope of an error's logarithm is its inverse: an example that the parent gets almost right loses many dB to an error that
    elsewhere makes no difference, and plain sums let it go. `share` 0 weighs all alike. `estimate` and `truth` are magnitudes
    (batch, channels, bins, frames). No weight is more than `MOST` times the mean before it is scaled, or less than a `MOST`th.
    """
    error = (estimate - truth).abs().mean(dim=(1, 2, 3))
    weight = (error.mean() / error.clamp(min=1e-9)).clamp(1 / MOST, MOST) ** share
    return weight / weight.mean()
