"""The sound as a witness where consensus is taken: real files, real rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation import services as annotating
from annotation.files import levels
from annotation.models import Campaign, Task
from annotation.selectors.consensus import what_the_sound_decided
from tests import worlds

RATE = 8_000
LEAK = (3.0, 6.0)  # seconds of the clip in which something was extracted
STRAY = (9.0, 11.0)  # marked by some people where nothing sounds


def extracted() -> np.ndarray:
    """15 s, silent but for a leak; the band plays all through."""
    seconds = np.arange(15 * RATE) / RATE
    return np.where((seconds >= LEAK[0]) & (seconds < LEAK[1]), 0.2 * np.sin(2 * np.pi * 440 * seconds), 0.0)


@pytest.fixture
def campaign(db: None, tmp_path: Path, settings: Any) -> Campaign:
    settings.HOME = tmp_path
    return worlds.campaign(min_overlap=3, max_overlap=3)


@pytest.fixture
def task(campaign: Campaign) -> Task:
    band = extracted() + 0.1 * np.sin(2 * np.pi * 110 * np.arange(15 * RATE) / RATE)
    track = worlds.song(campaign, {"mixture": worlds.flac(band, RATE)}, worlds.flac(extracted(), RATE))
    return worlds.opened([worlds.clip(track)])[0]


def answered(task: Task) -> Task:
    """Two of three people mark a stretch in which nothing sounds."""
    for person, spans in zip(worlds.people(task.campaign, 3), ([LEAK, STRAY], [LEAK, STRAY], [LEAK]), strict=True):
        worlds.given(person)
        worlds.answer(task, person, *spans)
    return worlds.agreed(task)


def starts(task: Task) -> list[int]:
    latest = task.consensuses.order_by("-version").first()
    assert latest is not None
    return [round(region.start) for region in latest.regions.order_by("start")]


def test_levels_of_a_clip_are_those_of_its_files(task: Task) -> None:
    found = levels.of_clip(task)
    assert found is not None
    assert found.shape == (300, 2)
    assert found[80, 0] == pytest.approx(20 * np.log10(0.2 / np.sqrt(2)), abs=0.1)
    assert found[10].tolist() == pytest.approx([-120, 20 * np.log10(0.1 / np.sqrt(2))], abs=0.1)
    assert found[:60, 0].max() < -60 < found[60:120, 0].min()


def test_they_are_measured_once(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    first = levels.of_clip(task)
    monkeypatch.setattr("annotation.files.levels.previews.extracted", lambda task: pytest.fail("measured again"))
    again = levels.of_clip(task)
    assert first is not None
    assert again is not None
    assert np.array_equal(first, again)


def test_without_files_the_sound_is_unknown(campaign: Campaign) -> None:
    assert levels.of_clip(worlds.task(campaign)) is None


def test_marks_where_nothing_sounds_do_not_count_and_the_task_says_so(task: Task) -> None:
    task = answered(task)
    assert starts(task) == [3]
    words = what_the_sound_decided(task, task.consensuses.get())
    assert "Marks at 8.8-10.8 s" in words
    assert "do not count, since nothing is heard of the extracted vocals there." in words


def test_switched_off_people_decide_alone(task: Task, campaign: Campaign) -> None:
    campaign.sound_as_witness = False
    campaign.save()
    task = answered(task)
    assert starts(task) == [3, 9]
    assert what_the_sound_decided(task, task.consensuses.get()) == ""


def test_agreeing_again_over_the_campaign_hears_it_too(task: Task) -> None:
    task = answered(task)
    annotating.agree_again_over_campaign(campaign=task.campaign, up_to_round=1)
    latest = task.consensuses.order_by("-version").first()
    assert latest is not None
    assert latest.version == 2
    assert starts(task) == [3]
    assert latest.parameters["sound"]["silent"]


def test_reviewers_read_what_the_sound_decided(task: Task) -> None:
    Task.objects.filter(pk=answered(task).pk).update(contested=True, state=Task.State.IN_REVIEW)
    page = worlds.client(task.campaign, "rita", "reviewer").get(f"/c/{task.campaign.slug}/review/{task.pk}/")
    assert page.status_code == 200, page
    assert "What the sound decided: Marks at 8.8-10.8 s" in page.content.decode()
