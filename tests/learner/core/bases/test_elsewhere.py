"""Weights from the hosts of other projects, here from a server of the test's own."""

import fractions
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

from learner.core import bases, checkpoint, cli
from learner.core.bases import Published, elsewhere
from learner.core.bases.elsewhere import BY_PUBLISHER, WEIGHTS, Weights
from learner.core.bases.wheels import NotFetched
from learner.core.separators import Separator, build
from tests.learner.core.separators.tiny import TINY, tiny

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
def weights(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weights]:
    """What is known of that file, as the base `small`."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(published.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{published.name}"
        known = Weights(url, published.stem.split("-")[1], BY_PUBLISHER, "unet", {"name": "Small", "by": "nobody"}, CONFIG)
        know(monkeypatch, known)
        yield known
        server.shutdown()


def know(monkeypatch: pytest.MonkeyPatch, weights: Weights) -> None:
    monkeypatch.setitem(WEIGHTS, "small", weights)
    monkeypatch.setitem(bases.BASES, "small", Published("a small network", "MIT", 1))


def fetch(out: Path, file: Path | None = None) -> Path:
    return bases.fetch("small", out, file=file)


def as_known(name: str, file: Path) -> Weights:
    """What is known of a base, but of this file."""
    return replace(WEIGHTS[name], url=f"http://127.0.0.1:9/{file.name}", sha256=hashlib.sha256(file.read_bytes()).hexdigest())


def test_they_come_by_their_hash_and_say_where_from(weights: Weights, tmp_path: Path) -> None:
    told: list[str] = []
    path = bases.fetch("small", tmp_path / "out", progress=lambda done, total, what: told.append(what))
    assert [one.name for one in path.parent.iterdir()] == ["small.safetensors"]
    card = checkpoint.about(path).recipe
    assert (card["algorithm"], card["licence"], card["file"]) == ("fetch", "MIT", weights.file)
    assert card["sha256"].startswith(weights.sha256) and card["sha256_from"] == BY_PUBLISHER
    assert told == ["downloading", "checking", "converting"]


def test_what_is_there_is_not_brought_again(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fetch(tmp_path)
    monkeypatch.setattr(elsewhere, "_download", None)
    assert fetch(tmp_path) == path


def test_another_file_under_that_name_is_refused(weights: Weights, published: Path, tmp_path: Path) -> None:
    published.write_bytes(published.read_bytes() + b"\0")
    for file in (None, published):
        with pytest.raises(NotFetched, match=r"is another file than the one wanted.*sha256 .* from http"):
            fetch(tmp_path / "out", file)
    assert not (tmp_path / "out").exists()


def test_a_download_that_breaks_off_is_said(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def little(handler: Any, source: Any, output: Any) -> None:
        output.write(source.read(100))

    with monkeypatch.context() as broken:
        broken.setattr(http.server.SimpleHTTPRequestHandler, "copyfile", little)
        with pytest.raises(NotFetched, match=r"it broke off after 100 of \d+ bytes"):
            fetch(tmp_path)
    assert fetch(tmp_path).exists()


def test_without_the_host_it_says_what_to_bring_and_takes_it(
    weights: Weights, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, replace(weights, url=f"http://127.0.0.1:9/{weights.file}"))
    with pytest.raises(NotFetched) as problem:
        fetch(tmp_path / "a")
    for part in (
        "could not be brought",
        f"(1 MB, sha256 {weights.sha256})",
        f"Put it into {tmp_path / 'a'}",
        f"--from {weights.file} --out",
    ):
        assert part in str(problem.value)
    with pytest.raises(NotFetched, match=r"There is no file .*nowhere\. Bring"):
        fetch(tmp_path / "a", tmp_path / "nowhere")
    assert fetch(tmp_path / "a", published).exists()
    assert fetch(tmp_path / "b", published.parent).exists(), "a folder that it lies in does too"
    (tmp_path / "c").mkdir()
    published.rename(tmp_path / "c" / weights.file)
    assert fetch(tmp_path / "c").exists(), "and so does the folder where bases lie"


def test_weights_that_do_not_fit_are_refused(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, replace(weights, config={"widths": [4, 4]}))
    with pytest.raises(NotFetched, match="does not fit unet"):
        fetch(tmp_path)


def test_nothing_is_downloaded_for_a_package_that_is_missing(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bases.BASES, "small", Published("small", "MIT", 1, "demucs", "no_such_package"))
    monkeypatch.setattr(elsewhere, "_download", None)
    with pytest.raises(NotFetched, match=r"pip install 'unbleed\[demucs\]'"):
        fetch(tmp_path)


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_hash_of_the_publisher_s_is_the_one_in_the_file_s_name(name: str) -> None:
    weights = WEIGHTS[name]
    assert (weights.sha256_from == BY_PUBLISHER) == (weights.sha256[:8] == weights.file.rpartition(".")[0][-8:])
    assert name in bases.BASES


# ---------------------------------------------------------------- what each publishes, in small


def test_open_unmix_comes_as_its_package_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = pytest.importorskip("openunmix", reason="openunmix is not installed (an extra)")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own: Any = package.umxhq_spec(targets=["vocals"], pretrained=False)["vocals"].eval()
    torch.save(own.state_dict(), tmp_path / "vocals.pth")
    know(monkeypatch, as_known("openunmix", tmp_path / "vocals.pth"))
    separator = checkpoint.load(fetch(tmp_path / "out", tmp_path / "vocals.pth"))
    magnitude = torch.rand(1, 2, 2049, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(separator.net(magnitude), own(magnitude), atol=1e-6)


def test_torchaudio_s_hybrid_demucs_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bundle is a plain state dict of `hdemucs_high`: held against ours without values, and brought in small."""
    from torchaudio.models import hdemucs_high

    with torch.device("meta"):
        published = hdemucs_high(["drums", "bass", "other", "vocals"]).state_dict()
        own = build("hdemucs", WEIGHTS["hdemucs"].config).net.state_dict()
    assert {name: value.shape for name, value in own.items()} == {name: value.shape for name, value in published.items()}
    small = tiny("hdemucs")
    torch.save(small.net.state_dict(), tmp_path / "hdemucs.pt")
    know(monkeypatch, replace(as_known("hdemucs", tmp_path / "hdemucs.pt"), config=TINY["hdemucs"]))
    assert same_sound(checkpoint.load(fetch(tmp_path / "out", tmp_path)), small)


