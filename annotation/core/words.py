"""What happened in a campaign, in words: the rest of a sentence that begins with who did it.

Here are the kinds of event that this half records; those of the machine are in `hub.pages.words`, which knows both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

Values = dict[str, Any]
"""What an event kept of before, or of after."""

MOMENT, DAY = "{0.day} {0:%b %Y, %H:%M} UTC", "{0.day} {0:%b %Y}"  # as the pages' filter `when` has it

LONGEST_VALUE = 40  # characters of a changed value that the history repeats


def count(n: int, one: str, many: str = "") -> str:
    """`count(1, "mark")` -> "1 mark", `count(3, "mark")` -> "3 marks"."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def moment(when: datetime) -> str:
    """ "29 Nov 2026, 08:09 UTC": how sentences say a time."""
    return MOMENT.format(when.astimezone(UTC))


def day(when: datetime) -> str:
    """ "29 Nov 2026"."""
    return DAY.format(when.astimezone(UTC))


def who(pseudonym: str | None, *, reads_it: bool, named: bool = True) -> str:
    """Who did it, as somebody reads it who may have done it; None: no member. Without `named`, others have no name."""
    if pseudonym is None:
        return "the platform"
    return "you" if reads_it else pseudonym if named else "somebody"


def _answered(after: Values) -> str:
    marks = count(after.get("marks", 0), "mark") if after.get("marks") else "nothing wrong heard"
    extra = {"surplus": "; kept, though the task was full already", "too soon": "; not counted, sooner than the clip can be heard"}
    return f"answered {_task(after)}: {marks}{extra.get(str(after.get('status')), '')}"


def _task(after: Values) -> str:
    """The task by its number, or as those name it who read of one task only."""
    return str(after["named"]) if "named" in after else f"task {after.get('task')}"


def _why_one_more(after: Values) -> str:
    if "round" in after:
        return f"in round {after['round']} that was worth more than a new clip"
    return f"the consensus was {_percent(after.get('certainty', 0))} certain"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _fields(before: Values) -> str:
    return ", ".join(name.replace("_", " ") for name in before) or "nothing"


def _changed(before: Values, after: Values) -> str:
    """ "changed clips per round from 6 to 8, and instructions"; what is long is named alone."""
    told = [_one_field(name.replace("_", " "), before.get(name), after.get(name)) for name in before]
    by = f"({after['by']}) " if after.get("by") else ""
    return f"{by}changed {', '.join(told) or 'nothing'}"


def _track_changed(after: Values) -> str:
    """ "changed the song Evening: artist to Ella", or what was changed of how many."""
    songs = f"the song {after['name']}" if after.get("name") else count(after.get("n", 0), "song")
    to = after.get("to", {})
    told = ", ".join(f"{name} to {_short(to[name])}" if name in to and _short(to[name]) else str(name) for name in after.get("fields", ()))
    return f"changed {songs}: {told}"


def changes(changed: Iterable[tuple[str, str, str]]) -> str:
    """ "changed artist from nothing to Ella": of fields with what they held before and after."""
    return f"changed {', '.join(_one_change(name, _short(before), _short(after)) for name, before, after in changed)}"


def _one_field(name: str, old: object, new: object) -> str:
    """ "recipe (steps from default to 200)" for settings that lie in one field, else the field."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return _one_change(name, _short(old), _short(new))
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    said = [
        _one_change(key, _short(old[key]) if key in old else "default", _short(new[key]) if key in new else "default") for key in changed
    ]
    return f"{name} ({', '.join(said)})"


def _one_change(name: str, old: str | None, new: str | None) -> str:
    return name if old is None or new is None else f"{name} from {old} to {new}"


def _short(value: object) -> str | None:
    """A value as a sentence holds it; None where it would be too long for one."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool) or value in ("True", "False"):
        return "on" if str(value) == "True" else "off"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_VALUE and "\n" not in text else None


def _tags(values: Values) -> str:
    return ", ".join(values.get("tags") or ["none"])


def short_hash(values: Values) -> str:
    """The checkpoint that an event tells of, as people read it."""
    return str(values.get("checkpoint", "?"))[:8]


