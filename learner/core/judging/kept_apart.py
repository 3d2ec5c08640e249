"""What clips kept apart for the gate say of a child: the leak on their marks, and the voice that people let pass in them."""

import math

import numpy as np
from numpy.typing import NDArray

from learner.core.judging.active_testing import all_but, mean_change
from learner.core.judging.measured import ACCEPTED, LEAK, Measured, changes, mean
from learner.core.judging.rules import Findings, Reason, Rules
from learner.core.judging.segments import Change

MIDDLE = 1 / 2
BLEED = 1 / 3  # of what people let pass may be bleed that they missed, of which a good child takes tens of dB


def judge_marks(before: Measured, after: Measured, rules: Rules) -> Findings:
    found = Findings()
    for at_random, clips, evidence in ((True, "clips chosen at random", "random"), (False, "clips chosen by score", "scored")):
        marks = [mark for mark in after.marks.values() if mark.random_clip is at_random]
        if not marks:
            found.notes.append(Reason(f"There are no kept-apart marks of {clips}."))
            continue
        raw, level = leak_changes(before, after, at_random, rules)
        seconds = sum(mark.seconds for mark in marks)
        text = f"Kept-apart marks of {clips} ({len(marks)}, {seconds:.1f} s): leak changes by {raw.change:+.2f} dB"
        known = not math.isnan(level.change)
        text += (
            f", at equal voice level by {level.change:+.2f} dB" if known else ", and the voice level is not known, so this cannot count for"
        )
        worst = max(raw, level, key=lambda one: one.change) if known else raw
        if math.isfinite(worst.low):
            text += f" (95 % interval of that, over {len({mark.track for mark in marks})} clips, {worst.low:+.2f} to {worst.high:+.2f})"
        if worst.change > rules.mark_rise:
            found.vetoes.append(Reason(f"{text}; at most {rules.mark_rise:g} dB more are allowed.", evidence, LEAK))
        elif at_random and known and worst.change <= -rules.mark_gain:
            found.gains.append(Reason(f"{text}; at least {rules.mark_gain:g} dB less is a gain.", evidence, LEAK))
        elif at_random:
            found.notes.append(Reason(f"{text}: no gain (at least {rules.mark_gain:g} dB less would be one).", evidence, LEAK))
        else:
            may = f"such marks may refuse a child, never promote it (at most {rules.mark_rise:g} dB more are allowed)"
            found.notes.append(Reason(f"{text}; {may}.", evidence, LEAK))
    return found


def leak_changes(before: Measured, after: Measured, at_random: bool, rules: Rules) -> tuple[Change, Change]:
    """Mean change in dB of the leak on marks of clips drawn at random, or of the others: as it is, and at equal voice level.

    By the seconds of the marks and the weight of their clips. What nobody hears counts as just inaudible. There must be such marks.
    """
    names = [name for name, mark in after.marks.items() if mark.random_clip is at_random]
    marks = [after.marks[name] for name in names]
    was, is_now = (np.array([measured.marks[name].leak_dbfs for name in names]) for measured in (before, after))
    clips = [mark.track for mark in marks]
    seconds, weight = [mark.seconds for mark in marks], [after.weight(clip) for clip in clips]

    def change(now: NDArray[np.float64]) -> Change:
        return mean_change(np.maximum(now, rules.inaudible_dbfs) - np.maximum(was, rules.inaudible_dbfs), seconds, weight, clips)

    return change(is_now), change(is_now - voice_change(before, after))


def voice_change(before: Measured, after: Measured) -> float:
    """Change in dB of the voice: of the true one of target songs, else the middle of what people let pass; NaN where neither is known."""
    true = changes(before.songs.get("target", {}), after.songs.get("target", {}), "voice_kept_db")
    return mean(true) if true else accepted_change(before, after, MIDDLE)


def accepted_change(before: Measured, after: Measured, but: float) -> float:
    """Change in dB of what people let pass: that which all of it but a share keeps at least; NaN where nothing passed.

    Clips count by how long that is, and by their weight.
    """
    found = {clip: level - before.accepted_dbfs[clip] for clip, level in after.accepted_dbfs.items()}
    known = {clip: change for clip, change in found.items() if not math.isnan(change)}
    if not known:
        return math.nan
    counts = [after.weight(clip) * after.accepted_seconds.get(clip, 1.0) for clip in known]
    return all_but(but, np.array(list(known.values())), np.array(counts))


def judge_accepted(before: Measured, after: Measured, rules: Rules) -> Findings:
    found = Findings()
    change = accepted_change(before, after, BLEED)
    if math.isnan(change):
        return found
    text = f"Accepted stretches of {len(after.accepted_dbfs)} clips: the level of all but a third of them changes by {change:+.2f} dB"
    if changes(before.songs.get("target", {}), after.songs.get("target", {}), "voice_kept_db"):
        # What people let pass holds leaks that they missed, so the truth goes before it.
        found.notes.append(Reason(f"{text}; the true voice of gate songs decides.", "accepted", ACCEPTED))
    else:
        limit = f"at most {rules.target_voice_loss:g} dB may be lost"
        found.limit(change >= -rules.target_voice_loss, text, limit, "accepted", ACCEPTED)
    return found
