"""Every command with its options, and `main`, which runs one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from learner.core import songs
from learner.core.bases import BASES, FOR_REAL_SONGS, SHIPPED
from learner.core.bench import command as benchmarks
from learner.core.cli.adapting import adapt_parent
from learner.core.cli.arguments import json_object, positive, seeds, song_length
from learner.core.cli.evaluating import evaluate_checkpoints
from learner.core.cli.exporting import export_checkpoint
from learner.core.cli.fetching import fetch_base
from learner.core.cli.fixing import fix_song
from learner.core.cli.listing import generate_songs, list_songs
from learner.core.cli.output import progress_bar
from learner.core.cli.reading import FOLDER
from learner.core.cli.separating import separate_recordings
from learner.core.cli.training import import_weights_of, train_separator
from learner.core.files import names
from learner.core.songs import splits
from learner.core.teaching.presets import PRESETS

MARKS = """The marks are a JSON file {"song": [[start, end], [start, end, weight], ...], ...}: seconds where the estimate should be
silent, because there is no voice in the mix (or none of what else the checkpoint extracts), and how sure that is (0 to 1; 1 if left
out). What is not marked counts as heard and accepted. Where only parts were heard: {"song": {"marks": [...], "heard": [[start, end],
...]}}. Songs are named as `songs` lists them. No songs at all, {}, gives replay without feedback: the baseline to compare with."""

ONE_SONG = """A mark is a stretch where the extracted voice should be silent. Audacity exports labels as start, tab, end, tab, text; JSON is
as `adapt` reads it, and names this song. What is not marked is heard and accepted, and is what the song is kept by: three marks of some
seconds, where the bleed is loud and sounds like elsewhere, change the other places too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, or 1 after printing why it could not be done; a wrong call exits with 2."""
    names.print_anything()
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ValueError, RuntimeError, OSError) as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith("learner."):
            raise  # not a thing that we foresaw: a mistake of ours, to be seen whole
        print(f"error: {str(error) or (type(error).__doc__ or '').strip()}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m learner.core",
        description="Separate voices, train separators, and teach them from marks; a library's command line that needs no server.",
        epilog="`python -m learner.core COMMAND --help` says all about a command.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], short: str, more: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=short, description=f"{short} {more}".strip())
        sub.set_defaults(run=run)
        return sub

    listing = command("songs", list_songs, "List the songs under a folder and name what cannot be used.", FOLDER)
    listing.add_argument("folder", type=Path)
    listing.add_argument("--layout", choices=("mir-1k",), default="", help="every .wav has accompaniment on the left, voice on the right")

    generate = command("generate", generate_songs, "Write generated songs with stems, the same for the same seed.")
    generate.add_argument(
        "folder", type=Path, help="where to write <domain>-<seed>/{mixture,vocals,accompaniment}.flac, or {mixture,STEM}.flac"
    )
    generate.add_argument("--domain", choices=("source", "target", "bystander"), default="source", help="default: source")
    generate.add_argument("--seeds", type=seeds, default=range(4), metavar="A-B", help="one seed a song, such as 0-7 or 3 (default: 0-3)")
    generate.add_argument(
        "--stem", choices=songs.TARGETS, default="vocals", help="that they are for, and rests now and then (default: vocals)"
    )
    generate.add_argument("--duration", type=song_length, default=30.0, metavar="SECONDS", help="at least 4 (default: 30)")

    train = command(
        "train",
        train_separator,
        "Train a separator from nothing.",
        "Without a folder the shipped base is made anew, from generated songs; with --stem, another stem is learned from such songs. "
        "A --teacher stands in for stems that nobody has: what it "
        "takes out of plain mixes is learnt, as it is and remixed, by a network that is many times faster. " + FOLDER,
    )
    train.add_argument("folder", type=Path, nargs="?", help="songs with stems; with a teacher, plain mixes too")
    train.add_argument(
        "--teacher", metavar="NAME-OR-FILE", help=f"{', '.join(BASES)} (fetched into --out) or a checkpoint, that takes plain mixes apart"
    )
    train.add_argument("--without-stems", action="store_true", help="let the teacher take songs apart that have stems, too")
    train.add_argument(
        "--test",
        type=Path,
        metavar="FOLDER",
        help="songs with stems to measure on, beside the teacher; what lies in it is not trained on",
    )
    train.add_argument(
        "--part",
        choices=splits.PARTS,
        help="only this part of the songs: MUSDB18's as published, others by artist (default: all that lie in no folder test, and are not "
        "for validation in MUSDB18)",
    )
    train.add_argument("--out", type=Path, help="folder for the checkpoint (default: checkpoints; without songs, the base's own place)")
    train.add_argument("--steps", type=int, default=None, help="default: 2000; on a folder of songs 2200, about ten minutes")
    train.add_argument("--batch", type=int, default=None, help="patches a step")
    train.add_argument("--rate", type=positive, default=None, help="highest learning rate")
    train.add_argument(
        "--preset",
        metavar="NAME",
        choices=PRESETS,
        help=f"the U-Net's size and rate: {', '.join(PRESETS)} (default: medium-16k; without songs small-16k)",
    )
    train.add_argument("--channels", type=int, choices=(1, 2), help="that the separator hears at once (default: 1)")
    train.add_argument("--stem", choices=songs.TARGETS, help="to learn (default: vocals)")
    _common(train)

    bring = command(
        "import",
        import_weights_of,
        "Make a checkpoint of weights from elsewhere.",
        "Reads safetensors files and PyTorch's state dicts; a file that holds pickled classes is refused. "
        "Example: import vocals.pth --architecture openunmix --stem vocals --config '{\"max_bin\": 1487}'",
    )
    bring.add_argument("weights", type=Path)
    bring.add_argument("--architecture", required=True, help="unet, spleeter, openunmix, hdemucs, htdemucs or bsroformer")
    bring.add_argument(
        "--config", type=json_object, default={}, metavar="JSON", help="what the architecture takes (default: its own defaults)"
    )
    bring.add_argument("--stem", choices=songs.TARGETS, default="vocals", help="that it is to give (default: vocals)")
    bring.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder for the checkpoint (default: checkpoints)")

    fetch = command(
        "fetch",
        fetch_base,
        "Bring a base that others trained on real songs and published, or list all.",
        "Each is pinned by its hash, converted to a checkpoint and tried before it is put in place. What is there already stays. "
        f"{' '.join(f'{name}: {one.about}.' for name, one in BASES.items())}",
    )
    fetch.add_argument("base", nargs="?", choices=BASES, metavar="NAME", help=f"{', '.join(BASES)} (default: list them)")
    fetch.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder for <name>.safetensors (default: checkpoints)")
    fetch.add_argument(
        "--from",
        dest="file",
        type=Path,
        metavar="FILE",
        help="the published file, or a folder that it lies in, for a machine without a network (looked for in --out too)",
    )

    separate = command(
        "separate",
        separate_recordings,
        "Take the voice, or another stem, out of recordings of any length.",
        "Each gives <out>/<name>/<stem>.flac at its own sample rate and channels.",
    )
    separate.add_argument("recordings", type=Path, nargs="+", help="files, or folders of songs (their mixtures are taken)")
    separate.add_argument("--checkpoint", type=Path, help="default: the shipped base")
    separate.add_argument("--out", type=Path, default=Path("separated"), help="default: separated")
    separate.add_argument("--rest", action="store_true", help="also write what is left of the mix (accompaniment.flac beside vocals)")
    separate.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ... (default: cpu)")
    _common(separate, seed=False)

    export = command(
        "export",
        export_checkpoint,
        "Write a checkpoint as other tools load it: an ONNX file, or what the architecture's own project takes.",
        "ONNX is for unet and spleeter (with the extra onnx), and is compared with PyTorch; --own is for openunmix, hdemucs, htdemucs and "
        "bsroformer.",
    )
    export.add_argument("checkpoint", type=Path)
    export.add_argument("--onnx", type=Path, metavar="FILE", help="waveform in, stem out, of any length; opset 17")
    export.add_argument("--song", type=Path, metavar="FILE", help="to compare on; default: noise")
    export.add_argument("--unchecked", action="store_true", help="do not compare, such as where onnxruntime is not installed")
    export.add_argument("--own", type=Path, metavar="FOLDER", help="for the weights as the own tool loads them")
    _common(export, seed=False)

    adapt = command("adapt", adapt_parent, "Teach a checkpoint from marks, with replay.", f"{MARKS} {FOLDER}")
    adapt.add_argument("folder", type=Path, help="the marked songs")
    adapt.add_argument("--marks", type=Path, required=True, metavar="JSON")
    adapt.add_argument("--parent", type=Path, metavar="CHECKPOINT", help="default: the shipped base")
    adapt.add_argument("--first", type=Path, metavar="CHECKPOINT", help="that the first round began with, so that losses do not add up")
    adapt.add_argument("--replay", type=Path, metavar="FOLDER", help="songs with stems (default: the generated songs of the shipped base)")
    adapt.add_argument(
        "--validation", type=Path, metavar="FOLDER", help="other songs with stems, to choose by (default: six generated source songs)"
    )
    adapt.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder for the child (default: checkpoints)")
    adapt.add_argument("--algorithm", choices=("zero-vocal-targets", "synthetic-tracks", "mixed"), help="default: mixed")
    adapt.add_argument("--replay-share", type=float, metavar="0..1", help="of the replay songs that are used (default: 1)")
    adapt.add_argument("--steps", type=int)
    adapt.add_argument("--rate", type=float, help="highest learning rate")
    adapt.add_argument("--recipe", type=json_object, default={}, metavar="JSON", help='any other setting, such as {"keep_past": 1.0}')
    adapt.add_argument("--state", type=Path, help="file that a killed run goes on from; give the same one again")
    adapt.add_argument("--memory", type=Path, metavar="FILE", help="replay memory of an earlier adaptation; needs a recipe with a memory")
    adapt.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="cpu",
        help="default: cpu, where the same seed gives the same checkpoint. `torchrun --nproc-per-node 2 -m learner.core adapt ...` learns "
        "in two processes, on a GPU each or sharing the CPU",
    )
    adapt.add_argument("--json", type=Path, metavar="FILE", help="write the report here; - is standard output")
    _common(adapt)

    fix = command(
        "fix",
        fix_song,
        "Mend one song by marks in it, without any stems.",
        "Writes <out>/<song>/before and after, each with the stem and what is left of the mix as `separate` does, and report.txt. "
        f"{ONE_SONG}",
    )
    fix.add_argument("song", type=Path, help="one recording")
    fix.add_argument("--marks", type=Path, required=True, metavar="LABELS", help="labels of Audacity, or JSON")
    fix.add_argument(
        "--base",
        default=FOR_REAL_SONGS,
        metavar="NAME-OR-FILE",
        help=f"{SHIPPED}, {', '.join(BASES)} (fetched into checkpoints) or a checkpoint (default: {FOR_REAL_SONGS})",
    )
    fix.add_argument("--songs", type=Path, metavar="FOLDER", help="other songs that must stay as they are; plain mixes do")
    fix.add_argument("--out", type=Path, default=Path("fixed"), help="default: fixed")
    fix.add_argument("--checkpoint", type=Path, metavar="FILE", help="also keep the new checkpoint here")
    fix.add_argument("--recipe", type=json_object, default={}, metavar="JSON", help='changes to the base\'s recipe, such as {"steps": 30}')
    _common(fix)

    evaluate = command(
        "evaluate",
        evaluate_checkpoints,
        "Measure checkpoints on songs with stems, beside silence and the mixture.",
        "SDR in dB over seconds in which somebody sings, or plays what the checkpoint extracts; PES and FP (false-positive seconds per "
        "minute) in the rests; 'voice kept' is the level of the true voice in the estimate, in dB; 'FP at level' is FP at the voice level "
        "of the first checkpoint, so that being quieter wins nothing. " + FOLDER,
    )
    evaluate.add_argument("folder", type=Path, help="songs with stems")
    evaluate.add_argument(
        "--checkpoint", type=Path, action="append", metavar="FILE", help="may be given several times (default: the shipped base)"
    )
    evaluate.add_argument("--part", choices=splits.PARTS, help="only this part of the songs, as for train (default: all)")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, song by song too; - is standard output")
    _common(evaluate, seed=False)
    bench = commands.add_parser("bench", help="Run an experiment of many adaptations, and print and draw what it found.")
    benchmarks.add_to(bench, progress_bar)
    return parser


def _common(parser: argparse.ArgumentParser, *, seed: bool = True) -> None:
    if seed:
        parser.add_argument("--seed", type=int, default=0, help="same songs, seed and machine: same checkpoint (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default: 1; more are slower on a busy machine)")
