"""What is half made on the annotate page is finished where that is beyond doubt, else asked about; nothing goes without a word."""

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import (
    CLIP,
    READY,
    Contexts,
    Desk,
    add,
    drag,
    hear_all,
    hold,
    on_second_task,
    play_from,
    times,
    until,
    until_marks,
    waveform,
)
from tests.browser.reach import serious_faults
from tests.product import wait_for

pytestmark = pytest.mark.browser

HALF = "document.getElementById('half-dialog').open"


def select(page: Page, start: float, end: float) -> None:
    """Drag over the picture with Shift, clip seconds."""
    page.keyboard.down("Shift")
    drag(page, start, end)
    page.keyboard.up("Shift")


def choose(page: Page, choice: str) -> str:
    """Answer the question, with the keyboard; returns what it was."""
    until(page, HALF, "question about what is half made")
    asked = page.inner_text("#half-said")
    page.get_by_role("button", name=choice, exact=True).focus()
    page.keyboard.press("Enter")
    return asked


def test_a_mark_begun_and_not_ended_is_asked_about(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    hear_all(page)
    page.evaluate("unbleed.player.seek(3)")
    page.keyboard.press("m")
    page.evaluate("unbleed.player.seek(4)")
    page.keyboard.press("n")
    until(page, HALF, "question")
    assert serious_faults(page) == [], "of the question"
    page.keyboard.press("Escape")
    until(page, f"!{HALF}", "closed question")
    assert page.evaluate("unbleed.marking.from") == 3 and desk.answers() == [], "back: nothing has changed"
    page.keyboard.press("n")
    assert "begun a mark at 3.00 s" in choose(page, "Mark it")
    wait_for(lambda: times(page) == [(3, 4)], "mark")
    assert "Now there is a mark" in page.inner_text("#notice") and desk.answers() == []
    page.evaluate("unbleed.player.seek(6)")
    page.keyboard.press("m")
    page.evaluate("unbleed.player.seek(8)")
    page.keyboard.press("Control+Enter")
    assert "8.00 s" in choose(page, "Leave it out")
    on_second_task(page)
    assert desk.marks() == [(CLIP[0] + 3, CLIP[0] + 4)]
    # The next clip: nothing wrong, indeed; and a held key is let go by going on.
    hear_all(page)
    page.keyboard.press("m")
    page.keyboard.press("s")
    assert "begun a mark at 0.00 s" in choose(page, "Back")
    play_from(page, 2)
    page.keyboard.press("m")  # ends the one begun at 0
    until_marks(page, 1)
    began = hold(page)
    until(page, f"unbleed.player.time > {began + 0.2}")
    page.keyboard.press("Control+Enter")
    page.keyboard.up("m")
    wait_for(lambda: len(desk.marks()) == 3, "answer with the mark that was held")
    start, end = desk.marks()[1]
    assert start == pytest.approx(CLIP[0] + began, abs=0.02) and end >= CLIP[0] + began + 0.15


def test_a_reload_keeps_a_mark_in_the_making(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    add(page, 1, 2)
    page.locator("h1").click()
    page.evaluate("unbleed.player.seek(3)")
    page.keyboard.press("m")
    page.evaluate("unbleed.player.seek(5.5)")
    page.fill("#add-start", "8")
    page.fill("#add-end", "9")
    wait_for(lambda: desk.drafts() and len(desk.drafts()[0][0]) == 3, "draft on the server")
    values = [region["value"] for region in desk.drafts()[0][0]]
    assert [(value["start"], value["end"], value["labels"]) for value in values[1:]] == [
        (3, 5.5, ["False positive vocals"]),
        (8, 9, ["False positive vocals"]),
    ], "in the server's draft, as Label Studio writes marks"
    page.evaluate("unbleed.player.seek(6)")
    page.reload()
    until(page, READY)
    assert times(page) == [(1, 2), (3, 6), (8, 9)]
    assert "begun and not ended" in page.inner_text("#notice") and "6.00 s" in page.inner_text("#notice")
    assert page.input_value("#add-start") == ""
    hear_all(page)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert desk.marks() == [(CLIP[0] + 1, CLIP[0] + 2), (CLIP[0] + 3, CLIP[0] + 6), (CLIP[0] + 8, CLIP[0] + 9)]
    assert "meta" not in desk.answers()[0][2][1] or not desk.answers()[0][2][1]["meta"], "an answer's marks are marks"


def test_typed_times_count_and_do_not_reach_the_next_clip(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    hear_all(page)
    page.fill("#add-start", "3")
    page.keyboard.press("Control+Enter")
    assert "Give both times" in choose(page, "Back")
    page.fill("#add-end", "4")
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert desk.marks() == [(CLIP[0] + 3, CLIP[0] + 4)]
    assert page.input_value("#add-start") == page.input_value("#add-end") == ""
    hear_all(page)
    page.fill("#add-start", "5")
    page.fill("#add-end", "6")
    page.locator("h1").click()
    page.keyboard.press("n")
    assert "6.00 s" in choose(page, "Leave it out"), "beside nothing wrong, even whole times are asked about"
    wait_for(lambda: len(desk.answers()) == 2, "answer")
    assert len(desk.marks()) == 1


def test_a_selection_is_asked_about_unless_it_is_marked(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    hear_all(page)
    add(page, 1, 2)
    select(page, 3, 4)
    page.click("#submit")
    assert "You have selected 3.0" in choose(page, "Mark it")
    on_second_task(page)
    assert desk.marks() == [(CLIP[0] + 1, CLIP[0] + 2), pytest.approx((CLIP[0] + 3, CLIP[0] + 4), abs=0.05)]
    hear_all(page)
    add(page, 2, 6)
    select(page, 3, 4)  # to hear it again
    page.keyboard.press("Control+Enter")
    wait_for(lambda: len(desk.answers()) == 2, "answer without a question")
    assert len(desk.marks()) == 3


def test_what_the_mouse_still_draws_is_finished(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    hear_all(page)
    box = waveform(page)
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    y = box["y"] + 0.6 * box["height"]
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=6)
    page.wait_for_timeout(200)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    page.mouse.up()
    assert desk.marks() == [pytest.approx((CLIP[0] + 3, CLIP[0] + 6), abs=0.2)]
    # An edge that is being dragged in the picture, and a mark that is being drawn there.
    hear_all(page)
    add(page, 2, 4)
    page.wait_for_timeout(100)
    drag(page, 4, 7, drop=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert times(page) == [(2, 4)], "given up"
    drag(page, 8, 9, drop=False)
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    page.mouse.up()
    until_marks(page, 2, "mark that was being drawn when the page was left")
    drag(page, 4, 7, drop=False)
    page.keyboard.press("Control+Enter")
    wait_for(lambda: len(desk.marks()) == 3, "answer")
    page.mouse.up()
    assert desk.marks()[0] == pytest.approx((CLIP[0] + 2, CLIP[0] + 7), abs=0.05)
    assert desk.marks()[2] == pytest.approx((CLIP[0] + 8, CLIP[0] + 9), abs=0.05)


def test_leaving_asks_only_where_something_would_go(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    leaving = "(() => { const event = new Event('beforeunload', { cancelable: true }); return !window.dispatchEvent(event); })()"
    assert page.evaluate(leaving) is False
    page.keyboard.press("m")
    page.fill("#add-start", "1")
    page.fill("#add-end", "2")
    assert page.evaluate(leaving) is False, "the draft has it"
    page.fill("#add-end", "")
    assert page.evaluate(leaving) is True, "a time that makes no mark yet"
    page.fill("#add-start", "")
    select(page, 3, 4)
    assert page.evaluate(leaving) is True
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    assert page.evaluate(leaving) is False
