"""Two processes that learn together, as torchrun starts them, on the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from learner.core.teaching import ranks
from learner.core.teaching.ranks import NoDevice, Ranks, device_of

TOGETHER = """
import json, sys
from dataclasses import replace
from pathlib import Path
import torch
from learner.core.songs.synth import make_song
from learner.core.teaching.adapt import MarkedSong, Recipe, adapt
from learner.core.teaching.lora import merged
from learner.core.teaching.material import Material
from learner.core.teaching.ranks import Ranks, together
from learner.core.teaching.trainer import Trainer

torch.set_num_threads(1)
out = Path(sys.argv[1])
songs = [make_song(seed, "source", 4.0) for seed in range(2)]
song = make_song(1, "target", 4.0)
marked = [MarkedSong(song.name, song.sample_rate, song.mixture, [(0.2, 2.0, 0.9)], [(0.0, 4.0)])]
recipe = Recipe(steps=3, n_frames=16, new_patches=2, replay_patches=2, keep_every=2, factors=(1.0,), voice_kept_db=-60, past_lost_db=60)
told = []
with together("cpu"):
    me = Ranks.current()
    drawn, learnt = [], []
    draw, finish = Material.patches, Trainer.train
    def patches(material, generator):
        parts = draw(material, generator)
        drawn.append(float(parts[0].mixture.sum()))
        return parts
    def train(trainer, selection, state):
        kept = finish(trainer, selection, state)
        learnt.append(sum(float(value.double().sum()) for value in merged(trainer.student).values()))
        return kept
    Material.patches, Trainer.train = patches, train
    own, state = out / f"of {me.rank}", out / "state"
    child = adapt(out / "parent", marked, songs, [], recipe=recipe, seed=5, out=own, state=state, progress=told.append)
    found = {"world": me.world, "hash": child.hash, "path": str(child.path), "drawn": drawn, "learnt": learnt, "told": len(told)}
    (out / f"{me.rank}.json").write_text(json.dumps(found))
"""


def test_two_processes_draw_differently_and_end_with_equal_weights(tmp_path: Path) -> None:
    from learner.core import checkpoint
    from learner.core.separators.unet import UNetSeparator

    with torch.random.fork_rng():
        torch.manual_seed(0)
        checkpoint.save(UNetSeparator(widths=(2, 2)), tmp_path, recipe={}, parent=None).path.rename(tmp_path / "parent")
    (tmp_path / "together.py").write_text(TOGETHER)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    paths = os.pathsep.join([str(Path(ranks.__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*run, str(tmp_path / "together.py"), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["world"] == second["world"] == 2
    assert all(a != b for a, b in zip(first["drawn"], second["drawn"], strict=True)), "each draws patches of its own"
    assert first["learnt"] == second["learnt"], "and their weights stay equal"
    assert first["hash"] == second["hash"] and first["path"] == second["path"]
    assert not (tmp_path / "of 1").exists() and second["told"] == 0, "the first alone writes and tells"
    assert not (tmp_path / "state").exists()


def test_alone_there_is_one_rank_and_nothing_to_average() -> None:
    me = Ranks.current()
    value = torch.tensor([3.0])
    me.average([value])
    assert (me.rank, me.world, me.first) == (0, 1, True)
    assert value.tolist() == [3.0] and me.share("mine") == "mine"


def test_the_device_is_named_or_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert device_of("cpu") == device_of("auto") == torch.device("cpu")
    with pytest.raises(NoDevice, match="0 GPUs"):
        device_of("cuda")
    with pytest.raises(NoDevice, match="allowed are cpu, cuda, auto"):
        device_of("abacus")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert device_of("auto") == torch.device("cuda", 1)
