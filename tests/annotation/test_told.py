"""Instructions in Markdown, with sounds that the lab brings: taken in, placed, heard by members alone."""

from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation.models import Campaign, Consent, FirstVisit, ToldSound
from annotation.services import told_sounds
from tests import worlds
from tests.hub.test_campaign_form import as_shown

pytestmark = pytest.mark.django_db
TEXT = "Mark **violins**.\n![a breath](sound:breath)\n<script>alert(1)</script>"
PAGE = "/c/bleed/settings/sounds/"


@pytest.fixture
def campaign() -> Campaign:
    return worlds.campaign("bleed", owner=worlds.user("olga"), consent_text="You *agree*.")


@pytest.fixture
def olga(campaign: Campaign) -> Client:
    return worlds.signed_in(campaign.memberships.get())


def tone(seconds: float = 1.0) -> bytes:
    return worlds.flac(np.sin(np.arange(round(seconds * worlds.RATE)))[:, None] * 0.3)


def brought(client: Client, file: bytes | None = None, name: str = "", called: str = "Breath.flac") -> Any:
    given = SimpleUploadedFile(called, tone() if file is None else file)
    return client.post(PAGE, {"file": given, "name": name})


class TestSounds:
    def test_one_is_brought_placed_and_heard_by_members_alone(self, campaign: Campaign, olga: Client) -> None:
        assert brought(olga).status_code == 302
        sound = ToldSound.objects.get()
        assert sound.name == "breath" and sound.seconds == pytest.approx(1.0)
        assert "![breath](sound:breath)" in olga.get(PAGE).content.decode()
        Campaign.objects.update(instructions=TEXT)
        ann = worlds.client(campaign, "ann")
        page = ann.get("/c/bleed/annotate/").content.decode()
        assert f'src="/media/told/{sound.pk}.ogg"' in page and "<strong>violins</strong>" in page and "<script>alert(1)" not in page
        heard = ann.get(f"/media/told/{sound.pk}.ogg", headers={"Range": "bytes=0-3"})
        assert heard.status_code == 206 and heard.content == b"OggS" and heard["Content-Type"] == "audio/ogg"
        other = worlds.client(worlds.campaign("other"), "bob")
        assert other.get(f"/media/told/{sound.pk}.ogg").status_code == 404

    def test_one_of_the_same_name_takes_its_place(self, olga: Client) -> None:
        brought(olga)
        brought(olga, tone(2.0), name="Breath")
        assert ToldSound.objects.get().seconds == pytest.approx(2.0)

    @pytest.mark.parametrize(
        ("file", "name", "said"),
        [
            (b"no sound at all", "x", "allowed are"),
            (b"", "x", "empty"),
            (tone(61.0), "x", "longer than 60 s"),
            (tone(), "!?", "Give it a name"),
        ],
    )
    def test_what_cannot_be_taken_in_is_said(self, olga: Client, file: bytes, name: str, said: str) -> None:
        answer = brought(olga, file, name)
        assert answer.status_code == 400 and said in answer.content.decode() and not ToldSound.objects.exists()

    def test_no_more_than_so_many(self, olga: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(told_sounds, "MOST", 1)
        brought(olga)
        assert "at most" in brought(olga, name="two").content.decode() and brought(olga).status_code == 302

    def test_one_that_a_text_places_stays_and_another_goes(self, campaign: Campaign, olga: Client) -> None:
        brought(olga)
        Campaign.objects.update(instructions=TEXT)
        where = f"{PAGE}{ToldSound.objects.get().pk}/remove/"
        assert "still places this sound" in olga.post(where, follow=True).content.decode()
        Campaign.objects.update(instructions="")
        olga.post(where)
        assert not ToldSound.objects.exists()


class TestTexts:
    def test_every_page_that_shows_them_renders_them(self, campaign: Campaign, olga: Client) -> None:
        Campaign.objects.update(instructions=TEXT, onboarding=True, quick_share=0.5)
        new = worlds.client(campaign, "new")
        assert "<p>You <em>agree</em>.</p>" in new.get("/c/bleed/welcome/consent/").content.decode()
        new.post("/c/bleed/welcome/consent/", {"agree": "yes"})
        assert Consent.objects.get().text == "You *agree*."
        FirstVisit.objects.update(sound="passed", instructions_version=1)
        for path in ("welcome/instructions/", "welcome/practice/"):
            assert "<strong>violins</strong>" in new.get(f"/c/bleed/{path}").content.decode(), path
        assert "<p>You <em>agree</em>.</p>" in new.get("/c/bleed/me/").content.decode()
        Campaign.objects.update(onboarding=False)
        assert "<strong>violins</strong>" in new.get("/c/bleed/quick/").content.decode()

    def test_the_form_refuses_a_sound_that_is_not_there_and_previews_one_that_is(self, campaign: Campaign, olga: Client) -> None:
        form = as_shown(campaign, instructions=TEXT)
        answer = olga.post("/c/bleed/settings/", form)
        assert answer.status_code == 400 and "no sound named breath" in answer.content.decode()
        brought(olga)
        assert olga.post("/c/bleed/settings/", form).status_code == 302
        player = f'src="/media/told/{ToldSound.objects.get().pk}.ogg"'
        assert player in olga.get("/campaigns/preview/", {"instructions": TEXT, "for": "bleed"}).content.decode()
        other = worlds.client(worlds.campaign("other"), "bob")
        assert player not in other.get("/campaigns/preview/", {"instructions": TEXT, "for": "bleed"}).content.decode()

    def test_a_copy_of_the_campaign_has_its_sounds(self, campaign: Campaign, olga: Client) -> None:
        brought(olga)
        told_sounds.copy_sounds(source=campaign, target=worlds.campaign("copy"))
        assert ToldSound.objects.filter(campaign__slug="copy", name="breath").count() == 1
