"""Jobs of notices: messages about rows."""

import dramatiq

from hub.notices import mailing


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=60_000)
def mail_notice(notice_id: int) -> None:
    """Send one notice by e-mail; delivered twice, it is sent once. What failed is sent again by the clock."""
    mailing.mail_notice(notice_id)
