"""Tables of a campaign, each as plain rows: people, reliability, agreement, rounds, figures, events, marks, regions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Avg, Count, Q, Sum

from annotation.core import agreement
from annotation.core.regions import clamp, shift
from annotation.models import Campaign, FirstVisit, Membership, Reliability, Submission
from annotation.selectors import marks
from annotation.selectors.label_studio import PASSED_ON
from learner.exports.answers import latest, tasks_of
from learner.exports.names import names_of
from learner.models import Adaptation, Evaluation, Export, Round

Row = dict[str, Any]
STATUS = Submission.Status
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Asked:
    """What the rows of a table depend on."""

    export: Export
    campaign: Campaign
    names: dict[int, str] = field(default_factory=dict)  # of people who are not left out

    @classmethod
    def of(cls, export: Export, campaign: Campaign) -> Asked:
        gone = Q(first_visit__consent=FirstVisit.Consented.WITHDRAWN)
        left_out = set(campaign.memberships.filter(gone).values_list("pk", flat=True))
        return cls(export, campaign, {pk: name for pk, name in names_of(campaign, export.names).items() if pk not in left_out})


@dataclass(frozen=True)
class Table:
    """A table's name, the kinds of its columns in order, and where its rows come from. Any cell may be None."""

    name: str
    columns: dict[str, type]
    rows: Callable[[Asked], Iterator[Row]]


def _people(asked: Asked) -> Iterator[Row]:
    accepted = Q(submissions__status=STATUS.ACCEPTED)
    found = Membership.objects.filter(pk__in=asked.names).annotate(
        accepted=Count("submissions", filter=accepted),
        surplus=Count("submissions", filter=Q(submissions__status=STATUS.SURPLUS)),
        too_soon=Count("submissions", filter=Q(submissions__status=STATUS.TOO_SOON)),
        seconds=Sum("submissions__lead_time", filter=accepted, default=0.0),
        gold_answers=Count("submissions__gold_score", filter=accepted),
        gold_score=Avg("submissions__gold_score__score", filter=accepted),
    )
    for one in found.order_by("pk"):
        yield {
            "person": asked.names[one.pk],
            "number": one.pk,
            "role": one.role,
            "kind": one.kind,
            "active": one.active,
            "joined": one.joined,
            "qualified": one.qualified,
            "tags": json.dumps(one.tags, ensure_ascii=False),
            "accepted": one.accepted,
            "surplus": one.surplus,
            "too_soon": one.too_soon,
            "minutes": one.seconds / 60,
            "gold_answers": one.gold_answers,
            "gold_score": one.gold_score,
        }


def _reliability(asked: Asked) -> Iterator[Row]:
    for one in Reliability.objects.filter(membership__in=asked.names).order_by("membership"):
        columns = ("sensitivity", "specificity", "onset_lag", "offset_lag", "edge_jitter", "settles", "n_tasks", "fitted")
        yield {"person": asked.names[one.membership_id], **{name: getattr(one, name) for name in columns}}


FIGURES = ("alpha", "frame_f1", "event_f1", "onset_error", "offset_error")


def agreed(answers: Iterator[Submission] | list[Submission], names: dict[int, str]) -> agreement.Report:
    """How well these answers agree, by task and person; their marks and tasks are read with them."""
    given = [
        (
            one.task_id,
            names[one.by_id],
            one.task.clip.duration,
            shift(clamp([mark.region for mark in one.marks.all()], one.task.clip), -one.task.start),
            shift(clamp(one.heard, one.task.clip), -one.task.start) if one.heard else None,
        )
        for one in answers
    ]
    return agreement.among(given, rng=np.random.default_rng(0))


def _agreement(asked: Asked) -> Iterator[Row]:
    found = Submission.objects.filter(
        task__in=tasks_of(asked.export, asked.campaign), by__in=asked.names, status=STATUS.ACCEPTED, by__kind=Membership.Kind.HUMAN
    )
    several = found.order_by().values("task").annotate(n=Count("pk")).filter(n__gt=1).values("task")
    answers = found.filter(task__in=several).select_related("task").prefetch_related("marks").order_by("pk")
    report = agreed(list(answers), asked.names)
    yield from agreement_rows(report)


def agreement_rows(report: agreement.Report) -> Iterator[Row]:
    """A row for all answers together, for each person and for each task."""
    yield {"of": "all", "person": None, "task": None, **_figures(report.campaign)}
    yield from ({"of": "person", "person": name, "task": None, **_figures(one)} for name, one in report.people.items())
    yield from ({"of": "task", "person": None, "task": task, **_figures(one)} for task, one in report.tasks.items())


def _figures(found: agreement.Figures) -> Row:
    row: Row = {}
    for name in FIGURES:
        measured = getattr(found, name)
        row |= {name: _number(measured.value), f"{name}_low": _number(measured.low), f"{name}_high": _number(measured.high)}
    return row


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _rounds(asked: Asked) -> Iterator[Row]:
    found = Round.objects.filter(campaign=asked.campaign).select_related("parent", "feedback_set").order_by("number")
    if asked.export.first_round:
        found = found.filter(number__gte=asked.export.first_round)
    if asked.export.last_round:
        found = found.filter(number__lte=asked.export.last_round)
    made = {one.feedback_set_id: one for one in Adaptation.objects.filter(campaign=asked.campaign).select_related("child")}
    clips = dict(asked.campaign.tasks.order_by().values_list("round_number").annotate(n=Count("pk")))
    accepted = Submission.objects.filter(task__campaign=asked.campaign, status=STATUS.ACCEPTED).order_by()
    answers = {
        number: (n, seconds) for number, n, seconds in accepted.values_list("task__round_number").annotate(Count("pk"), Sum("lead_time"))
    }
    for one in found:
        frozen = getattr(one, "feedback_set", None)
        adaptation = made.get(frozen.pk) if frozen else None
        n, seconds = answers.get(one.number, (0, 0.0))
        yield {
            "round": one.number,
            "state": one.state,
            "opened": one.opened,
            "finished": one.finished,
            "parent": one.parent.hash,
            "child": adaptation.child.hash if adaptation and adaptation.child else None,
            "verdict": adaptation.verdict if adaptation else None,
            "reasons": json.dumps(adaptation.reasons, ensure_ascii=False) if adaptation else None,
            "clips": clips.get(one.number, 0),
            "answers": n,
            "minutes": seconds / 60,
            "feedback": frozen.content_hash if frozen else None,
            "regions": frozen.regions if frozen else None,
        }


