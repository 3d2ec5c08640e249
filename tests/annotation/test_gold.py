"""Gold tasks: made without hand work, told by nobody, graded, and what follows from the grades. Real rows, generated audio."""

import io
import struct
import uuid
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.exceptions import ValidationError

from annotation import services
from annotation.core import leak
from annotation.core.regions import Region, intersect, total
from annotation.files.previews import preview
from annotation.files.storage import local
from annotation.models import Campaign, Event, GoldTruth, Membership, Pause, Submission, Task
from annotation.selectors import access, queue, rounds
from annotation.selectors import gold as questions
from annotation.selectors.gold import OnGold, on_gold
from annotation.services import gold, gold_sounds
from tests import worlds
from tests.annotation import endpoints
from tests.annotation.gold_song import campaign_with_song, open_pool, separated

pytestmark = pytest.mark.django_db
SUNG_DBFS = -21.4  # of the song's voice


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


def make(n_gold: int = 5, n_pool: int = 6, **rules: Any) -> Campaign:
    campaign = campaign_with_song(n_pool=0, **{"gold_share": 0.25, **rules})
    golds = gold_sounds.prepare_gold(campaign=campaign, n=n_gold, separate=separated)
    if n_pool:
        open_pool(campaign.tracks.get(), n_pool, golds)
    return campaign


def answer(task: Task, by: Membership, *, rightly: bool) -> Submission:
    truth = gold.truth_of(task) if task.kind == "gold" else []
    marks = truth if rightly else ([] if truth else [task.clip])
    sent = worlds.answer(task, by, *marks, lead_time=20.0)
    worlds.agreed(task)
    return sent


def work(by: Membership, *, rightly: bool, most: int = 100) -> list[str]:
    """Answer until nothing is left; returns the kinds of the tasks in order."""
    kinds: list[str] = []
    while len(kinds) < most and (assignment := services.assign_task(by=by)):
        kinds.append(assignment.task.kind)
        answer(assignment.task, by, rightly=rightly)
    return kinds


