"""Decide whether a child checkpoint may take its parent's place: better where it was taught, and no worse elsewhere.

Three kinds of evidence, none of which the child was trained or chosen on:

* *gate songs* with stems, of the target and of the source domain;
* *kept-apart marks*: consensus regions left out of the feedback set. Those from clips chosen at random count for and against; those
  from clips chosen because the parent leaked there flatter any child, so they may veto and never promote;
* *accepted stretches* of the pool, heard and left unmarked: how much of the estimate is still there (no truth needed).

Quieter output lowers every leak dB for dB, so leak is compared at equal voice level as well as it is.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from learner.core import metrics
from learner.core.metrics import Audio, Region

Figures = Mapping[str, float]  # what `metrics.evaluate` returns, and AT_PARENT_VOICE
SOURCES = {"source": "Source gate songs", "remixed": "For want of source gate songs, what the base took out of mixes, mixed anew"}
AT_PARENT_VOICE = "false_positive_seconds_per_minute_at_parent_voice"


@dataclass(frozen=True)
class Rules:
    """What the gate asks of a child, against its parent. Means are over songs, or over marks by their seconds."""

    false_positive_gain: float = 0.1  # s/min fewer on target gate songs that count as better, as it is and at equal voice level
    false_positive_share: float = 0.1  # of the parent's, that must be fewer too: a smaller mask alone takes some
    mark_gain: float = 0.5  # dB less leak on kept-apart marks of random clips, at equal voice level, that count as better
    false_positive_rise: float = 0.5  # s/min more on target gate songs, at equal voice level, that are still no harm
    mark_rise: float = 1.0  # dB more leak on kept-apart marks that are still no harm: they are few
    source_false_positive_rise: float = 1.0  # s/min more on source gate songs that are still no harm
    source_loss: float = 0.3  # dB of song SDR that source gate songs may lose
    source_median_loss: float = 0.5  # dB of their median frame SDR; few frames decide it, so it jumps more
    source_voice_loss: float = 0.3  # dB of true voice that source gate songs may lose
    target_voice_loss: float = 1.0  # dB of true voice that target gate songs may lose; the same for accepted stretches
    target_si_sdr_loss: float = 0.5  # dB of SI-SDR that target gate songs may lose
    # The same against the base, so that small losses do not add up over rounds.
    source_loss_in_all: float = 0.5
    source_voice_loss_in_all: float = 0.5
    target_voice_loss_in_all: float = 1.5
    inaudible_dbfs: float = -60.0  # a leak under this counts as this: what nobody hears should not move a mean
    songs_for_interval: int = 4  # fewer songs give no interval


@dataclass(frozen=True)
class MarkLeak:
    """The level of an estimate on one kept-apart mark."""

    track: str
    seconds: float  # length of the mark
    leak_dbfs: float
    random_clip: bool  # the clip was chosen at random, not by the parent's scores


@dataclass(frozen=True)
class Measured:
    """What one checkpoint does on the gate's evidence. Parent and child are measured on the same songs, marks and stretches."""

    songs: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)  # domain (source | target) -> song -> figures
    marks: Mapping[str, MarkLeak] = field(default_factory=dict)  # mark -> leak
    accepted_dbfs: Mapping[str, float] = field(default_factory=dict)  # pool track -> `accepted_level` of its estimate


def join(parts: Iterable[Measured]) -> Measured:
    """What one checkpoint does on pieces of the evidence, each measured by itself, as one."""
    songs: dict[str, dict[str, Figures]] = {}
    marks: dict[str, MarkLeak] = {}
    accepted: dict[str, float] = {}
    for part in parts:
        for domain, known in part.songs.items():
            songs.setdefault(domain, {}).update(known)
        marks.update(part.marks)
        accepted.update(part.accepted_dbfs)
    return Measured(songs, marks, accepted)


@dataclass(frozen=True)
class Verdict:
    """The gate's word. The reasons are sentences for people; those that decided come first."""

    promote: bool
    reasons: list[str]
    costly: bool = False  # refused for what the child costs elsewhere: a milder one might pass


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
        _judge_marks(before, after, rules),
        _judge_accepted(before, after, rules),
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


def measure_song(estimate: Audio, vocals: Audio, mixture: Audio, sample_rate: int, parent_estimate: Audio) -> dict[str, float]:
    """Measure a gate song for `Measured.songs`: `metrics.evaluate`, and false positives at the parent's voice level.

    For the parent itself, its own estimate is the parent's estimate.
    """
    level = metrics.equal_voice_level(estimate, vocals, parent_estimate)
    leaking = metrics.false_positive_regions(level, vocals, sample_rate)
    minutes = np.atleast_2d(vocals).shape[1] / sample_rate / 60
    return metrics.evaluate(estimate, vocals, mixture, sample_rate) | {
        AT_PARENT_VOICE: sum(end - start for start, end in leaking) / minutes
    }


