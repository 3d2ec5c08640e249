"""Tables of a campaign as CSV and as Parquet: the same rows in both, nobody's name in them where codes were asked for."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from annotation.models import Campaign, Membership, Reliability
from annotation.services.first_visit import withdraw_consent
from learner.exports import making
from learner.exports.names import code
from learner.exports.tables import TABLES
from learner.models import Evaluation, Export
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(settings: Any, tmp_path: Path) -> Campaign:
    settings.HOME = tmp_path
    campaign = worlds.with_model(worlds.campaign("bleed", min_overlap=2, max_overlap=2, certainty=0.0), worlds.checkpoint("base"))
    worlds.track(campaign, "=song")
    worlds.listening_round(campaign, 2)
    ann, bob = (worlds.member(campaign, name) for name in ("ann", "bob"))
    for task in campaign.tasks.all():
        worlds.answer(task, ann, (task.start + 1.0, task.start + 3.0))
        worlds.answer(task, bob, (task.start + 1.0, task.start + 2.5))
        worlds.agreed(task)
    Reliability.objects.create(membership=ann, sensitivity=0.8, specificity=0.99, onset_lag=0.1, offset_lag=0.0, n_tasks=2)
    Evaluation.objects.create(campaign=campaign, subject="silence", use="test", domain="target", metric="sdr_median", value=0.0, n_songs=3)
    return campaign


def tables(campaign: Campaign, folder: Path, **about: Any) -> dict[str, list[dict[str, str]]]:
    making.write(Export(campaign=campaign, format="tables", **about), folder)
    read = {path.stem: path.read_bytes().decode() for path in folder.glob("*.csv")}
    assert all(text.startswith("\ufeff") for text in read.values())
    return {name: list(csv.DictReader(io.StringIO(text[1:], newline=""))) for name, text in read.items()}


def test_each_table_says_what_is_known(campaign: Campaign, tmp_path: Path) -> None:
    found = tables(campaign, tmp_path / "out", names="pseudonyms")
    assert set(found) == {table.name for table in TABLES}
    assert [(row["person"], row["accepted"]) for row in found["people"]] == [("ann", "2"), ("bob", "2")]
    assert [(row["person"], row["sensitivity"]) for row in found["reliability"]] == [("ann", "0.8")]
    whole = found["agreement"][0]
    assert whole["of"] == "all" and float(whole["frame_f1"]) == pytest.approx(2 * 1.5 / 3.5, abs=0.01)
    assert [row["of"] for row in found["agreement"]] == ["all", "person", "person", "task", "task"]
    assert [(row["round"], row["state"], row["clips"], row["answers"]) for row in found["rounds"]] == [("1", "annotating", "2", "4")]
    assert [(row["metric"], row["value"], row["checkpoint"]) for row in found["figures"]] == [("sdr_median", "0.0", "")]
    assert {row["track"] for row in found["marks"]} == {"'=song"}, "what a spreadsheet would compute is disarmed"
    assert len(found["marks"]) == 4 and found["regions"] and found["events"]


def test_with_codes_no_table_has_a_name(campaign: Campaign, tmp_path: Path) -> None:
    ann = Membership.objects.get(pseudonym="ann")
    found = tables(campaign, tmp_path / "out")
    assert '"ann"' not in (said := json.dumps(found)) and "ann\\" not in said and code(ann.pk) in said


def test_who_withdrew_is_in_none(campaign: Campaign, tmp_path: Path) -> None:
    withdraw_consent(by=Membership.objects.get(pseudonym="bob"), with_answers=False)
    found = tables(campaign, tmp_path / "out", names="pseudonyms")
    assert "bob" not in json.dumps(found)
    assert found["regions"] == [], "what they agreed on rested on both"
    assert {row["who"] for row in found["events"] if row["what"] == "consent.withdrawn"} == {"left out"}


def test_parquet_has_the_same_rows_with_their_kinds(campaign: Campaign, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    as_csv = tables(campaign, tmp_path / "csv")
    making.write(Export(campaign=campaign, format="parquet"), tmp_path / "parquet")
    for table in TABLES:
        read = pq.read_table(tmp_path / "parquet" / f"{table.name}.parquet")
        assert read.column_names == list(table.columns) and read.num_rows == len(as_csv[table.name]), table.name
    marks = pq.read_table(tmp_path / "parquet" / "marks.parquet").to_pylist()
    assert [row["start"] for row in marks] == [float(row["start"]) for row in as_csv["marks"]] and marks[0]["track"] == "=song"
