"""One track costs only itself: a job sets aside what it cannot read or separate, names it, and goes on with the rest. Real audio."""

import errno
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation import services as annotating
from annotation.files import storage
from annotation.models import Campaign, Event, Stem, Task, Track
from learner import services
from learner.core.separators import Separator
from learner.models import Adaptation, Evaluation, Job, Lost, Round, Score
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db
RECIPE = {"steps": 2, "keep_every": 1, "new_patches": 1, "replay_patches": 1, "n_frames": 64, "marks_fall_db": 0}
OTHERS = {"replay": 2, "validation": 2, "gate": 2, "test": 2}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Songs of 4 s with stems, a few for each use, and the shipped base; nothing done yet."""
    from learner.core.songs import synth
    from learner.core.teaching import train
    from learner.ingest import ingest

    rules: dict[str, Any] = {
        "clip_seconds": 10.0,
        "clips_per_round": 9,
        "min_overlap": 1,
        "max_overlap": 1,
        "recipe": RECIPE,
        "compare_with_replay": False,
    }
    campaign = worlds.campaign(seed=3, **rules)
    for n, (use, songs) in enumerate({"pool": 6, **OTHERS}.items()):
        (tmp_path / use).mkdir()
        synth.write_songs(tmp_path / use, "target", range(920_000 + 10 * n, 920_000 + 10 * n + songs), 4.0)
        assert not ingest(campaign=campaign, folder=tmp_path / use, use=use, domain="target").bad
    return worlds.with_model(campaign, services.keep_checkpoint(file=train.BASE))


def songs(campaign: Campaign, use: str = "pool") -> list[Track]:
    return list(Track.objects.filter(campaign=campaign, use=use).order_by("pk"))


def file_of(track: Track, stem: str = "mixture") -> Path:
    return storage.local(Stem.objects.get(track=track, name=stem).file)


def gone(file: Path) -> None:
    file.unlink()


def noise(file: Path) -> None:
    file.write_bytes(np.random.default_rng(0).bytes(20_000))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def one_bit(file: Path) -> None:
    """Decodes as before, and sounds of something else."""
    sound = bytearray(file.read_bytes())
    sound[-100] ^= 1
    file.write_bytes(sound)


def done(job: Job, work: str) -> Job:
    """The job after a worker did it."""
    from learner import actors
    from learner.work import adapting, scoring

    try:
        actors.run(job.pk, getattr(scoring if work == "score_pool" else adapting, work))
    except Exception as error:
        print(f"the worker sees {error!r}")
    return Job.objects.get(pk=job.pk)


def choose(campaign: Campaign) -> Job:
    """A new round, and its clips chosen."""
    round_ = services.start_round(campaign=campaign)
    assert round_
    return done(round_.scoring, "score_pool")


def aside() -> dict[Track, str]:
    return {track: track.set_aside_reason for track in Track.objects.exclude(set_aside=None)}


def heavier(track: Track, error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this track end its measuring."""
    from learner.work import signals
    from learner.work.tracks import sound_of

    def measure(separator: Separator, blocks: Iterable[np.ndarray], rate: int, **how: Any) -> Any:
        samples = np.concatenate(list(blocks), axis=1)
        if np.array_equal(samples, heavy):
            raise error
        return measured(separator, [samples], rate, **how)

    heavy, measured = sound_of(track, "mixture").samples, signals.measure
    monkeypatch.setattr(signals, "measure", measure)


