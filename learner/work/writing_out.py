"""Write a checkpoint for other tools, and hold it against PyTorch where that can be done here."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotation.files import storage
from annotation.models import Stem
from learner.core import audio
from learner.core.cli.exporting import ENOUGH, HEARD
from learner.core.separate import as_input
from learner.core.separators import MissingExtra, Separator
from learner.core.separators.exporting import onnx_file, own_tool
from learner.models import Job, WrittenCheckpoint
from learner.services.jobs import scratch
from learner.services.written import keep_written, refuse_written
from learner.work.plan import load

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # of files in the archive: the same checkpoint gives the same bytes


def write(job: Job) -> None:
    """Do one job of the kind weights; what cannot be written so is said in words."""
    row = WrittenCheckpoint.objects.select_related("checkpoint", "who__campaign").get(job=job)
    row.job = job
    job.beat(0, 1, f"writing checkpoint {row.checkpoint}")
    with scratch(job) as folder:
        try:
            make = _onnx if row.format == WrittenCheckpoint.Format.ONNX else _own
            file, how = make(row, load(row.checkpoint), folder)
        except (ValueError, MissingExtra) as lacking:
            refuse_written(written=row, reason=str(lacking))
            return
        keep_written(written=row, file=file, how=how)


def _onnx(row: WrittenCheckpoint, separator: Separator, folder: Path) -> tuple[Path, str]:
    """Raises ValueError where onnxruntime does not give what PyTorch gives."""
    file = folder / "model.onnx"
    licence = str(row.checkpoint.recipe.get("licence", ""))
    onnx_file.export(separator, file, about={"checkpoint": row.checkpoint.hash, "licence": licence, "made_by": "unbleed"})
    mix, what = _heard(row, separator)
    apart = onnx_file.difference(file, separator, mix)
    if apart > ENOUGH:
        raise ValueError(f"On {what} onnxruntime and PyTorch are {apart:.0f} dB apart, which is more than rounding: the file is not kept.")
    shape = f"mix -> stem, (batch, {separator.channels}, samples) at {separator.sample_rate} Hz, of any length"
    return file, f"Opset {onnx_file.OPSET}; {shape}. On {what} onnxruntime and PyTorch are {apart:.0f} dB apart."


def _heard(row: WrittenCheckpoint, separator: Separator) -> tuple[NDArray[np.float32], str]:
    """Ten seconds of a song of the campaign, or of noise where it has none."""
    n_samples = round(HEARD * separator.sample_rate) + 123  # no multiple of anything
    stem = Stem.objects.filter(track__campaign=row.who.campaign, name="mixture", track__set_aside=None).order_by("-track__duration").first()
    if stem is None:
        return np.random.default_rng(0).normal(0, 0.1, (separator.channels, n_samples)).astype(np.float32), f"{HEARD:.0f} s of noise"
    sound = audio.read(storage.local(stem.file), end=3 * HEARD)
    mix = as_input(separator, sound.samples, sound.sample_rate).numpy()[:, -n_samples:]
    return np.ascontiguousarray(mix), f"{mix.shape[1] / separator.sample_rate:.0f} s of a song of the campaign"


def _own(row: WrittenCheckpoint, separator: Separator, folder: Path) -> tuple[Path, str]:
    """All files in one archive, with how they are loaded. Raises ValueError where the architecture has no tool of its own."""
    inside = folder / row.checkpoint.short
    inside.mkdir()
    _, how = own_tool.export(separator, inside, row.checkpoint.short)
    how = how.replace(str(folder) + "/", "")
    (inside / "HOW.txt").write_text(f"{how}\n")
    file = folder / "model.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(inside.iterdir()):
            archive.writestr(zipfile.ZipInfo(f"{inside.name}/{one.name}", LONG_AGO), one.read_bytes(), zipfile.ZIP_DEFLATED)
    return file, how
