"""A note to the lab on the annotate page: without a network its text is kept, and with one it arrives."""

import pytest

from tests.browser.annotating import CLIP, READY, Contexts, Desk, until
from tests.product import Product

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(product: Product) -> Desk:
    product.shell(f"from tests.browser.desk import set_up\nset_up('notes', 1, {CLIP})")
    return Desk(product, "notes")


def test_a_note_by_keys_alone_also_after_a_lost_network(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann")
    page = context.new_page()
    page.goto("/c/notes/annotate/")
    until(page, READY)
    page.keyboard.press("w")
    page.keyboard.type("Is that a guitar, or noise?")  # n, m and s are letters here
    context.set_offline(True)
    page.keyboard.press("Control+Enter")
    until(page, "document.getElementById('note-said').textContent.includes('kept in this browser')")
    page.keyboard.press("Escape")
    context.set_offline(False)
    page.keyboard.press("w")
    assert page.input_value("#note-text") == "Is that a guitar, or noise?"
    page.keyboard.press("Control+Enter")
    until(page, "!document.getElementById('note').open")
    assert page.inner_text("#notice-text").startswith("Your note is sent.")
    assert desk.rows("one.text, one.replied", "note") == [("Is that a guitar, or noise?", None)]
