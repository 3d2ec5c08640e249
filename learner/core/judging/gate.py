"""Decide whether a child checkpoint may take its parent's place: better where it was taught, and no worse elsewhere.

Three kinds of evidence, none of which the child was trained or chosen on:

* *gate songs* with stems, of the target and of the source domain;
* *kept-apart marks*: consensus regions left out of the feedback set. Those from clips chosen at random count for and against; those
  from clips chosen because the parent leaked there flatter any child, so they may veto and never promote;
* *accepted stretches* of the pool, heard and left unmarked: how much of the estimate is still there (no truth needed).

Quieter output lowers every leak dB for dB, so leak is compared at equal voice level as well as it is.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from learner.core.judging.kept_apart import judge_accepted, judge_marks
from learner.core.judging.measured import (
    AT_PARENT_VOICE,
    Figures,
    MarkLeak,
    Measured,
    accepted_level,
    changes,
    join,
    mark_leak,
    mean,
    measure_song,
)
from learner.core.judging.rules import Findings, Rules, Verdict

__all__ = [
    "AT_PARENT_VOICE",
    "Figures",
    "MarkLeak",
    "Measured",
    "Rules",
    "Verdict",
    "accepted_level",
    "bootstrap_interval",
    "decide",
    "join",
    "mark_leak",
    "measure_song",
]

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
    With a generator and at least four target songs, the reasons give a 95 % interval of the change in false positives by paired
    bootstrap over songs; it informs and does not decide.

    Raises ValueError where the two were not measured on the same things.
    """
    rules = rules or Rules()
    _check_same(before, after)
    if base is not None:
        _check_same(base, after, "base")
    vetoes = _broken(before, after)
    if vetoes:
        return Verdict(False, vetoes)
    gains: list[str] = []
    notes: list[str] = []
    only_quieter = False
    for findings in (
        _judge_target(before, after, rules, generator),
        judge_marks(before, after, rules),
        judge_accepted(before, after, rules),
        _judge_source(before, after, rules),
        *([_judge_all_rounds(base, after, rules)] if base is not None else []),
    ):
        vetoes += findings.vetoes
        gains += findings.gains
        notes += findings.notes
        only_quieter |= findings.only_quieter
    costly = bool(vetoes)
    if only_quieter:  # known from the truth of whole songs, which a few marks do not outweigh
        gains, notes = [], gains + notes
    if not gains and not vetoes:
        vetoes.append("Nothing shows that the child is better where it was taught, so the parent stays.")
    return Verdict(not vetoes, vetoes + gains + notes, costly)


def _judge_target(before: Measured, after: Measured, rules: Rules, generator: np.random.Generator | None) -> Findings:
    found = Findings()
    old, new = before.songs.get("target", {}), after.songs.get("target", {})
    if not new:
        found.notes.append("There are no target gate songs; false positives and true voice on the target are not known.")
        return found
    where = f"Target gate songs ({len(new)})"
    _judge_leak(found, where, old, new, rules, generator)
    for name, label, loss in (
        ("voice_kept_db", "true voice", rules.target_voice_loss),
        ("si_sdr", "SI-SDR", rules.target_si_sdr_loss),
    ):
        _judge_loss(found, where, label, changes(old, new, name), loss)
    return found


def _judge_leak(
    found: Findings,
    where: str,
    old: Mapping[str, Figures],
    new: Mapping[str, Figures],
    rules: Rules,
    generator: np.random.Generator | None,
) -> None:
    raw = "false_positive_seconds_per_minute"
    was, is_now = mean(song[raw] for song in old.values()), mean(song[raw] for song in new.values())
    text = f"{where}: false positives {_moves(was, is_now)} s/min"
    if any(AT_PARENT_VOICE not in song for song in new.values()):
        found.notes.append(f"{text}; not measured at the parent's voice level, so this counts neither for nor against.")
        return
    level = [new[song][AT_PARENT_VOICE] - old[song][raw] for song in new]
    change = mean(level)
    least = max(rules.false_positive_gain, rules.false_positive_share * was)
    text += f", at the parent's voice level to {was + change:.2f} s/min"
    if generator is not None and len(level) >= rules.songs_for_interval:
        low, high = bootstrap_interval(level, generator)
        text += f" (95 % interval of that change {low:+.2f} to {high:+.2f})"
    if change > rules.false_positive_rise:
        found.vetoes.append(f"{text}; at most {rules.false_positive_rise:g} s/min more are allowed.")
    elif max(change, is_now - was) <= -least:
        found.gains.append(f"{text}.")
    elif is_now - was <= -least:
        found.notes.append(f"{text}: the child is only quieter, which is no gain.")
        found.only_quieter = True
    else:
        found.notes.append(f"{text}: no gain (at least {least:.2f} s/min fewer would be one).")


def _judge_source(before: Measured, after: Measured, rules: Rules) -> Findings:
    found = Findings()
    if not (domain := next((one for one in SOURCES if after.songs.get(one)), "")):
        found.notes.append("There are no source gate songs; what the child forgot is not known.")
        return found
    old, new, where = before.songs[domain], after.songs[domain], f"{SOURCES[domain]} ({len(after.songs[domain])})"
    _judge_loss(found, where, "song SDR", changes(old, new, "song_sdr"), rules.source_loss)
    _judge_loss(found, where, "true voice", changes(old, new, "voice_kept_db"), rules.source_voice_loss)
    # Song by song: the middle of a handful of songs jumps from one of them to the next.
    _judge_loss(found, where, "median frame SDR", changes(old, new, "sdr_median"), rules.source_median_loss)
    name = "false_positive_seconds_per_minute"
    was, is_now = mean(song[name] for song in old.values()), mean(song[name] for song in new.values())
    found.limit(
        is_now - was <= rules.source_false_positive_rise,
        f"{where}: false positives {_moves(was, is_now)} s/min",
        f"at most {rules.source_false_positive_rise:g} s/min more are allowed",
    )
    return found


def _judge_all_rounds(base: Measured, after: Measured, rules: Rules) -> Findings:
    found = Findings()
    for domain, name, label, allowed in (
        ("target", "voice_kept_db", "true voice", rules.target_voice_loss_in_all),
        ("source", "song_sdr", "song SDR", rules.source_loss_in_all),
        ("source", "sdr_median", "median frame SDR", rules.source_loss_in_all),
        ("source", "voice_kept_db", "true voice", rules.source_voice_loss_in_all),
    ):
        old, new = base.songs.get(domain, {}), after.songs.get(domain, {})
        if new:
            _judge_loss(found, f"Over all rounds, {domain} gate songs ({len(new)})", label, changes(old, new, name), allowed)
    return found


def _judge_loss(found: Findings, where: str, label: str, changes: Sequence[float], allowed: float) -> None:
    if changes:
        change = mean(changes)
        # a hair of rounding must not decide
        found.limit(change >= -allowed - 1e-9, f"{where}: {label} changes by {change:+.2f} dB", f"at most {allowed:g} dB may be lost")


def bootstrap_interval(changes: Sequence[float], generator: np.random.Generator, draws: int = 2000) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the mean over songs drawn with replacement (bootstrap: Efron 1979; one change per song)."""
    values = np.asarray(changes, dtype=float)
    means = values[generator.integers(0, values.size, (draws, values.size))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


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