class TestChoosingClips:
    def test_songs_whose_files_are_spoilt_are_set_aside_and_the_round_goes_on(self, campaign: Campaign) -> None:
        bad = dict(zip(songs(campaign), (gone, noise, cut, one_bit), strict=False))
        for track, spoil in bad.items():
            spoil(file_of(track))
        assert choose(campaign).state == "done"
        assert aside().keys() == bad.keys()
        for track, reason in aside().items():
            assert f"Its mixture ({Stem.objects.get(track=track, name='mixture').file}) cannot be read" in reason
        assert Track.objects.filter(set_aside_by=None).exclude(set_aside=None).count() == 4, "by the platform itself"
        good = set(songs(campaign)) - bad.keys()
        assert {task.track for task in Task.objects.all()} == good
        assert Round.objects.get().state == "annotating"
        events = {present(event.after)["track"]: event.after for event in Event.objects.filter(what="track.set_aside")}
        assert events == {track.pk: {"track": track.pk, "name": track.name, "use": "pool", "reason": why} for track, why in aside().items()}

    def test_a_song_that_the_separator_stumbles_over_is_set_aside(self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
        bad = songs(campaign)[2]
        heavier(bad, MemoryError, monkeypatch)
        assert choose(campaign).state == "done"
        assert aside().keys() == {bad} and "It cannot be separated and scored: MemoryError" in aside()[bad]

    def test_where_none_is_left_the_job_says_of_each_what_is_wrong_and_blames_none(self, campaign: Campaign) -> None:
        for track in songs(campaign):
            gone(file_of(track))
        job = choose(campaign)
        assert job.state == "failed" and not aside()
        assert "Not one of 6 tracks could be separated and scored." in job.reason
        for track in songs(campaign)[:5]:
            assert f"{track.name}: Its mixture ({Stem.objects.get(track=track, name='mixture').file})" in job.reason
        assert "And 1 more." in job.reason
        campaign.refresh_from_db()
        assert campaign.paused

    def test_a_checkpoint_that_is_broken_blames_no_song(self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
        from learner.work import scoring

        monkeypatch.setattr("learner.core.choosing.signals.stem_blocks", lambda separator, mix, *_: (block * np.nan for block in mix))
        monkeypatch.setattr(scoring, "separate", lambda separator, samples, rate: samples * np.nan)
        job = choose(campaign)
        assert job.state == "failed" and "NaN" in job.reason and not aside()

    def test_what_begins_to_fail_in_the_middle_of_the_pool_blames_no_song(
        self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from learner.work import scoring, signals

        def until_the_second(work: Callable[..., Any]) -> Callable[..., Any]:
            def called(*given: Any, **named: Any) -> Any:
                calls.append(1)
                if len(calls) > 2:
                    raise RuntimeError("CUDA error: device-side assert triggered")
                return work(*given, **named)

            return called

        calls: list[int] = []
        monkeypatch.setattr(signals, "measure", until_the_second(signals.measure))
        monkeypatch.setattr(scoring, "separate", until_the_second(scoring.separate))
        job = choose(campaign)
        assert job.state == "failed" and not aside()
        assert "no track is to blame" in job.reason and "CUDA error" in job.reason

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded")])
    def test_a_full_disk_blames_no_song(self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
        def full(**about: object) -> None:
            raise error

        monkeypatch.setattr(annotating, "keep_estimate", full)
        job = choose(campaign)
        assert job.waits_for_room and not aside()
        assert present(error.strerror) in job.doing and not job.campaign.paused

    def test_a_song_that_kills_its_worker_twice_is_set_aside_and_the_others_come_first(
        self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from learner.work import scoring

        class Killed(BaseException):
            """The kernel had no memory left."""

        bad = songs(campaign)[0]
        heavier(bad, Killed, monkeypatch)
        round_ = services.start_round(campaign=campaign)
        assert round_
        for n_scored in (0, 5):
            job = Job.claim(round_.scoring_id)
            assert job
            with pytest.raises(Killed):
                scoring.score_pool(job)
            assert Score.objects.count() == n_scored
            Job.objects.update(heartbeat=present(job.heartbeat) - timedelta(hours=1))
            services.rescue_jobs()
        assert aside() == {bad: f"Two workers died while they were at: separating and scoring {bad.name}."}
        assert done(round_.scoring, "score_pool").state == "done"
        assert {task.track for task in Task.objects.all()} == set(songs(campaign)) - {bad}

    def test_workers_that_die_at_one_song_after_the_other_blame_none(self, campaign: Campaign) -> None:
        round_ = services.start_round(campaign=campaign)
        assert round_
        for track in songs(campaign)[:3]:
            job = Job.claim(round_.scoring_id)
            assert job
            job.work_on(track)
            Job.objects.update(heartbeat=present(job.heartbeat) - timedelta(hours=1))
            services.rescue_jobs()
        assert Job.objects.get().state == "failed" and not aside()

    def test_a_worker_that_lost_its_job_sets_nothing_aside(self, campaign: Campaign) -> None:
        from learner.work import scoring

        noise(file_of(songs(campaign)[0]))
        round_ = services.start_round(campaign=campaign)
        assert round_
        job = Job.claim(round_.scoring_id)
        assert job
        Job.objects.update(attempt=2)
        with pytest.raises(Lost):
            scoring.score_pool(job)
        assert not aside()

    def test_a_new_song_alone_is_to_blame_where_the_others_were_scored_before(self, campaign: Campaign) -> None:
        late = songs(campaign)[-1]
        annotating.set_aside(track=late)
        assert choose(campaign).state == "done"
        Track.objects.filter(pk=late.pk).update(set_aside=None, set_aside_reason="")
        noise(file_of(late))
        Round.objects.update(state=Round.State.REFUSED)
        Campaign.objects.update(clips_per_round=1)
        assert choose(campaign).state == "done"
        assert aside().keys() == {late}

    def test_a_song_that_no_gold_can_be_made_of_is_set_aside(self, campaign: Campaign) -> None:
        Campaign.objects.update(gold_share=0.5, clip_seconds=10.0)
        bad, *_ = songs(campaign, "replay")
        noise(file_of(bad, "vocals"))
        assert choose(campaign).state == "done"
        assert aside().keys() == {bad} and "No gold clip can be made of it" in aside()[bad]

    def test_the_longest_of_names_stops_nothing(self, campaign: Campaign) -> None:
        Track.objects.filter(pk=songs(campaign)[0].pk).update(name="n" * 200)
        assert choose(campaign).state == "done"


def answer(campaign: Campaign) -> Adaptation:
    """Every open clip answered with a mark, and the round frozen."""
    worlds.answer_all(worlds.member(campaign), (1.0, 2.5))
    return present(services.freeze_feedback(round_=Round.objects.latest("pk")))


class TestAdapting:
    def test_songs_of_any_use_cost_only_themselves_and_the_verdict_names_them(self, campaign: Campaign) -> None:
        assert choose(campaign).state == "done"
        marked = Task.objects.filter(kept_apart=False).first()
        assert marked
        adaptation = answer(campaign)
        bad = {marked.track, *(songs(campaign, use)[1] for use in OTHERS)}
        for track in bad:
            noise(file_of(track))
        job = done(adaptation.job, "run_adaptation")
        assert job.state == "done", job.reason
        assert aside().keys() == bad
        adaptation.refresh_from_db()
        for track in bad:
            assert any(track.name in reason and "Left out" in reason for reason in adaptation.reasons)
        subjects = Evaluation.objects.filter(use="test").values_list("subject", "n_songs").distinct()
        assert {n for _, n in subjects} == {1} and len(subjects) == 4, "everybody was measured on the same song"

    @pytest.mark.parametrize("use", ["replay", "gate"])
    def test_where_none_is_left_of_a_use_the_job_says_so(self, campaign: Campaign, use: str) -> None:
        assert choose(campaign).state == "done"
        adaptation = answer(campaign)
        for track in songs(campaign, use):
            noise(file_of(track))
        job = done(adaptation.job, "run_adaptation")
        assert job.state == "failed" and not aside()
        assert "Not one of 2 tracks could be" in job.reason
        for track in songs(campaign, use):
            assert f"{track.name}: Its mixture" in job.reason
