"""A checkpoint written for other tools by a button: asked for, made by a job, downloaded, loaded again. Real models."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from django.test import Client

from annotation.models import Campaign, Event
from learner import services
from learner.core import checkpoint
from learner.models import Job, WrittenCheckpoint
from learner.selectors import current_checkpoint
from learner.work import writing_out
from tests import worlds
from tests.learner.core.separators.tiny import tiny
from tests.present import present

pytestmark = pytest.mark.django_db


def campaign_with(architecture: str, folder: Path) -> tuple[Campaign, Client]:
    campaign = worlds.campaign("bleed")
    services.share_file(campaign=campaign, file=checkpoint.save(tiny(architecture), folder, recipe={}, parent=None).path)
    return campaign, worlds.client(campaign, "lena", "researcher")


def address(campaign: Campaign, rest: str = "") -> str:
    return f"/c/bleed/checkpoints/{present(current_checkpoint(campaign)).hash}/{rest}"


def written(campaign: Campaign, browser: Client, format: str) -> Any:
    """The download, after a worker was at it."""
    assert browser.post(address(campaign, "write/"), {"format": format}).status_code == 302
    writing_out.write(present(Job.claim(WrittenCheckpoint.objects.get().job_id)))
    return browser.get(address(campaign, f"written/{format}/"))


def test_the_weights_load_in_the_architectures_own_network(tmp_path: Path) -> None:
    campaign, lena = campaign_with("hdemucs", tmp_path)
    answer = written(campaign, lena, "own")
    short = present(current_checkpoint(campaign)).short
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert {f"{short}/{short}.pth", f"{short}/{short}.json", f"{short}/HOW.txt"} == set(archive.namelist())
        state = torch.load(io.BytesIO(archive.read(f"{short}/{short}.pth")), weights_only=True)
        assert str(tmp_path) not in archive.read(f"{short}/HOW.txt").decode()
    known = tiny("hdemucs").net.state_dict()
    assert state.keys() == known.keys() and all(torch.equal(state[name], known[name]) for name in known)
    lena.post(address(campaign, "write/"), {"format": "own"})
    assert Job.objects.filter(kind="weights").count() == 1, "what is there is not made again"
    assert present(Event.objects.get(what="checkpoint.written").after)["format"] == "own"
    assert "load_state_dict" in lena.get(address(campaign)).content.decode()


def test_onnx_is_compared_with_pytorch_before_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="an extra")
    pytest.importorskip("onnx", reason="an extra")
    campaign, lena = campaign_with("unet", tmp_path)
    content = b"".join(written(campaign, lena, "onnx").streaming_content)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["checkpoint"] == present(current_checkpoint(campaign)).hash
    assert "dB apart" in lena.get(address(campaign)).content.decode()
    WrittenCheckpoint.objects.all().delete()
    monkeypatch.setattr(writing_out, "ENOUGH", -1000.0)
    assert written(campaign, lena, "onnx").status_code == 404
    assert "the file is not kept" in lena.get(address(campaign)).content.decode()


def test_what_cannot_be_written_so_is_said_in_words_and_is_no_failed_job(tmp_path: Path) -> None:
    campaign, lena = campaign_with("unet", tmp_path)
    assert written(campaign, lena, "own").status_code == 404
    assert Job.objects.get(kind="weights").state == Job.State.DONE
    assert "unet has no tool of its own" in lena.get(address(campaign)).content.decode()
    assert lena.post(address(campaign, "write/"), {"format": "pickle"}).status_code == 404
    assert worlds.client(campaign, "ann").post(address(campaign, "write/"), {"format": "own"}).status_code == 403
