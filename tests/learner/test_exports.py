"""Exports: asked for, made of one moment, and gone again. Real rows, real files."""

import csv
import io
import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from annotation.files import storage
from annotation.models import Campaign, Event, Membership, Submission
from annotation.services.first_visit import withdraw_consent
from learner import actors
from learner.exports import folders, making
from learner.exports.names import code
from learner.exports.snapshot import snapshot
from learner.models import Export, Job
from learner.services import exports, jobs
from tests import worlds
from tests.present import present

Format = Export.Format


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    """Two songs; of the first a clip that ann and bob answered and agreed on, of the second one that they found nothing wrong in."""
    settings.HOME = tmp_path
    campaign = worlds.campaign("bleed", min_overlap=2, max_overlap=2, certainty=0.0)
    first, second = worlds.opened([worlds.clip(worlds.track(campaign, name), 30.0) for name in ("a/=song", "other")])
    ann, bob = (worlds.member(campaign, name) for name in ("ann", "bob"))
    worlds.answer(first, ann, (32.0, 34.5), (40.0, 41.0))
    worlds.answer(first, bob, (32.25, 34.5))
    worlds.answer(second, ann)
    worlds.answer(second, bob)
    worlds.agreed(first)
    worlds.agreed(second)
    return campaign


@pytest.fixture
def boss(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "boss", "owner")


def made(boss: Membership, format: str, **about: Any) -> Export:
    """An export after a worker has made it."""
    export = exports.ask_export(who=boss, wanted=Export(format=format, **about))
    making.make(present(Job.claim(export.job_id)))
    export.refresh_from_db()
    return export


