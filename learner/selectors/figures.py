"""Questions about what was measured: the figures of a campaign, and its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from annotation.models import Campaign, Track
from learner.core.judging.names import AT_PARENT_LEVEL
from learner.models import Checkpoint, Evaluation
from learner.selectors.rounds import Turn

Subject = Evaluation.Subject
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

    def of_parent(self, checkpoint: Checkpoint | None, domain: str) -> dict[str, Figure]:
        """The figures of what a checkpoint was made from."""
        parent = checkpoint.parent_id if checkpoint else None
        return dict(self.found.get((Subject.CHECKPOINT, parent, domain), {})) if parent else {}

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
class Row:
    """One line of the round table: a subject and its figures by domain and metric."""

    what: str
    subject: str
    checkpoint: Checkpoint | None
    figures: dict[str, dict[str, Figure]]
    before: dict[str, dict[str, Figure]] = field(default_factory=dict)  # the same of the checkpoint's parent
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

    def folded(self, most: int) -> tuple[Table, Table]:
        """The first row, the one in use, the last `most` checkpoints and the baselines; and the other rows, which came before."""
        checkpoints = [row for row in self.rows if not row.is_baseline]
        kept = [*checkpoints[:1], *(row for row in checkpoints[1:-most] if row.is_current), *checkpoints[1:][-most:]]
        baselines = [row for row in self.rows if row.is_baseline]
        return Table(kept + baselines), Table([row for row in checkpoints if not any(row is one for one in kept)])


def _row(figures: Figures, what: str, subject: str, checkpoint: Checkpoint | None = None, **flags: bool) -> Row:
    found = {str(domain): figures.of(subject, checkpoint, domain) for domain in DOMAINS}
    before = {str(domain): figures.of_parent(checkpoint, domain) for domain in DOMAINS}
    return Row(what, subject, checkpoint, found, before, **flags)


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
    """The base, any that the campaign went on from later, every round's child, and the baselines of the last round."""
    if not turns:
        return Table([_row(figures, "base", Subject.CHECKPOINT, current, is_current=True)] if current else [])
    base = turns[0].round.parent
    rows = [_row(figures, "base", Subject.CHECKPOINT, base, is_current=base == current)]
    known = {base.pk}
    for turn in turns:
        if turn.parent.pk not in known:
            known.add(turn.parent.pk)
            what = f"base from round {turn.round.number} on"
            rows.append(_row(figures, what, Subject.CHECKPOINT, turn.parent, is_current=turn.parent == current))
        if turn.child and turn.child != turn.parent:
            known.add(turn.child.pk)
            what = f"child of round {turn.round.number}"
            refused = not turn.promoted and turn.round.finished is not None
            rows.append(_row(figures, what, Subject.CHECKPOINT, turn.child, is_current=turn.child == current, refused=refused))
    last = next((turn for turn in reversed(turns) if turn.adaptation), turns[-1])
    return Table(rows + _baselines(figures, last))


def checkpoint_table(one: Checkpoint, current: Checkpoint | None, figures: Figures) -> Table:
    """A checkpoint beside its parent, the one that is current, and the baselines that need no parent."""
    beside = {"parent": one.parent, "current": current if current not in (one, one.parent) else None}
    rows = [_row(figures, "this one", Subject.CHECKPOINT, one, is_current=one == current)]
    rows += [_row(figures, what, Subject.CHECKPOINT, other, is_current=other == current) for what, other in beside.items() if other]
    rows += [_row(figures, "silence", Subject.SILENCE), _row(figures, "the mixture as it is", Subject.MIXTURE)]
    return Table(rows)


def base_table(before: Checkpoint, base: Checkpoint, figures: Figures) -> Table:
    """What was in use before the base of a campaign was changed, and the new base, by figures on the gate songs."""
    rows = (("in use before", before), ("the new base", base))
    return Table([_row(figures, what, Subject.CHECKPOINT, one) for what, one in rows])
