"""Simulated annotators: who they are, and what they do with songs whose true stems nobody has."""

import io

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from annotation.files import storage
from annotation.models import Campaign, Estimate, Event, Membership, Stem, Submission, Task, Track
from hub.pages import words
from learner.simulated import guessed_wrong, invite_simulated, what_is_wrong
from tests import worlds
from tests.browser.desk import RATE, set_up


def habits(campaign: Campaign) -> list[tuple[str, object]]:
    return list(campaign.memberships.order_by("pk").values_list("pseudonym", "habits"))


def test_more_can_be_invited_later_and_are_the_same_as_all_at_once(db: None) -> None:
    twice, once = map(worlds.campaign, ("twice", "once"))
    invite_simulated(campaign=twice, n=2, seed=5)
    invite_simulated(campaign=twice, n=2, seed=5)
    invite_simulated(campaign=once, n=4, seed=5)
    assert len(habits(twice)) == 4 and habits(twice) == habits(once)


class TestSongsWithoutStems:
    """Of "kept" there are six songs with nothing but a mixture."""

    @pytest.fixture(autouse=True)
    def campaign(self, db: None) -> Campaign:
        set_up("kept", 6, (10.0, 22.0))
        for track in Track.objects.all():
            Track.objects.filter(pk=track.pk).update(fingerprint=f"{track.pk:064x}")
        return Campaign.objects.get()

    def simulate(self, *arguments: str) -> str:
        said = io.StringIO()
        call_command("simulate", "kept", *arguments, stdout=said)
        return said.getvalue()

    def test_how_many_wait_for_people_is_said_each_time_and_which(self) -> None:
        for arguments in (["--invite", "3"], []):
            said = self.simulate(*arguments)
            assert "0 answers given." in said
            assert "wait for people: 6 (song 0, song 1, song 2, song 3, song 4 and 1 more)" in said and "--without-stems estimate" in said
        assert not Submission.objects.exists()

    def test_marked_from_the_estimate_where_that_is_asked_for_also_if_skipped_before(self, campaign: Campaign) -> None:
        self.simulate("--invite", "3", "--spam-share", "0")
        said = self.simulate("--without-stems", "estimate")
        assert f"{Submission.objects.count()} answers given, {Submission.objects.count()} of them guessed.\n" in said
        assert not Task.objects.filter(submissions=None).exists()
        event = Event.objects.get(what="simulation.guessed")
        assert words.event(event) == f"took {Submission.objects.count()} guessed answers of simulated annotators, on songs without stems"

    def test_a_guess_is_where_the_estimate_sounds_and_is_less_than_half_of_the_mix(self) -> None:
        task = Task.objects.order_by("pk")[0]
        seconds = np.arange(RATE * 40) / RATE
        voice, band = 0.3 * np.sin(2 * np.pi * 200 * seconds) * (seconds % 4 < 2), 0.15 * np.sin(2 * np.pi * 660 * seconds)
        for rows, sound in ((Stem.objects, voice + band), (Estimate.objects, voice + 0.5 * band)):
            file = io.BytesIO()
            soundfile.write(file, sound, RATE, format="FLAC")
            rows.filter(track=task.track).update(file=storage.keep(file.getvalue(), ".flac"))
        assert what_is_wrong(task) is None
        assert [(round(one.start), round(one.end)) for one in guessed_wrong(task)] == [(at + 2, at + 4) for at in range(0, 40, 4)]

    def test_guesses_are_not_put_beside_what_people_heard(self, campaign: Campaign) -> None:
        ann = Membership.objects.get(pseudonym="ann")
        worlds.answer(worlds.given(ann), ann)
        with pytest.raises(CommandError, match="People have answered in this campaign"):
            self.simulate("--invite", "3", "--without-stems", "estimate")
        assert Submission.objects.count() == 1
