"""What the gate asks, and how it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


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

    @classmethod
    def limited(cls, *, gain: float, leak_rise: float, voice_loss: float, forgetting: float) -> "Rules":
        """The rules with a campaign's own limits, each in the unit of the first field that it sets.

        `gain` is `false_positive_share`, `leak_rise` `false_positive_rise`, `voice_loss` `target_voice_loss`, `forgetting` `source_loss`
        and `source_voice_loss`; limits of the same kind (of the median, over all rounds) keep their proportion to these.
        """
        usual = cls()
        voice, past = voice_loss / usual.target_voice_loss, forgetting / usual.source_loss
        return replace(
            usual,
            false_positive_share=gain,
            false_positive_rise=leak_rise,
            target_voice_loss=voice_loss,
            target_voice_loss_in_all=usual.target_voice_loss_in_all * voice,
            source_loss=forgetting,
            source_voice_loss=usual.source_voice_loss * past,
            source_median_loss=usual.source_median_loss * past,
            source_loss_in_all=usual.source_loss_in_all * past,
            source_voice_loss_in_all=usual.source_voice_loss_in_all * past,
        )


@dataclass(frozen=True)
class Reason:
    """A sentence of the gate, and what it rests on."""

    text: str
    evidence: str = ""  # target | source | remixed: gate songs; random | scored: kept-apart clips; accepted: all of these
    metric: str = ""  # its name in `Measured`; of clips "leak_dbfs" or "accepted_dbfs"
    against: str = "parent"  # or base: what the child is compared with


@dataclass(frozen=True)
class Verdict:
    """The gate's word. The reasons are sentences for people; those that decided come first."""

    promote: bool
    reasons: list[str]
    costly: bool = False  # refused for what the child costs elsewhere: a milder one might pass
    rests_on: Mapping[str, Reason] = field(default_factory=dict)  # of the sentences that rest on songs or clips


@dataclass
class Findings:
    """What one kind of evidence says: reasons to refuse, reasons to promote, and things to know."""

    vetoes: list[Reason] = field(default_factory=list)
    gains: list[Reason] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)
    only_quieter: bool = False  # what songs with stems gain is owed to a lower level alone

    def limit(self, kept: bool, text: str, limit: str, evidence: str, metric: str, against: str = "parent") -> None:
        """File a figure with its limit: a note where it keeps it, a veto where it does not."""
        if kept:
            self.notes.append(Reason(f"{text}; {limit}, which holds.", evidence, metric, against))
        else:
            self.vetoes.append(Reason(f"{text}; {limit}.", evidence, metric, against))
