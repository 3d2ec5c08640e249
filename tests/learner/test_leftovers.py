"""What the machine needs no more goes by rules, and what lineage, a roll-back, a job or another row needs never does."""

import os
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.utils.timezone import now

from annotation.files import storage
from annotation.models import Campaign, Estimate, Stem, Task, Track
from hub import postgres
from learner import services
from learner.models import (
    Checkpoint,
    Evaluation,
    FileRemoved,
    Job,
    ReleasedFile,
    Round,
    SharedModel,
    UnfitCheckpoint,
)
from learner.services import leftovers
from tests import worlds
from tests.learner.scored import scored
from tests.present import present

pytestmark = pytest.mark.django_db
DAYS = 30


def kept(content: str, days: float = 100) -> str:
    """The key of a file in the storage that was kept so many days ago."""
    key = storage.keep(content.encode(), ".safetensors")
    os.utime(storage.local(key), (time.time() - days * 24 * 3600,) * 2)
    return key


def there(key: str) -> bool:
    return storage.local(key).exists()


def tidy(days: int = DAYS) -> list[int]:
    """Apply both rules; returns the bytes of each file that went."""
    list(leftovers.release_checkpoints(days))
    list(leftovers.release_estimates(days))
    return [size for sizes in leftovers.remove_released() for size in sizes]


@pytest.fixture
def base() -> Checkpoint:
    return worlds.old_checkpoint("base")


@pytest.fixture
def campaign(base: Checkpoint) -> Campaign:
    return worlds.with_model(worlds.campaign("c", paused=True), base)


class TestCheckpoints:
    @pytest.mark.parametrize("verdict", ["refused", "stale"])
    def test_the_file_of_a_child_that_was_not_promoted_goes_and_its_row_stays_with_all_that_was_found(
        self, campaign: Campaign, base: Checkpoint, verdict: str
    ) -> None:
        child = worlds.old_checkpoint("child", base)
        adaptation = worlds.ended_round(campaign, child, verdict)
        Evaluation.objects.create(campaign=campaign, checkpoint=child, use="test", domain="target", metric="sdr", value=1.0, n_songs=1)
        assert tidy() == [len("child")]
        child.refresh_from_db()
        adaptation.refresh_from_db()
        assert not there(child.file) and child.file_removed_at and child.hash
        assert adaptation.child == child and adaptation.verdict == verdict and child.evaluations.count() == 1
        assert tidy() == []

    def test_the_file_of_a_comparison_with_replay_alone_goes(self, campaign: Campaign, base: Checkpoint) -> None:
        child, compared = worlds.old_checkpoint("child", base), worlds.old_checkpoint("compared", base)
        worlds.ended_round(campaign, child, "promoted", replay_only=compared)
        assert tidy() == [len("compared")]
        assert there(base.file) and there(child.file)

    def test_none_goes_that_is_younger_than_the_rule_says(self, campaign: Campaign, base: Checkpoint) -> None:
        worlds.ended_round(campaign, worlds.old_checkpoint("child", base, days=20), "refused", days=20)
        assert tidy() == []

    def test_none_goes_that_another_campaign_was_given_or_promoted(self, campaign: Campaign, base: Checkpoint) -> None:
        children = [worlds.old_checkpoint(name, base) for name in ("first", "second")]
        for child in children:
            worlds.ended_round(campaign, child, "refused")
        worlds.with_model(worlds.campaign("other"), children[0])
        worlds.ended_round(worlds.with_model(worlds.campaign("third"), base), children[1], "promoted")
        assert tidy() == []

    def test_none_goes_that_was_rolled_back_or_that_something_began_from(self, campaign: Campaign, base: Checkpoint) -> None:
        rolled_back = worlds.old_checkpoint("rolled back", base)
        worlds.ended_round(campaign, rolled_back, "promoted")
        services.roll_back(campaign=campaign, seen=rolled_back)
        parent = worlds.old_checkpoint("parent", base)
        worlds.ended_round(campaign, parent, "refused")
        worlds.old_checkpoint("grandchild", parent)
        assert tidy() == []

    def test_none_goes_that_was_judged_again_lately(self, campaign: Campaign, base: Checkpoint) -> None:
        child = worlds.old_checkpoint("child", base)
        worlds.ended_round(campaign, child, "refused")
        worlds.ended_round(campaign, child, "refused", days=1)
        assert tidy() == []

    def test_none_goes_whose_file_was_kept_lately_since_a_job_may_be_about_to_use_it(self, campaign: Campaign, base: Checkpoint) -> None:
        child = worlds.old_checkpoint("child", base)
        worlds.ended_round(campaign, child, "refused")
        storage.keep(b"child", ".safetensors")
        assert tidy() == []
        child.refresh_from_db()
        assert child.file_removed_at is None

    def test_kept_again_it_has_its_file_again(self, campaign: Campaign, tmp_path: Path) -> None:
        from learner.core.teaching import train

        row = services.keep_checkpoint(file=train.BASE)
        Checkpoint.objects.filter(pk=row.pk).update(file_removed_at=now())
        storage.local(row.file).unlink()
        assert services.keep_checkpoint(file=train.BASE).stored == row.file
        row.refresh_from_db()
        assert row.file_removed_at is None and there(row.file)

    def test_what_needs_a_file_that_went_says_since_when(self, campaign: Campaign, base: Checkpoint) -> None:
        child = worlds.old_checkpoint("child", base)
        worlds.ended_round(campaign, child, "refused")
        tidy()
        child.refresh_from_db()
        said = f"Its file was removed on {now():%-d %b %Y}, by the rule."
        with pytest.raises(FileRemoved, match=said):
            assert child.stored
        with pytest.raises(UnfitCheckpoint, match=said):
            worlds.with_model(worlds.campaign("another"), child)


