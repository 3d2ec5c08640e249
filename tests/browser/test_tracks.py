"""A manager takes a song out of the pool and puts it back, with the keyboard, a screen reader's rules and a telephone in mind."""

import pytest

from tests.browser.annotating import Contexts
from tests.browser.reach import narrow, serious_faults
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SET_UP = """
from annotation import services
from tests import worlds
campaign = worlds.campaign("songs")
worlds.member(campaign, "boss", "owner")
tracks = [worlds.track(campaign, f"A song with a long name, number {n}", use="pool" if n < 55 else "gate") for n in range(60)]
services.set_aside(track=tracks[7], reason=f"Its mixture (ab/{'ab' * 32}.flac) cannot be read: BadAudio: The file is damaged.")
"""


def test_a_manager_takes_a_song_out_and_puts_it_back(open_context: Contexts, product: Product) -> None:
    product.shell(SET_UP)
    page = open_context("boss").new_page()
    page.goto("/c/songs/")
    assert "Its mixture (ab/" in page.inner_text("#set-aside")
    page.click("#tracks")
    assert serious_faults(page) == [] and narrow(page) <= 360
    page.get_by_label("Name, artist or album").fill("number 12")
    page.get_by_label("Name, artist or album").press("Enter")
    page.wait_for_url("**q=number+12**")
    page.locator("summary").press("Enter")
    page.get_by_label("Why").fill("not ours to use")
    assert serious_faults(page) == [] and narrow(page) <= 360
    page.get_by_label("Why").press("Enter")
    page.wait_for_selector("#undo")
    assert "not ours to use" in page.inner_text("#track-list") and "q=number+12" in page.url
    assert serious_faults(page) == [] and narrow(page) <= 360

    # Another page of the same manager follows by itself.
    other = page.context.new_page()
    other.goto("/c/songs/tracks/?state=aside")
    wait_for(lambda: "on" in (other.get_attribute("#live-state", "class") or ""), "live page", 60)
    assert "2 tracks" in other.inner_text("#track-list")
    page.click("#undo")
    page.wait_for_selector("#changed.success")
    assert "in use again" in page.inner_text("#changed")
    wait_for(lambda: "1 track" in other.inner_text("#track-list"), "list that follows", 60)

    # What the platform set aside is settled by a manager's word; nothing waits for anybody then.
    other.get_by_role("button", name="Leave A song with a long name, number 7 out").click()
    other.wait_for_selector("#changed.warning")
    assert other.locator("#to-look-at").count() == 0
