"""Decide whether a child checkpoint may take its parent's place: better where it was taught, and no worse elsewhere.

Three kinds of evidence, none of which the child was trained or chosen on:

* *gate songs* with stems, of the target and of the source domain;
* *kept-apart marks*: consensus regions left out of the feedback set. Those from clips chosen at random count for and against; those
  from clips chosen because the parent leaked there flatter any child, so they may veto and never promote;
* *accepted stretches* of the pool, heard and left unmarked: how much of the estimate is still there (no truth needed).

Quieter output lowers every leak dB for dB, so leak is compared at equal voice level as well as it is.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from learner.core.judging.kept_apart import judge_accepted, judge_marks
from learner.core.judging.measured import (
    AT_PARENT_VOICE,
    Figures,
    MarkLeak,
    Measured,
    accepted_level,
    bootstrap_interval,
    changes,
    join,
    mark_leak,
    mean,
    measure_song,
)
from learner.core.judging.names import FALSE_POSITIVES
from learner.core.judging.rules import Findings, Reason, Rules, Verdict

__all__ = [
    "AT_PARENT_VOICE",
    "Figures",
    "MarkLeak",
    "Measured",
    "Reason",
    "Rules",
    "Verdict",
    "accepted_level",
    "bootstrap_interval",
    "decide",
    "join",
    "mark_leak",
    "measure_song",
]

Interval = Callable[[Sequence[float], str], str]  # of changes, one a song, and what they are of: how the interval of their mean is said

SOURCES = {"source": "Source gate songs", "remixed": "For want of source gate songs, what the base took out of mixes, mixed anew"}


def decide(
    before: Measured,
    after: Measured,
    rules: Rules | None = None,
    generator: np.random.Generator | None = None,
    *,
    base: Measured | None = None,
) -> Verdict:
    """Compare the child (`after`) with its parent (`before`), and with the base that the campaign began with, if it is given.

    Evidence that is missing is named, and what is there decides. Without anything that can show a gain (target gate songs, or
    kept-apart marks of random clips) the child is refused; marks promote no child that target songs show to be only quieter.
    With a generator and at least four songs, the reasons give a 95 % interval of each change by paired bootstrap over songs; it informs
    and does not decide.

    Raises ValueError where the two were not measured on the same things.
    """
    rules = rules or Rules()
    _check_same(before, after)
    if base is not None:
        _check_same(base, after, "base")
    if broken := _broken(before, after):
        return Verdict(False, broken)
    vetoes: list[Reason] = []
    gains: list[Reason] = []
    notes: list[Reason] = []
    only_quieter = False
    interval = partial(_said_interval, rules, generator)
    for findings in (
        _judge_target(before, after, rules, interval),
        judge_marks(before, after, rules),
        judge_accepted(before, after, rules),
        _judge_source(before, after, rules, interval),
        *([_judge_all_rounds(base, after, rules, interval)] if base is not None else []),
    ):
        vetoes += findings.vetoes
        gains += findings.gains
        notes += findings.notes
        only_quieter |= findings.only_quieter
    costly = bool(vetoes)
    if only_quieter:  # known from the truth of whole songs, which a few marks do not outweigh
        gains, notes = [], gains + notes
    if not gains and not vetoes:
        vetoes.append(Reason("Nothing shows that the child is better where it was taught, so the parent stays."))
    reasons = vetoes + gains + notes
    rests_on = {one.text: one for one in reasons if one.evidence}
    return Verdict(not vetoes, [one.text for one in reasons], costly, rests_on)


def _judge_target(before: Measured, after: Measured, rules: Rules, interval: Interval) -> Findings:
    found = Findings()
    old, new = before.songs.get("target", {}), after.songs.get("target", {})
    if not new:
        found.notes.append(Reason("There are no target gate songs; false positives and true voice on the target are not known."))
        return found
    where = f"Target gate songs ({len(new)})"
    _judge_leak(found, where, old, new, rules, interval)
    for name, label, loss in (
        ("voice_kept_db", "true voice", rules.target_voice_loss),
        ("si_sdr", "SI-SDR", rules.target_si_sdr_loss),
    ):
        _judge_loss(found, f"{where}: {label}", changes(old, new, name), loss, interval, "target", name)
    return found


def _judge_leak(
    found: Findings, where: str, old: Mapping[str, Figures], new: Mapping[str, Figures], rules: Rules, interval: Interval
) -> None:
    was, is_now = mean(song[FALSE_POSITIVES] for song in old.values()), mean(song[FALSE_POSITIVES] for song in new.values())
    text = f"{where}: false positives {_moves(was, is_now)} s/min"
    if any(AT_PARENT_VOICE not in song for song in new.values()):
        text += "; not measured at the parent's voice level, so this counts neither for nor against."
        found.notes.append(Reason(text, "target", FALSE_POSITIVES))
        return
    level = [new[song][AT_PARENT_VOICE] - old[song][FALSE_POSITIVES] for song in new]
    change = mean(level)
    least = max(rules.false_positive_gain, rules.false_positive_share * was)
    text += f", at the parent's voice level to {was + change:.2f} s/min{interval(level, ' of that change')}"
    if change > rules.false_positive_rise:
        found.vetoes.append(Reason(f"{text}; at most {rules.false_positive_rise:g} s/min more are allowed.", "target", AT_PARENT_VOICE))
    elif max(change, is_now - was) <= -least:
        found.gains.append(Reason(f"{text}; at least {least:.2f} s/min fewer is a gain.", "target", AT_PARENT_VOICE))
    elif is_now - was <= -least:
        found.notes.append(Reason(f"{text}: the child is only quieter, which is no gain.", "target", AT_PARENT_VOICE))
        found.only_quieter = True
    else:
        found.notes.append(Reason(f"{text}: no gain (at least {least:.2f} s/min fewer would be one).", "target", AT_PARENT_VOICE))


def _judge_source(before: Measured, after: Measured, rules: Rules, interval: Interval) -> Findings:
    found = Findings()
    if not (domain := next((one for one in SOURCES if after.songs.get(one)), "")):
        found.notes.append(Reason("There are no source gate songs; what the child forgot is not known."))
        return found
    old, new, where = before.songs[domain], after.songs[domain], f"{SOURCES[domain]} ({len(after.songs[domain])})"
    for name, label, loss in (
        ("song_sdr", "song SDR", rules.source_loss),
        ("voice_kept_db", "true voice", rules.source_voice_loss),
        # Song by song: the middle of a handful of songs jumps from one of them to the next.
        ("sdr_median", "median frame SDR", rules.source_median_loss),
    ):
        _judge_loss(found, f"{where}: {label}", changes(old, new, name), loss, interval, domain, name)
    was, is_now = mean(song[FALSE_POSITIVES] for song in old.values()), mean(song[FALSE_POSITIVES] for song in new.values())
    found.limit(
        is_now - was <= rules.source_false_positive_rise,
        f"{where}: false positives {_moves(was, is_now)} s/min{interval(changes(old, new, FALSE_POSITIVES), ' of the change')}",
        f"at most {rules.source_false_positive_rise:g} s/min more are allowed",
        domain,
        FALSE_POSITIVES,
    )
    return found


def _judge_all_rounds(base: Measured, after: Measured, rules: Rules, interval: Interval) -> Findings:
    found = Findings()
    for domain, name, label, allowed in (
        ("target", "voice_kept_db", "true voice", rules.target_voice_loss_in_all),
        ("source", "song_sdr", "song SDR", rules.source_loss_in_all),
        ("source", "sdr_median", "median frame SDR", rules.source_loss_in_all),
        ("source", "voice_kept_db", "true voice", rules.source_voice_loss_in_all),
    ):
        old, new = base.songs.get(domain, {}), after.songs.get(domain, {})
        if new:
            what = f"Over all rounds, {domain} gate songs ({len(new)}): {label}"
            _judge_loss(found, what, changes(old, new, name), allowed, interval, domain, name, against="base")
    return found


def _judge_loss(
    found: Findings,
    what: str,
    changes: Sequence[float],
    allowed: float,
    interval: Interval,
    evidence: str,
    metric: str,
    against: str = "parent",
) -> None:
    if changes:
        change = mean(changes)
        text = f"{what} changes by {change:+.2f} dB{interval(changes, '')}"
        # a hair of rounding must not decide
        found.limit(change >= -allowed - 1e-9, text, f"at most {allowed:g} dB may be lost", evidence, metric, against)


def _said_interval(rules: Rules, generator: np.random.Generator | None, changes: Sequence[float], of_what: str) -> str:
    """The 95 % interval of a mean change, in brackets; empty without a generator, or where songs are too few."""
    if generator is None or len(changes) < rules.songs_for_interval:
        return ""
    low, high = bootstrap_interval(changes, generator)
    return f" (95 % interval{of_what} {low:+.2f} to {high:+.2f})"


def _check_same(before: Measured, after: Measured, whom: str = "parent") -> None:
    kinds = {"marks": (before.marks, after.marks), "pool tracks": (before.accepted_dbfs, after.accepted_dbfs)}
    for domain in sorted(before.songs.keys() | after.songs.keys()):
        kinds[f"{domain} songs"] = (before.songs.get(domain, {}), after.songs.get(domain, {}))
    for kind, (old, new) in kinds.items():
        if only := sorted(old.keys() ^ new.keys()):
            raise ValueError(f"{whom} and child must be measured on the same {kind}; only one of them has {', '.join(only)}")


def _broken(before: Measured, after: Measured) -> list[str]:
    """Name what has a figure for the parent and none (NaN or infinite) for the child."""
    pairs: list[tuple[str, float, float]] = []
    for domain, songs in after.songs.items():
        for song, figures in songs.items():
            old = before.songs[domain][song]
            pairs += [
                (f"{name} of {domain} song {song}", was, figures.get(name, math.nan))
                for name, was in old.items()
                if name != AT_PARENT_VOICE
            ]
            if AT_PARENT_VOICE in figures:
                pairs.append((f"{AT_PARENT_VOICE} of {domain} song {song}", 0.0, figures[AT_PARENT_VOICE]))
    pairs += [(f"leak on mark {name}", before.marks[name].leak_dbfs, mark.leak_dbfs) for name, mark in after.marks.items()]
    pairs += [(f"level of accepted stretches of {track}", before.accepted_dbfs[track], now) for track, now in after.accepted_dbfs.items()]
    broken = list(dict.fromkeys(what for what, was, now in pairs if math.isfinite(was) and not math.isfinite(now)))
    if not broken:
        return []
    more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
    return [f"The child is broken: it has no number for {', '.join(broken[:3])}{more}, where its parent has one."]


def _moves(was: float, is_now: float) -> str:
    verb = "fall" if is_now < was else "rise" if is_now > was else "stay"
    return f"stay at {was:.2f}" if verb == "stay" else f"{verb} from {was:.2f} to {is_now:.2f}"
