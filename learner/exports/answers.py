"""Answers of people and what they agreed on, as the plain rows that writers of formats take; a track at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from annotation.core.formats import CONSENSUS, Answer, Span
from annotation.core.label_studio import label_of, missing_label_of
from annotation.models import Campaign, Consensus, Submission, Task, Track
from annotation.selectors.label_studio import PASSED_ON
from learner.exports.names import names_of
from learner.models import Export

AT_ONCE = 50  # tracks in memory


@dataclass(frozen=True)
class OfTrack:
    """All that is said of one track, in order of time."""

    track: Track
    answers: tuple[Answer, ...]

    @property
    def spans(self) -> dict[str, list[Span]]:
        """By who said so; people without marks are not there."""
        found: dict[str, list[Span]] = {}
        for answer in self.answers:
            if answer.spans:
                found.setdefault(answer.by, []).extend(answer.spans)
        return found


def tasks_of(export: Export, campaign: Campaign) -> QuerySet[Task]:
    """The tasks of the rounds that were asked for."""
    found = Task.objects.filter(campaign=campaign)
    if export.first_round:
        found = found.filter(round_number__gte=export.first_round)
    return found.filter(round_number__lte=export.last_round) if export.last_round else found


def of_tracks(export: Export, campaign: Campaign) -> Iterator[OfTrack]:
    """What was asked for of each track of which anything was said. A consensus that rests on what was taken back is none."""
    names = names_of(campaign, export.names)
    tasks = tasks_of(export, campaign)
    tracks = list(campaign.tracks.filter(pk__in=tasks.values("track")).order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(tracks), AT_ONCE):
        some = {track.pk: track for track in Track.objects.filter(pk__in=tracks[first : first + AT_ONCE])}
        said: dict[int, list[Answer]] = {pk: [] for pk in some}
        mine = tasks.filter(track__in=some)
        if export.whose != Export.Whose.CONSENSUS:
            _people(mine, campaign, names, said)
        if export.whose != Export.Whose.PEOPLE:
            _agreed(mine, campaign, said)
        for pk in sorted(some):
            answers = sorted(said[pk], key=lambda one: (one.clip, one.task or 0, one.by))
            if answers:
                yield OfTrack(some[pk], tuple(answers))


def _people(tasks: QuerySet[Task], campaign: Campaign, names: Mapping[int, str], said: dict[int, list[Answer]]) -> None:
    given = Submission.objects.filter(PASSED_ON, task__in=tasks).select_related("task__track").prefetch_related("marks", "missing")
    wrong, lacking = label_of(campaign.stem), missing_label_of(campaign.stem)
    for one in given.order_by("pk"):
        spans = [Span(mark.start, mark.end, wrong, tag=mark.tag) for mark in one.marks.all()]
        spans += [Span(mark.start, mark.end, lacking) for mark in one.missing.all()]
        answer = Answer(one.task.track.name, one.task.clip, names[one.by_id], tuple(sorted(spans, key=_time)), one.task_id)
        said[one.task.track_id].append(answer)


def latest(tasks: QuerySet[Task]) -> QuerySet[Consensus]:
    """The latest consensus on each task, unless it rests on an answer that may not be passed on."""
    newest = Consensus.objects.filter(task=OuterRef("pk")).order_by("-version").values("pk")[:1]
    found = Consensus.objects.filter(pk__in=tasks.annotate(newest=Subquery(newest)).values("newest"))
    return found.exclude(submissions__in=taken_back())


def taken_back() -> QuerySet[Submission]:
    """Answers that nothing may rest on that leaves the site."""
    return Submission.objects.filter(Q(status=Submission.Status.WITHDRAWN) | Q(by__first_visit__consent="withdrawn"), used_in__isnull=False)


def _agreed(tasks: QuerySet[Task], campaign: Campaign, said: dict[int, list[Answer]]) -> None:
    found = latest(tasks).select_related("task__track").prefetch_related(Prefetch("regions"), Prefetch("missing"))
    wrong, lacking = label_of(campaign.stem), missing_label_of(campaign.stem)
    for one in found.order_by("pk"):
        spans = [Span(region.start, region.end, wrong, region.probability, region.tag) for region in one.regions.all()]
        spans += [Span(region.start, region.end, lacking, region.probability) for region in one.missing.all()]
        said[one.task.track_id].append(Answer(one.task.track.name, one.task.clip, CONSENSUS, tuple(sorted(spans, key=_time)), one.task_id))


def _time(span: Span) -> tuple[float, float]:
    return span.start, span.end