SENTENCES: dict[str, Callable[[Values, Values], str]] = {
    "campaign.created": lambda before, after: "made the campaign",
    "campaign.paused": lambda before, after: "paused the rounds",
    "campaign.resumed": lambda before, after: "let the rounds go on",
    "campaign.changed": _changed,
    "answers.imported": lambda before, after: (
        f"imported {count(after.get('answers', 0), 'answer')} with {count(after.get('marks', 0), 'mark')}"
        + (f" from {after['file']}" if after.get("file") else "")
        + "".join(f", {count(after[kind], one)}" for kind, one in (("gold", "known clip"), ("predictions", "proposal")) if after.get(kind))
    ),
    "sound.added": lambda before, after: f"brought the sound {after.get('name')} to the texts",
    "sound.removed": lambda before, after: f"took the sound {after.get('name')} away",
    "campaign.ended": lambda before, after: "ended the campaign: nobody is asked to listen any more",
    "campaign.opened_again": lambda before, after: "opened the campaign again",
    "campaign.archived": lambda before, after: "put the campaign into the archive",
    "campaign.taken_out": lambda before, after: "took the campaign out of the archive",
    "member.joined": lambda before, after: f"joined as {after.get('role', 'member')}",
    "member.welcomed": lambda before, after: "finished the first visit",
    "member.may_practise_again": lambda before, after: f"let {after['who']} go through the practice once more",
    "member.qualified": lambda before, after: "qualified on gold tasks",
    "member.paused": lambda before, after: (
        f"was paused: {after.get('score', 0):.2f} on gold tasks, {after.get('wanted', 0):.2f} is asked for"
    ),
    "member.appealed": lambda before, after: "appealed against a pause",
    "pause.lifted": lambda before, after: f"lifted the pause of {after.get('member')}",
    "pause.upheld": lambda before, after: f"let the pause of {after.get('member')} stand",
    "consent.given": lambda before, after: f"consented to version {after.get('version')}",
    "consent.withdrawn": lambda before, after: "withdrew consent" + (", and every answer" if after.get("answers") else ""),
    "member.changed": lambda before, after: (
        f"({after['by']}) changed a member: {_fields(before)}"
        if after.get("by")
        else f"made {after.get('member')} {after.get('role')}, who was {before.get('role')}"
    ),
    "member.removed": lambda before, after: (
        f"took {after.get('member')} out of the campaign" + (f", with {count(after['answers'], 'answer')}" if after.get("answers") else "")
    ),
    "member.let_back": lambda before, after: f"let {after.get('member')} back in",
    "member.anonymised": lambda before, after: f"forgot who {after.get('member')} was",
    "invitation.made": lambda before, after: (
        f"made an invitation as {after.get('role')}"
        + (", sent by e-mail" if after.get("by_email") else f", for {count(after.get('max_uses', 1), 'person', 'people')}")
    ),
    "invitation.revoked": lambda before, after: f"revoked an invitation as {after.get('role')}",
    "invitation.taken": lambda before, after: f"came by an invitation as {after.get('role')}",
    "member.held_back": lambda before, after: f"paused {after.get('member')}" + (f": {after['reason']}" if after.get("reason") else ""),
    "member.goes_on": lambda before, after: f"let {after.get('member')} go on",
    "member.tagged": lambda before, after: f"gave {after.get('member')} the tags {_tags(after)}, who had {_tags(before)}",
    "member.answered_questions": lambda before, after: "answered the campaign's questions",
    "message.written": lambda before, after: f"wrote to {after.get('member')}",
    "link.created": lambda before, after: f"made a crowd link ({after.get('kind')})",
    "link.changed": lambda before, after: "changed how many people from one address a crowd link lets in",
    "link.stopped": lambda before, after: (
        f"let nobody more in from address {after.get('from')} for now: {count(after.get('limit', 0), 'person', 'people')} within an hour"
    ),
    "link.revoked": lambda before, after: "revoked a crowd link",
    "link.taken": lambda before, after: "came by a crowd link",
    "participation.finished": lambda before, after: f"finished {after.get('member')}'s part: all that was asked is done",
    "participation.reclaimed": lambda before, after: f"freed the place of {after.get('member')}: {after.get('state')}",
    "participation.settled": lambda before, after: f"noted that the work of {after.get('member')} was {after.get('state')}",
    "participation.excluded": lambda before, after: f"took {count(after.get('answers', 0), 'answer')} of {after.get('member')} out",
    "track.added": lambda before, after: f"added the song {after.get('name')} ({after.get('use')}, {after.get('domain')})",
    "track.set_aside": lambda before, after: f"set the song {after.get('name')} ({after.get('use')}) aside: {after.get('reason')}",
    "track.left_out": lambda before, after: f"left the song {after.get('name')} ({after.get('use')}) out, which had been set aside",
    "track.changed": lambda before, after: _track_changed(after),
    "track.put_back": lambda before, after: f"put the song {after.get('name')} ({after.get('use')}) back",
    "tasks.opened": lambda before, after: f"opened {count(after.get('tasks', 0), 'task')} for round {after.get('round')}",
    "tasks.withdrawn": lambda before, after: (
        f"withdrew {count(after.get('tasks', 0), 'untouched task')} of {before.get('name') or short_hash(before)}"
    ),
    "task.skipped": lambda before, after: f"skipped {_task(after)}: {after.get('reason')}",
    "task.skip_undone": lambda before, after: f"took the skip of {_task(after)} back",
    "task.one_more": lambda before, after: f"asked one more person for {_task(after)}: {_why_one_more(after)}",
    "task.closed": lambda before, after: f"closed {_task(after)}: {count(after.get('regions', 0), 'region')} agreed on",
    "task.contested": lambda before, after: f"left {_task(after)} to a reviewer: people did not agree enough",
    "review.accepted": lambda before, after: f"accepted the consensus on {_task(after)}",
    "review.edited": lambda before, after: f"decided on regions of their own in {_task(after)}: {count(after.get('regions', 0), 'region')}",
    "review.took": lambda before, after: f"took the answer of {after.get('person', 'one person')} for {_task(after)}",
    "review.undone": lambda before, after: f"took the decision on {_task(after)} back",
    "review.sent_back": lambda before, after: (
        f"sent {_task(after)} back: {after.get('overlap', 0)} answers are wanted now, {before.get('overlap', 0)} were"
    ),
    "review.returned": lambda before, after: f"asked {after.get('person', 'one person')} to hear {_task(after)} again",
    "review.answered_again": lambda before, after: f"got another answer of {after.get('person', 'one person')} to {_task(after)}",
    "review.passed": lambda before, after: f"passed {_task(after)} to {after.get('member', 'another reviewer')}",
    "note.written": lambda before, after: f"wrote a note on {_task(after)} to the lab",
    "note.answered": lambda before, after: f"replied to a note on {_task(after)}",
    "note.written_on": lambda before, after: f"wrote on in a note on {_task(after)}",
    "note.commented": lambda before, after: f"commented on {_task(after)}",
    "submission.kept": lambda before, after: _answered(after),
    "answers.withdrawn": lambda before, after: f"took the answer to {_task(after)} back",
}
"""Kind of event -> what it did, from what it kept of before and of after."""
