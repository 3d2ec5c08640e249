"""What the server and the scripts of its pages go by alike. Each is written once, where the server has it, and comes with the page."""

from __future__ import annotations

from typing import Any

from annotation.core import hearing, label_studio, spectrogram


def rules() -> dict[str, Any]:
    """For `static/annotation/shared/rules.js`; times in seconds."""
    return {
        "from_name": label_studio.FROM_NAME,
        "to_name": label_studio.TO_NAME,
        "label": label_studio.LABEL,
        "shortest_mark": label_studio.SHORTEST_BY_HAND,
        "enough_heard": hearing.ENOUGH,
        "shortest_gap": hearing.SHORTEST_GAP,
        "speeds": hearing.SPEEDS,
        "darkest": "#{:02x}{:02x}{:02x}".format(*spectrogram.INK[0]),
    }
