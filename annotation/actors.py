"""Annotation's jobs: messages about rows."""

import dramatiq

from annotation import services
from annotation.files import first_visit_files
from annotation.models import Campaign
from annotation.services import mail


@dramatiq.actor(queue_name="default", max_retries=5, time_limit=60_000)
def agree_on_task(task_id: int) -> None:
    """Agree on one task; a message delivered twice does nothing the second time."""
    services.agree_on_task(task_id=task_id)


@dramatiq.actor(queue_name="default", max_retries=5, time_limit=60_000)
def mail_message(message_id: int) -> None:
    """Send one message to its person's address."""
    mail.mail_message(message_id=message_id)


@dramatiq.actor(queue_name="default", max_retries=1, time_limit=300_000)
def prepare_first_visit(campaign_id: int) -> None:
    """Make the sounds and pictures that newcomers of this campaign hear and see first; those that are there stay."""
    first_visit_files.prepare(Campaign.objects.get(pk=campaign_id).stem)
