"""What a killed run goes on from."""

from dataclasses import replace
from pathlib import Path

import pytest

from learner.core.songs import Song
from learner.core.teaching.adapt import MarkedSong, adapt
from learner.core.teaching.trainer import Trainer
from tests.learner.core.teaching.tiny import TINY, Killed, kill_at


def test_a_run_killed_and_resumed_gives_the_same_hash(
    parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, state = replace(TINY, steps=10), tmp_path / "state"
    whole = adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path)
    with pytest.raises(Killed):
        adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path, state=state, progress=kill_at(5))
    assert state.exists()
    learnt = []
    learn = Trainer.learn

    def noted(trainer: Trainer, step: int) -> float:
        learnt.append(step)
        return learn(trainer, step)

    monkeypatch.setattr(Trainer, "learn", noted)
    resumed = adapt(parent, marked, source, source[:1], recipe=recipe, seed=5, out=tmp_path, state=state)
    assert learnt == [5, 6, 7, 8, 9, 10], "what was kept after step 4 is not learnt again"
    assert resumed.hash == whole.hash
    assert not state.exists()


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_a_state_that_cannot_be_read_means_beginning_again(
    content: bytes, parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.write_bytes(content)
    resumed = adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path, state=state)
    assert resumed.hash == adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path).hash


def test_a_state_of_another_run_is_not_resumed(parent: Path, marked: list[MarkedSong], source: list[Song], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(Killed):
        adapt(parent, marked, source, [], recipe=TINY, seed=6, out=tmp_path, state=state, progress=kill_at(5))
    resumed = adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path, state=state)
    assert resumed.hash == adapt(parent, marked, source, [], recipe=TINY, seed=5, out=tmp_path).hash
