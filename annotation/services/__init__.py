"""The verbs of annotation: each changes state once, in one transaction, and records what happened."""

from annotation.services.campaigns import AlreadyThere, NewStem, add_member, add_track, create_campaign, keep_estimate, pause, resume
from annotation.services.closing import agree_over, close_stuck, look_again, take_consensus, take_due
from annotation.services.leases import NotYours, assign_task, expire_leases, prefetch, renew_lease, skip
from annotation.services.queue import Clip, UsedKey, open_tasks, save_draft, submit, thanks, withdraw_untouched
from annotation.services.reviewing import (
    DecisionUsed,
    NotAReviewer,
    NothingToUndo,
    NotInReview,
    StaleReview,
    accept_review,
    edit_review,
    send_back,
    take_answer,
    undo_review,
)
from annotation.services.tracks import put_back, set_aside, withdraw_returned

__all__ = [
    "AlreadyThere",
    "Clip",
    "DecisionUsed",
    "NewStem",
    "NotAReviewer",
    "NotInReview",
    "NotYours",
    "NothingToUndo",
    "StaleReview",
    "UsedKey",
    "accept_review",
    "add_member",
    "add_track",
    "agree_over",
    "assign_task",
    "close_stuck",
    "create_campaign",
    "edit_review",
    "expire_leases",
    "keep_estimate",
    "look_again",
    "open_tasks",
    "pause",
    "prefetch",
    "put_back",
    "renew_lease",
    "resume",
    "save_draft",
    "send_back",
    "set_aside",
    "skip",
    "submit",
    "take_answer",
    "take_consensus",
    "take_due",
    "thanks",
    "undo_review",
    "withdraw_returned",
    "withdraw_untouched",
]
