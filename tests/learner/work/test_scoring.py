"""Which clips a round puts before people, by their scores."""

import pytest

from annotation import services as annotating
from annotation.models import Campaign, Track
from learner import services
from learner.models import Checkpoint, Score
from learner.work import scoring

pytestmark = pytest.mark.django_db


def test_clips_of_an_earlier_length_are_not_chosen_beside_those_they_overlap() -> None:
    campaign = Campaign.objects.create(name="C", slug="c", clip_seconds=10.0, clips_per_round=6, random_share=0.0)
    base = Checkpoint.objects.create(hash="a", file="", stem="vocals", sample_rate=8000, channels=1, code_version="test")
    services.share(campaign=campaign, checkpoint=base)
    track = Track.objects.create(campaign=campaign, name="t", use="pool", domain="target", duration=30, sample_rate=8000, channels=1)
    for start, end in [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (15.0, 30.0)]:
        Score.objects.create(checkpoint=base, track=track, start=start, end=end, uncertainty=0, predicted_leak=0, value=end - start)
    round_ = services.start_round(campaign=campaign)
    assert round_ is not None
    chosen = scoring.choose_clips(campaign, round_, base)
    assert chosen
    assert (15.0, 30.0) not in {(clip.start, clip.end) for clip in chosen}


def test_nothing_more_is_chosen_of_a_track_that_was_set_aside() -> None:
    campaign = Campaign.objects.create(name="C", slug="c", clip_seconds=10.0, clips_per_round=2, random_share=0.5)
    base = Checkpoint.objects.create(hash="a", file="", stem="vocals", sample_rate=8000, channels=1, code_version="test")
    services.share(campaign=campaign, checkpoint=base)
    tracks = [
        Track.objects.create(
            campaign=campaign, name=name, use="pool", domain="target", duration=30, sample_rate=8000, channels=1, fingerprint=name
        )
        for name in ("in use", "set aside")
    ]
    for track in tracks:
        for start in (0.0, 10.0, 20.0):
            Score.objects.create(checkpoint=base, track=track, start=start, end=start + 10, uncertainty=0, predicted_leak=0, value=start)
    annotating.set_aside(track=tracks[1], reason="damaged")
    round_ = services.start_round(campaign=campaign)
    assert round_ is not None
    assert {clip.track for clip in scoring.choose_clips(campaign, round_, base)} == {tracks[0]}
    assert Score.objects.filter(track=tracks[1]).count() == 3, "what is known of it stays"
