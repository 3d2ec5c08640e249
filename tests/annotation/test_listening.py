"""Listening tests: clips placed, both sounds at one level and told apart by nobody, answers kept by checkpoint, a result after the end."""

import io
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import soundfile
from django.test import Client

from annotation import services as annotating
from annotation.core.loudness import integrated
from annotation.core.panels import Visit
from annotation.models import Campaign, Event, ListeningClip, ListeningTest, Membership, Preference, Track
from annotation.selectors.listening import heard_blind, is_first, result, said_in, to_hear, waiting_for
from annotation.selectors.own_data import own_data
from annotation.services import crowd_links, leaving, people
from annotation.services.first_visit import give_consent
from annotation.services.listening import end_test, place_clips
from tests import worlds

pytestmark = pytest.mark.django_db
OTHER = "d" * 64
SECONDS, LEAK = 12, (6.0, 9.0)
HEARD = {"a": 4.0, "b": 4.0, "mix": 0.0}


@pytest.fixture
def campaign(settings: Any, tmp_path: Path) -> Campaign:
    settings.HOME = tmp_path
    return worlds.campaign("bleed", owner=worlds.user("owner"))


def tone(pitch: float, level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * pitch * np.arange(SECONDS * worlds.RATE) / worlds.RATE)).astype(np.float32)


def song(campaign: Campaign, name: str = "song") -> Track:
    """`CHECKPOINT` has a voice of 300 Hz; the other is 2 dB louder, and lets a guitar of 1 kHz through in `LEAK`."""
    voice, guitar = tone(300, 0.2), tone(1000, 0.1)
    leak = np.where((np.arange(len(voice)) >= LEAK[0] * worlds.RATE) & (np.arange(len(voice)) < LEAK[1] * worlds.RATE), guitar, 0)
    track = worlds.song(campaign, {"mixture": worlds.flac(voice + guitar)}, worlds.flac(voice), name=name)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "other.flac"
        file.write_bytes(worlds.flac(10 ** (2 / 20) * (voice + leak)))
        annotating.keep_estimate(track=track, stem="vocals", checkpoint=OTHER, file=file)
    return track


def begun(campaign: Campaign, *tracks: Track, n_each: int = 1, **rules: Any) -> ListeningTest:
    usual = {"drawn": False, "seconds": 4.0, "seed": 7, "checkpoint": worlds.CHECKPOINT, "other": OTHER}
    test = ListeningTest.objects.create(campaign=campaign, **(usual | rules))
    for track in tracks or (song(campaign),):
        ListeningClip.objects.bulk_create(ListeningClip(test=test, track=track, number=n) for n in range(n_each))
        place_clips(track=track)
    return test


def listener(campaign: Campaign, name: str = "ann") -> Client:
    return worlds.client(campaign, name)


def of(campaign: Campaign, name: str) -> Membership:
    return campaign.memberships.select_related("campaign").get(pseudonym=name)


def put(client: Client, clip: ListeningClip, **body: Any) -> Any:
    return client.put(f"/api/listening/{clip.pk}/", json.dumps({"better": "a", "heard": HEARD} | body), "application/json")


def ogg(client: Client, clip: ListeningClip, side: str) -> tuple[np.ndarray, int]:
    answer = client.get(f"/media/listening/{clip.pk}/{side}.ogg")
    assert answer.status_code == 200, answer.content
    return soundfile.read(io.BytesIO(answer.content), always_2d=True)


class TestClips:
    def test_one_lies_where_the_two_differ_most_though_one_is_louder_all_along(self, campaign: Campaign) -> None:
        clip = begun(campaign).clips.get()
        assert clip.start is not None and clip.end == clip.start + 4
        assert clip.start <= LEAK[0] + 0.1 and clip.end >= LEAK[1] - 0.1
        assert (clip.gain, round(clip.other_gain)) == (0.0, -2)

    def test_placed_again_they_stay_and_those_without_room_go(self, campaign: Campaign) -> None:
        test = begun(campaign, n_each=3)
        before = list(test.clips.values_list("start", flat=True))
        assert len(before) == 2 and place_clips(track=Track.objects.get()) == 0
        assert list(test.clips.values_list("start", flat=True)) == before
        assert Event.objects.get(what="listening.ready").after == {"test": test.pk}, "told once, when there is something to hear"

    def test_a_song_that_one_of_them_has_not_separated_waits(self, campaign: Campaign) -> None:
        track = song(campaign)
        track.estimates.filter(checkpoint=OTHER).delete()
        test = begun(campaign, track)
        assert test.clips.get().start is None and to_hear(test, worlds.member(campaign)) == []

    def test_both_are_heard_at_one_level(self, campaign: Campaign) -> None:
        test = begun(campaign, place="random", seed=1, seconds=4.0)
        clip, ann = test.clips.get(), listener(campaign)
        ListeningClip.objects.update(start=0.0, end=4.0)  # where only the level differs
        loud = {side: integrated([ogg(ann, clip, side)[0]], worlds.RATE) for side in "ab"}
        assert loud["a"] == pytest.approx(loud["b"], abs=0.5), "2 dB apart by themselves"


