"""Adapters train few weights, begin as nothing, and leave an ordinary checkpoint behind."""

import pytest
import torch
from torch import nn

from learner.core import checkpoint
from learner.core.separators import build
from learner.core.separators.unet import UNetSeparator
from learner.core.teaching import lora
from learner.core.teaching.continual import copy_weights
from learner.core.teaching.recipe import Recipe
from learner.core.teaching.train import BASE


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_adapters_train_at_most_a_twentieth_of_the_shipped_base() -> None:
    base = checkpoint.load(BASE)
    n_all = sum(p.numel() for p in base.parameters())
    share = lora.attach(base, Recipe.adapters().lora_rank, generator())
    assert share == sum(p.numel() for p in base.parameters() if p.requires_grad) / n_all
    assert 0.02 < share <= 0.05


def test_new_adapters_change_nothing() -> None:
    base = checkpoint.load(BASE)
    mixture = torch.randn(1, 1, 16_000, generator=generator())
    before = base(mixture)
    lora.attach(base, 2, generator())
    assert torch.equal(base(mixture), before)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(8, 8, 5), (1, 8, 12)),
        (nn.Conv2d(8, 8, 3), (1, 8, 12, 12)),
        (nn.ConvTranspose1d(8, 8, 5), (1, 8, 12)),
        (nn.ConvTranspose2d(8, 8, 3), (1, 8, 12, 12)),
        (nn.Linear(16, 16), (1, 16)),
    ],
)
def test_what_adapters_learn_is_merged_into_ordinary_weights(layer: nn.Module, shape: tuple[int, ...]) -> None:
    heard = torch.randn(shape, generator=generator())
    plain = nn.Sequential(layer)
    before = copy_weights(plain)
    names = list(plain.state_dict())
    lora.attach(plain, 1, generator())
    optimiser = torch.optim.Adam([p for p in plain.parameters() if p.requires_grad], lr=0.1)
    plain(heard).square().sum().backward()
    optimiser.step()
    after = lora.merged(plain)
    assert sorted(after) == sorted(names)
    change = (after["0.weight"] - before["0.weight"]).flatten(1)
    assert int(torch.linalg.matrix_rank(change, atol=1e-5)) == 1
    assert not torch.equal(after["0.bias"], before["0.bias"]), "biases are few and learn themselves"
    expected = plain(heard)
    again = nn.Sequential(type(layer)(*((16, 16) if isinstance(layer, nn.Linear) else (8, 8, layer.kernel_size))))
    again.load_state_dict(after)
    assert torch.allclose(again(heard), expected, atol=1e-5)


def test_the_learnt_weights_have_the_names_of_a_checkpoint_and_gradients() -> None:
    separator = UNetSeparator(widths=(8, 16, 16))
    names = set(separator.state_dict())
    plain = lora.learnt(separator)
    assert set(plain) == {name for name, _ in separator.named_parameters()}
    lora.attach(separator, 1, generator())
    learnt = lora.learnt(separator)
    assert learnt and set(learnt) < names
    assert all(weight.requires_grad for weight in learnt.values())


def test_what_is_too_small_for_an_adapter_learns_itself_at_the_ordinary_rate() -> None:
    base = checkpoint.load(BASE)
    lora.attach(base, 4, generator())
    learnt = lora.learnt(base)
    assert {"net.down.0.conv.weight", "net.down.1.norm.weight", "net.last.weight", "net.last.bias"} <= set(learnt)
    own, adapters = lora.groups(base, 3.0)
    assert (own["times"], adapters["times"]) == (1, 3)
    assert {id(p) for g in (own, adapters) for p in g["params"]} == {id(p) for p in base.parameters() if p.requires_grad}


def test_a_model_without_a_layer_large_enough_is_refused() -> None:
    with pytest.raises(ValueError, match="rank 8"):
        lora.attach(nn.Sequential(nn.Conv2d(1, 2, 3)), 8, generator())


def test_a_network_that_does_not_learn_gets_no_adapters() -> None:
    """Spleeter's other network is to stay as it is, whatever learns: what it makes of a mix is asked once."""
    separator = build("spleeter", {"sample_rate": 16_000, "widths": [4, 8, 16], "n_fft": 512, "hop": 128})
    lora.attach(separator, 1, torch.Generator().manual_seed(0))
    adapted = {name for name, _ in separator.named_parameters() if ".parametrizations." in name}
    assert adapted and all(name.startswith("net.vocals.") for name in adapted)
