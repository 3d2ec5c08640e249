"""Questions about the loop that span tables: its rounds, its figures, its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet

from annotation.models import Campaign, Event, Track
from annotation.selectors.tracks import tracks_to_look_at
from learner.models import Adaptation, Checkpoint, Evaluation, FeedbackSet, Job, Round, SharedModel

Subject = Evaluation.Subject
AT_PARENT_LEVEL = "false_positives_at_parent_level"
DOMAINS = (Track.Domain.TARGET, Track.Domain.SOURCE)


@dataclass(frozen=True)
class Figure:
    """One measured value with the 95 % interval over songs; None: undefined for these songs."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Figures:
    """Everything measured in a campaign on the songs of one use, by subject, checkpoint and domain."""

    found: dict[tuple[str, int | None, str], dict[str, Figure]]

    def of(self, subject: str, checkpoint: Checkpoint | None, domain: str) -> dict[str, Figure]:
        """Metric name -> figure; empty when this was never measured."""
        return dict(self.found.get((subject, checkpoint.pk if checkpoint else None, domain), {}))


def figures(campaign: Campaign, use: str = Track.Use.TEST) -> Figures:
    """All figures of a campaign on the songs of one use, in one query."""
    rows = Evaluation.objects.filter(campaign=campaign, use=use).values_list(
        "subject", "checkpoint", "domain", "metric", "value", "low", "high"
    )
    found: dict[tuple[str, int | None, str], dict[str, Figure]] = {}
    for subject, checkpoint, domain, metric, value, low, high in rows:
        found.setdefault((subject, checkpoint, domain), {})[metric] = Figure(value, low, high)
    return Figures(found)


@dataclass(frozen=True)
class Turn:
    """One round with all that came of it so far."""

    round: Round
    feedback_set: FeedbackSet | None
    adaptation: Adaptation | None

    @property
    def parent(self) -> Checkpoint:
        """The checkpoint that was adapted: after a roll-back in the middle of a round not the one that people listened to."""
        return self.adaptation.parent if self.adaptation else self.round.parent

    @property
    def child(self) -> Checkpoint | None:
        return self.adaptation.child if self.adaptation else None

    @property
    def promoted(self) -> bool:
        return self.adaptation is not None and self.adaptation.verdict == Adaptation.Verdict.PROMOTED

    @property
    def after(self) -> Checkpoint | None:
        """The checkpoint that the campaign used when the round was over; None while it is under way."""
        if self.round.finished is None:
            return None
        return self.child if self.promoted else self.parent

    @property
    def jobs(self) -> list[Job]:
        """The jobs of the round in the order of the work."""
        jobs = [self.round.scoring]
        if self.adaptation:
            jobs += [job for job in (self.adaptation.job, self.adaptation.baseline_job) if job]
        return jobs


def history(campaign: Campaign) -> list[Turn]:
    """The campaign's rounds, first to last, in one query."""
    adaptation = "feedback_set__adaptation"
    rounds = Round.objects.filter(campaign=campaign).select_related(
        "campaign",
        "parent",
        "scoring",
        adaptation,
        f"{adaptation}__job",
        f"{adaptation}__baseline_job",
        f"{adaptation}__child",
        f"{adaptation}__parent",
        f"{adaptation}__replay_only",
    )
    return [_turn(one) for one in rounds.order_by("number")]


def _turn(one: Round) -> Turn:
    try:
        feedback_set = one.feedback_set
    except ObjectDoesNotExist:
        return Turn(one, None, None)
    try:
        return Turn(one, feedback_set, feedback_set.adaptation)
    except ObjectDoesNotExist:
        return Turn(one, feedback_set, None)


@dataclass(frozen=True)
class Row:
    """One line of the round table: a subject and its figures by domain and metric."""

    what: str
    subject: str
    checkpoint: Checkpoint | None
    figures: dict[str, dict[str, Figure]]
    is_current: bool = False
    refused: bool = False

    @property
    def is_baseline(self) -> bool:
        return self.subject != Subject.CHECKPOINT

    @property
    def measured(self) -> bool:
        return any(self.figures.values())


