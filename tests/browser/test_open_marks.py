"""A mark in the making: it holds what sounded between pressing and letting go, whatever play does meanwhile."""

import pytest

from tests.browser.annotating import (
    CLIP,
    Contexts,
    Desk,
    hear_all,
    hold,
    on_second_task,
    play_from,
    release,
    row,
    tap,
    times,
    until,
    until_marks,
)
from tests.product import wait_for

pytestmark = pytest.mark.browser

LENGTH = CLIP[1] - CLIP[0]
LATE_TAP = """() => {  // the tap that was to end the mark comes when the clip has ended it
  const { marking } = unbleed;
  const { changed } = marking;
  marking.changed = () => {
    changed();
    const moment = performance.now() + 100;
    if (marking.from === null) setTimeout(() => marking.press(moment));
    marking.changed = changed;
  };
}"""


def test_a_mark_begun_after_a_jump_is_no_late_end_of_the_last_one_though_the_clock_stands(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    play_from(page, LENGTH - 1)
    page.keyboard.down("m")
    until(page, "!unbleed.player.playing", "end of the clip")
    until_marks(page, 1, "mark up to the end")
    page.keyboard.up("m")
    stands = "Object.defineProperty(unbleed.player.clock, 'now', { value: unbleed.player.course.since })"
    page.evaluate(f"{stands}; unbleed.player.seek(4.5)")  # as on a machine that cannot keep up
    page.keyboard.press("m")
    assert page.evaluate("unbleed.marking.from") == 4.5


@pytest.mark.parametrize("held", [True, False], ids=["held", "tapped"])
def test_an_open_mark_ends_where_the_clip_ends(open_context: Contexts, desk: Desk, held: bool) -> None:
    page = desk.open(open_context("ann"))
    play_from(page, LENGTH - 2)
    if held:
        page.keyboard.down("m")
    else:
        tap(page)
    began = page.evaluate("unbleed.marking.from")
    if not held:
        page.evaluate(LATE_TAP)
    until(page, "!unbleed.player.playing", "end of the clip")
    wait_for(lambda: times(page) == [(pytest.approx(began, abs=0.01), pytest.approx(LENGTH, abs=0.01))], "mark up to the end")
    page.wait_for_timeout(200)
    page.keyboard.up("m")
    assert page.evaluate("unbleed.marking.from") is None and len(times(page)) == 1
    hear_all(page)
    page.keyboard.press("n")
    assert desk.answers() == [], "nothing wrong is no answer beside a mark"
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    assert desk.marks() == [pytest.approx((CLIP[0] + began, CLIP[1]), abs=0.02)]


def test_a_mark_across_the_turn_of_a_loop_is_what_sounded_not_the_rest(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    for held in (True, False):
        play_from(page, 4, loop=(2, 6))
        began = hold(page) if held else tap(page)
        until(page, "unbleed.player.time < 4 && unbleed.player.time > 2.3", "turn")
        before = page.evaluate("unbleed.player.time")
        if held:
            page.keyboard.up("m")
        else:
            tap(page)
        ended = page.evaluate("unbleed.player.time")
        until_marks(page, 2, "two marks")
        (first, last), (second, end) = times(page)
        assert (first, end) == (2, 6) and second == pytest.approx(began, abs=0.01)
        assert before - 0.05 <= last <= ended + 0.01
        for _ in range(2):
            row(page, 0).get_by_role("button", name="Delete").click()
            page.wait_for_timeout(150)
        wait_for(lambda: times(page) == [], "empty table")
    # Held for a whole round, all of the loop is marked, once.
    play_from(page, 3.5, loop=(3, 4))
    hold(page)
    wait_for(lambda: times(page) == [(3, 4)], "mark of the whole loop")
    page.keyboard.up("m")
    assert page.evaluate("unbleed.marking.from") is None


def test_held_over_a_seek_or_a_pause_it_is_what_sounded(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    play_from(page, 5)
    began = hold(page)
    until(page, f"unbleed.player.time > {began + 0.3}")
    left = page.evaluate(
        "(() => { unbleed.player.pause(); const at = unbleed.player.time; unbleed.player.seek(9); unbleed.player.play(); return at; })()"
    )
    until(page, "unbleed.player.time > 9.3")
    release(page)
    until_marks(page, 2, "two marks")
    assert times(page)[0] == pytest.approx((began, left), abs=0.02) and times(page)[1][0] == 9
    # Back to where it has been: joined where they meet.
    page.evaluate("unbleed.player.seek(2); unbleed.player.play()")
    until(page, "unbleed.player.time > 2.1")
    began = hold(page)
    until(page, f"unbleed.player.time > {began + 0.3}")
    page.keyboard.press("ArrowLeft")
    back = page.evaluate("unbleed.player.time")
    until(page, f"unbleed.player.time > {began + 0.1}")
    release(page)
    until_marks(page, 3, "one mark more")
    assert began - 0.72 <= times(page)[0][0] <= back + 0.01 and times(page)[0][1] >= began + 0.3
    # Paused while it is held, and let go later: to where the sound stopped.
    page.evaluate("unbleed.player.seek(7); unbleed.player.play()")
    until(page, "unbleed.player.time > 7.1")
    began = hold(page)
    until(page, f"unbleed.player.time > {began + 0.3}")
    page.keyboard.press("Space")
    stopped = page.evaluate("unbleed.player.time")
    page.wait_for_timeout(400)
    release(page)
    until_marks(page, 4, "mark up to the pause")
    assert times(page)[2] == pytest.approx((began, stopped), abs=0.01)


def test_a_key_let_go_elsewhere_ends_the_mark(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    play_from(page, 3)
    began = hold(page)
    until(page, f"unbleed.player.time > {began + 0.3}")
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    gone = page.evaluate("unbleed.player.time")
    until_marks(page, 1)
    page.keyboard.up("m")
    ((start, end),) = times(page)
    assert start == pytest.approx(began, abs=0.01) and began + 0.29 <= end <= gone + 0.01
    page.evaluate("unbleed.player.pause()")
    # The button, held with the keyboard: letting go ends it, and so does losing the focus.
    for n, leave in enumerate(
        ("document.getElementById('mark').dispatchEvent(new KeyboardEvent('keyup', { key: ' ' }))", "document.activeElement.blur()")
    ):
        play_from(page, 6 + 2 * n)
        page.focus("#mark")
        page.keyboard.down("Space")
        until(page, "unbleed.marking.from !== null && unbleed.player.time > unbleed.marking.from + 0.3")
        page.evaluate(leave)
        page.evaluate("unbleed.player.pause()")
        until_marks(page, 2 + n, "mark made with the button")
        page.keyboard.up("Space")
    assert len(times(page)) == 3


def test_escape_gives_up_an_open_mark(open_context: Contexts, desk: Desk) -> None:
    page = desk.open(open_context("ann"))
    play_from(page, 3)
    hold(page)
    page.wait_for_timeout(400)
    page.keyboard.press("Escape")
    page.keyboard.up("m")
    tap(page)
    assert page.evaluate("unbleed.marking.from") is not None
    page.focus("#add-start")
    page.keyboard.press("Escape")
    assert page.evaluate("unbleed.marking.from") is None and page.inner_text("#mark-label") == "Hold to mark"
    page.wait_for_timeout(300)
    assert times(page) == []
