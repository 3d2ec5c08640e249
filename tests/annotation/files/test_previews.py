"""What the browser gets of a clip. Real rows, generated audio."""

import io
import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from annotation.files import previews
from annotation.models import Task
from tests import worlds

RATE = worlds.RATE
SECONDS = np.arange(40 * RATE) / RATE
VOICE = 0.3 * np.sin(2 * np.pi * 440 * SECONDS) * (SECONDS % 4 < 2)
BAND = 0.2 * np.sin(2 * np.pi * 150 * SECONDS)

Make = Callable[..., Task]


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    """With samples that may lie over full scale."""
    file = io.BytesIO()
    soundfile.write(file, samples.astype("float32"), rate, subtype="FLOAT", format="WAV")
    return file.getvalue()


@pytest.fixture
def make(db: None, tmp_path: Path, settings: Any) -> Make:
    """A task on the seconds 10 to 22 of a song, whose estimate is this signal at this rate."""
    settings.HOME = tmp_path

    def make(estimate: np.ndarray, rate: int = RATE, mix: bytes | None = None, level: float = 1.0) -> Task:
        mixture, extracted = mix or wav(level * (VOICE + BAND)), wav(level * estimate, rate)
        song = worlds.song(worlds.campaign(), {"mixture": mixture}, extracted, duration=40.0, sample_rate=RATE, channels=1)
        return worlds.opened([worlds.clip(song, 10.0, 22.0)])[0]

    return make


def heard(task: Task, which: str) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(previews.preview(task, which)), always_2d=True)
    assert rate == RATE and len(samples) == 12 * RATE
    return samples[:, 0]


def level(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


def test_what_was_removed_is_the_mix_minus_the_vocals_and_stands_on_the_same_samples(make: Make) -> None:
    task = make(VOICE + 0.1 * BAND)
    removed = heard(task, "removed")
    clip = slice(10 * RATE, 22 * RATE)
    assert level(removed - 0.9 * BAND[clip]) < level(removed) - 20
    assert level(heard(task, "mix") - heard(task, "vocals") - removed) < level(removed) - 20


def test_nothing_was_removed_where_the_vocals_are_the_mix(make: Make) -> None:
    assert level(heard(make(VOICE + BAND), "removed")) < -60, "no noise of the encoder's is left over"


def test_an_estimate_of_another_rate_and_two_channels_is_brought_to_the_mix(make: Make) -> None:
    twice = np.arange(40 * 2 * RATE) / (2 * RATE)
    voice = 0.3 * np.sin(2 * np.pi * 440 * twice) * (twice % 4 < 2)
    removed = heard(make(np.stack([voice, voice], axis=1), 2 * RATE), "removed")
    assert level(removed - BAND[10 * RATE : 22 * RATE]) < level(removed) - 20


def test_a_mix_over_full_scale_is_turned_down_and_what_was_taken_out_of_it_with_it(make: Make) -> None:
    loud = 4.0  # a peak of 2.0
    task = make(VOICE + 0.1 * BAND, level=loud)
    mix, vocals, removed = (heard(task, which) for which in ("mix", "vocals", "removed"))
    whole = (VOICE + BAND)[10 * RATE : 22 * RATE]
    true = whole / np.abs(whole).max()
    assert level(mix - true) < level(true) - 25, "clipped, it would be another sound"
    assert level(mix - vocals - removed) < level(removed) - 20, "all three by the same factor"


def test_a_sound_that_is_louder_than_its_mix_is_not_clipped(make: Make) -> None:
    vocals = heard(make(5 * VOICE), "vocals")
    true = VOICE[10 * RATE : 22 * RATE] / 0.3
    assert level(vocals - true) < level(true) - 25


def test_a_mix_of_a_kind_that_headers_cut_short_is_heard_where_the_clip_is(make: Make) -> None:
    parts = []
    for seconds in (slice(0, 15 * RATE), slice(15 * RATE, None)):
        part = io.BytesIO()
        soundfile.write(part, (VOICE + BAND)[seconds].astype("float32"), RATE, format="OGG")
        parts.append(part.getvalue())
    task = make(VOICE, mix=b"".join(parts))
    assert level(heard(task, "mix") - (VOICE + BAND)[10 * RATE : 22 * RATE]) < level(VOICE + BAND) - 20
    assert level(heard(task, "removed") - BAND[10 * RATE : 22 * RATE]) < level(BAND) - 15


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """The cache."""
    settings.HOME = tmp_path
    return tmp_path / "previews"


def age(file: Path, days: float) -> None:
    os.utime(file, (time.time() - days * previews.DAY,) * 2)


def test_previews_are_made_once_and_again_when_they_are_gone(make: Make, folder: Path) -> None:
    task = make(VOICE)
    for look in (lambda: previews.preview(task, "removed"), lambda: previews.picture(task)):
        made = look()
        (file,) = folder.iterdir()
        at = file.stat().st_mtime_ns
        assert look() == made and file.stat().st_mtime_ns == at
        file.unlink()
        assert look()[:4] == made[:4]
        file.unlink()
    assert not list(folder.iterdir())


def test_what_nobody_opened_for_days_may_go_and_what_was_opened_since_may_not(folder: Path) -> None:
    for name in ("old", "opened", "new"):
        previews.kept(name, lambda target: target.write_bytes(b"sound"))
    for name in ("old", "opened"):
        age(folder / name, 40)
    assert {file.name for file in previews.unopened(days=30)} == {"old", "opened"}
    previews.kept("opened", lambda target: pytest.fail("it is there"))
    assert [file.name for file in previews.unopened(days=30)] == ["old"]


def test_what_is_removed_while_it_is_asked_for_is_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    previews.kept("a.ogg", lambda target: target.write_bytes(b"sound"))
    read, asked = Path.read_bytes, itertools.count()

    def removed_first(file: Path) -> bytes:
        if next(asked) == 0:
            file.unlink()
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", removed_first)
    assert previews.kept("a.ogg", lambda target: target.write_bytes(b"again")) == b"again"


def test_before_the_first_preview_there_is_nothing_to_remove(folder: Path) -> None:
    assert list(previews.unopened(days=1)) == []


def test_what_two_ask_for_at_once_is_made_once(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    made = []

    def make(target: Path) -> None:
        made.append(target)
        if len(made) == 1:
            second.start()
            second.join(0.3)  # it waits for this one, or makes its own meanwhile
        target.write_bytes(b"sound")

    second = threading.Thread(target=previews.kept, args=("a.ogg", make))
    previews.kept("a.ogg", make)
    second.join()
    assert len(made) == 1 and (tmp_path / "previews" / "a.ogg").read_bytes() == b"sound"


@pytest.mark.django_db
def test_the_sound_that_a_first_clip_waits_for_comes_in_two_seconds_at_1_megabit(folder: Path) -> None:
    rng = np.random.default_rng(0)
    bins = np.fft.rfft(rng.standard_normal((15 * 44_100, 2)), axis=0)
    noise = np.fft.irfft(bins / np.sqrt(np.arange(len(bins))[:, None] + 50), axis=0)  # as dense as music gets, and never silent
    music = worlds.flac(0.2 * noise / noise.std(), 44_100)
    (task,) = worlds.opened([worlds.clip(worlds.song(worlds.campaign(), {"mixture": music}, music))])
    assert len(previews.preview(task, "vocals")) <= 2 * 125_000