def test_demucs_comes_with_the_settings_that_its_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written as demucs writes: the class and its arguments beside the weights, in half precision."""
    small = tiny("htdemucs")
    from demucs.htdemucs import HTDemucs

    arguments = {"sources": ["drums", "bass", "other", "vocals"], "audio_channels": 2, "samplerate": 44_100}
    settings = {**TINY["htdemucs"]["settings"], "segment": fractions.Fraction(39, 5), "of_an_older_version": 1}
    state = {name: value.half() for name, value in small.net.state_dict().items()}
    content = {"klass": HTDemucs, "args": (), "kwargs": arguments | settings, "state": state, "training_args": {"seed": 42}}
    torch.save(content, tmp_path / "955717e8.th")
    know(monkeypatch, as_known("htdemucs", tmp_path / "955717e8.th"))
    found = checkpoint.load(fetch(tmp_path / "out", tmp_path / "955717e8.th"))
    small.net.load_state_dict(state)
    assert found.config["settings"] == TINY["htdemucs"]["settings"]
    assert same_sound(found, small)


def test_bs_roformer_of_the_published_layout_comes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tiny("bsroformer").config["settings"]
    settings |= {"depth": 2, "mask_estimator_depth": 2, "num_residual_streams": 1, "mask_factor": 2, "first_values": False}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = build("bsroformer", {"sources": ["drums", "vocals"], "settings": settings})
    state = {name.replace(".branch.", "."): value for name, value in small.net.state_dict().items()}
    assert state.keys() != small.net.state_dict().keys() and not any("value_residual" in name for name in state)
    torch.save(state, tmp_path / "roformer.ckpt")
    know(monkeypatch, replace(as_known("bsroformer", tmp_path / "roformer.ckpt"), config=small.config))
    assert same_sound(checkpoint.load(fetch(tmp_path / "out", tmp_path / "roformer.ckpt")), small)


def same_sound(one: Separator, other: Separator) -> bool:
    mixture = 0.1 * torch.randn(1, 2, 8192, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return torch.equal(one.eval()(mixture), other.eval()(mixture))


# ---------------------------------------------------------------- the command


def test_the_command_takes_a_file_and_says_whose_the_hash_is(
    weights: Weights, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fetch", "small", "--from", str(published), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert f"made of {weights.file}, sha256 {weights.sha256}" in said and BY_PUBLISHER in said


def test_without_a_name_the_command_lists_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spleeter.safetensors").touch()
    assert cli.main(["fetch", "--out", str(tmp_path)]) == 0
    rows = {line.split()[0]: line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip() and not line.startswith("  ")}
    assert rows.keys() >= {"shipped", *bases.BASES}
    assert rows["spleeter"].endswith("yes") and rows["spleeter-22k"].endswith("no")
    assert " 73 " in rows["spleeter"] and "MIT" in rows["spleeter"]


def test_a_base_is_named_or_a_file(weights: Weights, tmp_path: Path) -> None:
    assert bases.base_file("shipped", tmp_path) == bases.SHIPPED_FILE
    path = bases.base_file("small", tmp_path)
    assert path == tmp_path / "small.safetensors" and bases.base_file(str(path), tmp_path / "other") == path
    with pytest.raises(NotFetched, match=r"bigger is no base and no file; allowed are shipped, .*spleeter"):
        bases.base_file("bigger", tmp_path)