class TestBlindness:
    def test_a_and_b_are_drawn_for_each_person_and_clip(self, campaign: Campaign) -> None:
        test = begun(campaign, *(song(campaign, f"song {n}") for n in range(3)))
        firsts = {(by.pk, one.clip.pk): is_first(one.clip, by) for by in worlds.people(campaign, 12) for one in to_hear(test, by)}
        assert len(firsts) == 36 and 5 <= sum(firsts.values()) <= 31
        orders = {tuple(one.clip.pk for one in to_hear(test, by)) for by in campaign.memberships.all()}
        assert len(orders) > 1

    def test_who_hears_it_as_a_hears_it_as_a_again(self, campaign: Campaign) -> None:
        clip, ann = begun(campaign).clips.get(), listener(campaign)
        spectrum = {side: np.abs(np.fft.rfft(ogg(ann, clip, side)[0][:, 0])) for side in "ab"}
        leaks = {side: found[len(found) // 8] > found[len(found) // 80 * 3] / 20 for side, found in spectrum.items()}
        assert [side for side, leak in leaks.items() if leak] == ["b" if is_first(clip, of(campaign, "ann")) else "a"]

    def test_nothing_that_a_listener_is_sent_tells_which_is_which(self, campaign: Campaign) -> None:
        test = begun(campaign, asks_leak=True)
        clip = test.clips.get()
        told: set[tuple[bool, str]] = set()
        for name in (f"zz{letter}" for letter in "abcdefghijklmnopqrst"):
            if {first for first, _ in told} == {True, False}:
                break
            client = listener(campaign, name)
            page = client.get(f"/c/bleed/listen/{test.pk}/").content.decode()
            sounds = [client.get(f"/media/listening/{clip.pk}/{side}.ogg") for side in "ab"]
            kept = put(client, clip, better="b", leaks_less="b")
            again = client.get(f"/c/bleed/listen/{test.pk}/").content.decode()
            refused = put(client, clip, heard=HEARD | {"a": 0.0})
            everything = " ".join([page, again, kept.content.decode(), refused.content.decode(), *(str(one.headers) for one in sounds)])
            for word in (worlds.CHECKPOINT[:8], OTHER[:8], "is_first", "was_first", "checkpoint"):
                assert word not in everything, word
            told.add((is_first(clip, of(campaign, name)), re.sub(r"\d{4,}|[\w-]{30,}|" + name, "", again + kept.content.decode())))
            assert sounds[0].headers.keys() == sounds[1].headers.keys()
        assert {first for first, _ in told} == {True, False} and len({page for _, page in told}) == 1, "the same whatever is A"

    def test_a_sound_that_is_gone_is_gone_without_a_name(self, campaign: Campaign) -> None:
        clip, ann = begun(campaign).clips.get(), listener(campaign)
        Track.objects.get().estimates.filter(checkpoint=OTHER).delete()
        for side in "ab":
            answer = ann.get(f"/media/listening/{clip.pk}/{side}.ogg")
            assert answer.status_code == 404 and OTHER[:8] not in answer.content.decode()

    def test_their_own_data_has_letters_while_it_is_open(self, campaign: Campaign) -> None:
        clip, ann = begun(campaign).clips.get(), listener(campaign)
        put(ann, clip, better="b")
        (found,) = own_data(of(campaign, "ann"))["listening_tests"]
        assert found["better"] == "B" and found["leaks_less"] is None and OTHER not in json.dumps(found, default=str)


class TestAnswers:
    def test_they_are_kept_by_checkpoint_and_said_again_they_are_replaced(self, campaign: Campaign) -> None:
        test = begun(campaign, asks_leak=True)
        clip, ann = test.clips.get(), listener(campaign)
        assert put(ann, clip, better="a", leaks_less="none").json() == {"left": 0}
        first = is_first(clip, of(campaign, "ann"))
        kept = Preference.objects.get()
        assert (kept.better, kept.leaks_less, kept.was_first) == ("checkpoint" if first else "other", "none", first)
        put(ann, clip, better="b", leaks_less="b")
        assert Preference.objects.get().better == ("other" if first else "checkpoint")

    def test_both_have_to_be_heard(self, campaign: Campaign) -> None:
        clip, ann = begun(campaign).clips.get(), listener(campaign)
        answer = put(ann, clip, heard={"a": 9.0, "b": 1.9, "mix": 9.0})
        assert answer.status_code == 400 and "Listen to both first" in answer.json()["detail"]
        assert put(ann, clip, better="c").status_code == put(ann, clip, heard={"a": 3.0, "c": 3.0}).status_code == 400
        assert not Preference.objects.exists()

    def test_who_comes_back_finds_their_place(self, campaign: Campaign) -> None:
        test = begun(campaign, *(song(campaign, f"song {n}") for n in range(3)))
        ann = listener(campaign)
        first = to_hear(test, of(campaign, "ann"))[0].clip
        assert put(ann, first).json() == {"left": 2}
        desk = re.search(r'id="listening-desk"[^>]*>(.*?)</script>', ann.get(f"/c/bleed/listen/{test.pk}/").content.decode())
        assert desk and [one["answered"] for one in json.loads(desk[1])["clips"]] == [True, False, False]

    def test_the_queue_shows_it_while_something_is_left(self, campaign: Campaign) -> None:
        test = begun(campaign)
        ann = listener(campaign)
        assert f'href="/c/bleed/listen/{test.pk}/"' in ann.get("/queue/").content.decode()
        put(ann, test.clips.get())
        assert f'href="/c/bleed/listen/{test.pk}/"' not in ann.get("/queue/").content.decode()
        assert waiting_for(worlds.user("ann"))[campaign.pk][0].left == 0

    def test_nobody_answers_after_the_end_or_before_their_consent(self, campaign: Campaign) -> None:
        test = begun(campaign)
        clip, ann = test.clips.get(), listener(campaign)
        Campaign.objects.update(onboarding=True)
        assert put(ann, clip).json()["go"] == "/c/bleed/welcome/"
        Campaign.objects.update(onboarding=False)
        assert end_test(test=test, who=of(campaign, "owner")) and not end_test(test=test, who=of(campaign, "owner"))
        assert put(ann, clip).status_code == 409 and ann.get(f"/media/listening/{clip.pk}/a.ogg").status_code == 404
        assert Event.objects.get(what="listening.ended").who == of(campaign, "owner")

    def test_others_find_nothing(self, campaign: Campaign) -> None:
        test = begun(campaign)
        stranger = worlds.client(worlds.campaign("other"), "stranger")
        for answer in (stranger.get(f"/c/bleed/listen/{test.pk}/"), put(stranger, test.clips.get())):
            assert answer.status_code == 404
        assert stranger.get(f"/media/listening/{test.clips.get().pk}/a.ogg").status_code == 404

    def test_people_of_panels_are_asked_where_the_test_says_so(self, campaign: Campaign) -> None:
        test = begun(campaign)
        owner = of(campaign, "owner")
        link = crowd_links.create_link(campaign=campaign, who=owner, kind="external", tasks_asked=5, max_uses=5)
        paid = crowd_links.enter_from_panel(link=link, visit=Visit("panel-77"), came_from="").membership
        client = worlds.signed_in(paid)
        assert put(client, test.clips.get()).status_code == 404 and waiting_for(paid.user) == {}
        ListeningTest.objects.update(by_links=True)
        assert put(client, test.clips.get()).status_code == 200 and len(waiting_for(paid.user)) == 1

    def test_who_withdraws_or_is_taken_out_with_their_answers_leaves_none(self, campaign: Campaign) -> None:
        clip = begun(campaign).clips.get()
        for name in ("ann", "ben"):
            put(listener(campaign, name), clip)
            give_consent(by=of(campaign, name))
        leaving.withdraw(by=of(campaign, "ann"))
        assert Preference.objects.get().by == of(campaign, "ben")
        people.remove(member=of(campaign, "ben"), who=of(campaign, "owner"), with_answers=True)
        assert not Preference.objects.exists()


class TestResult:
    def test_it_is_by_checkpoint_whatever_was_a(self, campaign: Campaign) -> None:
        test = begun(campaign, *(song(campaign, f"song {n}") for n in range(2)))
        for name in ("ann", "ben", "cleo"):
            client = listener(campaign, name)
            for one in to_hear(test, of(campaign, name)):
                put(client, one.clip, better="a" if is_first(one.clip, of(campaign, name)) else "b")
        end_test(test=test, who=of(campaign, "owner"))
        said = said_in(test)[test.pk]
        found = result(test, said)
        assert found and found.overall.share == 1.0 and found.overall.is_clear
        songs, people = (found.each(part, {getattr(one, part) for one in said}) for part in ("track", "by"))
        assert [one.share for one in songs.values()] == [1.0] * 2 and [one.n_answers for one in people.values()] == [2] * 3
        (seen,) = heard_blind(campaign, OTHER)
        assert seen.result and seen.result.overall.share == 0.0 and seen.other == worlds.CHECKPOINT
        assert result(test, said, "leaks_less") is None

    def test_listeners_read_it_when_the_test_has_ended(self, campaign: Campaign) -> None:
        test = begun(campaign)
        ann = listener(campaign)
        put(ann, test.clips.get(), better="none")
        before = ann.get(f"/c/bleed/listen/{test.pk}/").content.decode()
        end_test(test=test, who=of(campaign, "owner"))
        after = ann.get(f"/c/bleed/listen/{test.pk}/").content.decode()
        assert " % [" not in before
        assert "1 person preferred the model cccccccc to dddddddd on 50 % [" in after and "You compared 1 clip." in after
