"""Teach a separator from marks, and keep what it knew: one adaptation from parent checkpoint to child checkpoint.

The work runs in this order, and each part has its own file:

- `material`: the marked songs are prepared, and the songs that are replayed are chosen. Each step draws patches from the feedback
  (zero-vocal-targets, synthetic-tracks, or half of each) and from replay songs.
- `trainer`: each step asks for the truth where it is known, and for the parent's output where the parent was right. Batch-norm
  statistics stay frozen and dropout is off. Now and then the weights are kept.
- `resume`: each time weights are kept, the run is written to a file, and a run that was killed goes on from there.
- `child`: every kept point on the way, and points on the line from each back to the parent, are held against songs with stems
  (`validation`) and against the voice that people let pass. Of those that lose neither past nor voice, the one with the least left on
  the marks becomes the child.

Everything drawn at a step depends on the seed and the step's number alone. That makes a run that was killed and resumed from its
`state` the same as one that was not, to the hash on a CPU. Started by torchrun, several processes draw different patches each and
take every step together, by the mean of their gradients.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from learner.core import checkpoint
from learner.core.checkpoint import BadCheckpoint
from learner.core.separators import Separator, difference_of_build
from learner.core.songs import Song
from learner.core.songs.streaming import AnySong
from learner.core.teaching import pseudo
from learner.core.teaching.child import Chosen, Selection
from learner.core.teaching.feedback import MarkedSong, NoMarks
from learner.core.teaching.limits import Candidate
from learner.core.teaching.material import gather
from learner.core.teaching.memory import Memory
from learner.core.teaching.progress import Progress, Reporter
from learner.core.teaching.ranks import Ranks, device_of
from learner.core.teaching.recipe import BadRecipe, Recipe
from learner.core.teaching.replay import NoReplay, Replay
from learner.core.teaching.resume import State
from learner.core.teaching.tensor_store import TensorStore
from learner.core.teaching.trainer import Diverged, Trainer

IN_MEMORY = 512_000_000  # bytes of sound and spectra


@dataclass(frozen=True)
class Adapted:
    path: Path
    hash: str
    report: dict[str, Any]  # the chosen point and all that were weighed; plain values
    refused_because: str = ""  # why this child must not be promoted: even the mildest point loses voice or past; empty when it may be
    doubt: bool = False  # whether that is but a doubt of what people marked, which songs whose truth is known can answer
    memory: Path | None = None  # the replay memory as it is now, for the next adaptation; None where the recipe has none


def adapt(
    parent: Path,
    feedback: Sequence[MarkedSong],
    replay: Sequence[AnySong],
    validation: Sequence[Song],
    *,
    recipe: Recipe,
    seed: int,
    out: Path,
    base: Path | None = None,
    state: Path | None = None,
    memory: Path | None = None,
    device: str = "cpu",
    in_memory: int = IN_MEMORY,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Adapted:
    """Adapt the checkpoint `parent` and save the child into the folder `out`.

    With no feedback at all, the same steps go to replay alone (the baseline "replay without feedback"). `base` is the checkpoint that
    the campaign began with: what it knew of the past is what is kept, so that small losses do not add up over rounds. `state` is a file
    that a killed run resumes from; it is removed at the end. `memory` is the file of an earlier adaptation's memory, which goes on with
    these replay songs; the grown one lies beside the child. `device` is cpu, cuda or auto; the promise of equal hashes is for cpu.
    Of the marked and the validation songs, `in_memory` bytes are held; what is more lies in a nameless file in `out` while the run
    lasts, and changes nothing but that. `feedback` is read one song after another, once: it may be one that reads them as it is asked.
    `progress` is called at every step, and for every song that is prepared or weighed; what it raises stops the run. As one of
    several processes, each reads the same files, the first alone writes and tells progress, and all return the same.
    Raises NoMarks, BadMark, NoReplay, BadRecipe, BadMemory, NoDevice, BadCheckpoint before anything is learnt; Diverged after.
    """
    recipe.check()
    place, ranks = device_of(device), Ranks.current()
    reporter = Reporter(recipe.steps, progress if ranks.first else lambda _: None)
    parent_hash = checkpoint.file_hash(parent)
    teacher = checkpoint.load(parent).requires_grad_(False).to(place)
    student = checkpoint.load(parent).to(place)
    base_model, base_hash = _base(base, parent, parent_hash, teacher)
    adapted = None
    with TensorStore(in_memory, out) as store:
        material = gather(
            *(feedback, replay, teacher, recipe, seed),
            checkpoints=parent_hash + base_hash,
            world=ranks.world,
            base=base_model,
            memory=memory,
            store=store,
            tell=reporter.tell,
        )
        if recipe.pseudo_replay:
            validation = pseudo.remixed(validation, base_model or teacher, reporter.tell)
        selection = Selection(teacher, material.heard, validation, recipe, reporter.tell, base_model, store)
        trainer = Trainer(student, teacher, base_model, material, recipe, seed, reporter=reporter, ranks=ranks)
        unfinished = State(state, material.fingerprint, ranks)
        kept = trainer.train(selection, unfinished)
        if ranks.first:
            chosen = selection.choose(kept)
            saved = selection.save(chosen, out, parent=parent_hash, seed=seed)
            beside = _save_memory(material.replay, out / f"{saved.hash}.memory")
            adapted = Adapted(saved.path, saved.hash, _report(chosen, reporter), chosen.refused_because, chosen.doubt, beside)
    unfinished.remove()
    adapted = ranks.share(adapted)
    assert adapted is not None
    return adapted


def _base(path: Path | None, parent: Path, parent_hash: str, teacher: Separator) -> tuple[Separator | None, str]:
    """The base, and its file's hash; None and "" where it is the parent. Raises BadCheckpoint for another build."""
    if path is None or (base_hash := checkpoint.file_hash(path)) == parent_hash:
        return None, ""
    base = checkpoint.load(path).requires_grad_(False).to(teacher.device)
    if difference := difference_of_build(base, teacher):
        raise BadCheckpoint(f"{path} is not of the build of {parent}, so no round from it can have led there: {difference}")
    return base, base_hash


def _save_memory(replay: Replay | None, path: Path) -> Path | None:
    if not isinstance(replay, Memory):
        return None
    replay.save(path)
    return path


def _report(chosen: Chosen, reporter: Reporter) -> dict[str, Any]:
    return {
        "chosen": asdict(chosen.candidate),
        "candidates": [asdict(candidate) for candidate in chosen.weighed],
        "held_back": chosen.held_back,
        "loss": reporter.losses[-1],
        "losses": [round(loss, 5) for loss in reporter.losses],
        "steps": reporter.step,
    }


__all__ = ["Adapted", "BadRecipe", "Candidate", "Diverged", "MarkedSong", "NoMarks", "NoReplay", "Recipe", "adapt"]
