"""A person drops a song, marks it in the editor, has it mended, and hears it before and after in step."""

from pathlib import Path

import pytest

from learner.core import audio
from learner.core.songs.synth import make_song
from tests.browser.annotating import EMPTY, READY, Contexts, draw, hear_all, until
from tests.browser.reach import narrow, serious_faults
from tests.product import Product, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.loop]

SLOW = 300.0  # seconds; for machines that do much else meanwhile
SET_UP = """
from annotation.models import Campaign
from learner.core.teaching.train import BASE
from learner.services import own_songs
from tests import worlds
template = own_songs.open_to_members(file=BASE)
quick = {"steps": 6, "n_frames": 48, "new_patches": 2, "replay_patches": 2, "marks_fall_db": 0, "voice_kept_db": -20, "past_lost_db": 20,
    "median_lost_db": 20}
Campaign.objects.filter(pk=template.pk).update(recipe=template.recipe | quick)
worlds.member(template, "mia")
"""


def test_a_song_of_ones_own(open_context: Contexts, product: Product, tmp_path: Path) -> None:
    product.shell(SET_UP)
    song = make_song(1, "target", 12.0)
    audio.write_flac(tmp_path / "Evening.flac", song.mixture, song.sample_rate)
    page = open_context("mia").new_page()
    page.goto("/")
    page.click("#own-songs")
    assert serious_faults(page) == [] and narrow(page) <= 360
    page.set_input_files("#song", tmp_path / "Evening.flac")
    page.get_by_role("button", name="Take the voice out").click()
    page.wait_for_url("**/mine/my-song-*/")
    own = page.url
    wait_for(lambda: page.get_by_role("link", name="Listen and mark").count(), "clip to mark", SLOW)

    page.get_by_role("link", name="Listen and mark").click()
    until(page, READY, "editor that is ready")
    draw(page, 0.3, 0.6)
    hear_all(page)
    page.keyboard.press("Control+Enter")
    until(page, EMPTY, "word that all was heard")

    page.goto(own)
    wait_for(lambda: page.get_by_text("It is mended").count() or page.get_by_role("button", name="Mend it").count(), "button", SLOW)
    if page.get_by_role("button", name="Mend it").count():  # a beat of the clock mends what is wholly marked by itself
        page.get_by_role("button", name="Mend it").click()
    wait_for(lambda: page.locator("[data-in-step] audio").count() == 2, "before and after", SLOW)
    assert "It is mended" in page.inner_text("#own-song")
    assert serious_faults(page) == [] and narrow(page) <= 360
    sounds = "document.querySelectorAll('[data-in-step] audio')"
    page.evaluate(f"{sounds}[0].play()")
    until(page, f"{sounds}[0].currentTime > 0.5", "sound before")
    page.evaluate(f"{sounds}[1].play()")
    until(page, f"{sounds}[1].currentTime > 0.5 && {sounds}[0].paused", "sound after, from where it was before")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Vocals, after").click()
    assert audio.check(taken.value.path()).duration == pytest.approx(12.0, abs=0.01)
