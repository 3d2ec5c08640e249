"""Files of answers: looked at first, imported whole or not at all, and never twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from annotation.core.formats.label_studio import csv_min, json_min
from annotation.core.imported import Report
from annotation.models import Campaign, Draft, GoldTruth, Membership, Proposal, Provenance, Submission, Task
from annotation.services import first_visit
from learner.models import DataImport, Job
from learner.services import imports
from learner.work.imports import go_through
from tests import worlds
from tests.learner.test_imports import annotation, region, spans, task

pytestmark = pytest.mark.django_db
AUDACITY = b"16.5\t18\tbleed\n40\t41.25\tbleed\n41\tx\tbad\n899\t930\tpast the end\n"


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def campaign() -> Campaign:
    made = worlds.with_model(worlds.campaign(owner=worlds.user("owner")), worlds.checkpoint(worlds.CHECKPOINT))
    worlds.estimate(worlds.track(made, "album/song.wav"))
    return made


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return campaign.memberships.get(role="owner")


def brought(owner: Membership, *files: tuple[str, bytes], kept_as: str = "answers", person: str = "") -> DataImport:
    """Files that were sent and looked at."""
    sent = [SimpleUploadedFile(name, body) for name, body in files]
    return _worked(imports.begin_import(who=owner, files=sent, kept_as=kept_as, person=person))


def imported(data: DataImport, people: dict[str, str] | None = None, meanings: dict[str, str] | None = None) -> Report:
    data = imports.go_on(data=data, who=data.who, people=people or {}, meanings=meanings or {}, do_import=True)
    return Report(**(_worked(data).report or {}))


def _worked(data: DataImport) -> DataImport:
    job = Job.claim(data.job_id or 0)
    assert job
    go_through(job)
    return DataImport.objects.select_related("job", "who", "campaign").get(pk=data.pk)


def looked_at(data: DataImport) -> Report:
    return Report(**(data.report or {}))


def label_studio(*tasks: dict[str, Any]) -> tuple[str, bytes]:
    return "project-1.json", json.dumps(tasks).encode()


class TestLabelStudio:
    def test_it_is_looked_at_before_anything_is_written(self, campaign: Campaign, owner: Membership) -> None:
        closed = worlds.opened([worlds.clip(campaign.tracks.get(), 60)])[0]
        Task.objects.filter(pk=closed.pk).update(state="closed")
        sent = label_studio(
            task("album/song.wav", annotation(region(1, 2)), annotation(region(1.5, 2), by=8)),
            task("album/song.wav", annotation(region(1, 2)), start=60.0, end=75.0),
            task("album/song.wav", annotation(region(14, 99)), start=90.0, end=105.0),
            task("another", annotation(region(1, 2))),
            task("album/song.wav", annotation(region(1, 2, "Speech")), start=120.0, end=135.0),
        )
        data = brought(owner, sent)
        found = looked_at(data)
        assert (found.tasks, found.matched, found.answers, found.clips, found.surplus) == (5, 4, 3, 1, 1)
        assert found.songs == {"it is of 'another', which no song here is called.": 1} and found.labels == {"Speech": 1}
        assert found.faults[0].startswith("tasks[2].annotations[0].result[0] (id 'r14'): value.end is 99")
        assert {key: about["answers"] for key, about in found.people.items()} == {"7": 4, "8": 1}
        assert not Submission.objects.exists() and Task.objects.count() == 1 and campaign.memberships.count() == 1
        done = imported(data, {"8": "new:Expert", "7": "new"}, {"Speech": "mark"})
        assert (done.answers, done.clips, done.surplus) == (4, 2, 1)
        assert sorted(spans()) == [(16, 17), (16.5, 17), (61, 62), (121, 122)]
        assert Submission.objects.get(task=closed).status == "surplus"
        expert = campaign.memberships.get(pseudonym="Expert")
        assert (expert.user, expert.active, expert.kind, expert.tags) == (None, False, "human", ["imported"]), "nobody waits for them"
        assert not data.folder.exists()

    def test_the_same_file_again_adds_nothing_whoever_its_people_are_then(self, campaign: Campaign, owner: Membership) -> None:
        both = annotation(region(1, 2)), annotation(region(2, 3), by={"id": 8, "email": "b@example.org"}), annotation(by=9)
        sent = label_studio(task("song", *both))
        imported(brought(owner, sent))
        again = imported(brought(owner, sent), {"7": "new:Somebody else"})
        assert (again.answers, again.known) == (0, 2)
        assert Submission.objects.count() == 2 and not campaign.memberships.filter(pseudonym="Somebody else").exists()

    def test_cut_short_and_begun_anew_it_keeps_each_answer_once_and_counts_all(self, campaign: Campaign, owner: Membership) -> None:
        tasks = [task("song", annotation(region(1, 2), id=n), start=15.0 * n, end=15.0 * n + 15) for n in range(4)]
        data = brought(owner, label_studio(*tasks))
        imported(brought(owner, label_studio(*tasks[:2])))
        Provenance.objects.update(batch=data.key)  # as if the first two had been kept by an attempt that died
        assert imported(data).answers == 4 and Submission.objects.count() == 4

    def test_members_are_recognised_and_what_they_gave_here_stands(self, campaign: Campaign, owner: Membership) -> None:
        ann, bob, zoe = (worlds.member(campaign, name) for name in ("ann", "bob", "zoe"))
        clips = worlds.opened([worlds.clip(campaign.tracks.get(), 15)])
        worlds.answer(clips[0], ann, (20, 21))
        Draft.objects.create(task=clips[0], by=bob, result=[])
        first_visit.withdraw_consent(by=zoe, with_answers=False)
        people = [{"id": 1, "email": "ann"}, {"id": 2, "email": "bob"}, {"id": 3, "email": "zoe"}, {"id": 4, "email": "dan"}]
        data = brought(owner, label_studio(task("song", *(annotation(region(1, 2), by=one) for one in people))))
        suggested = {key: about.get("member") for key, about in looked_at(data).people.items()}
        assert suggested == {"1": ann.pk, "2": bob.pk, "3": zoe.pk, "4": None}
        done = imported(data, {"1": str(ann.pk), "2": str(bob.pk), "3": str(zoe.pk), "4": "out"})
        assert done.answers == 0 and done.people_out == 1
        assert sorted(done.reasons) == [
            "ann has answered the clip here, and that stands.",
            "bob is at work on the clip now.",
            "zoe has withdrawn their consent.",
        ]

    def test_nothing_marked_needs_the_clip_that_it_was_said_of(self, campaign: Campaign, owner: Membership) -> None:
        worlds.opened([worlds.clip(campaign.tracks.get(), 15)])
        done = imported(brought(owner, label_studio(task("song", annotation()), task("song", annotation(), start=30.0, end=45.0))))
        assert done.answers == 1 and list(done.reasons.values()) == [1] and "which says nothing" in next(iter(done.reasons))

    def test_enough_imported_answers_close_a_clip_like_any_others(self, campaign: Campaign, owner: Membership) -> None:
        imported(brought(owner, label_studio(task("song", annotation(region(1, 4)), annotation(region(1, 4), by=8)))))
        clip = worlds.agreed(Task.objects.get())
        assert clip.state == "closed" and clip.taken == 2

    def test_a_held_out_song_teaches_nothing(self, campaign: Campaign, owner: Membership) -> None:
        worlds.track(campaign, "gate", use="gate")
        assert "is a song for gate" in next(iter(looked_at(brought(owner, label_studio(task("gate", annotation())))).reasons))

    def test_a_file_that_is_cut_short_is_not_imported(self, campaign: Campaign, owner: Membership) -> None:
        name, body = label_studio(task("song", annotation(region(1, 2))), task("song", annotation(region(1, 2), by=8)))
        data = brought(owner, (name, body[:-20]))
        assert looked_at(data).unreadable == 1 and "cut short" in looked_at(data).faults[0]
        with pytest.raises(imports.NotOpen):
            imported(data)
        imports.discard(data=data)
        assert not data.folder.exists()

    def test_our_own_export_comes_back_to_nothing_new_and_to_another_campaign_with_the_same_marks(
        self, campaign: Campaign, owner: Membership
    ) -> None:
        from annotation.selectors.label_studio import label_studio_json

        ann = worlds.member(campaign)
        clip = worlds.opened([worlds.clip(campaign.tracks.get(), 15)])[0]
        given = worlds.answer(clip, ann, (16, 17.123456789), (29, 30))
        sent = label_studio(*label_studio_json(campaign))
        back = brought(owner, sent)
        assert (looked_at(back).answers, looked_at(back).known) == (0, 1) and looked_at(back).people[str(ann.pk)]["member"] == ann.pk
        other = worlds.with_model(worlds.campaign("other", owner=worlds.user("owner")), worlds.checkpoint("d" * 64))
        worlds.estimate(worlds.track(other, "album/song.wav"), "d" * 64)
        assert imported(brought(other.memberships.get(), sent)).answers == 1
        there = Submission.objects.get(task__campaign=other)
        assert there.result == given.result and there.task.clip == clip.clip and there.heard == []
        assert list(there.marks.values_list("start", "end")) == list(given.marks.values_list("start", "end"))

    @pytest.mark.parametrize("name", ["answers.csv", "answers.json"])
    def test_its_short_forms_are_read_too(self, campaign: Campaign, owner: Membership, name: str) -> None:
        answers = [annotation(region(1, 2.5), by=7, id=1), annotation(by=8, id=2)]
        tasks = [{**task("album/song.wav", *answers, start=30.0, end=45.0), "id": 1}, {"id": 2, "data": {"track": "?"}, "annotations": []}]
        body = "".join(csv_min(lambda: tasks)) if name.endswith("csv") else json.dumps([*json_min(tasks)])
        data = brought(owner, (name, body.encode()), ("labels.csv", b"start,end\n"))
        assert (
            looked_at(data).unreadable == 1
            and "labels.csv cannot be read. A CSV of Label Studio has the columns" in looked_at(data).faults[0]
        )
        imported(brought(owner, (name, body.encode())))
        assert spans() == [(31, 32.5)] and Provenance.objects.get().source == "label studio"
        assert imported(brought(owner, (name, body.encode()))).known == 1

    def test_what_labels_mean_is_remembered_so_that_the_same_file_says_the_same_again(self, campaign: Campaign, owner: Membership) -> None:
        sent = label_studio(task("album/song.wav", annotation(region(1, 2), region(3, 4, "Speech"))))
        assert imported(brought(owner, sent), meanings={"Speech": "mark"}).marks == 2
        again = looked_at(brought(owner, sent))
        assert (again.known, again.answers) == (1, 0)

    def test_predictions_are_counted_before_they_are_kept(self, campaign: Campaign, owner: Membership) -> None:
        clip = worlds.opened([worlds.clip(campaign.tracks.get(), 15.0)])[0]
        sent = label_studio(task("album/song.wav", start=clip.start, end=clip.end) | {"predictions": [{"result": [region(1, 2)]}]})
        said = [*looked_at(brought(owner, sent)).lines(done=False)]
        assert "1 prediction left out: this campaign shows no proposals." in said
        Campaign.objects.update(proposes=True, blind_share=0)
        assert looked_at(brought(owner, sent)).predictions == 1 and not Proposal.objects.exists()
        assert imported(brought(owner, sent)).predictions == 1 and Proposal.objects.count() == 1

    def test_of_several_files_it_is_said_which_one_a_fault_is_in(self, campaign: Campaign, owner: Membership) -> None:
        sent = [(f"{name}.json", json.dumps([{"data": 4}]).encode()) for name in "ab"]
        assert [fault[:17] for fault in looked_at(brought(owner, *sent)).faults] == ["a.json tasks[0]: ", "b.json tasks[0]: "]


class TestLabels:
    def test_labels_of_audacity_become_answers_of_somebody_by_clips(self, campaign: Campaign, owner: Membership) -> None:
        data = brought(owner, ("song.txt", AUDACITY), person="Expert A")
        assert looked_at(data).n_faults == 2 and (looked_at(data).answers, looked_at(data).clips) == (2, 2)
        done = imported(data)
        assert (done.answers, done.marks) == (2, 2)
        assert spans() == [(16.5, 18), (40, 41.25)] and [one.clip for one in Task.objects.order_by("start")] == [(15, 30), (30, 45)]
        assert {one.by.pseudonym for one in Submission.objects.all()} == {"Expert A"}
        assert Provenance.objects.filter(source="audacity", file="song.txt").count() == 2
        assert "imported 2 answers with 2 marks" not in str(done), "the history says it"

    def test_a_hundred_thousand_marks_are_refused_in_words_or_kept(self, campaign: Campaign, owner: Membership) -> None:
        lines = "".join(f"{n / 120:.4f}\t{n / 120 + 0.03:.4f}\tx\n" for n in range(100_000)).encode()
        found = looked_at(brought(owner, ("song.txt", lines)))
        assert "at most 1000 are allowed" in found.faults[0] and found.answers == 0

    def test_as_gold_they_are_the_truth_where_something_is_heard(self, owner: Membership, campaign: Campaign) -> None:
        sound = np.zeros(worlds.RATE * 40)
        sound[: worlds.RATE * 20] = 0.2 * np.sin(np.arange(worlds.RATE * 20))
        worlds.song(campaign, {"mixture": worlds.flac(sound)}, worlds.flac(sound), name="heard.wav")
        data = brought(owner, ("heard.txt", b"16\t18\tx\n31\t32\tx\n"), kept_as="gold")
        assert looked_at(data).gold == 2 and not GoldTruth.objects.exists()
        done = imported(data)
        truth = GoldTruth.objects.get()
        assert truth.regions == [[16, 18]] and truth.task.clip == (15, 30) and truth.task.kind == "gold"
        assert done.gold == 1 and "31.00-32.00 s: nothing is heard there" in done.faults[0]
        again = imported(brought(owner, ("heard.txt", b"16\t18\tx\n"), kept_as="gold"))
        assert again.gold == 0 and GoldTruth.objects.count() == 1


class TestCommand:
    def test_it_looks_says_and_imports(self, campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "files").mkdir()
        (tmp_path / "files" / "song.txt").write_bytes(AUDACITY)
        call_command("import", "test", str(tmp_path / "files"), "--person", "Expert", "--dry-run")
        out = capsys.readouterr()
        assert "2 answers will be imported, with 2 marks." in out.out and "song.txt line 3: end is 'x'" in out.err
        assert not Submission.objects.exists()
        call_command("import", "test", str(tmp_path / "files"), "--person", "Expert")
        assert Submission.objects.count() == 2 and "were imported" in capsys.readouterr().out

    @pytest.mark.parametrize("wrong", [["--who", "7"], ["--who", "7=99999"], ["--label", "a=b"], ["--person", "owner"]])
    def test_it_says_what_is_wrong_with_its_options(self, campaign: Campaign, tmp_path: Path, wrong: list[str]) -> None:
        (tmp_path / "song.txt").write_bytes(AUDACITY)
        with pytest.raises(CommandError):
            call_command("import", "test", str(tmp_path / "song.txt"), *wrong)
        assert not Submission.objects.exists()
