"""The endpoints of annotators as a page uses them, and a campaign with sound behind them."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
from django.test import Client

from annotation.models import Campaign, Task
from tests import worlds


def with_two_tones() -> Campaign:
    """Campaign "bleed" with one song of 40 s: the mix is a low tone, the estimate a high one; its second 10-25 is a task."""
    campaign = worlds.campaign("bleed", min_overlap=1, max_overlap=2)
    seconds = np.arange(40 * worlds.RATE) / worlds.RATE
    mixture, vocals = (worlds.flac(0.3 * np.sin(2 * np.pi * pitch * seconds)) for pitch in (110.0, 880.0))
    worlds.opened([worlds.clip(worlds.song(campaign, {"mixture": mixture}, vocals), 10.0)])
    return campaign


def take(client: Client, slug: str = "bleed") -> Any:
    """Ask for the next clip."""
    return client.post(f"/api/campaigns/{slug}/next/")


def put(client: Client, task: Task | int, what: str, **body: Any) -> Any:
    """Send an answer or a draft."""
    number = task.pk if isinstance(task, Task) else task
    return client.put(f"/api/tasks/{number}/{what}/", body, content_type="application/json")


def skip(client: Client, task: Task, reason: str = "bad audio") -> Any:
    return client.post(f"/api/tasks/{task.pk}/skip/", {"reason": reason}, content_type="application/json")


def answer(client: Client, task: Task, *marks: worlds.Span, key: uuid.UUID | None = None, **about: Any) -> Any:
    """Send an answer long after the clip was given: it was heard whole, with marks in seconds of the track."""
    worlds.later(3600)
    usual: dict[str, Any] = {"result": worlds.marks(task, *marks), "heard": [[0, task.end - task.start]]}
    return put(client, task, "submission", client_key=str(key or uuid.uuid4()), **(usual | about))
