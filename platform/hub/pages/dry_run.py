"""What an adaptation with a recipe would do now, in words, before the recipe is saved."""

from __future__ import annotations

from typing import Any

from annotation.core.words import count
from annotation.models import Campaign
from hub.pages.fragments import Context
from hub.pages.words import lasting
from learner import selectors
from learner.selectors import DryRun


def shown(campaign: Campaign, recipe: dict[str, Any]) -> Context:
    """Of a recipe that was found right."""
    run = selectors.dry_run(campaign, recipe)
    return {"run": run, "sentences": _sentences(campaign, run), "changed": [(name, *both) for name, both in run.changed.items()]}


def _sentences(campaign: Campaign, run: DryRun) -> list[str]:
    told = [
        f"{run.marked / 60:.1f} marked minutes in {count(run.clips, 'clip')} of {count(run.songs, 'song')} to learn from, "
        f"{run.heard / 60:.1f} minutes heard in all" + (f"; {count(run.apart, 'clip')} more for the gate alone." if run.apart else ".")
        if run.clips
        else "No clip that people agreed on yet: there is nothing to learn from.",
        f"Songs: {run.replay} for replay, {run.validation} for validation, {run.gate} for the gate, {run.test} for the test.",
        f"{count(run.steps, 'step')}" + (", and as many again of replay alone, for comparison." if campaign.compare_with_replay else "."),
    ]
    if run.seconds is None:
        told.append("How long that takes is not known before the first adaptation has ended.")
    else:
        told.append(f"About {lasting(run.seconds)} of a worker, by what the adaptation of {run.by} took.")
    if run.lacks:
        told.append(f"It could not begin: there are no songs to replay. {run.lacks}")
    if not run.architecture:
        told.append("The campaign has no model yet: these are the defaults for any; those of its base may be others.")
    return told