class TestEstimates:
    """Four checkpoints in a row, each promoted: the last is in use, the third is what a roll-back leads to."""

    @pytest.fixture
    def line(self, campaign: Campaign, base: Checkpoint) -> list[Checkpoint]:
        line = [base]
        for name in ("one", "two", "three"):
            line.append(worlds.old_checkpoint(name, line[-1]))
            worlds.ended_round(campaign, line[-1], "promoted")
        return line

    @pytest.fixture
    def track(self, campaign: Campaign) -> Track:
        return worlds.track(campaign)

    def estimates(self, track: Track, line: Iterable[Checkpoint]) -> list[str]:
        for one in line:
            Estimate.objects.create(
                track=track, stem="vocals", checkpoint=one.hash, file=kept(f"by {one.hash}"), made=now() - timedelta(days=100)
            )
        return list(Estimate.objects.order_by("pk").values_list("file", flat=True))

    def test_those_of_checkpoints_further_back_than_a_roll_back_go(self, track: Track, line: list[Checkpoint]) -> None:
        files = self.estimates(track, line)
        assert len(tidy()) == 2
        assert [there(file) for file in files] == [False, False, True, True]
        assert Estimate.objects.count() == 2
        assert all(there(one.file) for one in line), "the checkpoints themselves are lineage"

    def test_those_that_somebody_was_given_a_clip_of_stay(self, track: Track, line: list[Checkpoint]) -> None:
        files = self.estimates(track, line)
        worlds.opened(worlds.clips(track, 1), checkpoint=line[0].hash)
        Task.objects.update(state=Task.State.WITHDRAWN)
        tidy()
        assert [there(file) for file in files] == [True, False, True, True]

    def test_those_of_a_round_under_way_stay(self, track: Track, line: list[Checkpoint]) -> None:
        files = self.estimates(track, line)
        Round.objects.filter(number=1).update(state=Round.State.SCORING)
        tidy()
        assert [there(file) for file in files] == [True, False, True, True]

    def test_where_the_checkpoint_in_use_has_not_heard_a_track_all_stay(self, track: Track, line: list[Checkpoint]) -> None:
        self.estimates(track, line[:-1])
        assert tidy() == []

    def test_after_roll_backs_the_pool_is_separated_again(self, tmp_path: Path) -> None:
        from learner.work import scoring

        campaign = scored(tmp_path, n_songs=2, clips_per_round=1)
        heard = Task.objects.get(kind="pool").track_id
        row, track = SharedModel.objects.get(campaign=campaign).current, campaign.tracks.filter(use="pool").exclude(pk=heard).get()
        line = [row]
        for name in ("one", "two"):
            line.append(worlds.old_checkpoint(name, line[-1]))
            Estimate.objects.create(track=track, stem="vocals", checkpoint=line[-1].hash, file=kept(name))
        SharedModel.objects.filter(campaign=campaign).update(current=line[-1])
        Round.objects.update(state=Round.State.REFUSED, finished=now())
        Estimate.objects.update(made=now() - timedelta(days=100))
        before = Estimate.objects.get(track=track, checkpoint=row.hash).file
        os.utime(storage.local(before), (time.time() - 100 * 24 * 3600,) * 2)
        assert len(tidy()) == 1 and not there(before)
        services.roll_back(campaign=campaign, seen=line[2])
        services.roll_back(campaign=campaign, seen=line[1])
        round_ = present(services.start_round(campaign=campaign))
        scoring.score_pool(present(Job.claim(round_.scoring_id)))
        assert Estimate.objects.get(track=track, checkpoint=row.hash).file == before and there(before)


