"""Every export opens in the tool it is for, with the same seconds: `make test-formats`, which gives the tools an environment of their own.

Not among the tests of CI. `FORMATS` is the Python of that environment. Audacity itself answers no script without a window manager: by hand,
3.2.4 imports our labels and exports them again as the same bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation.core.label_studio import labelling_config
from annotation.models import Campaign
from learner import services
from learner.exports import making
from learner.exports.answers import of_tracks
from learner.exports.names import names_of
from learner.models import Export
from tests import worlds

READ_BACK = Path(__file__).with_name("read_back.py")
CLOSE = 1e-6  # seconds; what is written as text has six decimals
RATE = 8000  # Hz
Said = dict[str, list[tuple[float, float]]]


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    """Two songs of which a round has frozen a clip each; ann marked both at times that no format has round numbers for, bob one."""
    settings.HOME = tmp_path / "home"
    model = worlds.checkpoint("c" * 8)
    campaign = worlds.with_model(worlds.campaign("bleed", min_overlap=2, max_overlap=2, certainty=0.0), model)
    for seed, name in enumerate(("first", "second")):
        files = [worlds.flac(np.random.default_rng(n).uniform(-0.3, 0.3, 60 * RATE), RATE) for n in (seed, seed + 5)]
        worlds.song(campaign, {"mixture": files[0]}, files[1], name=name, licence="CC-BY-4.0").estimates.update(checkpoint=model.hash)
    round_ = worlds.listening_round(campaign, 2)
    ann, bob = worlds.member(campaign, "ann"), worlds.member(campaign, "bob")
    for task in campaign.tasks.order_by("pk"):
        worlds.answer(task, ann, (task.start + 1.23456789, task.start + 3.0000004), (task.start + 7.1, task.start + 8.9))
        worlds.answer(task, bob, (task.start + 1.3, task.start + 2.7182818))
        worlds.agreed(task)
    assert services.freeze_feedback(round_=round_)
    return campaign


def made(campaign: Campaign, folder: Path) -> dict[str, Said]:
    """Every export in a folder of its format; returns what was to be written, by kind of names."""
    folder.mkdir()
    (folder / "config.xml").write_text(labelling_config(campaign.stem))
    for format in Export.Format.values:
        making.write(Export(campaign=campaign, format=format, names="pseudonyms", whose="both", with_audio=True), folder / format)
    found = {}
    for names in ("pseudonyms", "codes"):
        export = Export(campaign=campaign, format="jams", names=names, whose="both")
        found[names] = {
            f"{by}|{one.track.name}": sorted((span.start, span.end) for span in spans)
            for one in of_tracks(export, campaign)
            for by, spans in one.spans.items()
        }
    numbers = {name: str(pk) for pk, name in names_of(campaign, "pseudonyms").items()}
    found["numbers"] = {
        f"{numbers[by]}|{song}": spans
        for (by, song), spans in ((tuple(key.split("|")), spans) for key, spans in found["pseudonyms"].items())
        if by in numbers
    }
    sound = {f"sound|{task.track.name}": [(task.start, task.end)] for task in campaign.tasks.select_related("track")}
    found["codes"] |= sound
    return found


def test_every_export_opens_in_the_tool_it_is_for_with_the_same_seconds(campaign: Campaign, tmp_path: Path) -> None:
    wanted = made(campaign, tmp_path / "out")
    python = os.environ["FORMATS"]
    subprocess.run([python, str(READ_BACK), str(tmp_path / "out"), str(tmp_path / "read.json")], check=True, timeout=900)
    read = json.loads((tmp_path / "read.json").read_text())
    wrong = {}
    for format in Export.Format.values:
        names = "numbers" if format.startswith("label-studio") else "codes" if format in Export.RELEASES else "pseudonyms"
        apart = difference(read[format], wanted[names])
        print(f"{format:18} {apart if isinstance(apart, str) else f'the same, to {apart:.1e} s'}")
        if isinstance(apart, str) or apart > CLOSE:
            wrong[format] = apart
    assert not wrong


def difference(read: Any, wanted: Said) -> float | str:
    """The largest difference of two times; words where something lacks."""
    if isinstance(read, str):
        return read
    if {key: len(spans) for key, spans in read.items()} != {key: len(spans) for key, spans in wanted.items()}:
        return f"{read} and not {wanted}"
    pairs = [(one, other) for key in wanted for one, other in zip(np.ravel(read[key]), np.ravel(wanted[key]), strict=True)]
    return max(abs(one - other) for one, other in pairs)
