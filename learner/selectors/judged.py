"""Questions about the songs and clips that a round's child was judged on: which got better, which worse, and which decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from annotation.models import Campaign, Track
from learner.core.judging.measured import ACCEPTED, AT_PARENT_VOICE, LEAK, bootstrap_interval
from learner.core.judging.names import AT_PARENT_LEVEL, FALSE_POSITIVES, SI_SDR, SONG_SDR, VOICE
from learner.core.judging.rules import Rules
from learner.models import Adaptation, JudgedSong

DECIDED = 3  # songs that are named for a reason
NEARLY = 0.05  # s/min and dB: no change


def rules_of(campaign: Campaign) -> Rules:
    """The gate's rules with the limits that the campaign's people have set."""
    return Rules.limited(
        gain=campaign.gate_gain,
        leak_rise=campaign.gate_leak_rise,
        voice_loss=campaign.gate_voice_loss,
        forgetting=campaign.gate_forgetting,
    )


@dataclass(frozen=True)
class Judged:
    """A song or clip, by how far the child goes against the gate's limits on it: over 1, it loses more than a mean of songs may."""

    song: JudgedSong
    against: float
    better: bool  # it leaks clearly less

    @property
    def word(self) -> str:
        return "worse" if self.against > 1 else "better" if self.better else "about the same"


def judged_songs(adaptation: Adaptation | None, campaign: Campaign) -> list[Judged]:
    """Those of a round, the worst first, in one query."""
    if adaptation is None:
        return []
    rules = rules_of(campaign)
    rows = JudgedSong.objects.filter(adaptation=adaptation).select_related("track").order_by("pk")
    return sorted((_judged(row, rules) for row in rows), key=lambda one: -one.against)


def _judged(song: JudgedSong, rules: Rules) -> Judged:
    if song.is_clip:
        leak = song.change(LEAK) or 0.0
        kept = song.change(ACCEPTED) or 0.0
        return Judged(song, max(leak / _some(rules.mark_rise), -kept / _some(rules.target_voice_loss)), leak <= -rules.mark_gain)
    leak = song.change(AT_PARENT_LEVEL) or 0.0
    sdr, voice, si_sdr = (song.change(metric) or 0.0 for metric in (SONG_SDR, VOICE, SI_SDR))
    # What is clearly less does not depend on how much a campaign asks for.
    usual = Rules()
    gain = max(usual.false_positive_gain, usual.false_positive_share * song.figures.get(song.PARENT, {}).get(FALSE_POSITIVES, 0.0))
    better = max(leak, song.change(FALSE_POSITIVES) or 0.0) <= -gain
    if song.track.domain == Track.Domain.TARGET:
        against = (
            leak / _some(rules.false_positive_rise),
            -voice / _some(rules.target_voice_loss),
            -si_sdr / _some(rules.target_si_sdr_loss),
        )
        return Judged(song, max(against), better)
    leak = song.change(FALSE_POSITIVES) or 0.0
    lost = max(-sdr / _some(rules.source_loss), -voice / _some(rules.source_voice_loss))
    return Judged(song, max(leak / _some(rules.source_false_positive_rise), lost), better)


def _some(limit: float) -> float:
    """A limit of nothing counts as what nobody hears."""
    return max(limit, NEARLY)


@dataclass(frozen=True)
class MeanChange:
    """How a figure changed from the parent, over songs: the mean and, from `songs_for_interval` on, its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Together:
    """What the child, or replay alone, changed over the songs of one kind and domain."""

    kind: str
    domain: str
    subject: str
    n: int
    changes: dict[str, MeanChange]


def together(judged: list[Judged], metrics: Iterable[str], rules: Rules | None = None) -> list[Together]:
    """Means of the changes, of gate songs and then test songs, with paired intervals by bootstrap over songs."""
    songs = [one.song for one in judged if not one.song.is_clip]
    groups = sorted({(one.kind, one.track.domain) for one in songs}, key=lambda group: (group[0], group[1] != Track.Domain.TARGET))
    enough, found = (rules or Rules()).songs_for_interval, []
    for kind, domain in groups:
        of_group = sorted((one for one in songs if (one.kind, one.track.domain) == (kind, domain)), key=lambda one: one.pk)
        for subject in (JudgedSong.CHILD, JudgedSong.REPLAY):
            if any(subject in one.figures for one in of_group):
                changes = {metric: [one.change(metric, subject) for one in of_group] for metric in metrics}
                known = {metric: [value for value in values if value is not None] for metric, values in changes.items()}
                means = {metric: _mean(values, enough) for metric, values in known.items() if values}
                found.append(Together(kind, domain, subject, len(of_group), means))
    return found


def _mean(values: list[float], enough: int) -> MeanChange:
    mean = float(np.mean(values))
    # The same numbers on every look.
    return MeanChange(mean, *bootstrap_interval(values, np.random.default_rng(0))) if len(values) >= enough else MeanChange(mean)


def decided(reason: list[str], judged: list[Judged]) -> list[tuple[JudgedSong, float]]:
    """The songs or clips that moved the figure of one reason most, the way that it went as a whole: each with its own change.

    `reason` is what `Adaptation.rests_on` has of it.
    """
    evidence, metric, against = reason
    metric = AT_PARENT_LEVEL if metric == AT_PARENT_VOICE else metric
    changes = [
        (one.song, change)
        for one in judged
        if evidence in _evidence_of(one.song)
        for change in [one.song.change(metric, against=against)]
        if change is not None
    ]
    way = 1 if sum(change for _, change in changes) >= 0 else -1
    moved = sorted(changes, key=lambda found: -way * found[1])
    return [(song, change) for song, change in moved if way * change > NEARLY][:DECIDED]


def _evidence_of(song: JudgedSong) -> tuple[str, ...]:
    if song.kind == JudgedSong.Kind.GATE:
        return (song.track.domain,)
    return (song.kind, "accepted") if song.is_clip else ()
