"""What the server and the scripts of its pages go by alike. Each is written once, where the server has it, and comes with the page."""

from __future__ import annotations

from typing import Any

from annotation.core import hearing, label_studio, spectrogram
from annotation.models import Campaign


def rules(campaign: Campaign) -> dict[str, Any]:
    """For `static/annotation/shared/rules.js`; times in seconds, levels in dB, frequencies in Hz."""
    wording = campaign.wording
    return {
        "from_name": label_studio.FROM_NAME,
        "to_name": campaign.stem,
        "label": wording.label,
        "missing_label": wording.missing_label if campaign.collects_missing else "",
        "tag_name": label_studio.TAG_NAME,
        "tags": campaign.tags,
        "proposes": campaign.proposes,
        "hears_effects": campaign.hears_effects,
        "words": {"extracted": wording.extracted, "the": wording.the, "were": wording.were, "rests": wording.rests},
        "shortest_mark": label_studio.SHORTEST_BY_HAND,
        "enough_heard": hearing.ENOUGH,
        "shortest_gap": hearing.SHORTEST_GAP,
        "speeds": hearing.SPEEDS,
        "darkest": spectrogram.colours()[0],
        "picture": {
            "palette": spectrogram.colours(),
            "floor": spectrogram.FLOOR,
            "top": spectrogram.TOP,
            "lowest": spectrogram.LOWEST,
            "highest": spectrogram.HIGHEST,
        },
    }
