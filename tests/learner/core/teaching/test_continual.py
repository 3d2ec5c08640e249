"""What keeps a child near its parent, and what its distance to truth costs, on numbers small enough to check by eye."""

import pytest
import torch
from torch import nn

from learner.core.separators.unet import UNetSeparator
from learner.core.teaching.continual import MOST, copy_weights, distance, fisher, freeze_statistics, in_decibels, interpolate, pull
from tests.present import present


def test_frozen_statistics_and_dropout_leave_recurrent_layers_able_to_learn_on_a_gpu() -> None:
    module = nn.Sequential(nn.BatchNorm1d(2), nn.LSTM(2, 2, num_layers=2, dropout=0.5))
    heard = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    module.eval()
    before = module(heard)[0]
    freeze_statistics(module)
    assert not module[0].training and module[1].training
    assert torch.equal(module(heard)[0], before)


def test_the_pull_is_half_the_squared_distance() -> None:
    parent = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([0.0])}
    weights = {"a": torch.tensor([2.0, 4.0]), "b": torch.tensor([3.0])}
    assert float(pull(weights, parent)) == (1 + 4 + 9) / 2


def test_the_pull_counts_what_matters_more() -> None:
    parent, weights = {"a": torch.zeros(2)}, {"a": torch.ones(2)}
    assert float(pull(weights, parent, {"a": torch.tensor([3.0, 1.0])})) == 2


def test_the_pull_draws_back_to_the_parent() -> None:
    weight = torch.tensor([3.0], requires_grad=True)
    pull({"a": weight}, {"a": torch.tensor([1.0])}).backward()
    assert present(weight.grad).tolist() == [2.0]


def test_weights_that_the_past_leans_on_are_the_important_ones() -> None:
    module = nn.Linear(2, 1, bias=False)
    examples = [torch.tensor([3.0, 1.0]), torch.tensor([1.0, 1.0])]
    found = fisher(module, (module(x).sum() for x in examples))
    # squared gradients (9, 1) and (1, 1): mean (5, 1), scaled to mean 1
    assert found["weight"][0].tolist() == pytest.approx([5 / 3, 1 / 3])


def test_importance_without_a_past_is_refused() -> None:
    with pytest.raises(ValueError, match="no example"):
        fisher(nn.Linear(1, 1), iter(()))


def test_an_example_that_the_parent_gets_almost_right_counts_more() -> None:
    truth = torch.ones(3, 1, 2, 2)
    estimate = truth + torch.tensor([0.1, 0.2, 0.4])[:, None, None, None]
    weight = in_decibels(estimate, truth, 1.0)
    torch.testing.assert_close(weight[0] / weight[1], torch.tensor(2.0))
    torch.testing.assert_close(weight[1] / weight[2], torch.tensor(2.0))
    torch.testing.assert_close(weight.mean(), torch.tensor(1.0))
    assert in_decibels(estimate, truth, 0.0).tolist() == [1, 1, 1]


def test_a_perfect_example_does_not_drown_the_others() -> None:
    truth = torch.ones(2, 1, 2, 2)
    estimate = torch.cat([truth[:1], truth[1:] + 0.5])
    weight = in_decibels(estimate, truth, 1.0)
    assert float(weight[0] / weight[1]) <= MOST**2


def test_interpolation_goes_from_parent_to_child() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parent, child = (copy_weights(UNetSeparator(widths=(2, 2, 2))) for _ in range(2))
    name = "net.last.weight"
    assert torch.equal(interpolate(parent, child, 0.0)[name], parent[name])
    assert torch.equal(interpolate(parent, child, 1.0)[name], child[name])
    assert torch.allclose(interpolate(parent, child, 0.5)[name], (parent[name] + child[name]) / 2)


def test_what_is_missing_can_count_more_than_what_is_too_much() -> None:
    target, weight, plain, strict = torch.ones(1, 1, 1, 2), torch.ones(1, 2), torch.ones(1), torch.full((1,), 3.0)
    missing, too_much = torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[1.5, 1.0]]]])
    assert float(distance(missing, target, weight, plain)) == float(distance(too_much, target, weight, plain)) == 0.5
    assert float(distance(missing, target, weight, strict)) == 1.5
    assert float(distance(too_much, target, weight, strict)) == 0.5


def test_frames_of_weight_zero_cost_nothing() -> None:
    assert float(distance(torch.ones(1, 1, 4, 2), torch.zeros(1, 1, 4, 2), torch.tensor([[0.0, 0.5]]), torch.ones(1))) == 0.5
