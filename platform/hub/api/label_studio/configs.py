"""Label Studio's labelling config, as far as a campaign's rules say the same."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from rest_framework.exceptions import ValidationError

from annotation.core.label_studio import FROM_NAME, MIX_NAME, TAG_NAME, label_of, labelling_config, missing_label_of
from annotation.core.stems import STEMS
from annotation.models import Campaign

LONGEST = 20_000  # characters
OTHER = (
    'Marks are made with <Labels name="{control}" toName="{stem}"> and its <Label value="{label}"/>; beside it there may be '
    '<Label value="{missing}"/> and <Choices name="{tags}" toName="{stem}" perRegion="true">. Leave label_config out, or send what '
    "GET /api/projects/ID/ answers."
)


def config_of(campaign: Campaign) -> str:
    return labelling_config(campaign.stem, campaign.tags, missing=campaign.collects_missing)


def rules_of(config: str) -> dict[str, Any]:
    """The stem, the tags and whether missing sound is marked; raises `ValidationError` for a config that asks for something else."""
    root = _read(config)
    labels = next((one for one in root.iter("Labels") if one.get("name") == FROM_NAME), None)
    stem = labels.get("toName", "") if labels is not None else ""
    if labels is None or stem not in STEMS:
        raise _refused(f"It has no such control of {', '.join(STEMS)}.")
    values = [label.get("value") for label in labels.iter("Label")]
    if label_of(stem) not in values or set(values) - {label_of(stem), missing_label_of(stem)}:
        raise _refused(f"Its labels are {', '.join(map(repr, values)) or 'none'}.", stem)
    tags: list[str | None] = []
    for control in (one for kind in ("Choices", "TextArea", "Rating", "Labels") for one in root.iter(kind) if one is not labels):
        if control.tag != "Choices" or control.get("name") != TAG_NAME or control.get("toName") != stem:
            raise _refused(f"<{control.tag} name={control.get('name')!r}> is asked for nowhere here.", stem)
        tags = [choice.get("value") for choice in control.iter("Choice")]
    for audio in root.iter("Audio"):
        if audio.get("name") not in (stem, MIX_NAME) or audio.get("value") != f"${audio.get('name')}":
            raise _refused(f"Sounds are {stem} with value ${stem} and {MIX_NAME} with value ${MIX_NAME}.", stem)
    return {"stem": stem, "tags": tags, "collects_missing": missing_label_of(stem) in values}


def parsed(campaign: Campaign) -> dict[str, Any]:
    """The config as Label Studio takes it apart: control -> what it is, what it is about, and its labels."""
    stem = campaign.stem
    inputs = [{"type": "Audio", "value": stem, "valueType": None}]
    labels = [label_of(stem), *([missing_label_of(stem)] if campaign.collects_missing else [])]
    controls = {FROM_NAME: ("Labels", labels), **({TAG_NAME: ("Choices", list(campaign.tags))} if campaign.tags else {})}
    return {
        name: {
            "type": kind,
            "to_name": [stem],
            "inputs": inputs,
            "labels": values,
            "labels_attrs": {value: {"value": value} for value in values},
        }
        for name, (kind, values) in controls.items()
    }


def _read(config: str) -> ElementTree.Element:
    if len(config) > LONGEST:
        raise ValidationError({"label_config": [f"It has more than {LONGEST:,} characters."]})
    if "<!" in config.replace("<!--", ""):  # no document types: they can name files and grow without end
        raise ValidationError({"label_config": ["It may have elements and comments only."]})
    try:
        return ElementTree.fromstring(config)
    except ElementTree.ParseError as wrong:
        raise ValidationError({"label_config": [f"It is no XML: {wrong}."]}) from wrong


def _refused(why: str, stem: str = "vocals") -> ValidationError:
    allowed = OTHER.format(control=FROM_NAME, stem=stem, label=label_of(stem), missing=missing_label_of(stem), tags=TAG_NAME)
    return ValidationError({"label_config": [f"{why} {allowed}"]})
