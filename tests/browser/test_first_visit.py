"""The first visit of a person, end to end, as their browser sees it: from sign-in to the first clip of the queue."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from annotation.core.first_visit_sounds import PRACTICE
from tests.browser.annotating import hear_all
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

    # Practice: the page that they will work on, with its keys; the truth comes after the answer.
    at(page, "welcome/practice/")
    for n in range(1, 6):
        until(page, f"document.getElementById('annotate')?.dataset.state === 'ready' && unbleed.task?.id === -{n}", f"practice clip {n}")
        hear_all(page)
        for start, end in PRACTICE[n - 1].leaks if n != 2 else [(1.0, 2.4), (4.0, 5.0)]:
            page.fill("#add-start", str(start))
            page.fill("#add-end", str(end))
            page.keyboard.press("Enter")
        if n == 1:
            page.click("#strip")
            page.keyboard.press("i")
            play(page, "#examples .is-bad audio")
            page.keyboard.press("Escape")
        page.click("#submit" if PRACTICE[n - 1].leaks else "#nothing")
        page.wait_for_selector("#outcome-next")
        told = page.inner_text("#outcome")
        assert "missed 7.2 to 8.8 s" in told if n == 2 else "All right." in told
        if n == 2:
            page.click("#outcome .faults button >> nth=1")
            until(page, "unbleed.player.playing", "what was wrong, to be heard again")
        page.focus("#outcome-next")
        page.keyboard.press("Enter")

    at(page, "welcome/")
    page.click("#to-queue")
    at(page, "annotate/")
    until(page, "document.getElementById('annotate')?.dataset.state === 'ready'", "the first clip")

    # The person's own page, and the way out; the clip that was open elsewhere leads there too.
    elsewhere, page = page, page.context.new_page()
    page.goto(f"/c/{SLUG}/me/")
    page.get_by_role("button", name="Stop for now").click()
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
    for path in ("welcome/consent/", "welcome/sound/", "welcome/instructions/", "welcome/practice/", "me/"):
        page.goto(f"/c/{slug}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
