"""What is in the way of the next step of a campaign's rounds: looked at before a round begins or is learned from, so that none is lost."""

from __future__ import annotations

from annotation.files import storage
from annotation.models import Campaign
from learner.selectors.checkpoints import current_checkpoint
from learner.selectors.recipes import cannot_work


def why_held_up(campaign: Campaign) -> str:
    """Why a round that began now would fail, or one could not be learned from, and what to do; empty: nothing is known against it."""
    checkpoint = current_checkpoint(campaign)
    if checkpoint is None:
        return ""
    if checkpoint.removed:
        return f"The file of checkpoint {checkpoint.short} is gone ({checkpoint.removed}): {INSTEAD}"
    if checkpoint.file and not storage.local(checkpoint.file).is_file():
        return f"The file of checkpoint {checkpoint.short} is missing in the storage: restore it from a backup, or {INSTEAD}"
    try:
        return REPLAY if cannot_work(campaign, campaign.recipe) else ""
    except ValueError as wrong:
        return f"The recipe cannot be followed: {wrong} Change it in the settings."


REPLAY = (
    "The recipe replays songs, so that the model keeps what it can, and none can be used: add some for that (“Add songs”, to replay), "
    "put back those that were set aside (“Tracks”), or change the recipe in the settings. Then it goes on by itself."
)
INSTEAD = "make another checkpoint current on its page, or take another base."
