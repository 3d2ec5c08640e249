"""What can be read: a list for each kind of row of a campaign, and some of them one by one.

Who may read what is as on the pages: what people gave for owners, managers and researchers; jobs and history for owners and managers;
people for those who see them; rounds, checkpoints and figures for every member. Others' answers are seen by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.models import Campaign, Consensus, ConsensusRegion, Mark, Membership, MissingMark, Stem, Submission, Task, Track
from annotation.models.people import Right
from annotation.selectors.people import people
from hub.api.tokens.authentication import limit, memberships_of, token_of
from hub.api.v1 import shapes
from hub.api.v1.doors import Asked, Door, Rows
from learner import selectors
from learner.models import Adaptation, Evaluation, Job, Round, SharedModel

MOST_ID = 2**63 - 1
Dicts = list[dict[str, Any]]


def row_id(words: str = "") -> s.Field:
    return s.IntegerField(min_value=1, max_value=MOST_ID, required=False, help_text=words)


def number(words: str = "") -> s.Field:
    return s.IntegerField(min_value=0, max_value=2**31 - 1, required=False, help_text=words)


def word(most: int, words: str = "") -> s.Field:
    return s.CharField(max_length=most, required=False, help_text=words)


def choice(choices: Any) -> s.Field:
    return s.ChoiceField(choices=[str(value) for value in choices], required=False)


def yes_or_no(words: str = "") -> s.Field:
    return s.BooleanField(required=False, help_text=words)


SINCE = "only what came then or later"


class Me(Door):
    """Who this request comes from, and what its token may do."""

    row, name = shapes.ME, "Me"

    def get(self, request: Request) -> Response:
        token, about = token_of(request), {"username": request.user.get_username()}
        if token is None:
            return Response(about | {"token": None, "scopes": ["read", "write"], "campaign": None, "role": "", "expires": None})
        slug = token.campaign.slug if token.campaign else None
        more = {"token": token.name, "scopes": sorted(token.scopes), "campaign": slug, "role": token.role, "expires": token.expires}
        return Response(about | more)


def campaign_row(member: Membership, current: str | None) -> dict[str, Any]:
    names = ("id", "slug", "name", "stem", "clip_seconds", "min_overlap", "max_overlap", "paused", "held_up", "ended", "archived")
    rights = [str(right) for right in Right if member.may(right)]
    about = {name: getattr(member.campaign, name) for name in names}
    return {name: (about | {"role": member.role, "rights": rights, "checkpoint": current})[name] for name in shapes.CAMPAIGN}


class Campaigns(Rows):
    """Campaigns that this person is in, and the token is for; those in the archive too."""

    name, row, key = "Campaign", shapes.CAMPAIGN, "campaign"

    def rows_of(self, slug: str | None) -> QuerySet[Any]:
        current = SharedModel.objects.filter(campaign=OuterRef("campaign")).values("current__hash")
        found = memberships_of(self.request).annotate(current=Subquery(current))
        return found if slug is None else found.filter(pk=self.member(slug).pk)

    def shaped(self, rows: list[Any]) -> Iterator[dict[str, Any]]:
        token = token_of(self.request)
        for one in rows:
            yield campaign_row(limit(one, token) if token else one, one.current)


class Tracks(Rows):
    """Songs of the campaign."""

    name, row, right = "Track", shapes.TRACK, Right.TAKE_DATA
    asked_as = {"stems": "names_of_stems"}

    class Filters(Asked):
        use, domain = choice(Track.Use.values), choice(Track.Domain.values)
        artist, album = word(200), word(200)

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        stems = ArraySubquery(Stem.objects.filter(track=OuterRef("pk")).order_by("name").values("name"))
        found = Track.objects.filter(campaign=member.campaign).annotate(names_of_stems=stems)
        return found.values(*self.fields())


class Tasks(Rows):
    """Clips that were put before people."""

    name, row, right = "Task", shapes.TASK, Right.TAKE_DATA

    class Filters(Asked):
        round, track = number(), row_id()
        state, kind, arm, question = (choice(one.values) for one in (Task.State, Task.Kind, Task.Arm, Task.Question))
        contested = yes_or_no()
        lookups = {"round": "round_number"}

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        found = Task.objects.filter(campaign=member.campaign)
        return found.annotate(round=F("round_number"), track_name=F("track__name")).values(*self.row)


STANDING = [one for one in Submission.Status.values if one != Submission.Status.WITHDRAWN]


class Submissions(Rows):
    """Answers of people, each with its marks; those whose people took them back are left out."""

    name, row, right = "Submission", shapes.SUBMISSION, Right.TAKE_DATA
    asked_as = {"marks": "marks_", "missing": "missing_"}

    class Filters(Asked):
        task, track, person, round = row_id(), row_id(), row_id("a membership"), number()
        status = choice(STANDING)
        since = s.DateTimeField(required=False, help_text=SINCE)
        lookups = {"track": "task__track", "person": "by", "round": "task__round_number", "since": "created__gte"}

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        of_it = {"submission": OuterRef("pk")}
        marks = Mark.objects.filter(**of_it).order_by("start").values(json=JSONObject(start="start", end="end", tag="tag"))
        missing = MissingMark.objects.filter(**of_it).order_by("start").values(json=JSONObject(start="start", end="end"))
        found = Submission.objects.filter(task__campaign=member.campaign, status__in=STANDING)
        return found.annotate(
            track=F("task__track"), round=F("task__round_number"), person=F("by"), pseudonym=F("by__pseudonym"),
            person_kind=F("by__kind"), marks_=ArraySubquery(marks), missing_=ArraySubquery(missing),
        ).values(*self.fields())  # fmt: skip


def of_clip(task: str) -> dict[str, F]:
    """What a mark and a region say of their clip; `task` is the way to it."""
    fields = {
        "task": "pk",
        "track": "track",
        "track_name": "track__name",
        "round": "round_number",
        "stem": "stem",
        "checkpoint": "checkpoint",
    }
    return {name: F(f"{task}__{field}") for name, field in fields.items()}


class Marks(Rows):
    """Marks of people, one by one: where somebody heard what should not sound."""

    name, row, right = "Mark", shapes.MARK, Right.TAKE_DATA

    class Filters(Asked):
        task, track, person, round, submission = row_id(), row_id(), row_id("a membership"), number(), row_id()
        status, tag = choice(STANDING), word(40)
        since = s.DateTimeField(required=False, help_text=SINCE)
        lookups = {
            "task": "submission__task", "track": "submission__task__track", "person": "submission__by",
            "round": "submission__task__round_number", "status": "submission__status", "since": "submission__created__gte",
        }  # fmt: skip

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        found = Mark.objects.filter(submission__task__campaign=member.campaign, submission__status__in=STANDING)
        answer = {"person": "by", "pseudonym": "by__pseudonym", "status": "status", "created": "created"}
        return found.annotate(**of_clip("submission__task"), **{name: F(f"submission__{path}") for name, path in answer.items()}).values(
            *self.row
        )


class Regions(Rows):
    """Regions that the crowd agrees on, of the latest consensus of each task."""

    name, row, right = "Region", shapes.REGION, Right.TAKE_DATA

    class Filters(Asked):
        task, track, round, tag = row_id(), row_id(), number(), word(40)
        min_probability = s.FloatField(min_value=0, max_value=1, required=False)
        lookups = {
            "task": "consensus__task", "track": "consensus__task__track", "round": "consensus__task__round_number",
            "min_probability": "probability__gte",
        }  # fmt: skip

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        later = Consensus.objects.filter(task=OuterRef("consensus__task"), version__gt=OuterRef("consensus__version"))
        found = ConsensusRegion.objects.filter(~Exists(later), consensus__task__campaign=member.campaign)
        about = {name: F(f"consensus__{name}") for name in ("version", "method", "certainty", "made")}
        return found.annotate(**of_clip("consensus__task"), **about).values(*self.row)


class People(Rows):
    """Members, by their pseudonyms; how well they mark only for who may take the campaign's data."""

    name, row, right = "Person", shapes.PERSON, Right.SEE_PEOPLE
    OF_FIT = ("sensitivity", "specificity", "fitted_on")

    class Filters(Asked):
        role, kind = choice(Membership.Role.values), choice(Membership.Kind.values)
        active = yes_or_no()

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        self.sees_fit = member.takes_data
        fit = {"sensitivity": "sensitivity", "specificity": "specificity", "fitted_on": "n_tasks"}
        found = people(member.campaign).annotate(**{name: F(f"reliability__{path}") for name, path in fit.items()})
        return found.values(*self.row)

    def shaped(self, rows: Dicts) -> Iterator[dict[str, Any]]:
        yield from (one if self.sees_fit else one | dict.fromkeys(self.OF_FIT) for one in rows)


