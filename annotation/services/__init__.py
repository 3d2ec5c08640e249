"""The verbs of annotation: each changes state once, in one transaction, and records what happened."""

from annotation.services.campaigns import AlreadyThere, NewStem, add_member, add_track, create_campaign, keep_estimate, pause, resume
from annotation.services.closing import agree_over, close_stuck, take_consensus
from annotation.services.queue import (
    Clip,
    NotYours,
    assign_task,
    expire_leases,
    open_tasks,
    renew_lease,
    save_draft,
    skip,
    submit,
    withdraw_untouched,
)

__all__ = [
    "AlreadyThere",
    "Clip",
    "NewStem",
    "NotYours",
    "add_member",
    "add_track",
    "agree_over",
    "assign_task",
    "close_stuck",
    "create_campaign",
    "expire_leases",
    "keep_estimate",
    "open_tasks",
    "pause",
    "renew_lease",
    "resume",
    "save_draft",
    "skip",
    "submit",
    "take_consensus",
    "withdraw_untouched",
]
