"""`export`: a checkpoint as other tools load it."""

from __future__ import annotations

import argparse

from learner.core.cli.reading import use_threads

HEARD = 10.0  # seconds of a song that the ONNX file is checked on
ENOUGH = -80.0  # dB: a difference above it is more than rounding


def export_checkpoint(options: argparse.Namespace) -> int:
    if not options.onnx and not options.own:
        raise ValueError("say what to write: --onnx FILE, or --own FOLDER")
    use_threads(options)
    from learner.core import checkpoint
    from learner.core.separators.exporting import onnx_file, own_tool

    separator = checkpoint.load(options.checkpoint)
    digest = checkpoint.file_hash(options.checkpoint)
    if options.own:
        path, how = own_tool.export(separator, options.own, digest[:8])
        print(f"{path}\n{how}")
    if options.onnx:
        about = {"checkpoint": digest, "licence": str(checkpoint.about(options.checkpoint).recipe.get("licence", "")), "made_by": "unbleed"}
        onnx_file.export(separator, options.onnx, about=about)
        print(f"{options.onnx}\nopset {onnx_file.OPSET}; mix -> stem, (batch, {separator.channels}, samples) at {separator.sample_rate} Hz")
        return 0 if options.unchecked or _checked(options, separator) else 1
    return 0


def _checked(options: argparse.Namespace, separator: object) -> bool:
    """Whether onnxruntime gives what PyTorch gives, of a song or of noise; said either way."""
    import numpy as np

    from learner.core import audio
    from learner.core.separate import as_input
    from learner.core.separators import Separator
    from learner.core.separators.exporting import onnx_file

    assert isinstance(separator, Separator)
    n_samples = round(HEARD * separator.sample_rate) + 123  # no multiple of anything
    if options.song:
        sound = audio.read(options.song)
        mix = as_input(separator, sound.samples, sound.sample_rate).numpy()[:, :n_samples]
    else:
        mix = np.random.default_rng(0).normal(0, 0.1, (separator.channels, n_samples)).astype(np.float32)
    apart = onnx_file.difference(options.onnx, separator, mix)
    what = options.song or "noise"
    print(f"{mix.shape[1] / separator.sample_rate:.1f} s of {what}: onnxruntime and PyTorch are {apart:.0f} dB apart")
    if apart > ENOUGH:
        print(f"That is more than rounding (at most {ENOUGH:g} dB): do not use the file.")
    return apart <= ENOUGH
