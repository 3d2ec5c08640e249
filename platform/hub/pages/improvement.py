"""What the rounds changed, in a sentence or two: the answer to "does it improve?"."""

from __future__ import annotations

from annotation.models import Track
from learner.core.judging.names import FALSE_POSITIVES, SDR_MEDIAN, VOICE
from learner.models import Checkpoint, Evaluation
from learner.selectors import Figures, Turn

LITTLE = 0.1  # dB: nobody hears less


def in_words(turns: list[Turn], figures: Figures, current: Checkpoint | None, voice: str) -> str:
    """The current checkpoint against the base on test songs, and what the last promoted round did; empty: nothing to compare.

    `voice`: what of the stem should stay, such as "voice".
    """
    if not turns or current is None:
        return ""
    base = turns[0].round.parent
    promoted = [turn for turn in turns if turn.promoted]
    found = [_of_last(promoted[-1], turns, figures, current, voice)] if promoted else []
    found.append(_without_effect(turns, since=promoted[-1] if promoted else None))
    before, now = (_value(figures, one, Track.Domain.TARGET, FALSE_POSITIVES) for one in (base, current))
    if current != base and before is not None and now is not None:
        went = f"Since the base, false positives went from {before:.1f} to {now:.1f} s a minute"
        found.append(f"{went}{''.join('; ' + cost for cost in _costs(figures, base, current, voice))}.")
    return " ".join(filter(None, found))


def _of_last(turn: Turn, turns: list[Turn], figures: Figures, current: Checkpoint, voice: str) -> str:
    """What the last promoted round did to false positives, what that cost, and whether its child is in use."""
    child = turn.child
    assert child, "a promoted round has one"
    took = _share(figures, turn.parent, child)
    costs = "; ".join(_costs(figures, turn.parent, child, voice)) if took else ""
    said = f"Round {turn.round.number} {took}{'; ' if costs else ''}{costs}." if took else ""
    if child == current:
        return said
    back = f"it was rolled back since: {current.short} is in use again" if current == turn.parent else f"{current.short} is in use by now"
    return f"{said[:-1]}; {back}." if said else f"Round {turn.round.number} was promoted; {back}."


def _without_effect(turns: list[Turn], since: Turn | None) -> str:
    """The finished rounds after that, none of which changed the model; how the last of them ended is said elsewhere."""
    after = [turn for turn in turns if turn.round.finished is not None and (since is None or turn.round.number > since.round.number)]
    numbers = [str(turn.round.number) for turn in after if not turn.promoted]
    if not numbers:
        return ""
    return (
        f"Round {numbers[0]} changed nothing."
        if len(numbers) == 1
        else f"Rounds {', '.join(numbers[:-1])} and {numbers[-1]} changed nothing."
    )


def _costs(figures: Figures, before: Checkpoint, after: Checkpoint, voice: str) -> list[str]:
    """What it cost: the stem of target songs, and source songs, where either was measured."""
    kept = _change(figures, before, after, Track.Domain.TARGET, VOICE)
    other = _change(figures, before, after, Track.Domain.SOURCE, SDR_MEDIAN)
    found = [f"the {voice} {_cost(kept)}"] if kept is not None else []
    return found + ([f"source songs {_cost(other)}"] if other is not None else [])


def _value(figures: Figures, checkpoint: Checkpoint, domain: str, metric: str) -> float | None:
    figure = figures.of(Evaluation.Subject.CHECKPOINT, checkpoint, domain).get(metric)
    return figure.value if figure else None


def _share(figures: Figures, parent: Checkpoint, child: Checkpoint) -> str:
    before, after = (_value(figures, one, Track.Domain.TARGET, FALSE_POSITIVES) for one in (parent, child))
    if not before or after is None:
        return ""
    percent = round(100 * (1 - after / before))
    if percent == 0:
        return "left the false positives as they were"
    return f"took {percent} % of the false positives away" if percent > 0 else f"brought {-percent} % more false positives"


def _change(figures: Figures, base: Checkpoint, current: Checkpoint, domain: str, metric: str) -> float | None:
    before, after = (_value(figures, one, domain, metric) for one in (base, current))
    return None if before is None or after is None else after - before


def _cost(change: float) -> str:
    if abs(change) < LITTLE:
        return "lost nothing"
    return f"gained {change:.1f} dB" if change > 0 else f"lost {-change:.1f} dB"