@dataclass(frozen=True)
class Table:
    """Figures side by side with the trivial baselines, without which none of them says anything."""

    rows: list[Row] = field(default_factory=list)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def measured(self) -> bool:
        return any(row.measured for row in self.rows)


def _row(figures: Figures, what: str, subject: str, checkpoint: Checkpoint | None = None, **flags: bool) -> Row:
    return Row(what, subject, checkpoint, {str(domain): figures.of(subject, checkpoint, domain) for domain in DOMAINS}, **flags)


def _baselines(figures: Figures, turn: Turn) -> list[Row]:
    replay_only = turn.adaptation.replay_only if turn.adaptation else None
    return [
        _row(figures, "silence", Subject.SILENCE),
        _row(figures, "the mixture as it is", Subject.MIXTURE),
        _row(figures, "parent with its best constant gain", Subject.GAIN, turn.parent),
        # Without a checkpoint it has not been run yet; the row stays, so that nobody takes the rest for the whole.
        _row(figures, "replay without feedback", Subject.REPLAY_ONLY, replay_only)
        if replay_only
        else Row("replay without feedback", Subject.REPLAY_ONLY, None, {str(domain): {} for domain in DOMAINS}),
    ]


def round_table(turn: Turn, figures: Figures) -> Table:
    """Parent, child and baselines of one round."""
    parent = _row(figures, "parent", Subject.CHECKPOINT, turn.parent)
    for found in parent.figures.values():
        found.pop(AT_PARENT_LEVEL, None)  # of the round in which it was the child itself
    rows = [parent]
    if turn.child:
        rows.append(_row(figures, "child", Subject.CHECKPOINT, turn.child, refused=not turn.promoted and turn.round.finished is not None))
    return Table(rows + _baselines(figures, turn))


def campaign_table(turns: list[Turn], figures: Figures, current: Checkpoint | None) -> Table:
    """The base, every round's child, and the baselines of the last round."""
    if not turns:
        return Table([_row(figures, "base", Subject.CHECKPOINT, current, is_current=True)] if current else [])
    base = turns[0].round.parent
    rows = [_row(figures, "base", Subject.CHECKPOINT, base, is_current=base == current)]
    for turn in turns:
        if turn.child and turn.child != turn.parent:
            what = f"child of round {turn.round.number}"
            refused = not turn.promoted and turn.round.finished is not None
            rows.append(_row(figures, what, Subject.CHECKPOINT, turn.child, is_current=turn.child == current, refused=refused))
    last = next((turn for turn in reversed(turns) if turn.adaptation), turns[-1])
    return Table(rows + _baselines(figures, last))


@dataclass(frozen=True)
class Curve:
    """One metric over rounds: round 0 is the base; after each round the checkpoint in use, and the child where it was refused."""

    rounds: list[int]
    kept: dict[str, list[float | None]]
    refused: dict[str, list[float | None]]

    @property
    def measured(self) -> bool:
        return any(value is not None for values in self.kept.values() for value in values)


def curve(turns: list[Turn], figures: Figures, metric: str, base: Checkpoint | None) -> Curve:
    """How one metric went over the finished rounds, by domain."""
    base = turns[0].round.parent if turns else base
    over = [turn for turn in turns if turn.after is not None]

    def value(checkpoint: Checkpoint | None, domain: str) -> float | None:
        figure = figures.of(Subject.CHECKPOINT, checkpoint, domain).get(metric) if checkpoint else None
        return figure.value if figure else None

    def refused(turn: Turn, domain: str) -> float | None:
        return None if turn.promoted or turn.child == turn.parent else value(turn.child, domain)

    return Curve(
        rounds=[0] + [turn.round.number for turn in over],
        kept={str(domain): [value(base, domain), *(value(turn.after, domain) for turn in over)] for domain in DOMAINS},
        refused={str(domain): [None, *(refused(turn, domain) for turn in over)] for domain in DOMAINS},
    )


def current_checkpoint(campaign: Campaign) -> Checkpoint | None:
    """The checkpoint that the campaign uses now, with its parent; None before it got its first."""
    shared = SharedModel.objects.select_related("current__parent").filter(campaign=campaign).first()
    return shared.current if shared else None