class TestFiles:
    """A file goes once no row names it, and never while it may be about to be named."""

    @pytest.fixture
    def released(self) -> str:
        key = kept("sound")
        ReleasedFile.objects.create(file=key)
        return key

    def test_the_same_bytes_of_another_row_stay(self, released: str, campaign: Campaign) -> None:
        Stem.objects.create(track=worlds.track(campaign), name="vocals", file=released)
        assert tidy() == [] and there(released)
        assert not ReleasedFile.objects.exists()

    def test_every_kind_of_row_that_names_a_file_is_asked(self) -> None:
        naming = {
            model.__name__
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if "storage key" in getattr(field, "help_text", "")
        }
        assert naming == {"Stem", "Estimate", "Signals", "TriedSong", "JudgedSong", "GoldTruth", "Checkpoint", "ReleasedFile", "Export"}, (
            "look at leftovers.named_of"
        )

    def test_kept_lately_it_stays_for_another_day(self, released: str) -> None:
        storage.keep(b"sound", ".safetensors")
        assert tidy() == [] and there(released) and ReleasedFile.objects.exists()
        kept("sound")
        assert tidy() == [len("sound")]

    def test_kept_in_the_moment_of_its_removal_it_stays(self, released: str, monkeypatch: pytest.MonkeyPatch) -> None:
        move = os.replace
        moved: list[object] = []

        def replace(source: Path, target: Path) -> None:
            if not moved:
                moved.append(source)
                storage.keep(b"sound", ".safetensors")
            move(source, target)

        monkeypatch.setattr(os, "replace", replace)
        assert storage.remove(released) is None
        assert there(released) and storage.intact(released)

    def test_killed_half_way_the_next_call_goes_on(self, released: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Path, "unlink", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
            storage.remove(released)
        assert tidy() == [len("sound")]
        assert not list(storage.local(released).parent.glob(f"{storage.local(released).name}*"))

    def test_one_that_is_gone_already_is_forgotten(self, released: str) -> None:
        storage.local(released).unlink()
        assert tidy() == [] and not ReleasedFile.objects.exists()

    def test_a_row_without_a_file_takes_no_folder_along(self, released: str) -> None:
        os.utime(storage.local(""), (time.time() - 100 * 24 * 3600,) * 2)
        ReleasedFile.objects.create(file="")
        assert tidy() == [len("sound")]
        assert storage.local("").is_dir()

    def test_while_a_backup_copies_none_goes(self, released: str) -> None:
        with psycopg.connect(**postgres.keywords()) as backup:
            backup.execute("SELECT pg_advisory_lock_shared(%s)", [storage.COPYING])
            assert tidy() == [] and there(released)
            backup.execute("SELECT pg_advisory_unlock_shared(%s)", [storage.COPYING])
        assert tidy() == [len("sound")]