def mark_leak(estimate: Audio, mark: Region, sample_rate: int) -> float:
    """Return the level, in dBFS, of an estimate `(channels, samples)` on a mark (seconds)."""
    first, last = round(mark[0] * sample_rate), round(mark[1] * sample_rate)
    return metrics.level_dbfs(np.atleast_2d(estimate)[:, first : max(last, first + 1)])


def accepted_level(estimate: Audio, parent_estimate: Audio, heard: Iterable[Region], marks: Iterable[Region], sample_rate: int) -> float:
    """Return the level, in dBFS, of an estimate where people heard the parent's and let it pass: the voice that must stay.

    Counted are frames of 0.1 s wholly heard, touched by no mark, and in which the parent's estimate lies at most 15 dB under its
    own loudest such frame. What the frame in the middle of their power lost counts, since people let bleed pass. NaN where there are none.
    """
    frame = round(metrics.SHORT_FRAME * sample_rate)
    ours, parents = np.atleast_2d(estimate), np.atleast_2d(parent_estimate)
    starts = np.arange(0, ours.shape[1] - frame + 1, frame)
    begin, end = starts / sample_rate, (starts + frame) / sample_rate
    accepted = np.zeros(starts.size, dtype=bool)
    for region in heard:
        accepted |= (begin >= region[0] - 1e-9) & (end <= region[1] + 1e-9)
    for region in marks:
        accepted &= (end <= region[0]) | (begin >= region[1])
    starts = starts[accepted]
    if starts.size == 0:
        return float("nan")
    levels = np.array([metrics.level_dbfs(parents[:, start : start + frame]) for start in starts])
    loud = starts[levels >= levels.max() - metrics.LEAK_RANGE_DB]
    power, kept = (np.array([np.vdot(parents[:, at : at + frame], own[:, at : at + frame]) for at in loud]) for own in (parents, ours))
    shares = kept / np.maximum(power, 1e-12)
    middle = (order := np.argsort(shares))[np.searchsorted(np.cumsum(power[order]), power.sum() / 2)]
    change = 20 * math.log10(max(shares[middle], 1e-5)) if np.isfinite(kept).all() else math.nan
    return metrics.level_dbfs(np.concatenate([parents[:, at : at + frame] for at in loud], axis=1)) + change


@dataclass
class _Findings:
    """What one kind of evidence says: reasons to refuse, reasons to promote, and things to know."""

    vetoes: list[str] = field(default_factory=list)
    gains: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    only_quieter: bool = False  # what songs with stems gain is owed to a lower level alone

    def limit(self, kept: bool, text: str, limit: str) -> None:
        """File a figure: a note where it keeps its limit, a veto that names the limit where it does not."""
        if kept:
            self.notes.append(f"{text}.")
        else:
            self.vetoes.append(f"{text}; {limit}.")


def _judge_target(before: Measured, after: Measured, rules: Rules, generator: np.random.Generator | None) -> _Findings:
    found = _Findings()
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
        _judge_loss(found, where, label, _changes(old, new, name), loss)
    return found


def _judge_leak(
    found: _Findings,
    where: str,
    old: Mapping[str, Figures],
    new: Mapping[str, Figures],
    rules: Rules,
    generator: np.random.Generator | None,
) -> None:
    raw = "false_positive_seconds_per_minute"
    was, is_now = _mean(song[raw] for song in old.values()), _mean(song[raw] for song in new.values())
    text = f"{where}: false positives {_moves(was, is_now)} s/min"
    if any(AT_PARENT_VOICE not in song for song in new.values()):
        found.notes.append(f"{text}; not measured at the parent's voice level, so this counts neither for nor against.")
        return
    level = [new[song][AT_PARENT_VOICE] - old[song][raw] for song in new]
    change = _mean(level)
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


def _judge_marks(before: Measured, after: Measured, rules: Rules) -> _Findings:
    found = _Findings()
    voice = _voice_changes(before, after)
    for at_random, clips in ((True, "clips chosen at random"), (False, "clips chosen by score")):
        marks = {name: mark for name, mark in after.marks.items() if mark.random_clip is at_random}
        if not marks:
            found.notes.append(f"There are no kept-apart marks of {clips}.")
            continue
        was = [before.marks[name].leak_dbfs for name in marks]
        is_now = [mark.leak_dbfs for mark in marks.values()]
        at_level = [mark.leak_dbfs - voice.get(mark.track, voice[ELSEWHERE]) for mark in marks.values()]
        seconds = [mark.seconds for mark in marks.values()]
        raw, level = (_leak_change(was, new, seconds, rules.inaudible_dbfs) for new in (is_now, at_level))
        text = f"Kept-apart marks of {clips} ({len(marks)}, {sum(seconds):.1f} s): leak changes by {raw:+.2f} dB"
        known = not math.isnan(level)
        text += f", at equal voice level by {level:+.2f} dB" if known else ", and the voice level is not known, so this cannot count for"
        worst = max(raw, level) if known else raw
        if worst > rules.mark_rise:
            found.vetoes.append(f"{text}; at most {rules.mark_rise:g} dB more are allowed.")
        elif at_random and known and worst <= -rules.mark_gain:
            found.gains.append(f"{text}.")
        elif at_random:
            found.notes.append(f"{text}: no gain (at least {rules.mark_gain:g} dB less would be one).")
        else:
            found.notes.append(f"{text}; such marks may refuse a child, never promote it.")
    return found


