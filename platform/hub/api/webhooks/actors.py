"""Jobs of webhooks."""

import dramatiq

from hub.api.webhooks import sending


@dramatiq.actor(queue_name="default", max_retries=0, time_limit=120_000)
def send_webhooks(sender: int) -> None:
    """Send what is due. What a worker that died had taken is taken again a minute later."""
    sending.work()