def files(export: Export) -> dict[str, str]:
    with zipfile.ZipFile(storage.local(export.file)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_says_what_was_made_of_which_moment_and_how_to_check_it(boss: Membership) -> None:
    export = made(boss, Format.LABEL_STUDIO)
    path = storage.local(export.file)
    assert (export.job.state, export.sha256, export.n_bytes) == ("done", folders.digest(path), path.stat().st_size)
    assert export.called.startswith("bleed-label-studio-2") and export.called.endswith(".json") and export.taken_at
    tasks = json.loads(path.read_text())
    assert [len(task["annotations"]) for task in tasks] == [2, 2]
    assert {one["pseudonym"] for task in tasks for one in task["annotations"]} == {
        code(pk) for pk in Membership.objects.filter(pseudonym__in=["ann", "bob"]).values_list("pk", flat=True)
    }
    event = Event.objects.get(what="data.exported")
    assert event.who == boss and event.after == {"export": export.pk, "format": "label-studio", "whose": "both", "names": "codes"}


def test_what_a_killed_worker_left_goes_with_the_job(boss: Membership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = exports.ask_export(who=boss, wanted=Export(format=Format.JAMS))
    job = present(Job.claim(export.job_id))
    killed = jobs.scratch(job)
    (killed.__enter__() / "of ann").write_text("half of it")
    jobs.remove_leftovers()
    assert [*tmp_path.rglob("of ann")], "it may be at work"
    making.make(job)
    assert [*(tmp_path / "work").iterdir()] == []
    last = jobs.scratch(job)
    (last.__enter__() / "of ann").write_text("an attempt that was thought dead")
    jobs.remove_leftovers()
    assert not [*tmp_path.rglob("of ann")]


def test_csv_for_excel_has_its_mark_and_a_row_for_each_answer(boss: Membership) -> None:
    text = storage.local(made(boss, Format.LABEL_STUDIO_CSV).file).read_bytes().decode()
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert [row["track"] for row in rows] == ["a/=song", "a/=song", "other", "other"] and json.loads(rows[0]["fp"])[0]["start"] == 2.25


OF_MARKS = [Format.LABEL_STUDIO, Format.LABEL_STUDIO_MIN, Format.LABEL_STUDIO_CSV, *Export.OF_SONGS]
"""Tables hold the history too, which tells of exports; datasets have tests of their own."""


@pytest.mark.parametrize("format", OF_MARKS)
def test_marks_are_the_same_bytes_when_they_are_written_again(boss: Membership, format: str) -> None:
    assert made(boss, format).sha256 == made(boss, format).sha256


def test_audacity_has_a_folder_for_each_person_and_for_the_consensus(boss: Membership) -> None:
    found = files(made(boss, Format.AUDACITY, names="pseudonyms"))
    track = boss.campaign.tracks.get(name="a/=song").pk
    assert set(found) == {f"{by}/{track:06}-a_song.txt" for by in ("ann", "bob", "consensus")}
    assert found[f"ann/{track:06}-a_song.txt"] == (
        "32.000000\t34.500000\tFalse positive vocals\n40.000000\t41.000000\tFalse positive vocals\n"
    )


def test_only_what_was_asked_for_is_in_it(boss: Membership) -> None:
    of_consensus = files(made(boss, Format.JAMS, whose="consensus"))
    annotators = {
        one["annotation_metadata"]["annotator"]["name"] for text in of_consensus.values() for one in json.loads(text)["annotations"]
    }
    assert annotators == {"consensus"} and len(of_consensus) == 2, "also of the song in which nothing was wrong"
    assert storage.local(made(boss, Format.LABEL_STUDIO, first_round=2).file).read_text() == "[\n]\n"


def test_who_withdrew_is_left_out_and_so_is_what_rests_on_them(boss: Membership) -> None:
    withdraw_consent(by=Membership.objects.get(pseudonym="bob"), with_answers=True)
    assert Submission.objects.filter(status="withdrawn").count() == 2
    only = made(boss, Format.RTTM, names="pseudonyms")
    assert only.file.endswith(".rttm"), "one file: ann's, and no consensus, which rested on both"
    text = "".join(files(made(boss, Format.TEXTGRID, names="pseudonyms")).values())
    assert '"ann"' in text and '"bob"' not in text


def test_files_made_before_somebody_took_their_answers_back_are_removed(boss: Membership) -> None:
    export, bob = made(boss, Format.JAMS), Membership.objects.get(pseudonym="bob")
    actors.flag_checkpoints.fn(bob.pk)
    export.refresh_from_db()
    assert not export.is_there and "took their answers back" in export.removed_because and export.sha256


def test_what_cannot_be_made_is_refused_with_what_to_do(boss: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(exports.NotExported, match="no round of this campaign has frozen"):
        exports.ask_export(who=boss, wanted=Export(format=Format.DATASET))
    monkeypatch.setattr(exports, "find_spec", lambda name: None)
    with pytest.raises(exports.NotExported, match=r"pip install 'unbleed\[parquet\]'"):
        exports.ask_export(who=boss, wanted=Export(format=Format.PARQUET))


def test_the_command_writes_a_folder_or_a_zip_and_is_on_record(campaign: Campaign, tmp_path: Path) -> None:
    said = io.StringIO()
    call_command("export", "bleed", "--format", "jams", "--to", str(tmp_path / "out"), stdout=said)
    assert said.getvalue() == f"2 files of Bleed in {tmp_path / 'out'}.\n" and len(list((tmp_path / "out").glob("*.jams"))) == 2
    call_command("export", "bleed", "--format", "jams", "--to", str(tmp_path / "out.zip"), stdout=said)
    assert len(zipfile.ZipFile(tmp_path / "out.zip").namelist()) == 2
    assert present(Event.objects.filter(what="data.exported").first()).after["by"] == "a command"  # type: ignore[index]
    with pytest.raises(CommandError, match="is there already"):
        call_command("export", "bleed", "--format", "jams", "--to", str(tmp_path / "out"))


@pytest.mark.django_db(transaction=True)
def test_all_rows_are_those_of_one_moment() -> None:
    campaign = worlds.campaign("bleed")

    def meanwhile() -> None:
        worlds.track(campaign, "late")
        connection.close()

    with snapshot():
        assert campaign.tracks.count() == 0
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
        assert campaign.tracks.count() == 0, "what others write meanwhile is not seen"
    assert campaign.tracks.count() == 1
