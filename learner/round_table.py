"""The round table: what each round changed, beside the trivial baselines, read from Evaluation rows."""

from __future__ import annotations

from dataclasses import dataclass

from annotation.models import Campaign, Track
from annotation.selectors import consensus_seconds, marked_seconds
from learner.models import Adaptation, Evaluation

COLUMNS = (
    ("sdr_mean", "SDR mean", "dB, active frames"),
    ("sdr_median", "SDR median", "dB, active frames"),
    ("song_sdr", "song SDR", "dB"),
    ("si_sdr", "SI-SDR", "dB"),
    ("pes_dbfs", "leak", "PES, dBFS"),
    ("false_positive_seconds_per_minute", "false pos.", "s/min"),
    ("false_positives_at_parent_level", "at parent's voice", "s/min"),
    ("false_positives_at_base_level", "at base's voice", "s/min"),
    ("voice_kept_db", "voice kept", "dB"),
)
"""Metric, heading, unit."""

Row = tuple[str, list[float | None]]


@dataclass(frozen=True)
class RoundTable:
    """One round as it is shown."""

    number: int
    algorithm: str
    marked_seconds: float
    consensus_seconds: float
    parent: str
    child: str
    verdict: str
    reasons: list[str]
    figures: dict[str, list[Row]]
    """domain -> rows of (subject, one value per column)"""


def round_tables(campaign: Campaign) -> list[RoundTable]:
    """All rounds of a campaign that came to an adaptation."""
    adaptations = Adaptation.objects.filter(campaign=campaign).select_related("feedback_set__round", "parent", "child", "replay_only")
    return [_table(campaign, adaptation) for adaptation in adaptations.order_by("feedback_set__round__number")]


def _table(campaign: Campaign, adaptation: Adaptation) -> RoundTable:
    feedback = adaptation.feedback_set
    algorithm = (adaptation.child.recipe if adaptation.child else adaptation.recipe).get("algorithm", "default")
    return RoundTable(
        number=feedback.round.number,
        algorithm=algorithm,
        marked_seconds=marked_seconds(campaign, feedback.round.number),
        consensus_seconds=consensus_seconds(feedback.clips.values("consensus")),
        parent=adaptation.parent.short,
        child=adaptation.child.short if adaptation.child else "none",
        verdict=adaptation.verdict,
        reasons=adaptation.reasons,
        figures={domain: _rows(campaign, adaptation, domain) for domain in (Track.Domain.TARGET, Track.Domain.SOURCE)},
    )


def _rows(campaign: Campaign, adaptation: Adaptation, domain: str) -> list[Row]:
    subject = Evaluation.Subject
    asked = [
        ("parent", subject.CHECKPOINT, adaptation.parent_id),
        ("child", subject.CHECKPOINT, adaptation.child_id),
        ("silence", subject.SILENCE, None),
        ("mixture", subject.MIXTURE, None),
        ("parent, best constant gain", subject.GAIN, adaptation.parent_id),
        ("replay without feedback", subject.REPLAY_ONLY, adaptation.replay_only_id),
    ]
    found = Evaluation.objects.filter(campaign=campaign, use=Track.Use.TEST, domain=domain)
    values = {(row.subject, row.checkpoint_id, row.metric): row.value for row in found}
    rows = [(name, [values.get((kind, checkpoint, metric)) for metric, _, _ in COLUMNS]) for name, kind, checkpoint in asked]
    return [(name, row) for name, row in rows if any(value is not None for value in row)]
