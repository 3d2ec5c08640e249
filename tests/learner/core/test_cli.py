import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from learner.core import audio, checkpoint, cli, songs
from learner.core.cli import reading
from learner.core.separators import build
from learner.core.songs import splits
from learner.core.songs.synth import write_songs

RATE = 16_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short generated songs with stems, and one plain mix."""
    folder = tmp_path_factory.mktemp("songs")
    write_songs(folder, "source", [1, 2], 6.0)
    write_songs(folder, "target", [3], 6.0)
    audio.write_flac(folder / "jam.flac", songs.load(songs.scan(folder).songs[0]).mixture[:, :RATE], RATE)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained checkpoint of a few hundred weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        separator = build("unet", {"widths": [4, 4, 4, 4]})
    return checkpoint.save(separator, tmp_path_factory.mktemp("parent"), recipe={}, parent=None).path


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


class TestHelp:
    @pytest.mark.parametrize("command", ["songs", "generate", "train", "import", "fetch", "separate", "adapt", "fix", "evaluate"])
    def test_every_command_explains_itself(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            run(command, "--help")
        assert ended.value.code == 0
        assert len(capsys.readouterr().out) > 200

    def test_a_wrong_call_says_what_is_allowed(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            run("generate", "x", "--seeds", "7-3")
        assert ended.value.code == 2
        assert "a range such as 0-7" in capsys.readouterr().err

    def test_a_song_too_short_to_be_generated_is_refused_in_words(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            run("generate", "x", "--duration", "2")
        assert "at least 4 s" in capsys.readouterr().err


def test_only_commands_that_compute_bring_torch_in() -> None:
    modules = ", ".join(f"learner.core.{name}" for name in ("audio", "choosing.acquisition", "cli", "judging.gate", "metrics", "songs"))
    program = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=300).returncode == 0


class TestSongs:
    def test_it_lists_what_is_good_and_names_what_is_not(self, tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "all").symlink_to(corpus)
        (tmp_path / "words.wav").write_text("no sound")
        assert run("songs", tmp_path) == 0
        out, err = capsys.readouterr()
        assert "all/source-1" in out
        assert "none (a mix)" in out
        assert "4 songs, 3 with stems; 1 left out" in out
        assert "words.wav: The file is not audio" in err

    def test_it_tells_which_part_a_song_is_in(self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for home, name in (("train", "A - X"), ("train", "ANiMAL - Rockshow"), ("test", "B - Y")):
            shutil.copytree(corpus / "source-1", tmp_path / home / name)
        assert run("songs", tmp_path) == 0
        rows = [line.split("  ") for line in capsys.readouterr().out.splitlines() if " - " in line]
        parts = {row[0].strip(): next(cell.strip() for cell in row[1:] if cell.strip() in splits.PARTS) for row in rows}
        assert parts == {"train/A - X": "train", "train/ANiMAL - Rockshow": "validation", "test/B - Y": "test"}

    def test_nothing_to_list_is_a_failure(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("songs", tmp_path) == 1
        assert run("songs", tmp_path / "gone") == 1
        assert "error: There is no folder" in capsys.readouterr().err

    def test_generated_songs_are_songs(self, tmp_path: Path) -> None:
        assert run("generate", tmp_path, "--domain", "bystander", "--seeds", "5-6", "--duration", "4") == 0
        assert [files.name for files in songs.find(tmp_path).songs] == ["bystander-5", "bystander-6"]


class TestTrain:
    def test_it_makes_a_checkpoint_from_a_folder(self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("train", corpus, "--steps", "2", "--batch", "2", "--out", tmp_path, "--seed", "4") == 0
        out, err = capsys.readouterr()
        (path,) = tmp_path.glob("*.safetensors")
        assert str(path) in out
        assert checkpoint.about(path).seed == 4
        assert "1 plain mixes" in err

    def test_a_folder_too_big_for_memory_is_read_from_disk(
        self, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(reading, "IN_MEMORY", 1000)
        monkeypatch.setattr(songs, "load", None)
        assert run("train", corpus, "--steps", "2", "--batch", "2", "--out", tmp_path) == 0
        assert "read from disk as they are needed" in capsys.readouterr().err

    def test_songs_held_out_by_their_corpus_are_not_trained_on(
        self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for home, name in (("train", "A - X"), ("train", "ANiMAL - Rockshow"), ("test", "B - Y")):
            shutil.copytree(corpus / "source-1", tmp_path / home / name)
        arguments = ("train", tmp_path, "--steps", "1", "--batch", "1", "--out", tmp_path / "out")
        assert run(*arguments) == 0
        assert "2 songs are kept for validation and test" in capsys.readouterr().err
        (path,) = (tmp_path / "out").glob("*.safetensors")
        assert checkpoint.about(path).recipe["songs"] == 1
        assert run(*arguments, "--part", "validation") == 0

    def test_without_a_folder_it_makes_the_shipped_base(
        self, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        base = tmp_path / "base" / "base.safetensors"
        monkeypatch.setattr("learner.core.teaching.train.BASE", base)
        monkeypatch.setattr(
            "learner.core.teaching.train.base_songs", lambda stem: [songs.load(files) for files in songs.scan(corpus).songs]
        )
        assert run("train", "--steps", "1", "--batch", "1") == 0
        assert [path.name for path in base.parent.iterdir()] == ["base.safetensors"]
        assert checkpoint.file_hash(base) in capsys.readouterr().out

    def test_without_songs_it_says_what_it_wants(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("train", tmp_path, "--out", tmp_path) == 1
        assert "no song with stems under" in capsys.readouterr().err

    def test_real_songs_are_learnt_by_a_course_of_their_own(self, corpus: Path, tmp_path: Path) -> None:
        assert run("train", corpus, "--steps", "1", "--batch", "1", "--out", tmp_path) == 0
        (path,) = tmp_path.glob("*.safetensors")
        about = checkpoint.about(path)
        assert (about.config["widths"][-1], about.recipe["over_band"], about.recipe["patch_levels"]) == (256, [-8.0, 8.0], True)


class TestTeacher:
    def test_it_stands_in_for_stems_that_nobody_has(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("train", corpus, "--teacher", tiny, "--steps", "1", "--batch", "2", "--out", tmp_path)
        assert run(*arguments, "--test", corpus / "target-3") == 0
        (path,) = tmp_path.glob("*.safetensors")
        recipe = checkpoint.about(path).recipe
        assert (recipe["teacher"], recipe["taught"], recipe["songs"]) == (checkpoint.file_hash(tiny), 1, 3)
        out = capsys.readouterr().out
        assert [line.split()[0] for line in out.splitlines()[1:5]] == ["silence", "mixture", "trained", "teacher"]
        assert "CPU s/min" in out
        (taught,) = songs.scan(tmp_path / f"taught-by-{recipe['teacher'][:10]}").songs
        mixture = audio.read(corpus / "jam.flac").samples
        np.testing.assert_allclose(songs.load(taught).mixture, mixture, atol=1e-5)

    def test_what_it_took_apart_is_not_taken_apart_again(
        self, corpus: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arguments = ("train", corpus, "--teacher", tiny, "--without-stems", "--steps", "1", "--batch", "1", "--out", tmp_path)
        assert run(*arguments) == 0
        monkeypatch.setattr("learner.core.separate.separate_file", None)
        assert run(*arguments, "--seed", "1") == 0
        assert {checkpoint.about(path).recipe["taught"] for path in tmp_path.glob("*.safetensors")} == {4}

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (("--teacher", "nobody"), "nobody is no base and no file; allowed are"),
            (("--without-stems",), "--without-stems needs a --teacher"),
            (("--teacher", "TINY", "--stem", "drums"), "takes out vocals, and drums is to be learnt"),
        ],
    )
    def test_what_it_cannot_be_is_said(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
    ) -> None:
        arguments = [tiny if one == "TINY" else one for one in more]
        assert run("train", corpus, *arguments, "--steps", "1", "--out", tmp_path) == 1
        assert said in capsys.readouterr().err

    def test_it_needs_songs(self, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("train", "--teacher", tiny, "--out", tmp_path) == 1
        assert "--teacher needs a folder of songs" in capsys.readouterr().err


class TestSeparate:
    def test_voice_and_rest_add_up_to_the_mix(self, corpus: Path, tiny: Path, tmp_path: Path) -> None:
        assert run("separate", corpus, "--checkpoint", tiny, "--out", tmp_path, "--rest") == 0
        found = songs.find(tmp_path).songs
        assert [files.name for files in found] == ["jam", "source-1", "source-2", "target-3"]
        mixture = audio.read(corpus / "source-1" / "mixture.flac").samples
        np.testing.assert_allclose(songs.load(found[1]).mixture, mixture, atol=1e-5)

    def test_a_bad_recording_is_named_and_the_rest_goes_on(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bad = tmp_path / "bad.wav"
        bad.write_text("no sound")
        assert run("separate", bad, corpus / "jam.flac", "--checkpoint", tiny, "--out", tmp_path / "out") == 0
        out, err = capsys.readouterr()
        assert "1 of 2 recordings" in out
        assert "bad.wav" in err

    def test_results_do_not_overwrite_each_other(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("separate", corpus / "jam.flac", corpus, "--checkpoint", tiny, "--out", tmp_path) == 1
        assert "Several recordings are called jam" in capsys.readouterr().err

    def test_garbage_is_no_checkpoint(self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        garbage = tmp_path / "garbage.safetensors"
        garbage.write_bytes(b"x" * 100)
        assert run("separate", corpus, "--checkpoint", garbage, "--out", tmp_path) == 1
        assert "garbage.safetensors" in capsys.readouterr().err


class TestAdapt:
    def adapt(self, corpus: Path, tiny: Path, tmp_path: Path, marks: Any, *more: object) -> int:
        (tmp_path / "marks.json").write_text(json.dumps(marks))
        folders = ("--replay", corpus, "--validation", corpus)
        return run("adapt", corpus, "--marks", tmp_path / "marks.json", "--parent", tiny, *folders, "--out", tmp_path / "children", *more)

    def test_marks_in_a_file_make_a_child(self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        marks = {"target-3": [[1.0, 2.0], [3.0, 4.5, 0.8]], "jam": {"marks": [], "heard": [[0, 0.5]]}}
        loose = json.dumps({"keep_every": 2, "voice_kept_db": -60, "past_lost_db": 60, "factors": [1.0]})
        more = ("--first", tiny, "--steps", 2, "--recipe", loose, "--json", tmp_path / "report.json")
        assert self.adapt(corpus, tiny, tmp_path, marks, *more) == 0
        (child,) = (tmp_path / "children").glob("*.safetensors")
        about = checkpoint.about(child)
        assert about.parent == checkpoint.file_hash(tiny)
        assert about.recipe["steps"] == 2
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["hash"] == child.stem
        assert "leak on the marks" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("marks", "reason"),
        [
            ({"unknown": [[1, 2]]}, "names 'unknown', which is not in"),
            ({"jam": [[1, 2, 3, 4]]}, "is not [start, end] or [start, end, weight]"),
            ({"jam": [["1", "2"]]}, "is not [start, end]"),
            ({"jam": {"mark": []}}, "allowed keys are marks and heard, not mark"),
            ({"target-3": [[2, 1]]}, "allowed is 0 <= start < end"),
            ({"target-3": [[1, 2, 1.5]]}, "the weight is 1.5; allowed is 0 ... 1"),
            ([], "not a list"),
            ({"target-3": []}, "no marked stretch"),
        ],
    )
    def test_marks_that_cannot_be_are_refused_by_name(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], marks: Any, reason: str
    ) -> None:
        assert self.adapt(corpus, tiny, tmp_path, marks, "--steps", 1) == 1
        assert reason in capsys.readouterr().err

    @pytest.mark.parametrize("recipe", ['{"speed": 3}', '{"steps": "many"}', '{"replay_share": 2}'])
    def test_a_recipe_that_cannot_be_is_refused(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], recipe: str
    ) -> None:
        assert self.adapt(corpus, tiny, tmp_path, {"jam": [[0, 1]]}, "--recipe", recipe) == 1
        assert "error:" in capsys.readouterr().err

    def test_marks_that_are_no_json_are_refused(self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "marks.json").write_text("1.0 2.0")
        assert run("adapt", corpus, "--marks", tmp_path / "marks.json", "--parent", tiny, "--replay", corpus, "--validation", corpus) == 1
        assert "is not JSON" in capsys.readouterr().err


class TestEvaluate:
    def test_it_shows_silence_and_the_mixture_beside_the_checkpoint(
        self, corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("evaluate", corpus, "--checkpoint", tiny, "--json", tmp_path / "figures.json") == 0
        out = capsys.readouterr().out
        assert [line.split()[0] for line in out.splitlines()[1:4]] == ["silence", "mixture", tiny.stem[:10]]
        assert "voice kept" in out
        figures = json.loads((tmp_path / "figures.json").read_text())
        assert figures["silence"]["summary"]["song_sdr"] == 0
        assert figures["mixture"]["summary"]["voice_kept_db"] == pytest.approx(0, abs=0.5)
        assert set(figures[tiny.stem[:10]]["songs"]) == {"source-1", "source-2", "target-3"}

    def test_json_may_go_to_standard_output(self, corpus: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("evaluate", corpus, "--checkpoint", tiny, "--json", "-") == 0
        out = capsys.readouterr().out
        assert json.loads(out[out.index("{") :])["silence"]["summary"]["si_sdr"] == -100

    def test_figures_that_are_not_defined_are_null(self, tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
        noise = (0.1 * np.random.default_rng(0).standard_normal((1, RATE))).astype(np.float32)
        (tmp_path / "instrumental").mkdir()
        audio.write_flac(tmp_path / "instrumental" / "mixture.flac", noise, RATE)
        audio.write_flac(tmp_path / "instrumental" / "vocals.flac", 0 * noise, RATE)
        assert run("evaluate", tmp_path, "--checkpoint", tiny, "--json", "-") == 0
        out = capsys.readouterr().out
        assert json.loads(out[out.index("{") :])["mixture"]["summary"]["sdr_mean"] is None


def test_drums_are_generated_learned_separated_taught_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("learner.core.teaching.train.BASE_SEEDS", (1, 2))
    monkeypatch.setattr("learner.core.cli.adapting.VALIDATION_SEEDS", range(3, 4))
    assert run("generate", tmp_path / "songs", "--domain", "target", "--seeds", "5", "--duration", "6", "--stem", "drums") == 0
    assert {file.name for file in (tmp_path / "songs" / "target-5").iterdir()} == {"mixture.flac", "drums.flac"}
    assert run("train", "--stem", "drums", "--steps", "1", "--batch", "1", "--out", tmp_path / "nets") == 0
    (net,) = (tmp_path / "nets").glob("*.safetensors")
    assert checkpoint.about(net).stem == "drums" and checkpoint.about(net).recipe["songs"] == 2

    assert run("separate", tmp_path / "songs", "--checkpoint", net, "--out", tmp_path / "out", "--rest") == 0
    drums, rest = (audio.read(tmp_path / "out" / "target-5" / f"{name}.flac").samples for name in ("drums", "rest"))
    np.testing.assert_allclose(drums + rest, audio.read(tmp_path / "songs" / "target-5" / "mixture.flac").samples, atol=1e-4)

    (tmp_path / "marks.json").write_text(json.dumps({"target-5": [[2.0, 3.0]]}))
    capsys.readouterr()
    loose = '{"keep_every": 1, "voice_kept_db": -60, "past_lost_db": 60, "solo_sdr_db": 1}'
    adapt = ("adapt", tmp_path / "songs", "--marks", tmp_path / "marks.json", "--parent", net, "--out", tmp_path / "nets")
    assert run(*adapt, "--steps", "1", "--recipe", loose) == 0
    said = capsys.readouterr().out
    assert "accepted drums" in said and "voice" not in said
    (child,) = set((tmp_path / "nets").glob("*.safetensors")) - {net}
    assert checkpoint.about(child).stem == "drums"

    assert run("evaluate", tmp_path / "songs", "--checkpoint", net, "--checkpoint", child) == 0
    assert "drums kept" in capsys.readouterr().out


def test_checkpoints_of_two_stems_are_not_compared(corpus: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drums = checkpoint.save(build("unet", {"widths": [4, 4, 4, 4], "stem": "drums"}), tmp_path, recipe={}, parent=None).path
    assert run("evaluate", corpus, "--checkpoint", tiny, "--checkpoint", drums) == 1
    assert "checkpoints of one stem are compared" in capsys.readouterr().err
