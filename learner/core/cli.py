"""The command line: `python -m learner.core songs|generate|train|import|separate|adapt|evaluate|bench`, on folders, without the web.

PyTorch is imported by the commands that compute, so that the others and --help answer at once.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from learner.core import audio, metrics, songs
from learner.core.arguments import json_object, positive, seeds, song_length
from learner.core.bench import command as benchmarks
from learner.core.bench.tables import COLUMNS
from learner.core.files import names, writing
from learner.core.files.plain import plain
from learner.core.files.room import NO_ROOM
from learner.core.judging import gate
from learner.core.separators.presets import PRESETS
from learner.core.songs import Song, splits
from learner.core.songs.streaming import AnySong, SongOnDisk, stream

if TYPE_CHECKING:
    from learner.core.teaching.feedback import MarkedSong
    from learner.core.teaching.progress import Progress as Step

FOLDER = """A folder of songs holds <song>/mixture, vocals and accompaniment as .wav or .flac (any two give the third), or plain mixes as
.wav, .flac, .mp3, .ogg, .oga, .opus, .m4a, .mp4, .aac or .webm. MUSDB18-HQ, MUSDB18 (.stem.mp4), CC-Mixter and MIR-1K (a folder
Wavfile) are read as they come. A bad file is named with its reason, and the rest goes on."""
IN_MEMORY = 1e9  # bytes of decoded songs; more of them stay on disk and are read by stretches
MARKS = """The marks are a JSON file {"song": [[start, end], [start, end, weight], ...], ...}: seconds where the estimate should be
silent, because there is no voice in the mix, and how sure that is (0 to 1; 1 if left out). What is not marked counts as heard and
accepted. Where only parts were heard: {"song": {"marks": [...], "heard": [[start, end], ...]}}. Songs are named as `songs` lists
them. No songs at all, {}, gives replay without feedback: the baseline to compare with."""
VALIDATION_SEEDS = range(20_000, 20_006)  # of generated source songs; no song of the shipped base is among them
ABSENT = "–"  # noqa: RUF001 - a dash in a table, where there is no figure


class BadMarks(ValueError):
    """The file of marks cannot be used."""


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

    listing = command("songs", _songs, "List the songs under a folder and name what cannot be used.", FOLDER)
    listing.add_argument("folder", type=Path)
    listing.add_argument("--layout", choices=("mir-1k",), default="", help="every .wav has accompaniment on the left, voice on the right")

    generate = command("generate", _generate, "Write generated songs with stems, the same for the same seed.")
    generate.add_argument("folder", type=Path, help="where to write <domain>-<seed>/{mixture,vocals,accompaniment}.flac")
    generate.add_argument("--domain", choices=("source", "target", "bystander"), default="source", help="default: source")
    generate.add_argument("--seeds", type=seeds, default=range(4), metavar="A-B", help="one seed a song, such as 0-7 or 3 (default: 0-3)")
    generate.add_argument("--duration", type=song_length, default=30.0, metavar="SECONDS", help="at least 4 (default: 30)")

    train = command(
        "train",
        _train,
        "Train a separator from nothing.",
        "Without a folder the shipped base is made anew, from generated songs. " + FOLDER,
    )
    train.add_argument("folder", type=Path, nargs="?", help="songs with stems")
    train.add_argument(
        "--part",
        choices=splits.PARTS,
        help="only this part of the songs: MUSDB18's as published, others by artist (default: all that lie in no folder test, and are not "
        "for validation in MUSDB18)",
    )
    train.add_argument("--out", type=Path, help="folder for the checkpoint (default: checkpoints; without songs, the base's own place)")
    train.add_argument("--steps", type=int, default=None, help="default: that of the shipped base")
    train.add_argument("--batch", type=int, default=None, help="patches a step")
    train.add_argument("--rate", type=positive, default=None, help="highest learning rate")
    train.add_argument("--preset", metavar="NAME", choices=PRESETS, help=f"the U-Net's size and rate: {', '.join(PRESETS)}")
    train.add_argument("--channels", type=int, choices=(1, 2), help="that the separator hears at once (default: 1)")
    train.add_argument("--stem", choices=songs.TARGETS, help="to learn (default: vocals)")
    _common(train)

    bring = command(
        "import",
        _import,
        "Make a checkpoint of weights from elsewhere.",
        "Reads safetensors files and PyTorch's state dicts; a file that holds pickled classes is refused. "
        "Example: import vocals.pth --architecture openunmix --stem vocals --config '{\"max_bin\": 1487}'",
    )
    bring.add_argument("weights", type=Path)
    bring.add_argument("--architecture", required=True, help="unet, openunmix, hdemucs, htdemucs or bsroformer")
    bring.add_argument(
        "--config", type=json_object, default={}, metavar="JSON", help="what the architecture takes (default: its own defaults)"
    )
    bring.add_argument("--stem", choices=songs.TARGETS, default="vocals", help="that it is to give (default: vocals)")
    bring.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder for the checkpoint (default: checkpoints)")

    separate = command(
        "separate",
        _separate,
        "Take the voice, or another stem, out of recordings of any length.",
        "Each gives <out>/<name>/<stem>.flac at its own sample rate and channels.",
    )
    separate.add_argument("recordings", type=Path, nargs="+", help="files, or folders of songs (their mixtures are taken)")
    separate.add_argument("--checkpoint", type=Path, help="default: the shipped base")
    separate.add_argument("--out", type=Path, default=Path("separated"), help="default: separated")
    separate.add_argument("--rest", action="store_true", help="also write what is left of the mix (accompaniment.flac beside vocals)")
    separate.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ... (default: cpu)")
    _common(separate, seed=False)

    adapt = command("adapt", _adapt, "Teach a checkpoint from marks, with replay.", f"{MARKS} {FOLDER}")
    adapt.add_argument("folder", type=Path, help="the marked songs")
    adapt.add_argument("--marks", type=Path, required=True, metavar="JSON")
    adapt.add_argument("--parent", type=Path, metavar="CHECKPOINT", help="default: the shipped base")
    adapt.add_argument("--first", type=Path, metavar="CHECKPOINT", help="that all rounds began from, so that losses do not add up")
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

    evaluate = command(
        "evaluate",
        _evaluate,
        "Measure checkpoints on songs with stems, beside silence and the mixture.",
        "SDR in dB over seconds in which somebody sings; PES and FP (false-positive seconds per minute) in the rests; 'voice kept' is the "
        "level of the true voice in the estimate, in dB; 'FP at level' is FP at the voice level of the first checkpoint, so that being "
        "quieter wins nothing. " + FOLDER,
    )
    evaluate.add_argument("folder", type=Path, help="songs with stems")
    evaluate.add_argument(
        "--checkpoint", type=Path, action="append", metavar="FILE", help="may be given several times (default: the shipped base)"
    )
    evaluate.add_argument("--part", choices=splits.PARTS, help="only this part of the songs, as for train (default: all)")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, song by song too; - is standard output")
    _common(evaluate, seed=False)
    bench = commands.add_parser("bench", help="Run an experiment of many adaptations, and print and draw what it found.")
    benchmarks.add_to(bench, _bar)
    return parser


def _common(parser: argparse.ArgumentParser, *, seed: bool = True) -> None:
    if seed:
        parser.add_argument("--seed", type=int, default=0, help="same songs, seed and machine: same checkpoint (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default: 1; more are slower on a busy machine)")


def _songs(options: argparse.Namespace) -> int:
    found, bad = songs.scan(options.folder, options.layout)
    table = Table("song", "stems", "part", "seconds", "Hz", "channels", box=None, header_style="bold")
    part_of = {files.name: part for part, inside in splits.split(found).items() for files in inside}
    n_stems = 0
    notes: list[songs.Note] = []
    with _bar("checking", "songs") as tell:
        for number, files in enumerate(found, start=1):
            try:
                infos = songs.check(files)
            except songs.BadSong as error:
                bad.append(songs.Bad(error.path, str(error)))
            else:
                info = next(iter(infos.values()))
                notes += songs.notes(files, infos)
                with_stems = len(files.stems) > 1
                stems = ", ".join(files.stems) if with_stems else "none (a mix)"
                n_stems += with_stems
                table.add_row(
                    Text(files.name),  # as it is: [b] in a name is no markup
                    stems,
                    part_of[files.name] if with_stems else "",
                    f"{info.duration:.1f}",
                    str(info.sample_rate),
                    str(info.channels),
                )
            tell(number, len(found), files.name)
    if table.rows:
        _console().print(table)
    _say_notes(notes)
    _say_bad(bad)
    print(f"{len(table.rows)} songs, {n_stems} with stems; {len(bad)} left out")
    return 0 if table.rows else 1


def _generate(options: argparse.Namespace) -> int:
    from learner.core.songs.synth import write_songs

    with _bar("writing", "songs") as tell:
        for done, seed in enumerate(options.seeds, start=1):
            write_songs(options.folder, options.domain, [seed], options.duration)
            tell(done, len(options.seeds), f"{options.domain}-{seed}")
    print(f"{len(options.seeds)} songs in {options.folder}")
    return 0


def _train(options: argparse.Namespace) -> int:
    _use_threads(options)
    from learner.core.teaching.train import BASE, base_songs, train

    given = {name: value for name in ("steps", "batch", "rate") if (value := getattr(options, name)) is not None}
    is_base = not (options.folder or options.out or options.preset or options.channels or options.stem)
    config = PRESETS[options.preset or "small-16k"] | {name: value for name in ("channels", "stem") if (value := getattr(options, name))}
    stem = options.stem or "vocals"
    if not options.folder and stem != "vocals":
        raise audio.BadAudio(f"To learn {stem}, name a folder of songs that have it; generated songs teach vocals alone.")
    with_stems = _open(options.folder, config["sample_rate"], stem, options.part or "not held out") if options.folder else base_songs()
    out = options.out or (BASE.parent if is_base else Path("checkpoints"))
    with _bar("training", "steps") as tell:
        saved = train(with_stems, out=out, seed=options.seed, config=config, progress=_steps(tell), **given)
    path = saved.path
    if is_base:
        path = saved.path.replace(BASE)
    print(f"{path}\nsha256 {saved.hash}")
    return 0


def _separate(options: argparse.Namespace) -> int:
    _use_threads(options)
    from learner.core import checkpoint
    from learner.core.separate import separate_file

    separator = checkpoint.load(_base_or(options.checkpoint), options.device)
    rest = {"vocals": "accompaniment.flac", "accompaniment": "vocals.flac"}.get(separator.stem, "rest.flac") if options.rest else None
    found, bad = _recordings(options.recordings)
    notes: list[songs.Note] = []
    n_done = 0
    for files in found:
        home = options.out / names.fitting(files.name)
        source = next(iter(files.stems.values()))
        with _bar(files.name, "s") as tell:
            try:
                with _mixture(files) as path:
                    target = home / f"{separator.stem}.flac"
                    info = separate_file(separator, path, target, _seconds(tell), rest=home / rest if rest else None)
                notes += [songs.Note(source, text) for text in info.notes]
                n_done += 1
            except audio.BadAudio as error:
                bad.append(songs.Bad(getattr(error, "path", source), str(error)))
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise
                bad.append(songs.Bad(source, f"It cannot be read, or {names.readable(home)} cannot be written: {error.strerror}."))
    _say_notes(notes)
    _say_bad(bad)
    print(f"{n_done} of {len(found)} recordings in {options.out}")
    return 0 if n_done else 1


@contextmanager
def _mixture(files: songs.SongFiles) -> Iterator[Path]:
    """The file of a song's mix, or one made for the while where the mix lies in its stems or a packed file. Raises BadSong."""
    if files.mixture and not files.packing:
        yield files.mixture
        return
    song = _whole(songs.mix_of(files) if files.mixture else files)
    with tempfile.TemporaryDirectory() as folder:
        yield writing.write(Path(folder) / "mixture.flac", song.mixture, song.sample_rate)


