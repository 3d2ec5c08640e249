"""The Dramatiq broker: by default the database itself, else Redis or RabbitMQ by BROKER_URL.

`actor.send()` inside a transaction belongs to it: nobody sees the message before the commit, nobody ever after a rollback.
Delivery is at least once; a job claims its row, and a message that comes twice finds nothing to claim.
"""

from typing import Any

import dramatiq
from django.conf import settings
from django.db import close_old_connections, connection, connections, transaction
from dramatiq.broker import Broker, Consumer
from dramatiq.common import current_millis, dq_name
from dramatiq.message import Message
from dramatiq.middleware import Middleware
from dramatiq_postgres.broker import QUERIES, PostgresBroker
from dramatiq_postgres.utils import tidy4json
from psycopg.types.json import Json
from psycopg_pool import ConnectionPool

from hub import postgres

QUEUES = ("default", "audio", "gpu")

# A worker that holds the interpreter's lock in C code cannot say that it lives: below a minute it would be thought dead.
HEARTBEAT_LIMIT = 60.0


def install() -> None:
    """Set the process's broker. Actors bind to it as they are declared, so this comes before any of their modules."""
    url = settings.BROKER_URL
    broker = DatabaseBroker() if url is None else remote_broker(url)
    broker.add_middleware(FreshConnections())
    for queue in QUEUES:
        broker.declare_queue(queue)
    dramatiq.set_broker(broker)


class FreshConnections(Middleware):
    """Workers have no requests, at whose end Django would close connections that broke or grew old."""

    def before_process_message(self, broker: Broker, message: Any) -> None:
        close_old_connections()

    def after_process_message(self, broker: Broker, message: Any, *, result: Any = None, exception: BaseException | None = None) -> None:
        close_old_connections()

    def before_worker_thread_shutdown(self, broker: Broker, thread: Any) -> None:
        connections.close_all()


class DatabaseBroker(PostgresBroker):
    """Messages in the tables of dramatiq-postgres, sent on Django's own connection while that is in a transaction."""

    def __init__(self) -> None:
        pool = ConnectionPool(kwargs=_pool_keywords, min_size=0, max_size=24, open=False, check=ConnectionPool.check_connection)
        super().__init__(pool=pool, results=False, heartbeat_ttl=HEARTBEAT_LIMIT)
        QUERIES.build_queries("dramatiq")

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put a message into its queue; `delay` is in milliseconds, as Dramatiq has it.

        Outside a transaction (a worker that sends a failed job again) the stock way serves, which outlasts a restart of the server.
        """
        if not connection.in_atomic_block:
            self.open()
            return super().enqueue(message, delay=delay)
        self.emit_before("enqueue", message, delay)
        if delay:
            message = message.copy(queue_name=dq_name(message.queue_name), options={"eta": current_millis() + delay})
        with connection.cursor() as cursor:
            values: list[Any] = [message.queue_name, message.message_id, Json(tidy4json(message)), delay or 0]
            cursor.execute(QUERIES.ENQUEUE, values)
        self.emit_after("enqueue", message, delay)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30000) -> Consumer:
        self.open()
        return super().consume(queue_name, prefetch=prefetch, timeout=timeout)

    def open(self) -> None:
        """Begin to keep connections besides Django's: only workers need them, and who sends outside transactions."""
        self.pool.open()

    def close(self) -> None:
        super().close()
        self.pool.close()


def release_messages() -> int:
    """Put messages that dead workers had taken back into their queues; only for when no worker runs. Returns how many.

    Without this they wait until the dead workers' heartbeats are old enough to be believed.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dramatiq.worker")
        cursor.execute(
            "UPDATE dramatiq.queue SET state = 'queued', worker_id = NULL, consumed_at = NULL, mtime = now() WHERE state = 'consumed'"
        )
        return cursor.rowcount


def _pool_keywords() -> dict[str, Any]:
    return postgres.keywords() | {"application_name": "unbleed jobs"}


def remote_broker(url: str) -> Broker:
    """A broker of Dramatiq's own that sends when the transaction commits; `tick` sends again what was lost in between."""
    try:
        if url.startswith("redis"):
            from dramatiq.brokers.redis import RedisBroker

            return type("RedisAfterCommit", (AfterCommit, RedisBroker), {})(url=url)
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return type("RabbitmqAfterCommit", (AfterCommit, RabbitmqBroker), {})(url=url, confirm_delivery=True)
    except ModuleNotFoundError as error:
        from django.core.exceptions import ImproperlyConfigured

        raise ImproperlyConfigured(f"BROKER_URL needs the package {error.name}: pip install 'unbleed[scale]'.") from None


class AfterCommit(Broker):
    """Mixed into a broker outside the database: a message leaves only when the transaction that sent it is kept."""

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        send = super().enqueue
        transaction.on_commit(lambda: send(message, delay=delay))
        return message
