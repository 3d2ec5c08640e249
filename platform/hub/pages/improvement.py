"""What the rounds changed, in a sentence or two: the answer to "does it improve?"."""

from __future__ import annotations

from annotation.models import Track
from learner.models import Checkpoint, Evaluation
from learner.selectors import Figures, Turn

LEAK, VOICE, SDR = "false_positive_seconds_per_minute", "voice_kept_db", "sdr_median"
LITTLE = 0.1  # dB: nobody hears less


def in_words(turns: list[Turn], figures: Figures, current: Checkpoint | None, voice: str) -> str:
    """The current checkpoint against the base on test songs, and what the last promoted round did; empty: nothing to compare.

    `voice`: what of the stem should stay, such as "voice".
    """
    if not turns or current is None:
        return ""
    base = turns[0].round.parent
    last = next((turn for turn in reversed(turns) if turn.promoted), None)
    found = []
    if last and last.child and (change := _share(figures, last.parent, last.child)):
        found.append(f"Round {last.round.number} {change}.")
    before, now = (_value(figures, one, Track.Domain.TARGET, LEAK) for one in (base, current))
    if current == base or before is None or now is None:
        return " ".join(found)
    kept = _change(figures, base, current, Track.Domain.TARGET, VOICE)
    other = _change(figures, base, current, Track.Domain.SOURCE, SDR)
    costs = [f"the {voice} {_cost(kept)}"] if kept is not None else []
    costs += [f"other music {_cost(other)}"] if other is not None else []
    found.append(f"Since the base, false positives went from {before:.1f} to {now:.1f} s a minute{''.join('; ' + cost for cost in costs)}.")
    return " ".join(found)


def _value(figures: Figures, checkpoint: Checkpoint, domain: str, metric: str) -> float | None:
    figure = figures.of(Evaluation.Subject.CHECKPOINT, checkpoint, domain).get(metric)
    return figure.value if figure else None


def _share(figures: Figures, parent: Checkpoint, child: Checkpoint) -> str:
    before, after = (_value(figures, one, Track.Domain.TARGET, LEAK) for one in (parent, child))
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