def _import(options: argparse.Namespace) -> int:
    from learner.core.separators.importing import import_weights

    config = options.config | {"stem": options.stem}
    saved = import_weights(options.weights, architecture=options.architecture, config=config, out=options.out)
    if saved.prefix:
        print(f"taken from under {names.readable(saved.prefix)}")
    if saved.passed_over:
        print(f"passed over, since the network has no such part: {', '.join(map(names.readable, saved.passed_over))}")
    print(f"{saved.path}\nsha256 {saved.hash}")
    return 0


def _adapt(options: argparse.Namespace) -> int:
    from learner.core.teaching.ranks import together

    with together(options.device):
        return _adapt_once(options)


def _adapt_once(options: argparse.Namespace) -> int:
    _use_threads(options)
    from learner.core import checkpoint
    from learner.core.songs.synth import make_song
    from learner.core.teaching.adapt import Recipe, adapt
    from learner.core.teaching.ranks import Ranks
    from learner.core.teaching.train import base_songs

    parent = _base_or(options.parent)
    rate, stem = checkpoint.about(parent).sample_rate, checkpoint.about(parent).stem
    named = {name: value for name in ("algorithm", "replay_share", "steps", "rate") if (value := getattr(options, name)) is not None}
    settings: dict[str, Any] = options.recipe | named
    recipe = Recipe.changed(settings)
    feedback = _marked_songs(options.folder, options.marks, rate)
    replay = _open(options.replay, rate, stem, "not held out") if options.replay else base_songs()
    validation = _load(options.validation, rate, stem) if options.validation else [make_song(seed, "source") for seed in VALIDATION_SEEDS]
    with _bar("adapting", "steps", shown=Ranks.current().first) as tell:
        adapted = adapt(
            parent,
            feedback,
            replay,
            validation,
            recipe=recipe,
            seed=options.seed,
            out=options.out,
            first=options.first,
            state=options.state,
            memory=options.memory,
            device=options.device,
            progress=_steps(tell),
        )
    if not Ranks.current().first:
        return 0
    chosen = adapted.report["chosen"]
    print(f"{adapted.path}\nsha256 {adapted.hash}")
    if adapted.memory:
        print(f"memory {adapted.memory}")
    if adapted.guard:
        print(f"Not fit to be used: {adapted.guard}.", file=sys.stderr)
    print(
        f"from step {chosen['step']}, interpolated {chosen['factor']:g}: leak on the marks {chosen['leak_db']:+.2f} dB, "
        f"accepted voice {chosen['kept_db']:+.2f} dB, validation songs {chosen['past_db']:+.2f} dB against the parent"
    )
    if options.json:
        _write_json(options.json, {"path": str(adapted.path), "hash": adapted.hash, **adapted.report})
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    _use_threads(options)
    from learner.core import checkpoint
    from learner.core.separate import separate

    paths = options.checkpoint or [_base_or(None)]
    separators = {_label(path, paths): checkpoint.load(path) for path in paths}
    first = next(iter(separators.values()))
    pieces = _open(options.folder, first.sample_rate, first.stem, options.part)
    figures: dict[str, dict[str, dict[str, float]]] = {name: {} for name in ("silence", "mixture", *separators)}
    with _bar("measuring", "songs") as tell:
        for done, piece in enumerate(pieces, start=1):
            song = piece if isinstance(piece, Song) else piece.load(first.sample_rate)
            assert song.vocals is not None
            estimates = {"silence": np.zeros_like(song.mixture), "mixture": song.mixture}
            estimates |= {name: separate(separator, song.mixture, song.sample_rate) for name, separator in separators.items()}
            reference = estimates[next(iter(separators))]
            for name, estimate in estimates.items():
                figures[name][song.name] = gate.measure_song(estimate, song.vocals, song.mixture, song.sample_rate, reference)
            tell(done, len(pieces), song.name)
    summaries = {name: _summary(list(by_song.values())) for name, by_song in figures.items()}
    table = Table("estimate", *COLUMNS.values(), box=None, header_style="bold")
    for name, summary in summaries.items():
        table.add_row(name, *(ABSENT if math.isnan(summary[column]) else f"{summary[column]:.2f}" for column in COLUMNS))
    _console().print(table)
    print(f"{len(pieces)} songs; means over songs, SDR median: median over songs. Silence always has an SDR of 0 dB.")
    if options.json:
        _write_json(options.json, {name: {"summary": summaries[name], "songs": figures[name]} for name in figures})
    return 0


