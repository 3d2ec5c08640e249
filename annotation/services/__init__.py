"""The verbs of annotation: each changes state once, in one transaction, and records what happened."""

from annotation.services.answers import AlreadyAnswered, RoundFrozen, answer_of, to_change
from annotation.services.campaigns import add_member, change_campaign, create_campaign, pause_rounds, raise_versions, resume_rounds
from annotation.services.closing import archive, end_campaign, open_again, take_out_of_archive
from annotation.services.consensus import (
    agree_again_over_campaign,
    agree_on_due_tasks,
    agree_on_task,
    close_unanswerable_tasks,
    reopen_uncertain,
)
from annotation.services.drafts import DraftChanged, go_on_with_draft, save_draft, shown_draft
from annotation.services.leases import NotYours, assign_task, expire_leases, prefetch, renew_lease
from annotation.services.opinions import ask_once_more
from annotation.services.queue import Clip, UsedKey, open_tasks, submit, thanks, withdraw_untouched
from annotation.services.quick import segments_of
from annotation.services.reviews import (
    DecisionUsed,
    NotAReviewer,
    NothingToUndo,
    NotInReview,
    StaleReview,
    accept_one_answer,
    accept_review,
    edit_review,
    send_back,
    undo_review,
)
from annotation.services.skips import NoWayBack, skip, undo_skip
from annotation.services.tracks import AlreadyThere, NewStem, add_track, describe, keep_estimate, put_back, set_aside, withdraw_returned

__all__ = [
    "AlreadyAnswered",
    "AlreadyThere",
    "Clip",
    "DecisionUsed",
    "DraftChanged",
    "NewStem",
    "NoWayBack",
    "NotAReviewer",
    "NotInReview",
    "NotYours",
    "NothingToUndo",
    "RoundFrozen",
    "StaleReview",
    "UsedKey",
    "accept_one_answer",
    "accept_review",
    "add_member",
    "add_track",
    "agree_again_over_campaign",
    "agree_on_due_tasks",
    "agree_on_task",
    "answer_of",
    "archive",
    "ask_once_more",
    "assign_task",
    "change_campaign",
    "close_unanswerable_tasks",
    "create_campaign",
    "describe",
    "edit_review",
    "end_campaign",
    "expire_leases",
    "go_on_with_draft",
    "keep_estimate",
    "open_again",
    "open_tasks",
    "pause_rounds",
    "prefetch",
    "put_back",
    "raise_versions",
    "renew_lease",
    "reopen_uncertain",
    "resume_rounds",
    "save_draft",
    "segments_of",
    "send_back",
    "set_aside",
    "shown_draft",
    "skip",
    "submit",
    "take_out_of_archive",
    "thanks",
    "to_change",
    "undo_review",
    "undo_skip",
    "withdraw_returned",
    "withdraw_untouched",
]
