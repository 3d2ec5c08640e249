"""A manager hears one track: its sounds in step, before and after, by keys; what was marked lies under the picture."""

import pytest

from tests.browser.annotating import Contexts
from tests.browser.reach import narrow, serious_faults
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SET_UP = """
import numpy as np
from tests import worlds
t = np.arange(40 * worlds.RATE) / worlds.RATE
voice, leak = 0.3 * np.sin(2 * np.pi * 440 * t), 0.3 * np.sin(2 * np.pi * 900 * t) * ((t > 6) & (t < 9))
base, child = worlds.checkpoint("c" * 64), None
campaign = worlds.with_model(worlds.campaign("heard", min_overlap=1, max_overlap=1, paused=True), base)
worlds.member(campaign, "boss", "owner")
mix = worlds.flac(voice + leak)
track = worlds.song(campaign, {"mixture": mix, "vocals": worlds.flac(voice)}, mix, name="evening")
other = worlds.song(campaign, {"mixture": worlds.flac(voice)}, name="other")
child = worlds.checkpoint("d" * 64, base)
worlds.ended_round(campaign, child, "promoted")
track.estimates.create(stem="vocals", checkpoint=child.hash, file=other.stems.get().file)
task, = worlds.opened([worlds.clip(track)])
worlds.answer(task, worlds.member(campaign, "ann"), (6.0, 9.0))
worlds.agreed(task)
print(track.pk)
"""


def test_a_manager_hears_before_and_after_where_they_differ(open_context: Contexts, product: Product) -> None:
    track = product.shell(SET_UP).split()[-1]
    page = open_context("boss").new_page()
    page.goto("/c/heard/tracks/")
    page.get_by_role("link", name="evening", exact=True).click()
    page.wait_for_url(f"**/tracks/{track}/")
    stretch = page.locator("#differences button")
    wait_for(stretch.count, "what differs", 60)
    assert page.inner_text("#differences li").startswith("0:06.0 to 0:09.0") and "better by" in page.inner_text("#differences")
    assert page.locator("#lanes button").count() == 2, "ann's mark and the consensus"
    assert serious_faults(page) == [] and narrow(page) <= 360

    stretch.click()
    wait_for(lambda: page.get_attribute("#hear", "data-state") == "playing", "sound", 60)
    wait_for(lambda: page.get_attribute("#hear", "data-state") == "rest", "end of the stretch", 30)
    assert page.inner_text("#clock").startswith("0:09.0")
    page.locator("#hear-title").click()  # so that keys are the page's
    page.keyboard.press(" ")
    wait_for(lambda: page.get_attribute("#hear", "data-state") == "playing", "sound", 60)
    page.keyboard.press("3")
    assert "its parent" in page.inner_text("#picture-of")
    page.keyboard.press("b")
    assert "the current checkpoint" in page.inner_text("#picture-of")
    assert page.get_attribute("#hear", "data-state") == "playing", "it went on meanwhile"
    page.keyboard.press(" ")

    page.keyboard.press("PageDown")
    page.keyboard.press(" ")
    wait_for(lambda: page.inner_text("#clock") > "0:30.3" and page.get_attribute("#hear", "data-state") == "playing", "second part", 60)
    assert page.inner_text("#part-from") == "30"
    page.keyboard.press(" ")
    assert page.get_attribute("#hear", "data-state") == "rest"
