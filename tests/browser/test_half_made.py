"""What is half made on the annotate page is finished where that is beyond doubt, else asked about; nothing goes without a word."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.annotating import CLIP, READY, Contexts, Desk, add, hear_all, on_second_task, row, times, until, until_marks
from tests.browser.test_reach import serious_faults
from tests.product import wait_for

pytestmark = pytest.mark.browser

N_DESKS = 14
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
HALF = "document.getElementById('half-dialog').open"


def play_from(page: Page, second: float, loop: tuple[float, float] | None = None) -> None:
    """Play from here, without a reaction to take off, slowly enough for a busy machine."""
    page.evaluate("unbleed.keep.keepChoice('reaction', 0); unbleed.player.rate = 0.5")
    if loop:
        page.evaluate("([start, end]) => (unbleed.player.loop = { start, end })", list(loop))
    page.evaluate(f"unbleed.player.seek({second})")
    page.evaluate("unbleed.player.play()")
    until(page, f"unbleed.player.time > {second + 0.1}", "sound")


def hold(page: Page) -> Any:
    """Press M, and say where the mark begins."""
    page.keyboard.down("m")
    return page.evaluate("unbleed.marking.from")


def tap(page: Page) -> Any:
    """Tap M, as quickly as a person does, however slow the machine is, and say where the mark begins."""
    page.evaluate(
        """() => {
          const key = { key: 'm', code: 'KeyM', bubbles: true };
          for (const kind of ['keydown', 'keyup']) document.body.dispatchEvent(new KeyboardEvent(kind, key));
        }"""
    )
    return page.evaluate("unbleed.marking.from")


def release(page: Page) -> float:
    """Let M go, and say where play is then."""
    page.keyboard.up("m")
    return page.evaluate("unbleed.player.time")


def select(page: Page, start: float, end: float) -> None:
    """Drag over the picture, clip seconds."""
    box = page.locator("#strip").bounding_box()
    assert box
    x = [box["x"] + second / LENGTH * box["width"] for second in (start, end)]
    y = box["y"] + 0.3 * box["height"]
    page.mouse.move(x[0], y)
    page.mouse.down()
    page.mouse.move(x[1], y, steps=5)
    page.mouse.up()


def choose(page: Page, choice: str) -> str:
    """Answer the question, with the keyboard; returns what it was."""
    until(page, HALF, "question about what is half made")
    asked = page.inner_text("#half-said")
    page.get_by_role("button", name=choice, exact=True).focus()
    page.keyboard.press("Enter")
    return asked


MARKING = """async (cases) => {
  const { Course } = await import('/static/annotation/shared/course.js');
  const { Marking } = await import('/static/annotation/shared/marking.js');
  return cases.map((steps) => {
    const made = [];
    const player = { course: new Course(), duration: 12, loop: null, when: (ms) => ms / 1000, get time() { return 0; } };
    const marking = new Marking(player, { add: (start, end) => made.push([start, end]), reaction: () => 0.25, changed: () => {} });
    for (const [at, what, place, loop] of steps) {
      if (what === 'play') player.course.play(at, { when: at, offset: place, rate: 1, loop: loop ?? null, end: 12 });
      else if (what === 'rest') player.course.rest(at, place);
      else marking[what](at * 1000);
    }
    return made;
  });
}"""
LOOP = {"start": 2, "end": 4}


def test_a_mark_is_what_was_heard_between_pressing_and_letting_go(open_context: Contexts, desk: Desk) -> None:
    cases: dict[str, tuple[list, list]] = {
        "less the reaction": ([(0, "play", 0), (3, "press"), (5, "release")], [[2.75, 4.75]]),
        "not before the sound began": ([(0, "rest", 3), (1, "play", 3), (1.1, "press"), (2, "release")], [[3, 3.75]]),
        "not before a seek": ([(0, "play", 0), (5, "play", 8), (5.125, "press"), (6, "release")], [[8, 8.75]]),
        "over a turn": ([(0, "play", 2, LOOP), (1.25, "press"), (2.75, "release")], [[2, 2.5], [3, 4]]),
        "let go right after the turn": ([(0, "play", 2, LOOP), (1.25, "press"), (2.125, "release")], [[3, 4]]),
        "tapped over a turn": ([(0, "play", 2, LOOP), (1.25, "press"), (1.375, "release"), (2.75, "press")], [[2, 2.5], [3, 4]]),
        "held over a seek": ([(0, "play", 0), (1, "press"), (2, "play", 8), (3, "release")], [[0.75, 2], [8, 8.75]]),
        "held over a seek back": ([(0, "play", 0), (2, "press"), (4, "play", 1), (6, "release")], [[1, 4]]),
        "tapped, and sought forward": ([(0, "play", 0), (1, "press"), (1.125, "release"), (2, "play", 8), (3, "press")], [[0.75, 8.75]]),
        "tapped, then into a loop elsewhere": (
            [(0, "play", 8), (0.5, "press"), (0.625, "release"), (1, "play", 2, LOOP), (3.75, "press")],
            [[2, 4], [8.25, 9]],
        ),
        "held and paused": ([(0, "play", 0), (1, "press"), (3, "rest", 3), (5, "release")], [[0.75, 3]]),
        "held, paused, and gone elsewhere": ([(0, "play", 0), (1, "press"), (3, "rest", 3), (4, "rest", 9), (5, "release")], [[0.75, 3]]),
        "tapped at rest": ([(0, "rest", 2), (1, "press"), (1.5, "release"), (2, "rest", 3), (3, "press")], [[2, 3]]),
        "the key is lost": ([(0, "play", 0), (1, "press"), (3, "lose")], [[0.75, 3]]),
    }
    page = desk.open(open_context("ann"))
    made = page.evaluate(MARKING, [steps for steps, _ in cases.values()])
    assert dict(zip(cases, made, strict=True)) == {name: wanted for name, (_, wanted) in cases.items()}


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
    assert start == pytest.approx(CLIP[0] + began, abs=0.02) and end >= CLIP[0] + began + 0.2


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
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    box = page.locator("#label-studio canvas").first.bounding_box()
    assert box
    y = box["y"] + 0.6 * box["height"]
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=6)
    page.wait_for_timeout(200)
    page.keyboard.press("Control+Enter")
    on_second_task(page)
    page.mouse.up()
    assert desk.marks() == [pytest.approx((CLIP[0] + 3, CLIP[0] + 6), abs=0.2)]
    # An edge that is being dragged in the picture.
    hear_all(page)
    add(page, 2, 4)
    page.wait_for_timeout(100)
    box = page.locator("#strip").bounding_box()
    assert box
    x = [box["x"] + second / LENGTH * box["width"] for second in (4, 7)]
    page.mouse.move(x[0], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(x[1], box["y"] + 20, steps=5)
    page.keyboard.press("Control+Enter")
    wait_for(lambda: len(desk.marks()) == 2, "answer")
    page.mouse.up()
    assert desk.marks()[0] == pytest.approx((CLIP[0] + 2, CLIP[0] + 7), abs=0.05)


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
