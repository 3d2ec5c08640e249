"""Before the first round: the preview in the settings follows what is typed, and the study designer fills the settings in."""

import pytest

from tests.browser.annotating import Contexts
from tests.browser.reach import narrow, serious_faults
from tests.product import Product

pytestmark = pytest.mark.browser

SET_UP = """
from tests import worlds
worlds.member(worlds.campaign("starting"), "starter", "owner")
"""


def test_a_study_fills_the_settings_in_whose_preview_is_the_annotators_page(open_context: Contexts, product: Product) -> None:
    product.shell(SET_UP)
    page = open_context("starter").new_page()
    page.goto("/c/starting/settings/")
    page.click("#study")
    page.wait_for_selector("[data-chart=chart-study] canvas")
    assert serious_faults(page) == [] and narrow(page) <= 360
    page.fill("#id_f1", "0.9")
    page.click("text=Work it out")
    page.click("#use")
    assert page.inner_text("#filled-in").startswith("From the study designer: length of a clip, in seconds 15")

    page.fill("#id_instructions", "Mark <b>violins</b> first.")
    page.click("#preview summary")
    preview = page.frame_locator("#preview-frame")
    preview.locator("#task").wait_for(state="visible", timeout=60_000)
    assert preview.locator("#instructions-text").inner_text() == "Mark <b>violins</b> first."
    assert not preview.locator("#opposite").is_visible()
    page.locator("details", has=page.locator("#id_collects_missing")).locator("summary").click()
    page.check("#id_collects_missing")
    preview.locator("#opposite").wait_for(state="visible", timeout=60_000)
    assert serious_faults(page) == [] and narrow(page) <= 360