def _measured(asked: Asked) -> Iterator[Row]:
    columns = ("subject", "use", "domain", "metric", "value", "low", "high", "n_songs", "made")
    found = Evaluation.objects.filter(campaign=asked.campaign).select_related("checkpoint").order_by("pk")
    for one in found.iterator(chunk_size=2000):
        row: Row = {name: getattr(one, name) for name in columns}
        yield row | {"checkpoint": one.checkpoint.hash if one.checkpoint else None}


def _events(asked: Asked) -> Iterator[Row]:
    coded = asked.export.names == Export.Names.CODES
    code_of = {one.pseudonym: asked.names.get(one.pk) for one in asked.campaign.memberships.all()}
    for one in asked.campaign.events.order_by("pk").iterator(chunk_size=2000):
        who = asked.names.get(one.who_id, LEFT_OUT) if one.who_id else None
        said = {name: _told(value, code_of, coded) for name, value in (("before", one.before), ("after", one.after))}
        yield {"when": one.when, "what": one.what, "who": who, **{name: _json(value) for name, value in said.items()}}


def _told(value: Any, names: dict[str, str | None], coded: bool) -> Any:
    """Names as the export has them; with codes nothing but these and numbers, since any text may name somebody."""
    if isinstance(value, dict):
        return {name: kept for name, one in value.items() if (kept := _told(one, names, coded)) is not None}
    if isinstance(value, list):
        return [kept for one in value if (kept := _told(one, names, coded)) is not None]
    if isinstance(value, str):
        return names[value] or LEFT_OUT if value in names else None if coded else value
    return value


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _marks(asked: Asked) -> Iterator[Row]:
    wanted, kept = _wanted(asked), {STATUS.ACCEPTED, STATUS.SURPLUS}
    names = {one.pseudonym: asked.names.get(one.pk) for one in asked.campaign.memberships.all()}
    for row in marks.marks(asked.campaign):
        if row["task"] in wanted and row["status"] in kept and (name := names[str(row["person"])]):
            yield row | {"person": name}


def _regions(asked: Asked) -> Iterator[Row]:
    wanted = set(latest(tasks_of(asked.export, asked.campaign)).values_list("task", flat=True))
    yield from (row for row in marks.regions(asked.campaign) if row["task"] in wanted)


def _wanted(asked: Asked) -> set[int]:
    return set(
        tasks_of(asked.export, asked.campaign).filter(submissions__in=Submission.objects.filter(PASSED_ON)).values_list("pk", flat=True)
    )


INTERVALS = {f"{name}{end}": float for name in FIGURES for end in ("", "_low", "_high")}
OF_CLIPS: dict[str, type] = {
    **dict.fromkeys(("track", "artist", "album", "stem", "kind", "arm", "checkpoint", "person", "person_kind"), str),
    **dict.fromkeys(("status", "label", "tag", "method"), str),
    **dict.fromkeys(("task", "round", "answer", "revision", "version"), int),
    **dict.fromkeys(("clip_start", "clip_end", "lead_time", "start", "end", "certainty", "probability", "tag_share"), float),
    **dict.fromkeys(("answered", "made"), datetime),
}
TABLES = (
    Table(
        "people",
        {
            **{"person": str, "number": int, "role": str, "kind": str, "active": bool, "joined": datetime, "qualified": datetime},
            **{"tags": str, "accepted": int, "surplus": int, "too_soon": int, "minutes": float, "gold_answers": int, "gold_score": float},
        },
        _people,
    ),
    Table(
        "reliability",
        {
            "person": str,
            **dict.fromkeys(("sensitivity", "specificity", "onset_lag", "offset_lag", "edge_jitter"), float),
            **{"settles": bool, "n_tasks": int, "fitted": datetime},
        },
        _reliability,
    ),
    Table("agreement", {"of": str, "person": str, "task": int, **INTERVALS}, _agreement),
    Table(
        "rounds",
        {
            **{"round": int, "state": str, "opened": datetime, "finished": datetime, "parent": str, "child": str, "verdict": str},
            **{"reasons": str, "clips": int, "answers": int, "minutes": float, "feedback": str, "regions": int},
        },
        _rounds,
    ),
    Table(
        "figures",
        {
            **{"subject": str, "checkpoint": str, "use": str, "domain": str, "metric": str},
            **{"value": float, "low": float, "high": float, "n_songs": int, "made": datetime},
        },
        _measured,
    ),
    Table("events", {"when": datetime, "what": str, "who": str, "before": str, "after": str}, _events),
    Table("marks", {name: OF_CLIPS[name] for name in marks.MARKS}, _marks),
    Table("regions", {name: OF_CLIPS[name] for name in marks.REGIONS}, _regions),
)
