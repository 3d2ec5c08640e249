"""Whether a campaign could learn with a recipe, and what would run: rows alone, and the head of the checkpoint's file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from django.db.models import F, Sum

from annotation.core.regions import merge
from annotation.files import storage
from annotation.models import Campaign, Consensus, ConsensusRegion, Task, Track
from learner.bases import has_real_songs
from learner.core.teaching.recipe import Recipe
from learner.models import Adaptation, Checkpoint, Job
from learner.selectors.checkpoints import current_checkpoint
from learner.selectors.one_song import TEMPLATE, fits_one_song

LONGEST_HEAD = 100_000_000  # bytes, as safetensors itself allows
ENTRY = "unbleed"


def architecture_of(checkpoint: Checkpoint) -> str:
    """What kind of network a checkpoint is, by the head of its file, read without torch; empty where the file is gone or has none."""
    if checkpoint.removed or not checkpoint.file:
        return ""
    return _head(storage.local(checkpoint.file)).get("architecture", "")


def _head(path: Path) -> dict[str, Any]:
    """What a checkpoint's file says of itself: eight bytes with the length of the head, then the head, JSON (safetensors' format)."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(length)) if length <= LONGEST_HEAD else {}
            found = json.loads(head.get("__metadata__", {}).get(ENTRY, "{}"))
    except (OSError, ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def recipe_of(campaign: Campaign, recipe: dict[str, Any], architecture: str) -> Recipe:
    """The settings that an adaptation of such a network would have. Raises BadRecipe, naming the setting and what is allowed."""
    return Recipe.changed(recipe, architecture, real_songs=has_real_songs(campaign))


def lacks_replay(campaign: Campaign, recipe: Recipe) -> str:
    """What to do where this recipe finds no songs to replay; empty where it finds some, or replays none.

    A recipe with `pseudo_replay` replays mixes: the base's own outputs stand for their stems. Where there are none, songs of
    the pool stand for them.
    """
    if recipe.replay_patches == 0 and recipe.algorithm == "zero-vocal-targets":
        return ""
    if recipe.pseudo_replay and (fits_one_song(campaign) or campaign.slug == TEMPLATE):
        return ""  # what nobody marks of its one song is replayed
    share = 1.0 if recipe.replay_patches == 0 and recipe.all_voices else recipe.replay_share
    replay = Track.objects.filter(campaign=campaign, use=Track.Use.REPLAY)
    usable = replay.filter(set_aside=None, stems__name="mixture" if recipe.pseudo_replay else campaign.stem)
    pool = Track.objects.filter(campaign=campaign, use=Track.Use.POOL, set_aside=None)
    if share > 0 and (usable.exists() or (recipe.pseudo_replay and pool.exists())):
        return ""
    aside = " or put back those that were set aside," if replay.exclude(set_aside=None).exists() else ""
    return (
        f"Take some in with: `ingest {campaign.slug} FOLDER --use replay --domain source`,{aside} "
        "and leave the recipe's replay_share above 0. A paused campaign goes on by the button on its page."
    )


def cannot_work(campaign: Campaign, recipe: dict[str, Any]) -> str:
    """Why no adaptation of the campaign's checkpoint could begin with these settings, which are in themselves allowed; empty: it could.

    Before there is a checkpoint or a song nothing is against it: both may still come.
    """
    checkpoint = current_checkpoint(campaign)
    if checkpoint is None or not campaign.tracks.exists() or not (architecture := architecture_of(checkpoint)):
        return ""
    reason = lacks_replay(campaign, recipe_of(campaign, recipe, architecture))
    return f"With this recipe there are no songs to replay. {reason}" if reason else ""


# ---------------------------------------------------------------- a dry run


@dataclass(frozen=True)
class DryRun:
    """What an adaptation with a recipe would do now."""

    architecture: str  # empty: the campaign has no checkpoint yet, so these are the plain defaults
    changed: dict[str, tuple[Any, Any]]  # setting -> what it is by default, and by this recipe
    steps: int
    clips: int  # that people agreed on, to learn from
    songs: int  # that these clips are of
    marked: float  # seconds that people agreed on in them
    heard: float  # seconds of the clips
    apart: int  # clips that only the gate would see
    replay: int  # songs with a use, not set aside
    validation: int
    gate: int
    test: int
    lacks: str  # why it could not begin; empty: it could
    seconds: float | None  # about how long it would take, by the last one; None: there was none
    by: str  # what that is known from


def dry_run(campaign: Campaign, recipe: dict[str, Any]) -> DryRun:
    """What would run with these settings. Raises BadRecipe, naming the setting and what is allowed."""
    checkpoint = current_checkpoint(campaign)
    architecture = architecture_of(checkpoint) if checkpoint else ""
    settings, default = recipe_of(campaign, recipe, architecture), recipe_of(campaign, {}, architecture)
    differs = {
        one.name: (was, now) for one in fields(Recipe) if (was := getattr(default, one.name)) != (now := getattr(settings, one.name))
    }
    agreed = Consensus.objects.filter(task__campaign=campaign, task__kind=Task.Kind.POOL, task__state=Task.State.CLOSED)
    latest = list(agreed.order_by("task", "-version").distinct("task").select_related("task"))
    learned = [one for one in latest if not one.task.kept_apart]
    spans: dict[int, list[tuple[float, float]]] = {}
    for one in learned:
        spans.setdefault(one.task.track_id, []).append((one.task.start, one.task.end))
    regions = ConsensusRegion.objects.filter(consensus__in=learned)
    uses = list(campaign.tracks.filter(set_aside=None).values_list("use", flat=True))
    seconds, by = _about(campaign, settings, architecture)
    return DryRun(
        architecture=architecture,
        changed=differs,
        steps=settings.steps,
        clips=len(learned),
        songs=len(spans),
        marked=regions.aggregate(s=Sum(F("end") - F("start"), default=0.0))["s"],
        heard=sum(end - start for of_track in spans.values() for start, end in merge(of_track)),
        apart=len(latest) - len(learned),
        **{use: uses.count(use) for use in ("replay", "validation", "gate", "test")},
        lacks=lacks_replay(campaign, settings),
        seconds=seconds,
        by=by,
    )


def _about(campaign: Campaign, settings: Recipe, architecture: str) -> tuple[float | None, str]:
    """How long an adaptation would take, by the pace of the last one that came to its end here, and by what that is known."""
    ended = Adaptation.objects.filter(campaign=campaign, job__state=Job.State.DONE, job__started__isnull=False, job__attempt=1)
    last = ended.select_related("job", "feedback_set__round").order_by("-pk").first()
    if last is None or last.job.started is None or last.job.finished is None:
        return None, ""
    took = (last.job.finished - last.job.started).total_seconds()
    before = recipe_of(campaign, last.recipe, architecture)
    return took * _work(settings) / _work(before), f"round {last.feedback_set.round.number}"


def _work(settings: Recipe) -> int:
    """Spectral frames that go through the network."""
    return settings.steps * (settings.new_patches + settings.replay_patches) * settings.n_frames
