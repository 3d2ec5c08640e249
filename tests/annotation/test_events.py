"""Live messages go out by whatever layer Channels is given."""

import asyncio
from typing import Any

import pytest
from channels.layers import get_channel_layer

from annotation import events


@pytest.mark.django_db(transaction=True)
def test_another_channel_layer_hears_what_changed(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    layer = get_channel_layer()

    async def subscribe() -> str:
        channel = await layer.new_channel()
        await layer.group_add(events.group_of(7), channel)
        return channel

    channel = asyncio.run(subscribe())
    events.publish(7, "round", 3)
    assert asyncio.run(layer.receive(channel)) == {"type": "changed", "what": "round", "id": 3}
