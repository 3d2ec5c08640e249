"""Which songs of a round are the worst, and which of them decided."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.models import Campaign
from learner import selectors
from learner.models import Adaptation, JudgedSong
from tests import worlds

pytestmark = pytest.mark.django_db
LEAK, LEVEL = "false_positive_seconds_per_minute", "false_positives_at_parent_level"


@pytest.fixture
def campaign() -> Campaign:
    return worlds.with_model(worlds.campaign(), worlds.checkpoint("a"))


@pytest.fixture
def adaptation(campaign: Campaign) -> Adaptation:
    return worlds.ended_round(campaign, None, "refused", days=0)


def song(adaptation: Adaptation, name: str, kind: str = "gate", domain: str = "target", **child: Any) -> JudgedSong:
    """A song on which the child is as the parent but for what is told."""
    parent = {LEAK: 5.0, LEVEL: 5.0, "voice_kept_db": -1.0, "song_sdr": 5.0, "si_sdr": 5.0, "leak_dbfs": -20.0, "accepted_dbfs": -20.0}
    track = worlds.track(adaptation.campaign, name, use="gate", domain=domain)
    about: dict[str, Any] = {"figures": {"parent": parent, "child": parent | child, "base": parent | {"song_sdr": 9.0}}}
    return JudgedSong.objects.create(adaptation=adaptation, track=track, kind=kind, start=0.0, end=12.0, file="aa/x.flac", **about)


def leaks(raw: float, at_parent_level: float | None = None) -> dict[str, Any]:
    return {LEAK: raw, LEVEL: raw if at_parent_level is None else at_parent_level}


def names(campaign: Campaign, adaptation: Adaptation) -> list[tuple[str, str]]:
    return [(one.song.track.name, one.word) for one in selectors.judged_songs(adaptation, campaign)]


def test_the_worst_is_what_goes_farthest_against_a_limit(campaign: Campaign, adaptation: Adaptation) -> None:
    song(adaptation, "less leak", **leaks(3.0))
    song(adaptation, "lost half a dB, of one that it may", voice_kept_db=-1.5)
    song(adaptation, "forgot half a dB, of 0.3 that it may", domain="source", song_sdr=4.5)
    song(adaptation, "leaks", **leaks(9.0))
    song(adaptation, "a clip", kind="random", leak_dbfs=-29.0)
    assert names(campaign, adaptation) == [
        ("leaks", "worse"),
        ("forgot half a dB, of 0.3 that it may", "worse"),
        ("lost half a dB, of one that it may", "about the same"),
        ("less leak", "better"),
        ("a clip", "better"),
    ]


def test_what_is_only_quieter_is_not_better(campaign: Campaign, adaptation: Adaptation) -> None:
    song(adaptation, "quieter", **leaks(3.0, 5.0))
    assert names(campaign, adaptation) == [("quieter", "about the same")]


def test_a_campaigns_own_limits_count(campaign: Campaign, adaptation: Adaptation) -> None:
    song(adaptation, "lost half a dB", voice_kept_db=-1.5)
    campaign.gate_voice_loss = 0.25
    assert names(campaign, adaptation) == [("lost half a dB", "worse")]


def test_limits_of_nothing_are_limits_too(campaign: Campaign, adaptation: Adaptation) -> None:
    song(adaptation, "a clip, quieter where people let it pass", kind="random", accepted_dbfs=-20.5)
    song(adaptation, "forgot half a dB", domain="source", song_sdr=4.5)
    for limit in ("gate_gain", "gate_leak_rise", "gate_voice_loss", "gate_forgetting"):
        setattr(campaign, limit, 0.0)
    assert {word for _, word in names(campaign, adaptation)} == {"worse"}


def test_those_decided_that_moved_the_figure_the_way_that_it_went(campaign: Campaign, adaptation: Adaptation) -> None:
    for name, level in (("a", 9.0), ("b", 4.0), ("c", 5.5), ("d", 5.01)):
        song(adaptation, name, **leaks(level))
    song(adaptation, "a test song decides nothing", kind="test", **leaks(20.0))
    judged = selectors.judged_songs(adaptation, campaign)
    found = selectors.decided(["target", "false_positive_seconds_per_minute_at_parent_voice", "parent"], judged)
    assert [(one.track.name, change) for one, change in found] == [("a", 4.0), ("c", 0.5)]
    of_base = selectors.decided(["target", "song_sdr", "base"], judged)
    assert {change for _, change in of_base} == {-4.0}, "over all rounds it is the base that the child is held against"


def test_means_of_what_changed_have_an_interval_from_four_songs_on(campaign: Campaign, adaptation: Adaptation) -> None:
    for name, leak in (("a", 4.0), ("b", 3.0), ("c", 4.0), ("d", 3.0)):
        song(adaptation, name, **leaks(leak))
    song(adaptation, "source", domain="source", song_sdr=4.0)
    target, source = selectors.together(selectors.judged_songs(adaptation, campaign), [LEAK, "song_sdr"])
    assert (target.kind, target.domain, target.n) == ("gate", "target", 4)
    mean = target.changes[LEAK]
    assert mean.value == -1.5 and mean.low is not None and mean.high is not None and -2.0 <= mean.low < -1.5 < mean.high <= -1.0
    assert source.changes["song_sdr"].value == -1.0 and source.changes["song_sdr"].low is None
    assert selectors.together(selectors.judged_songs(adaptation, campaign), [LEAK])[0].changes[LEAK] == mean, "the same on every look"
