"""Does the gate hold? Honest rounds that it should let through, and poisoned ones that it must refuse.

    python -m learner.core.bench.gate --seeds 1 2 3 4 5 6 7 8 9 10 --poisoned 1

Every round is adapted for real and judged on songs and marks that it did not learn from. Ends with status 1 when a poisoned child is
let through, or fewer than nine honest ones in ten.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from learner.core import checkpoint, metrics
from learner.core.bases import SHIPPED, base_file
from learner.core.bench.rounds import CLIP, corpus, mark, vocals_of
from learner.core.judging.evidence import Evidence, KeptApart, judge
from learner.core.judging.gate import Verdict
from learner.core.judging.objection import NONE, Objection
from learner.core.separate import separate
from learner.core.separators import build
from learner.core.songs import Song
from learner.core.songs.synth import make_song
from learner.core.teaching.adapt import Diverged, MarkedSong, Recipe, adapt
from learner.core.teaching.train import base_songs

N_CLIPS, N_APART, N_TARGET, N_SOURCE = 10, 2, 6, 6
SPAM = 0.6  # of a spammed clip that is marked, at random
ACCEPTED_SHARE = 0.9  # of honest rounds that the gate must let through


@dataclass(frozen=True)
class Round:
    """What one seed gives: honest marks, songs to replay and to choose by, and the gate's evidence."""

    seed: int
    marked: list[MarkedSong]
    on_voice: list[MarkedSong]  # the same clips, marked where somebody sings
    spammed: list[MarkedSong]  # the same clips, marked anywhere
    replay: list[Song]
    validation: list[Song]
    evidence: Evidence


def make_round(seed: int, base: Path, replay: list[Song]) -> Round:
    """Clips of generated target songs, marked as a consensus would mark the base's estimate; two more are kept apart for the gate."""
    songs = corpus(seed)
    generator = np.random.default_rng([seed, 11])
    separator = checkpoint.load(base)
    clips = [(song, float(start)) for song in songs.pool for start in np.arange(0, song.duration - CLIP / 2, CLIP)]
    order = generator.permutation(len(clips))[: N_CLIPS + N_APART]
    honest, on_voice, spammed, apart = [], [], [], []
    for place, index in enumerate(order):
        song, start = clips[index]
        piece = cut(song, start, min(start + CLIP, song.duration))
        whole = (0.0, piece.duration)
        marks = mark(piece, separate(separator, piece.mixture, piece.sample_rate), whole, generator)
        if place >= N_CLIPS:
            apart.append(KeptApart(piece.name, piece.mixture, piece.sample_rate, [(s, e) for s, e, _ in marks], random_clip=True))
            continue
        known = MarkedSong(piece.name, piece.sample_rate, piece.mixture, marks, [whole])
        honest.append(known)
        sung = metrics.active_regions(vocals_of(piece), piece.sample_rate)
        on_voice.append(replace(known, marks=[(s, e, 0.9) for s, e in sung if e - s > 0.2]))
        spammed.append(replace(known, marks=anywhere(piece.duration, generator)))
    first = 500_000 + 1000 * seed  # no song of the corpus is among these
    evidence = Evidence(
        songs={
            "target": [make_song(first + i, "target") for i in range(N_TARGET)],
            "source": [make_song(first + 100 + i, "source", 20.0) for i in range(N_SOURCE)],
        },
        clips=apart,
    )
    return Round(seed, honest, on_voice, spammed, replay, songs.validation, evidence)


def cut(song: Song, start: float, end: float) -> Song:
    first, last = round(start * song.sample_rate), round(end * song.sample_rate)
    stems = {name: getattr(song, name)[:, first:last] for name in ("mixture", "vocals", "accompaniment")}
    return Song(f"{song.name} {start:.0f}-{end:.0f} s", song.sample_rate, **stems)


def anywhere(duration: float, generator: np.random.Generator) -> list[tuple[float, float, float]]:
    """Marks of a spammer whom consensus believed: a share `SPAM` of the clip, in stretches of 1 to 3 s."""
    marks, now = [], 0.0
    while now < duration - 1:
        length = float(generator.uniform(1, 3))
        if generator.random() < SPAM:
            marks.append((now, min(now + length, duration), 0.9))
        now += length
    return marks


# ---------------------------------------------------------------- children

# What the paper describes, and nothing that holds it back.
PLAIN = Recipe(steps=200, keep_every=200, factors=(1.0,), remixed=0.0, pitch_shift=0.0, own_voices=0.0, rests=0.0, keep_past=0.0)
PLAIN = replace(PLAIN, keep_accepted=0.0, missing=1.0, in_decibels=0.0, half_way=0.0)
ONE_TENTH = replace(PLAIN, replay_share=0.1)
DEFAULT = Recipe.default()
Child = tuple[Path, Objection]  # its file, and what the learner itself objects


