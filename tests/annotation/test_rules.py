"""What pages and server go by alike comes with the page, and no script has a copy of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.core import hearing, label_studio, spectrogram
from annotation.models import Campaign, Task
from annotation.pages.rules import rules
from annotation.selectors.reviews import Agreement
from tests import worlds

SCRIPTS = Path("annotation/static/annotation")


def scripts() -> Iterator[tuple[str, str]]:
    for script in sorted(SCRIPTS.glob("*/*.js")):
        if script.parent.name != "lsf":
            yield script.name, script.read_text()


def test_both_pages_bring_the_rules(db: None) -> None:
    campaign = worlds.campaign("rules")
    task = worlds.task(campaign)
    client = worlds.client(campaign, "rev", "owner")
    Task.objects.update(state=Task.State.IN_REVIEW, contested=True)
    for url in ("/c/rules/annotate/", f"/c/rules/review/{task.pk}/"):
        page = client.get(url).content.decode()
        (found,) = re.findall(r'<script id="rules" type="application/json">(.*?)</script>', page)
        assert json.loads(found) == json.loads(json.dumps(rules(campaign))), url


def test_the_rules_are_the_servers() -> None:
    said = rules(Campaign())
    assert said["enough_heard"] == hearing.ENOUGH and max(said["speeds"]) == hearing.FASTEST
    assert said["shortest_mark"] > label_studio.SHORTEST, "the server refuses no mark that a page makes"
    assert said["darkest"] == said["picture"]["palette"][0] == "#0a081e" and len(said["picture"]["palette"]) == spectrogram.SHADES


@pytest.mark.parametrize("name", ["from_name", "to_name", "label"])
def test_a_mark_is_named_by_the_rules_alone(name: str) -> None:
    used = [script for script, text in scripts() if f"rules.{name}" in text]
    assert "results.js" in used
    assert not [script for script, text in scripts() if label_studio.label_of() in text or f'"{label_studio.FROM_NAME}"' in text]


@pytest.mark.parametrize(
    ("f1", "level", "words"),
    [
        (None, "bad", "one answer only"),
        (0.29, "bad", "agree hardly at all"),
        (0.3, "warn", "agree in part"),
        (0.7, "good", "agree mostly"),
    ],
)
def test_how_people_agree_is_judged_in_one_place(f1: float | None, level: str, words: str) -> None:
    agreement = Agreement(frame_f1=f1, alpha=None, n_people=2)
    assert (agreement.level, agreement.words) == (level, words)
