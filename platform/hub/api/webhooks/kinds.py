"""What webhooks are told of, and in which words of ours: a list of what may leave, from which all else stays out.

Told are numbers of rows, counts, states and hashes: no names of people or songs, no texts that anybody wrote, no addresses, no
tokens. A person is the number of their membership, by which managers find them, and only where the event is about what that person
did or gave; who decided about others is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotation.models import Campaign, Event

TEST = "test"
LONGEST = 100  # characters of a value


@dataclass(frozen=True)
class Kind:
    """One kind of event: when it happens, and what is told of it beside the campaign."""

    sentence: str
    told: tuple[str, ...] = ()  # of what the event kept of after
    person: bool = False  # whether it is about the person who did it


KINDS = {
    "submission.kept": Kind("Somebody answered a clip.", ("submission", "task", "status", "marks"), person=True),
    "task.skipped": Kind("Somebody skipped a clip.", ("task",), person=True),
    "task.closed": Kind("People agreed on a clip, or a reviewer decided on it.", ("task", "regions", "certainty")),
    "task.contested": Kind("People did not agree on a clip, which waits for a reviewer.", ("task", "regions", "certainty")),
    "task.one_more": Kind("One more person is asked for a clip.", ("task", "certainty", "round")),
    "review.accepted": Kind("A reviewer accepted what people agreed on.", ("task", "regions")),
    "review.edited": Kind("A reviewer drew the regions of a clip.", ("task", "regions")),
    "review.took": Kind("A reviewer took one person's answer for a clip.", ("task", "regions")),
    "review.sent_back": Kind("A reviewer sent a clip back, to be heard by more people.", ("task", "overlap")),
    "review.undone": Kind("A reviewer took a decision on a clip back.", ("task",)),
    "note.written": Kind("Somebody wrote a note to the lab about a clip (its text is not sent).", ("task", "note"), person=True),
    "tasks.opened": Kind("Clips of a round are there to be answered.", ("round", "tasks")),
    "tasks.withdrawn": Kind("Clips that nobody had answered were withdrawn.", ("tasks",)),
    "round.opened": Kind("A round began.", ("round", "checkpoint")),
    "feedback.frozen": Kind("What people agreed on in a round was frozen, for the model to learn from.", ("round", "regions", "clips")),
    "round.finished": Kind("A round ended with the gate's verdict on what the model learned.", ("round", "verdict")),
    "round.empty": Kind("A round ended with nothing to learn from.", ("round",)),
    "model.promoted": Kind("What a round taught passed the gate: everybody hears the new model.", ("checkpoint",)),
    "model.rolled_back": Kind("Somebody went back to the model before.", ("checkpoint",)),
    "model.chosen": Kind("Somebody chose another checkpoint of the campaign.", ("checkpoint",)),
    "model.base_changed": Kind("The campaign goes on from another base.", ("checkpoint",)),
    "job.done": Kind("A job was done.", ("job", "kind")),
    "job.failed": Kind("A job failed for good.", ("job", "kind")),
    "track.added": Kind("A song came in.", ("track", "use", "domain")),
    "track.set_aside": Kind("A song was set aside: no more clips of it are handed out.", ("track", "use")),
    "track.put_back": Kind("A song that had been set aside is back.", ("track", "use")),
    "member.joined": Kind("Somebody joined the campaign.", ("role", "kind"), person=True),
    "member.qualified": Kind("Somebody qualified on gold tasks.", ("score",), person=True),
    "member.paused": Kind("Somebody was paused: too many errors on gold tasks.", ("score", "wanted", "answers"), person=True),
    "member.appealed": Kind("Somebody appealed against a pause.", person=True),
    "consent.withdrawn": Kind("Somebody took their consent back: what they gave is not to be used any more.", ("answers",), person=True),
    "listening.begun": Kind("A listening test began.", ("test", "checkpoint", "other")),
    "listening.ended": Kind("A listening test ended, so that its result can be read.", ("test", "checkpoint", "other")),
    "campaign.changed": Kind("Somebody changed the settings (what they are now is not sent)."),
    "campaign.paused": Kind("The rounds were paused."),
    "campaign.resumed": Kind("The rounds go on."),
    "campaign.held_up": Kind("The rounds wait for something, or go on again.", ("kind",)),
    "campaign.ended": Kind("The campaign ended: nobody is asked any more."),
    "campaign.opened_again": Kind("The campaign was opened again."),
    "campaign.archived": Kind("The campaign was put into the archive."),
}
"""Kind of event -> when it happens, and what is told. What is not here no webhook is told of."""

GROUPS: list[tuple[str, tuple[str, ...]]] = [
    ("Answers and clips", ("submission.", "task.")),
    ("Reviews and notes", ("review.", "note.")),
    ("Rounds and models", ("tasks.", "round.", "feedback.", "model.")),
    ("Songs and jobs", ("track.", "job.")),
    ("People", ("member.", "consent.")),
    ("The campaign", ("campaign.", "listening.")),
]
"""Under which headings people choose among them, by how the kinds' names begin."""


def payload(what: str, campaign: Campaign, event: Event | None) -> dict[str, Any]:
    """What is sent, as Standard Webhooks names its parts; without an event it is a test. The time is when it happened."""
    data: dict[str, Any] = {"campaign": {"id": campaign.pk, "slug": campaign.slug}}
    if event is None:
        return {"type": TEST, "data": data}
    kind, after = KINDS[what], event.after or {}
    data["event"] = event.pk
    if kind.person and event.who_id:
        data["person"] = event.who_id
    data |= {name: after[name] for name in kind.told if _may_leave(after.get(name))}
    return {"type": what, "timestamp": event.when.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "data": data}


def _may_leave(value: object) -> bool:
    return isinstance(value, int | float | bool) or (isinstance(value, str) and len(value) <= LONGEST)