def _summary(by_song: list[dict[str, float]]) -> dict[str, float]:
    at_level = float(np.mean([song[gate.AT_PARENT_VOICE] for song in by_song]))
    return metrics.summary(by_song) | {gate.AT_PARENT_VOICE: at_level}


def _load(folder: Path, sample_rate: int, stem: str = "vocals") -> list[Song]:
    """Load the songs with that stem under a folder; what cannot be used is named. Raises BadAudio where nothing is left."""
    return _each(folder, _with_stem(folder, stem, None), "loading", lambda files: _whole(files, sample_rate, stem))


def _open(folder: Path, sample_rate: int, stem: str = "vocals", part: str | None = None) -> list[AnySong]:
    """As `_load`, but where they would take more than `IN_MEMORY` the songs stay on disk; `part` names the songs that are wanted."""
    found = _with_stem(folder, stem, part)
    on_disk = _each(folder, found, "opening", lambda files: stream(files, stem))
    n_bytes = sum(song.n_bytes(sample_rate) for song in on_disk)
    if n_bytes > IN_MEMORY:
        print(
            f"{len(on_disk)} songs would take {n_bytes / 1e9:.1f} GB of memory; they are read from disk as they are needed", file=sys.stderr
        )
        opened = {song.name: song for song in on_disk}

        def compared(files: songs.SongFiles) -> SongOnDisk:
            song = opened[files.name]
            songs.check_stems(files, song.mixture.n_samples, song.sample_rate, stem)
            return song

        return list(_each(folder, [files for files in found if files.name in opened], "comparing stems", compared))
    good = {song.name for song in on_disk}
    return list(_each(folder, [files for files in found if files.name in good], "loading", lambda files: _whole(files, sample_rate, stem)))


