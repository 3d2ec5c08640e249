"""Quick questions on a telephone: answered by the thumb, also without a network."""

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import Contexts, Desk, until
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser
TELEPHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
CLIP = (10.0, 15.0)
STATE = "document.getElementById('quick')?.dataset"
WHERE = "document.getElementById('where').textContent"
READY = f"{STATE}?.state === 'ready'"


@pytest.fixture(scope="module")
def desk(product: Product) -> Desk:
    product.shell(f"from tests.browser.desk import set_up\nset_up('quick', 4, {CLIP}, quick_share=1.0)")
    return Desk(product, "quick")


def answer_clip(page: Page) -> list[str]:
    """Answer every question of the clip by the thumb, as it has sounded; returns what was said."""
    task = page.evaluate("document.querySelectorAll('#segments li').length")
    said = []
    for number in range(1, task + 1):
        until(page, f"{READY} && {WHERE}.startsWith('Question {number} of')", f"question {number}", 30)
        word = "yes" if number == 1 else "no"
        page.tap(f"#{word}")
        said.append(word)
    until(
        page,
        f"!({READY} && {WHERE}.startsWith('Question {task} of')) || document.querySelector('#segments li.now:first-child')",
        "next clip",
        30,
    )
    return said


def in_reach(page: Page) -> None:
    """The answers lie in the lower half, are at least 60 px high, and nothing scrolls sideways."""
    for name in ("yes", "no", "cannot-tell"):
        box = page.locator(f"#{name}").bounding_box()
        assert box and box["height"] >= 60 and box["y"] > 370 and box["y"] + box["height"] <= 740, (name, box)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_clip_by_the_thumb_then_offline_then_back(open_context: Contexts, desk: Desk) -> None:
    context = open_context("ann", **TELEPHONE)
    page = context.new_page()
    page.goto(f"/c/{desk.slug}/quick/")
    until(page, f"{READY} && {STATE}.ahead === '2' && {STATE}.kept", "questions, and two clips ahead")
    in_reach(page)
    page.tap("#play")
    page.tap("#yes")
    until(page, f"{WHERE}.startsWith('Question 2 of')", "the next question by itself", 30)
    page.tap("#undo")
    until(page, f"{WHERE}.startsWith('Question 1 of')", "the question that was taken back", 30)
    said = answer_clip(page)
    ((_, status, result, heard, _, _),) = wait_for(desk.answers, "answer", 60)
    assert status == "accepted"
    assert [item["value"]["choices"][0] for item in result if item["type"] == "choices"] == said
    assert sum(end - start for start, end in heard) > 4

    until(page, f"{READY} && {STATE}.ahead === '2'", "clips ahead")
    page.wait_for_timeout(300)
    context.set_offline(True)
    answer_clip(page)
    until(page, f"{STATE}.waiting === '1' && {READY}", "answer that waits, and the next clip", 60)
    in_reach(page)
    # The browser's own switch is forgotten by a reload through a service worker: so nothing of either gets out.
    (worker,) = context.service_workers
    worker.evaluate("() => { self.fetch = () => Promise.reject(new TypeError('no network')); }")
    page.route("**/api/**", lambda route: route.abort())
    context.set_offline(False)
    page.reload()
    until(page, f"{READY} && {STATE}.waiting === '1'", "the page without a network", 60)
    assert len(desk.answers()) == 1
    page.unroute("**/api/**")
    until(page, f"{STATE}.waiting === '0'", "answer that has arrived", 90)
    assert len(desk.answers()) == 2
