"""Songs to hear two checkpoints by, those first where the second does worse than the first."""

from __future__ import annotations

from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from annotation.models import Campaign, Estimate, Track
from learner.core.judging.names import FALSE_POSITIVES, SONG_SDR
from learner.models import Checkpoint, Evaluation, Job, Separation, SongFigures

FIGURES = ((FALSE_POSITIVES, "leak"), (SONG_SDR, "sdr"))


def side_by_side(campaign: Campaign, before: Checkpoint, after: Checkpoint) -> QuerySet[Track]:
    """Songs that either of them has separated or was measured on.

    Each has `leak_before`, `leak_after` (s/min), `sdr_before`, `sdr_after` (dB), None where it was not measured; `sdr_change`;
    `heard_before`, `heard_after`: whether there is sound; `asked`: whether a job makes it. The song that lost most SDR comes first.
    """
    found = campaign.tracks.filter(set_aside=None)
    for when, checkpoint in (("before", before), ("after", after)):
        figures = SongFigures.objects.filter(track=OuterRef("pk"), subject=Evaluation.Subject.CHECKPOINT, checkpoint=checkpoint)
        estimates = Estimate.objects.filter(track=OuterRef("pk"), stem=campaign.stem, checkpoint=checkpoint.hash)
        columns = {
            f"{short}_{when}": Subquery(figures.annotate(value=Cast(KT(f"figures__{metric}"), FloatField())).values("value"))
            for metric, short in FIGURES
        }
        found = found.annotate(**columns, **{f"heard_{when}": Exists(estimates)})
    asked = Separation.objects.filter(
        track=OuterRef("pk"), checkpoint__in=(before, after), job__state__in=(Job.State.QUEUED, Job.State.RUNNING)
    )
    known = Q(heard_before=True) | Q(heard_after=True) | Q(sdr_before__isnull=False) | Q(sdr_after__isnull=False)
    return (
        found.annotate(asked=Exists(asked), sdr_change=F("sdr_after") - F("sdr_before"))
        .filter(known)
        .order_by(F("sdr_change").asc(nulls_last=True), F("heard_after").desc(), F("heard_before").desc(), "pk")
    )