def _with_stem(folder: Path, stem: str, part: str | None) -> list[songs.SongFiles]:
    """Find the songs of a part that have a stem; "not held out" is all but those that their corpus keeps for validation and test."""
    found, bad = songs.scan(folder)
    _say_bad(bad)
    if part == "not held out":
        wanted = [files for files in found if splits.published(files) in (None, "train")]
        if len(wanted) < len(found):
            print(f"{len(found) - len(wanted)} songs are kept for validation and test", file=sys.stderr)
    else:
        wanted = next((inside for name, inside in splits.split(found).items() if name == part), found)
    with_stem = [files for files in wanted if files.has(stem)]
    if len(with_stem) < len(wanted):
        print(f"{len(wanted) - len(with_stem)} plain mixes in {folder} are left out: they have no stems", file=sys.stderr)
    return with_stem


Opened = TypeVar("Opened", Song, SongOnDisk)


def _each(folder: Path, found: Sequence[songs.SongFiles], verb: str, take: Callable[[songs.SongFiles], Opened]) -> list[Opened]:
    bad: list[songs.Bad] = []
    taken: list[Opened] = []
    with _bar(verb, "songs") as tell:
        for number, files in enumerate(found, start=1):
            try:
                taken.append(take(files))
            except songs.BadSong as error:
                bad.append(songs.Bad(error.path, str(error)))
            tell(number, len(found), files.name)
    _say_bad(bad)
    if not taken:
        raise audio.BadAudio(f"There is no song with stems under {folder}. {FOLDER}".replace("\n", " "))
    return taken


