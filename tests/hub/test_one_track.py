"""The page of one track: what managers see and hear of it, and what nobody else does. Real rows and sound."""

import json
import re

import numpy as np
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.files import whole_tracks
from annotation.models import Campaign, Task, Track
from learner.models import Job, Separation
from learner.work.measuring import keep_of_song
from tests import worlds
from tests.hub import reading

RATE = worlds.RATE
SECONDS = 33.0  # two parts


def tone(hertz: float, level: float = 0.3) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(SECONDS * RATE)) / RATE)


@pytest.fixture
def campaign(db: None) -> Campaign:
    return worlds.with_model(worlds.campaign("bleed", min_overlap=1, max_overlap=2), worlds.checkpoint("c" * 64))


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def track(campaign: Campaign) -> Track:
    """What was extracted of it has a leak from 6 s to 9 s."""
    vocals, leak = tone(440), tone(900)
    leak[: 6 * RATE] = leak[9 * RATE :] = 0
    stems = {"mixture": worlds.flac(vocals + leak), "vocals": worlds.flac(vocals)}
    return worlds.song(campaign, stems, worlds.flac(vocals + leak), name="evening")


def address(track: Track, rest: str = "") -> str:
    return f"/c/bleed/tracks/{track.pk}/{rest}"


def child_without_the_leak(track: Track) -> str:
    """A promoted child that has separated the track, too; returns its hash."""
    child = worlds.checkpoint("d" * 64, track.campaign.shared_model.current)
    worlds.ended_round(track.campaign, child, "promoted")
    other = worlds.song(track.campaign, {"mixture": worlds.flac(tone(440))}, name="other")
    file = other.stems.get().file
    track.estimates.create(stem="vocals", checkpoint=child.hash, file=file)
    return child.hash


