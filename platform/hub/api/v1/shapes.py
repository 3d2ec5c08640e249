"""The fields of what the API answers: for each kind of row a name and a type, in words for who reads the schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from annotation.models import Membership, Submission, Task, Track
from annotation.models.people import Right
from learner.models import Adaptation, Evaluation, Job, Round

Fields = dict[str, s.Field]

HASH = "hash of the checkpoint"


def whole(words: str = "", **rules: Any) -> s.Field:
    return s.IntegerField(help_text=words, **rules)


def text(words: str = "", **rules: Any) -> s.Field:
    return s.CharField(help_text=words, **({"allow_blank": True} | rules))


def seconds(words: str = "seconds from the start of the track", **rules: Any) -> s.Field:
    return s.FloatField(help_text=words, **rules)


def when(words: str = "", **rules: Any) -> s.Field:
    return s.DateTimeField(help_text=words, **rules)


def yes(words: str = "") -> s.Field:
    return s.BooleanField(help_text=words)


def one_of(choices: Any, words: str = "", **rules: Any) -> s.Field:
    return s.ChoiceField(choices=[str(value) for value in choices], help_text=words, **rules)


def spans(words: str) -> s.Field:
    return s.ListField(child=s.ListField(child=s.FloatField(), min_length=2, max_length=2), help_text=words)


def shape(name: str, fields: Fields) -> type[s.Serializer]:
    """A serializer, which is what the schema is made from; rows are answered as they are."""
    return type(name, (s.Serializer,), dict(fields))


CAMPAIGN: Fields = {
    "id": whole(),
    "slug": text("by which addresses name it"),
    "name": text(),
    "stem": text("what the model extracts and people listen to"),
    "role": one_of(Membership.Role.values, "one's own"),
    "rights": s.ListField(child=one_of(Right), help_text="what this request may do beside listening and marking"),
    "clip_seconds": s.FloatField(help_text="length of a task's clip"),
    "min_overlap": whole("answers to a task, at least"),
    "max_overlap": whole("answers to a task, at most"),
    "checkpoint": text(f"{HASH} in use; null: none yet", allow_null=True),
    "paused": yes("whether no new round begins"),
    "held_up": text("why no round can begin now; empty: nothing is in the way"),
    "ended": when("null: it runs", allow_null=True),
    "archived": when("null: it is not in the archive", allow_null=True),
}
TRACK: Fields = {
    "id": whole(),
    "name": text(),
    "artist": text(),
    "album": text(),
    "licence": text(),
    "use": one_of(Track.Use.values),
    "domain": one_of(Track.Domain.values),
    "duration": s.FloatField(help_text="seconds"),
    "sample_rate": whole("of the original, Hz"),
    "channels": whole("of the original"),
    "fingerprint": text("SHA-256 over the original files"),
    "kept_apart": yes("whether its marks are shown to the gate only"),
    "stems": s.ListField(child=s.CharField(), help_text="parts that there are as sound"),
    "added": when(),
    "set_aside": when("null: it is in use", allow_null=True),
    "set_aside_reason": text(),
}
TASK: Fields = {
    "id": whole(),
    "track": whole(),
    "track_name": text(),
    "stem": text(),
    "checkpoint": text(f"{HASH} whose estimate is heard"),
    "round": whole("number of the round that it was opened for"),
    "start": seconds(),
    "end": seconds(),
    "kind": one_of(Task.Kind.values, "gold: what is right is known"),
    "question": one_of(Task.Question.values),
    "state": one_of(Task.State.values),
    "contested": yes("whether people did not agree enough"),
    "kept_apart": yes("whether its marks are shown to the gate only"),
    "arm": one_of(Task.Arm.values, "random: the control group"),
    "chance": s.FloatField(help_text="probability with which it was chosen"),
    "strategy": text("of choosing; empty: not kept"),
    "reason": text("why it was chosen"),
    "overlap": whole("answers wanted now"),
    "opened": when(),
    "closed": when(allow_null=True),
}
SPAN = shape("Stretch", {"start": seconds(), "end": seconds()})
TAGGED = shape("TaggedStretch", {"start": seconds(), "end": seconds(), "tag": text("what leaks there; empty: not said")})
SUBMISSION: Fields = {
    "id": whole(),
    "task": whole(),
    "track": whole(),
    "round": whole(),
    "person": whole("the membership of who answered"),
    "pseudonym": text(),
    "person_kind": one_of(Membership.Kind.values),
    "revision": whole(),
    "status": one_of([one for one in Submission.Status if one != Submission.Status.WITHDRAWN]),
    "marks": TAGGED(many=True, help_text="where something else sounds; none: nothing wrong was heard"),
    "missing": SPAN(many=True, help_text="where something of the stem is missing"),
    "heard": spans("stretches that were played, seconds of the track; none: who sent it cannot know"),
    "lead_time": s.FloatField(help_text="seconds at it"),
    "asked": s.FloatField(allow_null=True, help_text="seconds that quick questions were about; null: marks were drawn"),
    "consent_version": whole(),
    "instruction_version": whole(),
    "created": when(),
}
MARK: Fields = {
    "id": whole(),
    "submission": whole(),
    "task": whole(),
    "track": whole(),
    "track_name": text(),
    "round": whole(),
    "stem": text(),
    "checkpoint": text(f"{HASH} whose estimate was heard"),
    "person": whole("the membership of who marked"),
    "pseudonym": text(),
    "status": one_of([one for one in Submission.Status if one != Submission.Status.WITHDRAWN], "of the answer"),
    "start": seconds(),
    "end": seconds(),
    "tag": text("what leaks there; empty: not said"),
    "created": when("when it was answered"),
}
REGION: Fields = {
    "id": whole(),
    "task": whole(),
    "track": whole(),
    "track_name": text(),
    "round": whole(),
    "stem": text(),
    "checkpoint": text(f"{HASH} whose estimate was heard"),
    "version": whole("of the task's consensus; only the latest is listed"),
    "method": text(),
    "certainty": s.FloatField(help_text="0-1: the frame F1 that the consensus expects of itself"),
    "start": seconds(),
    "end": seconds(),
    "probability": s.FloatField(help_text="0-1"),
    "tag": text("by weighted vote; empty: nobody said"),
    "tag_share": s.FloatField(help_text="0-1; of the votes on tags"),
    "made": when(),
}
PERSON: Fields = {
    "id": whole("the membership"),
    "pseudonym": text(),
    "role": one_of(Membership.Role.values),
    "kind": one_of(Membership.Kind.values),
    "active": yes("false: no longer in the campaign"),
    "joined": when(),
    "answers": whole("accepted ones"),
    "sensitivity": s.FloatField(allow_null=True, help_text="share of true false-positive frames marked, of the last fit; null: none"),
    "specificity": s.FloatField(allow_null=True, help_text="share of right frames left unmarked"),
    "fitted_on": whole("tasks of that fit", allow_null=True),
}
ROUND: Fields = {
    "id": whole(),
    "number": whole("by which addresses name it"),
    "state": one_of(Round.State.values),
    "opened": when(),
    "finished": when(allow_null=True),
    "parent": text(f"{HASH} that people listen to"),
    "child": text(f"{HASH} that was made; null: none yet", allow_null=True),
    "verdict": one_of(Adaptation.Verdict.values, "of the gate; null: nothing was learned yet", allow_null=True),
    "reasons": s.ListField(child=s.CharField(), help_text="of the gate, in words"),
    "advice": s.ListField(child=s.CharField(), help_text="what to do, from all figures of the round"),
    "regions": whole("that were learned from; null: nothing is frozen yet", allow_null=True),
}
CHECKPOINT: Fields = {
    "id": whole(),
    "hash": text("of its file; by which addresses name it"),
    "name": text(),
    "parent": text(f"{HASH} that it was made from", allow_null=True),
    "stem": text(),
    "sample_rate": whole("Hz"),
    "channels": whole(),
    "recipe": s.DictField(help_text="how it was made"),
    "code_version": text(),
    "seed": whole(allow_null=True),
    "created": when(),
    "current": yes("whether the campaign uses it now"),
}
FIGURE: Fields = {
    "id": whole(),
    "subject": one_of(Evaluation.Subject.values),
    "checkpoint": text(f"{HASH}; null: silence or the mixture", allow_null=True),
    "use": one_of(Track.Use.values, "which songs; without the right to take data, test songs alone"),
    "domain": one_of(Track.Domain.values),
    "metric": text(),
    "value": s.FloatField(allow_null=True, help_text="null: undefined for these songs"),
    "low": s.FloatField(allow_null=True, help_text="of the 95 % interval over songs"),
    "high": s.FloatField(allow_null=True, help_text="of the 95 % interval over songs"),
    "songs": whole(),
    "made": when(),
}
JOB: Fields = {
    "id": whole(),
    "kind": one_of(Job.Kind.values),
    "state": one_of(Job.State.values),
    "priority": whole("the highest of those that wait begins first"),
    "attempt": whole(),
    "step": whole(),
    "total": whole("steps; 0: not known"),
    "doing": text("what it is at"),
    "reason": text("why it failed"),
    "created": when(),
    "started": when(allow_null=True),
    "finished": when(allow_null=True),
}
EVENT: Fields = {
    "id": whole(),
    "what": text("kind of event"),
    "person": whole("the membership of who did it; null: the platform", allow_null=True),
    "pseudonym": text(allow_null=True),
    "before": s.JSONField(help_text="null: nothing is kept"),
    "after": s.JSONField(),
    "when": when(),
}
IN_HAND: Fields = {
    "task": whole(),
    "stem": text(),
    "question": one_of(Task.Question.values, "quick: yes, no or cannot tell, of each segment"),
    "duration": s.FloatField(help_text="seconds of the clip"),
    "lease_until": when("it is yours until then"),
    "sounds": s.DictField(child=s.URLField(), help_text="addresses, by this token: the stem that is listened to, and mix"),
}
KEPT: Fields = {
    "id": whole(),
    "task": whole(),
    "revision": whole(),
    "status": one_of(Submission.Status.values, "surplus and too soon: it does not count"),
    "created": when(),
}
ME: Fields = {
    "username": text(),
    "token": text("the token's name; null: a browser's session", allow_null=True),
    "scopes": s.ListField(child=one_of(["read", "write"])),
    "campaign": text("slug of the only campaign that the token opens; null: all", allow_null=True),
    "role": text("the most that the token may do; empty: what its owner may"),
    "expires": when(allow_null=True),
}
