"""What a round will need, looked at before people's time is spent on it: a recipe that can be read, songs to replay, a fit checkpoint.

Brings torch in, by the recipe; for workers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from annotation.files import storage
from annotation.models import Campaign
from learner.core import checkpoint
from learner.core.choosing import signals
from learner.core.files.names import readable
from learner.core.separate import as_input
from learner.core.separators import Separator
from learner.core.teaching.adapt import NoReplay
from learner.core.teaching.continual import freeze_statistics
from learner.models import Checkpoint, UnfitCheckpoint, check_stem
from learner.selectors.recipes import lacks_replay, recipe_of

TRIED = 1.0  # seconds of noise that a checkpoint is tried on
USUAL = (44_100, 2)  # Hz and channels of the noise, for a campaign that has no songs yet


def check_ready(campaign: Campaign, parent: Checkpoint) -> None:
    """Raise `BadRecipe` or `NoReplay`, saying what to do, where an adaptation of this parent could not begin."""
    architecture = checkpoint.about(storage.local(parent.stored)).architecture
    if reason := lacks_replay(campaign, recipe_of(campaign, campaign.recipe, architecture)):
        raise NoReplay(f"{NoReplay.__doc__} {reason}")


def try_checkpoint(file: Path, campaign: Campaign) -> None:
    """Do with a checkpoint and a second of noise what a round does: separate, score, and find a way to learn.

    The noise has the sample rates and channels of the campaign's songs. Raises `BadCheckpoint` where the file cannot be read, and
    `UnfitCheckpoint`, saying what is wrong, where a round with it would fail.
    """
    separator = checkpoint.load(file)
    check_stem(campaign, separator.stem, readable(file.name))
    for rate, channels in campaign.tracks.filter(set_aside=None).order_by().values_list("sample_rate", "channels").distinct() or [USUAL]:
        noise = np.random.default_rng(0).normal(0, 0.1, (channels, round(TRIED * rate))).astype(np.float32)
        try:
            wrong = _tried(separator, noise, rate)
        except Exception as error:  # whatever a network trips over: to find it here is what the trial is for
            wrong = f"{type(error).__name__}: {error}"
            raise UnfitCheckpoint(f"{_on(file, rate, channels)} {wrong}") from error
        if wrong:
            raise UnfitCheckpoint(f"{_on(file, rate, channels)} {wrong}")


def _on(file: Path, rate: int, channels: int) -> str:
    return f"{readable(file.name)} was tried on {TRIED:g} s of sound with {channels} channels at {rate} Hz, as the campaign's songs have:"


def _tried(separator: Separator, mix: np.ndarray, rate: int) -> str:
    """What is wrong with what the separator does, in words; empty where it does all that a round asks of it."""
    try:
        found = signals.measure(separator, [mix], rate, dear=True)
    except signals.NoSound:
        return "what it gives holds NaN or infinity."
    dear = signals.dear_column(separator)
    if not np.isfinite(found.columns[dear]).all():
        how = "with dropout" if dear == "spread" else "of the same sound, faster or quieter,"
        return f"its clips have no scores: {how} it gives NaN or infinity."
    if wrong := [name for name, column in found.columns.items() if np.isnan(column).any() and not np.isnan(column).all()]:
        return f"its clips have no scores: {', '.join(wrong)} of what it has inside is NaN or infinity."
    if not np.isfinite(found.embedding).all():
        return "its clips cannot be compared: what lies deepest in its network is NaN or infinity."
    freeze_statistics(separator)
    separator.spectrum(as_input(separator, mix, rate)[None].to(separator.device)).abs().mean().backward()
    slopes = [parameter.grad for parameter in separator.parameters() if parameter.grad is not None]
    if not slopes or not all(bool(torch.isfinite(slope).all()) for slope in slopes):
        return "it cannot learn: its weights have no gradients, or such that hold NaN or infinity."
    return ""
