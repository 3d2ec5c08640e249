"""Annotation's jobs: messages about rows."""

import dramatiq

from annotation import services


@dramatiq.actor(queue_name="default", max_retries=5, time_limit=60_000)
def agree_on_task(task_id: int) -> None:
    """Agree on one task; a message delivered twice does nothing the second time."""
    services.agree_on_task(task_id=task_id)
