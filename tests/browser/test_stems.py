"""A campaign on drums as a person sees it: no page of it speaks of a voice, and what they mark is drums."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.annotating import CLIP, Desk, add, hear_all, until
from tests.hub.reading import OF_A_VOICE
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser


def test_who_marks_drums_reads_of_drums(open_context: Callable[..., BrowserContext], product: Product) -> None:
    product.shell(f"from tests.browser.desk import set_up\nset_up('on-drums', 1, {CLIP}, stem='drums', instructions='')")
    desk = Desk(product, "on-drums")
    page = desk.open(open_context("ann"))
    page.locator("#instructions").evaluate("one => one.open = true")
    said = page.inner_text("main")
    assert "Listen to the extracted drums. Mark every stretch where you hear something that is not a drum while no drums play" in said
    assert "Extracted drums: mark here what should be silent" in said and "False positive drums" in said
    assert "If nothing sounds in the drums while no drums play" in said
    assert not re.search(OF_A_VOICE, said)
    page.keyboard.press("?")
    until(page, "document.getElementById('help').open", "list of keys")
    keys = page.inner_text("#help")
    assert "listen to the extracted drums" in keys and not re.search(OF_A_VOICE, keys)
    page.keyboard.press("Escape")

    page.keyboard.press("2")
    until(page, "unbleed.player.stem === 'mix'", "mix")
    page.keyboard.press("1")
    until(page, "unbleed.player.stem === 'drums'", "drums")
    add(page, 2, 3.5)
    hear_all(page)
    page.keyboard.press("Control+Enter")
    ((_, status, result, *_),) = wait_for(desk.answers, "kept answer")
    assert status == "accepted"
    assert (result[0]["to_name"], result[0]["value"]["labels"]) == ("drums", ["False positive drums"])

    page.goto("/c/on-drums/")
    page.wait_for_selector("text=how much leak, drums and SDR changed")
    said = page.inner_text("main")
    assert "how much leak, drums and SDR changed" in said and not re.search(OF_A_VOICE, said)
