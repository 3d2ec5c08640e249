"""Which songs a round made better and which worse: in a list, as links of the gate's reasons, and each to be heard."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.files import storage
from annotation.models import Campaign, Membership, Track
from learner.models import Adaptation, JudgedSong
from tests import worlds
from tests.hub import rounds
from tests.hub.reading import text, words

RATE = 8_000
LEAK = "Target gate songs (2): false positives rise from 5.00 to 6.00 s/min; at most 0.5 s/min more are allowed."


@pytest.fixture
def campaign(db: None) -> Campaign:
    return rounds.campaign()


@pytest.fixture
def owner(campaign: Campaign) -> Client:
    return worlds.client(campaign, "owner", "owner")


@pytest.fixture
def refused(campaign: Campaign) -> Adaptation:
    """A round that the gate refused for what it did to one of two songs, and to a clip."""
    simulated = worlds.member(campaign, "sim")
    adaptation = rounds.judged(rounds.listening(campaign), simulated, "refused", "bad", song_sdr=1.0)
    Adaptation.objects.filter(pk=adaptation.pk).update(
        reasons=[LEAK, "No more."],
        rests_on={LEAK: ["target", "false_positive_seconds_per_minute_at_parent_voice", "parent"]},
        advice=["Replay alone is as good."],
    )
    judged(adaptation, "Fine", "gate", leak=(5.0, 3.0), voice=(-1.0, -1.1), start=10.0)
    judged(adaptation, "Spoilt", "gate", leak=(5.0, 9.0), voice=(-1.0, -3.0), start=20.0)
    on_marks = {"parent": {"leak_dbfs": -20.0, "accepted_dbfs": -15.0}, "child": {"leak_dbfs": -29.0, "accepted_dbfs": -15.5}}
    row(adaptation, worlds.track(campaign, "Heard"), "random", on_marks, start=30.0, marks=[[32.0, 34.0]])
    return adaptation


def judged(adaptation: Adaptation, name: str, kind: str, *, leak: tuple[float, float], voice: tuple[float, float], start: float) -> None:
    def figures(n: int) -> dict[str, float]:
        of_leak = dict.fromkeys(("false_positive_seconds_per_minute", "false_positives_at_parent_level"), leak[n])
        return of_leak | {"voice_kept_db": voice[n], "song_sdr": 4.0, "si_sdr": 3.0}

    truth = worlds.flac(np.full(40 * RATE, 0.3), RATE)
    song = worlds.song(adaptation.campaign, {"mixture": worlds.flac(np.full(40 * RATE, 0.4), RATE), "vocals": truth}, name=name, use=kind)
    row(adaptation, song, kind, {"parent": figures(0), "child": figures(1)}, start=start)


def row(
    adaptation: Adaptation,
    track: Track,
    kind: str,
    figures: dict[str, dict[str, float]],
    start: float,
    marks: list[list[float]] | None = None,
) -> None:
    both = np.stack([np.full(12 * RATE, 0.1), np.full(12 * RATE, 0.2)], axis=1)  # the parent's, the child's
    file = storage.keep(worlds.flac(both, RATE), ".flac")
    JudgedSong.objects.create(
        adaptation=adaptation, track=track, kind=kind, figures=figures, marks=marks or [], start=start, end=start + 12.0, file=file
    )


def level(client: Client, url: str) -> float:
    answer = client.get(url)
    assert answer["Content-Type"] == "audio/ogg"
    samples, _ = soundfile.read(io.BytesIO(answer.content))
    return float(np.abs(samples).mean())


class TestTheList:
    def test_the_worst_comes_first_with_its_differences(self, owner: Client, refused: Adaptation) -> None:
        page = text(owner, "/c/bleed/rounds/1/")
        spoilt, fine = page.index("Spoilt , to be heard before and after worse"), page.index("Fine , to be heard before and after better")
        assert spoilt < fine
        assert "+4.00 5.00 to 9.00 -2.00 0.00" in page[spoilt:]
        assert "Heard , to be heard before and after better" in page and "-9.00 2.0 s marked" in page

    def test_a_reason_names_the_songs_that_decided_and_leads_to_them(self, owner: Client, refused: Adaptation) -> None:
        page = owner.get("/c/bleed/rounds/1/").content.decode()
        spoilt = JudgedSong.objects.get(track__name="Spoilt")
        assert f"{LEAK} Mostly owed to Spoilt (+4.00 s/min)." in words(page)
        assert f'<a href="/c/bleed/judged/{spoilt.pk}/">Spoilt</a>' in page

    def test_what_to_do_stands_over_the_reasons_and_on_the_campaigns_page(self, owner: Client, refused: Adaptation) -> None:
        page = text(owner, "/c/bleed/rounds/1/")
        assert page.index("Replay alone is as good.") < page.index(LEAK)
        assert "Replay alone is as good." in text(owner, "/c/bleed/")

    def test_it_is_on_the_childs_page_too(self, owner: Client, refused: Adaptation) -> None:
        assert refused.child
        assert "Spoilt , to be heard before and after worse" in text(owner, f"/c/bleed/checkpoints/{refused.child.hash}/")

    def test_held_out_songs_are_not_told_to_annotators(self, campaign: Campaign, refused: Adaptation) -> None:
        page = text(ann := worlds.client(campaign, "ann"), "/c/bleed/rounds/1/")
        assert LEAK in page and "Spoilt" not in page
        assert "Replay alone" not in page + text(ann, "/c/bleed/"), "nor what may be wrong with people's marks"

    def test_who_takes_data_reads_figures_and_hears_nothing(self, campaign: Campaign, refused: Adaptation) -> None:
        page = worlds.client(campaign, "res", Membership.Role.RESEARCHER).get("/c/bleed/rounds/1/").content.decode()
        assert "Spoilt" in page and "/judged/" not in page

    def test_songs_take_one_query(self, owner: Client, refused: Adaptation) -> None:
        def asked() -> int:
            with CaptureQueriesContext(connection) as context:
                owner.get("/c/bleed/rounds/1/")
            return len(context)

        with_songs = asked()
        Adaptation.objects.filter(pk=refused.pk).update(rests_on={})
        JudgedSong.objects.all().delete()
        assert asked() == with_songs, "none for each song, for its track, or for a reason"


class TestHearing:
    def test_a_refused_child_is_heard_beside_its_parent_and_the_truth(self, owner: Client, refused: Adaptation) -> None:
        at = f"/c/bleed/judged/{JudgedSong.objects.get(track__name='Spoilt').pk}/"
        levels = [level(owner, f"{at}{which}/") for which in ("before", "after", "mix", "true")]
        assert levels == pytest.approx([0.1, 0.2, 0.4, 0.3], abs=0.01)
        page = text(owner, at)
        assert "Where parent and child differ most: 20.0 to 32.0 s of the song." in page
        assert "number 1 of 3, the worst first" in page and "Heard →" in page

    def test_a_clip_is_heard_with_its_marks(self, owner: Client, refused: Adaptation) -> None:
        at = f"/c/bleed/judged/{JudgedSong.objects.get(kind='random').pk}/"
        page = owner.get(at).content.decode()
        assert 'data-from="2.0" data-to="4.0"' in page, "seconds of the clip"
        assert "change by the child -9.00 -0.50" in text(owner, at)
        assert owner.get(f"{at}true/").status_code == 404

    def test_another_campaigns_owner_finds_nothing(self, refused: Adaptation) -> None:
        stranger = worlds.client(worlds.campaign("other"), "stranger", "owner")
        pk = JudgedSong.objects.earliest("pk").pk
        assert {stranger.get(f"/c/{slug}/judged/{pk}/").status_code for slug in ("bleed", "other")} == {404}


def test_an_excerpt_stays_as_long_as_its_round(refused: Adaptation) -> None:
    from learner.services.leftovers import named_of

    files = list(JudgedSong.objects.values_list("file", flat=True))
    assert named_of(files) == set(files)
