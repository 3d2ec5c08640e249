"""`manage.py doctor` names what was given up, what is paused and what was set aside, with what to do about it."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation import services as annotating
from annotation.files.disk_space import Lack
from annotation.models import Campaign, Membership, Track
from hub.management.commands.doctor import Command
from learner import services
from learner.models import Job, Round
from tests import worlds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_else_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the machine that runs the tests, its disk, processes and fetched files are looked at elsewhere."""
    monkeypatch.setattr("hub.disk.wrong", lambda: None)
    monkeypatch.setattr(Command, "look_at_processes", lambda self: True)
    monkeypatch.setattr(Command, "look_at_files", lambda self: None)


@pytest.fixture
def campaign() -> Campaign:
    campaign = worlds.with_model(worlds.campaign("bleed"), worlds.checkpoint("base"))
    for name in ("one", "two", "three", "four", "five"):
        worlds.track(campaign, name)
    return campaign


@pytest.fixture
def owner(campaign: Campaign) -> Membership:
    return worlds.member(campaign, "owner", "owner", pseudonym="the owner")


def doctor() -> tuple[int, str]:
    """Its status and what it says."""
    said = io.StringIO()
    try:
        call_command("doctor", stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def give_up(job: Job, reason: str) -> None:
    claimed = Job.claim(job.pk)
    assert claimed
    services.fail(job=claimed, reason=reason)


def failed_round(campaign: Campaign) -> Round:
    round_ = services.start_round(campaign=campaign)
    assert round_
    give_up(round_.scoring, "BadAudio: a song is truncated")
    return round_


def test_where_all_goes_on_all_is_well(campaign: Campaign) -> None:
    services.start_round(campaign=campaign)
    status, said = doctor()
    assert status == 0 and said.endswith("All is well.\n")


def test_what_may_be_removed_is_said_and_is_nothing_wrong(campaign: Campaign, settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    (tmp_path / "previews").mkdir()
    for name, days in (("old", 31), ("older than a day", 2), ("new", 0)):
        file = tmp_path / "previews" / name
        file.write_bytes(bytes(1_000_000))
        os.utime(file, (time.time() - days * 24 * 3600,) * 2)
    services.start_round(campaign=campaign)
    status, said = doctor()
    assert status == 0 and "1 MB by the rules, 2 MB by rules of one day" in said


def test_a_round_that_was_given_up_is_wrong_until_somebody_goes_on(campaign: Campaign, owner: Membership) -> None:
    failed_round(campaign)
    status, said = doctor()
    assert status == 1 and "All is well" not in said
    assert "WRONG: Campaign bleed: Round 1 failed: BadAudio: a song is truncated. Mend it, and press “Go on with rounds”" in said
    assert "WRONG: Campaign bleed: It is paused, since a job was given up." in said
    annotating.resume_rounds(campaign=campaign, who=owner)
    assert services.start_round(campaign=campaign)
    assert doctor()[0] == 0


def test_a_job_that_waits_for_room_is_wrong_until_it_goes_on(campaign: Campaign) -> None:
    round_ = services.start_round(campaign=campaign)
    assert round_
    claimed = Job.claim(round_.scoring_id)
    assert claimed
    services.wait_for_room(job=claimed, lack=Lack("No space left on device", Path("/not/there")))
    status, said = doctor()
    assert status == 1 and "All is well" not in said
    assert f"WRONG: Campaign bleed: Job {claimed.pk} (score) waits for room on the disk: " in said
    assert "No space left on device: /not/there. Make room: then it goes on by itself, within a minute." in said
    assert Job.claim(claimed.pk)
    assert doctor()[0] == 0


def test_a_full_disk_is_wrong(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.disk.wrong", lambda: "The disk of /home is full: 3 MB are free.")
    status, said = doctor()
    assert (status, "WRONG: The disk of /home is full: 3 MB are free." in said, "All is well" in said) == (1, True, False)


def test_a_pause_by_hand_is_named_and_not_wrong(campaign: Campaign, owner: Membership) -> None:
    annotating.pause_rounds(campaign=campaign, who=owner)
    status, said = doctor()
    assert status == 0
    assert "RESTS: Campaign bleed: It is paused by the owner. No new round begins before somebody presses “Go on with rounds”" in said
    assert "All is well" not in said


def test_a_campaign_that_was_made_paused_is_named_too(campaign: Campaign) -> None:
    Campaign.objects.update(paused=True)
    status, said = doctor()
    assert (status, "RESTS: Campaign bleed: It is paused." in said, "All is well" in said) == (0, True, False)


def test_tracks_that_were_set_aside_are_wrong_until_a_manager_has_looked(campaign: Campaign, owner: Membership) -> None:
    tracks = list(Track.objects.all())
    for track in tracks:
        annotating.set_aside(track=track, reason="Its mixture is gone.")
    status, said = doctor()
    assert status == 1 and "All is well" not in said
    assert "5 tracks were set aside. five (pool): Its mixture is gone." in said and "And 2 more." in said
    assert "/c/bleed/tracks/" in said
    annotating.put_back(track=tracks[0], who=owner)
    for track in tracks[1:]:
        annotating.set_aside(track=track, who=owner)
    status, said = doctor()
    assert status == 0 and said.endswith("All is well.\n"), "who took it out knows it"


def test_a_comparison_that_was_given_up_is_named(campaign: Campaign) -> None:
    give_up(services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE), "RuntimeError: out of memory")
    status, said = doctor()
    assert status == 1
    assert "The last comparison with replay alone was given up: RuntimeError: out of memory" in said
    services.queue_job(campaign=campaign, kind=Job.Kind.BASELINE)
    assert doctor()[0] == 0


@pytest.mark.parametrize("spoil", [failed_round, lambda campaign: Campaign.objects.update(paused=True)])
def test_each_campaign_is_looked_at(campaign: Campaign, spoil: Callable[[Campaign], object]) -> None:
    annotating.create_campaign(name="Another", slug="another")
    spoil(campaign)
    assert "Campaign bleed:" in doctor()[1]


def test_a_database_that_is_older_than_the_program_is_not_asked_of_its_campaigns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Command, "look_at_migrations", lambda self: False)
    monkeypatch.setattr("hub.management.commands.doctor.troubles", lambda: pytest.fail("asked"))
    doctor()