class TestMaking:
    def test_truth_is_exact_graded_by_level_and_never_where_somebody_sings(self) -> None:
        campaign = make()
        truths = list(GoldTruth.objects.select_related("task").order_by("pk"))
        assert len(truths) == 5
        assert sorted({truth.level for truth in truths}) == ["", "clear", "faint", "plain"]
        for truth in truths:
            sings = [Region(8.0 * n, 8.0 * n + 4) for n in range(15)]
            regions = gold.truth_of(truth.task)
            assert not intersect(regions, sings)
            assert bool(regions) == bool(truth.level)
            heard, rate = soundfile.read(local(truth.file))
            assert len(heard) == 10 * rate
            for n, frame in enumerate(heard.reshape(-1, rate // 10)):
                loud = 10 * np.log10((frame**2).mean()) - SUNG_DBFS
                when = Region(truth.task.start + n / 10, truth.task.start + (n + 1) / 10)
                if not intersect([when], [(start - 0.1, end + 0.1) for start, end in [*regions, *sings]]):
                    assert loud < -leak.LEAK_RANGE_DB, "too faint to be marked"
            for start, end in regions:
                part = heard[round((start - truth.task.start) * rate) : round((end - truth.task.start) * rate)]
                assert 10 * np.log10((part**2).mean()) - SUNG_DBFS == pytest.approx(truth.level_db, abs=2)
        assert campaign.tracks.get().tasks.filter(kind="gold").count() == 5

    def test_made_again_it_is_the_same_and_nothing_is_opened_twice(self) -> None:
        campaign = make(n_gold=3)
        truths = {truth.file for truth in GoldTruth.objects.all()}
        Task.objects.filter(kind="gold").update(state="withdrawn")
        more = gold_sounds.prepare_gold(campaign=campaign, n=3, separate=separated)
        assert not truths & {one.file for one in more}, "a clip serves once"
        open_pool(campaign.tracks.get(), 1, more)
        assert campaign.tasks.filter(kind="gold", state="open").count() == 3
        assert gold.keep_truth(campaign=campaign, golds=more) == 0

    def test_what_the_separator_itself_leaves_where_nobody_sings_is_to_be_marked(self) -> None:
        campaign = campaign_with_song(n_pool=0)
        golds = gold_sounds.prepare_gold(campaign=campaign, n=3, separate=lambda mixture, rate: 0.6 * mixture)
        for one in golds:
            rests = [Region(8.0 * n + 4, 8.0 * n + 8) for n in range(15)]
            assert total(one.regions) == pytest.approx(total(intersect(rests, [one.clip])), abs=1.3), "but for what rings after a voice"
            assert intersect(one.regions, rests) == one.regions
            assert one.level and one.level.name in ("plain", "clear")

    def test_a_song_without_stems_gives_none(self) -> None:
        campaign = make(n_gold=0)
        campaign.tracks.get().stems.filter(name="vocals").delete()
        assert gold_sounds.prepare_gold(campaign=campaign, n=3, separate=separated) == []

    def test_songs_that_the_gate_or_the_test_need_are_left_alone(self) -> None:
        campaign = make(n_gold=0)
        for use in ("gate", "test", "validation"):
            campaign.tracks.update(use=use)
            assert gold_sounds.prepare_gold(campaign=campaign, n=1, separate=separated) == []

    def test_more_are_wanted_the_more_clips_and_the_larger_the_share(self) -> None:
        campaign = make(n_gold=0)
        assert gold_sounds.wanted_gold(campaign, 30) == 10
        campaign.gold_share = 0.0
        assert gold_sounds.wanted_gold(campaign, 30) == 0
        campaign.qualification = 4
        assert gold_sounds.wanted_gold(campaign, 30) == 8


def _form(response: Any) -> tuple[int, ...]:
    """What can be told of a sound or picture without looking into it: its lengths."""
    if response.headers["Content-Type"] == "image/png":
        return struct.unpack(">II", response.content[16:24])
    sound = soundfile.info(io.BytesIO(response.content))
    return sound.frames, sound.samplerate, sound.channels


class TestNobodyCanTell:
    def test_what_was_removed_is_the_mix_minus_what_is_heard(self) -> None:
        campaign = make(gold_share=0.5)
        truth = GoldTruth.objects.filter(task__campaign=campaign)[0]
        heard, mix, removed = (soundfile.read(io.BytesIO(preview(truth.task, which)))[0] for which in ("vocals", "mix", "removed"))
        assert np.mean((mix - heard - removed) ** 2) < 0.02 * np.mean(removed**2), "but for what Vorbis leaves out"

    def test_payload_answers_clip_and_urls_are_those_of_any_task(self) -> None:
        campaign = make(gold_share=0.5)
        ann = worlds.member(campaign)
        client = worlds.signed_in(ann)
        shapes: dict[str, set[tuple[Any, ...]]] = {}
        while (response := endpoints.take(client, "gold")).status_code == 200:
            body = response.json()
            task = Task.objects.get(pk=body["task"]["id"])
            urls = [*body["task"]["data"].values(), *(f"/media/tasks/{task.pk}/{what}" for what in ("removed.ogg", "vocals.png"))]
            sounds = [client.get(url) for url in urls]
            answered = {"result": [], "client_key": str(uuid.uuid4()), "lead_time": 20, "heard": [[0, 10]], "played": {"mix": [[0, 3]]}}
            kept = endpoints.put(client, task, "submission", **answered)
            body["task"]["id"] = body["lease_until"] = body["progress"] = "differs"
            said = str(body).replace(f"/{task.pk}/", "/N/")
            shapes.setdefault(task.kind, set()).add(
                (said, str(kept.json()), kept.status_code, *((one.status_code, tuple(sorted(one.headers)), _form(one)) for one in sounds))
            )
        assert shapes["gold"] == shapes["pool"] and len(shapes["gold"]) == 1

    def test_what_is_open_counts_down_by_one_whatever_was_answered(self) -> None:
        campaign = make(gold_share=0.34, n_gold=8)
        ann = worlds.member(campaign)
        before, kinds = queue.own_progress(ann), []
        while assignment := services.assign_task(by=ann):
            assert queue.own_progress(ann) == before, "taking one changes nothing"
            answer(assignment.task, ann, rightly=True)
            after = queue.own_progress(ann)
            assert (after.done, after.open) == (before.done + 1, before.open - 1)
            before = after
            kinds.append(assignment.task.kind)
        assert before.open == 0 and kinds.count("pool") == 6 and kinds.count("gold") >= 2

    def test_gold_is_fetched_ahead_like_any_other(self) -> None:
        campaign = make(gold_share=0.5)
        ann = worlds.member(campaign)
        open_before = queue.own_progress(ann).open
        first = services.assign_task(by=ann)
        ahead = services.prefetch(by=ann)
        assert first and len(ahead) == 2
        assert "gold" in {first.task.kind, *(lease.task.kind for lease in ahead)}
        assert queue.own_progress(ann).open == open_before
        assert not Task.objects.filter(kind="pool", taken__gt=1).exists()
        assert sum(Task.objects.values_list("taken", flat=True)) == 3
        answer(first.task, ann, rightly=True)
        assert worlds.given(ann) == ahead[0].task

    def test_ids_of_gold_lie_among_the_others(self) -> None:
        campaign = make(n_gold=4, n_pool=12)
        kinds = list(campaign.tasks.order_by("pk").values_list("kind", flat=True))
        assert "gold" in kinds[1:-1] and kinds != sorted(kinds) and kinds != sorted(kinds, reverse=True)

    def test_clips_of_gold_are_as_long_as_those_of_the_pool_and_their_files_have_one_shape(self) -> None:
        campaign = make()
        assert {task.end - task.start for task in campaign.tasks.all()} == {10.0}
        found = set()
        for task in [campaign.tasks.filter(kind=kind)[0] for kind in ("gold", "pool")]:
            info = soundfile.info(io.BytesIO(preview(task, "vocals")))
            found.add((info.samplerate, info.channels, info.frames, info.format, info.subtype))
        assert len(found) == 1

    def test_where_clips_of_the_pool_differ_in_length_gold_does_as_they_do(self) -> None:
        campaign = campaign_with_song(n_pool=0)
        track, lengths = campaign.tracks.get(), [11.3, 12.7, 14.1]
        golds = gold_sounds.prepare_gold(campaign=campaign, n=6, separate=separated, lengths=lengths)
        found = {round(gold.clip.duration, 6) for gold in golds}
        assert found <= set(lengths) and len(found) > 1
        edges = [float(edge) for edge in np.cumsum([0.0, *lengths])]
        worlds.opened([worlds.clip(track, start, end) for start, end in pairwise(edges)], golds=golds)
        shapes = {}
        for kind in ("gold", "pool"):
            files = [soundfile.info(io.BytesIO(preview(task, "vocals"))) for task in campaign.tasks.filter(kind=kind)]
            shapes[kind] = {(file.samplerate, file.frames, file.format) for file in files}
        assert shapes["gold"] < shapes["pool"] and len(shapes["pool"]) == 3
        ann = worlds.client(campaign, "ann")
        given = ann.post("/api/campaigns/gold/next/").json()
        assert given["duration"] in lengths

    def test_every_run_of_the_stream_has_one_and_people_get_theirs_at_other_places(self) -> None:
        campaign = make(n_gold=0, gold_share=0.1)
        streams = [[questions.is_gold_turn(campaign, person, n) for n in range(100)] for person in range(1, 6)]
        for stream in streams:
            assert all(sum(stream[n : n + 10]) == 1 for n in range(0, 100, 10))
        assert len({tuple(stream) for stream in streams}) == 5

    @pytest.mark.parametrize("position", [0, 3, 9, 17])
    @pytest.mark.parametrize("n_pool", [1, 2, 8, 9, 10, 57])
    def test_counting_whole_runs_is_counting_one_by_one(self, position: int, n_pool: int) -> None:
        campaign = make(n_gold=0, n_pool=0, gold_share=0.1)
        left, n, turns = n_pool, position, 0
        while left:
            gold_turn = questions.is_gold_turn(campaign, 7, n)
            turns, left, n = turns + gold_turn, left - (not gold_turn), n + 1
        assert questions.n_turns(campaign, 7, position, n_pool) == turns


class TestRounds:
    def test_gold_holds_up_no_round_and_nothing_is_learned_from_it(self) -> None:
        campaign = make(min_overlap=1, max_overlap=1, gold_share=0.5)
        ann = worlds.member(campaign)
        kinds = work(ann, rightly=True)
        assert kinds.count("pool") == 6 and "gold" in kinds
        assert rounds.progress(campaign, 1).open == 0
        assert services.close_unanswerable_tasks(campaign=campaign) == 0
        made = services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        assert {one.task.kind for one in made} == {"pool"} and len(made) == 6
        assert ann.reliability.n_tasks == len(kinds)
        assert set(campaign.tasks.filter(kind="gold").values_list("state", flat=True)) == {"open"}
        assert rounds.marked_seconds(campaign, 1) == 0

    def test_truth_teaches_how_reliable_people_are_and_how_late(self) -> None:
        campaign = make(n_gold=11, n_pool=12, gold_share=0.5, min_overlap=2, max_overlap=3)
        good, bad = worlds.member(campaign, "good"), worlds.member(campaign, "bad")
        while assignment := services.assign_task(by=good):
            task = assignment.task
            late = [Region(start + 0.4, end + 0.4) for start, end in gold.truth_of(task)] if task.kind == "gold" else []
            worlds.answer(task, good, *late)
            worlds.agreed(task)
        work(bad, rightly=False)
        Task.objects.filter(kind="pool").update(state="closed")
        services.agree_again_over_campaign(campaign=campaign, up_to_round=1)
        assert good.reliability.sensitivity > bad.reliability.sensitivity + 0.15
        assert good.reliability.onset_lag > 0.25


class TestStanding:
    def test_a_good_ear_qualifies_and_then_gets_the_pool(self) -> None:
        campaign = make(qualification=3, gold_share=0.0)
        ann = worlds.member(campaign)
        assert work(ann, rightly=True) == ["gold"] * 3 + ["pool"] * 6
        ann.refresh_from_db()
        assert ann.qualified
        assert Event.objects.filter(what="member.qualified", who=ann).exists()

    def test_who_cannot_qualify_is_paused_and_sees_none_of_the_pool(self) -> None:
        campaign = make(n_gold=8, qualification=3, gold_share=0.0)
        ann = worlds.member(campaign)
        assert work(ann, rightly=False) == ["gold"] * 6
        pause = access.pause_of(ann)
        assert pause and pause.n_answers == 3
        assert queue.own_progress(ann).open == 0

    def test_who_steers_need_not_qualify(self) -> None:
        campaign = make(qualification=3, gold_share=0.0)
        assert "gold" not in work(worlds.member(campaign, role="manager"), rightly=True)

    def test_below_the_score_after_enough_answers_a_person_is_paused(self) -> None:
        campaign = make(gold_share=0.5, pause_below=0.6, pause_after=3)
        ann = worlds.member(campaign)
        kinds = work(ann, rightly=False)
        assert kinds.count("gold") == 3 and kinds[-1] == "gold"
        pause = access.pause_of(ann)
        assert pause and (pause.n_answers, pause.wanted) == (3, 0.6) and pause.score < 0.2
        assert "pool" in work(worlds.member(campaign, "other"), rightly=True), "others go on"

    def test_an_appeal_is_made_once_and_a_manager_decides(self) -> None:
        campaign = make(gold_share=0.5, n_gold=8, n_pool=12, pause_below=0.6, pause_after=3)
        ann, boss = worlds.member(campaign), worlds.member(campaign, "boss", role="manager")
        work(ann, rightly=False)
        pause = gold.appeal(by=ann, text=" My cat sat on the keys. ")
        assert pause.appeal == "My cat sat on the keys."
        with pytest.raises(gold.NotPaused):
            gold.appeal(by=ann, text="again")
        gold.decide(pause=pause, who=boss, lift=False, reply="It marks too well for a cat.")
        assert services.assign_task(by=ann) is None
        gold.decide(pause=pause, who=boss, lift=True)
        with pytest.raises(gold.NotPaused):
            gold.decide(pause=pause, who=boss, lift=True)
        assert "pool" in work(ann, rightly=True), "what was before is forgotten"
        assert Pause.objects.get().decision == "lifted"
        assert list(Event.objects.filter(what__startswith="pause.").order_by("pk").values_list("what", flat=True)) == [
            "pause.upheld",
            "pause.lifted",
        ]

    def test_no_task_waits_for_a_paused_person(self) -> None:
        campaign = make(gold_share=0.5, n_gold=8, pause_below=0.6, pause_after=3, min_overlap=1, max_overlap=2)
        lazy, keen = worlds.member(campaign, "lazy"), worlds.member(campaign, "keen")
        work(lazy, rightly=False)
        Task.objects.filter(kind="pool").update(overlap=2)
        work(keen, rightly=True)
        services.close_unanswerable_tasks(campaign=campaign)
        assert not campaign.tasks.filter(kind="pool", state="open").exists()

    def test_scores_are_kept_once(self) -> None:
        campaign = make(gold_share=0.5)
        ann = worlds.member(campaign)
        work(ann, rightly=True)
        n = on_gold(ann).n
        assert gold.grade_pending(by=ann) == 0 and on_gold(ann) == OnGold(1.0, n)


@pytest.mark.parametrize(("rule", "said"), [({"gold_share": 0.6}, "from 0 to 0.5"), ({"pause_below": 1.5}, "from 0 to 1")])
def test_a_rule_out_of_range_is_refused_in_words(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        services.create_campaign(name="Bad", slug="bad", **rule)


def test_levels_are_those_that_are_heard_as_voice() -> None:
    assert all(-leak.LEAK_RANGE_DB < level.db < 0 for level in leak.LEVELS)
    assert max(gold_sounds.LEFT_DB) < -leak.LEAK_RANGE_DB