def _whole(files: songs.SongFiles, sample_rate: int | None = None, stem: str = "vocals") -> Song:
    """Check a song and load it. Raises BadSong."""
    songs.check(files, stem)
    return songs.load(files, sample_rate, stem)


def _marked_songs(folder: Path, marks: Path, sample_rate: int) -> list[MarkedSong]:
    """Load the songs that the file of marks names. Raises BadMarks, naming the song and what is allowed."""
    from learner.core.teaching.feedback import MarkedSong

    try:
        content = json.loads(marks.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadMarks(f"{marks} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise BadMarks(f'{marks} must hold {{"song": [[start, end, weight], ...], ...}}, not a {type(content).__name__}')
    known = {files.name: files for files in songs.scan(folder).songs}
    marked, bad = [], list[songs.Bad]()
    for name, value in content.items():
        if name not in known:
            raise BadMarks(f"{marks} names {name!r}, which is not in {folder}; there are: {', '.join(known) or 'none'}")
        files = known[name]
        try:
            song = _whole(songs.mix_of(files) if files.mixture else files, sample_rate)
        except songs.BadSong as error:
            bad.append(songs.Bad(error.path, str(error)))
            continue
        parts = value if isinstance(value, dict) else {"marks": value, "heard": [[0.0, song.duration]]}
        if not parts.keys() <= {"marks", "heard"}:
            raise BadMarks(f"{marks}, {name}: allowed keys are marks and heard, not {', '.join(sorted(parts))}")
        stretches = {key: [_stretch(item, f"{marks}, {name}, {key}") for item in parts.get(key, [])] for key in ("marks", "heard")}
        heard = [(start, end) for start, end, _ in stretches["heard"]]
        song_marked = MarkedSong(name, song.sample_rate, song.mixture, stretches["marks"], heard)
        song_marked.check()
        marked.append(song_marked)
    _say_bad(bad)
    if bad and not marked:
        raise BadMarks(f"None of the songs that {marks} names can be used")
    return marked


def _stretch(item: Any, where: str) -> tuple[float, float, float]:
    numbers = isinstance(item, list) and len(item) in (2, 3) and all(isinstance(n, int | float) and not isinstance(n, bool) for n in item)
    if not numbers:
        raise BadMarks(f"{where}: {item!r} is not [start, end] or [start, end, weight] in numbers")
    start, end, weight = (*item, 1.0)[:3]
    return float(start), float(end), float(weight)


def _recordings(paths: Sequence[Path]) -> tuple[list[songs.SongFiles], list[songs.Bad]]:
    found: list[songs.SongFiles] = []
    bad: list[songs.Bad] = []
    for path in paths:
        if path.is_dir():
            inside = songs.scan(path)
            found += inside.songs
            bad += inside.bad
        else:
            found.append(songs.of_file(path))
    names = [files.name for files in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise audio.BadAudio(f"Several recordings are called {', '.join(twice)}, and their results would overwrite each other.")
    return found, bad


def _base_or(path: Path | None) -> Path:
    from learner.core.teaching.train import BASE

    return path or BASE


def _label(path: Path, among: Sequence[Path]) -> str:
    """A checkpoint's short name: the start of its hash, or its file's name; the whole path where that is not enough."""
    short = [p.stem[:10] for p in among]
    return path.stem[:10] if short.count(path.stem[:10]) == 1 else str(path)


def _use_threads(options: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(options.threads)


Tell = Callable[[int, int, str], None]


@contextmanager
def _bar(verb: str, unit: str, *, shown: bool = True) -> Iterator[Tell]:
    """Show a progress bar on standard error while the body runs; it is told (done, in all, a word on what)."""
    columns = (
        TextColumn("{task.description}", markup=False),  # names of songs may hold what looks like markup
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task(verb, total=None, what="")
        yield lambda done, total, what: bar.update(task, completed=done, total=total, what=what)


def _seconds(tell: Tell) -> Callable[[float, float], None]:
    return lambda done, total: tell(round(done), round(total), "")


def _steps(tell: Tell) -> Callable[[Step], None]:
    return lambda step: tell(step.step, step.total, step.doing or f"loss {step.loss:.4f}")


def _say_notes(notes: Sequence[songs.Note]) -> None:
    for one in notes:
        print(f"note: {one}", file=sys.stderr)


def _say_bad(bad: Sequence[songs.Bad]) -> None:
    for one in bad:
        print(f"left out: {one}", file=sys.stderr)


def _console() -> Console:
    """A pipe has no width of its own; tables in it should not be squeezed."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def _write_json(path: Path, content: Any) -> None:
    """Write JSON to a file, or to standard output for `-`. Figures that are not defined become null."""
    text = json.dumps(plain(content), indent=2, sort_keys=True, allow_nan=False)
    if str(path) == "-":
        print(text)
    else:
        path.write_text(text + "\n", encoding="utf-8")