class Rounds(Rows):
    """Turns of the loop, with the verdict of each."""

    name, row = "Round", shapes.ROUND

    class Filters(Asked):
        state, number = choice(Round.State.values), number()

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        return Round.objects.filter(campaign=member.campaign).select_related("parent", "feedback_set__adaptation__child")

    def shaped(self, rows: list[Any]) -> Iterator[dict[str, Any]]:
        for one in rows:
            feedback = getattr(one, "feedback_set", None)
            made: Adaptation | None = getattr(feedback, "adaptation", None)
            about = {name: getattr(one, name) for name in ("id", "number", "state", "opened", "finished")}
            yield about | {
                "parent": one.parent.hash,
                "child": made.child.hash if made and made.child else None,
                "verdict": made.verdict if made else None,
                "reasons": made.reasons if made else [],
                "advice": made.advice if made else [],
                "regions": feedback.regions if feedback else None,
            }


class Checkpoints(Rows):
    """Every checkpoint that this campaign used or made."""

    name, row = "Checkpoint", shapes.CHECKPOINT

    def found(self, member: Membership) -> QuerySet[Any]:
        current = SharedModel.objects.filter(campaign=member.campaign, current=OuterRef("pk"))
        return selectors.checkpoints(member.campaign).annotate(current=Exists(current))

    def shaped(self, rows: list[Any]) -> Iterator[dict[str, Any]]:
        for one in rows:
            yield {name: getattr(one, name) for name in self.row} | {"parent": one.parent.hash if one.parent else None}


