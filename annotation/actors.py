"""Annotation's jobs: messages about rows."""

import dramatiq

from annotation import services
from annotation.services import mail


@dramatiq.actor(queue_name="default", max_retries=5, time_limit=60_000)
def agree_on_task(task_id: int) -> None:
    """Agree on one task; a message delivered twice does nothing the second time."""
    services.agree_on_task(task_id=task_id)


@dramatiq.actor(queue_name="default", max_retries=5, time_limit=60_000)
def mail_message(message_id: int) -> None:
    """Send one message to its person's address."""
    mail.mail_message(message_id=message_id)