class TestThePage:
    def test_clips_with_their_state_marks_and_what_was_agreed_on(
        self, campaign: Campaign, owner: Client, track: Track, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        first, second = worlds.opened(worlds.clips(track, 2))
        ann = worlds.member(campaign, "ann")
        worlds.answer(first, ann, (6.0, 9.0))
        worlds.agreed(first)
        Task.objects.filter(pk=second.pk).update(state=Task.State.IN_REVIEW, contested=True)
        with django_assert_max_num_queries(15):
            html = owner.get(address(track)).content.decode()
        page = reading.main(html)
        assert re.search(r"0 to 15 1 closed 1 [56]\.\d\d to [89]\.\d\d s", page) and "15 to 30 1 contested, in review 0" in page
        assert f'href="/c/bleed/review/{second.pk}/"' in html
        desk = json.loads(reading.found(r'<script id="desk" type="application/json">(.*?)</script>', html))
        assert desk["clips"][0]["answers"] == [{"name": "ann", "marks": [[6.0, 9.0]]}]
        assert desk["clips"][0]["regions"][0][:2] == pytest.approx([6.0, 9.0], abs=0.3)
        assert [sound["title"] for sound in desk["sounds"]] == [
            "Mix",
            f"Vocals by the current checkpoint ({'c' * 8})",
            "Vocals, the true one",
        ]

    def test_who_decides_reads_no_names(self, campaign: Campaign, owner: Client, track: Track) -> None:
        (task,) = worlds.opened([worlds.clip(track)])
        worlds.answer(task, worlds.member(campaign, "ann"), (6.0, 9.0))
        Task.objects.filter(pk=task.pk).update(state=Task.State.IN_REVIEW, contested=True)
        html = owner.get(address(track)).content.decode()
        assert '"name": "person 1"' in html and '"ann"' not in html

    @pytest.mark.parametrize("role", ["annotator", "reviewer"])
    def test_only_managers_see_and_hear_it(self, campaign: Campaign, track: Track, role: str) -> None:
        somebody, stranger = worlds.client(campaign, "somebody", role), worlds.signed_in(worlds.user("stranger"))
        for rest in (
            "",
            "sounds/mixture/",
            "sounds/mixture/0.ogg",
            "sounds/mixture/0.png",
            "sounds/mixture/shape.json",
            f"differences/{'c' * 64}/{'c' * 64}/",
        ):
            assert somebody.get(address(track, rest)).status_code == 403, rest
            assert stranger.get(address(track, rest)).status_code == 404, rest
            assert Client().get(address(track, rest)).status_code == 302, rest

    def test_a_track_of_another_campaign_is_not_there(self, owner: Client, track: Track) -> None:
        other = worlds.track(worlds.campaign("other"), "theirs")
        assert owner.get(address(other)).status_code == 404
        assert owner.get(address(other, "sounds/mixture/0.ogg")).status_code == 404

    def test_without_sound_it_says_so(self, campaign: Campaign, owner: Client) -> None:
        page = reading.text(owner, address(worlds.track(campaign, "silent")))
        assert "There is no sound of it." in page and "Nobody was given a clip of it." in page

    def test_names_and_reasons_are_text(self, campaign: Campaign, owner: Client) -> None:
        track = worlds.track(campaign, "</script><b>x", artist="<i>")
        html = owner.get(address(track)).content.decode()
        assert "<b>x" not in html and "<i>" not in html
        assert not re.search(r"<style|\sstyle=|\son\w+=", html)


class TestSounds:
    def test_parts_are_ogg_and_are_given_by_ranges(self, owner: Client, track: Track) -> None:
        whole = owner.get(address(track, "sounds/mixture/0.ogg"))
        assert whole.content[:4] == b"OggS"
        some = owner.get(address(track, "sounds/mixture/0.ogg"), headers={"Range": "bytes=0-3"})
        assert (some.status_code, some.content) == (206, b"OggS")
        assert owner.get(address(track, "sounds/mixture/1.ogg")).status_code == 200
        assert owner.get(address(track, "sounds/mixture/2.ogg")).status_code == 404
        assert owner.get(address(track, "sounds/drums/0.ogg")).status_code == 404
        assert owner.get(address(track, f"sounds/{'c' * 64}/0.ogg")).status_code == 200

    def test_a_part_goes_on_a_little_into_the_next(self, track: Track) -> None:
        import io

        import soundfile

        sound = soundfile.info(io.BytesIO(whole_tracks.part(track.stems.get(name="mixture").file, 0)))
        assert sound.duration == pytest.approx(30.05, abs=0.01)

    def test_the_file_is_streamed_as_it_is_kept(self, owner: Client, track: Track) -> None:
        answer = owner.get(address(track, "sounds/vocals/"))
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert content[:4] == b"fLaC" and answer["Content-Type"] == "audio/flac"
        last = owner.get(address(track, "sounds/vocals/"), headers={"Range": "bytes=-10"})
        assert (last.status_code, last.content) == (206, content[-10:])
        assert last["Content-Range"] == f"bytes {len(content) - 10}-{len(content) - 1}/{len(content)}"
        assert owner.get(address(track, "sounds/vocals/"), headers={"Range": f"bytes={len(content)}-"}).status_code == 416

    def test_the_picture_and_the_shape(self, owner: Client, track: Track) -> None:
        assert owner.get(address(track, "sounds/vocals/1.png")).content[:4] == b"\x89PNG"
        peaks = owner.get(address(track, "sounds/mixture/shape.json")).json()
        assert len(peaks) == whole_tracks.COLUMNS
        assert peaks[whole_tracks.COLUMNS // 2] == 30, "one tone"
        assert peaks[round(7.5 / SECONDS * whole_tracks.COLUMNS)] > 45, "two"

    def test_a_file_that_is_gone_is_said_to_be(self, owner: Client, track: Track) -> None:
        track.stems.filter(name="vocals").update(file="ab/gone.flac")
        for rest in ("0.ogg", "0.png", "shape.json", ""):
            assert owner.get(address(track, f"sounds/vocals/{rest}")).status_code == 404


class TestBeforeAndAfter:
    def test_where_they_differ_most_is_where_the_leak_was(self, owner: Client, track: Track) -> None:
        child = child_without_the_leak(track)
        found = owner.get(address(track, f"differences/{'c' * 64}/{child}/")).json()
        (start, end, better), *others = found
        assert (start, end) == (6.0, 9.0) and better > 40
        assert others == [], "elsewhere nothing changed"
        back = owner.get(address(track, f"differences/{child}/{'c' * 64}/")).json()
        assert back[0][2] == -better, "the other way round it is worse"

    def test_without_its_stem_it_is_how_loud_they_are(self, owner: Client, track: Track) -> None:
        child = child_without_the_leak(track)
        track.stems.filter(name="vocals").delete()
        found = owner.get(address(track, f"differences/{'c' * 64}/{child}/")).json()
        assert found == [[6.0, 9.0, -3.0]], "half of the power is gone"
        assert "By how loud each is" in reading.text(owner, address(track))

    def test_the_page_asks_for_the_parent_and_the_current_one(self, owner: Client, track: Track) -> None:
        child = child_without_the_leak(track)
        html = owner.get(address(track)).content.decode()
        assert f'"differences": "/c/bleed/tracks/{track.pk}/differences/{"c" * 64}/{child}/"' in html


class TestWhatIsNotThereYet:
    def test_a_checkpoint_without_sound_is_named_and_can_be_asked_for_once(self, owner: Client, track: Track) -> None:
        child = worlds.checkpoint("d" * 64, track.campaign.shared_model.current, file="aa/x")
        worlds.ended_round(track.campaign, child, "refused")
        page = reading.text(owner, address(track))
        assert f"child of round 1 {'d' * 8} refused not made Make it" in page
        assert "both the current checkpoint and its parent must have separated this track" in page
        for _ in range(2):
            answer = owner.post(address(track, "separate/"), {"checkpoint": child.hash}, follow=True)
        assert "asked for" in reading.main(answer.content.decode())
        assert Job.objects.filter(kind="separate").count() == Separation.objects.count() == 1
        assert f"you asked for what checkpoint {'d' * 8} makes of the song evening" in reading.text(owner, address(track))

    def test_a_checkpoint_of_another_campaign_is_not_taken(self, owner: Client, track: Track) -> None:
        worlds.checkpoint("e" * 64)
        assert owner.post(address(track, "separate/"), {"checkpoint": "e" * 64}).status_code == 404

    def test_figures_stand_beside_the_trivial_ones(self, campaign: Campaign, owner: Client, track: Track) -> None:
        current = campaign.shared_model.current
        for subject, checkpoint, sdr in (
            ("checkpoint", current, 5.0),
            ("silence", None, 0.0),
            ("mixture", None, -2.0),
            ("gain", current, 5.25),
        ):
            keep_of_song(track=track, subject=subject, checkpoint=checkpoint, figures={"sdr_mean": sdr, "si_sdr": float("nan")})
        page = reading.text(owner, address(track))
        assert f"base {'c' * 8} current there 5.00 silence 0.00 the mixture as it is -2.00 {'c' * 8} with the one gain" in page
        assert "5.25" in page and "SI-SDR" not in page, "what is undefined is no column"
