"""At the desk: the mouse in the picture, keys wherever the mouse was, sound as loud and as fast as wanted, one clip after the other."""

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import CLIP, READY, Contexts, Desk, add, drag, hear_all, on_second_task, times, until, until_marks
from tests.product import wait_for

pytestmark = pytest.mark.browser

LENGTH = CLIP[1] - CLIP[0]
SELECTED = "unbleed.editor.regions().filter(({ selected }) => selected).map(({ start }) => Math.round(start))"


def click(page: Page, second: float) -> None:
    drag(page, second, second)


def touch(page: Page, start: float, end: float) -> None:
    """A finger that goes over the picture, clip seconds."""
    page.evaluate(
        """([start, end]) => {
          const strip = document.getElementById('strip');
          strip.setPointerCapture = () => {};
          const { left, top, width } = strip.getBoundingClientRect();
          const at = (second) => ({ pointerType: 'touch', pointerId: 7, clientX: left + second * width, clientY: top + 50, bubbles: true });
          for (const [kind, second] of [['down', start], ['move', (start + end) / 2], ['move', end], ['up', end]]) {
            strip.dispatchEvent(new PointerEvent(`pointer${kind}`, at(second)));
          }
        }""",
        [start / LENGTH, end / LENGTH],
    )


def test_a_drag_marks_at_once_a_click_selects_and_marks_that_meet_are_one(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    drag(page, 2, 3)
    until_marks(page, 1)
    assert times(page)[0] == pytest.approx((2, 3), abs=0.05)
    drag(page, 6, 7)
    until_marks(page, 2)
    click(page, 6.5)
    assert page.evaluate(SELECTED) == [6] and page.evaluate("unbleed.player.time") == pytest.approx(6.5, abs=0.05)
    click(page, 9)
    assert page.evaluate(SELECTED) == [] and len(times(page)) == 2
    drag(page, 4, 5, drop=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert len(times(page)) == 2, "Escape gives up what is dragged"
    drag(page, 2.5, 6.5)  # from inside one mark into the other
    wait_for(lambda: times(page) == [pytest.approx((2, 7), abs=0.05)], "one mark of three")
    page.keyboard.press("z")
    wait_for(lambda: [round(start) for start, _ in times(page)] == [2, 6], "what was joined, apart again by one step")
    page.keyboard.press("Shift+Z")
    until_marks(page, 1, "joined again")
    page.keyboard.press("z")
    until_marks(page, 2)
    touch(page, 7 + 15 / 1000 * LENGTH, 9)  # beside the edge: near enough for a finger
    wait_for(lambda: times(page)[1][1] == pytest.approx(9, abs=0.3), "edge that a finger dragged")
    assert len(times(page)) == 2
    hear_all(page)
    page.keyboard.press("Enter")
    on_second_task(page)
    assert len(desk.marks()) == 2


def test_keys_are_the_pages_wherever_the_mouse_was(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    playing = "unbleed.player.playing"
    for where in ("#loop", "#mute", "#equal", "#zoom-in", "#listen label:nth-of-type(2)"):
        page.click(where)
        before = page.evaluate("[unbleed.player.muted, unbleed.editor.zoom, unbleed.player.equalLoudness]")
        played = page.evaluate(playing)
        page.keyboard.press("Space")
        until(page, f"{playing} === {str(not played).lower()}", f"sound after a click on {where}")
        assert page.evaluate("[unbleed.player.muted, unbleed.editor.zoom, unbleed.player.equalLoudness]") == before, where
    page.select_option("#speed", "2")
    assert page.evaluate("unbleed.player.rate") == 2
    was = page.evaluate(playing)
    page.locator("#mute").focus()  # by keyboard: its keys are its own
    muted = page.evaluate("unbleed.player.muted")
    page.keyboard.press("Space")
    assert page.evaluate("unbleed.player.muted") is not muted and page.evaluate(playing) == was
    add(page, 3, 4)
    hear_all(page)
    page.focus("#add-start")
    page.keyboard.press("Enter")  # in a form it is the form's
    assert "Give both times" in page.inner_text("#region-error") and desk.answers() == []


def test_what_is_muted_is_not_heard_and_loudness_and_speed_are_kept(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    page.keyboard.press("q")
    page.keyboard.press("Space")
    until(page, "unbleed.player.time > 1")
    page.keyboard.press("q")
    until(page, "unbleed.player.time > 2")
    page.keyboard.press("Space")
    until(page, "!unbleed.player.playing")
    ((start, end),) = page.evaluate("unbleed.heard.intervals()")
    assert start > 0.9 and end > 1.5
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
    page.select_option("#speed", "1.75")
    page.select_option("#strip-height", "tall")
    page.select_option("#strip-floor", "-70")
    page.reload()
    until(page, READY)
    assert page.evaluate("[unbleed.player.volume, unbleed.player.rate, unbleed.strip.picture.floor]") == [0.7, 1.75, -70]
    box = page.locator("#strip").bounding_box()
    assert box and box["height"] == 360


def test_the_next_clip_plays_by_itself_where_that_is_wanted(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    editor = "document.getElementById('label-studio')"
    page.evaluate(f"window.before = {editor}")
    page.check("#go-on")
    add(page, 1, 2)
    hear_all(page)
    page.locator("h1").click()
    page.keyboard.press("Enter")
    on_second_task(page)
    until(page, "unbleed.player.playing && unbleed.player.time > 0", "sound of the next clip")
    assert times(page) == [] and page.evaluate(f"window.before === {editor}"), "the editor was started once"
    page.keyboard.press("Enter")
    assert "There are no marks" in page.inner_text("#notice")
    page.keyboard.press("Enter")
    assert len(desk.answers()) == 1, "Enter twice is no answer that nothing is wrong"
    drag(page, 3, 4)
    until_marks(page, 1)
    page.reload()
    until(page, READY)
    assert page.is_checked("#go-on") and not page.evaluate("unbleed.player.playing"), "but a page that is opened waits"


def test_the_marks_are_seen_without_scrolling_at_1440_by_900(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann", viewport={"width": 1440, "height": 900}))
    page.locator("#instructions summary").click()
    for n in range(4):
        add(page, n, n + 0.5)
    page.evaluate("window.scrollTo(0, 0)")
    table, actions = page.locator("#regions").bounding_box(), page.locator(".actions").bounding_box()
    assert table and actions and table["y"] + table["height"] < actions["y"]
    assert (
        page.evaluate("(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.regions .table-scroll'))")
        <= 0
    )


def test_an_editor_that_nobody_sees_draws_nothing(open_context: Contexts, desk: Desk) -> None:
    """As when the queue is empty: a waveform without any width cannot be drawn, which the page would report as an error."""
    page = desk.open(open_context("ann"))
    until(page, "unbleed.editor.isDrawn", "waveforms")
    page.evaluate("document.getElementById('task').hidden = true; window.dispatchEvent(new Event('resize'))")
    page.wait_for_timeout(1000)  # what it draws, it draws some frames later
    page.evaluate("document.getElementById('task').hidden = false; window.dispatchEvent(new Event('resize'))")
    until(page, "unbleed.editor.view().width > 100", "waveform where it was")
