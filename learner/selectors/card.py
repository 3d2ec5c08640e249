"""The card of a checkpoint: what it is, what it learned from and how it measures, in Markdown as Hugging Face's hub reads it."""

from __future__ import annotations

import json

from annotation.core.words import day
from annotation.models import Campaign, Track
from learner.models import Checkpoint, UploadedBase
from learner.selectors.checkpoints import Made, line_of
from learner.selectors.figures import Figure, Figures, Subject

BASELINES = (("silence", Subject.SILENCE), ("the mixture as it is", Subject.MIXTURE))


def card(campaign: Campaign, checkpoint: Checkpoint, made: Made, figures: Figures, names: dict[str, tuple[str, str, str]]) -> str:
    """Markdown with YAML in front (Mitchell et al. 2019, doi:10.1145/3287560.3287596, says what such a card should tell).

    `names`: metric -> (heading, unit, what it means).
    """
    line = line_of(checkpoint)
    uploaded = UploadedBase.objects.filter(checkpoint__in=line).values_list("licence", flat=True).first()
    licence = next((str(one.recipe["licence"]) for one in line if "licence" in one.recipe), uploaded or "other")
    front = {
        "license": licence.lower(),
        "tags": ["audio", "source-separation", checkpoint.stem],
        "library_name": "unbleed",
        "model_name": f"{campaign.slug}-{checkpoint.short}",
    }
    parts = [
        "---\n" + "".join(f"{name}: {json.dumps(value)}\n" for name, value in front.items()) + "---",
        f"# {checkpoint.stem} of {campaign.name}, checkpoint {checkpoint.short}",
        f"It extracts {checkpoint.stem} at {checkpoint.sample_rate} Hz, {checkpoint.channels} channel(s). SHA-256 of its file: "
        f"`{checkpoint.hash}`. Made by Unbleed {checkpoint.code_version} on {day(checkpoint.created)}.",
        "## What it learned from",
        _learned(made),
        "Line of checkpoints: " + " → ".join(f"`{one.short}`" for one in line) + ".",
        "## How it measures",
        *_tables(checkpoint, figures, names),
        "## Recipe",
        "```json\n" + json.dumps(checkpoint.recipe, indent=1, sort_keys=True) + "\n```",
        "## How it is used",
        f"`python -m learner.core separate SONG --checkpoint {campaign.slug}-{checkpoint.short}.safetensors --out OUT`",
    ]
    return "\n\n".join(parts) + "\n"


def _learned(made: Made) -> str:
    if made.adaptation is None:
        return "The campaign began with it; its recipe says where it is from."
    number = made.adaptation.feedback_set.round.number
    if made.replay_only:
        return f"From replay alone, as the comparison of round {number}: no marks of people."
    return (
        f"From what people agreed on up to round {number}: {made.regions} regions in {made.clips} clips, feedback set "
        f"`{made.adaptation.feedback_set.content_hash[:16]}`, seed {made.adaptation.seed}."
    )


def _tables(checkpoint: Checkpoint, figures: Figures, names: dict[str, tuple[str, str, str]]) -> list[str]:
    tables = []
    for domain in (Track.Domain.TARGET, Track.Domain.SOURCE):
        rows = [(checkpoint.short, figures.of(Subject.CHECKPOINT, checkpoint, domain))]
        rows += [(name, figures.of(subject, None, domain)) for name, subject in BASELINES]
        metrics = [name for name in names if name in rows[0][1]]
        if metrics:
            head = f"On {domain} test songs, with 95 % intervals over songs:\n\n| | " + " | ".join(
                f"{names[name][0]}, {names[name][1]}" for name in metrics
            )
            lines = [f"| {name} | " + " | ".join(_cell(found.get(metric)) for metric in metrics) + " |" for name, found in rows]
            tables.append(head + " |\n|" + "---|" * (len(metrics) + 1) + "\n" + "\n".join(lines))
    return tables or ["Not measured: the campaign has no test songs with stems."]


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "-"
    interval = f" [{figure.low:.2f}, {figure.high:.2f}]" if figure.low is not None and figure.high is not None else ""
    return f"{figure.value:.2f}{interval}"