def _leak_change(was: Sequence[float], is_now: Sequence[float], seconds: Sequence[float], inaudible_dbfs: float) -> float:
    """Mean change in dB over marks by their seconds; what nobody hears counts as just inaudible."""
    changes = np.maximum(is_now, inaudible_dbfs) - np.maximum(was, inaudible_dbfs)
    return float(np.average(changes, weights=seconds))


ELSEWHERE = ""  # stands for the pool tracks of which nothing was heard and accepted


def _voice_changes(before: Measured, after: Measured) -> dict[str, float]:
    """Change of voice level in dB per pool track; ELSEWHERE their mean, else that of the true voice of target songs, else NaN."""
    changes = {track: level - before.accepted_dbfs[track] for track, level in after.accepted_dbfs.items()}
    known = {track: change for track, change in changes.items() if not math.isnan(change)}
    true = _changes(before.songs.get("target", {}), after.songs.get("target", {}), "voice_kept_db")
    return known | {ELSEWHERE: _mean(known.values() or true or [math.nan])}


def _judge_accepted(before: Measured, after: Measured, rules: Rules) -> _Findings:
    found = _Findings()
    changes = [level - before.accepted_dbfs[track] for track, level in after.accepted_dbfs.items()]
    changes = [change for change in changes if not math.isnan(change)]
    if not changes:
        return found
    text = f"Accepted stretches of {len(changes)} pool tracks: level changes by {_mean(changes):+.2f} dB"
    knows_truth = bool(_changes(before.songs.get("target", {}), after.songs.get("target", {}), "voice_kept_db"))
    if knows_truth:  # what people let pass holds leaks that they missed, so the truth goes before it
        found.notes.append(f"{text}; the true voice of gate songs decides.")
    else:
        found.limit(_mean(changes) >= -rules.target_voice_loss, text, f"at most {rules.target_voice_loss:g} dB may be lost")
    return found


def _judge_source(before: Measured, after: Measured, rules: Rules) -> _Findings:
    found = _Findings()
    if not (domain := next((one for one in SOURCES if after.songs.get(one)), "")):
        found.notes.append("There are no source gate songs; what the child forgot is not known.")
        return found
    old, new, where = before.songs[domain], after.songs[domain], f"{SOURCES[domain]} ({len(after.songs[domain])})"
    _judge_loss(found, where, "song SDR", _changes(old, new, "song_sdr"), rules.source_loss)
    _judge_loss(found, where, "true voice", _changes(old, new, "voice_kept_db"), rules.source_voice_loss)
    # Song by song: the middle of a handful of songs jumps from one of them to the next.
    _judge_loss(found, where, "median frame SDR", _changes(old, new, "sdr_median"), rules.source_median_loss)
    name = "false_positive_seconds_per_minute"
    was, is_now = _mean(song[name] for song in old.values()), _mean(song[name] for song in new.values())
    found.limit(
        is_now - was <= rules.source_false_positive_rise,
        f"{where}: false positives {_moves(was, is_now)} s/min",
        f"at most {rules.source_false_positive_rise:g} s/min more are allowed",
    )
    return found


def _judge_all_rounds(base: Measured, after: Measured, rules: Rules) -> _Findings:
    found = _Findings()
    for domain, name, label, allowed in (
        ("target", "voice_kept_db", "true voice", rules.target_voice_loss_in_all),
        ("source", "song_sdr", "song SDR", rules.source_loss_in_all),
        ("source", "sdr_median", "median frame SDR", rules.source_loss_in_all),
        ("source", "voice_kept_db", "true voice", rules.source_voice_loss_in_all),
    ):
        old, new = base.songs.get(domain, {}), after.songs.get(domain, {})
        if new:
            _judge_loss(found, f"Over all rounds, {domain} gate songs ({len(new)})", label, _changes(old, new, name), allowed)
    return found


def _judge_loss(found: _Findings, where: str, label: str, changes: Sequence[float], allowed: float) -> None:
    if changes:
        change = _mean(changes)
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


def _changes(old: Mapping[str, Figures], new: Mapping[str, Figures], name: str) -> list[float]:
    """Child less parent, for the songs that have the figure."""
    changes = [new[song][name] - old[song][name] for song in new]
    return [change for change in changes if not math.isnan(change)]


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _moves(was: float, is_now: float) -> str:
    verb = "fall" if is_now < was else "rise" if is_now > was else "stay"
    return f"stay at {was:.2f}" if verb == "stay" else f"{verb} from {was:.2f} to {is_now:.2f}"