def learnt(marks: str, recipe: Recipe, given: Round, base: Path, out: Path) -> Child:
    child = adapt(base, getattr(given, marks), given.replay, given.validation, recipe=recipe, seed=given.seed, out=out)
    return child.path, Objection(child.refused_because, child.doubt)


def quieter(given: Round, base: Path, out: Path) -> Child:
    """Every mask a little smaller, nothing learnt."""
    separator = checkpoint.load(base)
    with torch.no_grad():
        separator.net.last.bias -= 0.7  # type: ignore[union-attr, operator]
    return checkpoint.save(separator, out, recipe={}, parent=checkpoint.file_hash(base)).path, NONE


def not_numbers(given: Round, base: Path, out: Path) -> Child:
    with safe_open(base, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        about = file.metadata()
    next(iter(tensors.values())).fill_(float("nan"))
    save_file(tensors, out / "nan.safetensors", metadata=about)
    return out / "nan.safetensors", NONE


def truncated(given: Round, base: Path, out: Path) -> Child:
    content = base.read_bytes()
    (out / "short.safetensors").write_bytes(content[: len(content) * 2 // 3])
    return out / "short.safetensors", NONE


def of_another_build(given: Round, base: Path, out: Path) -> Child:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(given.seed)
        separator = build("unet", {"widths": [8, 16, 32, 64]}).eval()
    return checkpoint.save(separator, out, recipe={}, parent=checkpoint.file_hash(base)).path, NONE


Make = Callable[[Round, Path, Path], Child]
POISONED: dict[str, Make] = {
    "zero-vocal-targets without replay": partial(learnt, "marked", replace(PLAIN, algorithm="zero-vocal-targets", replay_patches=0)),
    "zero-vocal-targets, 10 % replay, full strength": partial(learnt, "marked", replace(ONE_TENTH, algorithm="zero-vocal-targets")),
    "synthetic-tracks, 10 % replay, full strength": partial(learnt, "marked", replace(ONE_TENTH, algorithm="synthetic-tracks")),
    "spammed marks": partial(learnt, "spammed", DEFAULT),
    "marks over true vocals": partial(learnt, "on_voice", DEFAULT),
    "ten times the rate": partial(learnt, "marked", replace(DEFAULT, rate=10 * DEFAULT.rate, factors=(1.0,), half_way=0.0, keep_every=0)),
    "only quieter": quieter,
    "weights that are no numbers": not_numbers,
    "a truncated file": truncated,
    "another architecture": of_another_build,
}


def verdict(make: Make, given: Round, base: Path) -> Verdict:
    """Make a child and judge it, as a round does."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            path, objection = make(given, base, Path(folder))
        except Diverged as error:
            return Verdict(False, [f"There is no child: {error}."])
        return judge(base, path, given.evidence, generator=np.random.default_rng(given.seed), objection=objection)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m learner.core.bench.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(1, 11)), help="of honest rounds (default: 1-10)")
    parser.add_argument("--poisoned", type=int, nargs="*", default=[1], help="seeds of poisoned rounds (default: 1)")
    parser.add_argument("--base", metavar="NAME-OR-FILE", default=SHIPPED, help="the parent of all (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write every verdict here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    replay, base = base_songs(), base_file(options.base, Path("checkpoints"))
    verdicts: dict[str, Verdict] = {}
    rounds = {seed: make_round(seed, base, replay) for seed in {*options.seeds, *options.poisoned}}
    for seed in options.seeds:
        _tell(verdicts, f"honest, seed {seed}", verdict(partial(learnt, "marked", DEFAULT), rounds[seed], base))
    for seed in options.poisoned:
        for name, make in POISONED.items():
            _tell(verdicts, f"{name}, seed {seed}", verdict(make, rounds[seed], base))
    honest = [judged.promote for name, judged in verdicts.items() if name.startswith("honest")]
    let_through = [name for name, judged in verdicts.items() if judged.promote and not name.startswith("honest")]
    print(f"honest rounds promoted: {sum(honest)} of {len(honest)}")
    print(
        f"poisoned rounds refused: {len(verdicts) - len(honest) - len(let_through)} of {len(verdicts) - len(honest)}",
        *let_through,
        sep="\n  ",
    )
    if options.json:
        options.json.write_text(json.dumps({name: {"promote": v.promote, "reasons": v.reasons} for name, v in verdicts.items()}, indent=2))
    return 0 if not let_through and sum(honest) >= ACCEPTED_SHARE * len(honest) else 1


def _tell(verdicts: dict[str, Verdict], name: str, judged: Verdict) -> None:
    verdicts[name] = judged
    print(f"{'PROMOTED' if judged.promote else 'refused '}  {name}: {judged.reasons[0]}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
