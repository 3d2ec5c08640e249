"""What the benchmarks on real songs are tried with."""

import pytest
import torch

from learner.core import checkpoint
from learner.core.bench.material import Base
from learner.core.separators import build


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = build("unet", {"widths": [4, 4, 4, 4]})
    path = checkpoint.save(separator, tmp_path_factory.mktemp("base"), recipe={}, parent=None).path
    return Base(1, str(path), checkpoint.file_hash(path))
