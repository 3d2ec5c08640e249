"""Which clips a round puts before people, by their scores."""

from collections import Counter
from itertools import groupby, pairwise

import pytest

from annotation import services as annotating
from learner import services
from learner.models import Checkpoint, Score
from learner.work import scoring
from tests import worlds
from tests.present import present

pytestmark = pytest.mark.django_db


@pytest.fixture
def base() -> Checkpoint:
    return worlds.checkpoint("a")


def test_clips_of_an_earlier_length_are_not_chosen_beside_those_they_overlap(base: Checkpoint) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=10.0, clips_per_round=6, random_share=0.0), base)
    track = worlds.track(campaign, duration=30.0)
    for start, end in [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (15.0, 30.0)]:
        Score.objects.create(checkpoint=base, track=track, start=start, end=end, uncertainty=0, predicted_leak=0, value=end - start)
    chosen = scoring.choose_clips(campaign, present(services.start_round(campaign=campaign)), base)
    assert chosen
    assert (15.0, 30.0) not in {(clip.start, clip.end) for clip in chosen}


def test_nothing_more_is_chosen_of_a_track_that_was_set_aside(base: Checkpoint) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=10.0, clips_per_round=2, random_share=0.5), base)
    tracks = [worlds.track(campaign, name, duration=30.0) for name in ("in use", "set aside")]
    for track in tracks:
        for start in (0.0, 10.0, 20.0):
            Score.objects.create(checkpoint=base, track=track, start=start, end=start + 10, uncertainty=0, predicted_leak=0, value=start)
    annotating.set_aside(track=tracks[1], reason="damaged")
    round_ = present(services.start_round(campaign=campaign))
    assert {clip.track for clip in scoring.choose_clips(campaign, round_, base)} == {tracks[0]}
    assert Score.objects.filter(track=tracks[1]).count() == 3, "what is known of it stays"


@pytest.mark.parametrize("most", [1, 3])
def test_a_round_has_as_many_clips_of_a_song_as_the_campaign_allows(base: Checkpoint, most: int) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=10.0, clips_per_track=most, random_share=0.5), base)
    track = worlds.track(campaign, duration=60.0)
    for start in range(0, 60, 10):
        Score.objects.create(checkpoint=base, track=track, start=start, end=start + 10, uncertainty=0, predicted_leak=0, value=start)
    assert len(scoring.choose_clips(campaign, present(services.start_round(campaign=campaign)), base)) == most


def test_a_clip_that_was_heard_does_not_come_again_with_other_edges(base: Checkpoint) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=15.0, random_share=0.0), base)
    track = worlds.track(campaign, duration=45.0)
    worlds.opened([worlds.clip(track)])
    for start, end in [(0.0, 13.0), (13.0, 31.5), (31.5, 45.0)]:
        Score.objects.create(checkpoint=base, track=track, start=start, end=end, uncertainty=0, predicted_leak=0, value=-start)
    chosen = scoring.choose_clips(campaign, present(services.start_round(campaign=campaign)), base)
    assert {(clip.start, clip.end) for clip in chosen} == {(13.0, 31.5), (31.5, 45.0)}


def test_clips_of_a_song_come_one_after_the_other_in_its_own_order(base: Checkpoint) -> None:
    campaign = worlds.with_model(worlds.campaign(clip_seconds=10.0, clips_per_round=9, clips_per_track=3, random_share=0.5), base)
    for name in "abc":
        track = worlds.track(campaign, name, duration=60.0)
        for start in range(0, 60, 10):
            Score.objects.create(checkpoint=base, track=track, start=start, end=start + 10, uncertainty=0, predicted_leak=0, value=start)
    chosen = scoring.choose_clips(campaign, present(services.start_round(campaign=campaign)), base)
    songs = [clip.track.name for clip in chosen]
    assert [song for song, _ in groupby(songs)] == list(dict.fromkeys(songs)) and len(set(songs)) == 3
    assert all(one.start < other.start for one, other in pairwise(chosen) if one.track == other.track)


def test_what_is_kept_apart_is_drawn_by_its_expected_leak_with_a_known_chance(base: Checkpoint) -> None:
    drawn, chances = Counter[bool](), set[tuple[bool, float]]()
    for seed in range(12):
        campaign = worlds.with_model(worlds.campaign(f"c{seed}", clip_seconds=10.0, clips_per_round=4, random_share=0.5, seed=seed), base)
        for name in "abcd":
            track = worlds.track(campaign, f"{name}{seed}", duration=30.0)
            for start in (0.0, 10.0, 20.0):
                leak = 0.9 if start == 10 else 0.0
                Score.objects.create(checkpoint=base, track=track, start=start, end=start + 10, uncertainty=0, predicted_leak=leak, value=0)
        chosen = scoring.choose_clips(campaign, present(services.start_round(campaign=campaign)), base)
        (apart,) = [clip for clip in chosen if clip.kept_apart]
        drawn[apart.start == 10] += 1
        chances.add((apart.start == 10, round(apart.chance, 3)))
        assert apart.arm == "random" and f"with a chance of {apart.chance:.1%}" in apart.reason
    assert drawn[True] > drawn[False]
    assert {(True, 0.667)} <= chances <= {(True, 0.667), (False, 0.167)}
