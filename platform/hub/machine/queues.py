"""The queues that lie in the database, and the workers that take from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection


@dataclass(frozen=True)
class Queue:
    """One queue of messages; `age`: seconds that the oldest has waited beyond its time."""

    name: str
    waiting: int
    taken: int
    given_up: int
    age: float | None


@dataclass(frozen=True)
class Worker:
    """A process that takes messages: when it was heard last, in seconds, and what it holds as (actor, what it got)."""

    name: str
    heard: float
    holds: list[tuple[str, Any]]


def in_database() -> bool:
    """Whether jobs wait in this database, and it has the tables for that."""
    if settings.BROKER_URL:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('dramatiq.queue') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def queues() -> list[Queue]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT split_part(queue_name, '.', 1), count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'consumed'),
                      count(*) FILTER (WHERE state = 'rejected'),
                      max(extract(epoch FROM now() - available_at)) FILTER (WHERE state = 'queued')
               FROM dramatiq.queue GROUP BY 1 ORDER BY 1"""
        )
        return [Queue(*row) for row in cursor.fetchall()]


def workers() -> list[Worker]:
    """Those that were heard within an hour; one that was killed stays until others clean up."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT w.worker_id::text, extract(epoch FROM now() - w.heartbeat_at),
                      coalesce(jsonb_agg(jsonb_build_array(q.message->>'actor_name', q.message->'args'->0))
                               FILTER (WHERE q.message_id IS NOT NULL), '[]')::text
               FROM dramatiq.worker AS w LEFT JOIN dramatiq.queue AS q ON q.worker_id = w.worker_id AND q.state = 'consumed'
               WHERE w.heartbeat_at > now() - interval '1 hour'
               GROUP BY w.worker_id, w.heartbeat_at ORDER BY w.heartbeat_at DESC"""
        )
        return [Worker(name[:8], float(heard), [tuple(one) for one in json.loads(holds)]) for name, heard, holds in cursor.fetchall()]
