"""What a worker finds of one clip: where people would probably mark a leak, by what the campaign's rounds have learned of that."""

from __future__ import annotations

from annotation.files import storage
from hub.api.ml_backend.models import Foretold
from learner.core.choosing import expected, proposing, signals
from learner.core.choosing.expected import Model
from learner.models import Checkpoint, Round
from learner.work.signals import latest_signals


def foretell(foretold: Foretold) -> None:
    """Keep what is probable of this clip. Where nothing was measured of its song yet, it waits: rounds measure the pool by themselves."""
    row = Checkpoint.objects.filter(hash=foretold.checkpoint).first()
    file = latest_signals(foretold.campaign, row).get(foretold.track_id) if row else None
    if file is None:
        return
    columns = signals.load(storage.local(file)).columns
    probable = _model(foretold, columns).predict(columns)
    regions = [list(one) for one in proposing.regions(probable, (foretold.start, foretold.end))]
    Foretold.objects.filter(pk=foretold.pk).update(regions=regions)


def _model(foretold: Foretold, columns: expected.Columns) -> Model:
    """As the last round has learned it; before the first, the plain guess on the scale of this one song."""
    for kept in Round.objects.filter(campaign=foretold.campaign).order_by("-number").values_list("choosing", flat=True):
        if "model" in kept:
            return Model.from_dict(kept["model"])
    return expected.fit(expected.knots_of([columns]), [])
