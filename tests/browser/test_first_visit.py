"""The first visit of a person, end to end, as their browser sees it: from sign-in to the first clip of the queue."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Watch, until
from tests.product import Product, wait_for

pytestmark = pytest.mark.browser

SLUG = "first-visit"
SET_UP = f"""
from annotation.models import Campaign
from tests.browser.desk import set_up
set_up({SLUG!r}, 1, (10.0, 22.0))
Campaign.objects.filter(slug={SLUG!r}).update(onboarding=True)
"""
RIGHT = f"""
from annotation.models import FirstVisit
from annotation.services import first_visit
visit = FirstVisit.objects.get(membership__campaign__slug={SLUG!r})
print(*(first_visit.right_ear(visit, n) for n in (1, 2)), *(first_visit.right_three(visit, n)[0] + 1 for n in (1, 2, 3)))
"""


def play(page: Page, selector: str) -> None:
    """Play a sound for a moment, as a person would before they answer."""
    sound = f"document.querySelector({json.dumps(selector)})"
    page.evaluate(f"{sound}.play()")
    until(page, f"{sound}.currentTime > 0.1", f"a moment of {selector}")
    page.evaluate(f"{sound}.pause()")


def at(page: Page, path: str) -> None:
    page.wait_for_url(f"**/c/{SLUG}/{path}")


def test_a_first_visit_from_consent_to_the_first_clip(open_context: Callable[..., BrowserContext], product: Product, watch: Watch) -> None:
    product.shell(SET_UP)
    page = open_context("ann").new_page()
    page.goto(f"/c/{SLUG}/annotate/")

    at(page, "welcome/consent/")
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Agree and go on").click()

    at(page, "welcome/sound/")
    for selector in ("#volume", "audio[aria-label='Tone 1']", "audio[aria-label='Three tones, number 3']"):
        play(page, selector)
    said = product.shell(RIGHT).split()
    names = ("ear-1", "ear-2", "three-1", "three-2", "three-3")
    for name, value in zip(names, said, strict=True):
        page.check(f"input[name={name}][value='{value}']")
    page.get_by_role("button", name="Check").click()

    at(page, "welcome/instructions/")
    assert "Breath is voice." in page.inner_text("main")
    play(page, ".is-good audio")
    play(page, ".is-bad audio")
    page.get_by_role("button", name="I have heard the examples").click()

    # Practice: a mark made while listening, by key; the feedback says what was missed and what was too much.
    at(page, "welcome/practice/1/")
    until(page, "document.getElementById('player').readyState >= 2", "clip to practise on")
    page.evaluate("document.getElementById('player').currentTime = 2.5")
    page.keyboard.press("m")
    page.click("#send")
    assert "begun a mark at 2.50 s" in page.inner_text("#half-made"), "what is half made is not sent without a word"
    page.keyboard.press("Escape")
    page.evaluate("document.getElementById('player').currentTime = 4.5")
    page.keyboard.press("m")
    page.keyboard.press("x")
    until(page, "document.getElementById('player').src.includes('mix') && document.getElementById('player').readyState >= 2", "mix")
    assert page.evaluate("document.getElementById('player').currentTime") == pytest.approx(4.5, abs=0.1)
    page.evaluate("document.getElementById('player').currentTime = 6.5")
    page.keyboard.press("m")
    fields = page.locator("#marks tr").first.locator("input")
    assert float(fields.nth(0).input_value()) == pytest.approx(4.5, abs=0.1)
    assert float(fields.nth(1).input_value()) == pytest.approx(6.5, abs=0.1)
    page.click("#send")
    page.wait_for_selector("#feedback")
    assert "All right." in page.inner_text("#feedback")
    page.click("#next")

    at(page, "welcome/practice/2/")
    page.locator("#marks tr").first.locator("input").nth(0).fill("4.0")
    page.locator("#marks tr").first.locator("input").nth(1).fill("5.0")
    page.click("#send")
    page.wait_for_selector("#feedback")
    assert "You missed 0.8 to 2.4 s, 7.2 to 8.8 s" in page.inner_text("#feedback")
    assert "Too much was 4.0 to 5.0 s" in page.inner_text("#feedback")
    lanes = page.locator("#time-line rect.missed")
    wide = [box["width"] for box in (lanes.nth(n).bounding_box() for n in range(2)) if box]
    assert len(wide) == 2 and all(width > 20 for width in wide), "drawn to be seen"
    page.click("#next")
    for number in (3, 4, 5):
        at(page, f"welcome/practice/{number}/")
        page.click("#send")
        page.wait_for_selector("#feedback")
        page.click("#next")

    at(page, "welcome/")
    page.click("#to-queue")
    at(page, "annotate/")
    until(page, "document.getElementById('annotate')?.dataset.state === 'ready'", "the first clip")

    # The person's own page, and the way out; the clip that was open elsewhere leads there too.
    elsewhere, page = page, page.context.new_page()
    page.goto(f"/c/{SLUG}/me/")
    page.get_by_role("button", name="Withdraw my consent").click()
    wait_for(lambda: "you get no clips" in page.inner_text("#consent"), "words on the own page")
    page.goto(f"/c/{SLUG}/annotate/")
    at(page, "welcome/consent/")
    watch.allow("/submission/", "/skip/", "/next/")
    elsewhere.click("#skip")
    elsewhere.get_by_role("button", name="Skip it").click()
    at(elsewhere, "me/")


def test_a_phone_shows_the_first_visit_without_scrolling_sideways(open_context: Callable[..., BrowserContext], product: Product) -> None:
    slug = "first-visit-phone"
    product.shell(f"from tests.browser.desk import set_up\nset_up({slug!r}, 1, (10.0, 22.0))")
    product.shell(
        "from annotation.models import Membership, FirstVisit\n"
        f"ann = Membership.objects.get(campaign__slug={slug!r})\n"
        "FirstVisit.objects.create(membership=ann, consent='given', sound='passed', instructions_version=1)"
    )
    page = open_context("ann", viewport={"width": 360, "height": 740}).new_page()
    for path in ("welcome/consent/", "welcome/sound/", "welcome/instructions/", "welcome/practice/1/", "me/"):
        page.goto(f"/c/{slug}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