def checkpoints(campaign: Campaign) -> QuerySet[Checkpoint]:
    """Every checkpoint that this campaign used or made, newest first."""
    own = Adaptation.objects.filter(campaign=campaign)
    return (
        Checkpoint.objects.filter(
            Q(pk__in=Round.objects.filter(campaign=campaign).values("parent"))
            | Q(pk__in=own.values("child"))
            | Q(pk__in=own.values("replay_only"))
            | Q(pk__in=SharedModel.objects.filter(campaign=campaign).values("current"))
        )
        .select_related("parent")
        .order_by("-pk")
    )


NAMED = 3  # tracks of a campaign that are named one by one


@dataclass(frozen=True)
class Trouble:
    """One thing in one campaign, and what to do about it. Some things somebody chose: they rest, and are not wrong."""

    campaign: Campaign
    what: str
    to_do: str
    chosen: bool = False

    def __str__(self) -> str:
        return f"Campaign {self.campaign.slug}: {self.what} {self.to_do}"


def troubles() -> list[Trouble]:
    """All that waits for a person, in every campaign."""
    return [
        one
        for campaign in Campaign.objects.order_by("slug")
        for one in (*_waiting_for_room(campaign), *_given_up(campaign), *_paused(campaign), *_set_aside(campaign))
    ]


def _waiting_for_room(campaign: Campaign) -> Iterator[Trouble]:
    for job in Job.waiting_for_room().filter(campaign=campaign).order_by("pk"):
        yield Trouble(
            campaign, _sentence(f"Job {job.pk} ({job.kind}) {job.doing}"), "Make room: then it goes on by itself, within a minute."
        )


def _given_up(campaign: Campaign) -> Iterator[Trouble]:
    """The last round, where it failed (one after it shows that somebody went on), and the last comparison."""
    page = f"{settings.PREFIX}/c/{campaign.slug}/"
    last = Round.objects.filter(campaign=campaign).select_related("scoring").order_by("-number").first()
    if last is not None and last.state == Round.State.FAILED:
        failed = Job.objects.filter(campaign=campaign, state=Job.State.FAILED).exclude(kind=Job.Kind.BASELINE).order_by("-pk").first()
        reason = f": {failed.reason}" if failed else ""
        yield Trouble(campaign, _sentence(f"Round {last.number} failed{reason}"), f"Mend it, and press “Go on with rounds” on {page}.")
    comparison = Job.objects.filter(campaign=campaign, kind=Job.Kind.BASELINE).order_by("-pk").first()
    if comparison is not None and comparison.state == Job.State.FAILED:
        what = _sentence(f"The last comparison with replay alone was given up: {comparison.reason}")
        yield Trouble(campaign, what, f"Rounds do not wait for it, and the next one makes its own; see {page}.")


def _paused(campaign: Campaign) -> Iterator[Trouble]:
    if not campaign.paused:
        return
    by = Event.objects.filter(campaign=campaign, what="campaign.paused").select_related("who").order_by("-pk").first()
    to_do = f"No new round begins before somebody presses “Go on with rounds” on {settings.PREFIX}/c/{campaign.slug}/."
    if by is not None and by.who is None:
        yield Trouble(campaign, "It is paused, since a job was given up.", to_do)
    else:
        yield Trouble(campaign, f"It is paused{f' by {by.who.pseudonym}' if by and by.who else ''}.", to_do, chosen=True)


def _set_aside(campaign: Campaign) -> Iterator[Trouble]:
    tracks = tracks_to_look_at(campaign)
    named = [_sentence(f"{track.name} ({track.use}): {track.set_aside_reason}") for track in tracks[:NAMED]]
    n = tracks.count() if len(named) == NAMED else len(named)
    if not n:
        return
    more = [f"And {n - NAMED} more."] if n > NAMED else []
    what = f"{n} track{'s were' if n > 1 else ' was'} set aside. {' '.join([*named, *more])}"
    yield Trouble(campaign, what, f"Put back what is mended, or leave it out, on {settings.PREFIX}/c/{campaign.slug}/tracks/.")


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
