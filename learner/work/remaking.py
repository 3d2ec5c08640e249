"""Make a checkpoint again, and say what is not the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from annotation.core.words import count
from annotation.files import storage
from annotation.models import Track
from learner.core import checkpoint
from learner.core.teaching.adapt import Adapted
from learner.models import Adaptation, Checkpoint, Job, Remake
from learner.services import remakes
from learner.services.jobs import remake_folder
from learner.work.adapting import learn, learn_by_replay
from learner.work.plan import Plan, Pulse

MOST_SAID = 5  # settings or songs that are named


def remake(job: Job) -> None:
    """Do one job of the kind remake: what it makes is compared and thrown away, and nothing else changes."""
    one = Remake.objects.select_related("adaptation__campaign", "adaptation__parent", "adaptation__feedback_set__round", "checkpoint").get(
        job=job
    )
    one.job = job
    folder = remake_folder(job.pk)
    plan = replace(Plan.of(one.adaptation, job), folder=folder)
    pulse = Pulse(job, plan.recipe.steps + 1)
    with_marks = one.adaptation.child_id == one.checkpoint_id
    made = learn(plan, pulse) if with_marks else learn_by_replay(plan, pulse)
    pulse(plan.recipe.steps + 1, "comparing both files")
    found = [] if made.hash == one.checkpoint.hash else differences(one.adaptation, one.checkpoint, made, with_marks=with_marks)
    remakes.keep_outcome(remake=one, hash=made.hash, differences=found)
    shutil.rmtree(folder, ignore_errors=True)


def differences(adaptation: Adaptation, known: Checkpoint, made: Adapted, *, with_marks: bool) -> list[str]:
    """What is not the same, in words: first what may be the cause, then how far both are apart."""
    now = checkpoint.about(made.path)
    found = []
    if now.code_version != known.code_version:
        found.append(f"It was made by Unbleed {known.code_version}, and now by {now.code_version}.")
    if other := [name for name in sorted({*now.recipe, *known.recipe}) if now.recipe.get(name) != known.recipe.get(name)]:
        said = [f"{name} {known.recipe.get(name)} then, {now.recipe.get(name)} now" for name in other[:MOST_SAID]]
        found.append(f"Settings differ: {'; '.join(said)}.")
    found += _songs(adaptation)
    if with_marks:
        found += _losses(adaptation.report.get("losses", []), made.report.get("losses", []))
    return [*found, *_weights(known, made.path)]


def _songs(adaptation: Adaptation) -> list[str]:
    """Songs that it learned from or was stopped by may be others by now."""
    songs = adaptation.campaign.tracks.filter(use__in=(Track.Use.REPLAY, Track.Use.VALIDATION))
    since = adaptation.job.started or adaptation.job.created
    new = list(songs.filter(added__gt=since).order_by("pk").values_list("name", flat=True))
    gone = list(songs.filter(set_aside__gt=since).order_by("pk").values_list("name", flat=True))
    said = (("Added", new), ("Set aside", gone))
    return [
        f"{what} since: {count(len(names), 'song')} for replay or validation: {', '.join(names[:MOST_SAID])}."
        for what, names in said
        if names
    ]


def _losses(then: list[float], now: list[float]) -> list[str]:
    if not then or not now:
        return []
    first = next((step for step, (a, b) in enumerate(zip(then, now, strict=False), 1) if a != b), None)
    if first is None:
        return ["Every loss on the way is the same to five digits: they differ by rounding, or by which step was chosen."]
    return [f"The losses differ from step {first} of {len(then)} on: {then[first - 1]} then, {now[first - 1]} now."]


def _weights(known: Checkpoint, made: Path) -> list[str]:
    if known.removed:
        return [f"How far the weights are apart cannot be told. {known.removed}"]
    then: dict[str, Any] = load_file(storage.local(known.stored))
    now: dict[str, Any] = load_file(made)
    if then.keys() != now.keys() or any(then[name].shape != now[name].shape for name in then):
        return ["Both networks are not built alike."]
    apart = {name: float((then[name].double() - now[name].double()).abs().max()) for name in then if then[name].numel()}
    other = {name: most for name, most in apart.items() if most}
    if not other:
        return ["All weights are the same; what the files say of themselves is not."]
    name = max(other, key=lambda one: other[one])
    return [f"{len(other)} of {len(then)} tensors differ, the most by {other[name]:.2g} ({name})."]
