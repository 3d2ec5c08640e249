"""All that is kept of one person in one campaign, to be taken home: theirs alone, and nothing that would tell clips whose truth is known.

Times within a clip are seconds from its beginning, and songs are named once their round is closed, as on the person's own pages.
"""

from __future__ import annotations

from typing import Any

from annotation.core.regions import shift
from annotation.models import Membership, Note, Preference, Referral, Reply, Submission
from annotation.selectors.answers import is_frozen
from annotation.selectors.gold import on_gold
from annotation.selectors.notes import notes_of

Which = Preference.Which
Rows = Any  # an object or a list of objects


def own_data(member: Membership) -> dict[str, Rows]:
    """Name of a file -> what is in it, as JSON has it."""
    answers = list(
        member.submissions.select_related("task__track", "by__campaign", "provenance").prefetch_related("marks", "missing").order_by("pk")
    )
    return {
        "profile": _profile(member),
        "consents": list(member.consents.order_by("pk").values("version", "text", "given", "when")),
        "first_visit": _first_visit(member),
        "clips": list(member.assignments.order_by("pk").values("task", "state", "skip_reason", "taken_at", "lease_until")),
        "answers": [_answer(one) for one in answers],
        "plays": [
            {
                "answer": one.pk,
                "heard": shift(one.heard, -one.task.start),
                "played": {stem: shift(spans, -one.task.start) for stem, spans in one.played.items()},
            }
            for one in answers
        ],
        "drafts": list(member.drafts.order_by("pk").values("task", "result", "saved")),
        "listening_tests": [_preferred(one) for one in member.preferences.select_related("clip").order_by("pk")],
        "notes": [_thread(one, member) for one in notes_of(member)],
        "asked_to_hear_again": list(
            member.referrals.filter(kind=Referral.Kind.ANSWER).order_by("pk").values("task", "note", "created", "done")
        ),
        "messages": list(member.messages.order_by("pk").values("text", "written", "read")),
        "pauses": list(
            member.pauses.order_by("pk").values(
                "since", "score", "n_answers", "wanted", "appeal", "appealed", "decision", "decided", "reply", "ended"
            )
        ),
        "participations": list(
            member.participations.order_by("pk").values("external_id", "sessions", "state", "began", "finished", "excluded")
        ),
        "label_studio": list(member.label_studio.order_by("pk").values("number", "name")),
        "history": list(member.campaign.events.filter(who=member).order_by("pk").values("what", "when")),
    }


def _preferred(one: Preference) -> dict[str, Any]:
    """In the letters that they heard, and not by checkpoint: the test may still be open."""
    first, second = (Which.CHECKPOINT, Which.OTHER) if one.was_first else (Which.OTHER, Which.CHECKPOINT)
    letters = {first: "A", second: "B", Which.NONE: "no difference", "": None}
    said = {"better": letters[one.better], "leaks_less": letters[one.leaks_less]}
    return {"test": one.clip.test_id, "clip": one.clip_id, **said, "seconds_heard": one.heard, "when": one.created}


def _thread(note: Note, member: Membership) -> dict[str, Any]:
    """Of others what was written to them alone, and not who wrote it."""
    said: list[Note | Reply] = [note, *note.replies.all()]
    said = said if note.person_id == member.pk else [one for one in said if one.by_id == member.pk]
    return {
        "task": note.task_id,
        "messages": [{"by": "you" if one.by_id == member.pk else "the lab", "text": one.text, "created": one.created} for one in said],
    }


def _profile(member: Membership) -> dict[str, Any]:
    user, fit, gold = member.user, getattr(member, "reliability", None), on_gold(member)
    account = {name: getattr(user, name, None) for name in ("username", "name", "email", "date_joined", "last_login")} if user else None
    about = (
        "pseudonym",
        "role",
        "kind",
        "joined",
        "active",
        "consent_version",
        "qualified",
        "tasks_asked",
        "tags",
        "paused",
        "pause_reason",
    )
    return {
        "campaign": member.campaign.name,
        "account": account,
        **{name: getattr(member, name) for name in about},
        "right_on_known_clips": {"share": gold.score, "clips": gold.n},
        "reliability": {name: getattr(fit, name) for name in ("sensitivity", "specificity", "onset_lag", "offset_lag", "n_tasks", "fitted")}
        if fit
        else None,
    }


def _first_visit(member: Membership) -> dict[str, Any]:
    visit = getattr(member, "first_visit", None)
    steps = ("consent", "questions", "sound", "sound_tries", "instructions_version", "more_tries", "begun", "finished")
    return {
        "steps": {name: getattr(visit, name) for name in steps} if visit else None,
        "practice": list(member.practice_answers.order_by("pk").values("run", "number", "marks", "score", "when")),
    }


def _provenance(one: Submission) -> dict[str, Any] | None:
    of = getattr(one, "provenance", None)
    return {name: getattr(of, name) for name in ("source", "file", "where", "person", "said")} if of else None


def _answer(one: Submission) -> dict[str, Any]:
    start, frozen = one.task.start, is_frozen(one.created, one.by.campaign.frozen)
    return {
        "answer": one.pk,
        "task": one.task_id,
        "song": one.task.track.name if frozen else None,
        "song_seconds": [one.task.start, one.task.end] if frozen else None,
        "revision": one.revision,
        "status": one.status,
        "when": one.created,
        "imported_from": _provenance(one),
        "seconds_at_it": one.lead_time,
        "marks": [{"start": mark.start - start, "end": mark.end - start, "tag": mark.tag} for mark in one.marks.all()],
        "missing": [{"start": mark.start - start, "end": mark.end - start} for mark in one.missing.all()],
        "as_received": one.result,
        "consent_version": one.consent_version,
        "instruction_version": one.instruction_version,
    }
