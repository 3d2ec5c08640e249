"""Work for a lab's Label Studio: messages about rows."""

import dramatiq

from hub.api.ml_backend.models import Foretold
from learner.actors import SIX_HOURS, TWO_MINUTES, run


@dramatiq.actor(queue_name="gpu", max_retries=0, time_limit=TWO_MINUTES)
def foretell_clip(foretold_id: int) -> None:
    """Find out what is probable of one clip; delivered twice, it finds the same."""
    from hub.api.ml_backend import foretelling  # brings torch in

    if (
        foretold := Foretold.objects.filter(pk=foretold_id, regions__isnull=True, campaign__deleted=None)
        .select_related("campaign", "track")
        .first()
    ):
        foretelling.foretell(foretold)


@dramatiq.actor(queue_name="default", max_retries=5, time_limit=TWO_MINUTES)
def take_annotation(annotation_id: int) -> None:
    """Make an answer of an annotation of a Label Studio server; delivered twice, it is one."""
    from hub.api.ml_backend import taking

    taking.take(annotation_id)


@dramatiq.actor(queue_name="audio", max_retries=0, time_limit=SIX_HOURS, notify_shutdown=True)
def sync_label_studio(job_id: int) -> None:
    """Keep a campaign in step with a project of a Label Studio server."""
    from hub.api.ml_backend import syncing

    run(job_id, syncing.sync)