class Figures(Rows):
    """Figures of checkpoints and of the trivial baselines, over the songs of one use and domain."""

    name, row = "Figure", shapes.FIGURE
    asked_as = {"checkpoint": "checkpoint__hash"}

    class Filters(Asked):
        subject, use, domain = choice(Evaluation.Subject.values), choice(Track.Use.values), choice(Track.Domain.values)
        metric, checkpoint = word(60), word(64, "its hash")
        lookups = {"checkpoint": "checkpoint__hash"}

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        found = Evaluation.objects.filter(campaign=member.campaign)
        if not member.takes_data:
            found = found.filter(use=Track.Use.TEST)
        return found.annotate(songs=F("n_songs")).values(*self.fields())


class Jobs(Rows):
    """Long work for the campaign."""

    name, row, right = "Job", shapes.JOB, Right.MANAGE

    class Filters(Asked):
        kind, state = choice(Job.Kind.values), choice(Job.State.values)

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        return selectors.jobs(member.campaign).values(*self.row)


class Events(Rows):
    """The campaign's history: every decision, setting and answer."""

    name, row, right = "Event", shapes.EVENT, Right.MANAGE

    class Filters(Asked):
        what, person = word(40, "kind of event"), row_id("a membership")
        since = s.DateTimeField(required=False, help_text=SINCE)
        lookups = {"person": "who", "since": "when__gte"}

    asked = Filters

    def found(self, member: Membership) -> QuerySet[Any]:
        return member.campaign.events.annotate(person=F("who"), pseudonym=F("who__pseudonym")).values(*self.row)


def current_of(campaign: Campaign) -> str | None:
    current = selectors.current_checkpoint(campaign)
    return current.hash if current else None
