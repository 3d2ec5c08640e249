"""Read exports with the tools that they are for, and print the seconds that each tool says. Runs in an environment of these tools alone.

`python read_back.py FOLDER`: a folder for each format. Prints JSON: {format: {"person|song": [[start, end], …]}}; tables also have
"consensus|song".
"""

import io
import json
import os
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_HOME=tempfile.mkdtemp(prefix="formats-"))
warnings.simplefilter("ignore")
Said = dict[str, list[list[float]]]
Found = Iterable[tuple[str, str, float, float]]  # person, song, start, end


def song_of(path: Path) -> str:
    """The song that a file is about: 000012-name.kind."""
    return path.name.partition(".")[0].partition("-")[2]


def of_jams(folder: Path) -> Found:
    import jams

    for path in folder.rglob("*.jams"):
        whole = jams.load(str(path), validate=True, strict=True)
        for one in whole.annotations:
            for start, end in one.to_interval_values()[0]:
                yield one.annotation_metadata.annotator.name, whole.file_metadata.title, start, end


def of_textgrid(folder: Path) -> Found:
    from praatio import textgrid

    for path in folder.rglob("*.TextGrid"):
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
        for tier in grid.tiers:
            for entry in tier.entries:
                yield tier.name, song_of(path), entry.start, entry.end


def of_rttm(folder: Path) -> Found:
    from pyannote.database.util import load_rttm

    for path in folder.rglob("*.rttm"):
        for song, spans in load_rttm(path).items():
            for segment in spans.itersegments():
                yield path.parent.name, song, segment.start, segment.end


def of_raven(folder: Path) -> Found:
    import crowsetta
    import pandas

    for path in folder.rglob("*.txt"):
        selections = crowsetta.formats.by_name("raven").from_file(path, annot_col="Annotation").df
        persons = pandas.read_csv(path, sep="\t")["Annotator"]
        for person, start, end in zip(persons, selections["begin_time_s"], selections["end_time_s"], strict=True):
            yield person, song_of(path), start, end


def of_audacity(folder: Path) -> Found:
    import crowsetta

    for path in folder.rglob("*.txt"):
        for segment in crowsetta.formats.by_name("aud-seq").from_file(path).to_seq(round_times=False).segments:
            yield path.parent.name, song_of(path), segment.onset_s, segment.offset_s


def of_label_studio(folder: Path) -> Found:
    """The converter's JSON_MIN of our JSON."""
    return _of_records(_converted(folder, "JSON_MIN"))


def of_label_studio_min(folder: Path) -> Found:
    import pandas

    (path,) = folder.glob("*.json")
    return _of_records(pandas.read_json(path, convert_dates=False).to_dict("records"))


def of_label_studio_csv(folder: Path) -> Found:
    import pandas

    (path,) = folder.glob("*.csv")
    return _of_records(pandas.read_csv(path, encoding="utf-8-sig").to_dict("records"))


def _converted(folder: Path, kind: str) -> list[dict[str, Any]]:
    from label_studio_sdk.converter import Converter

    (path,) = folder.glob("*.json")
    with tempfile.TemporaryDirectory() as out:
        config = (folder.parent / "config.xml").read_text()
        Converter(config=config, project_dir=".").convert(str(path), out, kind, is_dir=False)
        return json.loads(next(Path(out).glob("*.json")).read_text())


def _of_records(records: Iterable[dict[str, Any]]) -> Found:
    for record in records:
        regions = record.get("fp")
        regions = json.loads(regions) if isinstance(regions, str) and regions else regions
        for one in regions if isinstance(regions, list) else []:
            yield str(record["annotator"]), record["track"], record["clip_start"] + one["start"], record["clip_start"] + one["end"]


def of_tables(folder: Path) -> Found:
    import pandas

    return _of_tables(*(pandas.read_csv(folder / f"{name}.csv", encoding="utf-8-sig") for name in ("marks", "regions")))


def of_parquet(folder: Path) -> Found:
    import pandas

    return _of_tables(*(pandas.read_parquet(folder / f"{name}.parquet") for name in ("marks", "regions")))


def _of_tables(marks: Any, regions: Any) -> Found:
    for one in marks.to_dict("records"):
        yield one["person"], one["track"], one["start"], one["end"]
    for one in regions.to_dict("records"):
        yield "consensus", one["track"], one["start"], one["end"]


def of_dataset(folder: Path) -> Found:
    from datasets import load_dataset

    yield from _of_clips(load_dataset(str(folder), split="train"))
    for one in load_dataset("audiofolder", data_dir=str(folder / "sound"), split="train"):
        heard = one["audio"]["array"].shape[-1] / one["audio"]["sampling_rate"]
        yield "sound", one["track"], one["clip_start"], one["clip_start"] + heard


def of_webdataset(folder: Path) -> Found:
    import soundfile
    import webdataset

    for shard in sorted(folder.glob("*.tar")):
        clips = []
        for one in webdataset.WebDataset(str(shard), shardshuffle=False):
            clips.append(clip := json.loads(one["json"]))
            if "flac" in one:
                heard = soundfile.info(io.BytesIO(one["flac"])).duration
                yield "sound", clip["track"], clip["clip_start"], clip["clip_start"] + heard
        yield from _of_clips(clips)


def _of_clips(clips: Iterable[dict[str, Any]]) -> Found:
    for clip in clips:
        for answer in clip["answers"]:
            for one in answer["wrong"]:
                yield answer["person"], clip["track"], one["start"], one["end"]
        for one in clip["wrong"]:
            yield "consensus", clip["track"], one["start"], one["end"]


READERS: dict[str, Callable[[Path], Found]] = {
    "label-studio": of_label_studio,
    "label-studio-min": of_label_studio_min,
    "label-studio-csv": of_label_studio_csv,
    "audacity": of_audacity,
    "jams": of_jams,
    "rttm": of_rttm,
    "textgrid": of_textgrid,
    "raven": of_raven,
    "tables": of_tables,
    "parquet": of_parquet,
    "dataset": of_dataset,
    "webdataset": of_webdataset,
}


def main(folder: Path) -> dict[str, Said | str]:
    found: dict[str, Said | str] = {}
    for format, read in READERS.items():
        said: Said = defaultdict(list)
        try:
            for person, song, start, end in read(folder / format):
                said[f"{person}|{song}"].append([float(start), float(end)])
        except Exception as error:  # of any tool: it is what the test shows
            found[format] = f"{type(error).__name__}: {error}"
        else:
            found[format] = {key: sorted(spans) for key, spans in said.items()}
    return found


if __name__ == "__main__":
    answer = main(Path(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps(answer))
